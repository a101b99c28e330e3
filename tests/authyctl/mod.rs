//! authyctl against authy-sim, called as people and scripts call it; one file for each family of
//! commands.

mod application;
mod approvals;
mod at_authy;
mod bad_input;
mod check;
mod directory;
mod doctor;
mod enrolled;
mod examples;
mod explain;
mod explain_line;
mod findings;
mod general;
mod generate;
mod import;
mod import_apps;
mod mapping;
mod migrate;
mod output;
mod phones;
mod rehearsal;
mod security_keys;
mod state;
mod terminal;
mod tokens;
mod totp;
mod twilio;
mod twilio_doctor;
mod twilio_page;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::common::sim::Sim;

fn authyctl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authyctl"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs authyctl with the simulator's configuration and mapping, and `input` on standard input.
///
/// `explain` finds stacks with our module, unless it is given a folder of them.
pub(crate) fn run(sim: &Sim, arguments: &[&str], input: &str) -> Output {
    let mut command = authyctl();
    if arguments.contains(&"explain") && !arguments.contains(&"--pam-dir") {
        let folder = sim.path("pam.d");
        make_stacks(&folder);
        command.arg("explain").arg("--pam-dir").arg(folder);
        command.args(arguments.iter().filter(|argument| **argument != "explain"));
        command.arg("--config").arg(sim.path("config.toml"));
        command.arg("--users").arg(sim.path("users.toml"));
        return feed(command, input);
    }
    command.arg("--config").arg(sim.path("config.toml"));
    command
        .arg("--users")
        .arg(sim.path("users.toml"))
        .args(arguments);
    feed(command, input)
}

/// Makes stacks with our module for the services that tests name, in this folder.
fn make_stacks(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for service in ["sshd", "sudo", "sudo-i", "su", "login"] {
        fs::write(folder.join(service), "auth required pam_authy.so\n").unwrap();
    }
}

fn feed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // authyctl may end without reading its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Runs authyctl with `--json`; returns the exit status and the one object on standard output.
pub(crate) fn run_json(sim: &Sim, arguments: &[&str], input: &str) -> (i32, Value) {
    let output = run(sim, &[arguments, &["--json"]].concat(), input);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    (
        output.status.code().unwrap(),
        serde_json::from_str(&text).unwrap(),
    )
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn enrolled() -> Sim {
    let sim = Sim::start();
    let (status, _) = run_json(&sim, &["enroll", "alice", "--authy-id", "1635"], "");
    assert_eq!(status, 0);
    sim
}
