//! Classifies the error of a request: the server's identity, our own process, or the network.
//!
//! Only an error of the network is an outage, during which an administrator may allow logins
//! without a second factor. A user who can cause an error of another class must not be able to make
//! it look like an outage. Called by `https` with the errors of ureq.

use std::io;

use super::error::{Cause, Error};
use super::resolve::NoThread;
use crate::base::process::{self, NoPort};
use crate::base::text;

/// Converts an error of ureq to the error that the caller of the transport gets.
pub(super) fn classify_error(error: &ureq::Error) -> Error {
    if let Some(why) = identity_error(error) {
        return Error::UntrustedServer(text::sanitize(&why));
    }
    if let Some(lack) = process_error(error).or_else(process::lacks) {
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

/// Returns what our own process lacked, if `error` says so: a descriptor, memory, a thread or a
/// port.
fn process_error(error: &ureq::Error) -> Option<String> {
    use nix::libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
    let ureq::Error::Io(error) = error else {
        return None;
    };
    if error
        .get_ref()
        .is_some_and(|inner| inner.is::<NoThread>() || inner.is::<NoPort>())
    {
        return Some(error.to_string());
    }
    let errno = error.raw_os_error()?;
    [EMFILE, ENFILE, ENOBUFS, ENOMEM]
        .contains(&errno)
        .then(|| error.to_string())
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
