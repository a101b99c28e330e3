//! What the commands say of people of a directory.

use std::fs;
use std::time::{Duration, SystemTime};

use pam_authy::store::directory;
use serde_json::{Value, json};

use super::{run, run_json, text};
use crate::common::directory::{TABLE, write};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// alice and bob are in users.toml; the directory has bob, carol, a change of carol, and has lost
/// dave.
fn host() -> Sim {
    let sim = host_without_file();
    write(
        &sim,
        "[users]\nbob = 7\ncarol = { authy_id = 1637 }\n\
         [held]\ncarol = { since = 2026-11-27T12:00:00Z, authy_id = 9 }\n\
         [removed]\ndave = { removed = 2026-11-26T12:00:00Z, authy_id = 1638 }\n",
    );
    sim
}

/// The same before the first pass.
fn host_without_file() -> Sim {
    let sim = Sim::start();
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    fs::write(sim.path("config.toml"), format!("{config}\n{TABLE}")).unwrap();
    let users = "[users]\nalice = 1635\nbob = 1636\n";
    fs::write(sim.path("users.toml"), users).unwrap();
    sim
}

/// Results and messages of doctor's checks of the directory.
fn doctor(sim: &Sim) -> String {
    let (_, answer) = run_json(sim, &["doctor"], "");
    let checks = answer["checks"].as_array().unwrap();
    let named = checks.iter().filter(|check| check["name"] == "directory");
    let line = |check: &Value| format!("{}: {}\n", check["result"], check["message"]);
    named.map(line).collect()
}

#[test]
fn list_says_which_file_an_entry_is_from_and_what_is_held_or_removed() {
    let sim = host();
    let (status, answer) = run_json(&sim, &["list"], "");
    assert_eq!(status, 0, "{answer}");
    let users = json!([
        {"user": "alice", "authy_id": 1635, "factors": ["authy"], "file": "users.toml"},
        {"user": "bob", "authy_id": 1636, "factors": ["authy"], "file": "users.toml"},
        {"user": "carol", "authy_id": 1637, "factors": ["authy"], "file": "directory.toml",
         "held": true},
        {"user": "dave", "factors": [], "file": "directory.toml", "held": false,
         "removed": "2026-11-26T12:00:00Z"},
    ]);
    assert_eq!(answer["users"], users);
    let shown = text(&run(&sim, &["list"], "").stdout);
    let lines: Vec<Vec<&str>> = (shown.lines())
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["alice", "1635"]);
    assert_eq!(lines[2].join(" "), "carol 1637 directory a change is held");
    assert_eq!(lines[3].join(" "), "dave removed directory");
}

#[test]
fn a_host_without_the_table_lists_users_toml_alone() {
    let sim = Sim::start();
    fs::write(sim.path("users.toml"), "[users]\nalice = 1635\n").unwrap();
    write(&sim, "[users]\ncarol = 1637\n");
    let (_, answer) = run_json(&sim, &["list"], "");
    let alone = json!([{"user": "alice", "authy_id": 1635, "factors": ["authy"]}]);
    assert_eq!(answer["users"], alone);
    let said = doctor(&sim);
    assert!(said.contains("counts for no login"), "{said}");
}

