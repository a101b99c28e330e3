//! Tokens, SMS and calls.

use super::*;

#[test]
fn a_right_token_is_accepted_without_waiting() {
    let ran = Script::texts(&["1234567"]).verify(vec![Ok(())]).run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.asked, ["verify 1234567"]);
    assert_eq!(ran.outcome.factor, Some(Factor::Token));
    assert_eq!(ran.took, QUICK);
    assert_eq!(ran.seen, [(None, prompt("push, sms or call"), true)]);
}

#[test]
fn a_wrong_code_then_a_right_one_is_accepted() {
    let answers = vec![Err(error(ErrorKind::Refused)), Ok(())];
    let ran = Script::texts(&["1111111", "2222222"]).verify(answers).run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 2));
    assert_eq!(ran.outcome.code, None);
    assert_eq!(ran.said(1), Some(Message::NotAccepted));
}

#[test]
fn three_wrong_codes_spend_the_tries() {
    let no = || Err(error(ErrorKind::Refused));
    let ran = Script::texts(&["1111111"; 3])
        .verify(vec![no(), no(), no()])
        .run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 3)
    );
    assert_eq!(ran.outcome.code, Some(60020));
    assert_eq!(
        ran.took,
        Duration::from_secs(6),
        "each refusal leaves two seconds after Enter"
    );
}

#[test]
fn replies_that_are_no_token_spend_tries_and_send_nothing() {
    let unusable = [
        "",
        " ",
        "12345",
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
    for text in unusable {
        let mut script = Script::texts(&[text]).rules(|rules| rules.attempts = 1);
        script.password = Some("hunter2");
        let ran = script.run();
        assert_eq!(
            ended(&ran),
            (Verdict::AttemptsExhausted, Reason::WrongCode, 1),
            "{text:?}"
        );
        assert!(ran.asked.is_empty(), "{text:?}");
    }
}

#[test]
fn a_reply_that_is_the_password_is_never_sent() {
    let mut script = Script::texts(&["1234567"]).rules(|rules| rules.attempts = 1);
    script.password = Some("1234567");
    assert!(script.run().asked.is_empty());
}

#[test]
fn a_reply_without_text_is_refused() {
    let ran = Script::new(vec![Typed::Nothing])
        .rules(|rules| rules.attempts = 1)
        .run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
}

#[test]
fn the_unenrolled_see_what_a_person_with_wrong_codes_sees() {
    let replies = ["1111111", "sms", "nonsense", "2222222"];
    let no = || Err(error(ErrorKind::Refused));
    let known = Script::texts(&replies)
        .verify(vec![no(), no()])
        .sms(vec![Ok(Sent::Sent)])
        .run();
    let unknown = Script::texts(&replies).unenrolled().run();
    assert_eq!(known.seen, unknown.seen);
    assert_eq!(known.took, unknown.took);
    assert_eq!(known.outcome.verdict, unknown.outcome.verdict);
    assert!(unknown.asked.is_empty());
    assert_eq!(unknown.outcome.reason, Reason::Unenrolled);
}

#[test]
fn an_sms_on_request_is_no_attempt() {
    let ran = Script::texts(&["SMS", "1234567"])
        .rules(|rules| rules.attempts = 1)
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.asked, ["sms", "verify 1234567"]);
    assert_eq!(ran.said(1), Some(Message::SmsSent));
}

#[test]
fn an_ignored_sms_says_that_the_app_is_to_be_used() {
    let ran = Script::texts(&["sms", "1234567"])
        .sms(vec![Ok(Sent::UseApp)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.said(1), Some(Message::SmsUseApp));
}

#[test]
fn an_automatic_sms_goes_out_before_the_prompt_and_only_once() {
    let ran = Script::texts(&["sms", "1234567"])
        .rules(|rules| rules.sms = SendMode::Auto)
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.asked, ["sms", "verify 1234567"]);
    assert_eq!(ran.said(0), Some(Message::SmsSent));
    assert_eq!(ran.said(1), Some(Message::SmsSpent));
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
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert_eq!(ran.seen[0].1, prompt("push or call"));
    let no_factor = |rules: &mut config::Login| {
        rules.factors = vec![Factor::Token];
        rules.attempts = 1;
    };
    assert!(
        Script::texts(&["sms"])
            .rules(no_factor)
            .run()
            .asked
            .is_empty()
    );
}

#[test]
fn a_failed_sms_never_ends_the_login_nor_passes_as_an_outage() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::KeyRefused,
    ] {
        let ran = Script::texts(&["1234567"])
            .rules(|rules| {
                rules.sms = SendMode::Auto;
                rules.when_unavailable = Fallback::Ignore;
            })
            .sms(vec![Err(error(kind))])
            .verify(vec![Ok(())])
            .run();
        assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
        assert_eq!(ran.said(0), Some(Message::SmsFailed));
    }
}

#[test]
fn failing_sms_requests_are_bounded() {
    let down = || Err(error(ErrorKind::Unavailable));
    let ran = Script::texts(&["sms", "sms", "sms", "sms"])
        .rules(|rules| rules.attempts = 1)
        .sms(vec![down(), down(), down()])
        .run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
}

