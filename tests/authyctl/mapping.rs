//! The commands that read and write the mapping: `enroll`, `unenroll`, `list`, `index`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use pam_authy::store::users::Mapping;
use serde_json::{Value, json};

use super::{authyctl, enrolled, feed, run, run_json, text};
use crate::common::rounds;
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

#[test]
fn enroll_maps_once_and_replaces_only_when_told() {
    let sim = Sim::start();
    let enroll =
        |arguments: &[&str]| run_json(&sim, &[&["enroll", "root"], arguments].concat(), "");

    let (status, first) = enroll(&["--authy-id", "1635"]);
    assert_eq!(
        (status, first),
        (
            0,
            json!({"ok": true, "user": "root", "authy_id": 1635, "changed": true})
        )
    );
    let (status, again) = enroll(&["--authy-id", "1635"]);
    assert_eq!((status, &again["changed"]), (0, &json!(false)));
    let (status, other) = enroll(&["--authy-id", "1636"]);
    assert_eq!(
        (status, &other["ok"], &other["error"]["kind"]),
        (1, &json!(false), &json!("refused"))
    );
    let (status, replaced) = enroll(&["--authy-id", "1636", "--replace"]);
    assert_eq!((status, &replaced["changed"]), (0, &json!(true)));
    assert_eq!(
        fs::read_to_string(sim.path("users.toml")).unwrap(),
        "[users]\nroot = 1636\n"
    );
}

#[test]
fn a_user_without_an_account_is_enrolled_with_a_warning() {
    let sim = Sim::start();
    let output = run(&sim, &["enroll", "no-such-user", "--authy-id", "5"], "");
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("warning: there is no account no-such-user"));
}

#[test]
fn list_enroll_and_unenroll_need_neither_configuration_nor_network() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let run = |arguments: &[&str]| {
        let mut command = authyctl();
        command
            .args(arguments)
            .arg("--users")
            .arg(&users)
            .args(["--config", "/nonexistent"]);
        feed(command, "")
    };
    assert_eq!(run(&["list"]).status.code(), Some(4));
    assert!(!users.exists(), "list makes nothing");
    assert!(
        run(&["enroll", "jane.doe", "--authy-id", "7"])
            .status
            .success()
    );
    assert_eq!(
        fs::metadata(&users).unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert_eq!(text(&run(&["list"]).stdout), "jane.doe  7\n");
    assert!(run(&["unenroll", "jane.doe"]).status.success());
    assert_eq!(run(&["unenroll", "jane.doe"]).status.code(), Some(4));
}

fn spawn_enroll(users: &Path, name: &str, id: u32) -> Child {
    let mut command = authyctl();
    command
        .arg("--users")
        .arg(users)
        .args(["enroll", name, "--authy-id", &id.to_string()]);
    command.spawn().unwrap()
}

#[test]
fn fifty_writers_at_once_lose_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let start = "# people\n[users]\nfirst = 1  # stays\n";
    fs::write(&users, start).unwrap();

    let writers: Vec<_> = (1..=50)
        .map(|n| spawn_enroll(&users, &format!("u{n}"), n))
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }

    assert_eq!(Mapping::load(&users).unwrap().iter().count(), 51);
    assert!(fs::read_to_string(&users).unwrap().starts_with(start));
}

