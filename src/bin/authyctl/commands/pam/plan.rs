//! Which files change when our module is added to a service or removed from it, and what they
//! become.
//!
//! Only `/etc/pam.d/sshd`, `sudo`, `sudo-i` and one file of sshd's settings are edited here; the
//! files that pam-auth-update writes are changed by running it.

use std::fs;
use std::path::Path;

use super::edit::{self, FirstFactor, StackInspector};
use super::file::{FileEdit, read};
use super::{pending, profile, sshd};
use crate::cli::Target;
use crate::commands::doctor;

pub(super) const PAM_DIR: &str = "/etc/pam.d";

/// Returns the edits that add our module to a service, in the order in which they are written.
///
/// # Errors
/// Why they cannot be made, with the file or program.
pub(super) fn to_enable(target: Target, with_key: bool) -> Result<Vec<FileEdit>, String> {
    let first = if with_key {
        FirstFactor::Key
    } else {
        FirstFactor::Password
    };
    match target {
        // The settings come first: sshd reads them only when it is reloaded, and the stack at every
        // login.
        Target::Sshd => Ok(vec![sshd::add_drop_in(first)?, edit_stack("sshd", first)?]),
        Target::Sudo => {
            let mut edits = vec![edit_stack("sudo", first)?];
            if has_own_stack("sudo-i") {
                edits.push(edit_stack("sudo-i", first)?);
            }
            Ok(edits)
        }
        Target::All => profile::edit_common_auth(),
    }
}

/// Returns the edits that remove our module from a service, the stack first; none when it is not
/// there.
///
/// # Errors
/// A file cannot be read, or our marks in it were edited and there is no backup.
pub(super) fn to_disable(target: Target) -> Result<Vec<FileEdit>, String> {
    let names: &[&str] = match target {
        Target::Sshd => &["sshd"],
        Target::Sudo => &["sudo", "sudo-i"],
        Target::All => &[],
    };
    let mut edits = Vec::new();
    for name in names {
        let path = Path::new(PAM_DIR).join(name);
        let Some(old) = read(&path)?.filter(|text| edit::is_marked(text)) else {
            continue;
        };
        let new = match edit::disable(&old) {
            Ok(new) => new,
            Err(why) => pending::backup(target, &path)
                .ok_or_else(|| format!("{}: {why}", path.display()))?,
        };
        edits.push(FileEdit {
            path,
            old: Some(old),
            new: Some(new),
        });
    }
    if target == Target::Sshd {
        edits.extend(sshd::remove_drop_in()?);
    }
    Ok(edits)
}

fn edit_stack(name: &str, first: FirstFactor) -> Result<FileEdit, String> {
    let path = Path::new(PAM_DIR).join(name);
    let shown = path.display();
    if path.is_symlink() {
        return Err(format!(
            "{shown}: is a symbolic link; edit its target by hand"
        ));
    }
    let old = read(&path)?.ok_or_else(|| format!("{shown}: there is no such stack"))?;
    let inspector = StackInspector {
        factors: &|lines| doctor::factors(Path::new(PAM_DIR), lines),
        is_sound: &|text| doctor::is_sound(Path::new(PAM_DIR), text),
    };
    let new = edit::enable(&old, first, &inspector).map_err(|why| format!("{shown}: {why}"))?;
    Ok(FileEdit {
        path,
        old: Some(old),
        new: Some(new),
    })
}

/// Whether a service has lines of its own, and does not just include those of sudo.
fn has_own_stack(name: &str) -> bool {
    let text = fs::read_to_string(Path::new(PAM_DIR).join(name)).unwrap_or_default();
    let includes_sudo = text.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("auth") && words.nth(1) == Some("sudo")
    });
    !text.is_empty() && !includes_sudo
}
