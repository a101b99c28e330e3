//! What a login says at its end, without a further prompt.

use super::notice::{fails, last, once, paused, refused};
use super::*;

/// Asserts the last notice of each row.
fn assert_last<const N: usize>(rows: [(&str, Script, &str); N]) {
    assert_rows(rows.map(|(name, script, text)| (name.into(), last(script), text.to_owned())));
}

#[test]
fn a_login_that_its_replies_end_says_what_happened_and_what_to_do() {
    let only_push = |rules: &mut config::Login| rules.factors = vec![Factor::Push];
    let push = |answer| once(&["push"]).answers(vec![Ok(answer)]);
    assert_last([
        (
            "a wrong code",
            once(&["1234567"]).verify(vec![refused()]),
            "That code was not accepted. No attempts are left: start again.",
        ),
        (
            "no code",
            once(&["hunter2"]),
            "That is not a code: type all its digits and nothing else. No attempts are left: start again.",
        ),
        (
            "a pause",
            paused(),
            "Too many wrong codes: try again later.",
        ),
        (
            "push denied",
            push(PushAnswer::Denied),
            "The push was denied: start again and type a code.",
        ),
        (
            "push denied, without codes",
            push(PushAnswer::Denied).rules(only_push),
            "The push was denied: start again in a few minutes.",
        ),
        (
            "push expired, without codes",
            push(PushAnswer::Expired).rules(only_push),
            "The push was not answered in time. No attempts are left: start again.",
        ),
        (
            "too late",
            Script::new(vec![Typed::Late(Duration::from_secs(90))]),
            "This login took too long: start again.",
        ),
        (
            "user changed",
            Script::new(vec![Typed::Renamed("bob", "1234567")]),
            "This login is refused: ask your administrator.",
        ),
        ("right", once(&["1234567"]).verify(vec![Ok(())]), ""),
        ("gone", Script::new(vec![Typed::HangUp]), ""),
    ]);
}

#[test]
fn a_login_that_the_provider_or_this_host_ends_says_what_happened_and_what_to_do() {
    let outage = |rules: &mut config::Login| rules.when_unavailable = Fallback::Ignore;
    let host = "This host cannot check your second factor: ask your administrator.";
    let account = "The verification service does not accept your account: ask your administrator.";
    assert_last([
        (
            "no answer",
            fails(ErrorKind::Unavailable),
            "The verification service cannot be reached: try again later.",
        ),
        (
            "no answer, which is ignored",
            fails(ErrorKind::Unavailable).rules(outage),
            "The verification service cannot be reached: you are let in without a code.",
        ),
        (
            "untrusted server",
            fails(ErrorKind::UntrustedServer),
            "The verification service did not prove its identity: ask your administrator.",
        ),
        (
            "too many requests",
            fails(ErrorKind::RateLimited),
            "The verification service accepts no more requests now: try again in a few minutes.",
        ),
        ("suspended", fails(ErrorKind::PersonRefused), account),
        ("unknown", fails(ErrorKind::PersonUnknown), account),
        ("key refused", fails(ErrorKind::KeyRefused), host),
        ("configuration", fails(ErrorKind::Configuration), host),
        ("process", fails(ErrorKind::Process), host),
    ]);
}

#[test]
fn a_recovery_code_is_suggested_where_it_helps_and_is_accepted() {
    let with_recovery = |mut script: Script| {
        script.recovery = Some(vec![]);
        last(script)
    };
    let hint = built_in(Message::RecoveryHint, Language::En);
    let rows = [
        (ErrorKind::Unavailable, true),
        (ErrorKind::UntrustedServer, true),
        (ErrorKind::RateLimited, true),
        (ErrorKind::PersonRefused, true),
        (ErrorKind::Process, false),
    ];
    assert_rows(rows.map(|(kind, helps)| {
        let notice = with_recovery(fails(kind));
        (format!("{kind:?}: {notice}"), notice.ends_with(hint), helps)
    }));
}

#[test]
fn a_success_says_how_many_codes_were_refused_since_the_last_one() {
    let success = |refused, recovery: bool| {
        let mut script = if recovery {
            let mut script = Script::texts(&["k3vq-8m2p-x7rd-9w4h"]);
            script.recovery = Some(vec![Ok(Some(3))]);
            script
        } else {
            Script::texts(&["1234567"]).verify(vec![Ok(())])
        };
        script.limits.refused = refused;
        last(script)
    };
    let refused = "Codes not accepted or pushes denied since your last login: 2.";
    let recovery = "The recovery code was accepted and is used up. Codes left: 3.";
    assert_rows([
        ("none".into(), success(0, false), String::new()),
        ("two".into(), success(2, false), refused.to_owned()),
        (
            "a recovery code".into(),
            success(0, true),
            recovery.to_owned(),
        ),
        (
            "both".into(),
            success(2, true),
            format!("{recovery} {refused}"),
        ),
    ]);
}

#[test]
fn the_unenrolled_read_what_a_person_with_wrong_codes_reads_last() {
    let replies = ["1111111", "nonsense", "2222222"];
    let enrolled = Script::texts(&replies).verify(vec![refused(), refused()]);
    let unenrolled = Script::texts(&replies).unenrolled();
    assert_eq!(last(enrolled), last(unenrolled));
}

/// The client asks for another password after that, which sshd refuses.
#[test]
fn over_ssh_the_last_notice_says_to_connect_again_wherever_sshd_accepts_nothing_more() {
    let hint = "close this connection (Ctrl-C) and connect again.";
    let rows = [
        ("wrong", once(&["1234567"]).verify(vec![refused()]), true),
        ("paused", paused(), true),
        ("too many requests", fails(ErrorKind::RateLimited), true),
        ("no answer", fails(ErrorKind::Unavailable), false),
    ];
    assert_rows(rows.map(|(name, mut script, expected)| {
        script.tty = Some("ssh");
        (name.to_owned(), last(script).ends_with(hint), expected)
    }));
    let mut local = once(&["1234567"]).verify(vec![refused()]);
    local.tty = Some("pts/1");
    assert!(last(local).ends_with("start again."));
}
