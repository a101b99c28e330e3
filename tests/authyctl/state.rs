//! The commands about the state folder: limits, remembered logins, recovery codes, and what
//! `doctor` says about their files.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pam_authy::base::attempt::Attempt;
use pam_authy::base::factor::{AuthyId, Person};
use pam_authy::engine::shared_words;
use pam_authy::store::config;
use pam_authy::store::limits::{self, Costly, FileLimits, LimitedLogin, Limits};
use pam_authy::store::recovery::{self, Recovery};
use pam_authy::store::remember::{LoginBinding, is_remembered, store};
use pam_authy::store::state::file_name;
use serde_json::{Value, json};

use super::{run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

fn login(sim: &Sim, user: &str, enrolled: bool) -> FileLimits {
    login_in(&sim.path("state"), user, enrolled)
}

fn login_in(state: &Path, user: &str, enrolled: bool) -> FileLimits {
    let address = Some("192.0.2.7".parse().unwrap());
    FileLimits::new(
        state,
        config::Limits::default(),
        LimitedLogin {
            user,
            enrolled,
            receives: enrolled,
            factors: if enrolled {
                vec!["authy_id=1635".to_owned()]
            } else {
                Vec::new()
            },
            address,
            uid: 0,
        },
        shared_words::map,
        SystemTime::now,
    )
}

#[test]
fn limits_shows_counts_and_a_pause_and_unlock_ends_it() {
    let sim = Sim::start();
    let (status, nothing) = run_json(&sim, &["limits"], "");
    assert_eq!((status, &nothing["users"]), (0, &json!([])));
    assert_eq!(
        text(&run(&sim, &["limits"], "").stdout),
        "nothing is counted\n"
    );

    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    let mut alice = login(&sim, "alice", true);
    alice.acquire(Costly::Sms).unwrap();
    (0..20).for_each(|_| alice.acquire_code().unwrap());
    login(&sim, "mallory", false).acquire_code().unwrap();

    let (status, listed) = run_json(&sim, &["limits"], "");
    assert_eq!(status, 0);
    let pause = listed["users"][0]["pause_seconds"].as_u64().unwrap();
    assert!((28..=30).contains(&pause), "{pause}");
    let expected = json!({"user": "alice", "sms": 1, "calls": 0, "pushes": 0, "refused": 20, "pause_seconds": pause, "app_pause_seconds": 0});
    assert_eq!(listed["users"], json!([expected]));
    assert_eq!(listed["addresses"][0]["address"], "192.0.2.7");
    assert_eq!(
        (&listed["strangers"], &listed["strangers_paused"]),
        (&json!(1), &json!(0))
    );
    let shown = text(&run(&sim, &["limits"], "").stdout);
    let rows: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[1][..6], ["user", "alice", "1", "0", "0", "20"]);
    assert_eq!(rows[2], ["address", "192.0.2.7", "1", "0", "0", "0"]);
    assert!(!shown.contains("mallory"), "{shown}");

    let (status, unlocked) = run_json(&sim, &["unlock", "alice"], "");
    assert_eq!(
        (status, unlocked),
        (0, json!({"ok": true, "user": "alice", "changed": true}))
    );
    alice.acquire_code().unwrap();
    let (status, again) = run_json(&sim, &["unlock", "bob"], "");
    assert_eq!((status, &again["changed"]), (0, &json!(false)));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario")]
fn recovery_codes_are_shown_once_and_replaced_only_when_told() {
    let sim = Sim::start();
    let (status, none) = run_json(&sim, &["recovery", "left", "alice"], "");
    assert_eq!(
        (status, none),
        (0, json!({"ok": true, "user": "alice", "left": 0}))
    );

    let (status, made) = run_json(&sim, &["recovery", "generate", "alice"], "");
    assert_eq!((status, &made["user"]), (0, &json!("alice")));
    assert!(
        made["warning"].as_str().unwrap().contains("not enrolled"),
        "{made}"
    );
    let codes: Vec<&str> = made["codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    assert_eq!(codes.len(), 10);
    assert!(
        codes
            .iter()
            .all(|code| code.split('-').all(|part| part.len() == 4)),
        "{codes:?}"
    );

    let (status, again) = run_json(&sim, &["recovery", "generate", "alice"], "");
    assert_eq!((status, &again["error"]["kind"]), (1, &json!("refused")));
    assert!(again.get("codes").is_none());
    let mut stored = recovery::FileRecovery::new(
        &sim.path("state"),
        "alice",
        vec!["authy_id=1635".to_owned()],
        shared_words::map,
    );
    assert_eq!(stored.redeem(&codes[0].parse().unwrap()), Ok(Some(9)));
    assert_eq!(
        run_json(&sim, &["recovery", "left", "alice"], "").1["left"],
        9
    );

    let shown = text(&run(&sim, &["recovery", "generate", "alice", "--replace"], "").stdout);
    assert_eq!(shown.lines().count(), 11, "{shown}");
    assert_eq!(stored.redeem(&codes[1].parse().unwrap()), Ok(None));
    let new = shown.lines().nth(1).unwrap();
    assert_eq!(stored.redeem(&new.parse().unwrap()), Ok(Some(9)));

    let quiet = run(
        &sim,
        &["recovery", "generate", "alice", "--replace", "--quiet"],
        "",
    );
    assert_eq!(
        quiet.status.code(),
        Some(2),
        "the codes would be shown nowhere"
    );
    assert_eq!(
        run_json(&sim, &["recovery", "left", "alice"], "").1["left"],
        9
    );
    assert_eq!(
        run_json(&sim, &["recovery", "remove", "alice"], "").1["changed"],
        true
    );
    assert_eq!(
        run_json(&sim, &["recovery", "remove", "alice"], "").1["changed"],
        false
    );
}

#[test]
fn forget_ends_a_remembered_login() {
    let sim = Sim::start();
    let attempt = Attempt {
        user: "alice".into(),
        service: "sshd".into(),
        rhost: None,
        tty: None,
        ruser: None,
        address: Some("192.0.2.7".parse().unwrap()),
        ssh_auth: None,
        ..Attempt::default()
    };
    let person = Person::from(AuthyId::try_from(1635_u64).unwrap());
    let binding = LoginBinding {
        attempt: &attempt,
        subject: "alice",
        person: &person,
        local: false,
        policy: [0; 32],
    };
    let rules = config::Remember {
        time: std::time::Duration::from_secs(600),
        services: None,
        by: config::RememberBy::Login,
    };
    store(&sim.path("state"), &rules, &binding);
    assert!(is_remembered(&sim.path("state"), &rules, &binding));
    let (status, forgotten) = run_json(&sim, &["forget", "alice"], "");
    assert_eq!(
        (status, forgotten),
        (0, json!({"ok": true, "user": "alice", "changed": true}))
    );
    assert!(!is_remembered(&sim.path("state"), &rules, &binding));
    assert_eq!(run_json(&sim, &["forget", "alice"], "").1["changed"], false);
}

#[test]
fn a_state_that_cannot_be_trusted_is_a_local_failure() {
    let sim = Sim::start();
    fs::create_dir_all(sim.path("state")).unwrap();
    fs::set_permissions(sim.path("state"), fs::Permissions::from_mode(0o755)).unwrap();
    let table = [
        &["limits"][..],
        &["unlock", "alice"],
        &["forget", "alice"],
        &["recovery", "generate", "alice"],
        &["recovery", "left", "alice"],
        &["recovery", "remove", "alice"],
    ];
    check_rows(table, |arguments| {
        let (status, failure) = run_json(&sim, arguments, "");
        assert_eq!(
            (status, &failure["error"]["kind"]),
            (4, &json!("local")),
            "{arguments:?}"
        );
    });
}

#[test]
fn explain_shows_a_pause_and_the_remaining_recovery_codes() {
    let sim = Sim::start();
    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    let explain = || text(&run(&sim, &["explain", "alice"], "").stdout);
    assert!(!explain().contains("no code is accepted") && !explain().contains("are left"));
    let mut alice = login(&sim, "alice", true);
    (0..20).for_each(|_| alice.acquire_code().unwrap());
    run_json(&sim, &["recovery", "generate", "alice"], "");
    let said = explain();
    assert!(
        said.contains("no code is accepted for ") && said.contains("authyctl unlock alice"),
        "{said}"
    );
    assert!(said.contains("10 recovery codes are left"), "{said}");
    damage(&sim.path("state"), "limits/users", &file_name("alice"));
    assert!(
        explain().contains("its counts cannot be read"),
        "{}",
        explain()
    );
}

/// Returns result, message and hint of each check that doctor makes of the state folder.
fn doctor(sim: &Sim) -> Vec<[String; 3]> {
    let folder = tempfile::tempdir().unwrap();
    let stacks = folder.path().to_str().unwrap();
    let (_, answer) = run_json(sim, &["doctor", "--pam-dir", stacks], "");
    let checks = answer["checks"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ours = checks.iter().filter(|check| check["name"] == "state");
    ours.map(|check| ["result", "message", "hint"].map(|member| text(&check[member])))
        .collect()
}

fn damage(state: &Path, folder: &str, file: &str) -> PathBuf {
    let path = state.join(folder).join(file);
    assert!(path.exists());
    fs::write(&path, "{").unwrap();
    path
}

#[test]
fn doctor_finds_damaged_files_of_the_state_and_names_the_user() {
    let sim = Sim::start();
    let state = sim.path("state");
    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
    let checks = doctor(&sim);
    assert!(
        checks[0][0] == "problem" && checks[0][2].contains("0700"),
        "{checks:?}"
    );

    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(&state).unwrap();
    let checks = doctor(&sim);
    assert!(
        checks[0][0] == "ok" && checks[0][1].contains("does not exist yet"),
        "{checks:?}"
    );

    login(&sim, "alice", true).acquire_code().unwrap();
    run_json(&sim, &["recovery", "generate", "alice"], "");
    assert_eq!(doctor(&sim).len(), 1);
    assert_eq!(doctor(&sim)[0][0], "ok");

    let counts = damage(&state, "limits/users", &file_name("alice"));
    damage(&state, "recovery", &file_name("alice"));
    let checks = doctor(&sim);
    assert_eq!(checks.len(), 2, "{checks:?}");
    assert_eq!(checks[0][1], format!("{}: is damaged", counts.display()));
    assert!(
        checks[0][2].ends_with("authyctl unlock alice"),
        "{checks:?}"
    );
    assert!(
        checks[1][2].ends_with("authyctl recovery generate alice --replace"),
        "{checks:?}"
    );
    assert_eq!(run_json(&sim, &["limits"], "").0, 4);
    run_json(&sim, &["unlock", "alice"], "");
    run_json(&sim, &["recovery", "generate", "alice", "--replace"], "");
    assert_eq!(doctor(&sim)[0][0], "ok");
}

/// The counts of screen lockers are files of their own, in a folder of their own.
#[test]
fn doctor_finds_damaged_counts_of_screen_lockers_and_says_what_is_refused() {
    let sim = Sim::start();
    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    let state = sim.path("state");
    login(&sim, "alice", true).acquire_code().unwrap();
    let locker = limits::of_lockers(&state);
    let mode = fs::DirBuilder::new().mode(0o700).create(&locker);
    mode.unwrap();
    login_in(&locker, "alice", true).acquire_code().unwrap();
    assert_eq!(doctor(&sim)[0][0], "ok");

    let counts = damage(&locker, "limits/users", &file_name("alice"));
    let checks = doctor(&sim);

    assert_eq!(checks.len(), 1, "{checks:?}");
    assert_eq!(checks[0][1], format!("{}: is damaged", counts.display()));
    assert!(
        checks[0][2].starts_with("screen lockers of that user are refused")
            && checks[0][2].ends_with("authyctl unlock alice"),
        "{checks:?}"
    );
    run_json(&sim, &["unlock", "alice"], "");
    assert_eq!(doctor(&sim)[0][0], "ok");
    fs::set_permissions(&locker, fs::Permissions::from_mode(0o755)).unwrap();
    let checks = doctor(&sim);
    assert!(
        checks[0][0] == "problem" && checks[0][1].contains("/locker"),
        "{checks:?}"
    );
}

/// Gives alice recovery codes, a remembered login and counts. Returns whether each is still there,
/// and whether her factor is still counted.
fn give_everything(sim: &Sim) -> impl Fn() -> [bool; 4] {
    run_json(sim, &["recovery", "generate", "alice"], "");
    let mut alice = login(sim, "alice", true);
    alice.acquire_code().unwrap();
    let remembered = sim.path("state/remember");
    fs::create_dir(&remembered).unwrap();
    fs::set_permissions(&remembered, fs::Permissions::from_mode(0o700)).unwrap();
    let remembered = remembered.join(file_name("alice"));
    fs::write(&remembered, "{}").unwrap();
    fs::set_permissions(&remembered, fs::Permissions::from_mode(0o600)).unwrap();
    let state = sim.path("state");
    move || {
        let now = SystemTime::now();
        let rules = config::Limits::default();
        let counts = |user: &str, factors: &[String]| {
            limits::of_user(&state, &rules, user, factors, now)
                .unwrap()
                .is_some()
        };
        let is_left = recovery::left(&state, "alice", &[]).unwrap() != recovery::Left::Never;
        [
            is_left || fs::read_dir(state.join("recovery-used")).unwrap().count() > 0,
            remembered.exists(),
            counts("alice", &[]),
            counts("", &["authy_id=1635".to_owned()]),
        ]
    }
}

#[test]
fn unenroll_ends_everything_of_a_person() {
    let sim = Sim::start();
    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    let is_there = give_everything(&sim);
    assert_eq!(is_there(), [true; 4]);
    let (status, done) = run_json(&sim, &["unenroll", "alice"], "");
    assert_eq!((status, &done["warning"]), (0, &Value::Null));
    assert_eq!(is_there(), [false; 4]);
}

#[test]
fn replacing_all_factors_ends_everything_of_a_person() {
    let sim = Sim::start();
    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    let is_there = give_everything(&sim);
    run_json(
        &sim,
        &["enroll", "alice", "--authy-id", "1635", "--replace"],
        "",
    );
    assert_eq!(is_there(), [true; 4], "nothing was replaced");
    run_json(
        &sim,
        &["enroll", "alice", "--authy-id", "1636", "--replace"],
        "",
    );
    assert_eq!(is_there(), [false; 4]);
}

#[test]
fn replacing_one_of_two_factors_ends_the_counts_of_that_factor_alone() {
    let sim = Sim::start();
    let entry = "[users]\nalice = { authy_id = 1635, phone = \"+15551234567\" }\n";
    fs::write(sim.path("users.toml"), entry).unwrap();
    let is_there = give_everything(&sim);
    run_json(
        &sim,
        &["enroll", "alice", "--authy-id", "1636", "--replace"],
        "",
    );
    assert_eq!(is_there(), [true, true, true, false]);
}

#[test]
fn recovery_codes_that_were_made_before_the_enrolment_stay() {
    let sim = Sim::start();
    run_json(&sim, &["recovery", "generate", "alice"], "");
    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    assert_eq!(
        run_json(&sim, &["recovery", "left", "alice"], "").1["left"],
        10
    );
}

/// A disk that is full later would otherwise keep the user from being counted, and so from logging
/// in.
#[test]
fn enroll_makes_the_files_of_counts_ahead() {
    let sim = Sim::start();
    run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    let limits = sim.path("state/limits");
    assert!(limits.join("users").join(file_name("alice")).exists());
    let factor = limits.join("factors").join(file_name("authy_id=1635"));
    assert!(factor.exists());
}
