//! sshd's settings: our file among them, whether sshd accepts them, and reloading a running sshd.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::file::{FileEdit, read};
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

/// Refuses where sshd reads another value of one of our settings before our file: it uses the first.
fn refuse_earlier(files: &Files, settings: &[(&str, &str)]) -> Result<(), String> {
    let main = read(files, Path::new(CONFIG))?.ok_or_else(|| format!("{CONFIG}: is missing"))?;
    let folder = "/etc/ssh/sshd_config.d/*.conf";
    let mut before = Vec::new();
    let mut is_included = false;
    for (number, line) in String::from_utf8_lossy(&main).lines().enumerate() {
        let words: Vec<_> = line
            .split([' ', '\t', '=', '"'])
            .filter(|word| !word.is_empty())
            .collect();
        match words.as_slice() {
            [include, targets @ ..]
                if include.eq_ignore_ascii_case("include") && targets.contains(&folder) =>
            {
                is_included = true;
                break;
            }
            [first, ..] if first.eq_ignore_ascii_case("match") => break,
            _ => before.push((CONFIG.to_owned(), number + 1, line.to_owned())),
        }
    }
    if !is_included {
        return Err(format!(
            "{CONFIG}: add `Include {folder}` as its first line"
        ));
    }
    before.extend(earlier_drop_ins(files));
    for (file, line, text) in before {
        let mut words = text
            .split([' ', '\t', '=', '"'])
            .filter(|word| !word.is_empty());
        let (Some(name), value) = (words.next(), words.collect::<Vec<_>>().join(" ")) else {
            continue;
        };
        let ours = settings
            .iter()
            .find(|(ours, _)| ours.eq_ignore_ascii_case(name));
        if ours.is_some_and(|(_, ours)| !ours.eq_ignore_ascii_case(&value)) {
            return Err(format!(
                "{file}:{line}: `{name} {value}` comes before {DROP_IN}, and sshd uses the first value: remove it"
            ));
        }
    }
    Ok(())
}

/// Returns the lines outside of Match blocks in the files that sshd reads before ours, with file and
/// number.
fn earlier_drop_ins(files: &Files) -> Vec<(String, usize, String)> {
    let own = Path::new(DROP_IN);
    let folder = own.parent().unwrap_or(Path::new("/"));
    let entries = fs::read_dir(files.below_root(folder))
        .into_iter()
        .flatten()
        .flatten();
    let mut paths: Vec<_> = entries
        .map(|entry| folder.join(entry.file_name()))
        .filter(|path| path.extension().is_some_and(|end| end == "conf") && path.as_path() < own)
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let content = files.read(&path).unwrap_or_default();
        for (number, line) in String::from_utf8_lossy(&content).lines().enumerate() {
            let first = line.split_whitespace().next().unwrap_or_default();
            if first.eq_ignore_ascii_case("match") {
                break;
            }
            found.push((path.display().to_string(), number + 1, line.to_owned()));
        }
    }
    found
}

/// Returns the PAM service of sshd: `PAMServiceName`, which sshd 9.8 and later know, or `sshd`.
pub(super) fn service_name(files: &Files) -> String {
    let default = "sshd".to_owned();
    if !files.is_host() {
        return default;
    }
    let output = Command::new("/usr/sbin/sshd")
        .arg("-T")
        .env_clear()
        .output();
    let Ok(output) = output else {
        return default;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("pamservicename "));
    name.map_or(default, |name| name.trim().to_ascii_lowercase())
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
