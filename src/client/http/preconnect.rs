//! Opens a connection while the person reads the prompt, and gives it to the request that follows.
//!
//! ureq asks [`PreconnectedConnector`] for each connection that is not in its pool. The first
//! request to the same host gets the connection that was opened ahead, if it is still usable; any
//! other gets a new one. Nothing has been sent on the connection before that request. Called by
//! `https`.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, Transport};

use super::dial::{Dialer, Purpose, Target};
use super::tls::TlsConnection;

/// How long a connection may be idle before a request uses it. Common firewalls drop an idle
/// connection after four minutes at the earliest.
pub(super) const MAX_IDLE: Duration = Duration::from_secs(180);
/// The default port of https.
const PORT: u16 = 443;

/// Opens connections, the first one ahead of its request.
#[derive(Debug)]
pub(super) struct Preconnector {
    dialer: Dialer,
    /// The connection that was opened ahead, where it leads, and when it was opened.
    ahead: Mutex<Option<(Target, TlsConnection, Instant)>>,
    opened_new: AtomicBool,
    failed_to_open: AtomicBool,
}

impl Preconnector {
    /// Creates a connector without an open connection.
    pub(super) fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            ahead: Mutex::new(None),
            opened_new: AtomicBool::new(false),
            failed_to_open: AtomicBool::new(false),
        }
    }

    /// Opens a connection to the host of `url` and keeps it for [`Self::take`]. Blocks until
    /// `until` at most.
    ///
    /// # Errors
    /// The connection could not be opened. The request that follows runs into the same error.
    pub(super) fn open_ahead(&self, url: &str, until: Instant) -> io::Result<()> {
        let target = url
            .parse()
            .ok()
            .and_then(|uri| Target::from_uri(&uri, PORT));
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        let connection = self.dialer.dial(&target, Purpose::Ahead, until)?;
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((target, connection, Instant::now()));
        Ok(())
    }

    /// Whether a new connection was opened for a request since the last call, so that the request
    /// did not use an idle one.
    pub(super) fn opened_new(&self) -> bool {
        self.opened_new.swap(false, Ordering::Relaxed)
    }

    /// Whether opening a connection for a request failed since the last call.
    pub(super) fn failed_to_open(&self) -> bool {
        self.failed_to_open.swap(false, Ordering::Relaxed)
    }

    /// Takes the connection that was opened ahead, if it leads to `target` and is still usable.
    fn take(&self, target: &Target) -> Option<TlsConnection> {
        let ahead = self
            .ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (host, mut connection, since) = ahead?;
        let usable = host == *target && since.elapsed() < MAX_IDLE && connection.is_open();
        usable.then_some(connection)
    }
}

/// Implements ureq's [`Connector`] for a shared [`Preconnector`].
#[derive(Debug)]
pub(super) struct PreconnectedConnector(pub(super) Arc<Preconnector>);

impl Connector for PreconnectedConnector {
    type Out = TlsConnection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<TlsConnection>, Error> {
        let target = Target::from_uri(details.uri, PORT).ok_or(Error::HostNotFound)?;
        if let Some(connection) = self.0.take(&target) {
            return Ok(Some(connection));
        }
        self.0.opened_new.store(true, Ordering::Relaxed);
        // ureq's limit can be too long to be added to an Instant; an hour is more than any request
        // gets.
        let after = Duration::from_secs(3600).min(*details.timeout.after);
        let until = Instant::now() + after;
        let dialed = self.0.dialer.dial(&target, Purpose::Request, until);
        self.0
            .failed_to_open
            .store(dialed.is_err(), Ordering::Relaxed);
        match dialed {
            Ok(connection) => Ok(Some(connection)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(Error::Timeout(details.timeout.reason))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A resolver for ureq that looks up nothing, since the [`Dialer`] does so when it opens a
/// connection.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}
