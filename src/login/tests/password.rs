//! The token behind the password.

use super::*;

fn script(typed: &[&'static str]) -> Script {
    Script::texts(typed).rules(|rules| rules.token_in_password = true)
}

#[test]
fn the_last_seven_digits_are_the_token_and_the_rest_is_left_for_the_next_module() {
    let ran = script(&["hunter21234567"]).verify(vec![Ok(())]).run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.asked, ["verify 1234567"]);
    assert_eq!(ran.left_password.as_deref(), Some("hunter2"));
    let asked = built_in(Message::PromptPassword, Language::En).to_owned();
    assert_eq!(ran.seen, [(None, asked, false)], "asked without echo");
}

#[test]
fn a_comma_parts_a_token_of_another_length_a_push_and_a_recovery_code() {
    let ran = script(&["pass,word,123456"]).verify(vec![Ok(())]).run();
    assert_eq!(ran.asked, ["verify 123456"]);
    assert_eq!(ran.left_password.as_deref(), Some("pass,word"));
    let ran = script(&["hunter2,push"])
        .answers(vec![Ok(PushAnswer::Pending), Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ended(&ran), (Verdict::Accepted, Reason::PushApproved, 1));
    let mut with_code = script(&["hunter2,k3vq-8m2p-x7rd-9w4h"]);
    with_code.codes = Some(vec![Ok(Some(3))]);
    assert_eq!(with_code.run().outcome.reason, Reason::RecoveryCode);
}

#[test]
fn a_password_alone_is_refused_and_nothing_of_it_leaves() {
    for typed in [
        "hunter2",
        "",
        "hunter2,",
        "hunter2,sms",
        "pass,word",
        "123",
        "hunter2 123456x",
    ] {
        let ran = script(&[typed]).run();
        assert_eq!(
            ended(&ran),
            (Verdict::AttemptsExhausted, Reason::WrongCode, 1),
            "{typed}"
        );
        assert!(ran.asked.is_empty(), "{typed}");
    }
    assert_eq!(
        script(&["hunter2"]).run().left_password.as_deref(),
        Some("hunter2")
    );
}

/// Somebody whose password is seven digits left the token out.
#[test]
fn seven_digits_alone_are_a_password_and_are_not_sent() {
    let ran = script(&["7654321"]).run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert!(ran.asked.is_empty(), "{:?}", ran.asked);
    assert_eq!(ran.left_password.as_deref(), Some("7654321"));
    let ran = script(&[",7654321"]).verify(vec![Ok(())]).run();
    assert_eq!(ran.left_password.as_deref(), Some(""), "a comma says so");
}

#[test]
fn the_password_that_an_earlier_module_took_is_not_sent_when_it_is_typed_again() {
    for password in ["hunter21234567", "hunter2,123456", "hunter2,push"] {
        let mut again = script(&[password]);
        again.password = Some(password);
        let ran = again.run();
        assert_eq!(
            ended(&ran),
            (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
        );
        assert!(ran.asked.is_empty(), "{password}: {:?}", ran.asked);
        assert_eq!(ran.left_password.as_deref(), Some(password));
    }
}

#[test]
fn there_is_one_try() {
    let ran = script(&["hunter21111111"])
        .verify(vec![Err(error(ErrorKind::Refused))])
        .run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert_eq!(ran.took, Duration::from_secs(2));
}

#[test]
fn a_push_is_waited_for_without_a_second_prompt() {
    let ran = script(&["hunter2,push"]).run();
    assert_eq!(ran.outcome.reason, Reason::PushExpired);
    assert_eq!(ran.seen.len(), 1);
    let over = ran.took - Duration::from_secs(40);
    assert!(over < Duration::from_secs(1), "{:?}", ran.took);
}

#[test]
fn the_password_of_an_earlier_module_is_taken_where_that_is_said() {
    for first_pass in [FirstPass::Use, FirstPass::Try] {
        let mut taken = script(&[]).verify(vec![Ok(())]);
        taken.password = Some("hunter21234567");
        taken.first_pass = first_pass;
        let ran = taken.run();
        assert_eq!(ended(&ran), (Verdict::Accepted, Reason::CodeAccepted, 1));
        assert_eq!(ran.left_password.as_deref(), Some("hunter2"));
    }
    let mut none = script(&["hunter21234567"]).verify(vec![Ok(())]);
    none.first_pass = FirstPass::Try;
    assert_eq!(none.run().outcome.verdict, Verdict::Accepted);
    let mut none = script(&[]);
    none.first_pass = FirstPass::Use;
    assert_eq!(none.run().outcome.verdict, Verdict::Failed);
}

#[test]
fn sshds_dummy_password_is_refused_unsent() {
    let ran = script(&["\u{8}\n\r\u{7f}INCORRECT1234567"]).run();
    assert!(ran.asked.is_empty());
    assert_eq!(ran.outcome.verdict, Verdict::AttemptsExhausted);
}

#[test]
fn the_unenrolled_are_refused_alike() {
    let ran = script(&["hunter21234567"]).unenrolled().run();
    assert_eq!(
        ended(&ran),
        (Verdict::AttemptsExhausted, Reason::Unenrolled, 1)
    );
    assert!(ran.asked.is_empty());
}
