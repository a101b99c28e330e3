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
    ran.asked
        .iter()
        .filter(|asked| asked.starts_with(what))
        .count()
}

#[test]
fn an_automatic_push_that_is_approved_asks_nothing() {
    let ran = Script::texts(&[])
        .rules(auto)
        .answers(vec![PENDING, Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(ran.outcome.factor, Some(Factor::Push));
    assert_eq!(ran.asked, ["app", "push", "answer", "answer"]);
    assert_eq!(ran.told, [built_in(Message::PushSent, Language::En)]);
    assert_eq!(ran.counted, ["spend Push", "accepted"]);
}

#[test]
fn a_push_that_is_denied_ends_the_login_at_once() {
    for script in [Script::texts(&[]).rules(auto), Script::texts(&["push"])] {
        let ran = script.answers(vec![Ok(PushAnswer::Denied)]).run();
        assert_eq!(ran.outcome.verdict, Verdict::Refused);
        assert_eq!(ran.outcome.reason, Reason::PushDenied);
        assert_eq!(ran.outcome.factor, Some(Factor::Push));
    }
}

#[test]
fn an_unanswered_push_brings_the_prompt_after_ten_seconds_and_enter_looks_again() {
    let mut script = Script::texts(&["", "1234567"])
        .rules(auto)
        .verify(vec![Ok(())]);
    script.rules.attempts = 1;
    let ran = script.run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
    let waits = built_in(Message::PromptPush, Language::En);
    assert_eq!(ran.seen[0].1, waits);
    assert_eq!(ran.seen[1].1, waits);
    assert_eq!(ran.took, Duration::from_secs(20) + QUICK);
    assert_eq!(count(&ran, "push"), 1, "Enter sends no second one");
}

#[test]
fn enter_finds_the_push_approved_at_once() {
    let pending = [PENDING, PENDING, PENDING, PENDING, PENDING, PENDING];
    let ran = Script::texts(&[""])
        .rules(auto)
        .answers([&pending[..], &[Ok(PushAnswer::Approved)]].concat())
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(ran.took, Duration::from_secs(10) + QUICK);
}

#[test]
fn an_expired_push_falls_back_to_the_token_prompt() {
    let ran = Script::texts(&["push", "1234567"])
        .answers(vec![PENDING, Ok(PushAnswer::Expired)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.said(1), Some(Message::PushExpired));
    assert_eq!(ran.seen[1].1, prompt("push, sms or call"));
}

#[test]
fn a_push_is_over_after_push_seconds_whatever_the_service_says() {
    let ran = Script::texts(&["push", "", "", "", "", "1234567"])
        .rules(|rules| rules.attempts = 2)
        .verify(vec![Ok(())])
        .run();
    // Forty seconds: three looks of ten, one that ends with the push; the next Enter is a reply.
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 2));
    assert_eq!(ran.said(4), Some(Message::PushExpired));
    assert_eq!(ran.said(5), Some(Message::NotACode));
    assert_eq!(ran.requests[0].seconds, 40);
}

#[test]
fn a_push_answered_after_the_deadline_lets_nobody_in() {
    let mut script = Script::new(vec![Typed::After(Duration::from_secs(89), "push")]);
    script.answers = vec![Ok(PushAnswer::Approved)];
    let ran = script.run();
    assert_eq!(ran.outcome.verdict, Verdict::Refused);
    assert_eq!(ran.outcome.reason, Reason::Deadline);
}

#[test]
fn a_person_without_the_app_is_told_and_asked_once() {
    let mut script = Script::texts(&["push", "push", "1234567"]).verify(vec![Ok(())]);
    script.app = vec![Ok(false)];
    let ran = script.run();
    assert_eq!(ran.said(1), Some(Message::PushNoApp));
    assert_eq!(
        ran.seen[1].1,
        prompt("sms or call"),
        "it is offered no more"
    );
    assert_eq!(ran.asked, ["app", "verify 1234567"]);
    assert!(ran.counted.iter().all(|noted| noted != "spend Push"));
}

#[test]
fn a_failed_push_is_said_and_never_ends_the_login_nor_passes_as_an_outage() {
    let kinds = [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::KeyRefused,
    ];
    for kind in kinds {
        for first in [true, false] {
            let mut script = Script::texts(&["push", "1234567"])
                .rules(|rules| rules.when_unavailable = Fallback::Ignore)
                .verify(vec![Ok(())]);
            if first {
                script.app = vec![Err(error(kind))];
            } else {
                script.push = vec![Err(error(kind))];
            }
            let ran = script.run();
            assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
            assert_eq!(ran.said(1), Some(Message::PushFailed));
        }
    }
}

#[test]
fn a_push_that_failed_is_given_back() {
    let mut script = Script::texts(&["push", "1234567"]).verify(vec![Ok(())]);
    script.push = vec![Err(error(ErrorKind::Unavailable))];
    let counted = script.run().counted;
    assert_eq!(
        counted,
        ["spend Push", "give back Push", "token", "accepted"]
    );
}

#[test]
fn looks_that_are_not_answered_go_on() {
    let down = || Err(error(ErrorKind::Unavailable));
    let ran = Script::texts(&["push"])
        .answers(vec![down(), down(), Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::PushApproved, 1));
}

#[test]
fn a_push_that_the_service_lost_is_said() {
    let ran = Script::texts(&["push", "1234567"])
        .answers(vec![Err(error(ErrorKind::PersonUnknown))])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.said(1), Some(Message::PushFailed));
}

