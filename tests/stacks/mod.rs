//! `authyctl pam enable` against the real libpam: random stacks, the stacks of distributions, and
//! the cases that went wrong once.

mod administrators;
mod cases;
mod distribution;
mod distributions;
mod images;
mod judgement;
mod promise;
mod random;
mod refusals;
mod rule;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::common::logins;

/// The folders of a system, below a root of its own, and the same stacks for libpam, in which the
/// modules are stand-ins.
pub(crate) struct System {
    root: TempDir,
}

impl System {
    /// Makes a system without stacks.
    pub(crate) fn new(is_debian: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        let system = Self { root };
        for folder in ["etc/pam.d", "etc/ssh/sshd_config.d", "libpam"] {
            fs::create_dir_all(system.path(folder)).unwrap();
        }
        let id = if is_debian {
            "ID=debian\n"
        } else {
            "ID=other\n"
        };
        fs::write(system.path("etc/os-release"), id).unwrap();
        let include = "Include /etc/ssh/sshd_config.d/*.conf\n";
        fs::write(system.path("etc/ssh/sshd_config"), include).unwrap();
        // libpam reads it after each service, and none of its lines is used.
        fs::write(system.path("libpam/other"), "auth required pam_deny.so\n").unwrap();
        system
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs `authyctl pam` on this system.
    pub(crate) fn pam(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_authyctl"))
            .arg("pam")
            .args(arguments)
            .arg("--root")
            .arg(self.root.path())
            .output()
            .unwrap()
    }

    /// Returns the folder of stacks for libpam.
    pub(crate) fn libpam(&self) -> PathBuf {
        self.path("libpam")
    }

    /// Runs logins through the stacks for libpam.
    pub(crate) fn log_in(&self, scripts: &[logins::Script]) -> Vec<logins::Login> {
        logins::run(&self.libpam(), scripts)
    }
}

/// Replaces each `from` in `content`.
pub(crate) fn replace(content: &[u8], from: &str, to: &str) -> Vec<u8> {
    let from = from.as_bytes();
    let mut new = Vec::new();
    let mut rest = content;
    while let Some(at) = rest.windows(from.len()).position(|part| part == from) {
        new.extend_from_slice(&rest[..at]);
        new.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    new.extend_from_slice(rest);
    new
}

/// Returns the content of every file below a folder, by its path.
pub(crate) fn contents(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}
