//! The push.

use super::*;

const PENDING: Result<PushAnswer, Error> = Ok(PushAnswer::Pending);

fn auto(rules: &mut config::Login) {
    rules.push = SendMode::Auto;
}

fn only(rules: &mut config::Login) {
    rules.factors = vec![Factor::Push];
    rules.attempts = 1;
}

fn count(ran: &Ran, what: &str) -> usize {
    ran.sent
        .iter()
        .filter(|asked| asked.starts_with(what))
        .count()
}

#[test]
fn an_automatic_push_that_is_approved_needs_no_prompt() {
    let ran = Script::texts(&[])
        .rules(auto)
        .answers(vec![PENDING, Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(ran.outcome.factor, Some(Factor::Push));
    assert_eq!(ran.sent, ["app", "push", "answer", "answer"]);
    // The notice comes a second after the start; each poll takes 100 ms, and the second one comes
    // 500 ms after the first.
    assert_eq!(ran.took, Duration::from_millis(1000 + 500) + 2 * QUICK);
    assert_eq!(ran.shown, [built_in(Message::PushSent, Language::En)]);
    assert_eq!(
        ran.counted,
        ["acquire Push", "code accepted", "push approved"]
    );
}

#[test]
fn a_push_that_is_denied_ends_the_login_at_once() {
    let scripts = [
        ("automatic", Script::texts(&[]).rules(auto)),
        ("on request", Script::texts(&["push"])),
    ];
    let rows = scripts.map(|(name, script)| {
        let ran = script.answers(vec![Ok(PushAnswer::Denied)]).run();
        let outcome = ran.outcome;
        (
            name.to_owned(),
            (
                outcome.verdict,
                outcome.reason,
                outcome.factor,
                ran.counted.last().cloned(),
            ),
            (
                Verdict::Refused,
                Reason::PushDenied,
                Some(Factor::Push),
                Some("push denied".to_owned()),
            ),
        )
    });
    assert_rows(rows);
}

#[test]
fn an_unanswered_push_brings_the_prompt_after_ten_seconds_and_enter_polls_for_three_more() {
    let mut script = Script::texts(&["", "1234567"])
        .rules(auto)
        .verify(vec![Ok(())]);
    script.rules.attempts = 1;
    let ran = script.run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    let while_pending = built_in(Message::PromptPush, Language::En);
    assert_eq!(ran.prompts[0].1, while_pending);
    assert_eq!(ran.prompts[1].1, while_pending);
    assert_eq!(ran.notice_at(0), None);
    assert_eq!(ran.notice_at(1), Some(Message::PushPending));
    assert_eq!(ran.took, Duration::from_secs(13) + QUICK);
    assert_eq!(count(&ran, "push"), 1, "Enter sends no second push");
}

#[test]
fn enter_accepts_a_push_that_was_approved_meanwhile() {
    // Each poll takes 100 ms and the time until the next one 500 ms.
    let pending = vec![PENDING; 15];
    let ran = Script::texts(&[""])
        .rules(auto)
        .answers([&pending[..], &[Ok(PushAnswer::Approved)]].concat())
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(ran.prompts.len(), 1);
    assert_eq!(ran.took, Duration::from_secs(10) + QUICK);
}

#[test]
fn an_expired_push_falls_back_to_the_code_prompt() {
    let ran = Script::texts(&["push", "1234567"])
        .answers(vec![PENDING, Ok(PushAnswer::Expired)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.notice_at(1), Some(Message::PushExpired));
    assert_eq!(ran.prompts[1].1, prompt("push, sms or call"));
}

#[test]
fn a_push_expires_after_push_seconds_even_if_the_provider_says_pending() {
    let pauses = (0..6).map(|_| Typed::After(Duration::from_secs(3), ""));
    let typed = [Typed::Text("push")].into_iter().chain(pauses);
    let ran = Script::new(typed.chain([Typed::Text("1234567")]).collect())
        .rules(|rules| rules.attempts = 2)
        .verify(vec![Ok(())])
        .run();
    // Forty seconds: ten of the first poll, and six for each Enter, of which the fifth is the last
    // one before the push expires. The next one is a reply.
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 2));
    assert_eq!(ran.notice_at(5), Some(Message::PushPending));
    assert_eq!(ran.notice_at(6), Some(Message::PushExpired));
    assert_eq!(ran.notice_at(7), Some(Message::NotACode));
    assert_eq!(ran.push_requests[0].seconds, 40);
}

#[test]
fn a_push_that_is_approved_after_the_deadline_is_refused() {
    let mut script = Script::new(vec![Typed::After(Duration::from_millis(89_500), "push")]);
    script.answers = vec![Ok(PushAnswer::Approved)];
    let ran = script.run();
    assert_eq!(ran.outcome.verdict, Verdict::Refused);
    assert_eq!(ran.outcome.reason, Reason::Deadline);
}

#[test]
fn a_person_without_the_app_reads_so_and_sees_the_same_prompt() {
    let mut script = Script::texts(&["push", "push", "1234567"]).verify(vec![Ok(())]);
    script.app = vec![Ok(false)];
    let ran = script.run();
    assert_eq!(ran.notice_at(1), Some(Message::PushNoApp));
    assert_eq!(ran.prompts[1].1, prompt("push, sms or call"));
    assert_eq!(ran.sent, ["app", "verify 1234567"]);
    assert!(ran.counted.iter().all(|noted| noted != "acquire Push"));
}

#[test]
fn a_failed_push_is_shown_and_neither_ends_the_login_nor_counts_as_an_outage() {
    let kinds = [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::KeyRefused,
    ];
    let rows = kinds.into_iter().flat_map(|kind| {
        ["app", "push"].map(|request| {
            let mut script = Script::texts(&["push", "1234567"])
                .rules(|rules| rules.when_unavailable = Fallback::Ignore)
                .verify(vec![Ok(())]);
            match request {
                "app" => script.app = vec![Err(error(kind))],
                _ => script.push = vec![Err(error(kind))],
            }
            let ran = script.run();
            let expected = (Verdict::Accepted, Reason::CodeAccepted, 1);
            (
                format!("{request} {kind:?}"),
                (ran.result(), ran.notice_at(1)),
                (expected, Some(Message::PushFailed)),
            )
        })
    });
    assert_rows(rows);
}

#[test]
fn a_push_that_failed_is_not_counted() {
    let mut script = Script::texts(&["push", "1234567"]).verify(vec![Ok(())]);
    script.push = vec![Err(error(ErrorKind::Unavailable))];
    let counted = script.run().counted;
    assert_eq!(
        counted,
        [
            "acquire Push",
            "release Push",
            "acquire code",
            "code accepted"
        ]
    );
}

#[test]
fn polling_goes_on_after_no_answer_or_an_unexpected_one() {
    let down = || Err(error(ErrorKind::Unavailable));
    let odd = || Err(error(ErrorKind::Unexpected));
    let ran = Script::texts(&["push"])
        .answers(vec![down(), odd(), Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
}

#[test]
fn a_push_that_the_provider_no_longer_knows_is_shown_as_failed() {
    let ran = Script::texts(&["push", "1234567"])
        .answers(vec![Err(error(ErrorKind::PersonUnknown))])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.notice_at(1), Some(Message::PushFailed));
}

#[test]
fn one_login_sends_at_most_three_pushes() {
    let ran = Script::texts(&["push"; 4])
        .rules(|rules| rules.attempts = 1)
        .answers(vec![
            Ok(PushAnswer::Expired),
            Ok(PushAnswer::Expired),
            Ok(PushAnswer::Expired),
        ])
        .run();
    assert_eq!(count(&ran, "push"), 3);
    assert_eq!(ran.outcome.verdict, Verdict::AttemptsExhausted);
}

#[test]
fn enter_sends_a_push_only_if_configured() {
    let ran = Script::texts(&[""]).rules(|rules| rules.attempts = 1).run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert!(ran.sent.is_empty());
    assert_eq!(
        ran.prompts[0].1,
        "Verification code (or type push, sms or call): "
    );
    let ran = Script::texts(&[""])
        .rules(|rules| rules.enter = Enter::Push)
        .answers(vec![Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(
        ran.prompts[0].1,
        "Verification code (or type push, sms or call; Enter sends a push): "
    );
}

#[test]
fn the_word_push_is_refused_where_a_push_is_not_allowed() {
    let never = |rules: &mut config::Login| rules.push = SendMode::Never;
    let no_factor = |rules: &mut config::Login| rules.factors = vec![Factor::Token];
    let forbidden = [
        ("push = never", never as fn(&mut config::Login)),
        ("no factor", no_factor),
    ];
    let result = (Verdict::AttemptsExhausted, Reason::WrongCode, 1);
    let rows = forbidden.map(|(name, forbid)| {
        let ran = Script::texts(&["push"])
            .rules(|rules| rules.attempts = 1)
            .rules(forbid)
            .run();
        (name.to_owned(), (ran.result(), ran.sent), (result, vec![]))
    });
    assert_rows(rows);
}

#[test]
fn a_code_is_accepted_while_a_push_is_pending() {
    let ran = Script::texts(&["1234567"])
        .rules(auto)
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.outcome.factor, Some(Factor::Token));
}

#[test]
fn the_unenrolled_see_a_push_without_an_answer() {
    let replies = ["", "push", "1111111", "nonsense", "2222222"];
    let no = || Err(error(ErrorKind::Refused));
    let enrolled = Script::texts(&replies)
        .rules(auto)
        .verify(vec![no(), no()])
        .run();
    let unenrolled = Script::texts(&replies).rules(auto).unenrolled().run();
    assert_eq!(enrolled.prompts, unenrolled.prompts);
    assert_eq!(enrolled.shown, unenrolled.shown);
    assert_eq!(enrolled.took, unenrolled.took);
    assert_eq!(enrolled.outcome.verdict, unenrolled.outcome.verdict);
    assert!(unenrolled.sent.is_empty());
}

#[test]
fn the_code_of_the_push_is_shown_and_asked_for_after_approval() {
    let with_code = |rules: &mut config::Login| rules.push_code = true;
    let ran = Script::texts(&["push", "042"])
        .rules(with_code)
        .answers(vec![Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
    let details = &ran.push_requests[0].details;
    assert_eq!(details.last(), Some(&("Code".to_owned(), "042".to_owned())));
    assert_eq!(
        ran.counted,
        [
            "acquire Push",
            "acquire code",
            "code accepted",
            "push approved"
        ]
    );
}

#[test]
fn a_wrong_push_code_counts_as_a_refused_code() {
    let result = (Verdict::AttemptsExhausted, Reason::WrongCode, 1);
    let counted = ["acquire Push".to_owned(), "acquire code".to_owned()];
    let rows = ["", "42", "041", "0042", "push"].map(|guess| {
        let ran = Script::new(vec![Typed::Text("push"), Typed::Text(guess)])
            .rules(|rules| {
                rules.push_code = true;
                rules.attempts = 1;
            })
            .answers(vec![Ok(PushAnswer::Approved)])
            .run();
        (
            format!("{guess:?}"),
            (ran.result(), ran.counted),
            (result, counted.to_vec()),
        )
    });
    assert_rows(rows);
}

#[test]
fn with_push_as_the_only_factor_enter_sends_it_and_the_app_is_not_checked() {
    let ran = Script::texts(&[""])
        .rules(only)
        .answers(vec![Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(ran.sent, ["push", "answer"]);
    assert_eq!(
        ran.prompts[0].1,
        built_in(Message::PromptSendPush, Language::En)
    );
}

#[test]
fn with_push_as_the_only_factor_a_code_and_an_expired_push_are_refused_replies() {
    let ran = Script::texts(&["1234567"]).rules(only).run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    let ran = Script::texts(&["push"])
        .rules(only)
        .answers(vec![Ok(PushAnswer::Expired)])
        .run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::PushExpired, 1)
    );
}

#[test]
fn with_push_as_the_only_factor_a_request_without_an_answer_is_an_outage() {
    let run = |kind, fallback| {
        let mut script = Script::texts(&["push"])
            .rules(only)
            .rules(|rules| rules.when_unavailable = fallback)
            .rules(|rules| rules.attempts = 1);
        script.push = vec![Err(error(kind))];
        script.run().result()
    };
    assert_eq!(
        run(ErrorKind::Unavailable, Fallback::Deny),
        (Verdict::Unavailable, Reason::NoAnswer, 0)
    );
    assert_eq!(
        run(ErrorKind::Unavailable, Fallback::Ignore),
        (Verdict::Ignored, Reason::Outage, 0)
    );
    let others = [
        ErrorKind::Refused,
        ErrorKind::Unexpected,
        ErrorKind::Process,
        ErrorKind::RateLimited,
        ErrorKind::KeyRefused,
        ErrorKind::UntrustedServer,
    ];
    let rows = others.map(|kind| {
        let (verdict, ..) = run(kind, Fallback::Ignore);
        (format!("{kind:?}"), verdict == Verdict::Ignored, false)
    });
    assert_rows(rows);
}

#[test]
fn with_push_as_the_only_factor_a_lost_answer_is_not_an_outage() {
    let down = || Err(error(ErrorKind::Unavailable));
    let pauses = (0..5).map(|_| Typed::After(Duration::from_secs(4), ""));
    let ran = Script::new([Typed::Text("push")].into_iter().chain(pauses).collect())
        .rules(only)
        .rules(|rules| rules.when_unavailable = Fallback::Ignore)
        .answers(vec![down(), down(), down()])
        .run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::PushExpired, 1)
    );
}

#[test]
fn hanging_up_while_a_push_is_pending_is_a_failed_conversation() {
    let ran = Script::new(vec![Typed::HangUp]).rules(auto).run();
    assert_eq!(ran.outcome.verdict, Verdict::ConversationFailed);
}

#[test]
fn an_automatic_sms_is_sent_when_the_automatic_push_cannot_be_sent() {
    let mut script = Script::texts(&["1234567"])
        .rules(auto)
        .rules(|rules| rules.sms = SendMode::Auto)
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())]);
    script.app = vec![Ok(false)];
    let ran = script.run();
    assert_eq!(ran.sent, ["app", "sms", "verify 1234567"]);
    assert_eq!(ran.notice_at(0), Some(Message::SmsSent));
}

