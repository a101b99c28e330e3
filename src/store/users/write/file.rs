//! The files of a mapping: its lock, the new file that replaces it, and its index.
//!
//! Everything except [`target`] and [`lock()`] is called under the lock.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::Flock;
use tempfile::NamedTempFile;

use super::super::index::{self, Stamp};
use super::super::{Error as MappingError, Mapping};
use super::Error;
use crate::host::lock;
use crate::host::trusted_file::{self, Access};

/// How long a writer waits for the lock.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a writer waits for the file system's clock, which may advance only once a second.
const TICK: Duration = Duration::from_millis(1100);
/// The start of a new file's name. One that a killed writer left is removed by the next writer.
const NEW_FILE_PREFIX: &str = ".users.toml.new-";

/// Writes the index of the mapping at `path`, which has the content `text`.
pub(super) fn write_index(
    path: &Path,
    folder: &Path,
    mapping: &Mapping,
    text: &str,
) -> Result<(), Error> {
    let at = index::path(path);
    let failed = |error| Error::Io {
        path: at.clone(),
        error,
    };
    let mut new = new_file(folder, b"").map_err(failed)?;
    let opened = trusted_file::open(path, Access::WorldReadable).map_err(MappingError::from)?;
    let before = opened.file.metadata().map_err(failed)?;
    // Times of files advance in ticks. A change in the same tick as the last one would not change
    // the stamp, so the text is compared only after that tick is over.
    let changed = (before.ctime(), before.ctime_nsec());
    wait_for_next_tick(changed, || clock(&mut new)).map_err(failed)?;
    let found = opened
        .read(trusted_file::MAPPING_LIMIT)
        .map_err(MappingError::from)?;
    let stamp = Stamp::of(&opened.file.metadata().map_err(failed)?);
    if found != text.as_bytes() || stamp != Stamp::of(&before) {
        return Err(failed(io::Error::other(
            "the mapping was changed meanwhile",
        )));
    }
    let bytes = index::encode(mapping, stamp)
        .ok_or_else(|| failed(io::Error::other("a name is too long for an index")))?;
    let new = new.rewind().and_then(|()| {
        new.as_file().set_len(0)?;
        new.write_all(&bytes)?;
        Ok(new)
    });
    replace(&at, new, path)
}

/// Waits until a file system's clock is past a time. Blocks for [`TICK`] at most.
fn wait_for_next_tick(
    time: (i64, i64),
    mut clock: impl FnMut() -> io::Result<(i64, i64)>,
) -> io::Result<()> {
    let start = Instant::now();
    while clock()? <= time {
        if start.elapsed() > TICK {
            return Err(io::Error::other("the file system's clock does not advance"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Returns the time of the file system that a new file is on, in seconds and nanoseconds.
fn clock(file: &mut NamedTempFile) -> io::Result<(i64, i64)> {
    file.write_all(b"?")?;
    let status = file.as_file().metadata()?;
    Ok((status.mtime(), status.mtime_nsec()))
}

/// Returns the path of the file itself: a link stays, and its target is replaced.
pub(super) fn target(path: &Path) -> Result<PathBuf, Error> {
    match trusted_file::resolve(path, Access::WorldReadable) {
        Ok(path) => Ok(path),
        Err(error) if error.is_missing() && path.symlink_metadata().is_err() => Ok(path.to_owned()),
        Err(error) => Err(MappingError::from(error).into()),
    }
}

/// Takes the writers' lock of a folder; other writers wait until it is dropped.
pub(super) fn lock(folder: &Path) -> Result<Flock<File>, Error> {
    let path = folder.join(".users.toml.lock");
    lock::acquire_at(&path, PATIENCE).map_err(|error| match error {
        lock::Error::Timeout => Error::Locked(path),
        lock::Error::Io(errno) => Error::Io {
            path,
            error: errno.into(),
        },
    })
}

/// Makes a new file with these bytes in the folder.
pub(super) fn new_file(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut new = tempfile::Builder::new()
        .prefix(NEW_FILE_PREFIX)
        .tempfile_in(folder)?;
    new.write_all(bytes)?;
    Ok(new)
}

/// Replaces the file at `path` by a new one, with the owner and the mode of the mapping if that
/// exists. The new file is on the disk when this returns: it is synced, renamed, and then its
/// folder is synced.
pub(super) fn replace(
    path: &Path,
    new: io::Result<NamedTempFile>,
    mapping: &Path,
) -> Result<(), Error> {
    let failed = |error| Error::Io {
        path: path.to_owned(),
        error,
    };
    let new = new.map_err(failed)?;
    let mode = match fs::metadata(mapping) {
        Ok(old) => {
            let own = new.as_file().metadata().map_err(failed)?;
            if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
                std::os::unix::fs::fchown(new.as_file(), Some(old.uid()), Some(old.gid()))
                    .map_err(failed)?;
            }
            old.mode() & 0o7777
        }
        Err(_) => 0o644,
    };
    new.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))
        .map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(path).map_err(|error| failed(error.error))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// Removes the new files that killed writers left; under the lock no other writer has one.
pub(super) fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(NEW_FILE_PREFIX)
        {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_with_the_next_tick_or_with_an_error() {
        let mut ticks = [(7, 4), (7, 5), (7, 5), (7, 6), (7, 7)].into_iter();
        wait_for_next_tick((7, 5), || Ok(ticks.next().unwrap())).unwrap();
        assert_eq!(ticks.next(), Some((7, 7)));
        assert!(wait_for_next_tick((7, 5), || Ok((7, 5))).is_err());
    }
}
