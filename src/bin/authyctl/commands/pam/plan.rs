//! Which files of a service change when our module is put in or taken out, and what they become.
//!
//! Only `/etc/pam.d/sshd`, `sudo` and `sudo-i` and one file of sshd's settings are written; those that
//! pam-auth-update makes are left to it.

use std::fs;
use std::path::Path;

use super::edit::{self, FirstFactor, StackInspector};
use super::file::{FileEdit, read};
use super::{pending, profile, sshd};
use crate::cli::Target;
use crate::commands::doctor;

pub(super) const PAM_DIR: &str = "/etc/pam.d";

/// The changes that put our module into a service.
///
/// # Errors
/// Why they can't be made, with file or program.
pub(super) fn to_enable(target: Target, with_key: bool) -> Result<Vec<FileEdit>, String> {
    let first = if with_key {
        FirstFactor::Key
    } else {
        FirstFactor::Password
    };
    match target {
        Target::Sshd => {
            // Settings first: sshd looks at them only when it is told to, at PAM at every login.
            Ok(vec![sshd::drop_in(first)?, stack("sshd", first)?])
        }
        Target::Sudo => {
            let mut changes = vec![stack("sudo", first)?];
            if has_own_stack("sudo-i") {
                changes.push(stack("sudo-i", first)?);
            }
            Ok(changes)
        }
        Target::All => profile::change(),
    }
}

/// The changes that take our module out of a service; none when it is not in.
///
/// # Errors
/// A file can't be read, or somebody edited our lines and nothing was kept.
pub(super) fn to_disable(target: Target) -> Result<Vec<FileEdit>, String> {
    let names: &[&str] = match target {
        Target::Sshd => &["sshd"],
        Target::Sudo => &["sudo", "sudo-i"],
        Target::All => &[],
    };
    let mut changes = Vec::new();
    for name in names {
        let path = Path::new(PAM_DIR).join(name);
        let Some(old) = read(&path)?.filter(|text| edit::is_marked(text)) else {
            continue;
        };
        let new = match edit::disable(&old) {
            Ok(new) => new,
            Err(why) => {
                pending::kept(target, &path).ok_or_else(|| format!("{}: {why}", path.display()))?
            }
        };
        changes.push(FileEdit {
            path,
            old: Some(old),
            new: Some(new),
        });
    }
    if target == Target::Sshd
        && let Some(change) = sshd::without_drop_in()?
    {
        changes.push(change);
    }
    Ok(changes)
}

fn stack(name: &str, first: FirstFactor) -> Result<FileEdit, String> {
    let path = Path::new(PAM_DIR).join(name);
    let shown = path.display();
    if path.is_symlink() {
        return Err(format!(
            "{shown}: is a link; edit the file that it names by hand"
        ));
    }
    let old = read(&path)?.ok_or_else(|| format!("{shown}: there is no such stack"))?;
    let known = StackInspector {
        factors: &|line| doctor::factors(Path::new(PAM_DIR), line),
        is_sound: &|text| doctor::is_sound(Path::new(PAM_DIR), text),
    };
    let new = edit::enable(&old, first, &known).map_err(|why| format!("{shown}: {why}"))?;
    Ok(FileEdit {
        path,
        old: Some(old),
        new: Some(new),
    })
}

/// Whether a service has lines of its own, and not those of sudo.
fn has_own_stack(name: &str) -> bool {
    let text = fs::read_to_string(Path::new(PAM_DIR).join(name)).unwrap_or_default();
    let includes_sudo = text.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("auth") && words.nth(1) == Some("sudo")
    });
    !text.is_empty() && !includes_sudo
}
