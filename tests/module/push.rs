//! Pushes and calls through libpam and the product.

use pam_authy::pam_app::{Item, Style};
use serde_json::json;

use crate::common::host::{Host, Login};
use crate::common::rows::check_rows;

/// A host with these keys in `[login]`, whose alice has the app.
fn with_app(login: &str) -> Host {
    let host = Host::with(&format!("[login]\nrefusal_seconds = 0\n{login}"));
    host.sim.change(1635, &json!({"registered": true}));
    host
}

/// Logs alice in while the phone approves or denies; also returns what the phone showed.
fn login_while(host: &Host, approve: bool, replies: &[&str]) -> (Login, serde_json::Value) {
    std::thread::scope(|scope| {
        let phone = scope.spawn(|| host.sim.decide(1635, approve));
        let items = [(Item::RHost, "192.0.2.7"), (Item::Tty, "ssh")];
        let login = host.login_with("alice", replies, &items);
        (login, phone.join().unwrap())
    })
}

#[test]
fn an_automatic_push_that_is_approved_logs_in_without_a_prompt() {
    let host = with_app("push = \"auto\"\n");

    let (login, shown) = login_while(&host, true, &[]);

    assert_eq!(login.code, "PAM_SUCCESS");
    assert_eq!(
        login.seen,
        [(Style::Error, "A push was sent to your phone.".to_owned())]
    );
    assert_eq!(
        host.audit(),
        [
            "verdict=accepted reason=push_approved factor=push provider=authy authy_id=1635 attempts=1 \
             rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        ]
    );
    let text = shown.to_string();
    assert!(text.contains("as alice (sshd)?"), "{text}");
    assert_eq!(host.sim.count("/verify/"), 0);
}

/// HTTP 429 about a push is no answer of the person: the login asks again when Authy wants it, where
/// that is soon.
#[test]
fn a_push_is_asked_about_again_when_authy_says_so() {
    let rows = [
        ("1", "PAM_SUCCESS"),
        ("3600", "PAM_CONV_ERR"),
        ("abc", "PAM_CONV_ERR"),
    ];
    check_rows(rows, |(wait, expected)| {
        let host = with_app("push = \"auto\"\n");
        host.sim.fault(
            &json!({"match": {"path": "/approval_requests/"}, "times": 1, "status": 429,
            "headers": {"Retry-After": wait}}),
        );
        let (login, _) = login_while(&host, true, &[]);
        assert_eq!(login.code, expected);
        let asked = host.sim.count("/approval_requests/");
        assert!((1..=4).contains(&asked), "{asked}");
        assert_eq!(asked > 1, expected == "PAM_SUCCESS");
    });
}

#[test]
fn a_push_that_is_typed_and_denied_ends_the_login() {
    let host = with_app("");

    let (login, _) = login_while(&host, false, &["push"]);

    assert_eq!(login.code, "PAM_AUTH_ERR");
    assert_eq!(login.prompts(), 1);
    assert!(
        host.audit()[0].starts_with("verdict=refused reason=push_denied factor=push"),
        "{:?}",
        host.audit()
    );
}

#[test]
fn an_unanswered_push_leaves_time_for_a_code() {
    let host = with_app("push_seconds = 10\n");
    let token = host.sim.token(1635);

    let login = host.login("alice", &["push", &token]);

    assert_eq!(login.code, "PAM_SUCCESS");
    let told: Vec<_> = login.seen.iter().map(|(_, text)| text.as_str()).collect();
    assert!(
        told.contains(&"The push was not answered in time."),
        "{told:?}"
    );
    assert!(host.audit()[0].contains("reason=code_accepted factor=token"));
}

#[test]
fn the_code_of_a_push_is_asked_for_and_a_wrong_one_is_refused() {
    let host = with_app("push_code = true\nattempts = 1\n");

    let (login, shown) = login_while(&host, true, &["push", "no code"]);

    assert_eq!(login.code, "PAM_MAXTRIES");
    let details = shown["details"].to_string();
    let code = details.split("\"Code\":\"").nth(1).unwrap_or_default();
    assert!(
        code.len() > 3 && code[..3].bytes().all(|b| b.is_ascii_digit()),
        "{details}"
    );
}

#[test]
fn without_the_app_no_push_is_sent_and_a_notice_says_why() {
    let host = Host::new();
    let token = host.sim.token(1635);

    let login = host.login("alice", &["push", &token]);

    assert_eq!(login.code, "PAM_SUCCESS");
    assert_eq!(
        login.seen[1].1,
        "No push was sent: the Authy app is not set up on your phone."
    );
    assert_eq!(host.sim.count("/onetouch/"), 0);
}

#[test]
fn where_only_pushes_are_taken_an_unanswered_request_is_an_outage() {
    let table = [("deny", "PAM_AUTHINFO_UNAVAIL"), ("ignore", "PAM_IGNORE")];
    check_rows(table, |(word, code)| {
        let host = with_app(&format!(
            "factors = [\"push\"]\npush = \"auto\"\n[service.sshd]\nwhen_unavailable = \"{word}\"\n"
        ));
        host.sim
            .fault(&json!({"match": {"path": "/onetouch/"}, "times": 0, "status": 500}));

        let login = host.login("alice", &[]);

        // libpam denies where every module answers IGNORE.
        let expected = if code == "PAM_IGNORE" {
            "PAM_PERM_DENIED"
        } else {
            code
        };
        assert_eq!(login.code, expected);
    });
}

#[test]
fn a_call_is_made_on_request_and_its_code_logs_in() {
    let host = Host::new();
    let token = host.sim.token(1635);

    let login = host.login("alice", &["call", &token]);

    assert_eq!(login.code, "PAM_SUCCESS");
    assert_eq!(
        login.seen[1].1,
        "Your phone is being called to tell you a code."
    );
    assert_eq!(host.sim.count("/call/1635"), 1);
}

#[test]
fn after_a_denied_push_no_other_is_sent_for_a_while_and_codes_still_work() {
    let host = with_app("");
    login_while(&host, false, &["push"]);
    let sent = host.sim.count("approval_requests");
    assert!(sent > 0);

    let token = host.sim.token(1635);
    let login = host.login("alice", &["push", &token]);

    assert_eq!((login.code, login.prompts()), ("PAM_SUCCESS", 2));
    assert_eq!(host.sim.count("approval_requests"), sent);
}
