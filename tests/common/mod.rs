//! What the integration tests share: a running authy-sim, a host with files and a stack, a sandbox.

pub(crate) mod application;
pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod host;
pub(crate) mod hostile;
pub(crate) mod relay;
pub(crate) mod sandbox;
pub(crate) mod sim;
pub(crate) mod terminal;
pub(crate) mod trace;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The product: the very file that is installed, not a library beside the tests.
pub(crate) fn product() -> PathBuf {
    let path = std::env::var_os("PAM_AUTHY_SO").map(PathBuf::from);
    path.expect("PAM_AUTHY_SO names the product: see CONTRIBUTING.md")
}

/// A file system of `size` in memory, seen by this sandbox alone.
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

pub(crate) fn mount(arguments: &[&str], path: &Path) {
    let status = Command::new("mount")
        .args(arguments)
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Runs a program that reads `input`, and must end well.
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
