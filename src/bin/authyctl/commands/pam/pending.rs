//! Changes that wait to be confirmed, in a folder that survives a reboot and does not depend on
//! config.toml.
//!
//! `SERVICE.pending` holds the time from which on the change of that service is overdue. The
//! process that waits, the next authyctl, or the package rolls an overdue change back.
//! `SERVICE.before` is a folder with the files as they were before the change.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::Flock;
use pam_authy::host::lock;
use pam_authy::host::trusted_file::{self, Access};

use crate::cli::Target;
use crate::error::CommandError;
use crate::replace_file::{NewFile, replace_file};

/// Not `paths.state`: a rollback must find the folder when config.toml is broken.
pub(super) const FOLDER: &str = "/var/lib/pam_authy/pam";
/// What a plain user can do.
const USE_SUDO: &str = "only root can change stacks: use sudo";
/// The end of the name of a mark for a file that did not exist before the change.
const ABSENT: &str = ".absent";
/// The largest size of a `.pending` file, in bytes.
const LIMIT: u64 = 4096;

/// Returns all targets with a pending change, as far as this user can see.
pub(super) fn targets() -> Vec<Target> {
    visible_targets().unwrap_or_default()
}

/// Like [`targets`].
///
/// # Errors
/// The folder is closed to this user.
pub(super) fn visible_targets() -> Result<Vec<Target>, CommandError> {
    let entries = match fs::read_dir(FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(CommandError::local(format!("{FOLDER}: {error}")).hint(USE_SUDO));
        }
        entries => entries.into_iter().flatten().flatten(),
    };
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names
        .filter_map(|name| name.strip_suffix(".pending")?.parse().ok())
        .collect())
}

fn file(target: &Target) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.pending", target.name()))
}

fn backup_folder(target: &Target) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.before", target.name()))
}

/// Returns the services with a stack that was saved before the change of a target.
pub(super) fn saved_stacks(target: &Target) -> Vec<String> {
    let entries = fs::read_dir(backup_folder(target))
        .into_iter()
        .flatten()
        .flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .map(|name| name.strip_suffix(ABSENT).unwrap_or(&name).to_owned())
        .collect()
}

/// Takes the lock for changing stacks; blocks while another process has it.
///
/// # Errors
/// The folder or the file of the lock cannot be created.
pub(super) fn lock() -> Result<Flock<File>, CommandError> {
    locked().map_err(|error| {
        let failed = CommandError::local(format!("{FOLDER}: {error}"));
        match error.kind() {
            io::ErrorKind::PermissionDenied => failed.hint(USE_SUDO),
            _ => failed,
        }
    })
}

fn locked() -> io::Result<Flock<File>> {
    create_folder(Path::new(FOLDER))?;
    let path = Path::new(FOLDER).join("lock");
    lock::acquire_at(&path, Duration::MAX).map_err(|error| match error {
        lock::Error::Timeout => io::ErrorKind::TimedOut.into(),
        lock::Error::Io(errno) => errno.into(),
    })
}

fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Records that the change of a service is overdue after `seconds`. The caller holds the lock.
pub(super) fn begin(target: &Target, seconds: u32) -> io::Result<()> {
    let due = now() + Duration::from_secs(seconds.into());
    let new = NewFile {
        prefix: ".pending.new-",
        mode: 0o600,
        owner: None,
    };
    let text = format!("{}\n", due.as_secs());
    replace_file(&file(target), text.as_bytes(), &new)
}

/// Removes the record: the change is confirmed, or rolled back.
pub(super) fn end(target: &Target) -> io::Result<()> {
    match fs::remove_file(file(target)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A change that waits to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PendingChange {
    /// The time from which on it is overdue, in seconds since 1970. It also identifies the change.
    pub(super) due: u64,
    /// How long until then; zero when it is overdue.
    pub(super) left: Duration,
}

impl PendingChange {
    pub(super) fn is_overdue(self) -> bool {
        self.left.is_zero()
    }
}

/// Returns the pending change of a service. A file without a usable time counts as overdue, since a
/// rollback is the safe choice.
pub(super) fn find(target: &Target) -> Option<PendingChange> {
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

/// Makes a backup of a file before the change, or leaves a mark where the file does not exist yet.
pub(super) fn back_up(target: &Target, path: &Path) -> io::Result<()> {
    let folder = backup_folder(target);
    create_folder(&folder)?;
    let Some(name) = path.file_name() else {
        return Ok(());
    };
    if !path.exists() {
        let mark = format!("{}{ABSENT}", name.to_string_lossy());
        return File::create(folder.join(mark)).map(drop);
    }
    let copy = folder.join(name);
    fs::copy(path, &copy)?;
    File::open(&copy)?.sync_all()
}

/// Returns the content of the backup of a file, where there is one.
pub(super) fn backup(target: &Target, path: &Path) -> Option<Vec<u8>> {
    let copy = backup_folder(target).join(path.file_name()?);
    trusted_file::read(&copy, Access::WorldReadable, trusted_file::LIMIT).ok()
}

/// Removes the backups of a service whose change is undone.
pub(super) fn forget_backups(target: &Target) -> io::Result<()> {
    match fs::remove_dir_all(backup_folder(target)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
