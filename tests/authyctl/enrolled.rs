//! Commands about apps that people have enrolled at the prompt.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use pam_authy::base::utc;
use pam_authy::store::former;
use serde_json::{Value, json};

use super::{run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::totp::{SECRET, oathtool};

const OTHER: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const DAY: u64 = 24 * 60 * 60;

/// A time so many seconds ago, as the file has it.
fn ago(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    utc::written(now.as_secs() - seconds)
}

/// A host with three people: alice's app does not count yet, bob's does, and kim's is another
/// person's.
fn host() -> Sim {
    let sim = Sim::start();
    fs::write(
        sim.path("users.toml"),
        "[users]\nalice = 1635\nbob = 1636\nkim = 1637\n",
    )
    .unwrap();
    let entry = |user: &str, since: u64, id: u32| {
        format!(
            "{user} = {{ secret = \"{SECRET}\", since = {}, factors = [\"authy_id={id}\"] }}\n",
            ago(since)
        )
    };
    write(
        &sim,
        &format!(
            "[totp]\n{}{}{}",
            entry("alice", 60, 1635),
            entry("bob", DAY + 60, 1636),
            entry("kim", DAY + 60, 7)
        ),
    );
    sim
}

fn write(sim: &Sim, text: &str) {
    let path = sim.path("state/enrolled.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path.parent().unwrap(), mode(0o700)).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, mode(0o600)).unwrap();
}

fn file(sim: &Sim) -> String {
    fs::read_to_string(sim.path("state/enrolled.toml")).unwrap()
}

/// Whether the commands say that the app of this user counts; `None`: nothing.
fn counts(members: &Value) -> Option<bool> {
    members.get("enrolled")?["counts"].as_bool()
}

#[test]
fn totp_list_list_and_status_say_which_app_counts_and_show_no_secret() {
    let sim = host();
    let (status, answer) = run_json(&sim, &["totp", "list"], "");
    let rows = answer["secrets"].as_array().unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["user"].as_str().unwrap(),
                counts(row),
                row["used"].clone(),
            )
        })
        .collect();
    let expected = [
        ("alice", Some(false), json!(true)),
        ("bob", Some(true), json!(true)),
        ("kim", Some(false), json!(false)),
    ];
    assert_eq!((status, rows), (0, expected.to_vec()), "{answer}");
    let file = sim.path("state/enrolled.toml");
    assert_eq!(answer["secrets"][0]["file"], json!(file));
    assert!(!answer.to_string().contains(SECRET));
    let said = text(&run(&sim, &["totp", "list"], "").stdout);
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].contains(":2  enrolled at the prompt on 20")
            && lines[0].contains("; counts from 20"),
        "{said}"
    );
    assert!(lines[2].ends_with("; not used"), "{said}");

    let (_, answer) = run_json(&sim, &["list"], "");
    let users = answer["users"].as_array().unwrap();
    let of_users: Vec<_> = users.iter().map(counts).collect();
    assert_eq!(of_users, [Some(false), Some(true), None]);
    let (_, answer) = run_json(&sim, &["status", "alice"], "");
    assert_eq!(counts(&answer), Some(false), "{answer}");
    let (_, answer) = run_json(&sim, &["explain", "alice"], "");
    let said = text(&run(&sim, &["explain", "alice"], "").stdout);
    assert!(
        said.contains("an app was enrolled at the prompt on 20"),
        "{said} {answer}"
    );
    let said = text(&run(&sim, &["explain", "bob"], "").stdout);
    assert!(
        said.contains("an app that was enrolled at the prompt counts"),
        "{said}"
    );
}

#[test]
fn once_authy_is_gone_only_who_has_no_app_that_counts_is_a_problem() {
    let sim = host();
    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let (_, paths) = text.split_once("[paths]").unwrap();
    fs::write(&config, format!("[paths]{paths}")).unwrap();
    let (_, answer) = run_json(&sim, &["doctor"], "");
    let checks = answer["checks"].as_array().unwrap();
    let service = checks.iter().find(|check| check["name"] == "service");
    let message = service.unwrap()["message"].as_str().unwrap();
    assert!(
        message.ends_with("2 users have no other factor and no login: alice, kim"),
        "{message}"
    );
    let (status, answer) = run_json(&sim, &["status", "bob"], "");
    assert_eq!((status, counts(&answer)), (0, Some(true)), "{answer}");

    fs::write(sim.path("users.toml"), "[users]\nbob = 1636\n").unwrap();
    let (_, answer) = run_json(&sim, &["doctor"], "");
    let checks = answer["checks"].as_array().unwrap();
    let of = |name: &str| {
        let mut found = checks.iter().filter(|check| check["name"] == name);
        found.all(|check| check["result"] == "ok")
    };
    assert!(of("users") && of("service"), "{answer:#}");
    let [config, users] = [config, sim.path("users.toml")].map(|path| path.display().to_string());
    let check = ["check", "--config", &config, "--users", &users];
    let (status, answer) = run_json(&sim, &check, "");
    assert_eq!(status, 0, "{answer}");
}

