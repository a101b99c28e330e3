//! Password and code in one reply: the module has kept the password, and sends what follows it.

use super::*;

fn script(sent: &[&'static str]) -> Script {
    Script::texts(sent).rules(|rules| rules.token_in_password = true)
}

#[test]
fn the_question_asks_for_both_without_echo_and_says_the_lengths_of_codes() {
    let ran = script(&["1234567"]).verify(vec![Ok(())]).run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.sent, ["verify 1234567"]);
    let prompt = built_in(Message::PromptPassword, Language::En).to_owned();
    assert_eq!(ran.prompts, [(None, prompt, false)]);
    assert_eq!(ran.kinds, [Kind::PasswordAndCode { lengths: vec![7] }]);
}

#[test]
fn a_code_of_another_length_a_push_and_a_recovery_code_are_accepted() {
    let ran = script(&["123456"]).verify(vec![Ok(())]).run();
    assert_eq!(ran.sent, ["verify 123456"]);
    let ran = script(&["push"])
        .answers(vec![Ok(PushAnswer::Pending), Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::PushApproved, 1));
    let mut with_code = script(&["k3vq-8m2p-x7rd-9w4h"]);
    with_code.recovery = Some(vec![Ok(Some(3))]);
    assert_eq!(with_code.run().outcome.reason, Reason::RecoveryCode);
}

#[test]
fn a_password_alone_is_refused_and_nothing_is_sent() {
    let expected = (Verdict::AttemptsExhausted, Reason::WrongCode, 1);
    let typed = [
        Typed::Nothing,
        Typed::Text(""),
        Typed::Text("sms"),
        Typed::Text("word"),
    ];
    let rows = typed.into_iter().enumerate().map(|(row, typed)| {
        let ran = Script::new(vec![typed])
            .rules(|rules| rules.token_in_password = true)
            .run();
        (
            row.to_string(),
            (ran.result(), ran.sent),
            (expected, vec![]),
        )
    });
    assert_rows(rows);
}

#[test]
fn there_is_only_one_attempt() {
    let ran = script(&["1111111"])
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
    let ran = script(&["push"]).run();
    assert_eq!(ran.outcome.reason, Reason::PushExpired);
    assert_eq!(ran.prompts.len(), 1);
    let over = ran.took - Duration::from_secs(40);
    assert!(over < Duration::from_secs(1), "{:?}", ran.took);
}

#[test]
fn the_password_of_an_earlier_module_is_needed_where_the_arguments_say_so() {
    let rows = [
        (FirstPass::Use, true, Verdict::Accepted, 1),
        (FirstPass::Try, true, Verdict::Accepted, 1),
        (FirstPass::Try, false, Verdict::Accepted, 1),
        (FirstPass::Use, false, Verdict::Failed, 0),
    ];
    let rows = rows.map(|(first_pass, has_password, verdict, questions)| {
        let mut script = script(if questions == 0 { &[] } else { &["1234567"] });
        if questions > 0 {
            script = script.verify(vec![Ok(())]);
        }
        script.has_password = has_password;
        script.first_pass = first_pass;
        let ran = script.run();
        (
            format!("{first_pass:?} {has_password}"),
            (ran.outcome.verdict, ran.kinds.len()),
            (verdict, questions),
        )
    });
    assert_rows(rows);
}

#[test]
fn an_unenrolled_user_is_refused_in_the_same_way() {
    let ran = script(&["1234567"]).unenrolled().run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::Unenrolled, 1)
    );
    assert!(ran.sent.is_empty());
    assert_eq!(ran.kinds, [Kind::PasswordAndCode { lengths: vec![6] }]);
}
