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
    for (email, cellphone) in [
        ("bob@example.com", "12"),
        ("bob@example.com", "x"),
        ("bob", "405-342-5699"),
    ] {
        let how = ["enroll", "bob", "--email", email, "--cellphone", cellphone];
        let (status, answer) = run_json(&sim, &how, "");
        assert_eq!((status, &answer["error"]["kind"]), (2, &json!("usage")));
    }
    assert!(sim.requests().is_empty());
}

#[test]
fn unenroll_remote_has_authy_remove_the_person_too() {
    let sim = enrolled();
    let (status, answer) = run_json(&sim, &["unenroll", "alice", "--remote"], "");
    assert_eq!((status, &answer["remote"]), (0, &json!(true)));
    assert_eq!(sim.get("/phone.json")["users"][0]["deleted"], true);
    let (status, _) = run_json(&sim, &["status", "alice"], "");
    assert_eq!(status, 4);
}

#[test]
fn a_call_and_an_action_reach_the_service() {
    let sim = enrolled();
    let (status, answer) = run_json(&sim, &["call", "alice", "--action", "pay"], "");
    assert_eq!((status, &answer["ignored"]), (0, &json!(false)));
    let token = sim.last_sms(1635).unwrap();
    let (status, _) = run_json(&sim, &["verify", "alice", &token], "");
    assert_eq!(
        status, 1,
        "a token for an action is right for that action only"
    );
    let (status, _) = run_json(&sim, &["verify", "alice", &token, "--action", "pay"], "");
    assert_eq!(status, 0);
}

/// The newest approval request on the phone, once there is one.
fn pending(sim: &Sim) -> String {
    for _ in 0..100 {
        let phones = sim.get("/phone.json");
        if let Some(approval) = phones["users"][0]["approvals"].as_array().unwrap().last() {
            return approval["uuid"].as_str().unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no approval request came");
}

#[test]
fn a_push_ends_as_the_person_decides() {
    for (approve, expected, word) in [(true, 0, "approved"), (false, 1, "denied")] {
        let sim = enrolled();
        sim.change(1635, &json!({"registered": true}));
        let (status, answer) = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let how = [
                    "push",
                    "alice",
                    "--message",
                    "Log in?",
                    "--detail",
                    "Host=server1",
                ];
                run_json(&sim, &how, "")
            });
            let uuid = pending(&sim);
            sim.post(
                &format!("/phone/approvals/{uuid}"),
                &json!({"approve": approve}),
            );
            waiting.join().unwrap()
        });
        assert_eq!((status, &answer["status"]), (expected, &json!(word)));
        assert_eq!(answer["ok"], approve);
        let uuid = answer["uuid"].as_str().unwrap();
        let (status, answer) = run_json(&sim, &["approval", uuid], "");
        assert_eq!((status, &answer["status"]), (0, &json!(word)));
    }
}

#[test]
fn a_push_that_nobody_answers_expires() {
    let sim = enrolled();
    sim.change(1635, &json!({"registered": true}));
    let how = ["push", "alice", "--message", "Log in?", "--expires", "2"];
    let (status, answer) = run_json(&sim, &how, "");
    assert_eq!((status, &answer["status"]), (1, &json!("expired")));
    let how = ["push", "alice", "--message", "Log in?", "--no-wait"];
    let (status, answer) = run_json(&sim, &how, "");
    assert_eq!((status, &answer["status"]), (0, &json!("pending")));
}

#[test]
fn a_push_over_the_limits_is_not_sent() {
    let sim = enrolled();
    let long = "x".repeat(201);
    for how in [
        ["--message", &long, "--detail", "a=b"],
        ["--message", "", "--detail", "a=b"],
        ["--message", "x", "--detail", "123456789012345678901=b"],
        ["--message", "x", "--detail", "nothing"],
    ] {
        let (status, _) = run_json(&sim, &[&["push", "alice"][..], &how].concat(), "");
        assert_eq!(status, 2, "{how:?}");
    }
    assert!(sim.requests().is_empty());
}

