//! HTTPS on an agent of ureq's: the warm-up while the person reads the prompt, then requests.
//!
//! A request waits for the warm-up, which is part of its time, and goes out on the connection that it
//! left. A warm-up that failed is forgotten: the request starts anew and finds the reason itself. No
//! request is ever repeated.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ureq::{Agent, RequestBuilder};

use super::classify::{broke_off, classify_error};
use super::dial::{Dialer, Target};
use super::error::{Cause, Error};
use super::preconnect::{KEPT_FOR, NoResolver, PreconnectedConnector, Preconnector};
use super::trust::{self, Roots};
use super::{Method, Request, Response, Transport};
use crate::base::process;
use crate::base::secret::Secret;
use crate::base::text;

/// The longest body that is read, in bytes; Authy's are well below 4 KiB, but for statistics.
const BODY_LIMIT: u64 = 64 * 1024;
/// The longest header that is read, in bytes.
const HEADER_LIMIT: usize = 16 * 1024;

/// How long a warm-up may take: three tries of TCP, and as long as a caller who gives up at once waits.
const WARM_UP_LIMIT: Duration = Duration::from_secs(3);
/// Source: RFC 9110 §15.5.9.
const REQUEST_TIMEOUT: u16 = 408;
/// No usual server closes a quiet connection sooner than this.
const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(4);

/// HTTPS on ureq and rustls. Certificates are read by the warm-up or, without one, when the first
/// request goes out. Joins its warm-up's thread when dropped.
#[derive(Debug)]
pub struct Https {
    settings: Settings,
    may_warm_up: bool,
    warm_up: RefCell<Option<JoinHandle<Result<Ready, Error>>>>,
    ready: OnceCell<Ready>,
    /// When a connection was last known to be good.
    quiet_since: Cell<Option<Instant>>,
}

/// What is configured.
#[derive(Debug, Clone)]
struct Settings {
    roots: Roots,
    proxy: Option<String>,
}

/// What requests go out by.
#[derive(Debug)]
struct Ready {
    agent: Agent,
    preconnector: Arc<Preconnector>,
    opened: Option<Instant>,
}

impl Https {
    /// HTTPS that trusts the CA certificates of `roots` alone, and connects through `proxy`
    /// (`http://host:port`) when there is one.
    #[must_use]
    pub fn new(roots: Roots, proxy: Option<String>) -> Self {
        Self {
            settings: Settings { roots, proxy },
            may_warm_up: true,
            warm_up: RefCell::new(None),
            ready: OnceCell::new(),
            quiet_since: Cell::new(None),
        }
    }

    /// With [`Transport::warm`] doing something, as it does by default, or nothing.
    #[must_use]
    pub fn with_preconnect(mut self, on: bool) -> Self {
        self.may_warm_up = on;
        self
    }

    /// What the warm-up made, or else what is made now.
    fn ready(&self) -> Result<&Ready, Error> {
        let warm_up = self.warm_up.borrow_mut().take();
        if let Some(Ok(Ok(ready))) = warm_up.map(JoinHandle::join) {
            self.quiet_since.set(ready.opened);
            // Nobody else can have set it: this type is not shared between threads.
            let _ = self.ready.set(ready);
        }
        if self.ready.get().is_none() {
            let _ = self.ready.set(self.settings.prepare()?);
        }
        self.ready
            .get()
            .ok_or_else(|| Error::Local("no agent".to_owned()))
    }

    /// How long the connection that the last request used had been waiting; zero for a new one.
    fn had_waited(&self, ready: &Ready, sent: Instant) -> Duration {
        match self.quiet_since.get() {
            Some(since) if !ready.preconnector.opened_anew() => {
                sent.saturating_duration_since(since)
            }
            _ => Duration::ZERO,
        }
    }
}

impl Settings {
    /// Reads the certificates and makes an agent. Opens no connection.
    fn prepare(&self) -> Result<Ready, Error> {
        let proxy = match &self.proxy {
            Some(address) => Some(
                address
                    .parse()
                    .ok()
                    .and_then(|uri| Target::of(&uri, 80))
                    .ok_or_else(|| Error::Local("the proxy is no address".into()))?,
            ),
            None => None,
        };
        let dialer = Dialer::new(trust::tls(&self.roots)?, proxy);
        let preconnector = Arc::new(Preconnector::new(dialer));
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Ours is in the dialer, and the environment's is none of our business.
            .proxy(None)
            .user_agent(user_agent())
            .accept("application/json")
            .max_response_header_size(HEADER_LIMIT)
            .max_idle_age(KEPT_FOR)
            .build();
        Ok(Ready {
            agent: Agent::with_parts(
                config,
                PreconnectedConnector(Arc::clone(&preconnector)),
                NoResolver,
            ),
            preconnector,
            opened: None,
        })
    }

