//! Tests that start themselves again as processes of their own, to be limited, stopped and killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Names the folder to a test that was started again as a process of its own.
pub(crate) const CHILD: &str = "PAM_AUTHY_TEST_CHILD";

/// The folder, where this is such a process.
pub(crate) fn as_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Starts the test `name` again with `folder`, under what a shell does first.
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

/// Waits until a child says `go`.
pub(crate) fn wait_for_go(child: &mut Child) {
    let out = BufReader::new(child.stdout.as_mut().unwrap());
    let said = out
        .lines()
        .map(Result::unwrap)
        .any(|line| line.ends_with("go"));
    assert!(said, "the child never began");
}

pub(crate) fn ends_well(child: Child) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}\n{text}", output.status);
    assert!(
        text.contains("1 passed"),
        "no test of that name ran:\n{text}"
    );
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).unwrap();
    kill(Pid::from_raw(id), signal).unwrap();
}
