//! sshd's settings: our file among them, whether sshd accepts them, and reloading a running sshd.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::edit::FirstFactor;
use super::file::{FileEdit, read};

pub(super) const CONFIG: &str = "/etc/ssh/sshd_config";
/// Our own file. sshd uses the first value of a setting, so the name sorts before those that
/// installers write.
const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-pam_authy.conf";
const MARK: &str = "# pam_authy: `authyctl pam disable sshd` removes this file";

/// Returns the edit that adds our file, which has sshd ask by keyboard-interactive, alone or after
/// a key.
///
/// # Errors
/// sshd would not read the file, or it exists already.
pub(super) fn add_drop_in(first: FirstFactor) -> Result<FileEdit, String> {
    let methods = match first {
        FirstFactor::Password => "keyboard-interactive",
        FirstFactor::Key => "publickey,keyboard-interactive",
    };
    let main = read(Path::new(CONFIG))?.ok_or_else(|| format!("{CONFIG}: is missing"))?;
    let folder = "/etc/ssh/sshd_config.d/*.conf";
    let includes = main.lines().any(|line| {
        let mut words = line.split_whitespace();
        words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("include"))
            && words.any(|word| word == folder)
    });
    if !includes {
        return Err(format!(
            "{CONFIG}: add `Include {folder}` as its first line"
        ));
    }
    if let Some(old) = read(Path::new(DROP_IN))? {
        return Err(if old.starts_with(MARK) {
            format!(
                "{DROP_IN} exists already: sshd is enabled (authyctl pam disable sshd undoes that)"
            )
        } else {
            format!("{DROP_IN}: exists already, and authyctl did not write it")
        });
    }
    let new = format!(
        "{MARK}\nUsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n\
         AuthenticationMethods {methods}\n"
    );
    Ok(FileEdit {
        path: DROP_IN.into(),
        old: None,
        new: Some(new),
    })
}

/// Returns the edit that removes our file, where it exists.
///
/// # Errors
/// It cannot be read.
pub(super) fn remove_drop_in() -> Result<Option<FileEdit>, String> {
    let old = read(Path::new(DROP_IN))?.filter(|text| text.starts_with(MARK));
    Ok(old.map(|old| FileEdit {
        path: DROP_IN.into(),
        old: Some(old),
        new: None,
    }))
}

/// Whether sshd accepts its settings; true where there is no sshd.
pub(super) fn accepts_config() -> bool {
    let output = Command::new("/usr/sbin/sshd")
        .arg("-t")
        .env_clear()
        .output();
    output.map_or(true, |output| output.status.success())
}

/// Has a running sshd reload its settings; returns what was done.
pub(super) fn reload() -> String {
    if Path::new("/run/systemd/system").exists() {
        let reloaded = ["ssh", "sshd"].into_iter().any(|unit| {
            let status = Command::new("/usr/bin/systemctl")
                .args(["--quiet", "reload", unit])
                .output();
            status.is_ok_and(|output| output.status.success())
        });
        if reloaded {
            return "sshd has reloaded its settings".to_owned();
        }
    }
    match running() {
        Some(pid) if kill(pid, Signal::SIGHUP).is_ok() => {
            "sshd has reloaded its settings".to_owned()
        }
        _ => "no running sshd was found; if one runs, reload its settings".to_owned(),
    }
}

/// Returns the process that /run/sshd.pid names, when it is sshd.
fn running() -> Option<Pid> {
    let pid: i32 = fs::read_to_string("/run/sshd.pid")
        .ok()?
        .trim()
        .parse()
        .ok()?;
    let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let is_sshd = program
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("sshd"));
    (pid > 1 && is_sshd).then(|| Pid::from_raw(pid))
}