#[test]
fn totp_check_reset_and_remove_work_for_such_an_app() {
    let sim = host();
    let (status, answer) = run_json(&sim, &["totp", "check", "alice", &oathtool(SECRET, 0)], "");
    let warning = answer["warning"].as_str().unwrap_or_default();
    assert!(
        status == 0 && warning.contains("no login accepts its codes before"),
        "{answer}"
    );
    let (status, answer) = run_json(&sim, &["totp", "check", "bob", &oathtool(SECRET, 0)], "");
    assert!(status == 0 && answer.get("warning").is_none(), "{answer}");
    assert_eq!(run_json(&sim, &["totp", "reset", "bob"], "").0, 0);

    let (status, answer) = run_json(&sim, &["totp", "remove", "alice"], "");
    assert_eq!((status, &answer["changed"]), (0, &json!(true)), "{answer}");
    assert!(!file(&sim).contains("alice") && file(&sim).contains("bob"));
    assert_eq!(run_json(&sim, &["totp", "remove", "alice"], "").0, 4);
    let (_, users) = run_json(&sim, &["list"], "");
    assert_eq!(
        users["users"].as_array().unwrap().len(),
        3,
        "alice stays enrolled"
    );
}

#[test]
fn unenroll_and_another_person_end_such_an_app_and_a_secret_of_the_administrator_replaces_it() {
    let sim = host();
    let arguments: [&[&str]; 2] = [
        &["unenroll", "alice"],
        &["enroll", "bob", "--authy-id", "9", "--replace"],
    ];
    check_rows(arguments, |arguments| {
        let (status, answer) = run_json(&sim, arguments, "");
        assert!(
            status == 0 && !file(&sim).contains(arguments[1]),
            "{answer}"
        );
    });
    let input = format!("{OTHER}\n{}\n", oathtool(OTHER, 0));
    let arguments = ["enroll", "kim", "--totp", "--secret", "-"];
    let (status, answer) = run_json(&sim, &arguments, &input);
    assert!(status == 0 && !file(&sim).contains("kim"), "{answer}");
}

/// A full disk, for instance: what was there would be a thief's once the person is enrolled again.
#[test]
fn unenroll_ends_all_that_it_can_where_the_account_cannot_be_noted() {
    let sim = host();
    let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    let before: [&[&str]; 2] = [
        &["enroll", "alice", "--security-key", key],
        &["recovery", "generate", "alice"],
    ];
    check_rows(before, |arguments| {
        let (status, answer) = run_json(&sim, arguments, "");
        assert_eq!(status, 0, "{answer}");
    });
    fs::write(sim.path("state/unenrolled"), "in the way").unwrap();
    let (status, answer) = run_json(&sim, &["unenroll", "alice"], "");
    let warning = answer["warning"].as_str().unwrap_or_default();
    assert!(
        status == 0 && warning.contains("could not be removed"),
        "{answer}"
    );
    assert!(!file(&sim).contains("alice"), "{}", file(&sim));
    let codes = || fs::read_dir(sim.path("state/recovery")).unwrap().flatten();
    let is_file = |entry: &fs::DirEntry| !entry.file_name().to_string_lossy().ends_with(".lock");
    assert_eq!(codes().filter(is_file).count(), 0);
    // The counts stay, by which enroll_by knows the account.
    fs::remove_file(sim.path("state/unenrolled")).unwrap();
    assert!(former::was_enrolled(&sim.path("state"), "alice").unwrap());
}

#[test]
fn an_import_takes_the_place_of_such_an_app_only_where_it_is_to_replace_it() {
    let sim = host();
    let csv = sim.path("secrets.csv");
    let rows = format!("user,totp_secret\nalice,{OTHER}\nbob,{OTHER}\nkim,{OTHER}\n");
    fs::write(&csv, rows).unwrap();
    let before = file(&sim);
    let import = |more: &[&str]| {
        run_json(
            &sim,
            &[&["import", csv.to_str().unwrap()], more].concat(),
            "",
        )
        .1
    };
    check_rows([&["--dry-run"][..], &[]], |more| {
        let answer = import(more);
        let failed = answer["failed"].as_array().unwrap();
        let users: Vec<_> = failed.iter().map(|row| row["user"].clone()).collect();
        // kim's is another person's.
        assert_eq!(users, ["alice", "bob"], "{answer}");
        let expected = "bob has enrolled another app at the prompt; --replace replaces it";
        assert_eq!(failed[1]["message"], expected);
    });
    assert_eq!(file(&sim), before);
    let secrets = || fs::read_to_string(sim.path("totp.toml")).unwrap();
    assert!(
        secrets().contains("kim") && !secrets().contains("bob"),
        "{}",
        secrets()
    );
    let answer = import(&["--replace"]);
    assert_eq!(answer["enrolled"], 2, "{answer}");
    assert!(
        secrets().contains("bob") && !file(&sim).contains("bob"),
        "{}",
        file(&sim)
    );

    // The same secret, on its way into totp.toml.
    let sim = host();
    fs::write(
        sim.path("secrets.csv"),
        format!("user,totp_secret\nbob,{SECRET}\n"),
    )
    .unwrap();
    let csv = sim.path("secrets.csv");
    let (status, answer) = run_json(&sim, &["import", csv.to_str().unwrap()], "");
    assert_eq!((status, &answer["enrolled"]), (0, &json!(1)), "{answer}");
}

