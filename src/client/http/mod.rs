//! The HTTP transport of the clients: sends one request and returns one response.
//!
//! Tests replace the trait [`Transport`]; [`Https`] implements it with ureq and rustls. Nothing
//! here reads the environment, which for authyctl is that of the user who called sudo. The only proxy is the
//! configured one, the only CA certificates are those of a file that only root can write, and
//! redirects are not followed, because ureq would send the key along. The sizes of header and body
//! are limited. Each request blocks for its time-out at most. Called by the providers' clients and
//! by authyctl.
//!
//! `https` exchanges a request through an agent of ureq, which `agent` makes, `preconnect` gives
//! ureq its connections, `dial`, `resolve` and `trust` open them, `tls` is an open one, `classify`
//! and `lack` sort the errors, `form` writes queries and forms, and `json` reads a body.

mod agent;
mod classify;
mod dial;
mod error;
pub(crate) mod form;
mod https;
pub(crate) mod json;
mod lack;
mod preconnect;
mod resolve;
mod retry_after;
mod tls;
mod trust;

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

pub use error::{Cause, Error};
pub use https::Https;
pub use trust::{Pem, Roots};

use crate::base::secret::Secret;

/// A request to send.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The whole URL. It is secret because the URL of a verify contains the token.
    pub url: &'a Secret,
    /// The body of a POST; `None`: an empty JSON object.
    pub body: Option<Body<'a>>,
    /// The name and value of the header that identifies the application, such as an API key. `None`
    /// for a URL outside of the service.
    pub credentials: Option<(&'static str, &'a Secret)>,
    /// How long the whole request may take.
    pub timeout: Duration,
}

impl<'a> Request<'a> {
    /// Describes a request without body and credentials.
    #[must_use]
    pub fn new(method: Method, url: &'a Secret, timeout: Duration) -> Self {
        Self {
            method,
            url,
            body: None,
            credentials: None,
            timeout,
        }
    }
}

/// The body of a request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Body<'a> {
    /// A JSON text.
    Json(&'a Secret),
    /// The pairs of a form, percent-encoded.
    Form(&'a Secret),
}

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Reads something.
    Get,
    /// Creates or changes something.
    Post,
    /// Deletes something.
    Delete,
}

/// A response with any HTTP status.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The complete body.
    pub body: Vec<u8>,
    /// The header `Retry-After` in seconds, which may also be a date; `None` if it is missing or
    /// neither.
    pub retry_after_seconds: Option<u64>,
    /// The text of the header `Date`, made safe to show.
    pub date: Option<String>,
}

impl Response {
    /// Describes a response without the other headers.
    #[must_use]
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            retry_after_seconds: None,
            date: None,
        }
    }
}

/// Sends requests to a service.
pub trait Transport {
    /// Sends `request` once and reads the whole response. Blocks for its time-out at most.
    ///
    /// # Errors
    /// Returns an [`Error`] when there is no response. A response with a bad status is not an
    /// error.
    fn send(&self, request: &Request<'_>) -> Result<Response, Error>;

    /// Prepares a request to `url` in the background without sending a byte of it. Returns at once;
    /// the work takes `limit` at most. It reports no errors, because the request runs into them
    /// again. Does nothing by default.
    fn preconnect(&self, url: &str, limit: Duration) {
        let _ = (url, limit);
    }
}

/// Keeps the addresses at which a host has proven its identity, for the time when its name cannot be
/// looked up. Called from the thread of a preconnect, too.
pub trait GoodAddresses: Debug + Send + Sync {
    /// Returns the addresses of `host`, the one to try first at the beginning.
    fn of(&self, host: &str) -> Vec<SocketAddr>;
    /// Notes that `host` has proven its identity at this address.
    fn note(&self, host: &str, address: SocketAddr);
}
