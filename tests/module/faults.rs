//! Authy refuses, lies, is slow or is gone: the verdict for each, and who may let it pass.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::host::Host;

const IGNORE: &str = "[login]\nrefusal_seconds = 0\nwhen_unavailable = \"ignore\"\n";
const TOKEN: [&str; 3] = ["1234567"; 3];

/// A short time for one request.
fn impatient(more: &str) -> Host {
    let host = Host::with(more);
    let config = std::fs::read_to_string(&host.config).unwrap();
    std::fs::write(
        &host.config,
        config.replace("[api]\n", "[api]\ntimeout_seconds = 1\n"),
    )
    .unwrap();
    host
}

#[test]
fn answers_that_are_no_outage_deny_with_outages_let_pass() {
    let rows = [
        (429, "", "PAM_MAXTRIES", "rate_limited"),
        (
            401,
            r#"{"error_code":"60001","message":"Invalid API key","success":false}"#,
            "PAM_SERVICE_ERR",
            "key_refused",
        ),
        (401, "invalid key", "PAM_SERVICE_ERR", "key_refused"),
        (403, "", "PAM_SERVICE_ERR", "application_refused"),
        (403, "<html>", "PAM_SERVICE_ERR", "application_refused"),
        (
            503,
            r#"{"message":"User has been suspended.","success":false}"#,
            "PAM_AUTH_ERR",
            "suspended",
        ),
        (
            503,
            r#"{"message":"x","error_code":"60060","success":false}"#,
            "PAM_SERVICE_ERR",
            "application_refused",
        ),
        (
            404,
            r#"{"message":"User not found.","error_code":"60026","success":false}"#,
            "PAM_AUTH_ERR",
            "unknown_to_authy",
        ),
    ];
    for more in [IGNORE, "[login]\nrefusal_seconds = 0\n"] {
        for (status, body, code, reason) in rows {
            let host = Host::with(more);
            host.sim.answer_verify(status, body);
            let login = host.login("alice", &TOKEN);
            assert_eq!(login.code, code, "{status} {body}");
            assert!(
                host.audit()[0].contains(&format!(" reason={reason} ")),
                "{:?}",
                host.audit()
            );
            assert_eq!(host.sim.count("/verify/"), 1, "{status} {body}");
        }
    }
}

#[test]
fn answers_that_are_no_yes_deny_by_default() {
    let yes = r#"{"token":"is valid","success":true}"#;
    let huge = format!(
        "{{\"token\":\"is valid\",\"success\":true,\"x\":\"{}\"}}",
        "x".repeat(1 << 20)
    );
    let rows = [
        (200, "{}"),
        (200, "[]"),
        (200, ""),
        (200, "<html>is valid</html>"),
        (200, r#"{"success":true}"#),
        (200, r#"{"token":"Is Valid","success":true}"#),
        (200, r#"{"token":"is valid","success":fal"#),
        (200, r#"{"token":true,"success":true}"#),
        (200, r#"{"token":"is valid","success":"no"}"#),
        (201, yes),
        (204, ""),
        (302, yes),
        (400, yes),
        (404, yes),
        (500, yes),
        (502, yes),
        (503, yes),
        (504, ""),
        (200, huge.as_str()),
    ];
    for (status, body) in rows {
        let host = Host::new();
        host.sim.answer_verify(status, body);
        let login = host.login("alice", &TOKEN);
        assert!(
            ["PAM_AUTHINFO_UNAVAIL", "PAM_MAXTRIES", "PAM_AUTH_ERR"].contains(&login.code),
            "{status}: {}",
            login.code
        );
    }
}

#[test]
fn an_outage_passes_only_where_that_is_said_and_is_a_warning() {
    for (status, body) in [(500, ""), (502, "<html>"), (200, "{}"), (504, "")] {
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
    }
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

/// What a server may do below HTTP, and in HTTP without an end.
fn network_faults() -> Vec<Value> {
    vec![
        json!({"listener": "silent", "times": 0}),
        json!({"listener": "close", "times": 0}),
        json!({"listener": "reset", "times": 0}),
        json!({"listener": "garbage", "times": 0}),
        json!({"listener": "plain", "times": 0}),
        json!({"listener": "slow_handshake", "times": 0}),
        json!({"listener": "tls_silent", "times": 0}),
        json!({"silent": true, "times": 0}),
        json!({"reset": true, "times": 0}),
        json!({"garbage": true, "times": 0}),
        json!({"cut_after": 40, "times": 0}),
        json!({"endless": "body", "times": 0}),
        json!({"endless": "headers", "times": 0}),
        json!({"endless": "1xx", "times": 0}),
        json!({"drip": {"bytes": 1, "every_ms": 200}, "times": 0}),
        json!({"drip_body": {"bytes": 1, "every_ms": 200}, "times": 0}),
        json!({"delay_ms": 5000, "times": 0}),
        json!({"redirect": "https://localhost:1/", "times": 0}),
    ]
}

#[test]
fn a_dead_slow_or_lying_network_is_an_outage_within_the_time_of_a_request() {
    for fault in network_faults() {
        for (more, code) in [
            ("[login]\n", "PAM_AUTHINFO_UNAVAIL"),
            (IGNORE, "PAM_PERM_DENIED"),
        ] {
            let host = impatient(more);
            host.sim.fault(&fault);
            let login = host.login("alice", &TOKEN);
            assert_eq!(login.code, code, "{fault}: {:?}", host.audit());
            // The limit is one second and a half; a busy machine gets more.
            assert!(
                login.took < Duration::from_secs(4),
                "{fault}: {:?}",
                login.took
            );
            assert_eq!(host.audit().len(), 1, "{fault}");
            assert!(host.sim.count("/verify/") <= 1, "{fault}");
        }
    }
}

#[test]
fn a_closed_port_is_an_outage() {
    let host = Host::new();
    let config = std::fs::read_to_string(&host.config).unwrap();
    let url = config.lines().find(|line| line.starts_with("url")).unwrap();
    std::fs::write(
        &host.config,
        config.replace(url, "url = \"https://127.0.0.1:9\""),
    )
    .unwrap();

    assert_eq!(host.login("alice", &TOKEN).code, "PAM_AUTHINFO_UNAVAIL");
}

#[test]
fn a_false_identity_is_never_let_pass_and_sees_no_byte_of_the_request() {
    for name in [
        "self-signed",
        "wrong-name",
        "expired",
        "not-yet-valid",
        "wrong-ca",
        "missing-intermediate",
    ] {
        let host = Host::with(IGNORE);
        host.sim.fault(&json!({"certificate": name, "times": 0}));
        assert_eq!(
            host.login("alice", &TOKEN).code,
            "PAM_AUTHINFO_UNAVAIL",
            "{name}"
        );
        assert!(
            host.audit()[0].starts_with("verdict=unavailable reason=false_identity"),
            "{name}"
        );
        assert!(host.sim.requests().is_empty(), "{name}");
        assert_eq!(host.sim.get("/requests.json")["handshakes"], 0, "{name}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Host::new();
    let elsewhere = std::fs::read_to_string(&other.config).unwrap();
    let elsewhere = elsewhere
        .lines()
        .find_map(|line| line.strip_prefix("url = \""))
        .unwrap();
    let host = Host::new();
    host.sim.fault(&json!({"redirect": format!("{}/protected/json/app/details", elsewhere.trim_end_matches('"'))}));

    assert_eq!(host.login("alice", &TOKEN).code, "PAM_AUTHINFO_UNAVAIL");
    assert_eq!(other.sim.get("/requests.json")["connections"], 0);
}