#[test]
fn each_error_of_the_provider_has_its_verdict_whatever_the_policy_for_outages() {
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
    for fallback in [Fallback::Deny, Fallback::Ignore] {
        for (kind, verdict, reason) in table {
            let ran = Script::texts(&["1234567"])
                .rules(|rules| rules.when_unavailable = fallback)
                .verify(vec![Err(error(kind))])
                .run();
            assert_eq!(ended(&ran), (verdict, reason, 1));
            assert_eq!(ran.outcome.detail.as_deref(), Some("why"));
        }
    }
}

#[test]
fn the_first_unanswered_verify_ends_the_login() {
    let down = || vec![Err(error(ErrorKind::Unavailable))];
    let ran = Script::texts(&["1234567"]).verify(down()).run();
    assert_eq!(ended(&ran), (Verdict::Unavailable, Reason::NoAnswer, 1));
    let ran = Script::texts(&["1234567"])
        .rules(|rules| rules.when_unavailable = Fallback::Ignore)
        .verify(down())
        .run();
    assert_eq!(ended(&ran), (Verdict::Ignored, Reason::Outage, 1));
}

#[test]
fn whoever_waits_until_the_last_moment_cannot_make_an_outage() {
    for late in [83, 89] {
        let mut script = Script::new(vec![Typed::After(Duration::from_secs(late), "1234567")])
            .rules(|rules| rules.when_unavailable = Fallback::Ignore);
        script.verify = vec![(Duration::from_secs(1), Err(error(ErrorKind::Unavailable)))];
        let ran = script.run();
        assert_eq!(ended(&ran), (Verdict::Refused, Reason::Deadline, 1));
    }
}

#[test]
fn a_late_reply_is_refused_unsent() {
    let ran = Script::new(vec![Typed::After(Duration::from_secs(90), "1234567")]).run();
    assert_eq!(ended(&ran), (Verdict::Refused, Reason::Deadline, 0));
    assert!(ran.asked.is_empty());
}

#[test]
fn a_user_name_that_changes_during_the_conversation_is_refused_unsent() {
    let ran = Script::new(vec![Typed::Becomes("bob", "1234567")]).run();
    assert_eq!(ended(&ran), (Verdict::Refused, Reason::UserChanged, 0));
    assert!(ran.asked.is_empty());
}

/// A text is a conversation too: of a push that was sent, and of recovery codes that are left.
#[test]
fn a_user_name_that_changes_with_a_text_is_refused_whatever_was_proven() {
    let mut push = Script::texts(&["push"]).answers(vec![Ok(PushAnswer::Approved)]);
    push.becomes = Some("bob");
    let mut code = Script::texts(&["k3vq-8m2p-x7rd-9w4h"]);
    code.codes = Some(vec![Ok(Some(9))]);
    code.becomes = Some("bob");
    for script in [push, code] {
        let ran = script.run();
        assert_eq!(ended(&ran), (Verdict::Refused, Reason::UserChanged, 1));
    }
}

#[test]
fn a_failed_conversation_has_its_own_verdict() {
    let ran = Script::new(vec![Typed::HangUp]).run();
    assert_eq!(
        ended(&ran),
        (Verdict::ConversationFailed, Reason::Conversation, 0)
    );
}

#[test]
fn factors_without_one_that_can_be_asked_are_a_configuration_error() {
    let ran = Script::texts(&[])
        .rules(|rules| {
            rules.factors = vec![Factor::Push];
            rules.push = SendMode::Never;
        })
        .run();
    assert_eq!(ended(&ran), (Verdict::Failed, Reason::Configuration, 0));
}

#[test]
fn the_echo_is_the_administrators_choice() {
    let ran = Script::texts(&["1234567"])
        .rules(|rules| rules.echo = false)
        .verify(vec![Ok(())])
        .run();
    assert!(!ran.seen[0].2);
}

#[test]
fn a_call_on_request_is_no_attempt_and_goes_beside_an_sms() {
    let ran = Script::texts(&["sms", "CALL", "1234567"])
        .sms(vec![Ok(Sent::Sent), Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();

    assert_eq!(ran.asked, ["sms", "call", "verify 1234567"]);
    assert_eq!(ran.outcome.attempts, 1);
    assert_eq!(ran.said(2), Some(Message::CallStarted));
}

#[test]
fn a_call_that_is_ignored_fails_or_is_one_too_many_is_told() {
    let ran = Script::texts(&["call", "1234567"])
        .sms(vec![Ok(Sent::UseApp)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.said(1), Some(Message::CallUseApp));

    let ran = Script::texts(&["call", "call", "1234567"])
        .rules(|rules| rules.when_unavailable = Fallback::Ignore)
        .sms(vec![Err(error(ErrorKind::Unavailable)), Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.said(1), Some(Message::CallFailed));
    assert_eq!(ran.outcome.verdict, Verdict::Accepted);

    let ran = Script::texts(&["call", "call", "1234567"])
        .sms(vec![Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.said(2), Some(Message::CallSpent));
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
    assert!(ran.asked.is_empty());
    assert_eq!(ran.outcome.attempts, 1);
}
