//! The attacker's process: the test program again, as the unprivileged user mallory.
//!
//! A test asks [`as_attacker`] first. In mallory's process it returns the orders, and the test
//! carries them out with nothing but that user's rights. In the test's own process, which is root's
//! in the sandbox, [`Mallory::start`] starts that other one.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::target::ATTACKER;
use crate::common::mount;

/// The environment variable that passes the orders.
const ORDERS: &str = "PAM_AUTHY_TEST_ORDERS";
/// In front of what mallory's process says, since libtest prints to the same pipe.
const SAYS: &str = "mallory: ";

/// Returns the orders if this process is mallory's.
pub(super) fn as_attacker() -> Option<Value> {
    let orders = std::env::var(ORDERS).ok()?;
    assert!(!nix::unistd::getuid().is_root() && !nix::unistd::geteuid().is_root());
    Some(serde_json::from_str(&orders).unwrap())
}

/// In mallory's process: tells the test something.
pub(super) fn say(word: &Value) {
    println!("\n{SAYS}{word}");
}

/// In mallory's process: waits until the test has looked.
pub(super) fn wait_for_test() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Mallory's process, seen by the test.
pub(super) struct Mallory {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Mallory {
    /// Starts the test `name` again as mallory with `orders`.
    pub(super) fn start(name: &str, orders: &Value) -> Self {
        Self::start_by(&[], name, orders)
    }

    /// The same, started by `wrapper`, whose last act is to execute its arguments.
    pub(super) fn start_by(wrapper: &[&str], name: &str, orders: &Value) -> Self {
        let program = Path::new("/usr/local/bin/pam_authy-attacker");
        if !program.exists() {
            // The checkout may lie in a folder that mallory cannot enter.
            std::fs::write(program, "").unwrap();
            let own = std::env::current_exe().unwrap();
            mount(&["--bind", &own.display().to_string()], program);
        }
        let mut command = Command::new("timeout");
        command.args(["--foreground", "--kill-after", "5", "540"]);
        command.args(wrapper);
        command.args(["setpriv", "--reuid", ATTACKER, "--regid", ATTACKER]);
        command
            .arg("--clear-groups")
            .arg(program)
            .args(["--exact", name]);
        command.args(["--include-ignored", "--nocapture", "--test-threads=1"]);
        let mut child = command
            .env(ORDERS, orders.to_string())
            .env("HOME", "/tmp")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Returns what mallory says next. The test fails if mallory's process ends first.
    pub(super) fn hears(&mut self) -> Value {
        self.next().expect("mallory said nothing more")
    }

    /// The same; `None` at the end of mallory's process.
    pub(super) fn next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(word) = line.strip_prefix(SAYS) {
                return Some(serde_json::from_str(word).unwrap());
            }
        }
    }

    /// Lets mallory go on after [`wait_for_test`].
    pub(super) fn go_on(&mut self) {
        let _ = self.input.write_all(b"\n");
    }

    /// Waits for the end of mallory's process, whose test must not have failed.
    pub(super) fn finish(mut self) {
        drop(self.input);
        let mut rest = String::new();
        let _ = std::io::Read::read_to_string(&mut self.output, &mut rest);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "mallory's process: {status}: {rest}");
    }
}