/// Stopping the application must not keep a denial from counting, nor hide an approval.
#[test]
fn a_push_that_is_answered_after_its_application_is_gone_is_what_it_is() {
    let pending = || Ok(PushAnswer::Pending);
    let rows = [
        (
            PushAnswer::Approved,
            Verdict::Accepted,
            Reason::PushApproved,
        ),
        (PushAnswer::Denied, Verdict::Refused, Reason::PushDenied),
    ];
    let rows = rows.map(|(answer, verdict, reason)| {
        // Ten seconds of polling and more: there is no prompt in between.
        let answers: Vec<_> = (0..30).map(|_| pending()).chain([Ok(answer)]).collect();
        let mut script = Script::texts(&["push"]).answers(answers);
        script.is_gone = true;
        let ran = script.run();
        let outcome = &ran.outcome;
        let actual = (outcome.verdict, outcome.reason, ran.prompts.len());
        (format!("{answer:?}"), actual, (verdict, reason, 1))
    });
    assert_rows(rows);
}

#[test]
fn an_application_that_ends_the_conversation_does_not_wait_for_the_pending_push() {
    let pending = || Ok(PushAnswer::Pending);
    let rows = [
        (
            PushAnswer::Approved,
            false,
            Verdict::Accepted,
            Reason::PushApproved,
        ),
        (
            PushAnswer::Denied,
            false,
            Verdict::Refused,
            Reason::PushDenied,
        ),
        // Without the code that the phone shows, an approval proves nothing.
        (
            PushAnswer::Approved,
            true,
            Verdict::ConversationFailed,
            Reason::Conversation,
        ),
        (
            PushAnswer::Expired,
            false,
            Verdict::ConversationFailed,
            Reason::Conversation,
        ),
    ];
    let rows = rows.map(|(answer, push_code, verdict, reason)| {
        let answers = (0..19).map(|_| pending()).chain([Ok(answer)]).collect();
        let typed = vec![Typed::Text("push"), Typed::HangUp];
        let typed = typed.into_iter().chain(push_code.then_some(Typed::HangUp));
        let ran = Script::new(typed.collect())
            .rules(|rules| rules.push_code = push_code)
            .answers(answers)
            .run();
        let outcome = &ran.outcome;
        (
            format!("{answer:?} {push_code}"),
            (outcome.verdict, outcome.reason, ran.dismissed),
            (verdict, reason, Some(Verdict::ConversationFailed)),
        )
    });
    assert_rows(rows);
}
