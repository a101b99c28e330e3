//! The notice that a person reads last, through libpam and the product: one message after the last
//! prompt, for every end of a login.

use std::fs;

use pam_authy::base::language::{Language, Message};
use pam_authy::engine::shared_words;
use pam_authy::messages::built_in;
use pam_authy::pam_app::Style;
use pam_authy::store::recovery;
use serde_json::json;

use crate::common::host::{Host, Login};
use crate::common::rows::check_rows;

/// A host whose logins end after one attempt, with `more` in its config.toml, first keys of
/// `[login]`.
fn host(more: &str) -> Host {
    let login = "refusal_seconds = 0\nattempts = 1\ndeadline_seconds = 5\n";
    let host = Host::impatient(&format!("[login]\n{login}{more}"));
    host.sim.change(1635, &json!({"registered": true}));
    host
}

/// Logs alice in with one reply; the phone denies a push.
fn log_in(host: &Host, reply: &str) -> Login {
    std::thread::scope(|scope| {
        if reply == "push" {
            scope.spawn(|| host.sim.decide(1635, false));
        }
        host.login("alice", &[reply])
    })
}

/// What was shown after the last prompt, as error messages alone.
fn after_last_prompt(login: &Login) -> Vec<&str> {
    let is_prompt = |style: &Style| matches!(style, Style::PromptEchoOn | Style::PromptEchoOff);
    let messages = login.seen.rsplit(|(style, _)| is_prompt(style)).next();
    let messages = messages.unwrap_or_default().iter();
    messages
        .inspect(|(style, _)| assert_eq!(*style, Style::Error, "{login:?}"))
        .map(|(_, text)| text.as_str())
        .collect()
}