#[test]
fn commands_about_a_person_know_people_of_the_directory() {
    let sim = host();
    sim.post("/phone/users", &json!({"authy_id": 1637}));
    let (status, answer) = run_json(&sim, &["status", "carol"], "");
    assert_eq!((status, &answer["authy_id"]), (0, &json!(1637)), "{answer}");
    let code = sim.token(1637);
    let (status, answer) = run_json(&sim, &["verify", "carol", &code], "");
    assert_eq!(status, 0, "{answer}");
    // users.toml wins.
    let (_, answer) = run_json(&sim, &["explain", "bob"], "");
    assert!(
        answer["reason"].as_str().unwrap().contains("1636"),
        "{answer}"
    );
    let (status, answer) = run_json(&sim, &["explain", "carol"], "");
    assert_eq!(status, 0, "{answer}");
    assert!(
        answer["file"].as_str().unwrap().ends_with("directory.toml"),
        "{answer}"
    );
    assert_eq!(answer["line"], 3, "{answer}");
    let (_, answer) = run_json(&sim, &["explain", "dave"], "");
    let reason = answer["reason"].as_str().unwrap();
    assert!(reason.contains("removed from the directory"), "{answer}");
    assert_eq!(
        (&answer["required"], &answer["line"]),
        (&json!(true), &json!(7)),
        "{answer}"
    );
    let (status, answer) = run_json(&sim, &["status", "dave"], "");
    assert_eq!(status, 4, "{answer}");
    let said = text(&run(&sim, &["status", "dave"], "").stderr);
    assert!(said.contains("authyctl sync --forget dave"), "{said}");
    let (status, answer) = run_json(&sim, &["recovery", "generate", "carol"], "");
    assert_eq!(status, 0, "{answer}");
    let warning = answer["warning"].as_str().unwrap_or_default();
    assert!(!warning.contains("not enrolled"), "{warning}");
    let (_, answer) = run_json(&sim, &["recovery", "generate", "dave"], "");
    assert!(
        answer["warning"]
            .as_str()
            .unwrap()
            .contains("no login accepts"),
        "{answer}"
    );
    let (status, answer) = run_json(&sim, &["migrate", "status"], "");
    assert_eq!((status, &answer["people"]), (0, &json!(3)), "{answer}");
}

#[test]
fn before_the_first_pass_commands_say_what_is_missing() {
    check_rows(["explain", "status", "list", "migrate"], |command| {
        let sim = host_without_file();
        let arguments: &[&str] = match command {
            "list" => &["list"],
            "migrate" => &["migrate", "status"],
            command => &[command, "carol"],
        };
        let (status, answer) = run_json(&sim, arguments, "");
        assert_eq!(status, 4, "{command}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("directory.toml"), "{command}: {message}");
    });
    let sim = host_without_file();
    let (_, answer) = run_json(&sim, &["list"], "");
    assert_eq!(answer["users"].as_array().unwrap().len(), 2, "{answer}");
    assert_eq!(run_json(&sim, &["explain", "alice"], "").0, 0);
}

/// The administrator must be able to give someone a factor while the directory is broken.
#[test]
fn users_toml_is_changed_whatever_is_wrong_with_directory_toml() {
    for broken in [None, Some("[users\n")] {
        let sim = host_without_file();
        if let Some(text) = broken {
            write(&sim, text);
        }
        let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        let rows: [&[&str]; 6] = [
            &["enroll", "eve", "--totp", "--no-check"],
            &["totp", "remove", "eve"],
            &["enroll", "mallory", "--authy-id", "1640"],
            &["enroll", "mallory", "--security-key", key],
            &["unenroll", "mallory"],
            &["index"],
        ];
        for arguments in rows {
            let (status, answer) = run_json(&sim, arguments, "");
            let is_index = arguments[0] == "index" && broken.is_some();
            let is_remove = arguments[0] == "totp";
            // The app is the only factor; an index of a broken file cannot be made.
            let expected = if is_remove {
                1
            } else {
                4 * i32::from(is_index)
            };
            assert_eq!(status, expected, "{arguments:?}: {answer}");
        }
    }
}

#[test]
fn who_is_in_the_directory_alone_is_not_unenrolled_here() {
    let sim = host();
    let before = fs::read(sim.path("users.toml")).unwrap();
    for user in ["carol", "dave"] {
        let (status, answer) = run_json(&sim, &["unenroll", user], "");
        assert_eq!(status, 4, "{answer}");
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("{user} is from the directory")),
            "{message}"
        );
        let said = text(&run(&sim, &["unenroll", user], "").stderr);
        assert!(said.contains("authyctl sync --forget"), "{said}");
    }
    assert_eq!(fs::read(sim.path("users.toml")).unwrap(), before);
    // One of both files leaves the entry of the directory.
    let (status, answer) = run_json(&sim, &["unenroll", "bob"], "");
    assert_eq!(status, 0, "{answer}");
    let warning = answer["warning"].as_str().unwrap();
    assert!(
        warning.contains("what it lists counts from now on"),
        "{warning}"
    );
    let (_, answer) = run_json(&sim, &["explain", "bob"], "");
    assert!(
        answer["reason"].as_str().unwrap().contains("authy id 7"),
        "{answer}"
    );
}