#[test]
fn a_writer_killed_at_any_moment_leaves_the_old_or_the_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let start = "# people\n[users]\nfirst = 1  # stays\n";
    fs::write(&users, start).unwrap();
    fs::set_permissions(&users, fs::Permissions::from_mode(0o640)).unwrap();

    for round in 0..rounds(60) {
        let before = Mapping::load(&users).unwrap().iter().count();
        let mut writer = spawn_enroll(&users, &format!("u{round}"), round + 1);
        std::thread::sleep(Duration::from_micros(200) * (round % 60));
        let _ = writer.kill();
        writer.wait().unwrap();
        let after = Mapping::load(&users).unwrap().iter().count();
        assert!(after == before || after == before + 1);
    }

    assert!(fs::read_to_string(&users).unwrap().starts_with(start));
    assert_eq!(
        fs::metadata(&users).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(spawn_enroll(&users, "last", 99).wait().unwrap().success());
    let left = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left
        .filter(|name| name.to_string_lossy().contains(".new-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_person_is_created_and_enrolled_once() {
    let sim = Sim::start();
    let how = [
        "enroll",
        "bob",
        "--email",
        "bob@example.com",
        "--cellphone",
        "405-342-5699",
    ];
    let (status, first) = run_json(&sim, &how, "");
    assert_eq!((status, &first["changed"]), (0, &json!(true)));
    let (status, again) = run_json(&sim, &how, "");
    assert_eq!((status, &again["changed"]), (0, &json!(false)));
    assert_eq!(first["authy_id"], again["authy_id"]);
    let phones = sim.get("/phone.json");
    let bob = phones["users"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(bob["email"], "bob@example.com");
    assert_eq!(bob["inbox"], json!([]), "no install link without asking");
}

#[test]
fn an_impossible_number_or_address_is_refused_before_it_costs_a_request() {
    let sim = Sim::start();
    let table = [
        ("bob@example.com", "12"),
        ("bob@example.com", "x"),
        ("bob", "405-342-5699"),
    ];
    check_rows(table, |(email, cellphone)| {
        let how = ["enroll", "bob", "--email", email, "--cellphone", cellphone];
        let (status, answer) = run_json(&sim, &how, "");
        assert_eq!((status, &answer["error"]["kind"]), (2, &json!("usage")));
    });
    assert!(sim.requests().is_empty());
}

#[test]
fn unenroll_remote_removes_the_person_at_authy_too() {
    let sim = enrolled();
    let (status, answer) = run_json(&sim, &["unenroll", "alice", "--remote"], "");
    assert_eq!((status, &answer["remote"]), (0, &json!(true)));
    assert_eq!(sim.get("/phone.json")["users"][0]["deleted"], true);
    let (status, _) = run_json(&sim, &["status", "alice"], "");
    assert_eq!(status, 4);
}

const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

#[test]
fn people_of_a_shared_account_are_enrolled_listed_and_taken_out_by_their_keys() {
    let sim = enrolled();
    let other = "SHA256:LHE2e+bMcdrb8X5GLzgKyI/rAsnp/YZz8Me/wD9bvfw";
    check_rows([(KEY, "1640"), (other, "1641")], |(key, id)| {
        let how = ["enroll", "deploy", "--ssh-key", key, "--authy-id", id];
        let (status, answer) = run_json(&sim, &how, "");
        assert_eq!((status, &answer["ssh_key"]), (0, &json!(key)), "{answer}");
    });
    let (_, answer) = run_json(&sim, &["list"], "");
    let keys = json!([
        {"fingerprint": other, "authy_id": 1641, "factors": ["authy"]},
        {"fingerprint": KEY, "authy_id": 1640, "factors": ["authy"]},
    ]);
    assert_eq!(answer["users"][1], json!({"user": "deploy", "keys": keys}));
    let shown = text(&run(&sim, &["list"], "").stdout);
    assert!(shown.contains(&format!("deploy  1640  {KEY}\n")), "{shown}");

    let plain = ["enroll", "deploy", "--authy-id", "5", "--replace"];
    assert_eq!(run_json(&sim, &plain, "").0, 4, "several people share it");
    let (status, answer) = run_json(&sim, &["status", "deploy"], "");
    assert_eq!((status, &answer["error"]["kind"]), (4, &json!("local")));
    let (status, answer) = run_json(&sim, &["unenroll", "deploy", "--ssh-key", KEY], "");
    assert_eq!((status, &answer["authy_id"]), (0, &json!(1640)));
    assert_eq!(
        run_json(&sim, &["unenroll", "deploy", "--ssh-key", KEY], "").0,
        4
    );
    let (status, _) = run_json(
        &sim,
        &["enroll", "x", "--authy-id", "1", "--ssh-key", "MD5:aa"],
        "",
    );
    assert_eq!(status, 2);
}

#[test]
fn index_checks_the_mapping_without_configuration_or_network() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let index = || {
        let mut command = authyctl();
        command.args(["index", "--json", "--config", "/no/such/file", "--users"]);
        command.arg(&users);
        let output = feed(command, "");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), answer)
    };
    assert_eq!(index().0, 4, "there is no mapping");
    fs::write(&users, "[users]\nalice = 1635\nbob = 0\n").unwrap();
    let (status, answer) = index();
    assert_eq!((status, &answer["entries"]), (0, &json!(2)), "{answer}");
    assert_eq!(answer["unusable"][0]["line"], 3);
    let path = folder.path().join("users.toml.index");
    assert_eq!(answer["path"], json!(path));
    assert!(path.exists());
    fs::write(&users, "[users]\njane.doe = 1\n").unwrap();
    let (status, answer) = index();
    let said = answer["error"]["message"].as_str().unwrap();
    assert_eq!(status, 4);
    assert!(
        said.ends_with("users.toml:2: jane.doe: put the name in quotes"),
        "{said}"
    );
}
