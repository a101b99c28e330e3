//! Who may let an outage pass, and what never counts as one. Every single fault is in `matrix`.

use serde_json::json;

use crate::common::host::Host;
use crate::common::rows::check_rows;

const IGNORE: &str = "[login]\nrefusal_seconds = 0\nwhen_unavailable = \"ignore\"\n";
const TOKEN: [&str; 3] = ["1234567"; 3];

#[test]
fn an_outage_passes_only_where_that_is_said_and_is_a_warning() {
    let table = [(500, ""), (502, "<html>"), (200, "{}"), (504, "")];
    check_rows(table, |(status, body)| {
        let host = Host::new();
        host.sim.answer_verify(status, body);
        assert_eq!(host.login("alice", &TOKEN).code, "PAM_AUTHINFO_UNAVAIL");
        assert_eq!(
            host.audit(),
            [
                "verdict=unavailable reason=no_answer factor=token authy_id=1635 attempts=1 user=\"alice\""
            ]
        );
        assert_eq!(
            host.sim.count("/verify/"),
            1,
            "the first unanswered verify ends the login"
        );

        let host = Host::with(IGNORE);
        host.sim.answer_verify(status, body);
        assert_eq!(
            host.login("alice", &TOKEN).code,
            "PAM_PERM_DENIED",
            "IGNORE alone is a denial"
        );
        assert!(host.audit()[0].starts_with("verdict=ignored reason=outage"));
        assert!(
            host.log().lines().all(|line| line.starts_with("<84>")),
            "warning of authpriv"
        );
    });
}

#[test]
fn a_malformed_token_never_passes_for_an_outage() {
    let host = Host::with(IGNORE);
    host.sim.answer_verify(500, "");

    assert_eq!(
        host.login("alice", &["abc", "", "12345"]).code,
        "PAM_MAXTRIES"
    );
}

#[test]
fn a_failed_sms_beside_a_token_prompt_never_passes_for_an_outage() {
    let host = Host::with(&format!("{IGNORE}sms = \"auto\"\n"));
    host.sim
        .fault(&json!({"match": {"path": "/sms/"}, "times": 0, "status": 500}));

    let login = host.login("alice", &["sms", "sms", ""]);

    assert_ne!(login.code, "PAM_PERM_DENIED");
    assert!(login.seen[0].1.starts_with("The SMS could not be sent"));
    assert_eq!(host.sim.count("/verify/"), 0);
}
