//! sshd's settings: our file among them, whether sshd accepts them, and reloading a running sshd.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pam_authy::base::text::sanitize;

use super::file::{FileEdit, read};
use super::sshd_config;
use crate::commands::program;
use crate::commands::stack::Files;

pub(super) const CONFIG: &str = "/etc/ssh/sshd_config";
/// Our own file. sshd uses the first value of a setting, so the name sorts before those that
/// installers write.
pub(super) const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-pam_authy.conf";
const MARK: &str = "# pam_authy: `authyctl pam disable sshd` removes this file";

/// Returns the edit that adds our file, which has sshd ask by keyboard-interactive, alone or after
/// a key.
///
/// # Errors
/// sshd would not read the file, or it exists already.
pub(super) fn add_drop_in(files: &Files, with_key: bool) -> Result<FileEdit, String> {
    let methods = if with_key {
        "publickey,keyboard-interactive"
    } else {
        "keyboard-interactive"
    };
    if let Some(old) = read(files, Path::new(DROP_IN))? {
        return Err(if old.starts_with(MARK.as_bytes()) {
            format!(
                "{DROP_IN} exists already: sshd is enabled (authyctl pam disable sshd undoes that)"
            )
        } else {
            format!("{DROP_IN}: exists already, and authyctl did not write it")
        });
    }
    let settings = [
        ("UsePAM", "yes"),
        ("PasswordAuthentication", "no"),
        ("KbdInteractiveAuthentication", "yes"),
        ("AuthenticationMethods", methods),
    ];
    refuse_earlier(files, &settings)?;
    let lines = settings.map(|(name, value)| format!("{name} {value}\n"));
    let new = format!("{MARK}\n{}", lines.concat());
    Ok(FileEdit {
        path: DROP_IN.into(),
        old: None,
        new: Some(new.into_bytes()),
    })
}

/// Refuses where sshd reads another value of one of our settings before our file: it uses the
/// first.
fn refuse_earlier(files: &Files, settings: &[(&str, &str)]) -> Result<(), String> {
    let lines = sshd_config::lines(files)?;
    let Some(ours) = lines.iter().position(|line| line.file == DROP_IN) else {
        return Err(format!(
            "{}: add `Include /etc/ssh/sshd_config.d/*.conf` as its first line",
            sshd_config::main_file(files)
        ));
    };
    for line in lines.iter().take(ours) {
        let Some((name, value)) = line.setting() else {
            continue;
        };
        let is_other = |(ours, wanted): &(&str, &str)| {
            ours.eq_ignore_ascii_case(&name) && !wanted.eq_ignore_ascii_case(&value)
        };
        if settings.iter().any(is_other) {
            let (place, written) = (line.place(), line.words.join(" "));
            return Err(format!(
                "{place}: `{written}` comes before {DROP_IN}, and sshd uses the first value: remove it"
            ));
        }
    }
    Ok(())
}

/// Returns the PAM service of sshd: `PAMServiceName`, which sshd 9.8 and later know, or `sshd`. On
/// this host sshd itself prints it; in an image it is read from the files.
pub(super) fn service_name(files: &Files) -> String {
    let name = if files.is_host() {
        let output = program::run(Command::new("/usr/sbin/sshd").arg("-T")).ok();
        output.and_then(|output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut lines = text.lines();
            lines.find_map(|line| Some(line.strip_prefix("pamservicename ")?.to_owned()))
        })
    } else {
        let lines = sshd_config::lines(files).unwrap_or_default();
        let mut settings = lines.iter().filter_map(sshd_config::Line::setting);
        let name = settings.find(|(name, _)| name.eq_ignore_ascii_case("PAMServiceName"));
        name.map(|(_, value)| value)
    };
    name.map_or_else(
        || "sshd".to_owned(),
        |name| name.trim().to_ascii_lowercase(),
    )
}

/// Returns the edit that removes our file, where it exists.
///
/// # Errors
/// It cannot be read.
pub(super) fn remove_drop_in(files: &Files) -> Result<Option<FileEdit>, String> {
    let old = read(files, Path::new(DROP_IN))?;
    let old = old.filter(|content| content.starts_with(MARK.as_bytes()));
    Ok(old.map(|old| FileEdit {
        path: DROP_IN.into(),
        old: Some(old),
        new: None,
    }))
}

/// Whether sshd accepts its settings; true where there is no sshd.
pub(super) fn accepts_config() -> bool {
    refusal().is_none()
}

/// Returns why sshd would not start as it is; `None` where it would, or where there is no sshd.
pub(super) fn refusal() -> Option<String> {
    let output = program::run(Command::new("/usr/sbin/sshd").arg("-t")).ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let line = sanitize(said.lines().next().unwrap_or("failed"));
    (!output.status.success()).then(|| format!("sshd -t: {line}"))
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
