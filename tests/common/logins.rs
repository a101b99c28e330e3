//! Logins through the real libpam with stand-ins for modules: they record that they were called,
//! and answer what a script says. Compiles and runs logins.c and stand_in.c.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::compiled::compile;

/// The largest number of stand-ins in a stack.
pub(crate) const STAND_INS: usize = 64;

/// Returns the path of the module that the tests use in place of others. Its argument is its
/// number.
pub(crate) fn module() -> &'static PathBuf {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE.get_or_init(|| compile("stand_in", &["-shared", "-fPIC"]))
}

fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("logins", &["-rdynamic", "-lpam"]))
}

/// What the stand-ins of a login answer, as numbers of `_pam_types.h`.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) service: String,
    pub(crate) authenticate: Vec<i32>,
    pub(crate) setcred: Vec<i32>,
}

/// One call of libpam: its result, and the stand-ins that it called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) code: i32,
    pub(crate) called: Vec<usize>,
}

/// A login: `pam_authenticate`, `pam_setcred` after it, and `pam_setcred` alone, as sshd calls it
/// after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) authenticate: Call,
    pub(crate) setcred: Call,
    pub(crate) alone: Call,
}

/// Logs in with each script through the stacks in `folder`.
pub(crate) fn run(folder: &Path, scripts: &[Script]) -> Vec<Login> {
    let mut child = Command::new("timeout")
        .arg("120")
        .arg(program())
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text: String = scripts.iter().map(line).collect();
    // A pipe is smaller than what is written and read.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let logins: Vec<_> = text.lines().map(parse).collect();
    assert_eq!(logins.len(), scripts.len());
    logins
}

fn line(script: &Script) -> String {
    let codes = |codes: &[i32]| -> String {
        let codes: Vec<_> = codes.iter().map(i32::to_string).collect();
        codes.join(",")
    };
    format!(
        "{} {} {}\n",
        script.service,
        codes(&script.authenticate),
        codes(&script.setcred)
    )
}

fn parse(line: &str) -> Login {
    let fields: Vec<_> = line.split(' ').collect();
    let call = |at: usize| Call {
        code: fields[at].parse().unwrap(),
        called: match fields[at + 3] {
            "-" => Vec::new(),
            list => list.split(',').map(|n| n.parse().unwrap()).collect(),
        },
    };
    Login {
        authenticate: call(0),
        setcred: call(1),
        alone: call(2),
    }
}
