//! Takes over the descriptors that the module or the init system has left open: the channel of a
//! login, or the socket of the service. Called at the start, before anything else opens a descriptor.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{SockType, UnixAddr, getsockname, getsockopt, sockopt};

/// The first number that is not one of the standard streams.
const FIRST: RawFd = 3;

/// Returns the connected stream socket with this number, which is closed on exec from now on;
/// `None` if it is something else.
#[must_use]
pub fn adopt(number: RawFd) -> Option<OwnedFd> {
    take(number, |_| true)
}

/// Returns the listening Unix stream socket with this number, which is closed on exec from now on;
/// `None` if it is something else.
pub(super) fn adopt_listener(number: RawFd) -> Option<OwnedFd> {
    take(number, |socket| {
        let is_unix = getsockname::<UnixAddr>(socket.as_raw_fd()).is_ok();
        is_unix && getsockopt(&socket, sockopt::AcceptConn) == Ok(true)
    })
}

fn take(number: RawFd, is_right: impl Fn(BorrowedFd<'_>) -> bool) -> Option<OwnedFd> {
    if number < FIRST {
        return None;
    }
    // SAFETY: the descriptor is only looked at here. If it is not open, each call says so.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let is_stream = getsockopt(&borrowed, sockopt::SockType) == Ok(SockType::Stream);
    if !is_stream || !is_right(borrowed) {
        return None;
    }
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
    // SAFETY: it is open, and nothing else in this process owns it: it was left open for this
    // program.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

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
    #[test]
    fn only_a_unix_socket_that_listens_is_listened_on() {
        let folder = tempfile::tempdir().unwrap();
        let listens = UnixListener::bind(folder.path().join("socket")).unwrap();
        let number = listens.into_raw_fd();
        let taken = adopt_listener(number).map(|socket| socket.as_raw_fd());
        assert_eq!(taken, Some(number));
        let (connected, _other) = UnixStream::pair().unwrap();
        let inet = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let rows = [connected.as_raw_fd(), inet.as_raw_fd(), 0];
        let taken: Vec<_> = rows.into_iter().filter_map(adopt_listener).collect();
        assert!(taken.is_empty(), "{taken:?}");
    }
}