    /// Makes an agent whose first connection to `url` is open, or will be opened when it is needed.
    fn warm_up(&self, url: &str, until: Instant) -> Result<Ready, Error> {
        let mut ready = self.prepare()?;
        if ready.preconnector.open_ahead(url, until).is_ok() {
            ready.opened = Some(Instant::now());
        }
        Ok(ready)
    }
}

impl Transport for Https {
    fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let watch = process::Watch::start().map_err(|error| Error::Process(error.to_string()))?;
        let start = Instant::now();
        let result = self.send_in_time(request, start);
        let was_stopped = watch.was_stopped(start.elapsed());
        result.map_err(|error| match error {
            Error::Unavailable(_) if was_stopped => {
                Error::Process("the process was stopped while it waited for an answer".into())
            }
            error => error,
        })
    }

    fn preconnect(&self, url: &str, limit: Duration) {
        if !self.may_warm_up || self.ready.get().is_some() || self.warm_up.borrow().is_some() {
            return;
        }
        let (settings, url) = (self.settings.clone(), url.to_owned());
        let until = Instant::now() + limit.min(WARM_UP_LIMIT);
        // Without a thread there is no warm-up; the request finds out whether it can do without.
        *self.warm_up.borrow_mut() = process::spawn(move || settings.warm_up(&url, until)).ok();
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        if let Some(thread) = self.warm_up.take() {
            // What became of it matters to nobody now.
            let _ = thread.join();
        }
    }
}

impl Https {
    /// Sends the request, the wait for the warm-up being part of its time.
    fn send_in_time(&self, request: &Request<'_>, start: Instant) -> Result<Response, Error> {
        let ready = self.ready()?;
        let left = request.timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            let late = ureq::Error::Timeout(ureq::Timeout::Global);
            return Err(unsent(classify_error(&late)));
        }
        let sent = Instant::now();
        let exchanged = exchange(&ready.agent, request, left);
        let had_waited = self.had_waited(ready, sent);
        let (may_be_closed, result) = match exchanged {
            Ok(response) => {
                self.quiet_since.set(Some(Instant::now()));
                // Some servers say so before they close a quiet connection.
                (response.status == REQUEST_TIMEOUT, Ok(response))
            }
            Err(error) => {
                let unopened = ready.preconnector.failed_to_open();
                let sorted = classify_error(&error);
                let sorted = if unopened { unsent(sorted) } else { sorted };
                (broke_off(&error) && sorted.is_unavailable(), Err(sorted))
            }
        };
        let left = request.timeout.saturating_sub(start.elapsed());
        if may_be_closed
            && had_waited >= SHORTEST_KEEP_ALIVE
            && answers(&ready.agent, request.url, left)
        {
            return Err(Error::Process(
                "the service closed the connection that was kept for the request, and answers on a new one"
                    .into(),
            ));
        }
        result
    }
}

/// The same error of a request of which no byte has left.
fn unsent(error: Error) -> Error {
    match error {
        Error::Unavailable(cause) => Error::Unavailable(Cause::NoConnection(cause.to_string())),
        error => error,
    }
}

/// Whether the service at `url` answers a question without key and token on a new connection. Asked
/// when a connection broke that had waited: a person who presses Enter in the very moment in which the
/// server closes it must not be able to make an outage of that. The request itself is not repeated.
fn answers(agent: &Agent, url: &Secret, limit: Duration) -> bool {
    let url = url.expose();
    let path = url
        .match_indices('/')
        .nth(2)
        .map_or(url.len(), |(at, _)| at);
    let root = format!("{}/", url.get(..path).unwrap_or_default());
    let head = agent.head(root).config().timeout_global(Some(limit));
    head.build()
        .call()
        .is_ok_and(|response| response.status().as_u16() < 500)
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
        Method::Post => with_credentials(agent.post(url), request, limit)
            .content_type("application/json")
            .send(request.body.map_or("{}", Secret::expose))?,
    };
    let retry_after_seconds = response
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let date = response
        .headers()
        .get("Date")
        .and_then(|value| Some(text::sanitize(value.to_str().ok()?)));
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

/// The same header and the same time-out for every request.
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

/// `AuthyPAM/0.1.0 (linux-x86_64; Rust)`, the shape that Authy's own clients use.
fn user_agent() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("AuthyPAM/{} ({os}-{arch}; Rust)", env!("CARGO_PKG_VERSION"))
}
