//! Codes, SMS and calls.

use super::*;

#[test]
fn a_right_code_is_accepted_without_waiting() {
    let ran = Script::texts(&["1234567"]).verify(vec![Ok(())]).run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.sent, ["verify 1234567"]);
    assert_eq!(ran.outcome.factor, Some(Factor::Token));
    assert_eq!(ran.took, QUICK);
    assert_eq!(ran.prompts, [(None, prompt("push, sms or call"), true)]);
}

#[test]
fn a_wrong_code_then_a_right_one_is_accepted() {
    let answers = vec![Err(error(ErrorKind::Refused)), Ok(())];
    let ran = Script::texts(&["1111111", "2222222"]).verify(answers).run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 2));
    assert_eq!(ran.outcome.code, None);
    assert_eq!(ran.notice_at(1), Some(Message::NotAccepted));
}

#[test]
fn three_wrong_codes_use_up_the_attempts() {
    let no = || Err(error(ErrorKind::Refused));
    let ran = Script::texts(&["1111111"; 3])
        .verify(vec![no(), no(), no()])
        .run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 3)
    );
    assert_eq!(ran.outcome.code, Some(60020));
    assert_eq!(
        ran.took,
        Duration::from_secs(6),
        "each refusal comes two seconds after Enter"
    );
}

#[test]
fn replies_that_are_not_codes_use_up_attempts_and_send_nothing() {
    let unusable = [
        "",
        " ",
        "12",
        "1234567890123",
        "123 4567",
        "1234567\n",
        "１２３４５６７",
        "../sms",
        "%2f",
        "\u{8}\n\r\u{7f}INCORRECT",
        "abcdefg",
        "1234567 ",
        "hunter2",
    ];
    let expected = (Verdict::AttemptsExhausted, Reason::WrongCode, 1);
    let rows = unusable.map(|text| {
        let ran = Script::texts(&[text])
            .rules(|rules| rules.attempts = 1)
            .run();
        (
            format!("{text:?}"),
            (ran.result(), ran.sent),
            (expected, vec![]),
        )
    });
    assert_rows(rows);
}

#[test]
fn a_reply_without_text_is_refused() {
    let ran = Script::new(vec![Typed::Nothing])
        .rules(|rules| rules.attempts = 1)
        .run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
}

#[test]
fn the_unenrolled_see_what_a_person_with_wrong_codes_sees() {
    let replies = ["1111111", "sms", "nonsense", "2222222"];
    let no = || Err(error(ErrorKind::Refused));
    let enrolled = Script::texts(&replies)
        .verify(vec![no(), no()])
        .sms(vec![Ok(Sent::Sent)])
        .run();
    let unenrolled = Script::texts(&replies).unenrolled().run();
    assert_eq!(enrolled.prompts, unenrolled.prompts);
    assert_eq!(enrolled.took, unenrolled.took);
    assert_eq!(enrolled.outcome.verdict, unenrolled.outcome.verdict);
    assert!(unenrolled.sent.is_empty());
    assert_eq!(unenrolled.outcome.reason, Reason::Unenrolled);
}

#[test]
fn an_sms_on_request_is_no_attempt() {
    let ran = Script::texts(&["SMS", "1234567"])
        .rules(|rules| rules.attempts = 1)
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.sent, ["sms", "verify 1234567"]);
    assert_eq!(ran.notice_at(1), Some(Message::SmsSent));
}

#[test]
fn the_person_is_asked_to_use_the_app_when_no_sms_was_sent() {
    let ran = Script::texts(&["sms", "1234567"])
        .sms(vec![Ok(Sent::UseApp)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.notice_at(1), Some(Message::SmsUseApp));
}

#[test]
fn an_automatic_sms_is_sent_before_the_prompt_and_only_once() {
    let ran = Script::texts(&["sms", "1234567"])
        .rules(|rules| rules.sms = SendMode::Auto)
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.sent, ["sms", "verify 1234567"]);
    assert_eq!(ran.notice_at(0), Some(Message::SmsSent));
    assert_eq!(ran.notice_at(1), Some(Message::SmsSpent));
    assert_eq!(ran.outcome.attempts, 2, "a further sms is a refused reply");
}

#[test]
fn an_sms_that_is_not_allowed_is_a_refused_reply() {
    let never = |rules: &mut config::Login| {
        rules.sms = SendMode::Never;
        rules.attempts = 1;
    };
    let ran = Script::texts(&["sms"]).rules(never).run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert_eq!(ran.prompts[0].1, prompt("push or call"));
    let no_factor = |rules: &mut config::Login| {
        rules.factors = vec![Factor::Token];
        rules.attempts = 1;
    };
    assert!(
        Script::texts(&["sms"])
            .rules(no_factor)
            .run()
            .sent
            .is_empty()
    );
}

