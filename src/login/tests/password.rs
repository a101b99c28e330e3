//! Password and code in one reply.

use super::*;

fn script(typed: &[&'static str]) -> Script {
    Script::texts(typed).rules(|rules| rules.token_in_password = true)
}

#[test]
fn the_last_seven_digits_are_the_code_and_the_rest_is_left_for_the_next_module() {
    let ran = script(&["hunter21234567"]).verify(vec![Ok(())]).run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.sent, ["verify 1234567"]);
    assert_eq!(ran.left_password.as_deref(), Some("hunter2"));
    let prompt = built_in(Message::PromptPassword, Language::En).to_owned();
    assert_eq!(ran.prompts, [(None, prompt, false)], "asked without echo");
}

#[test]
fn a_comma_separates_a_code_of_another_length_a_push_or_a_recovery_code() {
    let ran = script(&["pass,word,123456"]).verify(vec![Ok(())]).run();
    assert_eq!(ran.sent, ["verify 123456"]);
    assert_eq!(ran.left_password.as_deref(), Some("pass,word"));
    let ran = script(&["hunter2,push"])
        .answers(vec![Ok(PushAnswer::Pending), Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
    let mut with_code = script(&["hunter2,k3vq-8m2p-x7rd-9w4h"]);
    with_code.recovery = Some(vec![Ok(Some(3))]);
    assert_eq!(with_code.run().outcome.reason, Reason::RecoveryCode);
}

#[test]
fn a_password_alone_is_refused_and_no_part_of_it_is_sent() {
    let passwords = [
        "hunter2",
        "",
        "hunter2,",
        "hunter2,sms",
        "pass,word",
        "123",
        "hunter2 123456x",
    ];
    let expected = (Verdict::AttemptsExhausted, Reason::WrongCode, 1);
    let rows = passwords.map(|typed| {
        let ran = script(&[typed]).run();
        (
            typed.to_owned(),
            (ran.result(), ran.sent),
            (expected, vec![]),
        )
    });
    assert_rows(rows);
    assert_eq!(
        script(&["hunter2"]).run().left_password.as_deref(),
        Some("hunter2")
    );
}

/// A person whose password is seven digits may have typed no code.
#[test]
fn seven_digits_alone_are_a_password_and_are_not_sent() {
    let ran = script(&["7654321"]).run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert!(ran.sent.is_empty(), "{:?}", ran.sent);
    assert_eq!(ran.left_password.as_deref(), Some("7654321"));
    let ran = script(&[",7654321"]).verify(vec![Ok(())]).run();
    assert_eq!(
        ran.left_password.as_deref(),
        Some(""),
        "a comma marks a code"
    );
}

#[test]
fn the_password_that_an_earlier_module_has_read_is_not_sent_when_typed_again() {
    let result = (Verdict::AttemptsExhausted, Reason::WrongCode, 1);
    let rows = ["hunter21234567", "hunter2,123456", "hunter2,push"].map(|password| {
        let mut again = script(&[password]);
        again.password = Some(password);
        let ran = again.run();
        (
            password.to_owned(),
            (ran.result(), ran.sent, ran.left_password),
            (result, vec![], Some(password.to_owned())),
        )
    });
    assert_rows(rows);
}

#[test]
fn there_is_only_one_attempt() {
    let ran = script(&["hunter21111111"])
        .verify(vec![Err(error(ErrorKind::Refused))])
        .run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::WrongCode, 1)
    );
    assert_eq!(ran.took, Duration::from_secs(2));
}

#[test]
fn a_push_is_waited_for_without_a_second_prompt() {
    let ran = script(&["hunter2,push"]).run();
    assert_eq!(ran.outcome.reason, Reason::PushExpired);
    assert_eq!(ran.prompts.len(), 1);
    let over = ran.took - Duration::from_secs(40);
    assert!(over < Duration::from_secs(1), "{:?}", ran.took);
}

#[test]
fn the_password_of_an_earlier_module_is_used_as_the_arguments_say() {
    let rows = [FirstPass::Use, FirstPass::Try].map(|first_pass| {
        let mut with_password = script(&[]).verify(vec![Ok(())]);
        with_password.password = Some("hunter21234567");
        with_password.first_pass = first_pass;
        let ran = with_password.run();
        let expected = (Verdict::Accepted, Reason::CodeAccepted, 1);
        (
            format!("{first_pass:?}"),
            (ran.result(), ran.left_password),
            (expected, Some("hunter2".to_owned())),
        )
    });
    assert_rows(rows);
    let mut without = script(&["hunter21234567"]).verify(vec![Ok(())]);
    without.first_pass = FirstPass::Try;
    assert_eq!(without.run().outcome.verdict, Verdict::Accepted);
    let mut without = script(&[]);
    without.first_pass = FirstPass::Use;
    assert_eq!(without.run().outcome.verdict, Verdict::Failed);
}

#[test]
fn sshds_dummy_password_is_refused_and_not_sent() {
    let ran = script(&["\u{8}\n\r\u{7f}INCORRECT1234567"]).run();
    assert!(ran.sent.is_empty());
    assert_eq!(ran.outcome.verdict, Verdict::AttemptsExhausted);
}

#[test]
fn an_unenrolled_user_is_refused_in_the_same_way() {
    let ran = script(&["hunter21234567"]).unenrolled().run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::Unenrolled, 1)
    );
    assert!(ran.sent.is_empty());
}
