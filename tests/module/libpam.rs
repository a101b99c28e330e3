//! Logins through libpam and the product: words, settings of a prompt, and replies that never
//! come. Logins by codes are in `providers`.

use pam_authy::pam_app::Style;
use serde_json::json;

use crate::common::host::Host;
use crate::common::rows::check_rows;

#[test]
fn nullok_answers_ignore_and_not_success_for_the_unenrolled() {
    let table = [
        ("", "nullok"),
        ("[login]\nunenrolled = \"ignore\"\n", ""),
        ("[service.sshd]\nunenrolled = \"ignore\"\n", ""),
    ];
    check_rows(table, |(config, argument)| {
        let host = Host::with(config).arguments(argument);
        let login = host.login("mallory", &[]);
        // libpam denies where every module answers IGNORE: it shows as PAM_PERM_DENIED.
        assert_eq!((login.code, login.prompts()), ("PAM_PERM_DENIED", 0));
        assert_eq!(
            host.audit(),
            ["verdict=ignored reason=unenrolled user=\"mallory\""]
        );
    });
}

#[test]
fn an_sms_is_sent_on_request_and_its_code_logs_in() {
    let host = Host::new();

    let refused = host.login("alice", &["sms", "1111111"]);
    assert_eq!(refused.code, "PAM_CONV_ERR", "no third reply was given");
    assert_eq!(
        refused.seen[1].1,
        "An SMS with a code was sent to your phone."
    );
    let token = host.sim.last_sms(1635).unwrap();

    assert_eq!(host.login("alice", &[&token]).code, "PAM_SUCCESS");
}

#[test]
fn the_notice_of_an_automatic_sms_comes_before_the_prompt() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nsms = \"auto\"\n");

    let login = host.login("alice", &["", "", ""]);

    assert_eq!(
        login.seen[0],
        (
            Style::Error,
            "An SMS with a code was sent to your phone.".to_owned()
        )
    );
    assert_eq!(host.sim.requests(), ["/protected/json/sms/1635"]);
}

#[test]
fn a_person_with_the_app_gets_a_hint_to_use_it_and_no_sms() {
    let host = Host::new();
    host.sim.change(1635, &json!({"registered": true}));

    let login = host.login("alice", &["sms", "", "", ""]);

    assert_eq!(
        login.seen[1].1,
        "No SMS was sent: use the code shown in the Authy app."
    );
    assert_eq!(host.sim.last_sms(1635), None);
}

#[test]
fn with_sms_never_the_word_sms_sends_nothing() {
    let host = Host::with(
        "[login]\nrefusal_seconds = 0\nsms = \"never\"\nattempts = 1\nfactors = [\"token\", \"sms\"]\n",
    );

    let login = host.login("alice", &["sms"]);

    assert_eq!(login.code, "PAM_MAXTRIES");
    assert_eq!(
        login.seen,
        [
            (Style::PromptEchoOn, "Verification code: ".to_owned()),
            (
                Style::Error,
                "That is not a code: type all its digits and nothing else. No attempts are left: start again."
                    .to_owned()
            )
        ]
    );
    assert!(host.sim.requests().is_empty());
}

#[test]
fn setcred_is_success_and_account_ignore_and_neither_reads_anything() {
    let host = Host::new();
    std::fs::write(&host.config, "broken").unwrap();
    host.transaction(|pam| {
        assert_eq!(pam.setcred().name(), "PAM_SUCCESS");
        // libpam denies where every module answers IGNORE.
        assert_eq!(pam.account().name(), "PAM_PERM_DENIED");
    });
    assert!(host.sim.requests().is_empty());
}

#[test]
fn a_service_has_its_own_rules() {
    let host = Host::with("[login]\nrefusal_seconds = 0\n[service.sudo]\nattempts = 1\n");

    assert_eq!(
        host.service("sudo").login("alice", &["1111111"]).prompts(),
        1
    );
}

#[test]
fn the_echo_follows_the_configuration() {
    let host = Host::with("[login]\nrefusal_seconds = 0\necho = false\nattempts = 1\n");

    assert_eq!(host.login("alice", &[""]).seen[0].0, Style::PromptEchoOff);
}

#[test]
fn a_conversation_that_fails_is_pam_conv_err() {
    let host = Host::new();

    assert_eq!(host.login("alice", &[]).code, "PAM_CONV_ERR");
    assert_eq!(
        host.audit(),
        ["verdict=error reason=conversation provider=authy authy_id=1635 user=\"alice\""]
    );
}

#[test]
fn a_hostile_user_name_is_refused_and_its_log_line_is_one_line() {
    let host = Host::new();
    let users = ["al\nice", "\x1b[2Jalice", "alice\u{7f}", "a\u{9b}2J"];
    check_rows(users, |user| {
        assert_eq!(
            host.login(user, &["1111111"]).code,
            "PAM_AUTH_ERR",
            "{user:?}"
        );
    });
    let audit = host.audit_of(users.len());
    assert_eq!(audit.len(), users.len());
    check_rows(audit, |line| {
        assert!(
            line.starts_with("verdict=refused reason=bad_user_name user=\""),
            "{line}"
        );
        assert!(!line.contains(char::is_control), "{line}");
        // The simulator writes a line break that it received like this.
        assert!(!line.contains("\\n"), "{line}");
    });
    assert!(host.sim.requests().is_empty());
}
