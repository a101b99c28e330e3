//! What lasts across calls: limits and recovery codes; and the language.

use super::*;

fn limit() -> limits::Error {
    limits::Error::Limit {
        detail: "alice: 10 in this hour".into(),
    }
}

#[test]
fn a_token_is_counted_before_it_is_asked_about_and_taken_back_unless_it_was_wrong() {
    let tokens = |answer| {
        Script::texts(&["1234567"])
            .rules(|r| r.attempts = 1)
            .verify(vec![answer])
            .run()
            .counted
    };
    assert_eq!(tokens(Ok(())), ["token", "accepted"]);
    assert_eq!(tokens(Err(error(ErrorKind::Refused))), ["token"]);
    assert_eq!(
        tokens(Err(error(ErrorKind::Unavailable))),
        ["token", "unanswered"]
    );
}

#[test]
fn a_pause_sends_nothing_and_ends_by_maxtries() {
    let mut script = Script::texts(&["1111111", "1234567", "2222222"]);
    script.counts.token = Some(limit());
    let ran = script.run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::Limited, 3)
    );
    assert_eq!(ran.said(1), Some(Message::Paused));
    assert!(ran.asked.is_empty());
    assert_eq!(
        ran.outcome.detail.as_deref(),
        Some("alice: 10 in this hour")
    );
}

#[test]
fn a_recovery_code_works_during_a_pause_and_without_the_service() {
    let mut script = Script::texts(&["1111111", "k3vq-8m2p-x7rd-9w4h"]);
    script.counts.token = Some(limit());
    script.codes = Some(vec![Ok(Some(9))]);
    let ran = script.run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::RecoveryCode, 2));
    assert_eq!(ran.outcome.factor, Some(Factor::Recovery));
    assert!(ran.told[0].contains("left: 9"), "{:?}", ran.told);
    assert!(ran.asked.is_empty());
}

#[test]
fn a_wrong_recovery_code_is_a_refused_reply() {
    let mut script = Script::texts(&["k3vq-8m2p-x7rd-9w4h"]).rules(|rules| rules.attempts = 1);
    script.codes = Some(vec![Ok(None)]);
    assert_eq!(
        ended(&script.run()),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
}

#[test]
fn a_recovery_code_that_cannot_be_used_up_lets_nobody_in() {
    let faults = [
        (Failure::Disk("full".into()), Reason::State),
        (Failure::State("corrupt".into()), Reason::State),
        (
            Failure::Process("too many open files".into()),
            Reason::Process,
        ),
    ];
    for (fault, reason) in faults {
        let mut script = Script::texts(&["k3vq-8m2p-x7rd-9w4h"]);
        script.codes = Some(vec![Err(fault)]);
        assert_eq!(ended(&script.run()), (Verdict::Failed, reason, 1));
    }
}

#[test]
fn recovery_codes_are_no_reply_where_they_are_not_taken_and_for_nobody() {
    let ran = Script::texts(&["k3vq-8m2p-x7rd-9w4h"])
        .rules(|rules| rules.attempts = 1)
        .run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    let mut script = Script::texts(&["k3vq-8m2p-x7rd-9w4h"])
        .rules(|rules| rules.attempts = 1)
        .unenrolled();
    script.codes = Some(vec![]);
    assert_eq!(
        ended(&script.run()),
        (Verdict::AttemptsExhausted, Reason::Unenrolled, 1)
    );
}

#[test]
fn what_an_hour_has_spent_is_not_sent_and_the_login_goes_on() {
    for (word, message) in [
        ("sms", Message::Limited),
        ("call", Message::Limited),
        ("push", Message::Limited),
    ] {
        let mut script =
            Script::new(vec![Typed::Text(word), Typed::Text("1234567")]).verify(vec![Ok(())]);
        script.counts.spend = Some(limit());
        let ran = script.run();
        assert_eq!(
            ended(&ran),
            (Verdict::Accepted, Reason::CodeAccepted, 1),
            "{word}"
        );
        assert_eq!(ran.said(1), Some(message));
        assert!(
            ran.asked.iter().all(|asked| !asked.starts_with(word)),
            "{:?}",
            ran.asked
        );
    }
}

#[test]
fn a_full_disk_denies_what_costs_money_and_no_token() {
    let mut script = Script::texts(&["sms", "1234567"]).verify(vec![Ok(())]);
    script.counts.spend = Some(limits::Error::State(Failure::Disk(
        "No space left on device".into(),
    )));
    let ran = script.run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.said(1), Some(Message::SmsFailed));
}

#[test]
fn counts_that_cannot_be_kept_deny_a_token_unsent() {
    let faults = [
        (
            limits::Error::State(Failure::Process("File too large".into())),
            Reason::Process,
        ),
        (
            limits::Error::State(Failure::State("corrupt".into())),
            Reason::State,
        ),
    ];
    for (error, reason) in faults {
        let mut script =
            Script::texts(&["1234567"]).rules(|rules| rules.when_unavailable = Fallback::Ignore);
        script.counts.token = Some(error);
        let ran = script.run();
        assert_eq!(ended(&ran), (Verdict::Failed, reason, 1));
        assert!(ran.asked.is_empty());
    }
}

#[test]
fn an_sms_that_was_not_sent_is_given_back() {
    for answer in [Ok(Sent::UseApp), Err(error(ErrorKind::Unavailable))] {
        let ran = Script::texts(&["sms", "1234567"])
            .sms(vec![answer])
            .verify(vec![Ok(())])
            .run();
        assert_eq!(ran.counted[..2], ["spend Sms", "give back Sms"]);
    }
}

/// Whoever stops su during the request, or asks just before the deadline, would else get as many as they
/// like: the service has sent it when the answer does not arrive.
#[test]
fn an_sms_a_call_or_a_push_whose_answer_was_lost_stays_counted() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Process] {
        for word in ["sms", "call", "push"] {
            let mut script = Script::texts(&[word, "1234567"]).verify(vec![Ok(())]);
            match word {
                "push" => script.push = vec![Err(lost(kind))],
                _ => script = script.sms(vec![Err(lost(kind))]),
            }
            let counted = script.run().counted;
            let back = counted.iter().any(|noted| noted.starts_with("give back"));
            assert!(!back, "{word} {kind:?}: {counted:?}");
        }
    }
}

#[test]
fn the_language_goes_to_sms_and_calls() {
    let ran = Script::texts(&["sms", "call", "1234567"])
        .rules(|rules| rules.language = Some(Language::Pt))
        .sms(vec![Ok(Sent::Sent), Ok(Sent::Sent)])
        .verify(vec![Ok(())])
        .run();
    assert_eq!(ran.asked[..2], ["sms pt", "call pt"]);
}
