//! Opens a file only when its owner, its mode and every folder above it can be trusted.
//!
//! The module runs as root for a hostile caller, so what it reads must be something that only root
//! could have written. `path_walk` opens and checks each part of the path. Used for config.toml,
//! users.toml and its index, the key file, the CA file, the state folder and by `authyctl`; no
//! option relaxes any of it.

mod owner;
mod path_walk;

use std::fs::File;
use std::io::Read;
#[cfg(feature = "engine")]
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

pub(crate) use owner::ProcessIds;
use path_walk::PathWalk;

use super::errno::describe;

/// The largest file that is read, in bytes.
pub const LIMIT: u64 = 4 * 1024 * 1024;
/// The largest users.toml and totp.toml that are read, in bytes.
pub const MAPPING_LIMIT: u64 = 256 * 1024 * 1024;

/// Who may have access to a file besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No bit for group or others: the file has a secret.
    OwnerOnly,
    /// Not writable by group or others: the file has no secret.
    WorldReadable,
}

/// Why a file is not opened or read: `PATH: why`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct Error {
    path: PathBuf,
    kind: ErrorKind,
}

#[derive(Debug, Clone, thiserror::Error)]
enum ErrorKind {
    #[error("{}", describe(*.0))]
    Io(Errno),
    #[error("not an absolute path")]
    Relative,
    #[error("too many links")]
    TooManyLinks,
    #[error("{0} belongs to uid {1}, which is not trusted")]
    Owner(PathPart, u32),
    #[error("{0} can be written by others (mode {1:04o})")]
    Writable(PathPart, u32),
    #[error("it contains a secret, and group or others have access (mode {0:04o})")]
    NotSecret(u32),
    #[error("not a regular file")]
    NotRegular,
    #[cfg(any(feature = "module", feature = "admin"))]
    #[error("no socket, or behind a link")]
    NotSocket,
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    #[error("was replaced while it was opened")]
    Replaced,
}

/// The part of the path that an error is about.
#[derive(Debug, Clone)]
enum PathPart {
    File,
    Folder(PathBuf),
    Link(PathBuf),
}

impl std::fmt::Display for PathPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File => f.write_str("it"),
            Self::Folder(path) => write!(f, "the folder {}", path.display()),
            Self::Link(path) => write!(f, "the link {}", path.display()),
        }
    }
}

impl Error {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.kind, ErrorKind::Io(Errno::ENOENT))
    }

    /// Whether this process lacked a descriptor or memory; the file itself may be fine.
    #[must_use]
    pub fn is_process_fault(&self) -> bool {
        use Errno::{EMFILE, ENFILE, ENOMEM};
        matches!(self.kind, ErrorKind::Io(EMFILE | ENFILE | ENOMEM))
    }

    /// The reason without the path.
    #[cfg(feature = "engine")]
    pub(crate) fn why(&self) -> impl std::fmt::Display {
        &self.kind
    }

    /// The errno, where a system call failed.
    #[cfg(feature = "engine")]
    pub(crate) fn errno(&self) -> Option<Errno> {
        match self.kind {
            ErrorKind::Io(errno) => Some(errno),
            _ => None,
        }
    }
}

/// A file that was opened for reading and found to be trusted.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: File,
    /// Its path with every link resolved.
    pub path: PathBuf,
    requested: PathBuf,
}

/// Opens the file at `path` for reading. Never blocks on a FIFO or a device.
///
/// # Errors
/// The file or something above it cannot be trusted, or cannot be opened.
pub fn open(path: &Path, access: Access) -> Result<Opened, Error> {
    open_as(path, access, ProcessIds::own())
}

/// [`open`] as a process with these ids would.
fn open_as(path: &Path, access: Access, ids: ProcessIds) -> Result<Opened, Error> {
    let in_file = |kind| Error {
        path: path.to_owned(),
        kind,
    };
    let mut walk = PathWalk::new(path, ids).map_err(in_file)?;
    let file = File::from(walk.walk_to_file(access).map_err(in_file)?);
    Ok(Opened {
        file,
        path: walk.here(),
        requested: path.to_owned(),
    })
}

impl Opened {
    /// Reads the rest of the file, `limit` bytes at most.
    ///
    /// # Errors
    /// The file cannot be read or is too large.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, Error> {
        // One more byte than there should be, so that its end is seen without a second buffer.
        let size = usize::try_from(self.size(limit)?).unwrap_or_default();
        let mut bytes = Vec::with_capacity(size.saturating_add(1));
        (&self.file)
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.failed(&error))?;
        // It may have grown meanwhile.
        if bytes.len() as u64 > limit {
            return Err(self.error(ErrorKind::TooLarge(limit)));
        }
        Ok(bytes)
    }

    /// Its size. A file that is too large is refused before any of it is in memory.
    fn size(&self, limit: u64) -> Result<u64, Error> {
        let status = self.file.metadata().map_err(|error| self.failed(&error))?;
        if status.len() > limit {
            return Err(self.error(ErrorKind::TooLarge(limit)));
        }
        Ok(status.len())
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        let errno = error.raw_os_error().unwrap_or_default();
        self.error(ErrorKind::Io(Errno::from_raw(errno)))
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error {
            path: self.requested.clone(),
            kind,
        }
    }
}

/// Reads the file at `path`, `limit` bytes at most. Never blocks on a FIFO or a device.
///
/// # Errors
/// The file or something above it cannot be trusted, cannot be read or is too large.
pub fn read(path: &Path, access: Access, limit: u64) -> Result<Vec<u8>, Error> {
    open(path, access)?.read(limit)
}

/// Returns the path of the file itself, with every link resolved, once all of them are trusted.
///
/// # Errors
/// As [`open`].
pub fn resolve(path: &Path, access: Access) -> Result<PathBuf, Error> {
    open(path, access).map(|opened| opened.path)
}

/// Opens the folder at `path`. It is checked like the folders above a file; with `make` its last
/// name is made with mode 0700 when it is missing.
///
/// # Errors
/// As [`open`].
#[cfg(feature = "engine")]
pub(crate) fn folder(path: &Path, make: bool) -> Result<OwnedFd, Error> {
    PathWalk::new(path, ProcessIds::own())
        .and_then(|mut walk| walk.walk_to_folder(make))
        .map_err(|kind| Error {
            path: path.to_owned(),
            kind,
        })
}

/// Checks that the socket at `path` has a trusted owner, and is in folders that are trusted like
/// those above a file.
///
/// # Errors
/// As [`open`].
#[cfg(any(feature = "module", feature = "admin"))]
pub fn socket(path: &Path) -> Result<(), Error> {
    PathWalk::new(path, ProcessIds::own())
        .and_then(|mut walk| walk.walk_to_socket())
        .map_err(|kind| Error {
            path: path.to_owned(),
            kind,
        })
}

#[cfg(test)]
mod tests;
