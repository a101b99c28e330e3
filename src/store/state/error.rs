//! Why the state was not read or changed. The kinds differ in what the caller does next.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::geteuid;

use crate::host::errno::describe;
use crate::host::trusted_file;

/// Why the state was not read or changed: `PATH: why`.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct Error {
    pub(super) path: PathBuf,
    pub(super) kind: ErrorKind,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ErrorKind {
    #[error("{}", describe(*.0))]
    Io(Errno),
    /// A part of the path to the folder.
    #[error("{}", .0.why())]
    Path(trusted_file::Error),
    #[error("belongs to uid {0}, which is not trusted")]
    Owner(u32),
    #[error("group or others have access (mode {0:04o})")]
    Accessible(u32),
    #[error("is not a {0}")]
    NotA(&'static str),
    #[error("is too large")]
    TooLarge,
    #[error("another process holds its lock")]
    Locked,
    #[error("{0}")]
    Unreadable(Unreadable),
    #[error("not a valid name for a state file")]
    BadName,
}

/// Why the content of a file is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No version writes this.
    #[error("is damaged")]
    Corrupt,
    /// A newer version wrote it.
    #[error("was written by a newer version of pam_authy (format {0})")]
    Newer(u64),
}

impl Error {
    /// The file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing can be written there: the disk is full or read-only, or this process is not
    /// root and lacks the permission.
    #[must_use]
    pub fn is_disk(&self) -> bool {
        use Errno::{EACCES, EDQUOT, ENOSPC, EPERM, EROFS};
        match self.errno() {
            Some(ENOSPC | EDQUOT | EROFS) => true,
            Some(EACCES | EPERM) => !geteuid().is_root(),
            _ => false,
        }
    }

    /// Whether this process lacks a resource: descriptors, memory or file size.
    #[must_use]
    pub fn is_process(&self) -> bool {
        use Errno::{EFBIG, EMFILE, ENFILE, ENOMEM};
        matches!(self.errno(), Some(EFBIG | EMFILE | ENFILE | ENOMEM))
    }

    /// Whether the content cannot be used: it is damaged or of a newer version.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreadable(_) | ErrorKind::TooLarge)
    }

    pub(super) fn errno(&self) -> Option<Errno> {
        match &self.kind {
            ErrorKind::Io(errno) => Some(*errno),
            ErrorKind::Path(error) => error.errno(),
            _ => None,
        }
    }
}

/// Why something in the state was not read or changed, for callers that do not handle [`Error`].
/// The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The disk is full or read-only.
    Disk(String),
    /// The process lacks a resource: descriptors, memory or file size.
    Process(String),
    /// The file is corrupt, from a newer version, wrongly owned, or locked for too long.
    State(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        if error.is_disk() {
            Self::Disk(text)
        } else if error.is_process() {
            Self::Process(text)
        } else {
            Self::State(text)
        }
    }
}
