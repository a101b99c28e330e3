//! Properties of all commands: kinds of errors, exit status, output.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::Uid;
use serde_json::json;

use super::{authyctl, enrolled, run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

#[test]
fn what_is_malformed_is_a_usage_error_and_sends_nothing() {
    let sim = enrolled();
    let table = [
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
    ];
    check_rows(table, |arguments| {
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
    });
    assert!(sim.requests().is_empty());
}

#[test]
fn an_unenrolled_user_is_a_local_error() {
    let sim = Sim::start();
    let table = [["status", "bob"], ["sms", "bob"], ["unenroll", "bob"]];
    check_rows(table, |arguments| {
        let (status, object) = run_json(&sim, &arguments, "");
        assert_eq!((status, &object["error"]["kind"]), (4, &json!("local")));
    });
    let output = run(&sim, &["status", "bob"], "");
    // A plain user may not have the folder of authyctl in the PATH.
    let sudo = if Uid::effective().is_root() {
        ""
    } else {
        "sudo "
    };
    let expected = format!(
        "authyctl: bob is not enrolled\n\
         hint: {sudo}authyctl enroll bob --totp, --phone +E164 or --authy-id N\n"
    );
    assert_eq!(text(&output.stderr), expected);
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
fn no_answer_and_an_untrusted_server_are_unavailable() {
    let sim = enrolled();
    let table = [
        json!({"status": 500}),
        json!({"certificate": "wrong-ca"}),
        json!({"listener": "close"}),
    ];
    check_rows(table, |fault| {
        sim.fault(&fault);
        let (status, object) = run_json(&sim, &["status", "alice"], "");
        assert_eq!(
            (status, &object["error"]["kind"]),
            (3, &json!("unavailable")),
            "{fault}"
        );
    });
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
    let table = [
        &["status", "alice", "--verbose"][..],
        &["verify", "alice", "1111111", "--verbose"],
    ];
    check_rows(table, |arguments| {
        let output = run(&sim, arguments, "");
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains(&sim.key()), "{all}");
        assert!(
            all.contains("authyctl: service https://127.0.0.1:"),
            "{all}"
        );
    });
}

/// Every command that asks the service, with the members that its success has beside `ok`.
const ASKING: [(&[&str], &[&str]); 13] = [
    (
        &["status", "alice"],
        &[
            "authy_id",
            "confirmed",
            "registered",
            "country_code",
            "phone_number",
            "devices",
        ],
    ),
    (&["verify", "alice", "-"], &["token"]),
    (
        &["sms", "alice"],
        &["ignored", "cellphone", "device", "message"],
    ),
    (
        &["call", "alice"],
        &["ignored", "cellphone", "device", "message"],
    ),
    (
        &["push", "alice", "--message", "x", "--no-wait"],
        &["uuid", "status", "authy_id"],
    ),
    (
        &["qr", "alice", "--label", "demo"],
        &["qr_code", "issuer", "label"],
    ),
    (&["app"], &["app"]),
    (&["stats"], &["stats", "total_users", "count"]),
    (
        &["phone", "start", "405-342-5699"],
        &[
            "uuid",
            "carrier",
            "is_cellphone",
            "seconds_to_expire",
            "message",
        ],
    ),
    (&["phone", "status", "405-342-5699"], &["status"]),
    (
        &["phone", "info", "405-342-5699"],
        &["type", "provider", "ported", "message"],
    ),
    (
        &[
            "enroll",
            "bob",
            "--email",
            "b@x.test",
            "--cellphone",
            "405-342-5698",
        ],
        &["user", "authy_id", "changed"],
    ),
    (
        &["unenroll", "alice", "--remote"],
        &["user", "authy_id", "remote"],
    ),
];

/// The commands that do not ask the service.
const LOCAL: [(&[&str], &[&str]); 8] = [
    (&["list"], &["users"]),
    (
        &["enroll", "alice", "--authy-id", "1635"],
        &["user", "authy_id", "changed"],
    ),
    (
        &["explain", "alice"],
        &["required", "reason", "file", "line"],
    ),
    (&["import", "/dev/null", "--dry-run"], &["error"]),
    (&["guide"], &["guide"]),
    (&["completions", "zsh"], &["completions"]),
    (&["man"], &["man"]),
    (&["unenroll", "alice"], &["user", "authy_id", "remote"]),
];

#[test]
fn relative_paths_of_files_start_at_the_working_directory() {
    let folder = tempfile::tempdir().unwrap();
    let type_there = |arguments: &[&str]| {
        let mut command = authyctl();
        command.current_dir(folder.path()).args(arguments);
        command.args(["--config", "config.toml", "--users", "users.toml"]);
        command.output().unwrap()
    };
    let init = type_there(&["init", "totp"]);
    assert!(init.status.success(), "{}", text(&init.stderr));
    let enroll = type_there(&["enroll", "alice", "--totp", "--no-check"]);
    assert!(enroll.status.success(), "{}", text(&enroll.stderr));
    assert!(folder.path().join("totp.toml").exists());
}

#[test]
fn each_command_answers_one_object_with_the_members_of_its_contract() {
    let sim = enrolled();
    sim.change(1635, &json!({"registered": true}));
    check_rows(ASKING.iter().chain(&LOCAL), |(arguments, members)| {
        if arguments[..] == ["enroll", "alice", "--authy-id", "1635"] || arguments[0] == "list" {
            let again = ["enroll", "alice", "--authy-id", "1635"];
            assert_eq!(run_json(&sim, &again, "").0, 0);
        }
        let (status, answer) = run_json(&sim, arguments, &sim.token(1635));
        let ok = !members.contains(&"error");
        assert_eq!(
            (status == 0, &answer["ok"]),
            (ok, &json!(ok)),
            "{arguments:?}: {answer}"
        );
        for member in *members {
            assert!(
                answer.get(member).is_some(),
                "{arguments:?}: no {member} in {answer}"
            );
        }
    });
}

#[test]
fn each_command_answers_one_object_whatever_fails() {
    let sim = enrolled();
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    let each = |status: i32, kind: &str| {
        check_rows(ASKING, |(arguments, _)| {
            let (found, answer) = run_json(&sim, arguments, "1234567");
            let expected = (status, &json!(false), &json!(kind));
            assert_eq!(
                (found, &answer["ok"], &answer["error"]["kind"]),
                expected,
                "{arguments:?}"
            );
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(!message.is_empty(), "{arguments:?}");
        });
    };
    sim.fault(&json!({"times": 0, "status": 503, "body": "<html>busy</html>"}));
    each(3, "unavailable");
    sim.forget_faults();
    sim.fault(&json!({"times": 0, "status": 429, "headers": {"Retry-After": "17"}}));
    each(1, "refused");
    let said = text(&run(&sim, &["app"], "").stderr);
    assert!(said.ends_with("hint: try again in 17 s\n"), "{said}");
    sim.forget_faults();
    fs::write(sim.path("config.toml"), config.replace(&sim.key(), "wrong")).unwrap();
    each(1, "refused");
    fs::remove_file(sim.path("config.toml")).unwrap();
    each(4, "local");
    let said = text(&run(&sim, &["app"], "").stderr);
    assert!(said.contains("authyctl init writes it\n"), "{said}");
    check_rows(ASKING, |(arguments, _)| {
        let wrong = [arguments, &["--no-such-option"][..]].concat();
        let (status, answer) = run_json(&sim, &wrong, "");
        assert_eq!((status, &answer["error"]["kind"]), (2, &json!("usage")));
    });
}

#[test]
fn verbose_shows_no_key_no_code_and_no_whole_number() {
    let sim = enrolled();
    let mut all = String::new();
    check_rows(ASKING, |(arguments, _)| {
        let token = sim.token(1635);
        let output = run(&sim, &[arguments, &["--verbose"]].concat(), &token);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            said.contains("authyctl: service https://"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains(&token), "{said}");
        all += &said;
    });
    let digits: String = all.chars().filter(|c| !" -.()".contains(*c)).collect();
    let key = sim.key();
    // `phone start` repeats the number that was typed, 405-342-5699.
    let table = [key.as_str(), "4053425698", "5550100199"];
    check_rows(table, |secret| {
        assert!(
            !all.contains(secret) && !digits.contains(secret),
            "{secret}: {all}"
        );
    });
}
