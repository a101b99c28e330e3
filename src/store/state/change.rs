//! A change of a state file: takes the lock, writes a new file, and renames it over the old one.
//!
//! With [`Durability::Machine`] the new file and then the folder are synced, in that order, before
//! the change returns (tests/durability.rs).

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::{
    Durability, Error, ErrorKind, FileChange, Folder, LOCK_SUFFIX, NEW_SUFFIX, io_error, write,
};
use crate::host::lock;

impl Folder {
    pub(super) fn change<T>(
        &self,
        name: &str,
        durability: Durability,
        change: impl FnOnce(Option<&[u8]>) -> (T, FileChange),
    ) -> Result<T, Error> {
        let path = self.path_of(name)?;
        let _lock = self.lock(name, &path)?;
        let (result, change) = change(self.read(name)?.as_deref());
        match change {
            FileChange::Keep => return Ok(result),
            FileChange::Write(bytes) => self.replace(name, &bytes, durability),
            FileChange::Remove => self.remove(name),
        }
        .and_then(|()| match durability {
            Durability::Machine => fsync(&self.folder),
            Durability::Process => Ok(()),
        })
        .map_err(|errno| io_error(&path, errno))?;
        Ok(result)
    }

    /// Checks that a file could be replaced by one of this many bytes, without a change. Blocks as
    /// [`Folder::update`] does.
    ///
    /// # Errors
    /// It could not.
    pub fn check_writable(&self, name: &str, bytes: usize) -> Result<(), Error> {
        let path = self.path_of(name)?;
        let _lock = self.lock(name, &path)?;
        let new = format!("{name}{NEW_SUFFIX}");
        let written = (self.remove(&new))
            .and_then(|()| self.create(&new))
            .and_then(|file| write::all(file, &vec![0; bytes], Durability::Process));
        let removed = self.remove(&new);
        written.and(removed).map_err(|errno| io_error(&path, errno))
    }

    /// Locks a file. The lock is a file of its own, since the other one is replaced, and is never
    /// removed: two processes could then hold locks of two files with the same name.
    fn lock(&self, name: &str, path: &Path) -> Result<Flock<File>, Error> {
        let lock = format!("{name}{LOCK_SUFFIX}");
        let flags = OFlag::O_RDONLY | OFlag::O_CREAT;
        let file = File::from(self.open_file(&lock, flags, &self.path.join(&lock))?);
        lock::acquire(file, self.patience).map_err(|error| match error {
            lock::Error::Timeout => Error {
                path: path.to_owned(),
                kind: ErrorKind::Locked,
            },
            lock::Error::Io(errno) => io_error(path, errno),
        })
    }

    /// Replaces the file by a new one. Called under its lock, so an incomplete file that exists
    /// already was left by a process that is gone.
    fn replace(&self, name: &str, bytes: &[u8], durability: Durability) -> Result<(), Errno> {
        let new = format!("{name}{NEW_SUFFIX}");
        self.remove(&new)?;
        let file = self.create(&new)?;
        let written = write::all(file, bytes, durability);
        let renamed =
            written.and_then(|()| renameat(&self.folder, new.as_str(), &self.folder, name));
        if renamed.is_err() {
            // If this fails too, the next writer removes it.
            let _ = self.remove(&new);
        }
        renamed
    }

    /// Makes a file that does not exist, for its owner alone.
    fn create(&self, name: &str) -> Result<OwnedFd, Errno> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let file = openat(&self.folder, name, flags, mode)?;
        // The umask is the caller's.
        fchmod(&file, mode)?;
        Ok(file)
    }

    /// Removes a file; it may be missing.
    fn remove(&self, name: &str) -> Result<(), Errno> {
        match unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}