#[test]
fn a_phone_is_verified_by_the_code_that_it_got() {
    let sim = Sim::start();
    let phone = "+1 405-342-5699";
    let (status, answer) = run_json(&sim, &["phone", "start", phone, "--code-length", "6"], "");
    assert_eq!((status, &answer["is_cellphone"]), (0, &json!(true)));
    let (status, _) = run_json(&sim, &["phone", "check", phone, "000000"], "");
    assert_eq!(status, 1);
    let code = sim.get("/phone.json")["verifications"][0]["code"].clone();
    let (status, _) = run_json(&sim, &["phone", "check", phone], code.as_str().unwrap());
    assert_eq!(status, 0);
    let (status, answer) = run_json(&sim, &["phone", "status", phone], "");
    assert_eq!((status, &answer["status"]), (0, &json!("verified")));
    let (status, answer) = run_json(&sim, &["phone", "info", phone], "");
    assert_eq!((status, &answer["type"]), (0, &json!("cellphone")));
    let (status, _) = run_json(&sim, &["phone", "start", phone, "--country-code", "57"], "");
    assert_eq!(status, 2);
}

#[test]
fn the_code_for_another_app_is_drawn_and_written_for_its_owner_only() {
    let sim = enrolled();
    let drawn = run(&sim, &["qr", "alice", "--label", "demo"], "");
    assert!(text(&drawn.stdout).contains('█'), "{}", text(&drawn.stderr));
    let path = sim.path("code.png");
    let how = ["qr", "alice", "--output", path.to_str().unwrap()];
    let (status, answer) = run_json(&sim, &how, "");
    assert_eq!((status, &answer["issuer"]), (0, &json!("authy-sim")));
    assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let requests = sim.get("/requests.json").to_string();
    assert!(
        !requests.contains("/qr/"),
        "the image is no call of the API"
    );
    let (status, _) = run_json(&sim, &how, "");
    assert_eq!(status, 4, "a file that exists is not written over");
}

#[test]
fn the_application_is_shown_with_all_that_the_service_says() {
    let sim = Sim::start();
    let (status, answer) = run_json(&sim, &["app"], "");
    assert_eq!((status, &answer["app"]["name"]), (0, &json!("authy-sim")));
    let (status, answer) = run_json(&sim, &["stats"], "");
    assert_eq!((status, &answer["total_users"]), (0, &json!(1)));
    assert_eq!(answer["stats"][0]["month"], "January");
}

#[test]
fn init_checks_the_key_and_writes_a_configuration_that_works() {
    let sim = Sim::start();
    let config = sim.path("new/config.toml");
    let ca = sim.path("ca.pem");
    let init = |key: &str, more: &[&str]| {
        let mut command = authyctl();
        command.arg("--json").arg("--config").arg(&config);
        command
            .args(["init", "--url", &sim.url(), "--ca-file"])
            .arg(&ca)
            .args(more);
        let output = feed(command, key);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), answer)
    };

    let (status, answer) = init("wrong\n", &[]);
    assert_eq!((status, &answer["error"]["code"]), (1, &json!(60001)));
    assert!(!config.exists(), "a key that is refused is not written");
    let (status, _) = init("", &[]);
    assert_eq!(status, 2);

    let (status, answer) = init(&(sim.key() + "\n"), &[]);
    assert_eq!(
        (status, &answer["app"]["name"]),
        (0, &json!("authy-sim")),
        "{answer}"
    );
    assert_eq!(
        fs::metadata(&config).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = fs::read(&config).unwrap();
    let (status, _) = init(&sim.key(), &[]);
    assert_eq!(status, 4, "what exists is not written over");
    assert_eq!(fs::read(&config).unwrap(), before);
    assert_eq!(init(&sim.key(), &["--force"]).0, 0);

    let mut app = authyctl();
    app.arg("--config").arg(&config).args(["app", "--json"]);
    assert!(feed(app, "").status.success());
}

fn import(sim: &Sim, name: &str, rows: &str, more: &[&str]) -> (i32, Value) {
    let file = sim.path(name);
    fs::write(&file, rows).unwrap();
    run_json(
        sim,
        &[&["import", file.to_str().unwrap()][..], more].concat(),
        "",
    )
}

