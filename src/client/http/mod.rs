//! One request out, one response in: the trait that tests replace, and HTTPS on ureq and rustls.
//!
//! The environment belongs to whoever typed `sudo`, so nothing here reads it: no proxy but the
//! configured one, no certificates but those of a file that only root can write, no redirects (ureq
//! would send the key along), bounded header and body. Blocks for the time-out of the request at most.
//!
//! | file | what it does |
//! |---|---|
//! | `https.rs` | the warm-up and one exchange, over an agent of ureq's |
//! | `preconnect.rs` | ureq's connector: the connection that was opened ahead, or a new one |
//! | `dial.rs` `resolve.rs` `trust.rs` | opens a connection: name, TCP, proxy, TLS; what TLS trusts |
//! | `tls.rs` | an open connection |
//! | `classify.rs` | whose fault an error is |

mod classify;
mod dial;
mod error;
mod https;
mod preconnect;
mod resolve;
mod tls;
mod trust;

use std::time::Duration;

pub use error::{Cause, Error};
pub use https::Https;
pub use trust::{Pem, Roots};

use crate::base::secret::Secret;

/// What is sent.
#[derive(Debug)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The whole address; secret, since a verify holds the token.
    pub url: &'a Secret,
    /// What is posted, as JSON.
    pub body: Option<&'a Secret>,
    /// The header that names the application, such as an API key; `None` for an address that is not
    /// the service's own.
    pub credentials: Option<(&'static str, &'a Secret)>,
    /// How long the whole request may take.
    pub timeout: Duration,
}

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks.
    Get,
    /// Has something done.
    Post,
    /// Takes something away.
    Delete,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, complete.
    pub body: Vec<u8>,
    /// `Retry-After` in seconds, where the header holds a number.
    pub retry_after_seconds: Option<u64>,
    /// The header `Date`, as it came.
    pub date: Option<String>,
}

/// Carries one request to the service.
pub trait Transport {
    /// Sends `request` once and reads the whole response. Blocks for its time-out at most.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::UntrustedServer`], [`Error::Process`] or [`Error::Local`]: there
    /// is no response. A response with a bad status is none of these.
    fn send(&self, request: &Request<'_>) -> Result<Response, Error>;

    /// Makes ready in the background for a request to `url`, without sending a byte of it. Returns at
    /// once; takes `limit` at most. What fails is found again by the request. Does nothing by default.
    fn preconnect(&self, url: &str, limit: Duration) {
        let _ = (url, limit);
    }
}
