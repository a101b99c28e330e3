//! Opens a connection while the person reads the prompt, and gives it to the request that follows.
//!
//! ureq asks [`PreconnectedConnector`] for each connection that is not in its pool. The first
//! request to the same host gets the connection that was opened ahead, if it is still usable; any
//! other gets a new one. Nothing has been sent on the connection before that request. Called by
//! `https`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
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
    dialed: DialLog,
}

/// What the requests of each thread dialed and have not asked for yet. A request runs on one thread,
/// so none of them learns of a connection of another.
#[derive(Debug, Default)]
struct DialLog(Mutex<Vec<(ThreadId, Dialed)>>);

impl DialLog {
    fn note(&self, result: Dialed) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push((thread::current().id(), result));
    }

    /// Returns the last result of this thread, and forgets all of its results.
    fn take(&self) -> Option<Dialed> {
        let this = thread::current().id();
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = log.iter().rfind(|(thread, _)| *thread == this);
        let found = mine.map(|(_, result)| *result);
        log.retain(|(thread, _)| *thread != this);
        found
    }
}

/// What came of opening a connection for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialed {
    /// A new connection is open.
    Opened,
    /// No connection could be opened.
    Failed,
}

impl Preconnector {
    /// Creates a connector without an open connection.
    pub(super) fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            ahead: Mutex::new(None),
            dialed: DialLog::default(),
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

    /// Returns what this thread dialed for requests since the last call; `None` if they used an idle
    /// connection.
    pub(super) fn dialed(&self) -> Option<Dialed> {
        self.dialed.take()
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
        // ureq's limit can be too long to be added to an Instant; an hour is more than any request
        // gets.
        let after = Duration::from_secs(3600).min(*details.timeout.after);
        let until = Instant::now() + after;
        let dialed = self.0.dialer.dial(&target, Purpose::Request, until);
        self.0.dialed.note(match dialed {
            Ok(_) => Dialed::Opened,
            Err(_) => Dialed::Failed,
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_learns_only_of_its_own_connections_and_once() {
        let log = DialLog::default();
        log.note(Dialed::Failed);
        log.note(Dialed::Opened);
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let before = log.take();
                log.note(Dialed::Failed);
                (before, log.take())
            });
            assert_eq!(other.join().unwrap(), (None, Some(Dialed::Failed)));
        });
        assert_eq!((log.take(), log.take()), (Some(Dialed::Opened), None));
    }
}
