//! Changes a TOML file that `authyctl` and people edit: users.toml and totp.toml.
//!
//! Takes the writers' lock of the folder, writes a new file beside the old one, syncs and renames
//! it, and syncs the folder. A reader finds the old file or the new one, whole, and a writer that
//! is killed leaves one of the two. Comments, order, line ends (toml_edit), owner and mode stay.
//! Called by `users::write` and `totp::write`, and so by `authyctl` alone: a login writes neither
//! file.

mod index;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::Flock;
use tempfile::NamedTempFile;
use toml_edit::{DocumentMut, Item, Table};
use zeroize::Zeroizing;

use crate::host::lock;
use crate::host::toml_file;
use crate::host::trusted_file::{self, Access};

/// What a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The file is changed.
    Change,
    /// The outcome alone: no lock is taken, and nothing can be written.
    Preview,
}

/// How long a writer waits for the lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The present file cannot be used.
    #[error(transparent)]
    Present(#[from] toml_file::Error),
    /// Another writer held the lock for too long.
    #[error("{}: another writer holds the lock", .0.display())]
    Locked(PathBuf),
    /// A system call failed.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was being written.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
}

impl Error {
    /// A failed write of the file at `path`.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}

impl From<trusted_file::Error> for Error {
    fn from(error: trusted_file::Error) -> Self {
        Self::Present(error.into())
    }
}

/// A kind of file: what all files of this kind have in common.
#[derive(Debug)]
pub(super) struct TomlFile {
    /// Who may have access to it.
    pub(super) access: Access,
    /// The mode of a new one.
    pub(super) mode: u32,
    /// The name of the lock in its folder.
    pub(super) lock: &'static str,
    /// The start of a new file's name. One that a killed writer left is removed by the next writer.
    pub(super) new: &'static str,
    /// The content of a new one: the table, and a comment before it.
    pub(super) header: &'static str,
    /// The only table.
    pub(super) table: &'static str,
}

/// A file that was opened for a change.
pub(super) struct Editing<'a> {
    file: &'a TomlFile,
    /// The path of the file itself, with every link resolved.
    pub(super) path: PathBuf,
    /// The folder of the file.
    pub(super) folder: PathBuf,
    /// The present text, or that of a new file.
    pub(super) text: Zeroizing<String>,
    /// Nothing is written without it.
    lock: Option<Flock<File>>,
}

/// What was written.
pub(super) struct Written<C> {
    /// What the check returned.
    pub(super) checked: C,
    /// The new text.
    pub(super) text: Zeroizing<String>,
}

