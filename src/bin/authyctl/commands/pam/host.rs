//! The files of a service: what they would become, judging them before, and writing them.
//!
//! Only `/etc/pam.d/sshd`, `sudo` and `sudo-i` and one file of sshd's settings are written here; those
//! that pam-auth-update makes are left to it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::edit::{self, First, Knowledge};
use super::sshd;
use crate::cli::Target;
use crate::commands::doctor;

pub(super) const PAM_DIR: &str = "/etc/pam.d";
const PROFILE: &str = "/usr/share/pam-configs/authy";
const COMMON_AUTH: &str = "/etc/pam.d/common-auth";

/// One file as it is and as it is to be; `None` where there is no file.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

impl Change {
    pub(super) fn diff(&self) -> Vec<String> {
        let text = |side: &Option<String>| side.clone().unwrap_or_default();
        edit::diff(
            &self.path.display().to_string(),
            &text(&self.old),
            &text(&self.new),
        )
    }
}

/// The changes that put our module into a service.
///
/// # Errors
/// Why they can't be made, with file or program.
pub(super) fn to_enable(target: Target, with_key: bool) -> Result<Vec<Change>, String> {
    let first = if with_key {
        First::Key
    } else {
        First::Password
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
        Target::All => profile(),
    }
}

/// The changes that take our module out of a service; none when it is not in.
///
/// # Errors
/// A file can't be read, or somebody edited our lines and nothing was kept.
pub(super) fn to_disable(target: Target) -> Result<Vec<Change>, String> {
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
            Err(why) => super::pending::kept(target, &path)
                .ok_or_else(|| format!("{}: {why}", path.display()))?,
        };
        changes.push(Change {
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

/// Whether pam-auth-update has our profile in its files.
pub(super) fn profile_is_on() -> bool {
    doctor::factors(Path::new(PAM_DIR), "@include common-auth").is_ok_and(|found| found.has_ours)
}

/// Has pam-auth-update put our profile in or take it out.
///
/// # Errors
/// What it said.
pub(super) fn switch_profile(on: bool) -> Result<(), String> {
    let flag = if on { "--enable" } else { "--disable" };
    let output = Command::new("/usr/sbin/pam-auth-update")
        .args([flag, "authy"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .map_err(|error| format!("pam-auth-update: {error}"))?;
    if output.status.success() && profile_is_on() == on {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "pam-auth-update: {}",
        pam_authy::base::text::sanitize(said.trim())
    ))
}

pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn stack(name: &str, first: First) -> Result<Change, String> {
    let path = Path::new(PAM_DIR).join(name);
    let shown = path.display();
    if path.is_symlink() {
        return Err(format!(
            "{shown}: is a link; edit the file that it names by hand"
        ));
    }
    let old = read(&path)?.ok_or_else(|| format!("{shown}: there is no such stack"))?;
    let known = Knowledge {
        factors: &|line| doctor::factors(Path::new(PAM_DIR), line),
        is_sound: &|text| doctor::is_sound(Path::new(PAM_DIR), text),
    };
    let new = edit::enable(&old, first, &known).map_err(|why| format!("{shown}: {why}"))?;
    Ok(Change {
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

/// What pam-auth-update would make of common-auth, near enough to judge it.
fn profile() -> Result<Vec<Change>, String> {
    if Path::new("/usr/bin/authselect").exists() {
        return Err("authselect makes the stacks of this system: `authselect select authy`, see docs/sudo.md".to_owned());
    }
    if !Path::new(PROFILE).exists() {
        return Err(format!(
            "{PROFILE}: is missing; the package libpam-authy has it"
        ));
    }
    if profile_is_on() {
        return Err("pam_authy.so is in common-auth already".to_owned());
    }
    let old = read(Path::new(COMMON_AUTH))?;
    let new = old
        .clone()
        .map(|text| text + "auth\trequired\tpam_authy.so\n");
    Ok(vec![Change {
        path: COMMON_AUTH.into(),
        old,
        new,
    }])
}

/// The stacks and, where they change, sshd's settings as they would be, in a folder of their own.
pub(super) struct Candidate {
    folder: TempDir,
    pub(super) sshd_settings: Option<PathBuf>,
}

impl Candidate {
    pub(super) fn new(changes: &[Change]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for entry in fs::read_dir(PAM_DIR)?.flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
            }
        }
        let mut sshd_settings = None;
        for change in changes {
            let (Some(text), Some(name)) = (&change.new, change.path.file_name()) else {
                continue;
            };
            if change.path.starts_with(PAM_DIR) {
                fs::write(folder.path().join(name), text)?;
            } else {
                // A name that is no stack's. sshd takes the first word on a setting.
                let path = folder.path().join("sshd.conf");
                fs::write(&path, format!("{text}Include {}\n", sshd::CONFIG))?;
                sshd_settings = Some(path);
            }
        }
        Ok(Self {
            folder,
            sshd_settings,
        })
    }

    pub(super) fn pam_dir(&self) -> &Path {
        self.folder.path()
    }
}

/// Writes one file: a new one beside it, synced and renamed, with the owner and mode of the old one.
pub(super) fn write(path: &Path, text: Option<&str>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    match text {
        None => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        },
        Some(text) => {
            // libpam reads every file of its folder that is named like a service: this name is none.
            let mut new = tempfile::Builder::new()
                .prefix(".pam_authy.new-")
                .tempfile_in(folder)?;
            new.write_all(text.as_bytes())?;
            let mode = fs::metadata(path).map_or(0o644, |old| old.mode() & 0o7777);
            new.as_file()
                .set_permissions(Permissions::from_mode(mode))?;
            if let Ok(old) = fs::metadata(path) {
                chown(new.path(), Some(old.uid()), Some(old.gid()))?;
            }
            new.as_file().sync_all()?;
            new.persist(path).map_err(|error| error.error)?;
        }
    }
    File::open(folder)?.sync_all()
}
