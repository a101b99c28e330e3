//! HTTPS through an agent of ureq: preconnects while the person reads the prompt, then sends
//! requests.
//!
//! A request waits for the preconnect, which counts towards its time-out, and uses the connection
//! that it opened. If the preconnect failed, the request starts from the beginning and reports the
//! reason itself. No request is ever repeated. Called by the clients through [`Transport`].

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use ureq::{Agent, RequestBuilder};

use super::agent::{PreparedAgent, Settings};
use super::classify::{classify_error, connection_ended};
use super::error::{Cause, Error};
use super::preconnect::Dialed;
use super::trust::Roots;
use super::{Body, GoodAddresses, Method, Request, Response, Transport, retry_after};
use crate::base::secret::Secret;
use crate::base::text;

/// The longest body that is read, in bytes. Authy's bodies are well below 4 KiB, except statistics.
const BODY_LIMIT: u64 = 64 * 1024;
/// How long a preconnect may take: time for three connection attempts (SYN) of TCP. Dropping an
/// [`Https`] waits for the preconnect, so for this long at most.
const PRECONNECT_LIMIT: Duration = Duration::from_secs(3);
/// The HTTP status 408. Source: RFC 9110 §15.5.9.
const REQUEST_TIMEOUT: u16 = 408;
/// Common servers do not close an idle connection sooner than this.
const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(4);

/// HTTPS on ureq and rustls. Reads the certificates in the preconnect or, without one, before the
/// first request. Joins the thread of the preconnect when dropped. Threads may share it: each request
/// has a connection of its own, and idle ones are used again.
#[derive(Debug)]
pub struct Https {
    settings: Settings,
    preconnect_enabled: bool,
    /// The thread of a preconnect, until a request takes its result.
    preconnecting: Mutex<Option<Preconnecting>>,
    prepared: OnceLock<PreparedAgent>,
    /// When a connection was last used successfully, or opened ahead.
    idle_since: Mutex<Option<Instant>>,
}

type Preconnecting = JoinHandle<Result<PreparedAgent, Error>>;

impl Https {
    /// Creates a transport that trusts only the CA certificates of `roots`, and connects through
    /// `proxy` (`http://host:port`) if there is one. Opens no connection.
    #[must_use]
    pub fn new(roots: Roots, proxy: Option<String>) -> Self {
        Self {
            settings: Settings {
                roots,
                proxy,
                addresses: None,
            },
            preconnect_enabled: true,
            preconnecting: Mutex::new(None),
            prepared: OnceLock::new(),
            idle_since: Mutex::new(None),
        }
    }

    /// Switches [`Transport::preconnect`] on, which is the default, or off.
    #[must_use]
    pub fn with_preconnect(mut self, on: bool) -> Self {
        self.preconnect_enabled = on;
        self
    }

    /// Keeps the addresses at which the service, or the proxy to it, has proven its identity, and
    /// tries them where its name cannot be looked up.
    #[must_use]
    pub fn with_addresses(mut self, addresses: Arc<dyn GoodAddresses>) -> Self {
        self.settings.addresses = Some(addresses);
        self
    }

    /// Returns the agent of the preconnect, or else prepares one. Blocks until a running preconnect
    /// ends.
    fn prepared(&self) -> Result<&PreparedAgent, Error> {
        if let Some(prepared) = self.prepared.get() {
            return Ok(prepared);
        }
        // Another thread waits here for the same preconnect.
        let mut preconnecting = lock(&self.preconnecting);
        if let Some(Ok(Ok(prepared))) = preconnecting.take().map(JoinHandle::join) {
            *lock(&self.idle_since) = prepared.opened_at;
            // It cannot be set already: only the thread with the lock sets it.
            let _ = self.prepared.set(prepared);
        }
        if self.prepared.get().is_none() {
            let _ = self.prepared.set(self.settings.prepare()?);
        }
        self.prepared
            .get()
            .ok_or_else(|| Error::Local("no HTTP agent".to_owned()))
    }

    /// Returns how long a connection that is used at `sent` was idle.
    fn idle_time(&self, sent: Instant) -> Duration {
        let since = *lock(&self.idle_since);
        since.map_or(Duration::ZERO, |since| {
            sent.saturating_duration_since(since)
        })
    }

