//! The profile of pam-auth-update, which adds our module to common-auth on Debian and Ubuntu.

use std::path::Path;
use std::process::Command;

use super::file::{FileEdit, read};
use super::{files, plan};
use crate::commands::stack::Files;

const PROFILE: &str = "/usr/share/pam-configs/authy";
const COMMON_AUTH: &str = "/etc/pam.d/common-auth";

/// Whether pam-auth-update has written our profile into its files.
pub(super) fn is_on(files: &Files) -> bool {
    plan::uses_us(files, "common-auth")
}

/// Has pam-auth-update add our profile or remove it; blocks until it is done.
///
/// # Errors
/// What it printed.
pub(super) fn switch(on: bool) -> Result<(), String> {
    let flag = if on { "--enable" } else { "--disable" };
    let output = Command::new("/usr/sbin/pam-auth-update")
        .args([flag, "authy"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .map_err(|error| format!("pam-auth-update: {error}"))?;
    if output.status.success() && is_on(&files(None)) == on {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "pam-auth-update: {}",
        pam_authy::base::text::sanitize(printed.trim())
    ))
}

/// Returns what pam-auth-update would make of common-auth, close enough for doctor to check it.
///
/// # Errors
/// The profile cannot be switched on.
pub(super) fn edit_common_auth(files: &Files) -> Result<Vec<FileEdit>, String> {
    if files.exists(Path::new("/usr/bin/authselect")) {
        return Err("authselect writes the stacks of this system: `authselect select authy`, see docs/sudo.md".to_owned());
    }
    if !files.exists(Path::new(PROFILE)) {
        return Err(format!(
            "{PROFILE}: is missing; the package libpam-authy provides it"
        ));
    }
    if is_on(files) {
        return Err("pam_authy.so is in common-auth already".to_owned());
    }
    let old = read(files, Path::new(COMMON_AUTH))?;
    let new = old
        .clone()
        .map(|content| [content.as_slice(), b"auth\trequired\tpam_authy.so\n"].concat());
    Ok(vec![FileEdit {
        path: COMMON_AUTH.into(),
        old,
        new,
    }])
}