#[test]
fn a_failed_sms_neither_ends_the_login_nor_counts_as_an_outage() {
    let kinds = [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::KeyRefused,
    ];
    let rows = kinds.map(|kind| {
        let ran = Script::texts(&["1234567"])
            .rules(|rules| {
                rules.sms = SendMode::Auto;
                rules.when_unavailable = Fallback::Ignore;
            })
            .sms(vec![Err(error(kind))])
            .verify(vec![Ok(())])
            .run();
        let expected = (Verdict::Accepted, Reason::CodeAccepted, 1);
        (
            format!("{kind:?}"),
            (ran.result(), ran.notice_at(0)),
            (expected, Some(Message::SmsFailed)),
        )
    });
    assert_rows(rows);
}

#[test]
fn failing_sms_requests_are_bounded() {
    let down = || Err(error(ErrorKind::Unavailable));
    let ran = Script::texts(&["sms", "sms", "sms", "sms"])
        .rules(|rules| rules.attempts = 1)
        .sms(vec![down(), down(), down()])
        .run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::Limited, 1)
    );
}

#[test]
fn without_a_network_no_answer_is_an_error_of_our_own_and_a_right_code_logs_in() {
    let run = |answer| {
        let mut script = Script::texts(&["1234567"])
            .rules(|rules| rules.when_unavailable = Fallback::Ignore)
            .verify(vec![answer]);
        script.on_outage = Some(OnOutage::NoNetwork);
        script.run()
    };
    let down = run(Err(error(ErrorKind::Unavailable)));
    assert_eq!(down.result(), (Verdict::Failed, Reason::Process, 1));
    let detail = down.outcome.detail.unwrap();
    assert!(detail.contains("no network interface"), "{detail}");
    let right = run(Ok(()));
    let accepted = (Verdict::Accepted, Reason::CodeAccepted, 1);
    assert_eq!(
        right.result(),
        accepted,
        "loopback is enough for a simulator"
    );
}

/// It must not let a user in, and an administrator must find it in the log.
#[test]
fn an_unexpected_answer_refuses_the_code_and_is_in_the_log() {
    let odd = || Err(error(ErrorKind::Unexpected));
    let ran = Script::texts(&["1234567", "1234567", "1234567"])
        .rules(|rules| rules.when_unavailable = Fallback::Ignore)
        .verify(vec![odd(), odd(), odd()])
        .run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 3)
    );
    assert_eq!(ran.notice_at(1), Some(Message::NotAccepted));
    assert_eq!(ran.outcome.detail.as_deref(), Some("why"));
}

#[test]
fn each_error_of_the_provider_has_its_verdict_with_either_policy_for_outages() {
    let table = [
        (
            ErrorKind::PersonRefused,
            Verdict::Refused,
            Reason::Suspended,
        ),
        (
            ErrorKind::PersonUnknown,
            Verdict::Refused,
            Reason::UnknownToProvider,
        ),
        (
            ErrorKind::RateLimited,
            Verdict::AttemptsExhausted,
            Reason::RateLimited,
        ),
        (ErrorKind::KeyRefused, Verdict::Failed, Reason::KeyRefused),
        (
            ErrorKind::ApplicationRefused,
            Verdict::Failed,
            Reason::ApplicationRefused,
        ),
        (
            ErrorKind::UntrustedServer,
            Verdict::Unavailable,
            Reason::UntrustedServer,
        ),
        (
            ErrorKind::Configuration,
            Verdict::Failed,
            Reason::Configuration,
        ),
        (ErrorKind::Process, Verdict::Failed, Reason::Process),
    ];
    let fallbacks = [Fallback::Deny, Fallback::Ignore].into_iter();
    let rows = fallbacks.flat_map(|fallback| {
        table.map(|(kind, verdict, reason)| {
            let ran = Script::texts(&["1234567"])
                .rules(|rules| rules.when_unavailable = fallback)
                .verify(vec![Err(error(kind))])
                .run();
            (
                format!("{kind:?} {fallback:?}"),
                (ran.result(), ran.outcome.detail),
                ((verdict, reason, 1), Some("why".to_owned())),
            )
        })
    });
    assert_rows(rows);
}

#[test]
fn a_code_that_is_not_answered_ends_the_login() {
    let down = || vec![Err(error(ErrorKind::Unavailable))];
    let ran = Script::texts(&["1234567"]).verify(down()).run();
    assert_eq!(ran.result(), (Verdict::Unavailable, Reason::NoAnswer, 1));
    let ran = Script::texts(&["1234567"])
        .rules(|rules| rules.when_unavailable = Fallback::Ignore)
        .verify(down())
        .run();
    assert_eq!(ran.result(), (Verdict::Ignored, Reason::Outage, 1));
}