    /// Whether the service at `url` answers a request without key and token on a new connection.
    ///
    /// Called when an idle connection broke. A person who presses Enter at the moment when the
    /// server closes the connection must not be able to make that look like an outage. The original
    /// request is not repeated.
    fn service_answers(&self, prepared: &PreparedAgent, url: &Secret, limit: Duration) -> bool {
        let url = url.expose();
        let path_start = url
            .match_indices('/')
            .nth(2)
            .map_or(url.len(), |(index, _)| index);
        let root = format!("{}/", url.get(..path_start).unwrap_or_default());
        let head = prepared.agent.head(root);
        let head = head.config().timeout_global(Some(limit)).build();
        let answers = head
            .call()
            .is_ok_and(|response| response.status().as_u16() < 500);
        prepared.preconnector.dialed();
        if answers {
            *lock(&self.idle_since) = Some(Instant::now());
        }
        answers
    }
}

/// Locks a value that is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transport for Https {
    fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        // The time-out includes the wait for the preconnect.
        let start = Instant::now();
        let prepared = self.prepared()?;
        let left = request.timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            let timeout = ureq::Error::Timeout(ureq::Timeout::Global);
            return Err(as_unsent(classify_error(&timeout)));
        }
        let sent = Instant::now();
        let exchanged = exchange(&prepared.agent, request, left);
        let dialed = prepared.preconnector.dialed();
        let idle_time = match dialed {
            Some(_) => Duration::ZERO,
            None => self.idle_time(sent),
        };
        let (may_be_closed, result) = match exchanged {
            Ok(response) => {
                *lock(&self.idle_since) = Some(Instant::now());
                // Some servers answer 408 before they close an idle connection.
                (response.status == REQUEST_TIMEOUT, Ok(response))
            }
            Err(error) => {
                let mut classified = classify_error(&error);
                if dialed == Some(Dialed::Failed) {
                    classified = as_unsent(classified);
                }
                let may_be_closed = connection_ended(&error) && classified.is_unavailable();
                (may_be_closed, Err(classified))
            }
        };
        let left = request.timeout.saturating_sub(start.elapsed());
        if may_be_closed
            && idle_time >= SHORTEST_KEEP_ALIVE
            && self.service_answers(prepared, request.url, left)
        {
            return Err(Error::Process(
                "the service closed the idle connection, and answers on a new one".into(),
            ));
        }
        result
    }

    fn preconnect(&self, url: &str, limit: Duration) {
        let mut preconnecting = lock(&self.preconnecting);
        let has_begun = self.prepared.get().is_some() || preconnecting.is_some();
        if !self.preconnect_enabled || has_begun {
            return;
        }
        let (settings, url) = (self.settings.clone(), url.to_owned());
        let until = Instant::now() + limit.min(PRECONNECT_LIMIT);
        // If no thread can start, the request has to do everything itself.
        *preconnecting = std::thread::Builder::new()
            .spawn(move || settings.preconnect(&url, until))
            .ok();
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        if let Some(thread) = lock(&self.preconnecting).take() {
            // Its result is not needed any more.
            let _ = thread.join();
        }
    }
}

/// Changes an outage to one of a request of which no byte was sent.
fn as_unsent(error: Error) -> Error {
    match error {
        Error::Unavailable(cause) => Error::Unavailable(Cause::NoConnection(cause.to_string())),
        error => error,
    }
}

/// Sends the request once and reads the whole response.
fn exchange(
    agent: &Agent,
    request: &Request<'_>,
    limit: Duration,
) -> Result<Response, ureq::Error> {
    let url = request.url.expose();
    let mut response = match request.method {
        Method::Get => with_credentials(agent.get(url), request, limit).call()?,
        Method::Delete => with_credentials(agent.delete(url), request, limit).call()?,
        Method::Post => {
            let (content_type, body) = match request.body {
                None => ("application/json", "{}"),
                Some(Body::Json(body)) => ("application/json", body.expose()),
                Some(Body::Form(body)) => ("application/x-www-form-urlencoded", body.expose()),
            };
            with_credentials(agent.post(url), request, limit)
                .content_type(content_type)
                .send(body)?
        }
    };
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let date = header("Date").map(text::sanitize);
    let wait = |text: &str| retry_after::seconds(text, date.as_deref(), SystemTime::now());
    let retry_after_seconds = header("Retry-After").and_then(wait);
    Ok(Response {
        status: response.status().as_u16(),
        body: response
            .body_mut()
            .with_config()
            .limit(BODY_LIMIT)
            .read_to_vec()?,
        retry_after_seconds,
        date,
    })
}

/// Adds the header with the credentials, if the request has any, and the time-out.
fn with_credentials<B>(
    call: RequestBuilder<B>,
    request: &Request<'_>,
    limit: Duration,
) -> RequestBuilder<B> {
    let call = match request.credentials {
        Some((header, value)) => call.header(header, value.expose()),
        None => call,
    };
    call.config().timeout_global(Some(limit)).build()
}
