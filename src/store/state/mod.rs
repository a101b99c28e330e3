//! The state folder: small files that outlive a login, and that only root can access.
//!
//! Many processes use it at once, and any of them may be stopped or killed. What a login must be
//! able to count is in files of words, which are changed in place without a lock ([`WordFile`]).
//! Any other file is changed under a lock of its own, which is waited for one second at most, and
//! by a new file that is renamed over the old one: a process that is killed leaves either the old
//! file or the new one, whole. Nothing is asked or requested while the lock is held. Used by
//! `limits`, `recovery` and `remember`.

mod change;
mod content;
mod error;
mod words;
mod write;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{Uid, fsync};

use crate::host::trusted_file::{self, LIMIT, MAPPING_LIMIT, ProcessIds};

pub use content::{decode, encode, file_name, hex};
use error::ErrorKind;
pub use error::{Error, Failure, Unreadable};
pub use words::{Format, MapWords, WordFile, Words};

/// How long a lock is waited for.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How long a login waits for a lock, which it only takes for what it can do without.
const LOGIN_PATIENCE: Duration = Duration::from_millis(300);

/// What is appended to a file's name for its lock, and for a new file that is not yet complete.
const LOCK_SUFFIX: &str = ".lock";
const NEW_SUFFIX: &str = ".new";

/// The apps that people have enrolled at the prompt (`store::totp::enrolled`), and their index. These
/// and the next two are the only files that are as large as a mapping.
pub const ENROLLED: &str = "enrolled.toml";
/// The index of [`ENROLLED`].
pub const ENROLLED_INDEX: &str = "enrolled.toml.index";
/// The people of a directory (`store::directory`), and their index.
pub const DIRECTORY: &str = "directory.toml";
/// The index of [`DIRECTORY`].
pub const DIRECTORY_INDEX: &str = "directory.toml.index";

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Leave it as it is.
    Keep,
    /// Replace its content.
    Write(Vec<u8>),
    /// Remove it.
    Remove,
}

/// What a change survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// The end of its process, at any moment; the disk has it when the kernel writes it.
    Process,
    /// A crash of the machine too: the change waits until the disk has it.
    Machine,
}

/// An opened folder of the state. It and every folder below have mode 0700 and a trusted owner, and
/// no folder above can be written by group or others.
#[derive(Debug)]
pub struct Folder {
    folder: OwnedFd,
    path: PathBuf,
    /// How long its locks are waited for.
    patience: Duration,
}

impl Folder {
    /// The folder, whose locks are waited for 300 ms only.
    #[must_use]
    pub fn for_login(self) -> Self {
        Self {
            patience: LOGIN_PATIENCE,
            ..self
        }
    }

