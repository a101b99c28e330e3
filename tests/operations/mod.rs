//! What those who watch a host rely on: events in the journal and in files, figures for Prometheus, and
//! the examples for them.

mod journal;
mod logs;
mod metrics;
mod prometheus;

use std::process::{Command, Output};

use serde_json::Value;

/// authyctl with these arguments, in the environment of an administrator.
fn authyctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authyctl"));
    command.args(arguments);
    command
}

/// Runs it; its exit status must be 0.
fn run(arguments: &[&str]) -> String {
    let output = authyctl(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one object that it prints.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}