/// How a login of alice ends: its name, what makes it end so, PAM's code, and the text.
type End = (&'static str, fn(&Host), &'static str, &'static [Message]);

const NOT_SET_UP: &[Message] = &[Message::NotSetUp];
const ENDS: [End; 11] = [
    (
        "broken mapping",
        |host| fs::write(&host.users, "alice = ").unwrap(),
        "PAM_SERVICE_ERR",
        NOT_SET_UP,
    ),
    (
        "unsafe mapping",
        |host| host.chmod(&host.users, 0o666),
        "PAM_SERVICE_ERR",
        NOT_SET_UP,
    ),
    (
        "key refused",
        |host| host.sim.answer_verify(401, KEY_REFUSED),
        "PAM_SERVICE_ERR",
        NOT_SET_UP,
    ),
    (
        "a wrong code",
        |_| (),
        "PAM_MAXTRIES",
        &[Message::NotAccepted, Message::AttemptsUsed],
    ),
    (
        "no answer",
        |host| host.sim.answer_verify(500, ""),
        "PAM_AUTHINFO_UNAVAIL",
        &[Message::NotReachable, Message::RecoveryHint],
    ),
    (
        "silence",
        |host| host.sim.fault(&json!({"listener": "silent", "times": 0})),
        "PAM_AUTHINFO_UNAVAIL",
        &[Message::NotReachable, Message::RecoveryHint],
    ),
    (
        "another identity",
        trust_another,
        "PAM_AUTHINFO_UNAVAIL",
        &[Message::NotTrusted, Message::RecoveryHint],
    ),
    (
        "rate limited",
        |host| host.sim.answer_verify(429, "{}"),
        "PAM_MAXTRIES",
        &[Message::TooManyRequests, Message::RecoveryHint],
    ),
    (
        "suspended",
        |host| host.sim.change(1635, &json!({"suspended": true})),
        "PAM_AUTH_ERR",
        &[Message::PersonRefused, Message::RecoveryHint],
    ),
    (
        "unknown",
        |host| fs::write(&host.users, "[users]\nalice = 999\n").unwrap(),
        "PAM_AUTH_ERR",
        &[Message::PersonRefused, Message::RecoveryHint],
    ),
    (
        "a pause",
        |host| (0..3).for_each(|_| drop(log_in(host, "2222222"))),
        "PAM_MAXTRIES",
        &[Message::Paused, Message::RecoveryHint],
    ),
];
const KEY_REFUSED: &str = r#"{"message":"Invalid API key","success":false,"error_code":"60001"}"#;

fn trust_another(host: &Host) {
    let other = Host::new();
    fs::copy(other.sim.path("ca.pem"), host.sim.path("ca.pem")).unwrap();
}

#[test]
fn each_end_says_once_what_happened_in_the_language_of_the_host() {
    let languages = [("en", Language::En), ("de", Language::De)];
    let rows = ENDS.map(|end| languages.map(|language| (end, language)));
    check_rows(
        rows.into_iter().flatten(),
        |((_, prepare, code, messages), (name, language))| {
            let host = host(&format!(
                "language = \"{name}\"\n[limits]\nrefused_tokens = 3\n"
            ));
            prepare(&host);

            let login = log_in(&host, "1111111");

            let texts: Vec<_> = messages
                .iter()
                .map(|text| built_in(*text, language))
                .collect();
            assert_eq!(after_last_prompt(&login), [texts.join(" ")]);
            assert_eq!(login.code, code, "{login:?}");
        },
    );
}

#[test]
fn a_denied_push_and_one_that_is_too_late_say_so() {
    let denied = log_in(&host(""), "push");
    assert_eq!(denied.code, "PAM_AUTH_ERR");
    let text = "The push was denied: start again and type a code.";
    assert_eq!(after_last_prompt(&denied)[1..], [text]);

    let late = host("").login("alice", &["push"]);
    assert_eq!(late.code, "PAM_AUTH_ERR");
    let text = "This login took too long: start again.";
    assert_eq!(after_last_prompt(&late)[1..], [text]);
}

/// Without a configuration or an engine the language is not known.
#[test]
fn without_a_configuration_or_an_engine_the_text_is_the_english_one() {
    let german = |prepare: fn(&Host)| {
        let host = host("language = \"de\"\n");
        prepare(&host);
        host
    };
    let rows = [
        (
            "no config.toml",
            german(|host| fs::remove_file(&host.config).unwrap()),
        ),
        (
            "broken config.toml",
            german(|host| host.replace("[login]", "[log in]")),
        ),
        (
            "no engine",
            german(|host| fs::remove_file(host.engine()).unwrap()),
        ),
        (
            "an engine that ends",
            german(|host| fs::copy("/bin/false", host.engine()).map_or((), drop)),
        ),
        (
            "a wrong argument",
            host("language = \"de\"\n").arguments("no_such_argument"),
        ),
    ];
    check_rows(
        rows.map(|(name, host)| (name, host.login("alice", &["1234567"]))),
        |(_, login)| {
            assert_eq!(login.prompts(), 0);
            assert_eq!(login.code, "PAM_SERVICE_ERR");
            assert_eq!(
                after_last_prompt(&login),
                [built_in(Message::NotSetUp, Language::En)]
            );
        },
    );
}

#[test]
fn a_success_says_how_many_codes_were_refused_since_the_last_one_and_then_begins_anew() {
    let host = host("");
    log_in(&host, "1111111");
    log_in(&host, "2222222");

    let login = host.login("alice", &[&host.sim.token(1635)]);
    assert_eq!(login.code, "PAM_SUCCESS");
    let text = "Codes not accepted or pushes denied since your last login: 2.";
    assert_eq!(after_last_prompt(&login), [text]);

    let again = host.login("alice", &[&host.sim.token(1635)]);
    assert_eq!(again.code, "PAM_SUCCESS");
    assert_eq!(after_last_prompt(&again), [""; 0]);
}

#[test]
fn a_recovery_code_reads_as_accepted_and_a_wrong_one_as_a_wrong_code() {
    let host = host("");
    let known = vec!["authy_id=1635".to_owned()];
    let codes = recovery::generate(
        &host.sim.path("state"),
        "alice",
        known,
        false,
        shared_words::map,
    )
    .unwrap();
    let wrong = log_in(&host, "k3vq-8m2p-x7rd-9w4h");
    assert_eq!(wrong.code, "PAM_MAXTRIES");
    let text = "That code was not accepted. No attempts are left: start again.";
    assert_eq!(after_last_prompt(&wrong), [text]);
    log_in(&host, "1111111");

    let login = host.login("alice", &[&codes[0]]);

    assert_eq!(login.code, "PAM_SUCCESS");
    let text = "The recovery code was accepted and is used up. Codes left: 9. \
                Codes not accepted or pushes denied since your last login: 1.";
    assert_eq!(after_last_prompt(&login), [text]);
}

#[test]
fn the_unenrolled_see_exactly_what_a_person_with_wrong_codes_sees() {
    let rows = ["1111111", "hunter2", "", "k3vq-8m2p-x7rd-9w4h", "sms"];
    check_rows(rows, |reply| {
        let host = Host::with(
            "[login]\nrefusal_seconds = 0\nattempts = 2\n[limits]\nrefused_tokens = 3\n",
        );
        for round in 0..3 {
            let known = host.login("alice", &[reply, "1111111", "2222222", "3333333"]);
            let unknown = host.login("mallory", &[reply, "1111111", "2222222", "3333333"]);
            assert_eq!(
                (unknown.code, unknown.seen),
                (known.code, known.seen),
                "round {round}"
            );
        }
    });
}
