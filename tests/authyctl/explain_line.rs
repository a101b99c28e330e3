//! `explain` where the line of our module in the stack has arguments of its own.

use std::fs;

use serde_json::{Value, json};

use super::{enrolled, run_json};
use crate::common::sim::Sim;

/// Explains a login of `user` to a service whose stack has our module with these arguments.
fn explained(sim: &Sim, arguments: &str, user: &str) -> Value {
    let folder = sim.path("stacks");
    fs::create_dir_all(&folder).unwrap();
    let stack = format!("auth required pam_unix.so\nauth required pam_authy.so {arguments}\n");
    fs::write(folder.join("sshd"), stack).unwrap();
    let (status, answer) = run_json(
        sim,
        &["explain", user, "--pam-dir", folder.to_str().unwrap()],
        "",
    );
    assert_eq!(status, 0, "{answer}");
    answer
}

#[test]
fn nullok_of_the_line_lets_the_unenrolled_in_and_no_one_else() {
    let sim = enrolled();
    let stack = sim.path("stacks/sshd");
    let answer = explained(&sim, "nullok", "root");
    assert_eq!(
        (&answer["required"], &answer["file"], &answer["line"]),
        (&json!(false), &json!(stack), &json!(2)),
        "{answer}"
    );
    assert_eq!(
        answer["reason"],
        "root is not enrolled, and nullok allows that"
    );
    assert_eq!(explained(&sim, "nullok", "alice")["required"], true);
    assert_eq!(explained(&sim, "", "root")["required"], true);
}

#[test]
fn what_doctor_finds_wrong_with_the_stack_is_among_the_notes() {
    let sim = enrolled();
    // The module need not be installed where this runs, which doctor finds too.
    let notes = |arguments: &str| explained(&sim, arguments, "alice")["notes"].to_string();
    assert!(!notes("").contains("usersx"), "{}", notes(""));
    let other = "auth required pam_authy.so usersx=/x\n";
    fs::write(sim.path("stacks/sshd-other"), other).unwrap();
    assert!(!notes("").contains("usersx"), "{}", notes(""));
    let said = notes("usersx=/x");
    assert!(
        said.contains("doctor finds a problem: ") && said.contains("usersx"),
        "{said}"
    );
}

#[test]
fn the_files_that_the_line_names_decide() {
    let sim = enrolled();
    let config = sim.path("other.toml");
    let users = sim.path("others.toml");
    let text = fs::read_to_string(sim.path("config.toml")).unwrap();
    fs::write(&config, text + "\n[exempt]\nusers = [\"root\"]\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&config, mode).unwrap();
    fs::write(&users, "[users]\nbob = 7\n").unwrap();
    let (config, users) = (config.display(), users.display());
    let answer = explained(&sim, &format!("config={config}"), "root");
    assert_eq!(answer["required"], false, "{answer}");
    assert_eq!(answer["file"], config.to_string(), "{answer}");
    let answer = explained(&sim, &format!("users={users}"), "bob");
    assert_eq!(answer["file"], users.to_string(), "{answer}");
    let answer = explained(&sim, &format!("users={users}"), "alice");
    assert!(
        answer["reason"]
            .as_str()
            .unwrap()
            .contains("is not enrolled"),
        "{answer}"
    );
}
