//! `enroll --security-key`, `unenroll --security-key`, and the other commands for people who have
//! one.

use serde_json::json;

use super::make_stacks;
use super::totp::Host;
use crate::common::rows::check_rows;

/// Security keys and an ordinary one with their fingerprints by ssh-keygen 9.2.
pub(super) const SK: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7AAAABHNzaDo=";
const PRINT: &str = "SHA256:dacTzS7N/iiGkNsOsOnxTwiTJrjpIuc5E+vWUkd3q/8";
const OTHER: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
const PLAIN: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL7kYXC+ngCRZK6En01ngnk9ycdIA1+mMmQjNWK40nDk";

/// A host that accepts security keys, with the file of one.
fn host() -> Host {
    let host = Host::new();
    let rules = "[login]\nfactors = [\"token\", \"security-key\"]\n";
    let config = host.text("config.toml") + rules;
    host.write("config.toml", &config, 0o600);
    host.write("key.pub", &format!("{SK} pat@laptop\n"), 0o644);
    host
}

fn file(host: &Host, name: &str) -> String {
    host.path(name).display().to_string()
}

#[test]
fn a_key_is_enrolled_by_its_file_or_its_fingerprint_and_taken_away_again() {
    let host = host();
    let key = file(&host, "key.pub");
    let warning = "there is no account kim on this host";
    for (key, print, changed) in [
        (key.as_str(), PRINT, true),
        (PRINT, PRINT, false),
        (OTHER, OTHER, true),
    ] {
        let (status, answer) = host.run_json(&["enroll", "kim", "--security-key", key], "");
        let expected = json!({"ok": true, "user": "kim", "security_key": print,
            "changed": changed, "warning": warning});
        assert_eq!((status, answer), (0, expected));
    }
    let line = format!("kim = {{ security_keys = [\"{PRINT}\", \"{OTHER}\"] }}\n");
    assert!(
        host.text("users.toml").ends_with(&line),
        "{}",
        host.text("users.toml")
    );
    let (_, list) = host.run_json(&["list"], "");
    let kim = json!({"user": "kim", "factors": ["security_key"], "security_keys": [PRINT, OTHER]});
    assert_eq!(list["users"], json!([kim]));
    let (status, answer) = host.run_json(&["status", "kim"], "");
    assert_eq!(
        (status, &answer["security_keys"]),
        (0, &json!([PRINT, OTHER])),
        "{answer}"
    );
    assert_eq!(host.run_json(&["check"], "").0, 0);

    for (key, left) in [(OTHER, true), (key.as_str(), false)] {
        let (status, answer) = host.run_json(&["unenroll", "kim", "--security-key", key], "");
        assert_eq!(status, 0, "{answer}");
        assert_eq!(host.text("users.toml").contains("kim"), left);
    }
    let (status, _) = host.run_json(&["unenroll", "kim", "--security-key", PRINT], "");
    assert_eq!(status, 4);
}

#[test]
fn recovery_codes_stay_while_one_of_the_factors_is_kept() {
    let host = host();
    let key = file(&host, "key.pub");
    let run = |words: &[&str]| {
        let (status, answer) = host.run_json(words, "");
        assert_eq!(status, 0, "{words:?}: {answer}");
        answer
    };
    let left = || run(&["recovery", "left", "kim"])["left"].clone();
    run(&["enroll", "kim", "--security-key", &key]);
    run(&["recovery", "generate", "kim"]);
    run(&["enroll", "kim", "--security-key", OTHER]);
    run(&["unenroll", "kim", "--security-key", PRINT]);
    assert_eq!(left(), 10);
    run(&["unenroll", "kim", "--security-key", OTHER]);
    run(&["enroll", "kim", "--security-key", PRINT]);
    assert_eq!(left(), 0);
}

#[test]
fn what_is_no_security_key_is_refused_and_changes_nothing() {
    let host = host();
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n";
    let files = [
        ("plain.pub", format!("{PLAIN} {SK}\n"), 2),
        ("private", private.to_owned(), 2),
        ("two.pub", format!("{SK}\n{SK}\n"), 2),
        ("options.pub", format!("no-touch-required {SK}\n"), 2),
        ("empty.pub", String::new(), 2),
    ];
    check_rows(files, |(name, content, expected)| {
        host.write(name, &content, 0o600);
        let (status, answer) =
            host.run_json(&["enroll", "kim", "--security-key", &file(&host, name)], "");
        assert_eq!(
            (status, &answer["error"]["kind"]),
            (expected, &json!("usage")),
            "{answer}"
        );
        assert!(!answer.to_string().contains("b3BlbnNzaC1"), "{answer}");
    });
    let texts = [
        ("SHA256:x", 2),
        (&PRINT[..49], 2),
        ("/nowhere.pub", 4),
        ("/", 4),
    ];
    check_rows(texts, |(key, expected)| {
        let (status, answer) = host.run_json(&["enroll", "kim", "--security-key", key], "");
        assert_eq!(status, expected, "{answer}");
    });
    let usage = [
        &["enroll", "kim", "--security-key", PRINT, "--totp"][..],
        &["enroll", "kim", "--security-key", PRINT, "--no-check"],
        &["unenroll", "kim", "--security-key", PRINT, "--remote"],
    ];
    check_rows(usage, |words| {
        let (status, answer) = host.run_json(words, "");
        assert_eq!(status, 2, "{answer}");
    });
    assert!(!host.path("users.toml").exists());
}

#[test]
fn it_is_said_where_a_key_is_not_used() {
    let host = host();
    let config = host.text("config.toml");
    host.write(
        "config.toml",
        &config.replace(", \"security-key\"", ""),
        0o600,
    );
    let (_, answer) = host.run_json(&["enroll", "kim", "--security-key", PRINT], "");
    let warning = answer["warning"].as_str().unwrap();
    assert!(warning.contains("the key is not used yet"), "{answer}");
    // kim has nothing else.
    let (status, answer) = host.run_json(&["check"], "");
    assert_eq!(status, 4, "{answer}");
    host.write("config.toml", &config, 0o600);
    let stacks = host.path("pam.d");
    make_stacks(&stacks);
    let stacks = stacks.display().to_string();
    let explain = |service: &str| {
        let words = ["explain", "kim", "--service", service, "--pam-dir", &stacks];
        host.run_json(&words, "").1
    };
    let (sshd, sudo) = (explain("sshd"), explain("sudo"));
    let said =
        |answer: &serde_json::Value| answer["reason"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        said(&sshd),
        "kim is enrolled with SSH security keys",
        "{sshd}"
    );
    assert!(
        said(&sudo).contains("every login is refused: security_keys is skipped"),
        "{sudo}"
    );
}
