//! What holds for all commands: kinds of failure, exit status, what is printed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{enrolled, run, run_json, text};
use crate::common::sim::Sim;

#[test]
fn what_is_malformed_is_a_usage_error_and_sends_nothing() {
    let sim = enrolled();
    for arguments in [
        &["verify", "alice", "12345"][..],
        &["verify", "alice", "../sms"],
        &["enroll", "alice", "--authy-id", "0"],
        &["enroll", "alice", "--authy-id", "-1"],
        &["enroll", "alice", "--authy-id", "1e3"],
        &[
            "enroll",
            "alice",
            "--authy-id",
            "9999999999999999999999999999999999999999",
        ],
        &["enroll", "al\nice", "--authy-id", "5"],
        &["enroll", "alice"],
        &["status"],
        &["list", "--nonsense"],
        &["nonsense"],
        &[],
        &["test", "alice", "--service", "../../etc/passwd"],
    ] {
        let (status, object) = run_json(&sim, arguments, "");
        assert_eq!(
            (status, &object["error"]["kind"]),
            (2, &json!("usage")),
            "{arguments:?}"
        );
        assert!(!object["error"]["message"].as_str().unwrap().is_empty());
        assert_eq!(
            run(&sim, arguments, "").status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
    assert!(sim.requests().is_empty());
}

#[test]
fn somebody_who_is_not_mapped_is_a_local_error() {
    let sim = Sim::start();
    for arguments in [["status", "bob"], ["sms", "bob"], ["unenroll", "bob"]] {
        let (status, object) = run_json(&sim, &arguments, "");
        assert_eq!((status, &object["error"]["kind"]), (4, &json!("local")));
    }
    let output = run(&sim, &["status", "bob"], "");
    assert_eq!(
        text(&output.stderr),
        "authyctl: bob is not enrolled\nhint: authyctl enroll bob --authy-id N\n"
    );
}

#[test]
fn a_refused_key_is_refused_and_an_unknown_person_too() {
    let sim = enrolled();
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    fs::write(sim.path("config.toml"), config.replace(&sim.key(), "wrong")).unwrap();
    let (status, object) = run_json(&sim, &["status", "alice"], "");
    assert_eq!((status, &object["error"]["code"]), (1, &json!(60001)));
    fs::write(sim.path("config.toml"), config).unwrap();
    let (status, object) = run_json(&sim, &["status", "--authy-id", "9"], "");
    assert_eq!((status, &object["error"]["code"]), (1, &json!(60026)));
}

#[test]
fn no_answer_and_a_false_identity_are_unavailable() {
    let sim = enrolled();
    for fault in [
        json!({"status": 500}),
        json!({"certificate": "wrong-ca"}),
        json!({"listener": "close"}),
    ] {
        sim.fault(&fault);
        let (status, object) = run_json(&sim, &["status", "alice"], "");
        assert_eq!(
            (status, &object["error"]["kind"]),
            (3, &json!("unavailable")),
            "{fault}"
        );
    }
}

#[test]
fn a_configuration_that_others_can_read_is_a_local_error() {
    let sim = enrolled();
    fs::set_permissions(sim.path("config.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let (status, object) = run_json(&sim, &["status", "alice"], "");
    assert_eq!((status, &object["error"]["kind"]), (4, &json!("local")));
}

#[test]
fn the_key_is_in_no_output() {
    let sim = enrolled();
    for arguments in [
        &["status", "alice", "--verbose"][..],
        &["verify", "alice", "1111111", "--verbose"],
    ] {
        let output = run(&sim, arguments, "");
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains(&sim.key()), "{all}");
        assert!(
            all.contains("authyctl: service https://127.0.0.1:"),
            "{all}"
        );
    }
}
