//! Changes that wait to be confirmed, in a place that a reboot and a broken config.toml leave alone.
//!
//! One file for each changed service, `SERVICE.pending`, holds the second from which on the change is
//! overdue. Whoever finds it overdue puts the change back: the process that waits for it, the next
//! authyctl, or the package. Beside it lie the files as they were, in `SERVICE.before`.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{Flock, FlockArg};
use pam_authy::host::trusted_file::{self, Access};

use crate::cli::Target;
use crate::error::CommandError;
use crate::replace_file::{NewFile, replace_file};

/// Not `paths.state`: the way back must be found when config.toml is broken.
const FOLDER: &str = "/var/lib/pam_authy/pam";
/// The largest of these files, in bytes.
const LIMIT: u64 = 4096;

/// All that may be pending.
pub(super) const TARGETS: [Target; 3] = [Target::Sshd, Target::Sudo, Target::All];

/// The name of a target in files and messages.
pub(super) fn name(target: Target) -> &'static str {
    match target {
        Target::Sshd => "sshd",
        Target::Sudo => "sudo",
        Target::All => "all",
    }
}

fn file(target: Target) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.pending", name(target)))
}

fn backup_folder(target: Target) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.before", name(target)))
}

/// Keeps others from changing stacks at the same time; blocks until they are done.
pub(super) fn lock() -> Result<Flock<File>, CommandError> {
    locked().map_err(|error| {
        let failed = CommandError::local(format!("{FOLDER}: {error}"));
        match error.kind() {
            io::ErrorKind::PermissionDenied => failed.hint("stacks are root's to change: sudo"),
            _ => failed,
        }
    })
}

fn locked() -> io::Result<Flock<File>> {
    make(Path::new(FOLDER))?;
    let file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(Path::new(FOLDER).join("lock"))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Lets a change wait to be confirmed.
pub(super) fn begin(target: Target, seconds: u32) -> io::Result<()> {
    let due = now() + Duration::from_secs(seconds.into());
    let new = NewFile {
        prefix: ".pending.new-",
        mode: 0o600,
        owner: None,
    };
    let text = format!("{}\n", due.as_secs());
    replace_file(&file(target), text.as_bytes(), &new)
}

/// The change is confirmed, or put back.
pub(super) fn end(target: Target) -> io::Result<()> {
    match fs::remove_file(file(target)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A change that waits to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PendingChange {
    /// The second since 1970 from which on it is overdue; tells one change from the next.
    pub(super) due: u64,
    /// How long until then; zero when it is overdue.
    pub(super) left: Duration,
}

/// The change of a service that waits, if one does. A file that says nothing usable counts as overdue:
/// going back is the safe side.
pub(super) fn find(target: Target) -> Option<PendingChange> {
    let path = file(target);
    path.symlink_metadata().ok()?;
    let text = trusted_file::read(&path, Access::OwnerOnly, LIMIT).unwrap_or_default();
    let due = String::from_utf8_lossy(&text).trim().parse().unwrap_or(0);
    let left = Duration::from_secs(due).saturating_sub(now());
    Some(PendingChange { due, left })
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Keeps a file as it was before the change.
pub(super) fn keep(target: Target, path: &Path) -> io::Result<()> {
    let folder = backup_folder(target);
    make(&folder)?;
    if let Some(name) = path.file_name()
        && path.exists()
    {
        let copy = folder.join(name);
        fs::copy(path, &copy)?;
        File::open(&copy)?.sync_all()?;
    }
    Ok(())
}

/// The file as it was, where it was kept.
pub(super) fn kept(target: Target, path: &Path) -> Option<String> {
    let copy = backup_folder(target).join(path.file_name()?);
    let bytes = trusted_file::read(&copy, Access::WorldReadable, trusted_file::LIMIT).ok()?;
    String::from_utf8(bytes).ok()
}

/// Nothing is changed any more: what was kept is of no use.
pub(super) fn forget(target: Target) -> io::Result<()> {
    match fs::remove_dir_all(backup_folder(target)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
