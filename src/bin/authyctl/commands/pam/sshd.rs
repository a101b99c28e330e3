//! sshd's own settings: a file of ours among them, whether sshd takes it, and having it read again.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::edit::FirstFactor;
use super::file::{FileEdit, read};

pub(super) const CONFIG: &str = "/etc/ssh/sshd_config";
/// Ours alone; sshd takes the first word on a setting, so it sorts before what installers write.
const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-pam_authy.conf";
const MARK: &str = "# pam_authy: `authyctl pam disable sshd` takes this file away again";

/// The file that makes sshd ask by keyboard-interactive alone, or after a key.
pub(super) fn drop_in(first: FirstFactor) -> Result<FileEdit, String> {
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
            "{CONFIG}: put `Include {folder}` into its first line"
        ));
    }
    if let Some(old) = read(Path::new(DROP_IN))? {
        return Err(if old.starts_with(MARK) {
            format!(
                "{DROP_IN} is there already: sshd is enabled (authyctl pam disable sshd ends that)"
            )
        } else {
            format!("{DROP_IN}: exists already, and is not authyctl's")
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

/// The same file taken away, where it is ours.
pub(super) fn without_drop_in() -> Result<Option<FileEdit>, String> {
    let old = read(Path::new(DROP_IN))?.filter(|text| text.starts_with(MARK));
    Ok(old.map(|old| FileEdit {
        path: DROP_IN.into(),
        old: Some(old),
        new: None,
    }))
}

/// Whether sshd takes its settings; true where there is no sshd to ask.
pub(super) fn accepts_config() -> bool {
    let output = Command::new("/usr/sbin/sshd")
        .arg("-t")
        .env_clear()
        .output();
    output.map_or(true, |output| output.status.success())
}

/// Makes a running sshd read its settings; says what was done.
pub(super) fn reload() -> String {
    if Path::new("/run/systemd/system").exists() {
        let reloaded = ["ssh", "sshd"].into_iter().any(|unit| {
            let status = Command::new("/usr/bin/systemctl")
                .args(["--quiet", "reload", unit])
                .output();
            status.is_ok_and(|output| output.status.success())
        });
        if reloaded {
            return "sshd reads its settings again".to_owned();
        }
    }
    match running() {
        Some(pid) if kill(pid, Signal::SIGHUP).is_ok() => {
            "sshd reads its settings again".to_owned()
        }
        _ => "no running sshd was found; one that runs must read its settings again".to_owned(),
    }
}

/// The process that /run/sshd.pid names, when it is sshd.
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