#[test]
fn import_goes_on_behind_a_bad_row_and_completes_when_run_again() {
    let sim = enrolled();
    let rows = "user,email,cellphone,country_code\njane,j@x.test,405-342-5600,1\nbad,b@x.test,1,1\ncarl,c@x.test,300 300 3333,57\n";
    let before = fs::read(sim.path("users.toml")).unwrap();
    let (status, dry) = import(&sim, "p.csv", rows, &["--dry-run"]);
    assert_eq!((status, &dry["enrolled"]), (1, &json!(2)));
    assert_eq!(fs::read(sim.path("users.toml")).unwrap(), before);
    assert!(sim.requests().is_empty(), "a dry run asks nobody");

    let (status, answer) = import(&sim, "p.csv", rows, &[]);
    assert_eq!(
        (status, &answer["enrolled"], &answer["failed"][0]["line"]),
        (1, &json!(2), &json!(3))
    );
    let (status, answer) = import(
        &sim,
        "p.csv",
        &rows.replace("test,1,1", "test,405-342-5601,1"),
        &[],
    );
    assert_eq!(
        (status, &answer["enrolled"], &answer["skipped"]),
        (0, &json!(1), &json!(2))
    );
    assert_eq!(sim.count("/users/new"), 3, "nobody is created twice");
}

#[test]
fn an_authy_ssh_configuration_is_imported() {
    let sim = Sim::start();
    let rows = "banner=Good\napi_key=x\nuser=alice:1635\nuser=alice:7\nuser=bob:1636\n";
    let (status, answer) = import(&sim, "authy-ssh.conf", rows, &[]);
    assert_eq!((status, &answer["enrolled"]), (1, &json!(2)));
    assert_eq!(answer["failed"][0]["line"], 4, "{answer}");
    assert!(sim.requests().is_empty());
}

#[test]
fn an_import_file_that_is_none_is_named() {
    let sim = Sim::start();
    let (status, answer) = import(&sim, "p.csv", "name,id\nx,1\n", &[]);
    assert_eq!(status, 2);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`user`")
    );
    let (status, _) = import(&sim, "large.csv", &"x".repeat(17 * 1024 * 1024), &[]);
    assert_eq!(status, 2);
    let (status, _) = run_json(&sim, &["import", "/no/such/file"], "");
    assert_eq!(status, 4);
}

#[test]
fn an_import_that_is_killed_leaves_a_whole_mapping_and_is_completed() {
    let sim = enrolled();
    let users = sim.path("users.toml");
    let comment = "# kept\n";
    fs::write(
        &users,
        format!("{comment}{}", fs::read_to_string(&users).unwrap()),
    )
    .unwrap();
    let mut rows = "user,email,cellphone\n".to_owned();
    for n in 0..1000 {
        rows.push_str(&format!("user{n},u{n}@x.test,405-342-{n:04}\n"));
    }
    let file = sim.path("p.csv");
    fs::write(&file, rows).unwrap();
    let mut command = authyctl();
    command
        .arg("--config")
        .arg(sim.path("config.toml"))
        .arg("--users")
        .arg(&users);
    command.arg("--quiet").arg("import").arg(&file);
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    child.kill().unwrap();
    child.wait().unwrap();
    let text = fs::read_to_string(&users).unwrap();
    let mapping = Mapping::parse(&text, &users).unwrap();
    let so_far = mapping.iter().count();
    assert!(text.starts_with(comment));

    let (status, answer) = run_json(&sim, &["import", file.to_str().unwrap()], "");
    assert_eq!((status, &answer["failed"]), (0, &json!([])));
    assert_eq!(answer["skipped"], so_far - 1);
    assert_eq!(Mapping::load(&users).unwrap().iter().count(), 1001);
}

#[test]
fn explain_names_file_and_line() {
    let sim = enrolled();
    let (status, answer) = run_json(&sim, &["explain", "alice"], "");
    assert_eq!((status, &answer["required"]), (0, &json!(true)));
    assert!(answer["line"].as_u64().is_some());
    let (_, answer) = run_json(&sim, &["explain", "nobody-here", "--service", "sudo"], "");
    assert_eq!(
        (&answer["required"], &answer["line"]),
        (&json!(true), &json!(null))
    );

    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap() + "\n[service.sudo]\nunenrolled = \"ignore\"\n";
    let line = text.lines().count();
    fs::write(&config, text).unwrap();
    let (_, answer) = run_json(&sim, &["explain", "nobody-here", "--service", "sudo"], "");
    assert_eq!(
        (&answer["required"], &answer["line"]),
        (&json!(false), &json!(line))
    );
    let (_, answer) = run_json(&sim, &["explain", "alice", "--service", "sudo"], "");
    assert_eq!(answer["required"], true);
}

