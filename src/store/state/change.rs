//! A change under a lock: the lock, the new file, and its name in the place of the old one.

use std::fs::File;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::{Durability, Error, FileChange, Folder, Kind, LOCK, NEW, PATIENCE, io_error, write};
use crate::host::lock;

impl Folder {
    pub(super) fn change<T>(
        &self,
        name: &str,
        durability: Durability,
        change: impl FnOnce(Option<&[u8]>) -> (T, FileChange),
    ) -> Result<T, Error> {
        let path = self.file(name)?;
        let _lock = self.lock(name, &path)?;
        let (result, change) = change(self.read(name)?.as_deref());
        match change {
            FileChange::Keep => return Ok(result),
            FileChange::Write(bytes) => self.replace(name, &bytes, durability),
            FileChange::Remove => self.remove(name),
        }
        .and_then(|()| match durability {
            Durability::Now => fsync(&self.folder),
            Durability::Later => Ok(()),
        })
        .map_err(|errno| io_error(&path, errno))?;
        Ok(result)
    }

    /// Locks a file. The lock is a file of its own, since the other one is replaced, and is never
    /// removed: two processes could then hold locks of two files with the same name.
    fn lock(&self, name: &str, path: &Path) -> Result<Flock<File>, Error> {
        let lock = format!("{name}{LOCK}");
        let flags = OFlag::O_RDONLY | OFlag::O_CREAT;
        let file = File::from(self.open_file(&lock, flags, &self.path.join(&lock))?);
        lock::acquire(file, PATIENCE).map_err(|error| match error {
            lock::Error::Timeout => Error {
                path: path.to_owned(),
                kind: Kind::Locked,
            },
            lock::Error::Io(errno) => io_error(path, errno),
        })
    }

    /// Puts a new file in the place of the old one. Called under its lock, so one that is left half
    /// is a dead process's.
    fn replace(&self, name: &str, bytes: &[u8], durability: Durability) -> Result<(), Errno> {
        let new = format!("{name}{NEW}");
        self.remove(&new)?;
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let file = openat(&self.folder, new.as_str(), flags, mode)?;
        let written = fchmod(&file, mode).and_then(|()| write::all(file, bytes, durability));
        let renamed =
            written.and_then(|()| renameat(&self.folder, new.as_str(), &self.folder, name));
        if renamed.is_err() {
            // What cannot be taken away now is so by the next who writes.
            let _ = self.remove(&new);
        }
        renamed
    }

    /// Takes a file away; none is fine too.
    fn remove(&self, name: &str) -> Result<(), Errno> {
        match unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}
