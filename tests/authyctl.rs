//! authyctl as people and scripts call it, against authy-sim.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use pam_authy::users::Mapping;
use serde_json::{Value, json};

use crate::common::product;
use crate::common::sim::Sim;

fn authyctl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authyctl"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs with the simulator's files.
fn run(sim: &Sim, arguments: &[&str], input: &str) -> Output {
    let mut command = authyctl();
    command.arg("--config").arg(sim.path("config.toml"));
    command
        .arg("--users")
        .arg(sim.path("users.toml"))
        .args(arguments);
    feed(command, input)
}

fn feed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Runs with `--json`: the exit status, and the one object on standard output.
fn run_json(sim: &Sim, arguments: &[&str], input: &str) -> (i32, Value) {
    let output = run(sim, &[arguments, &["--json"]].concat(), input);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    (
        output.status.code().unwrap(),
        serde_json::from_str(&text).unwrap(),
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn enrolled() -> Sim {
    let sim = Sim::start();
    let (status, _) = run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    assert_eq!(status, 0);
    sim
}

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
    assert_eq!(
        text(&run(&["list", "--json"]).stdout),
        "{\"ok\":true,\"users\":[]}\n"
    );
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

#[test]
fn status_shows_what_authy_knows() {
    let sim = enrolled();
    let (status, object) = run_json(&sim, &["status", "alice"], "");
    assert_eq!(status, 0);
    for (name, value) in [
        ("ok", json!(true)),
        ("authy_id", json!(1635)),
        ("confirmed", json!(false)),
        ("registered", json!(false)),
        ("country_code", json!(1)),
        ("phone_number", json!("XXX-XXX-0199")),
        ("devices", json!(["sms"])),
    ] {
        assert_eq!(object[name], value, "{name}");
    }
    let people = text(&run(&sim, &["status", "--authy-id", "1635"], "").stdout);
    assert!(
        people.contains("cellphone       XXX-XXX-0199\n"),
        "{people}"
    );
}

#[test]
fn verify_takes_the_token_from_the_line_a_prompt_or_standard_input() {
    let sim = enrolled();
    let yes = json!({"ok": true, "token": "is valid", "authy_id": 1635});
    assert_eq!(
        run_json(&sim, &["verify", "alice", &sim.token(1635)], ""),
        (0, yes.clone())
    );
    assert_eq!(
        run_json(
            &sim,
            &["verify", "alice"],
            &format!("{}\n", sim.token(1635))
        ),
        (0, yes.clone())
    );
    assert_eq!(
        run_json(&sim, &["verify", "alice", "-"], &sim.token(1635)),
        (0, yes.clone())
    );
    let by_id = ["verify", "--authy-id", "1635", &sim.token(1635)];
    assert_eq!(run_json(&sim, &by_id, ""), (0, yes));
}

#[test]
fn a_wrong_token_is_refused_with_authys_code() {
    let sim = enrolled();
    let (status, object) = run_json(&sim, &["verify", "alice", "1111111"], "");
    assert_eq!(status, 1);
    assert_eq!(object["ok"], false);
    assert_eq!(object["error"]["kind"], "refused");
    assert_eq!(object["error"]["status"], 401);
    assert_eq!(object["error"]["code"], 60020);
}

#[test]
fn no_force_lets_authy_pass_somebody_who_is_not_confirmed() {
    let sim = enrolled();
    assert_eq!(
        run_json(&sim, &["verify", "alice", "1111111", "--no-force"], "").0,
        0
    );
}

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
fn sms_tells_sent_from_ignored() {
    let sim = enrolled();
    let (status, sent) = run_json(&sim, &["sms", "alice"], "");
    assert_eq!(
        (status, &sent["ignored"], &sent["device"]),
        (0, &json!(false), &Value::Null)
    );
    assert_eq!(sent["cellphone"], "+1-XXX-XXX-XX99");
    sim.change(1635, &json!({"registered": true}));
    let (_, ignored) = run_json(&sim, &["sms", "alice"], "");
    assert_eq!(
        (&ignored["ignored"], &ignored["device"]),
        (&json!(true), &json!("iphone"))
    );
    let (_, forced) = run_json(&sim, &["sms", "alice", "--force"], "");
    assert_eq!(forced["ignored"], false);
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

#[test]
fn test_rehearses_a_login_through_the_real_module() {
    let sim = enrolled();
    let module = product().display().to_string();
    let rehearse = ["test", "alice", "--service", "sshd", "--module", &module];
    let (status, object) = run_json(&sim, &rehearse, &format!("{}\n", sim.token(1635)));
    let expected = json!({
        "ok": true, "user": "alice", "service": "sshd", "module": module,
        "pam_code": "PAM_SUCCESS", "verdict": "accepted",
    });
    assert_eq!((status, object), (0, expected));

    let (status, object) = run_json(&sim, &rehearse, "1111111\n1111111\n1111111\n");
    assert_eq!(
        (status, &object["pam_code"], &object["verdict"]),
        (1, &json!("PAM_MAXTRIES"), &json!("refused"))
    );
    sim.answer_verify(500, "");
    let (status, object) = run_json(&sim, &rehearse, "1111111\n");
    assert_eq!((status, &object["verdict"]), (3, &json!("unavailable")));
    fs::write(sim.path("users.toml"), "broken").unwrap();
    let (status, object) = run_json(&sim, &rehearse, "1111111\n");
    assert_eq!(
        (status, &object["pam_code"]),
        (4, &json!("PAM_SERVICE_ERR"))
    );
}

#[test]
fn the_module_prints_nothing_of_its_own() {
    let sim = enrolled();
    fs::write(sim.path("config.toml"), "broken").unwrap();
    let module = product().display().to_string();
    let output = run(
        &sim,
        &["test", "alice", "--quiet", "--module", &module],
        "1111111\n",
    );
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).starts_with("authyctl: PAM_SERVICE_ERR (error)\nhint: "));
    assert_eq!(text(&output.stderr).lines().count(), 2);
}

#[test]
fn a_missing_module_is_a_local_error() {
    let sim = enrolled();
    let (status, object) = run_json(&sim, &["test", "alice", "--module", "/nonexistent.so"], "");
    assert_eq!((status, &object["error"]["kind"]), (4, &json!("local")));
}

fn spawn_enroll(users: &Path, name: &str, id: usize) -> Child {
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

    for round in 0..60 {
        let before = Mapping::load(&users).unwrap().iter().count();
        let mut writer = spawn_enroll(&users, &format!("u{round}"), round + 1);
        std::thread::sleep(Duration::from_micros(200 * u64::try_from(round).unwrap()));
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
