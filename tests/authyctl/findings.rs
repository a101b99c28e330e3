//! What `doctor` and `explain` find besides the lines of one stack: ids that Authy does not know,
//! files that a line names, the second service of a program.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{enrolled, run, run_json, text};
use crate::common::product;
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::totp::SECRET;

/// Makes a folder of stacks; `OURS` is replaced by the path of our module.
fn stacks(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (service, text) in files {
        let text = text.replace("OURS", &product().display().to_string());
        fs::write(folder.path().join(service), text).unwrap();
    }
    folder
}

/// Returns results and messages of doctor's checks of that name.
fn said(sim: &Sim, folder: &tempfile::TempDir, name: &str) -> String {
    let how = ["doctor", "--pam-dir", folder.path().to_str().unwrap()];
    let (_, answer) = run_json(sim, &how, "");
    let checks = answer["checks"].as_array().unwrap();
    let named = checks.iter().filter(|check| check["name"] == name);
    let line = |check: &Value| format!("{}: {}\n", check["result"], check["message"]);
    named.map(line).collect()
}

#[test]
fn an_administrators_id_that_authy_does_not_know_is_named() {
    let unavailable = json!({"match": {"path": "/status"}, "times": 0, "status": 503});
    let table = [
        ("root = 1635", None, ""),
        (
            "root = 4242",
            None,
            "\"problem\": \"root: Authy does not know the id 4242",
        ),
        (
            "root = { authy_id = 4242, totp = true }",
            None,
            "\"warning\": \"root: Authy does not know the id 4242",
        ),
        ("no-administrator = 4242", None, ""),
        (
            "root = 4242",
            Some(unavailable),
            "\"unknown\": \"cannot tell whether Authy knows the id of root",
        ),
    ];
    let folder = stacks(&[("login", "auth required pam_unix.so\n")]);
    check_rows(table, |(entry, fault, expected)| {
        let sim = Sim::start();
        fs::write(sim.path("users.toml"), format!("[users]\n{entry}\n")).unwrap();
        let secrets = sim.path("totp.toml");
        fs::write(
            &secrets,
            format!("[totp]\nroot = {{ secret = \"{SECRET}\" }}\n"),
        )
        .unwrap();
        fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some(fault) = fault {
            sim.fault(&fault);
        }
        let said = said(&sim, &folder, "people");
        assert_eq!(said.is_empty(), expected.is_empty(), "{said}");
        assert!(said.contains(expected), "{said}");
    });
}

#[test]
fn su_without_our_line_in_the_stack_of_su_l_is_a_problem() {
    let ours = "auth requisite pam_unix.so\nauth required OURS\n";
    let open = "auth required pam_unix.so\n";
    let table = [
        (
            vec![("su", ours), ("su-l", open)],
            "\"problem\": \"`su -l` requires no",
        ),
        (
            vec![("su", open), ("su-l", ours)],
            "\"warning\": \"`su` requires no",
        ),
        (vec![("su", ours), ("su-l", ours)], ""),
        (vec![("su", ours), ("su-l", "@include su\n")], ""),
        (vec![("su", ours)], ""),
    ];
    let sim = enrolled();
    check_rows(table, |(files, expected)| {
        let said = said(&sim, &stacks(&files), "su");
        assert_eq!(said.is_empty(), expected.is_empty(), "{said}");
        assert!(said.contains(expected), "{said}");
    });
}

#[test]
fn each_line_is_judged_by_the_files_that_it_names() {
    let sim = enrolled();
    let (config, users) = (sim.path("own.toml"), sim.path("own-users.toml"));
    let text = fs::read_to_string(sim.path("config.toml")).unwrap();
    fs::write(
        &config,
        text + "\n[service.login]\nunenrolled = \"ignore\"\n",
    )
    .unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&users, "[users]\nroot = 1635\n").unwrap();
    let line = |arguments: &str| {
        let stack = format!(
            "auth requisite pam_unix.so\nauth required OURS {arguments}\nauth required pam_permit.so\n"
        );
        stacks(&[("login", &stack)])
    };
    let own = line(&format!("config={}", config.display()));
    let optional = "unenrolled = \\\"ignore\\\" makes the factor optional";

    assert!(!said(&sim, &line(""), "pam login").contains(optional));
    let with_config = said(&sim, &own, "pam login");
    assert!(with_config.contains(optional), "{with_config}");

    let without = said(&sim, &line(""), "people");
    assert!(without.contains("root is not enrolled"), "{without}");
    let with_users = said(&sim, &line(&format!("users={}", users.display())), "people");
    assert!(with_users.contains("who can log in: root"), "{with_users}");
}

#[test]
fn explain_names_the_line_that_lets_some_logins_pass_ours() {
    let sim = enrolled();
    let explain = |stack: &str| {
        let folder = stacks(&[("sudo", stack)]);
        let path = folder.path().to_str().unwrap();
        let output = run(
            &sim,
            &["explain", "alice", "--service", "sudo", "--pam-dir", path],
            "",
        );
        text(&output.stdout)
    };
    let open = explain("auth sufficient pam_unix.so\nauth required OURS\n");
    assert!(
        open.contains("some logins succeed without it: ") && open.contains("sudo:1: `sufficient"),
        "{open}"
    );
    let sound = explain("auth requisite pam_unix.so\nauth required OURS\n");
    assert!(!sound.contains("without it"), "{sound}");
}
