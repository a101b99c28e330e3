//! Where an outage is ignored, and what never counts as an outage. `matrix` has every single fault.

use serde_json::json;

use crate::common::application::{command, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

const IGNORE: &str =
    "[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\n";
const TOKEN: [&str; 3] = ["1234567"; 3];

#[test]
fn an_outage_is_ignored_only_where_configured_and_is_a_warning() {
    let table = [(500, ""), (502, "<html>"), (200, "<html>"), (504, "")];
    check_rows(table, |(status, body)| {
        let host = Host::new();
        host.sim.answer_verify(status, body);
        assert_eq!(host.login("alice", &TOKEN).code, "PAM_AUTHINFO_UNAVAIL");
        assert_eq!(
            host.audit(),
            [
                "verdict=unavailable reason=no_answer factor=token provider=authy authy_id=1635 attempts=1 user=\"alice\""
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
fn a_malformed_code_is_never_an_outage() {
    let host = Host::with(IGNORE);
    host.sim.answer_verify(500, "");

    assert_eq!(
        host.login("alice", &["abc", "", "12345"]).code,
        "PAM_MAXTRIES"
    );
}

#[test]
fn a_failed_sms_at_a_code_prompt_is_never_an_outage() {
    let host = Host::with(&format!("{IGNORE}sms = \"auto\"\n"));
    host.sim
        .fault(&json!({"match": {"path": "/sms/"}, "times": 0, "status": 500}));

    let login = host.login("alice", &["sms", "sms", ""]);

    assert_ne!(login.code, "PAM_PERM_DENIED");
    assert!(login.seen[0].1.starts_with("The SMS could not be sent"));
    assert_eq!(host.sim.count("/verify/"), 0);
}

/// In su and sudo the process has the real uid of the caller, who may be able to make an outage.
#[test]
#[ignore = "needs root"]
fn an_outage_is_ignored_for_root_or_where_the_table_of_the_service_says_so() {
    sandboxed!();
    const IGNORE: i32 = 6;
    const AUTHINFO_UNAVAIL: i32 = 9;
    let caller = ["setpriv", "--ruid", "12345", "--clear-groups"];
    let table: [(&str, &[&str], i32); 6] = [
        ("login", &[], IGNORE),
        ("service.sshd", &[], IGNORE),
        ("service.other", &[], AUTHINFO_UNAVAIL),
        ("login", &caller, AUTHINFO_UNAVAIL),
        ("service.sshd", &caller, IGNORE),
        ("service.other", &caller, AUTHINFO_UNAVAIL),
    ];
    check_rows(table, |(rules, wrapper, expected)| {
        let host = Host::with(&format!("[{rules}]\nwhen_unavailable = \"ignore\"\n")).installed();
        host.sim.answer_verify(500, "");
        let said = run(command(&host, "alice", wrapper, &[]), &["1234567"]);
        assert_eq!(
            said.codes(),
            [expected],
            "{rules} {wrapper:?}: {}",
            host.log()
        );
    });
}