#[test]
fn completions_and_manual_know_every_command() {
    let sim = Sim::start();
    let man = text(&run(&sim, &["man"], "").stdout);
    for command in [
        "INIT",
        "ENROLL",
        "IMPORT",
        "PUSH",
        "QR",
        "PHONE START",
        "DOCTOR",
        "EXPLAIN",
    ] {
        assert!(man.contains(&format!("AUTHYCTL {command}")), "{command}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(&sim, &["completions", shell], "").stdout);
        assert!(
            script.contains("doctor") && script.contains("hidden-detail"),
            "{shell}"
        );
    }
}

/// A folder with one stack of these lines.
fn pam_dir(service: &str, lines: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(service), lines.join("\n") + "\n").unwrap();
    folder
}

fn doctor(sim: &Sim, folder: &Path) -> (i32, Vec<Value>) {
    let how = ["doctor", "--pam-dir", folder.to_str().unwrap()];
    let (status, answer) = run_json(sim, &how, "");
    (status, answer["checks"].as_array().unwrap().clone())
}

/// The worst result of the checks of that name.
fn result(checks: &[Value], name: &str) -> String {
    let all = checks.iter().filter(|check| check["name"] == name);
    let word = |check: &Value| check["result"].as_str().unwrap().to_owned();
    let mut words: Vec<_> = all.map(word).collect();
    words.sort_by_key(|word| ["ok", "warning", "problem"].iter().position(|w| w == word));
    words.pop().unwrap_or_default()
}

#[test]
fn doctor_is_content_with_the_stack_of_the_readme() {
    let sim = enrolled();
    let ours = format!("auth required {}", product().display());
    let folder = pam_dir(
        "login",
        &[
            "auth requisite pam_unix.so",
            &ours,
            "auth required pam_permit.so",
        ],
    );
    let (_, checks) = doctor(&sim, folder.path());
    for name in ["config", "users", "service", "clock", "pam login"] {
        assert_eq!(result(&checks, name), "ok", "{checks:#?}");
    }
}

#[test]
fn doctor_finds_the_way_round_and_the_lock_out() {
    let sim = enrolled();
    let ours = format!("auth required {}", product().display());
    let folder = pam_dir("login", &["auth sufficient pam_unix.so", &ours]);
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!(
        (status, result(&checks, "pam login").as_str()),
        (1, "problem")
    );
    assert_eq!(result(&checks, "people"), "problem", "root is not enrolled");

    let folder = pam_dir(
        "i3lock",
        &[
            "auth requisite pam_unix.so",
            "auth required /no/such/pam_authy.so",
        ],
    );
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!((status, result(&checks, "module").as_str()), (1, "problem"));
    assert_eq!(
        result(&checks, "pam i3lock"),
        "problem",
        "a locker can't read the key"
    );
}

#[test]
fn doctor_tells_files_service_and_key_apart() {
    let sim = enrolled();
    let folder = pam_dir("login", &["auth required pam_unix.so"]);
    sim.fault(&json!({"status": 401, "body": "{\"error_code\":\"60001\",\"message\":\"Invalid API key\"}"}));
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!(
        (status, result(&checks, "service").as_str()),
        (1, "problem")
    );
    assert_eq!(result(&checks, "pam"), "warning", "nothing is protected");

    let config = sim.path("config.toml");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let (status, checks) = doctor(&sim, folder.path());
    assert_eq!((status, result(&checks, "config").as_str()), (1, "problem"));
}

const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

#[test]
fn people_of_a_shared_account_are_enrolled_listed_and_taken_out_by_their_keys() {
    let sim = enrolled();
    let other = "SHA256:LHE2e+bMcdrb8X5GLzgKyI/rAsnp/YZz8Me/wD9bvfw";
    for (key, id) in [(KEY, "1640"), (other, "1641")] {
        let how = ["enroll", "deploy", "--ssh-key", key, "--authy-id", id];
        let (status, answer) = run_json(&sim, &how, "");
        assert_eq!((status, &answer["ssh_key"]), (0, &json!(key)), "{answer}");
    }
    let (_, answer) = run_json(&sim, &["list"], "");
    let keys = json!([
        {"fingerprint": other, "authy_id": 1641},
        {"fingerprint": KEY, "authy_id": 1640},
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
    assert_eq!(index().0, 4, "there is none");
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
