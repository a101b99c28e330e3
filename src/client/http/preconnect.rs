//! Keeps a connection that was opened while the person reads the prompt, and hands it to the request.
//!
//! ureq asks [`Preconnector`] for every connection that its pool has not; the first to the same host gets
//! the kept one, if it is still good. Whoever uses it has sent nothing on it yet.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, Transport};

use super::dial::{Dialer, Target};
use super::tls::TlsConnection;

/// How long a connection may wait for its request. Shorter than the four minutes after which the
/// shortest of usual firewalls forgets a quiet connection.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(180);
/// The port of https.
const PORT: u16 = 443;

/// Opens connections, one of them ahead.
#[derive(Debug)]
pub(super) struct Preconnector {
    dialer: Dialer,
    kept: Mutex<Option<(Target, TlsConnection, Instant)>>,
    opened: AtomicBool,
    failed: AtomicBool,
}

impl Preconnector {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            kept: Mutex::new(None),
            opened: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        }
    }

    /// Opens a connection to where `url` points, and keeps it. Blocks until `until` at most.
    ///
    /// # Errors
    /// None was opened; the request that follows finds out why on its own.
    pub(super) fn open_ahead(&self, url: &str, until: Instant) -> io::Result<()> {
        let target = url.parse().ok().and_then(|uri| Target::of(&uri, PORT));
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        let line = self.dialer.dial(&target, until)?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((target, line, Instant::now()));
        Ok(())
    }

    /// Whether a connection was opened for a request since this was asked last, rather than one used
    /// that had been waiting.
    pub(super) fn opened_anew(&self) -> bool {
        self.opened.swap(false, Ordering::Relaxed)
    }

    /// Whether no connection could be opened for a request since this was asked last.
    pub(super) fn failed_to_open(&self) -> bool {
        self.failed.swap(false, Ordering::Relaxed)
    }

    fn take(&self, target: &Target) -> Option<TlsConnection> {
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (host, mut line, since) = kept?;
        (host == *target && since.elapsed() < KEPT_FOR && line.is_open()).then_some(line)
    }
}

/// A keeper as ureq takes it.
#[derive(Debug)]
pub(super) struct PreconnectedConnector(pub(super) Arc<Preconnector>);

impl Connector for PreconnectedConnector {
    type Out = TlsConnection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<TlsConnection>, Error> {
        let target = Target::of(details.uri, PORT).ok_or(Error::HostNotFound)?;
        if let Some(line) = self.0.take(&target) {
            return Ok(Some(line));
        }
        self.0.opened.store(true, Ordering::Relaxed);
        // The limit of a request, whatever ureq says: an hour is no moment too far for an Instant.
        let after = Duration::from_secs(3600).min(*details.timeout.after);
        let dialed = self.0.dialer.dial(&target, Instant::now() + after);
        self.0.failed.store(dialed.is_err(), Ordering::Relaxed);
        match dialed {
            Ok(line) => Ok(Some(line)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(Error::Timeout(details.timeout.reason))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Looks nothing up: the [`Dialer`] does, when a connection is really opened.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}
