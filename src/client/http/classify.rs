//! Classifies the error of a request: the server's identity, our own process, or the network.
//!
//! Only an error of the network is an outage, during which an administrator may allow logins
//! without a second factor. A user who can cause an error of another class must not be able to make
//! it look like an outage. Called by `https` with the errors of ureq.

use std::io;

use super::error::{Cause, Error};
use super::lack::is_lack;
use crate::base::text;

/// Converts an error of ureq to the error that the caller of the transport gets.
pub(super) fn classify_error(error: &ureq::Error) -> Error {
    if let Some(why) = identity_error(error) {
        return Error::UntrustedServer(text::sanitize(&why));
    }
    if let Some(lack) = process_error(error) {
        return Error::Process(lack);
    }
    Error::Unavailable(match error {
        ureq::Error::Timeout(_) => Cause::TimedOut,
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Cause::TimedOut,
        ureq::Error::Http(_)
        | ureq::Error::Protocol(_)
        | ureq::Error::BodyExceedsLimit(_)
        | ureq::Error::LargeResponseHeader(..) => {
            Cause::Malformed("not a valid HTTP response".into())
        }
        other => Cause::Connection(text::sanitize(&other.to_string())),
    })
}

/// Returns the text of a TLS error about the server's identity or its protocol versions. Returns
/// `None` for a connection that broke.
fn identity_error(error: &ureq::Error) -> Option<String> {
    use rustls::Error as Tls;
    let tls = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Tls>()),
        _ => None,
    }?;
    match tls {
        Tls::InvalidCertificate(_)
        | Tls::NoCertificatesPresented
        | Tls::UnsupportedNameType
        | Tls::PeerIncompatible(_)
        | Tls::PeerMisbehaved(_)
        | Tls::AlertReceived(_) => Some(tls.to_string()),
        _ => None,
    }
}

/// Returns what this host itself lacks, if `error` says so.
fn process_error(error: &ureq::Error) -> Option<String> {
    match error {
        ureq::Error::Io(error) if is_lack(error) => Some(text::sanitize(&error.to_string())),
        _ => None,
    }
}

/// Whether the connection ended before a response arrived, as it does when the server closes a
/// connection that was idle.
pub(super) fn connection_ended(error: &ureq::Error) -> bool {
    use io::ErrorKind as Kind;
    let kinds = [
        Kind::UnexpectedEof,
        Kind::ConnectionReset,
        Kind::ConnectionAborted,
        Kind::BrokenPipe,
    ];
    matches!(error, ureq::Error::Io(error) if kinds.contains(&error.kind()))
}

#[cfg(test)]
mod tests {
    use nix::libc::{EADDRNOTAVAIL, ECONNREFUSED, EMFILE, EPERM};

    use super::super::lack::Lack;
    use super::*;

    fn class(error: &ureq::Error) -> &'static str {
        match classify_error(error) {
            Error::UntrustedServer(_) => "untrusted",
            Error::Unavailable(Cause::TimedOut) => "time-out",
            Error::Unavailable(Cause::Malformed(_)) => "malformed",
            Error::Unavailable(_) => "outage",
            Error::Process(_) => "process",
            Error::Local(_) => "local",
        }
    }

    #[test]
    fn an_error_is_classified_by_where_it_arises() {
        let errno = |errno| io::Error::from_raw_os_error(errno).into();
        let tls = |error| io::Error::other(error).into();
        let rows: [(&str, ureq::Error); 9] = [
            ("outage", errno(ECONNREFUSED)),
            ("outage", io::Error::other("failed to look up").into()),
            ("process", errno(EMFILE)),
            ("process", errno(EPERM)),
            ("process", errno(EADDRNOTAVAIL)),
            ("process", io::Error::from(Lack::NotRepeated("x")).into()),
            ("time-out", io::Error::from(io::ErrorKind::TimedOut).into()),
            ("untrusted", tls(rustls::Error::NoCertificatesPresented)),
            ("malformed", ureq::Error::BodyExceedsLimit(1)),
        ];
        let wrong: Vec<_> = rows
            .iter()
            .filter(|(expected, error)| class(error) != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