#[test]
fn an_enrolment_of_a_name_of_the_directory_says_that_it_wins() {
    let sim = host();
    let (status, made) = run_json(&sim, &["recovery", "generate", "carol"], "");
    assert_eq!(status, 0, "{made}");
    let (status, answer) = run_json(&sim, &["enroll", "carol", "--authy-id", "1640"], "");
    assert_eq!(status, 0, "{answer}");
    let warning = answer["warning"].as_str().unwrap();
    assert!(warning.contains("users.toml wins"), "{warning}");
    // She kept no factor: what lasted has ended.
    let (_, left) = run_json(&sim, &["recovery", "left", "carol"], "");
    assert_eq!(left["left"], 0, "{left}");
    let (_, answer) = run_json(&sim, &["enroll", "eve", "--authy-id", "1641"], "");
    assert!(!answer.to_string().contains("users.toml wins"), "{answer}");
}

#[test]
fn doctor_says_how_old_the_last_pass_is_and_what_waits() {
    let sim = host_without_file();
    let said = doctor(&sim);
    assert!(
        said.starts_with("\"problem\": ") && said.contains("has never run"),
        "{said}"
    );
    write(&sim, "[users\n");
    let said = doctor(&sim);
    assert!(
        said.starts_with("\"problem\": ") && said.contains("directory.toml:1: "),
        "{said}"
    );

    let sim = host();
    let said = doctor(&sim);
    assert!(
        said.contains("1 person") || said.contains("people"),
        "{said}"
    );
    assert!(said.contains("is not known"), "{said}");
    let state = sim.path("state");
    directory::note_pass(&state, SystemTime::now() - Duration::from_secs(3 * 3600)).unwrap();
    let said = doctor(&sim);
    assert!(
        said.contains("\"ok\": ") && said.contains("the last pass was 3 h ago"),
        "{said}"
    );
    assert!(
        said.contains("\"warning\": \"changes in the directory are held: carol\""),
        "{said}"
    );
    assert!(
        said.contains("users.toml wins over the directory: bob"),
        "{said}"
    );
    directory::note_pass(&state, SystemTime::now() - Duration::from_secs(50 * 3600)).unwrap();
    let said = doctor(&sim);
    assert!(
        said.contains("\"warning\": ") && said.contains("was 2 d ago"),
        "{said}"
    );
}

#[test]
fn doctor_names_an_entry_of_the_directory_that_cannot_be_used_and_a_missing_index() {
    let sim = host();
    write(&sim, "[users]\neve = { totp = true }\n");
    let said = doctor(&sim);
    assert!(
        said.contains("\"problem\": ") && said.contains("eve: totp cannot be"),
        "{said}"
    );
    // What users.toml has, too, is of no effect.
    write(&sim, "[users]\nbob = { totp = true }\n");
    assert!(!doctor(&sim).contains("\"problem\": "), "{}", doctor(&sim));
    let many: String = (0..1000).map(|number| format!("u{number} = 5\n")).collect();
    write(&sim, &format!("[users]\n{many}"));
    assert!(
        doctor(&sim).contains("its index is missing"),
        "{}",
        doctor(&sim)
    );
    let (status, answer) = run_json(&sim, &["index"], "");
    assert_eq!(
        (status, &answer["directory"]["entries"]),
        (0, &json!(1000)),
        "{answer}"
    );
    assert!(
        !doctor(&sim).contains("its index is missing"),
        "{}",
        doctor(&sim)
    );
}

#[test]
fn check_names_each_entry_of_directory_toml_that_cannot_be_used() {
    let sim = host();
    let (status, answer) = run_json(&sim, &["check"], "");
    assert_eq!(status, 0, "{answer}");
    write(&sim, "[users]\neve = { totp = true }\ncarol = 0\n");
    let (status, answer) = run_json(&sim, &["check"], "");
    assert_eq!(status, 4, "{answer}");
    assert!(
        answer.to_string().contains("directory.toml:2: eve: totp"),
        "{answer}"
    );
    assert!(
        answer.to_string().contains("directory.toml:3: carol: "),
        "{answer}"
    );
}
