//! Unusable input: each error names what is wrong, and the mapping does not change.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{enrolled, run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;

/// Runs authyctl and checks the exit status, the kind of error and `words` in its message. The
/// mapping must not change.
fn refused(sim: &Sim, arguments: &[&str], status: i32, kind: &str, words: &str) -> Value {
    let users = sim.path("users.toml");
    let before = fs::read(&users).ok();
    let (found, answer) = run_json(sim, arguments, "");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(words), "{arguments:?}: {message}");
    assert_eq!(
        (found, &answer["error"]["kind"], &answer["ok"]),
        (status, &json!(kind), &json!(false)),
        "{arguments:?}: {answer}"
    );
    assert_eq!(fs::read(&users).ok(), before, "{arguments:?}");
    let output = run(sim, arguments, "");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}");
    assert!(!said.is_empty() && !said.contains("panicked"), "{said}");
    answer
}

#[test]
fn an_impossible_value_is_named_and_costs_no_request() {
    let sim = enrolled();
    let long = "x".repeat(201);
    let forty = "9".repeat(40);
    let enroll = |number: &'static str, code: &'static str, email: &'static str| {
        let how = ["enroll", "bob", "--email", email, "--cellphone", number];
        [&how[..], &["--country-code", code]].concat()
    };
    let push = |more: &[&'static str]| [&["push", "alice", "--message", "x"], more].concat();
    let rows: [(Vec<&str>, &str); 18] = [
        (enroll("405-342-5699", "0", "b@x.test"), "country code"),
        (enroll("405-342-5699", "12345", "b@x.test"), "country code"),
        (enroll("405-342-5699", "one", "b@x.test"), "country code"),
        (enroll("405-342-5699", "999", "b@x.test"), "cellphone"),
        (enroll("405-342", "1", "b@x.test"), "cellphone"),
        (enroll("four", "1", "b@x.test"), "cellphone"),
        (enroll("", "1", "b@x.test"), "cellphone"),
        (enroll("405-342-5699", "1", "b.x.test"), "email"),
        (enroll("405-342-5699", "1", "@"), "email"),
        (vec!["enroll", "bob", "--authy-id", "bob"], "authy id"),
        (vec!["enroll", "bob", "--authy-id", "0"], "authy id"),
        (vec!["enroll", "bob", "--authy-id", &forty], "authy id"),
        (vec!["status", "--authy-id", "1 "], "authy id"),
        (vec!["push", "alice", "--message", &long], "message"),
        (push(&["--detail", "a=1", "--detail", "a=2"]), "a"),
        (push(&["--detail", "no equals sign"]), "NAME=VALUE"),
        (vec!["approval", "../../protected/json/sms/1635"], "uuid"),
        (vec!["verify", "alice"], "token"),
    ];
    check_rows(rows, |(arguments, words)| {
        refused(&sim, &arguments, 2, "usage", words);
    });
    assert!(sim.requests().is_empty());
}

#[test]
fn a_missing_argument_is_named_in_the_json_too() {
    let sim = enrolled();
    refused(&sim, &["push", "alice"], 2, "usage", "--message <M>");
    refused(&sim, &["enroll"], 2, "usage", "<USER>");
    refused(&sim, &["phone"], 2, "usage", "subcommand");
    refused(
        &sim,
        &["list", "--quiet", "--verbose"],
        2,
        "usage",
        "cannot be used with",
    );
}

#[test]
fn a_broken_mapping_is_named_and_left_unchanged() {
    let sim = Sim::start();
    let users = sim.path("users.toml");
    let table = [
        (
            "[users]\nalice = 1635\njane.doe = 1\n",
            "users.toml:3: jane.doe: put the name in quotes",
        ),
        ("[users]\nalice = \n", "users.toml:2"),
        ("[users]\nalice = 1\nalice = 2\n", "users.toml:3"),
        ("\u{0}", "users.toml:1"),
    ];
    check_rows(table, |(broken, words)| {
        fs::write(&users, broken).unwrap();
        let commands = [
            &["enroll", "bob", "--authy-id", "7"][..],
            &["unenroll", "alice"],
            &["list"],
            &["status", "alice"],
        ];
        check_rows(commands, |arguments| {
            refused(&sim, arguments, 4, "local", words);
        });
    });
}

