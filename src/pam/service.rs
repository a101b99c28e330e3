//! Connects to the service's socket. Called by `connect`.
//!
//! The socket is trusted by its owner and its folders, and its listener by the credentials that the
//! kernel has of it. Nothing here waits for longer than a second.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect as connect_to, getsockopt, socket, sockopt,
};
use nix::unistd::Uid;

use super::spawn;
use crate::host::errno::describe;
use crate::host::socket::{self as channel, Channel};
use crate::host::trusted_file::{self, ProcessIds};

/// How long a full queue of connections is waited for, and the pause between two tries.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Why the service cannot be asked; the texts are for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The socket is not there, or cannot be trusted.
    #[error("the socket {0}")]
    Socket(#[from] trusted_file::Error),
    /// A system call failed.
    #[error("{}", describe(*.0))]
    Io(#[from] Errno),
    /// The listener is a process of this other user.
    #[error("uid {0} listens on the socket")]
    Stranger(u32),
    /// It listens, and says nothing.
    #[error("the service is not ready: {0}")]
    NotReady(channel::Error),
}

impl Error {
    /// Whether nothing listens.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Self::Socket(error) => error.is_missing(),
            Self::Io(errno) => matches!(errno, Errno::ENOENT | Errno::ECONNREFUSED),
            _ => false,
        }
    }

    /// Whether something listens that does not do its work.
    pub(super) fn is_hung(&self) -> bool {
        use channel::Error::{Closed, TimedOut};
        matches!(
            self,
            Self::NotReady(Closed | TimedOut) | Self::Io(Errno::EAGAIN)
        )
    }
}

/// Connects to the socket at `path`. Blocks for a second at most.
///
/// # Errors
/// Nothing listens, it cannot be trusted, or this process lacks something.
pub(super) fn connect(path: &Path) -> Result<Channel, Error> {
    trusted_file::socket(path)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let made = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // su may run without the descriptors 0 to 2, and what it prints must not get into the channel.
    let socket = spawn::copy(&made)?;
    drop(made);
    let address = UnixAddr::new(path)?;
    let until = Instant::now() + PATIENCE;
    // A queue that is full is no end: many may log in at once.
    while let Err(errno) = connect_to(socket.as_raw_fd(), &address) {
        if errno != Errno::EAGAIN || Instant::now() >= until {
            return Err(errno.into());
        }
        thread::sleep(PAUSE);
    }
    let peer = getsockopt(&socket, sockopt::PeerCredentials)?.uid();
    if !ProcessIds::own().trusts(Uid::from_raw(peer)) {
        return Err(Error::Stranger(peer));
    }
    Ok(Channel::new(socket))
}
