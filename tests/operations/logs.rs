//! `authyctl audit` on files as syslog daemons write them, its options, and where its output goes.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{authyctl, json, run};
use crate::common::rows::check_rows;

const ACCEPTED: &str = r#"verdict=accepted reason=code_accepted factor=token provider=totp totp="bob" attempts=1 pid=812 uid=0 peer=root rhost="192.0.2.7" tty="ssh" user="bob""#;
const REFUSED: &str = r#"verdict=refused reason=wrong_code factor=token provider=authy code=60020 authy_id=1635 attempts=1 pid=813 uid=1000 peer=root tty="/dev/pts/1" user="alice""#;
const OUTAGE: &str = r#"verdict=ignored reason=outage factor=push provider=authy authy_id=1635 pid=814 uid=0 peer=root rhost="gate.example" user="alice""#;
const EXEMPT: &str =
    r#"verdict=ignored reason=exempt pid=815 uid=0 peer=root rhost="2001:db8::7" user="deploy""#;
const KEY: &str = r#"verdict=accepted reason=security_key factor=security_key security_key="SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU" delivered=no pid=816 uid=0 peer=root user="erin""#;
const WARNING: &str = r#"reason=enrolled provider=totp totp="bob" since=2026-11-27T12:00:00Z until=2026-11-28T12:00:00Z pid=812 uid=0 peer=root user="bob""#;
const ENGINE: &str =
    r#"verdict=error reason=engine pid=817 uid=0 peer=root user="x\" verdict=accepted""#;
const LINES: [&str; 7] = [ACCEPTED, REFUSED, OUTAGE, EXEMPT, KEY, WARNING, ENGINE];

/// A log with one line in each minute from noon on.
fn log(folder: &Path) -> String {
    let path = folder.join("auth.log");
    let lines = LINES.iter().enumerate();
    let lines: Vec<_> = lines
        .map(|(minute, line)| {
            format!("2026-11-27T12:0{minute}:00.000001+00:00 box pam_authy(sshd:auth)[9]: {line}\n")
        })
        .collect();
    fs::write(&path, lines.concat()).unwrap();
    path.display().to_string()
}

#[test]
fn events_are_chosen_by_time_user_and_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let rows: [(&[&str], usize); 8] = [
        (&[], 7),
        (&["--since", "2026-11-27T12:02:00Z"], 5),
        (&["--since", "2026-11-27T13:06:00+01:00"], 1),
        (&["--since", "2026-11-28"], 0),
        (&["--user", "alice"], 2),
        (&["--user", "ali"], 0),
        (&["--verdict", "accepted"], 2),
        (&["--user", "alice", "--verdict", "ignored"], 1),
    ];
    check_rows(rows, |(options, count)| {
        let text = run(&[&["audit", "--file", &log], options].concat());
        assert_eq!(text.lines().count(), count, "{options:?}: {text}");
    });
    let text = run(&[
        "audit",
        "--file",
        &log,
        "--user",
        "bob",
        "--verdict",
        "accepted",
    ]);
    assert_eq!(
        text,
        format!("2026-11-27T12:00:00.000Z box sshd: {ACCEPTED}\n")
    );
}

#[test]
fn with_json_there_is_one_object_and_format_is_a_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let all = json(
        &authyctl(&["audit", "--json", "--file", &log])
            .output()
            .unwrap(),
    );
    assert_eq!(all["ok"], true);
    let events = all["events"].as_array().unwrap();
    let lines = run(&["audit", "--file", &log, "--format", "json"]);
    let one_by_one: Vec<Value> = (lines.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((events, events.len()), (&one_by_one, 7));
    let expected = json!({
        "time": "2026-11-27T12:01:00.000Z", "host": "box", "service": "sshd", "verdict": "refused",
        "reason": "wrong_code", "factor": "token", "provider": "authy", "code": 60020,
        "authy_id": 1635, "attempts": 1, "pid": 813, "uid": 1000, "peer": "root",
        "tty": "/dev/pts/1", "user": "alice",
    });
    assert_eq!(events[1], expected);
    assert_eq!(events[6]["user"], "x\" verdict=accepted");

    for options in [
        ["--format", "json"],
        ["--since", "soon"],
        ["--verdict", "maybe"],
    ] {
        let arguments = [&["audit", "--json", "--file", &log], options.as_slice()].concat();
        let output = authyctl(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert_eq!(json(&output)["error"]["kind"], "usage", "{options:?}");
    }
}

/// Validates by the official schema, which the package ocsf-json-schema has.
#[test]
#[ignore = "needs ocsf-json-schema: scripts/peers.sh ocsf"]
fn every_event_is_valid_by_the_schema_of_ocsf() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let events = run(&["audit", "--file", &log, "--format", "ocsf"]);
    assert_eq!(events.lines().count(), LINES.len());
    let path = folder.path().join("events");
    fs::write(&path, &events).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", root.join("target/peers/ocsf"));
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python.arg(root.join("tests/operations/ocsf.py")).arg(path);
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said, format!("{} valid\n", LINES.len()));
}

