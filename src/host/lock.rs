//! Exclusive file locks (flock(2)) that are waited for a limited time.
//!
//! The kernel frees a lock when its holder ends, however it ends. A holder that is stopped keeps
//! it, and anybody may stop their own sudo, so no lock is waited for without an end. Used by
//! `store::state`, by the writers of users.toml, and by `authyctl`.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use super::errno::describe;

/// The pause after the first try, and the longest one; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// Why there is no lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another process held it all the time.
    #[error("another process holds the lock")]
    Timeout,
    /// A system call failed.
    #[error("{}", describe(*.0))]
    Io(Errno),
}

/// Locks an opened file until the lock is dropped. Blocks for `patience` at most, and a pause of 8
/// ms; tries once even without patience.
///
/// # Errors
/// Another process held the lock all the time, or the file system has no locks.
pub fn acquire(mut file: File, patience: Duration) -> Result<Flock<File>, Error> {
    let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((unlocked, Errno::EWOULDBLOCK | Errno::EINTR)) => file = unlocked,
            Err((_, errno)) => return Err(Error::Io(errno)),
        }
        if start.elapsed() >= patience {
            return Err(Error::Timeout);
        }
        std::thread::sleep(pause);
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// [`acquire`] for the file at `path`, which is made with mode 0600 when it is missing and must not
/// be a link. The file stays: without it two processes could hold locks of two files with the same
/// name.
///
/// # Errors
/// As [`acquire`], and when the file cannot be opened or made.
pub fn acquire_at(path: &Path, patience: Duration) -> Result<Flock<File>, Error> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        // NFS locks exclusively only what is open for writing.
        .write(true)
        .mode(0o600)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits())
        .open(path)
        .map_err(|error| Error::Io(Errno::from_raw(error.raw_os_error().unwrap_or_default())))?;
    acquire(file, patience)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const SHORT: Duration = Duration::from_millis(40);

    #[test]
    fn a_held_lock_is_waited_for_and_then_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = acquire_at(&path, Duration::ZERO).unwrap();
        let start = Instant::now();
        assert_eq!(acquire_at(&path, SHORT).unwrap_err(), Error::Timeout);
        let took = start.elapsed();
        assert!((SHORT..SHORT * 20).contains(&took), "{took:?}");
        assert_eq!(
            acquire(File::open(&path).unwrap(), Duration::ZERO).unwrap_err(),
            Error::Timeout
        );
        drop(held);
        acquire_at(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_lock_that_is_freed_meanwhile_is_acquired() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = acquire_at(&path, Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| acquire_at(&path, Duration::from_secs(60)).map(drop));
            drop(held);
            assert_eq!(waiting.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn the_file_is_its_owners_alone_and_never_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        acquire_at(&path, Duration::ZERO).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        let refused = acquire_at(&link, Duration::ZERO).unwrap_err();
        assert_eq!(refused, Error::Io(Errno::ELOOP));
    }
}
