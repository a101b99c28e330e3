//! Recovery codes.

use super::*;

const RECOVERY_CODE: &str = "k3vq-8m2p-x7rd-9w4h";

#[test]
fn a_recovery_code_works_during_a_pause_and_without_the_provider() {
    let mut script = Script::texts(&["1111111", RECOVERY_CODE]);
    script.limits.code = Some(LimitError::Limit {
        detail: "a pause".into(),
    });
    script.recovery = Some(vec![Ok(Some(9))]);
    let ran = script.run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::RecoveryCode, 2));
    assert_eq!(ran.outcome.factor, Some(Factor::Recovery));
    let notice = ran.outcome.last_notice.unwrap();
    assert_eq!(
        notice,
        "The recovery code was accepted and is used up. Codes left: 9."
    );
    assert!(ran.sent.is_empty());
}

/// What is noted before is forgotten after the success; what another login counts meanwhile stays.
#[test]
fn a_recovery_code_forgets_the_refused_codes_that_were_noted_before_it() {
    let mut script = Script::texts(&[RECOVERY_CODE]);
    script.recovery = Some(vec![Ok(Some(9))]);
    assert_eq!(script.run().counted, ["note refused", "code accepted"]);
}

#[test]
fn a_wrong_recovery_code_is_a_refused_reply() {
    let mut script = Script::texts(&[RECOVERY_CODE]).rules(|rules| rules.attempts = 1);
    script.recovery = Some(vec![Ok(None)]);
    assert_eq!(
        script.run().result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
}

#[test]
fn a_recovery_code_that_cannot_be_used_up_is_refused() {
    let failures = [
        (Failure::Disk("full".into()), Reason::State),
        (Failure::State("corrupt".into()), Reason::State),
        (
            Failure::Process("too many open files".into()),
            Reason::Process,
        ),
    ];
    let rows = failures.map(|(failure, reason)| {
        let name = format!("{failure:?}");
        let mut script = Script::texts(&[RECOVERY_CODE]);
        script.recovery = Some(vec![Err(failure)]);
        (name, script.run().result(), (Verdict::Failed, reason, 1))
    });
    assert_rows(rows);
}

#[test]
fn a_recovery_code_is_refused_where_the_service_or_the_user_has_none() {
    let once = || Script::texts(&[RECOVERY_CODE]).rules(|rules| rules.attempts = 1);
    assert_eq!(
        once().run().result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    let mut script = once().unenrolled();
    script.recovery = Some(vec![]);
    assert_eq!(
        script.run().result(),
        (Verdict::AttemptsExhausted, Reason::Unenrolled, 1)
    );
}

/// google-authenticator's emergency codes are imported as recovery codes.
#[test]
fn eight_digits_are_a_recovery_code_where_one_was_imported_and_else_a_code() {
    let mut script = Script::texts(&["27719617"]);
    script.recovery = Some(vec![Ok(Some(4))]);
    let ran = script.run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::RecoveryCode, 1));
    assert_eq!(
        ran.counted,
        ["acquire code", "release code", "code accepted"]
    );
    assert!(ran.sent.is_empty());
    for redeemed in [Ok(None), Err(Failure::State("damaged".into()))] {
        let mut script = Script::texts(&["27719617"]).verify(vec![Ok(())]);
        script.recovery = Some(vec![redeemed]);
        let ran = script.run();
        assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
        assert_eq!(ran.sent, ["verify 27719617"]);
    }
}
