//! Helpers that the integration tests share: a running authy-sim, a host with files and a PAM
//! stack, a root sandbox, a terminal and a browser.
//!
//! Helpers panic, and so fail the test, instead of returning errors.

pub(crate) mod application;
pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod host;
pub(crate) mod hostile;
pub(crate) mod relay;
pub(crate) mod sandbox;
pub(crate) mod sim;
pub(crate) mod terminal;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the path of the product, which is the same file that gets installed.
pub(crate) fn product() -> PathBuf {
    let path = std::env::var_os("PAM_AUTHY_SO").map(PathBuf::from);
    path.expect("PAM_AUTHY_SO names the product: see CONTRIBUTING.md")
}

/// Mounts a file system of `size` in memory, which only this sandbox sees, and returns its path.
pub(crate) fn disk(size: &str) -> PathBuf {
    let path = PathBuf::from("/srv/pam_authy-disk");
    fs::create_dir_all(&path).unwrap();
    mount(
        &[
            "-t",
            "tmpfs",
            "-o",
            &format!("size={size},mode=0755"),
            "tmpfs",
        ],
        &path,
    );
    path
}

/// Runs mount(8).
pub(crate) fn mount(arguments: &[&str], path: &Path) {
    let status = Command::new("mount")
        .args(arguments)
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Runs a program with `input` as its standard input; the program must succeed.
pub(crate) fn pipe(command: &mut Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}");
}
