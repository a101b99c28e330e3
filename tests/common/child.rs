//! Tests that start themselves again as a child process, which they limit, stop or kill.
//!
//! A test calls [`as_child`] first: in the child it returns the folder to work in. The parent calls
//! [`child`] with the test's own name.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The environment variable that passes the folder to the child.
pub(crate) const CHILD: &str = "PAM_AUTHY_TEST_CHILD";

/// Returns the folder if this process is such a child.
pub(crate) fn as_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Starts the test `name` again with `folder`, after the shell commands `before`.
pub(crate) fn child(before: &str, name: &str, folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{before}\nexec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--include-ignored"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a child prints a line that ends with `go`.
pub(crate) fn wait_for_go(child: &mut Child) {
    let out = BufReader::new(child.stdout.as_mut().unwrap());
    let has_begun = out
        .lines()
        .map(Result::unwrap)
        .any(|line| line.ends_with("go"));
    assert!(has_begun, "the child ended before it printed go");
}

/// Waits for a child and fails the test if it failed.
pub(crate) fn ends_well(child: Child) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}\n{text}", output.status);
    assert!(
        text.contains("1 passed"),
        "no test of that name ran:\n{text}"
    );
}

/// Sends a signal to a child.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).unwrap();
    kill(Pid::from_raw(id), signal).unwrap();
}
