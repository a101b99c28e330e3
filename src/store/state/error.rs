//! Why the state was not used, told apart by what follows from it.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::geteuid;

use crate::host::trusted_file::{self, LIMIT};

/// Why the state was not read or changed: `PATH: why`.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct Error {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Kind {
    #[error("{}", .0.desc())]
    Io(Errno),
    /// Something on the way to the folder.
    #[error("{}", .0.why())]
    Path(trusted_file::Error),
    #[error("belongs to uid {0}, which is not trusted")]
    Owner(u32),
    #[error("group or others have access (mode {0:04o})")]
    Open(u32),
    #[error("is not a {0}")]
    NotA(&'static str),
    #[error("larger than {LIMIT} bytes")]
    TooLarge,
    #[error("another process has held its lock for more than a second")]
    Locked,
    #[error("{0}")]
    Unreadable(Unreadable),
    #[error("no name for a file of the state")]
    Name,
}

/// Why the content of a file is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not what any version writes.
    #[error("is damaged")]
    Corrupt,
    /// Written by a version that knows more.
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
    /// root's and may not.
    #[must_use]
    pub fn is_disk(&self) -> bool {
        use Errno::{EACCES, EDQUOT, ENOSPC, EPERM, EROFS};
        match self.errno() {
            Some(ENOSPC | EDQUOT | EROFS) => true,
            Some(EACCES | EPERM) => !geteuid().is_root(),
            _ => false,
        }
    }

    /// Whether a limit of this process's own caller is in the way.
    #[must_use]
    pub fn is_process(&self) -> bool {
        use Errno::{EFBIG, EMFILE, ENFILE, ENOMEM};
        matches!(self.errno(), Some(EFBIG | EMFILE | ENFILE | ENOMEM))
    }

    /// Whether somebody held the lock for too long.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self.kind, Kind::Locked)
    }

    /// Whether somebody else owns it, can write it, or it is something else than it should be.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        match &self.kind {
            Kind::Owner(_) | Kind::Open(_) | Kind::NotA(_) => true,
            Kind::Path(error) => error.errno().is_none(),
            _ => false,
        }
    }

    /// Whether what the file says cannot be used: it is damaged or of a newer version.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(self.kind, Kind::Unreadable(_) | Kind::TooLarge)
    }

    pub(super) fn errno(&self) -> Option<Errno> {
        match &self.kind {
            Kind::Io(errno) => Some(*errno),
            Kind::Path(error) => error.errno(),
            _ => None,
        }
    }
}

/// Why something that is kept in the state was not looked at or not changed, by what follows from it.
/// The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The disk is full or read-only.
    Disk(String),
    /// A limit of the process's own caller.
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