#[test]
fn waiting_until_the_last_moment_cannot_cause_an_outage() {
    let rows = [83, 89].map(|late| {
        let mut script = Script::new(vec![Typed::After(Duration::from_secs(late), "1234567")])
            .rules(|rules| rules.when_unavailable = Fallback::Ignore);
        script.verify = vec![(Duration::from_secs(1), Err(error(ErrorKind::Unavailable)))];
        let expected = (Verdict::Refused, Reason::Deadline, 1);
        (format!("{late} s"), script.run().result(), expected)
    });
    assert_rows(rows);
}

#[test]
fn a_late_reply_is_refused_and_not_sent() {
    let ran = Script::new(vec![Typed::After(Duration::from_secs(90), "1234567")]).run();
    assert_eq!(ran.result(), (Verdict::Refused, Reason::Deadline, 0));
    assert!(ran.sent.is_empty());
}

#[test]
fn a_user_name_that_changes_during_the_conversation_is_refused_and_nothing_is_sent() {
    let ran = Script::new(vec![Typed::Renamed("bob", "1234567")]).run();
    assert_eq!(ran.result(), (Verdict::Refused, Reason::UserChanged, 0));
    assert!(ran.sent.is_empty());
}

/// The application can also change the name while it shows a notice without a prompt.
#[test]
fn a_user_name_that_changes_with_a_notice_is_refused_even_with_a_proof() {
    let mut push = Script::texts(&["push"]).answers(vec![Ok(PushAnswer::Approved)]);
    push.renamed_to = Some("bob");
    let expected = (Verdict::Refused, Reason::UserChanged, 1);
    assert_eq!(push.run().result(), expected);
}

#[test]
fn a_failed_conversation_has_its_own_verdict() {
    let ran = Script::new(vec![Typed::HangUp]).run();
    assert_eq!(
        ran.result(),
        (Verdict::ConversationFailed, Reason::Conversation, 0)
    );
}

#[test]
fn a_configuration_without_a_usable_factor_is_an_error() {
    let ran = Script::texts(&[])
        .rules(|rules| {
            rules.factors = vec![Factor::Push];
            rules.push = SendMode::Never;
        })
        .run();
    assert_eq!(ran.result(), (Verdict::Failed, Reason::Configuration, 0));
}

#[test]
fn the_echo_is_the_administrators_choice() {
    let ran = Script::texts(&["1234567"])
        .rules(|rules| rules.echo = false)
        .verify(vec![Ok(())])
        .run();
    assert!(!ran.prompts[0].2);
}

#[test]
fn a_call_on_request_is_no_attempt_and_may_follow_an_sms() {
    let ran = Script::texts(&["sms", "CALL", "1234567"])
        .sms(vec![Ok(Sent::Sent), Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();

    assert_eq!(ran.sent, ["sms", "call", "verify 1234567"]);
    assert_eq!(ran.outcome.attempts, 1);
    assert_eq!(ran.notice_at(2), Some(Message::CallStarted));
}

#[test]
fn the_prompt_says_when_no_call_is_made_and_why() {
    let ran = Script::texts(&["call", "1234567"])
        .sms(vec![Ok(Sent::UseApp)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.notice_at(1), Some(Message::CallUseApp));

    let ran = Script::texts(&["call", "call", "1234567"])
        .rules(|rules| rules.when_unavailable = Fallback::Ignore)
        .sms(vec![Err(error(ErrorKind::Unavailable)), Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.notice_at(1), Some(Message::CallFailed));
    assert_eq!(ran.outcome.verdict, Verdict::Accepted);

    let ran = Script::texts(&["call", "call", "1234567"])
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.notice_at(2), Some(Message::CallSpent));
    assert_eq!(ran.outcome.attempts, 2, "a further call is a refused reply");
}

#[test]
fn a_call_that_is_not_allowed_is_a_refused_reply_that_sends_nothing() {
    let ran = Script::texts(&["call"])
        .rules(|rules| {
            rules.factors = vec![Factor::Token];
            rules.attempts = 1;
        })
        .run();
    assert!(ran.sent.is_empty());
    assert_eq!(ran.outcome.attempts, 1);
}

#[test]
fn the_language_is_sent_with_sms_and_calls() {
    let ran = Script::texts(&["sms", "call", "1234567"])
        .rules(|rules| rules.language = Some(Language::Pt))
        .sms(vec![Ok(Sent::Sent), Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.sent[..2], ["sms pt", "call pt"]);
}
