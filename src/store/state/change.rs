//! A change under a lock: the lock, the new file, and its name in the place of the old one.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::{Durability, Error, FileChange, Folder, Kind, LOCK, NEW, PATIENCE, io_error, write};

/// How often a lock is tried, at first and later on.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(8);

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

    /// Holds the lock of a file. The lock is a file of its own, since the other one is replaced, and
    /// stays for good: two processes could else hold two locks of one name.
    fn lock(&self, name: &str, path: &Path) -> Result<Flock<File>, Error> {
        let lock = format!("{name}{LOCK}");
        let flags = OFlag::O_RDONLY | OFlag::O_CREAT;
        let mut file = File::from(self.open_file(&lock, flags, &self.path.join(&lock))?);
        let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(lock),
                Err((unlocked, Errno::EWOULDBLOCK | Errno::EINTR)) => file = unlocked,
                Err((_, errno)) => return Err(io_error(path, errno)),
            }
            if start.elapsed() >= PATIENCE {
                return Err(Error {
                    path: path.to_owned(),
                    kind: Kind::Locked,
                });
            }
            std::thread::sleep(pause);
            pause = LAST_PAUSE.min(pause * 2);
        }
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