/// What doctor finds about such apps.
fn findings(sim: &Sim) -> Vec<Value> {
    let (_, answer) = run_json(sim, &["doctor"], "");
    let checks = answer["checks"].as_array().unwrap().clone();
    let is_it = |check: &Value| check["name"] == "enrolled";
    checks.into_iter().filter(is_it).collect()
}

#[test]
fn doctor_warns_of_apps_that_do_not_count() {
    let sim = host();
    let found = findings(&sim);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|finding| finding["result"] == "warning"));
    let text = |number: usize, member: &str| found[number][member].as_str().unwrap().to_owned();
    assert!(text(0, "message").starts_with("alice has an app: "));
    assert!(text(0, "hint").contains("authyctl totp remove alice"));
    assert!(text(1, "message").ends_with("; not used"));

    let with_offer = |rules: &str| {
        let config = sim.path("config.toml");
        let plain = fs::read_to_string(&config).unwrap();
        let stacks = sim.path("stacks");
        fs::create_dir_all(&stacks).unwrap();
        let stack =
            "auth requisite pam_unix.so\nauth required pam_authy.so\nauth required pam_permit.so\n";
        for service in ["sshd", "sudo"] {
            fs::write(stacks.join(service), stack).unwrap();
        }
        fs::write(
            &config,
            format!("{plain}[login]\nenroll_totp = \"offer\"\n{rules}"),
        )
        .unwrap();
        let folder = stacks.to_str().unwrap();
        let (_, answer) = run_json(&sim, &["doctor", "--pam-dir", folder], "");
        fs::write(&config, plain).unwrap();
        answer.to_string()
    };
    let rows = [
        ("deadline_seconds = 180", false),
        ("deadline_seconds = 80", true),
        ("notices = \"prompt\"", true),
        ("token_in_password = true", true),
        ("factors = [\"push\"]", true),
    ];
    check_rows(rows, |(rules, warns)| {
        let said = with_offer(&format!("{rules}\n"));
        assert_eq!(said.contains("may have no effect"), warns, "{rules}");
    });
    let at_once = with_offer("enroll_hold_seconds = 0\n");
    assert!(at_once.contains("an app counts at once"), "{at_once}");
    assert!(!with_offer("").contains("at once"));
    // A table of sudo's own is in vain; that of [login] is for sshd.
    let of_sudo = with_offer("[service.sudo]\nenroll_totp = \"offer\"\n");
    assert!(of_sudo.contains("sudo: enroll_totp"), "{of_sudo}");
    assert!(!with_offer("").contains("sudo: enroll_totp"));
}

#[test]
fn a_file_that_is_not_valid_is_a_problem_of_those_apps_alone() {
    let sim = host();
    let good = file(&sim);
    let invalid = format!("[totp]\nalice = {{ secret = \"{SECRET}\" }}\n");
    check_rows(["[totp", "x = 1\n", invalid.as_str()], |wrong| {
        write(&sim, wrong);
        let found = findings(&sim);
        let is_problem = found.len() == 1 && found[0]["result"] == "problem";
        assert!(is_problem, "{found:#?}");
        let [config, users] = ["config.toml", "users.toml"].map(|name| sim.path(name));
        let [config, users] = [&config, &users].map(|path| path.to_str().unwrap());
        let check = ["check", "--config", config, "--users", users];
        let (status, answer) = run_json(&sim, &check, "");
        let is_named = status == 4 && answer.to_string().contains("enrolled.toml:");
        assert!(is_named, "{answer}");
        let (status, answer) = run_json(&sim, &["totp", "list"], "");
        assert!(
            status == 4 && !answer.to_string().contains(SECRET),
            "{answer}"
        );
        let (status, answer) = run_json(&sim, &["list"], "");
        assert_eq!(status, 0, "the list of users is right: {answer}");
    });
    write(&sim, &good.replace(", factors = [\"authy_id=7\"]", ""));
    let (status, answer) = run_json(&sim, &["index"], "");
    let indexed = (status, &answer["enrolled"]["entries"]);
    assert_eq!(indexed, (0, &json!(3)), "{answer}");
    assert!(sim.path("state/enrolled.toml.index").exists());
}
