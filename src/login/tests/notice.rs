//! Where notices and prompts say what, and what is in the log before the person reads it.

use super::*;
use crate::store::config::Notices;

pub(super) fn refused() -> Result<(), Error> {
    Err(error(ErrorKind::Refused))
}

pub(super) fn last(script: Script) -> String {
    script.run().outcome.last_notice.unwrap_or_default()
}

pub(super) fn once(typed: &[&'static str]) -> Script {
    Script::texts(typed).rules(|rules| rules.attempts = 1)
}

/// A login whose code meets this error.
pub(super) fn fails(kind: ErrorKind) -> Script {
    once(&["1234567"]).verify(vec![Err(error(kind))])
}

/// A login during a pause.
pub(super) fn paused() -> Script {
    let mut script = once(&["1234567"]);
    script.limits.code = Some(LimitError::Limit {
        detail: "a pause".into(),
    });
    script
}

#[test]
fn a_refused_code_is_recorded_before_the_next_prompt_and_the_last_one_has_no_further_line() {
    let ran = Script::texts(&["1111111", "nonsense", "2222222"])
        .verify(vec![refused(), refused()])
        .run();
    let wrong = Reason::WrongCode;
    assert_eq!(ran.recorded, [(wrong, 1, 1), (wrong, 2, 2), (wrong, 3, 3)]);
    assert!(ran.outcome.is_recorded);

    let left = Script::new(vec![
        Typed::Text("1111111"),
        Typed::Text("2222222"),
        Typed::HangUp,
    ]);
    let ran = left.verify(vec![refused(), refused()]).run();
    assert_eq!(ran.recorded, [(wrong, 1, 1), (wrong, 2, 2)]);
    assert_eq!(
        ran.result(),
        (Verdict::ConversationFailed, Reason::Conversation, 2)
    );
    assert!(
        !ran.outcome.is_recorded,
        "the end of the login has its own line"
    );
    assert_eq!(
        (ran.outcome.factor, ran.outcome.code),
        (None, None),
        "those of the refusal are in its line"
    );
}

#[test]
fn refused_codes_of_the_unenrolled_and_during_a_pause_are_recorded_with_their_reason() {
    assert_eq!(paused().run().recorded, [(Reason::Limited, 1, 1)]);
    let unenrolled = once(&["1234567"]).unenrolled().run();
    assert_eq!(unenrolled.recorded, [(Reason::Unenrolled, 1, 1)]);
}

#[test]
fn what_is_no_code_is_recorded_at_the_end_alone() {
    let script = Script::texts(&["sms", "sms"]).rules(|rules| rules.attempts = 1);
    let ran = script.sms(vec![Ok(Sent::Sent)]).run();
    assert_eq!(ran.recorded, []);
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::Limited, 1)
    );
    assert!(!ran.outcome.is_recorded);
}

#[test]
fn notices_go_into_the_prompt_or_nowhere_where_the_configuration_says_so() {
    let run = |notices| {
        Script::texts(&["push", "1111111", "2222222"])
            .rules(|rules| {
                rules.notices = Some(notices);
                rules.attempts = 2;
            })
            .verify(vec![refused(), refused()])
            .run()
    };
    let with_push = built_in(Message::PromptPush, Language::En);
    let ran = run(Notices::Prompt);
    let prompts: Vec<_> = ran
        .prompts
        .iter()
        .map(|(notice, text, _)| (notice.as_deref(), text.as_str()))
        .collect();
    assert_eq!(
        prompts,
        [
            (None, prompt("push, sms or call").as_str()),
            (
                None,
                format!("A push was sent to your phone. {with_push}").as_str()
            ),
            (
                None,
                format!("That code was not accepted. {with_push}").as_str()
            ),
        ]
    );
    assert!(ran.shown.is_empty() && ran.outcome.last_notice.is_none());

    let ran = run(Notices::None);
    assert!(
        ran.prompts
            .iter()
            .all(|(notice, text, _)| notice.is_none() && !text.contains('.'))
    );
    assert!(ran.shown.is_empty() && ran.outcome.last_notice.is_none());
}

