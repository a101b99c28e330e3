//! Takes over the descriptor through which the module talks to the engine. Called by
//! `bin/pam_authyd` at its start, before anything else opens a descriptor.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{SockType, getsockopt, sockopt};

/// The first number that is not one of the standard streams.
const FIRST: RawFd = 3;

/// Returns the connected stream socket with this number, which is closed on exec from now on;
/// `None` if it is something else.
#[must_use]
pub fn adopt(number: RawFd) -> Option<OwnedFd> {
    if number < FIRST {
        return None;
    }
    // SAFETY: the descriptor is only looked at here. If it is not open, each call says so.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    if getsockopt(&borrowed, sockopt::SockType) != Ok(SockType::Stream) {
        return None;
    }
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
    // SAFETY: it is open, and nothing else in this process owns it: the module left it open for
    // this program.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, IntoRawFd};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    #[test]
    fn only_an_open_stream_socket_is_taken_over() {
        let (one, _other) = UnixStream::pair().unwrap();
        let number = one.into_raw_fd();
        assert_eq!(adopt(number).map(|socket| socket.as_raw_fd()), Some(number));
        let file = std::fs::File::open("/dev/null").unwrap();
        let (datagram, _other) = UnixDatagram::pair().unwrap();
        let rows = [0, -1, 1_000_000, file.as_raw_fd(), datagram.as_raw_fd()];
        let taken: Vec<_> = rows.into_iter().filter_map(adopt).collect();
        assert!(taken.is_empty(), "{taken:?}");
    }
}
