//! What a roll-back leaves behind, so that no administrator believes that the host is still
//! protected: a warning in the log, and a record that doctor shows until the next `pam` command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pam_authy::host::journal::{DEFAULT_LOG, Journal};
use pam_authy::host::trusted_file::{self, Access};

use super::pending::FOLDER;
use crate::cli::Target;
use crate::replace_file::{NewFile, replace_file};

/// The severity of a warning (LOG_WARNING of syslog(3)).
const WARNING: u8 = 4;
/// The largest size of the record, in bytes.
const LIMIT: u64 = 4096;

fn file() -> PathBuf {
    Path::new(FOLDER).join("rolled_back")
}

/// Logs that the change of a service was rolled back, and records it beside earlier ones.
///
/// # Errors
/// The record cannot be written.
pub(super) fn leave(target: &Target) -> io::Result<()> {
    let name = target.name();
    let log = Journal::open("authyctl", Path::new(DEFAULT_LOG));
    log.write(
        WARNING,
        &format!("the change of {name} was rolled back: it requires no second factor"),
    );
    let mut names = rolled_back();
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
    let new = NewFile {
        prefix: ".rolled_back.new-",
        mode: 0o644,
        owner: None,
    };
    replace_file(&file(), (names.join("\n") + "\n").as_bytes(), &new)
}

/// Removes the record.
///
/// # Errors
/// It cannot be removed.
pub(super) fn forget() -> io::Result<()> {
    match fs::remove_file(file()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the services with a change that was rolled back since the last `pam` command.
pub(crate) fn rolled_back() -> Vec<String> {
    let text = trusted_file::read(&file(), Access::WorldReadable, LIMIT).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().map(str::to_owned).collect()
}
