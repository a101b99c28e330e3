//! The state folder: small files that live across calls of the module, and that only root can touch.
//!
//! Many processes use it at once, and sudo's caller may stop or kill any of them. So a file is changed
//! under a lock of its own name that is waited for a second at most, and by a new file that is renamed
//! over the old: whoever is killed leaves one of the two, whole. No prompt and no request is made
//! while the lock is held. Used by `limits`, `recovery`, `remember`.

mod change;
mod content;
mod error;
mod write;

use std::ffi::OsStr;
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

use crate::host::trusted_file::{self, LIMIT, ProcessIds};

pub use content::{decode, encode, file_name, hex};
use error::Kind;
pub use error::{Error, Failure, Unreadable};

/// How long a lock is waited for.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// What stands behind the name of a file whose lock it is, and of one that is not yet whole.
const LOCK: &str = ".lock";
const NEW: &str = ".new";

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// It stays as it is.
    Keep,
    /// It holds this from now on.
    Write(Vec<u8>),
    /// It is taken away.
    Remove,
}

/// Whether a change waits until the disk has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Later,
    Now,
}

/// An opened folder of the state: owned by root (or by this process's own user, who is then not
/// another's), mode 0700, as is every folder below; nobody else can write one above.
#[derive(Debug)]
pub struct Folder {
    folder: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`, which is made when it is missing and the one above is there.
    ///
    /// # Errors
    /// It cannot be trusted, opened or made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = trusted_file::folder(path, true).map_err(|error| way_error(path, error))?;
        Self::checked(folder, path.to_owned())
    }

    /// Opens the folder at `path`, and below it one folder in the other; `None` when one is not there.
    ///
    /// # Errors
    /// One of them cannot be trusted or opened.
    pub fn find(path: &Path, below: &[&str]) -> Result<Option<Self>, Error> {
        let mut folder = match trusted_file::folder(path, false) {
            Ok(folder) => Self::checked(folder, path.to_owned())?,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(way_error(path, error)),
        };
        for name in below {
            folder = match folder.open_sub(name) {
                Err(error) if error.errno() == Some(Errno::ENOENT) => return Ok(None),
                folder => folder?,
            };
        }
        Ok(Some(folder))
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
        let path = self.file(name)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.folder, name, flags, Mode::empty()) {
            Ok(folder) => Self::checked(folder, path),
            Err(Errno::ENOTDIR | Errno::ELOOP) => Err(Error {
                path,
                kind: Kind::NotA("folder"),
            }),
            Err(errno) => Err(io_error(&path, errno)),
        }
    }

    /// The path by which it was opened, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds; `None` when there is none. Takes no lock, since a file is always whole.
    ///
    /// # Errors
    /// It cannot be trusted or read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.file(name)?;
        let file = match self.open_file(name, OFlag::O_RDONLY, &path) {
            Ok(file) => file,
            Err(error) if error.errno() == Some(Errno::ENOENT) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        let read = File::from(file).take(LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|error| io_error(&path, errno(&error)))?;
        if bytes.len() as u64 > LIMIT {
            return Err(Error {
                path,
                kind: Kind::TooLarge,
            });
        }
        Ok(Some(bytes))
    }

    /// The names of its files, sorted; locks and files that are not whole left out.
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

    /// The files of the folder named `below` in the state that `read` cannot use, each as an error.
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

    /// Changes the file under its lock: `change` gets what it holds (`None`: there is none) and says
    /// what becomes of it. Waits a second at most for others who hold the lock; `change` must neither
    /// wait nor ask anybody. Whoever is killed meanwhile leaves the old file or the new one.
    ///
    /// # Errors
    /// The file is as it was.
    pub fn update<T>(
        &self,
        name: &str,
        change: impl FnOnce(Option<&[u8]>) -> (T, FileChange),
    ) -> Result<T, Error> {
        self.change(name, Durability::Later, change)
    }

    /// [`Folder::update`], which comes back only when the disk has the change.
    ///
    /// # Errors
    /// The file is as it was, or changed and perhaps not on the disk.
    pub fn update_durably<T>(
        &self,
        name: &str,
        change: impl FnOnce(Option<&[u8]>) -> (T, FileChange),
    ) -> Result<T, Error> {
        self.change(name, Durability::Now, change)
    }

    /// The error that the content of a file is.
    #[must_use]
    pub fn unreadable(&self, name: &str, why: Unreadable) -> Error {
        Error {
            path: self.path.join(name),
            kind: Kind::Unreadable(why),
        }
    }

    /// Opens a regular file of a trusted owner that nobody else has access to; blocks on nothing.
    fn open_file(&self, name: &str, flags: OFlag, path: &Path) -> Result<OwnedFd, Error> {
        let failed = |kind| Error {
            path: path.to_owned(),
            kind,
        };
        let flags =
            flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let file = match openat(&self.folder, name, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Err(Errno::ELOOP | Errno::ENXIO) => return Err(failed(Kind::NotA("regular file"))),
            file => file.map_err(|errno| failed(Kind::Io(errno)))?,
        };
        check(&file, SFlag::S_IFREG).map_err(failed)?;
        Ok(file)
    }

    fn checked(folder: OwnedFd, path: PathBuf) -> Result<Self, Error> {
        match check(&folder, SFlag::S_IFDIR) {
            Ok(()) => Ok(Self { folder, path }),
            Err(kind) => Err(Error { path, kind }),
        }
    }

    /// The path of a file, where its name is one of ours.
    fn file(&self, name: &str) -> Result<PathBuf, Error> {
        if is_name(name) {
            return Ok(self.path.join(name));
        }
        Err(Error {
            path: self.path.clone(),
            kind: Kind::Name,
        })
    }
}

fn check(file: &OwnedFd, kind: SFlag) -> Result<(), Kind> {
    let status = fstat(file).map_err(Kind::Io)?;
    let mode = status.st_mode & 0o7777;
    if SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits()) != kind {
        return Err(Kind::NotA("regular file"));
    }
    if !ProcessIds::own().trusts(Uid::from_raw(status.st_uid)) {
        return Err(Kind::Owner(status.st_uid));
    }
    if mode & 0o077 != 0 {
        return Err(Kind::Open(mode));
    }
    Ok(())
}

/// Lower-case letters, digits, dashes: what our own names are made of.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=128).contains(&name.len()) && OsStr::new(name) != ".." && name.bytes().all(plain)
}

fn way_error(path: &Path, error: trusted_file::Error) -> Error {
    Error {
        path: path.to_owned(),
        kind: Kind::Path(error),
    }
}

fn io_error(path: &Path, errno: Errno) -> Error {
    Error {
        path: path.to_owned(),
        kind: Kind::Io(errno),
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

#[cfg(test)]
mod tests;