#[test]
fn a_program_with_a_single_field_gets_no_notices_unless_the_configuration_says_so() {
    let script = |notices| {
        Script::texts(&["1111111"])
            .rules(|rules| {
                rules.token_in_password = true;
                rules.notices = notices;
            })
            .verify(vec![refused()])
    };
    assert_eq!(last(script(None)), "");
    let set = last(script(Some(Notices::Message)));
    assert_eq!(
        set,
        "That code was not accepted. No attempts are left: start again."
    );
}

#[test]
fn no_sms_follows_an_automatic_push_whose_code_was_wrong() {
    let ran = once(&["push code"])
        .rules(|rules| {
            rules.push = SendMode::Auto;
            rules.sms = SendMode::Auto;
            rules.push_code = true;
        })
        .answers(vec![Ok(PushAnswer::Approved)])
        .run();
    assert_eq!(ran.sent, ["app", "push", "answer"]);
    assert_eq!(ran.recorded, [(Reason::WrongCode, 1, 1)]);
}

#[test]
fn prompts_name_recovery_codes_where_the_configuration_names_them() {
    let prompt_of = |change: fn(&mut config::Login), typed: &[&'static str]| {
        let typed = typed.iter().map(|text| Typed::Text(text));
        let mut script = Script::new(typed.chain([Typed::HangUp]).collect()).rules(change);
        script.recovery = Some(vec![]);
        script.names_recovery = true;
        script.run().prompts.pop().unwrap().1
    };
    let only = |rules: &mut config::Login| rules.factors = vec![Factor::Push];
    let token = |rules: &mut config::Login| rules.factors = vec![Factor::Token];
    let rows = [
        (
            "all",
            prompt_of(|_| (), &[]),
            "Verification code (or type push, sms, call or a recovery code): ",
        ),
        (
            "codes",
            prompt_of(token, &[]),
            "Verification code (or type a recovery code): ",
        ),
        (
            "push",
            prompt_of(|_| (), &["push"]),
            "Verification code (or approve the push and press Enter, or type a recovery code): ",
        ),
        (
            "push only",
            prompt_of(only, &[]),
            "Press Enter to send a push to your phone (or type a recovery code): ",
        ),
        (
            "push only, sent",
            prompt_of(only, &["push"]),
            "Approve the push and press Enter (or type a recovery code): ",
        ),
    ];
    assert_rows(rows.map(|(name, prompt, text)| (name.into(), prompt, text.to_owned())));
}

#[test]
fn a_prompt_offers_what_the_service_offers_also_to_a_person_who_cannot_use_it() {
    let mut script = Script::texts(&["push", "1234567"])
        .rules(|rules| rules.push = SendMode::Never)
        .verify(vec![Ok(())]);
    script.offers_push = Some(true);
    let ran = script.run();
    assert!(
        ran.prompts
            .iter()
            .all(|(_, text, _)| *text == prompt("push, sms or call"))
    );
    assert_eq!(ran.notice_at(1), Some(Message::PushNoApp));
    assert_eq!(ran.outcome.attempts, 1, "the word is no attempt");
    assert_eq!(ran.sent, ["verify 1234567"]);
}

#[test]
fn what_is_typed_while_a_push_or_a_refusal_is_waited_for_is_discarded_at_the_end() {
    let approved = || vec![Ok(PushAnswer::Approved)];
    let rows = [
        (
            "a code",
            Script::texts(&["1234567"]).verify(vec![Ok(())]),
            false,
        ),
        ("a wrong code", fails(ErrorKind::Refused), true),
        ("no answer", fails(ErrorKind::Unavailable), true),
        (
            "approved",
            Script::texts(&["push"]).answers(approved()),
            true,
        ),
        (
            "denied",
            Script::texts(&["push"]).answers(vec![Ok(PushAnswer::Denied)]),
            true,
        ),
        (
            "a code after the push",
            Script::texts(&["push", "1234567"]).verify(vec![Ok(())]),
            false,
        ),
    ];
    assert_rows(rows.map(|(name, script, discards)| {
        (
            name.to_owned(),
            script.run().outcome.discards_typed,
            discards,
        )
    }));
}
