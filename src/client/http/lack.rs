//! Tells what this host itself lacks from what is wrong with the network.
//!
//! A local user may be able to use up what a request needs: descriptors, memory, local ports. An
//! administrator may allow logins without a second factor during an outage, so such a failure must
//! never look like one. Called by `dial` and `classify` with the errors of connections, and by
//! `resolve`.

use std::io;

use nix::libc::{
    EACCES, EADDRNOTAVAIL, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, c_int,
};

/// The errors that name a lack of this host: no descriptor, memory, local port, permission or
/// address family. Source: connect(2), socket(2).
const ERRNOS: [c_int; 8] = [
    EMFILE,
    ENFILE,
    ENOMEM,
    ENOBUFS,
    EADDRNOTAVAIL,
    EACCES,
    EPERM,
    EAFNOSUPPORT,
];

/// A lack that has no error number.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lack {
    /// The thread of a look-up could not be started.
    #[error("no thread: {0}")]
    Thread(io::Error),
    /// A look-up failed, and this process could not open a socket for one either.
    #[error("the look-up failed, and there is no UDP socket: {0}")]
    Socket(io::Error),
    /// A look-up failed and was not tried again, so its failure proves nothing.
    #[error("the look-up failed, and could not be tried again: {0}")]
    NotRepeated(&'static str),
}

impl From<Lack> for io::Error {
    fn from(lack: Lack) -> Self {
        Self::other(lack)
    }
}

/// Whether `error` names a lack of this host.
pub(super) fn is_lack(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Lack>())
        || error
            .raw_os_error()
            .is_some_and(|errno| ERRNOS.contains(&errno))
}

#[cfg(test)]
mod tests {
    use nix::libc::{
        ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETDOWN, ENETUNREACH, EPIPE, ETIMEDOUT,
    };

    use super::*;

    #[test]
    fn only_an_error_that_names_this_hosts_own_lack_is_one() {
        let of_network = [
            ECONNREFUSED,
            ECONNRESET,
            EHOSTUNREACH,
            ENETDOWN,
            ENETUNREACH,
            EPIPE,
            ETIMEDOUT,
        ];
        let rows = (ERRNOS.into_iter().map(|errno| (errno, true)))
            .chain(of_network.into_iter().map(|errno| (errno, false)));
        let wrong: Vec<_> = rows
            .filter(|(errno, expected)| is_lack(&io::Error::from_raw_os_error(*errno)) != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(is_lack(&Lack::NotRepeated("no time").into()));
        assert!(!is_lack(&io::Error::other("failed to lookup address")));
    }
}