#[test]
fn pushes_are_bounded_in_one_login() {
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
fn enter_sends_a_push_only_where_that_is_said() {
    let ran = Script::texts(&[""]).rules(|rules| rules.attempts = 1).run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert!(ran.asked.is_empty());
    assert_eq!(ran.seen[0].1, "Authy token (or type push, sms or call): ");
    let ran = Script::texts(&[""])
        .rules(|rules| rules.enter = Enter::Push)
        .answers(vec![Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(
        ran.seen[0].1,
        "Authy token (or type push, sms or call; Enter sends a push): "
    );
}

#[test]
fn push_is_no_word_where_it_is_not_allowed() {
    let never = |rules: &mut config::Login| rules.push = SendMode::Never;
    let no_factor = |rules: &mut config::Login| rules.factors = vec![Factor::Token];
    for forbid in [never as fn(&mut config::Login), no_factor] {
        let ran = Script::texts(&["push"])
            .rules(|rules| rules.attempts = 1)
            .rules(forbid)
            .run();
        assert_eq!(
            ended(&ran),
            (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
        );
        assert!(ran.asked.is_empty());
    }
}

#[test]
fn a_token_goes_beside_a_push_that_waits() {
    let ran = Script::texts(&["1234567"])
        .rules(auto)
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.outcome.factor, Some(Factor::Token));
}

#[test]
fn the_unenrolled_see_a_push_that_nobody_answers() {
    let replies = ["", "push", "1111111", "nonsense", "2222222"];
    let no = || Err(error(ErrorKind::Refused));
    let known = Script::texts(&replies)
        .rules(auto)
        .verify(vec![no(), no()])
        .run();
    let unknown = Script::texts(&replies).rules(auto).unenrolled().run();
    assert_eq!(known.seen, unknown.seen);
    assert_eq!(known.told, unknown.told);
    assert_eq!(known.took, unknown.took);
    assert_eq!(known.outcome.verdict, unknown.outcome.verdict);
    assert!(unknown.asked.is_empty());
}

#[test]
fn the_code_of_the_push_is_shown_and_asked_for_after_approval() {
    let coded = |rules: &mut config::Login| rules.push_code = true;
    let ran = Script::texts(&["push", "042"])
        .rules(coded)
        .answers(vec![Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::PushApproved, 1));
    let details = &ran.requests[0].details;
    assert_eq!(details.last(), Some(&("Code".to_owned(), "042".to_owned())));
    assert_eq!(ran.counted, ["spend Push", "token", "accepted"]);
}

#[test]
fn a_wrong_code_is_one_guess_and_a_refused_token() {
    for guess in ["", "42", "041", "0042", "push"] {
        let ran = Script::new(vec![Typed::Text("push"), Typed::Text(guess)])
            .rules(|rules| {
                rules.push_code = true;
                rules.attempts = 1;
            })
            .answers(vec![Ok(PushAnswer::Approved)])
            .run();
        assert_eq!(
            ended(&ran),
            (Verdict::AttemptsExhausted, Reason::WrongCode, 1),
            "{guess}"
        );
        assert_eq!(ran.counted, ["spend Push", "token"]);
    }
}

#[test]
fn where_only_a_push_is_taken_enter_sends_it_and_nobody_asks_for_the_app() {
    let ran = Script::texts(&[""])
        .rules(only)
        .answers(vec![Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::PushApproved, 1));
    assert_eq!(ran.asked, ["push", "answer"]);
    assert_eq!(
        ran.seen[0].1,
        built_in(Message::PromptSendPush, Language::En)
    );
}

#[test]
fn where_only_a_push_is_taken_a_token_is_no_reply_and_an_expired_push_a_refused_one() {
    let ran = Script::texts(&["1234567"]).rules(only).run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    let ran = Script::texts(&["push"])
        .rules(only)
        .answers(vec![Ok(PushAnswer::Expired)])
        .run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::PushExpired, 1)
    );
}

#[test]
fn where_only_a_push_is_taken_an_unanswered_request_is_an_outage() {
    for (fallback, verdict) in [
        (Fallback::Deny, (Verdict::Unavailable, Reason::NoAnswer, 0)),
        (Fallback::Ignore, (Verdict::Ignored, Reason::Outage, 0)),
    ] {
        let mut script = Script::texts(&["push"])
            .rules(only)
            .rules(|rules| rules.when_unavailable = fallback);
        script.push = vec![Err(error(ErrorKind::Unavailable))];
        assert_eq!(ended(&script.run()), verdict);
    }
    for kind in [
        ErrorKind::RateLimited,
        ErrorKind::KeyRefused,
        ErrorKind::UntrustedServer,
    ] {
        let mut script = Script::texts(&["push"])
            .rules(only)
            .rules(|rules| rules.when_unavailable = Fallback::Ignore);
        script.push = vec![Err(error(kind))];
        assert_ne!(script.run().outcome.verdict, Verdict::Ignored, "{kind:?}");
    }
}

#[test]
fn where_only_a_push_is_taken_a_lost_answer_is_no_outage() {
    let down = || Err(error(ErrorKind::Unavailable));
    let ran = Script::texts(&["push", "", "", ""])
        .rules(only)
        .rules(|rules| rules.when_unavailable = Fallback::Ignore)
        .answers(vec![down(), down(), down()])
        .run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::PushExpired, 1)
    );
}

#[test]
fn whoever_hangs_up_while_a_push_waits_is_not_let_in() {
    let ran = Script::new(vec![Typed::HangUp]).rules(auto).run();
    assert_eq!(ran.outcome.verdict, Verdict::ConversationFailed);
}

#[test]
fn an_automatic_sms_waits_for_a_push_that_cannot_be_sent() {
    let mut script = Script::texts(&["1234567"])
        .rules(auto)
        .rules(|rules| rules.sms = SendMode::Auto)
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())]);
    script.app = vec![Ok(false)];
    let ran = script.run();
    assert_eq!(ran.asked, ["app", "sms", "verify 1234567"]);
    assert_eq!(ran.said(0), Some(Message::SmsSent));
}