impl TomlFile {
    /// Takes the lock, but for a preview, and reads the file at `path`; a missing one has the
    /// header. Blocks for 30 seconds at most while another process writes.
    ///
    /// # Errors
    /// It cannot be locked, trusted or read.
    pub(super) fn edit(&self, path: &Path, purpose: Purpose) -> Result<Editing<'_>, Error> {
        self.open(path, purpose, |error| {
            let is_missing = error.is_missing();
            is_missing.then(|| self.header.to_owned()).ok_or(error)
        })
    }

    /// Like [`TomlFile::edit`], for a file that exists.
    ///
    /// # Errors
    /// As for [`TomlFile::edit`], or the file is missing.
    pub(super) fn lock_present(&self, path: &Path) -> Result<Editing<'_>, Error> {
        self.open(path, Purpose::Change, Err)
    }

    fn open(
        &self,
        path: &Path,
        purpose: Purpose,
        or_else: impl FnOnce(toml_file::Error) -> Result<String, toml_file::Error>,
    ) -> Result<Editing<'_>, Error> {
        let path = self.target(path)?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let lock = match purpose {
            Purpose::Change => Some(self.lock(&folder)?),
            Purpose::Preview => None,
        };
        let text = toml_file::read(&path, self.access, trusted_file::MAPPING_LIMIT);
        Ok(Editing {
            file: self,
            text: Zeroizing::new(text.or_else(or_else)?),
            path,
            folder,
            lock,
        })
    }

    /// Returns the path of the file itself: a link stays, and its target is replaced.
    fn target(&self, path: &Path) -> Result<PathBuf, Error> {
        match trusted_file::resolve(path, self.access) {
            Ok(path) => Ok(path),
            Err(error) if error.is_missing() && path.symlink_metadata().is_err() => {
                Ok(path.to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the writers' lock of a folder; other writers wait until it is dropped.
    fn lock(&self, folder: &Path) -> Result<Flock<File>, Error> {
        let path = folder.join(self.lock);
        lock::acquire_at(&path, PATIENCE).map_err(|error| match error {
            lock::Error::Timeout => Error::Locked(path),
            lock::Error::Io(errno) => Error::Io {
                path,
                error: errno.into(),
            },
        })
    }

    /// Makes a new file with these bytes in the folder.
    pub(super) fn new_file(&self, folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut new = tempfile::Builder::new()
            .prefix(self.new)
            .tempfile_in(folder)?;
        new.write_all(bytes)?;
        Ok(new)
    }

    /// Replaces the file at `path` by a new one, with the owner and the mode of the file `like` if
    /// that exists. The new file is on the disk when this returns: it is synced, renamed, and then
    /// its folder is synced.
    pub(super) fn replace(
        &self,
        path: &Path,
        new: io::Result<NamedTempFile>,
        like: &Path,
    ) -> Result<(), Error> {
        let failed = Error::io(path);
        let new = new.map_err(&failed)?;
        let mode = match fs::metadata(like) {
            Ok(old) => {
                let own = new.as_file().metadata().map_err(&failed)?;
                if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
                    std::os::unix::fs::fchown(new.as_file(), Some(old.uid()), Some(old.gid()))
                        .map_err(&failed)?;
                }
                old.mode() & 0o7777
            }
            Err(_) => self.mode,
        };
        new.as_file()
            .set_permissions(fs::Permissions::from_mode(mode))
            .map_err(&failed)?;
        new.as_file().sync_all().map_err(&failed)?;
        new.persist(path).map_err(|error| failed(error.error))?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(&failed)
    }
}

impl Editing<'_> {
    /// Changes the table by `change`, which returns its result and whether there is something to
    /// write. The new text must be valid for `check`: a file that is not valid would
    /// lock users out. Nothing is checked or written where nothing changed, and in a preview.
    ///
    /// # Errors
    /// The file is as it was.
    pub(super) fn change<T, C, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Table) -> Result<(T, bool), E>,
        check: impl FnOnce(&str, &Path) -> Result<C, toml_file::Error>,
    ) -> Result<(T, Option<Written<C>>), E> {
        let failed = |message: String| Error::io(&self.path)(io::Error::other(message));
        let mut document: DocumentMut = self
            .text
            .parse()
            .map_err(|_| failed("not TOML".to_owned()))?;
        let name = self.file.table;
        let table = document
            .entry(name)
            .or_insert_with(|| Item::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| failed(format!("write [{name}] on a line of its own")))?;
        let (result, is_changed) = change(table)?;
        if !is_changed || self.lock.is_none() {
            return Ok((result, None));
        }
        let new = Zeroizing::new(document.to_string());
        let new = Zeroizing::new(line_ends(&self.text, &new));
        let checked = check(&new, &self.path).map_err(Error::from)?;
        check_size(new.len()).map_err(failed)?;
        self.remove_leftovers();
        let file = self.file.new_file(&self.folder, new.as_bytes());
        self.file.replace(&self.path, file, &self.path)?;
        Ok((result, Some(Written { checked, text: new })))
    }

    /// Removes the new files that killed writers left; under the lock no other writer has one.
    pub(super) fn remove_leftovers(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(self.file.new)
            {
                // A file that cannot be removed does no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Refuses a text that no login would read.
fn check_size(bytes: usize) -> Result<(), String> {
    let limit = trusted_file::MAPPING_LIMIT;
    if bytes as u64 > limit {
        return Err(format!("it would be larger than {limit} bytes"));
    }
    Ok(())
}

/// Keeps the line ends of a file that has `\r\n`; toml_edit writes `\n`.
fn line_ends(old: &str, new: &str) -> String {
    let unix = new.replace("\r\n", "\n");
    if old.contains("\r\n") {
        unix.replace('\n', "\r\n")
    } else {
        unix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_no_login_would_read_is_not_written() {
        assert_eq!(check_size(256 << 20), Ok(()));
        let refused = check_size((256 << 20) + 1);
        assert_eq!(
            refused,
            Err("it would be larger than 268435456 bytes".to_owned())
        );
    }
}
