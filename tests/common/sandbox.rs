//! Runs a test as root in a sandbox: an overlay over / whose upper layer is in memory, with a /dev and
//! a process tree of its own, so that users, /etc/pam.d and sudoers may change and nothing stays.
//!
//! A test calls [`run`] first. Outside it starts this very test again inside and reports what that
//! said; inside it just goes on.

use std::path::Path;
use std::process::Command;

/// Set inside the sandbox.
const MARK: &str = "PAM_AUTHY_TEST_SANDBOX";

/// Whether this process runs in a sandbox already.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Whether the rest of the test is to be run here: true inside the sandbox. Outside, runs the test
/// `name` (its full path) inside, and passes its outcome on.
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
