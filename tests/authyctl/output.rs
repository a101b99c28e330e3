//! What authyctl prints: where it cannot, what it says instead of nothing, and the hints and
//! addresses in its errors.

use std::fs::{self, File};
use std::process::Stdio;

use serde_json::json;

use super::{authyctl, enrolled, feed, run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Runs authyctl with its standard output on the device that is always full.
fn into_full(sim: &Sim, arguments: &[&str]) -> (i32, String) {
    let mut command = authyctl();
    command.arg("--config").arg(sim.path("config.toml"));
    command.arg("--users").arg(sim.path("users.toml"));
    let full = File::options().write(true).open("/dev/full").unwrap();
    command.args(arguments).stdout(full);
    let output = feed(command, "");
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn output_that_cannot_be_written_is_a_local_error() {
    let sim = enrolled();
    let table = [
        &["list"][..],
        &["list", "--json"],
        &["man"],
        &["guide"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
        &["help", "pam"],
        &["pam", "enable", "--help"],
        &["metrics"],
    ];
    check_rows(table, |arguments| {
        let (status, said) = into_full(&sim, arguments);
        let expected = "authyctl: standard output: No space left on device";
        assert_eq!(status, 4, "{said}");
        assert!(said.contains(expected), "{said}");
    });
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sim = enrolled();
    check_rows(
        [&["man"][..], &["help"], &["completions", "zsh"]],
        |arguments| {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut command = authyctl();
            command.arg("--config").arg(sim.path("config.toml"));
            command.args(arguments).stdout(Stdio::from(writer));
            let output = feed(command, "");
            assert_eq!(
                (output.status.code(), text(&output.stderr)),
                (Some(0), String::new())
            );
        },
    );
}

#[test]
fn recovery_codes_that_could_not_be_shown_leave_the_old_ones() {
    let sim = enrolled();
    let (_, made) = run_json(&sim, &["recovery", "generate", "alice"], "");
    let file = || {
        let folder = fs::read_dir(sim.path("state/recovery")).unwrap();
        let files = folder
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file());
        let mut files: Vec<_> = files.map(|path| fs::read(path).unwrap()).collect();
        files.sort();
        files
    };
    let before = file();
    assert_eq!(made["codes"].as_array().unwrap().len(), 10);
    check_rows([&["recovery"][..], &["--json", "recovery"]], |start| {
        let arguments = [start, &["generate", "alice", "--replace"]].concat();
        let (status, said) = into_full(&sim, &arguments);
        assert_eq!(status, 4);
        assert!(
            said.contains("\nhint: the new codes were taken back\n"),
            "{said}"
        );
        assert_eq!(said.matches("standard output").count(), 1, "{said}");
        assert!(file() == before, "the old codes stay");
        assert_eq!(
            run_json(&sim, &["recovery", "left", "alice"], "").1["left"],
            10
        );
    });
    assert_eq!(
        run(&sim, &["recovery", "generate", "alice", "--replace"], "")
            .status
            .code(),
        Some(0)
    );
    assert!(file() != before, "and are replaced otherwise");
}

#[test]
fn list_says_that_no_one_is_enrolled_and_fails_without_the_file() {
    let sim = Sim::start();
    let users = sim.path("users.toml");
    fs::write(&users, "[users]\n").unwrap();
    let said = text(&run(&sim, &["list"], "").stdout);
    assert_eq!(said, format!("no one is enrolled in {}\n", users.display()));
    assert_eq!(
        run_json(&sim, &["list"], ""),
        (0, json!({"ok": true, "users": []}))
    );
    fs::remove_file(&users).unwrap();
    let (status, answer) = run_json(&sim, &["list"], "");
    let error = &answer["error"];
    assert_eq!((status, &error["kind"]), (4, &json!("local")), "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with(users.to_str().unwrap()), "{message}");
    assert!(
        error["hint"].as_str().unwrap().contains("authyctl enroll"),
        "{answer}"
    );
}

#[test]
fn without_arguments_the_steps_of_a_new_host_are_shown() {
    let output = authyctl().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stdout);
    assert!(said.contains("sudo authyctl"), "{said}");
    assert!(
        said.lines().count() < 20 && said.lines().all(|line| line.chars().count() <= 80),
        "{said}"
    );
}

#[test]
fn an_error_of_a_provider_has_its_address_and_a_hint_in_json_too() {
    let sim = enrolled();
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    let closed = config.replace(&sim.url(), "https://127.0.0.1:1");
    fs::write(sim.path("config.toml"), closed).unwrap();
    let (status, answer) = run_json(&sim, &["status", "alice"], "");
    let expected = json!({
        "kind": "unavailable",
        "message": "Authy is unavailable: Connection refused (at https://127.0.0.1:1)",
        "hint": "authyctl doctor checks the connection to the service",
    });
    assert_eq!((status, &answer["error"]), (3, &expected));
    let (status, answer) = run_json(&sim, &["status"], "");
    let hint = answer["error"]["hint"].as_str().unwrap();
    assert!(status == 2 && hint.contains("authyctl help"), "{answer}");
}

#[test]
fn init_names_a_wrong_argument_and_sends_no_one_to_a_file_that_is_not_there() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let init = |arguments: &[&str]| {
        let mut command = authyctl();
        let config = folder.path().join("config.toml");
        command
            .args(["--json", "--config"])
            .arg(config)
            .args(arguments);
        let output = feed(command, &sim.key());
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), answer["error"].clone())
    };
    let service = "VA0123456789abcdef0123456789abcdef";
    let key = "SK0123456789abcdef0123456789abcdef";
    let twilio = [
        "init",
        "twilio",
        "--service",
        service,
        "--key-sid",
        key,
        "--url",
    ];
    check_rows(
        ["http://api.authy.com", "api.authy.com", "https://"],
        |url| {
            for command in [&["init", "authy", "--url"][..], &twilio] {
                let (status, error) = init(&[command, &[url]].concat());
                assert_eq!(
                    (status, &error["kind"]),
                    (Some(2), &json!("usage")),
                    "{error}"
                );
                let message = error["message"].as_str().unwrap();
                assert!(
                    message.contains("--url") && !message.contains("config.toml"),
                    "{message}"
                );
            }
        },
    );
    for command in [&["init", "authy", "--url"][..], &twilio] {
        let (status, error) = init(&[command, &["https://127.0.0.1:1"]].concat());
        assert_eq!(status, Some(3), "{error}");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .ends_with("(at https://127.0.0.1:1)"),
            "{error}"
        );
        let hint = error["hint"].as_str().unwrap();
        assert!(
            hint.starts_with("nothing was written") && !hint.contains("doctor"),
            "{hint}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn no_person_is_created_whom_the_mapping_would_not_take() {
    let sim = Sim::start();
    let users = sim.path("users.toml");
    let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    let shared = format!(
        "[users]\nbob = 7\ndeploy = {{ keys = {{ \"{key}\" = 8 }} }}\nbad = \"x\"\ntwo = {{ totp = 1 }}\n"
    );
    fs::write(&users, &shared).unwrap();
    let enroll = |user: &'static str, more: &[&'static str]| {
        let how = [
            "enroll",
            user,
            "--email",
            "b@x.test",
            "--cellphone",
            "405-342-5690",
        ];
        run_json(&sim, &[&how[..], more].concat(), "")
    };
    let table = [
        (0, "bob", &[][..]),
        (4, "bob", &["--ssh-key", key]),
        (4, "bob", &["--ssh-key", key, "--replace"]),
        (4, "deploy", &[]),
        (0, "deploy", &["--ssh-key", key]),
        (4, "two", &["--replace"]),
    ];
    check_rows(table, |(expected, user, more)| {
        let (status, answer) = enroll(user, more);
        assert_eq!(status, expected, "{answer}");
        assert_eq!(fs::read_to_string(&users).unwrap(), shared);
    });
    let csv = sim.path("people.csv");
    fs::write(&csv, "user,email,cellphone\nnew,b@x.test,405-342-5690\n").unwrap();
    // A mapping that cannot be written.
    fs::remove_file(sim.path(".users.toml.lock")).unwrap();
    fs::create_dir(sim.path(".users.toml.lock")).unwrap();
    assert_eq!(enroll("new", &[]).0, 4);
    assert_eq!(run_json(&sim, &["import", csv.to_str().unwrap()], "").0, 4);
    assert!(sim.requests().is_empty(), "{:?}", sim.requests());
}

#[test]
fn a_dry_run_needs_the_provider_that_the_import_needs() {
    let sim = Sim::start();
    let config = sim.path("app.toml");
    let config = config.to_str().unwrap();
    let csv = sim.path("people.csv");
    fs::write(&csv, "user,email,cellphone\nnew,b@x.test,405-342-5690\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = authyctl();
        command.args(["--json", "--config", config]).args(arguments);
        feed(command, "")
    };
    assert!(run(&["init", "totp"]).status.success());
    for more in [&["--dry-run"][..], &[]] {
        let output = run(&[&["import", csv.to_str().unwrap()], more].concat());
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("the table [authy] is missing"), "{said}");
    }
    assert!(sim.requests().is_empty());
}
