//! Runs a test as root in a sandbox: an overlay over / whose upper layer is in memory, with a
//! separate /dev and process tree, so that a test can change users, /etc/pam.d and sudoers without
//! a trace.
//!
//! A test calls [`enter`] first. Outside the sandbox, `enter` runs the same test again inside and
//! reports its outcome; inside the sandbox it returns at once. sandbox.sh makes the sandbox.

use std::path::Path;
use std::process::Command;

/// The environment variable that is set inside the sandbox.
const MARK: &str = "PAM_AUTHY_TEST_SANDBOX";

/// Whether this process runs in a sandbox.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Returns true inside the sandbox, where the caller runs the rest of the test. Outside, runs the
/// test `name` (its full path) inside a new sandbox, fails if it failed, and returns false.
pub(crate) fn enter(name: &str) -> bool {
    if is_inside() {
        return true;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/sandbox.sh");
    let output = Command::new("bash")
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            name,
            "--include-ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "inside the sandbox:\n{text}");
    assert!(
        text.contains("1 passed"),
        "the sandbox ran no test {name}:\n{text}"
    );
    false
}