    /// Opens the folder at `path`, which is made when it is missing and its parent exists.
    ///
    /// # Errors
    /// It cannot be trusted, opened or made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = trusted_file::folder(path, true).map_err(|error| path_error(path, error))?;
        Self::checked(folder, path.to_owned())
    }

    /// Opens the folder at `path` and from there each folder of `below` in turn; `None` when one of
    /// them does not exist.
    ///
    /// # Errors
    /// One of them cannot be trusted or opened.
    pub fn find(path: &Path, below: &[&str]) -> Result<Option<Self>, Error> {
        let mut folder = match trusted_file::folder(path, false) {
            Ok(folder) => Self::checked(folder, path.to_owned())?,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(path_error(path, error)),
        };
        for name in below {
            folder = match folder.find_sub(name)? {
                Some(folder) => folder,
                None => return Ok(None),
            };
        }
        Ok(Some(folder))
    }

    /// Opens a folder in this one; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be trusted or opened.
    pub fn find_sub(&self, name: &str) -> Result<Option<Self>, Error> {
        match self.open_sub(name) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(None),
            folder => folder.map(Some),
        }
    }

    /// Opens a folder in this one, which is made when it is missing.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn sub(&self, name: &str) -> Result<Self, Error> {
        let missing = match self.open_sub(name) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => error,
            folder => return folder,
        };
        let failed = |errno| io_error(&missing.path, errno);
        match mkdirat(&self.folder, name, Mode::S_IRWXU) {
            Ok(()) => {
                // What is written into it durably must not be lost with the folder's own name.
                fsync(&self.folder).map_err(failed)?;
                let made = self.open_sub(name)?;
                // The umask is the caller's.
                fchmod(&made.folder, Mode::S_IRWXU).map_err(failed)?;
                Ok(made)
            }
            Err(Errno::EEXIST) => self.open_sub(name),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn open_sub(&self, name: &str) -> Result<Self, Error> {
        let path = self.path_of(name)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.folder, name, flags, Mode::empty()) {
            Ok(folder) => Self::checked(folder, path),
            Err(Errno::ENOTDIR | Errno::ELOOP) => Err(Error {
                path,
                kind: ErrorKind::NotA("folder"),
            }),
            Err(errno) => Err(io_error(&path, errno)),
        }
    }

    /// Reads a file; `None` when there is none. Takes no lock, since a file is always complete.
    ///
    /// # Errors
    /// It cannot be trusted or read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path_of(name)?;
        let file = match self.open_file(name, OFlag::O_RDONLY, &path) {
            Ok(file) => file,
            Err(error) if error.errno() == Some(Errno::ENOENT) => return Ok(None),
            Err(error) => return Err(error),
        };
        let limit = if is_large(name) { MAPPING_LIMIT } else { LIMIT };
        let mut bytes = Vec::new();
        let read = File::from(file).take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| io_error(&path, errno(&error)))?;
        if bytes.len() as u64 > limit {
            return Err(Error {
                path,
                kind: ErrorKind::TooLarge,
            });
        }
        Ok(Some(bytes))
    }

    /// The names of its files, sorted, without locks and incomplete files.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let failed = |errno| io_error(&self.path, errno);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut folder = Dir::openat(&self.folder, ".", flags, Mode::empty()).map_err(failed)?;
        let mut names = Vec::new();
        for entry in folder.iter() {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_name(&name) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Returns an error for each file of the state's folder `below` that `read` cannot use.
    ///
    /// # Errors
    /// The folder cannot be trusted or read.
    pub fn faults<T>(
        state: &Path,
        below: &str,
        read: impl Fn(Option<&[u8]>) -> Result<T, Unreadable>,
    ) -> Result<Vec<Error>, Error> {
        let Some(folder) = Self::find(state, &[below])? else {
            return Ok(Vec::new());
        };
        let fault = |name: String| match folder.read(&name) {
            Ok(bytes) => read(bytes.as_deref())
                .err()
                .map(|why| folder.unreadable(&name, why)),
            Err(error) => Some(error),
        };
        Ok(folder.names()?.into_iter().filter_map(fault).collect())
    }

    /// Changes the file under its lock: `change` gets the content (`None`: there is no file) and
    /// decides what is done with it. Blocks for one second at most while another process holds the
    /// lock; `change` must not block. A process that is killed meanwhile leaves the old file or the
    /// new one; after a crash of the machine the file may have either content, or none.
    ///
    /// # Errors
    /// The file is as it was.
    pub fn update<T>(
        &self,
        name: &str,
        change: impl FnOnce(Option<&[u8]>) -> (T, FileChange),
    ) -> Result<T, Error> {
        self.change(name, Durability::Process, change)
    }

    /// Like [`Folder::update`], but returns only once the change is on the disk.
    ///
    /// # Errors
    /// The file is as it was, or it is changed but perhaps not on the disk.
    pub fn update_durably<T>(
        &self,
        name: &str,
        change: impl FnOnce(Option<&[u8]>) -> (T, FileChange),
    ) -> Result<T, Error> {
        self.change(name, Durability::Machine, change)
    }

    /// The error for a file whose content cannot be used.
    #[must_use]
    pub fn unreadable(&self, name: &str, why: Unreadable) -> Error {
        Error {
            path: self.path.join(name),
            kind: ErrorKind::Unreadable(why),
        }
    }

    /// The error for a file that could not be read or written.
    #[must_use]
    pub fn failed(&self, name: &str, error: &std::io::Error) -> Error {
        io_error(&self.path.join(name), errno(error))
    }

    /// Opens a regular file with a trusted owner that is not accessible to group or others. Never
    /// blocks on a FIFO or a device.
    fn open_file(&self, name: &str, flags: OFlag, path: &Path) -> Result<OwnedFd, Error> {
        let failed = |kind| Error {
            path: path.to_owned(),
            kind,
        };
        let flags =
            flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let file = match openat(&self.folder, name, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Err(Errno::ELOOP | Errno::ENXIO) => {
                return Err(failed(ErrorKind::NotA("regular file")));
            }
            file => file.map_err(|errno| failed(ErrorKind::Io(errno)))?,
        };
        check(&file, SFlag::S_IFREG).map_err(failed)?;
        Ok(file)
    }

    fn checked(folder: OwnedFd, path: PathBuf) -> Result<Self, Error> {
        match check(&folder, SFlag::S_IFDIR) {
            Ok(()) => Ok(Self {
                folder,
                path,
                patience: PATIENCE,
            }),
            Err(kind) => Err(Error { path, kind }),
        }
    }

    /// The path of a file, if its name is valid.
    fn path_of(&self, name: &str) -> Result<PathBuf, Error> {
        if is_name(name) {
            return Ok(self.path.join(name));
        }
        Err(Error {
            path: self.path.clone(),
            kind: ErrorKind::BadName,
        })
    }
}

/// Checks an opened file's type, owner and mode.
fn check(file: &OwnedFd, file_type: SFlag) -> Result<(), ErrorKind> {
    let status = fstat(file).map_err(ErrorKind::Io)?;
    let mode = status.st_mode & 0o7777;
    if SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits()) != file_type {
        return Err(ErrorKind::NotA("regular file"));
    }
    if !ProcessIds::own().trusts(Uid::from_raw(status.st_uid)) {
        return Err(ErrorKind::Owner(status.st_uid));
    }
    if mode & 0o077 != 0 {
        return Err(ErrorKind::Accessible(mode));
    }
    Ok(())
}

/// Whether a file may be as large as a mapping.
fn is_large(name: &str) -> bool {
    [ENROLLED, ENROLLED_INDEX, DIRECTORY, DIRECTORY_INDEX].contains(&name)
}

/// Whether this can be the name of a file: lower-case letters, digits and dashes, so that it is
/// never `..`, a lock or an incomplete file; or one of those that are large.
fn is_name(name: &str) -> bool {
    if is_large(name) {
        return true;
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=128).contains(&name.len()) && name.bytes().all(plain)
}

fn path_error(path: &Path, error: trusted_file::Error) -> Error {
    Error {
        path: path.to_owned(),
        kind: ErrorKind::Path(error),
    }
}

fn io_error(path: &Path, errno: Errno) -> Error {
    Error {
        path: path.to_owned(),
        kind: ErrorKind::Io(errno),
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod test_words;
#[cfg(test)]
mod tests;
