//! What the time of a prompt or a refusal tells: nothing about who is enrolled.
//!
//! A login with an automatic SMS or push asks the provider before its first prompt. An attacker who
//! knows only the password could measure that, so the prompt and the refusal wait for
//! `refusal_seconds`.

use super::*;

const REFUSAL: Duration = Duration::from_secs(2);

/// The time until the first prompt, at which the application goes away.
fn time_to_prompt(script: Script) -> Duration {
    let ran = script.run();
    assert_eq!(ran.outcome.reason, Reason::Deadline);
    assert_eq!(ran.prompts.len(), 1);
    ran.took
}

fn automatic_sms(refusal: Duration) -> Script {
    Script::new(vec![Typed::Late(Duration::ZERO)]).rules(|rules| {
        rules.sms = SendMode::Auto;
        rules.refusal = refusal;
    })
}

fn automatic_push(refusal: Duration) -> Script {
    Script::new(vec![]).rules(|rules| {
        rules.push = SendMode::Auto;
        rules.refusal = refusal;
    })
}

#[test]
fn the_prompt_after_an_automatic_sms_comes_at_the_same_time_for_enrolled_and_unenrolled() {
    let enrolled = automatic_sms(REFUSAL).sms(vec![Ok(Sent::Sent)]);
    assert_eq!(time_to_prompt(enrolled), REFUSAL);
    let unenrolled = automatic_sms(REFUSAL).unenrolled();
    assert_eq!(time_to_prompt(unenrolled), REFUSAL);
}

#[test]
fn the_prompt_after_an_automatic_sms_that_failed_comes_no_sooner() {
    let failed = automatic_sms(REFUSAL).sms(vec![Err(error(ErrorKind::Unavailable))]);
    assert_eq!(time_to_prompt(failed), REFUSAL);
}

#[test]
fn the_refusal_after_a_denied_automatic_push_comes_no_sooner_than_refusal_seconds() {
    let refusal = Duration::from_secs(5);
    let denied = automatic_push(refusal).answers(vec![Ok(PushAnswer::Denied)]);
    let ran = denied.run();
    assert_eq!(ran.outcome.reason, Reason::PushDenied);
    assert_eq!(ran.took, refusal);
}

#[test]
fn the_prompt_after_an_automatic_push_comes_at_the_same_time_for_enrolled_and_unenrolled() {
    let script = |mut script: Script| {
        script.typed = vec![Typed::Late(Duration::ZERO)];
        time_to_prompt(script)
    };
    let enrolled = script(automatic_push(REFUSAL));
    let unenrolled = script(automatic_push(REFUSAL).unenrolled());
    // Asking whether there is an app, and sending the push: two round trips.
    assert!(
        enrolled - unenrolled <= 2 * QUICK,
        "{enrolled:?}, {unenrolled:?}"
    );
    assert!(unenrolled >= REFUSAL);
}

#[test]
fn without_refusal_seconds_the_two_differ_by_the_providers_round_trip_alone() {
    let none = Duration::ZERO;
    let enrolled = automatic_sms(none).sms(vec![Ok(Sent::Sent)]);
    let (enrolled, unenrolled) = (
        time_to_prompt(enrolled),
        time_to_prompt(automatic_sms(none).unenrolled()),
    );
    assert_eq!((enrolled, unenrolled), (QUICK, Duration::ZERO));
    // A wrong code: one round trip for a person, none for an unenrolled user.
    let wrong = |script: Script| script.rules(|rules| rules.refusal = none).run().took;
    let refused = || Err(error(ErrorKind::Refused));
    let codes = &["1234567", "1234567", "1234567"];
    let person = Script::texts(codes).verify(vec![refused(), refused(), refused()]);
    assert_eq!(wrong(person), 3 * QUICK);
    assert_eq!(wrong(Script::texts(codes).unenrolled()), Duration::ZERO);
}

#[test]
fn a_wrong_code_is_refused_after_the_same_time_for_enrolled_and_unenrolled() {
    let codes = &["1234567", "1234567", "1234567"];
    let refused = || Err(error(ErrorKind::Refused));
    let person = Script::texts(codes).verify(vec![refused(), refused(), refused()]);
    assert_eq!(person.run().took, 3 * REFUSAL);
    assert_eq!(Script::texts(codes).unenrolled().run().took, 3 * REFUSAL);
}

#[test]
fn the_prompt_after_an_automatic_push_that_was_not_sent_comes_no_sooner_than_refusal_seconds() {
    for app in [Ok(false), Err(error(ErrorKind::Unavailable))] {
        let mut script = automatic_push(REFUSAL);
        script.typed = vec![Typed::Late(Duration::ZERO)];
        script.app = vec![app];
        assert_eq!(time_to_prompt(script), REFUSAL);
    }
}

#[test]
fn a_prompt_without_a_reply_until_the_deadline_ends_the_login() {
    let ran = Script::new(vec![Typed::Late(Duration::from_secs(90))]).run();
    assert_eq!(ran.result(), (Verdict::Refused, Reason::Deadline, 0));
    assert!(ran.sent.is_empty());
}