#[test]
fn a_bad_value_hides_no_other_user_from_the_list() {
    let sim = Sim::start();
    fs::write(sim.path("users.toml"), "[users]\nalice = 1635\nbob = 0\n").unwrap();
    let answer = refused(&sim, &["list"], 4, "local", "users.toml:3: bob: ");
    assert_eq!(
        answer["users"],
        json!([{"user": "alice", "authy_id": 1635, "factors": ["authy"]}])
    );
    assert_eq!(text(&run(&sim, &["list"], "").stdout), "alice  1635\n");
}

#[test]
fn a_mapping_that_is_no_regular_file_is_refused() {
    let sim = Sim::start();
    let users = sim.path("users.toml");
    let enroll = ["enroll", "bob", "--authy-id", "7"];
    fs::remove_file(&users).unwrap();
    symlink("nowhere.toml", &users).unwrap();
    refused(&sim, &enroll, 4, "local", "users.toml");
    fs::remove_file(&users).unwrap();
    fs::create_dir(&users).unwrap();
    refused(&sim, &enroll, 4, "local", "users.toml");
    fs::remove_dir(&users).unwrap();
    let fifo = Command::new("mkfifo").arg(&users).status().unwrap();
    assert!(fifo.success());
    let (status, _) = run_json(&sim, &enroll, "");
    assert_eq!(status, 4, "a FIFO does not block");
    fs::remove_file(&users).unwrap();

    // A symbolic link that the administrator made is kept, and its target is the mapping.
    let real = sim.path("real.toml");
    fs::write(&real, "[users]\n").unwrap();
    symlink("real.toml", &users).unwrap();
    assert_eq!(run_json(&sim, &enroll, "").0, 0);
    assert!(users.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "[users]\nbob = 7\n");
}

#[test]
fn an_import_file_of_100_mb_is_refused_unread() {
    let sim = enrolled();
    let path = sim.path("huge.csv");
    File::create(&path)
        .unwrap()
        .set_len(100 * 1024 * 1024)
        .unwrap();
    let how = ["import", path.to_str().unwrap()];
    refused(&sim, &how, 2, "usage", "huge.csv: is larger than 16 MiB");
}

/// Mounts a tmpfs with `options` at `path`.
fn small_disk(path: &Path, options: &str) {
    fs::create_dir_all(path).unwrap();
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(path);
    assert!(mount.status().unwrap().success());
}

#[test]
#[ignore = "needs root"]
#[expect(clippy::too_many_lines, reason = "one scenario")]
fn a_full_or_read_only_disk_stops_an_import_before_more_people_are_created() {
    sandboxed!();
    let sim = Sim::start();
    let disk = Path::new("/srv/small");
    small_disk(disk, "size=64k,mode=0755");
    let users = disk.join("users.toml");
    let before = "# people\n[users]\nalice = 1635\n";
    fs::write(&users, before).unwrap();
    let _ = fs::write(disk.join("filler"), vec![0; 128 * 1024]);
    let file = sim.path("people.csv");
    let people = "user,email,cellphone\nbob,b@x.test,405-342-5600\ncarl,c@x.test,405-342-5601\n";
    fs::write(&file, people).unwrap();
    let import = || {
        let how = [
            "--users",
            "/srv/small/users.toml",
            "import",
            file.to_str().unwrap(),
        ];
        let mut command = super::authyctl();
        command
            .arg("--json")
            .arg("--config")
            .arg(sim.path("config.toml"))
            .args(how);
        let output = super::feed(command, "");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), answer)
    };

    let (status, answer) = import();
    assert_eq!(
        (status, &answer["error"]["kind"]),
        (Some(4), &json!("local")),
        "{answer}"
    );
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("No space left"), "{message}");
    assert_eq!(sim.count("/users/new"), 1, "no other person is created");
    assert_eq!(fs::read_to_string(&users).unwrap(), before);

    let remount = ["-o", "remount,ro", "/srv/small"];
    assert!(
        Command::new("mount")
            .args(remount)
            .status()
            .unwrap()
            .success()
    );
    let (status, answer) = import();
    assert_eq!(
        (status, &answer["error"]["kind"]),
        (Some(4), &json!("local")),
        "{answer}"
    );
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("Read-only file system"), "{message}");

    let remount = ["-o", "remount,rw,size=1m", "/srv/small"];
    assert!(
        Command::new("mount")
            .args(remount)
            .status()
            .unwrap()
            .success()
    );
    let (status, answer) = import();
    assert_eq!(
        (status, &answer["enrolled"]),
        (Some(0), &json!(2)),
        "{answer}"
    );
}
