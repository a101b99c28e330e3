//! Logins through libpam and the product: prompts, verdicts, audit lines.

use std::time::Duration;

use pam_authy::pam_app::{Item, Style};
use serde_json::json;

use crate::common::host::Host;
use crate::common::rows::check_rows;

#[test]
fn a_right_code_is_pam_success_and_one_audit_line() {
    let host = Host::new();
    let token = host.sim.token(1635);

    let items = [(Item::RHost, "192.0.2.7"), (Item::Tty, "ssh")];
    let login = host.login_with("alice", &[&token], &items);

    assert_eq!(login.code, "PAM_SUCCESS");
    assert_eq!(
        login.seen,
        [(
            Style::PromptEchoOn,
            "Verification code (or type push, sms or call): ".to_owned()
        )]
    );
    assert_eq!(
        host.sim.requests(),
        [format!("/protected/json/verify/{token}/1635")]
    );
    assert_eq!(
        host.audit(),
        [
            "verdict=accepted reason=code_accepted factor=token provider=authy authy_id=1635 attempts=1 \
          rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        ]
    );
    assert!(
        host.log().contains(" pam_authy(sshd:auth)["),
        "{}",
        host.log()
    );
    assert!(
        host.log().starts_with("<85>"),
        "notice of authpriv: {}",
        host.log()
    );
}

#[test]
fn neither_code_nor_key_is_ever_in_the_log() {
    let host = Host::new().arguments("debug");
    let token = host.sim.token(1635);

    host.login("alice", &["1111111", &token]);

    let log = host.log();
    assert!(!log.contains(&token) && !log.contains("1111111") && !log.contains(&host.sim.key()));
}

#[test]
fn a_wrong_code_then_a_right_one_logs_in() {
    let host = Host::new();
    let token = host.sim.token(1635);

    let login = host.login("alice", &["1111111", &token]);

    assert_eq!(login.code, "PAM_SUCCESS");
    assert_eq!(
        login.seen[1],
        (Style::Error, "That code was not accepted.".to_owned())
    );
    assert_eq!(login.prompts(), 2);
}

#[test]
fn three_wrong_codes_are_maxtries() {
    let host = Host::new();

    let login = host.login("alice", &["1111111", "2222222", "3333333"]);

    assert_eq!(login.code, "PAM_MAXTRIES");
    assert_eq!(login.prompts(), 3);
    let lines = [1, 2, 3].map(|attempts| {
        format!(
            "verdict=refused reason=wrong_code factor=token provider=authy code=60020 authy_id=1635 \
             attempts={attempts} user=\"alice\""
        )
    });
    assert_eq!(
        host.audit(),
        lines,
        "one line for each code, and none for the call"
    );
}

#[test]
fn a_code_works_once() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    let token = host.sim.token(1635);

    assert_eq!(host.login("alice", &[&token]).code, "PAM_SUCCESS");
    assert_eq!(host.login("alice", &[&token]).code, "PAM_MAXTRIES");
}

#[test]
fn the_unenrolled_see_the_same_and_nothing_is_sent() {
    let host = Host::with("[login]\nrefusal_seconds = 1\n");
    let replies = ["1111111", "nonsense", "2222222"];

    let known = host.login("alice", &replies);
    let asked = host.sim.requests().len();
    let unknown = host.login("mallory", &replies);

    assert_eq!((unknown.code, &unknown.seen), (known.code, &known.seen));
    assert_eq!(host.sim.requests().len(), asked);
    assert!(
        unknown.took >= Duration::from_secs(3),
        "each refusal waits: {:?}",
        unknown.took
    );
    let last = host.audit_of(6).pop().unwrap();
    assert!(
        last.starts_with("verdict=refused reason=unenrolled attempts=3"),
        "{last}"
    );
}

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
fn replies_that_are_no_code_send_nothing() {
    let host = Host::with(
        "[login]\nrefusal_seconds = 0\nattempts = 1\n[service.sshd]\nwhen_unavailable = \"ignore\"\nunenrolled = \"ignore\"\n",
    );
    let long = "1".repeat(100_000);
    let table = [
        "",
        " ",
        "12345",
        "1234567890123",
        &long,
        "123 4567",
        "1234567\n",
        "\n",
        "１２３４５６７",
        "../sms",
        "%2f..%2fsms",
        "1234567/1636#",
        "\u{8}\n\r\u{7f}INCORRECT",
        "abcdefg",
        "12345\u{0661}7",
    ];
    check_rows(table, |reply| {
        assert_eq!(
            host.login("alice", &[reply]).code,
            "PAM_MAXTRIES",
            "{reply:?}"
        );
    });
    assert!(host.sim.requests().is_empty());
}

#[test]
fn the_password_typed_at_the_prompt_is_never_sent() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");

    let login = host.login_with("alice", &["7654321"], &[(Item::AuthTok, "7654321")]);

    assert_eq!(login.code, "PAM_MAXTRIES");
    assert_eq!(
        login.prompts(),
        2,
        "one for the password and one for the token"
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
fn a_late_reply_is_refused_unsent_by_pam_auth_err() {
    let host = Host::with("[login]\nrefusal_seconds = 5\ndeadline_seconds = 5\n");

    let login = host.login("alice", &["", "1234567"]);

    assert_eq!(login.code, "PAM_AUTH_ERR");
    assert!(host.sim.requests().is_empty());
    let audit = host.audit_of(2);
    assert!(audit[0].starts_with("verdict=refused reason=wrong_code"));
    assert!(audit[1].starts_with("verdict=refused reason=deadline provider=authy"));
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