#[test]
fn ocsf_has_the_members_that_readers_search_by() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let events = run(&["audit", "--file", &log, "--format", "ocsf"]);
    let events: Vec<Value> = (events.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let rows = [
        // status, severity, activity, factor, endpoint
        (0, 1, 1, 1, json!(7), json!({"ip": "192.0.2.7"})),
        (1, 2, 2, 1, json!(7), Value::Null),
        (2, 99, 3, 1, json!(5), json!({"name": "gate.example"})),
        (3, 99, 1, 1, Value::Null, json!({"ip": "2001:db8::7"})),
        (4, 1, 1, 1, json!(6), Value::Null),
        (5, 0, 3, 99, Value::Null, Value::Null),
        (6, 2, 3, 1, Value::Null, Value::Null),
    ];
    check_rows(
        rows,
        |(at, status, severity, activity, factor, endpoint)| {
            let event = &events[at];
            assert_eq!(event["class_uid"], 3002);
            assert_eq!(event["status_id"], status, "{event:#}");
            assert_eq!(event["severity_id"], severity, "{event:#}");
            assert_eq!(event["activity_id"], activity, "{event:#}");
            assert_eq!(event["type_uid"], 300_200 + activity, "{event:#}");
            assert_eq!(
                event["auth_factors"][0]["factor_type_id"], factor,
                "{event:#}"
            );
            assert_eq!(event["src_endpoint"], endpoint, "{event:#}");
            assert_eq!(event["message"], LINES[at]);
        },
    );
    assert_eq!(events[0]["time"], 1_795_780_800_000_u64);
    assert_eq!(events[1]["unmapped"]["authy_id"], 1635);
}

#[test]
fn a_reader_who_leaves_is_no_error_and_output_that_is_full_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let text = fs::read_to_string(&log).unwrap().repeat(2000);
    fs::write(&log, text).unwrap();
    let mut command = authyctl(&["audit", "--file", &log]);
    let mut child = (command.stdout(Stdio::piped()).stderr(Stdio::piped()))
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));

    let rows: [&[&str]; 4] = [
        &["audit", "--file", &log],
        &["audit", "--file", &log, "--json"],
        &["guide"],
        &["man"],
    ];
    check_rows(rows, |arguments| {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = authyctl(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(
            said.contains("standard output: No space left on device"),
            "{said}"
        );
    });
}

#[test]
fn a_log_that_is_cut_packed_or_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, &text[..text.len() - 5]).unwrap();
    let output = authyctl(&["audit", "--file", &log]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 6);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "authyctl: warning: not readable as an audit line: line 7\n"
    );
    let all = json(
        &authyctl(&["audit", "--json", "--file", &log])
            .output()
            .unwrap(),
    );
    assert_eq!(
        (&all["unreadable"], &all["untrusted"]),
        (&json!(1), &json!(0))
    );
    let missing = authyctl(&["audit", "--file", "/nonexistent"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(4));
    fs::write(&log, b"\x1f\x8b\x08\0\0\0\0\0\0\x03").unwrap();
    let packed = authyctl(&["audit", "--file", &log]).output().unwrap();
    assert_eq!(packed.status.code(), Some(4));
    let said = String::from_utf8_lossy(&packed.stderr);
    assert!(said.contains("is packed, or no text\nhint: zcat"), "{said}");
}

/// The zone of a line of RFC 3164 is that of the reader.
#[test]
fn a_time_without_a_zone_is_read_in_the_zone_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.log");
    fs::write(
        &path,
        format!("Nov  5 09:08:07 box pam_authy(su:auth)[1]: {REFUSED}\n"),
    )
    .unwrap();
    let path = path.display().to_string();
    let rows = [
        ("UTC", "-05T09:08:07"),
        ("EST5", "-05T14:08:07"),
        ("XYZ-10", "-04T23:08:07"),
    ];
    check_rows(rows, |(zone, expected)| {
        let output = authyctl(&["audit", "--file", &path])
            .env("TZ", zone)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text[7..].starts_with(expected), "{zone}: {text}");
    });
}
