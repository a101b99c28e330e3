//! A client of the Authy API, used by logins, by authyctl, and by other programs.
//!
//! It knows nothing of Unix users, configuration or PAM. Every API request goes through the private
//! function `Client::call`, which puts the key into a header and sets one deadline. The answers are
//! not trusted; `reply` reads them. Each resource is a small file that builds the requests and
//! reads the answers.
//!
//! | resource | calls | file |
//! |---|---|---|
//! | [`Client::tokens`] | verify, sms, call, e-mail | `tokens/` |
//! | [`Client::users`] | create, status, delete, secret (QR), update | `users/` |
//! | | activity, registration, phone number | `activity.rs` |
//! | [`Client::approvals`] | OneTouch: create, status, wait | `approvals/` |
//! | [`Client::phones`] | verification start, check and status, info | `phones/` |
//! | [`Client::app`] | details, stats, events | `app.rs` |
//! | [`Client::devices`] | delete | `devices.rs` |
//! | [`callback`] | the signature of OneTouch's callbacks | `callback/` |

pub mod activity;
pub mod app;
pub mod approvals;
pub mod callback;
pub mod devices;
pub mod error;
pub mod phones;
pub(crate) mod reply;
pub mod tokens;
pub mod types;
pub mod users;

use std::time::{Duration, Instant};

pub use crate::client::http::Cause;
use crate::client::http::form::query_string;
use crate::client::http::{Body, Method, Request, Response, Transport};
pub use error::{Error, Refusal};
use reply::Reply;
use serde_json::Value;

use crate::base::deadline::Deadline;
use crate::base::secret::Secret;

/// The name of the header with the API key.
const KEY_HEADER: &str = "X-Authy-API-Key";

/// A client of one application at Authy.
#[derive(Debug)]
pub struct Client<T> {
    transport: T,
    base_url: String,
    key: Secret,
    timeout: Duration,
}

impl<T: Transport> Client<T> {
    /// Creates a client of the service at `base_url` (without a slash at the end) with the API
    /// `key`. Each request takes `timeout` at most. Sends nothing.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use pam_authy::base::secret::Secret;
    /// use pam_authy::client::authy::Client;
    /// use pam_authy::client::http::{Https, Pem, Roots};
    ///
    /// fn client(ca: Vec<u8>, key: String) -> Client<Https> {
    ///     let roots = Roots::new(Pem { name: "the CA file".to_owned(), bytes: ca });
    ///     let (transport, key) = (Https::new(roots, None), Secret::new(key));
    ///     Client::new(transport, "https://api.authy.com", key, Duration::from_secs(10))
    /// }
    /// # client(Vec::new(), String::new());
    /// ```
    #[must_use]
    pub fn new(transport: T, base_url: &str, key: Secret, timeout: Duration) -> Self {
        Self {
            transport,
            base_url: base_url.to_owned(),
            key,
            timeout,
        }
    }

    /// Opens a connection to the service in the background for the next request. Returns at once;
    /// the work ends by `deadline`.
    pub fn preconnect(&self, deadline: Deadline) {
        if let Ok(limit) = self.request_timeout(deadline) {
            self.transport.preconnect(&self.base_url, limit);
        }
    }

    /// Returns the calls about tokens.
    pub fn tokens(&self) -> tokens::Tokens<'_, T> {
        tokens::Tokens(self)
    }

    /// Returns the calls about people.
    pub fn users(&self) -> users::Users<'_, T> {
        users::Users(self)
    }

    /// Returns the calls about approval requests (OneTouch).
    pub fn approvals(&self) -> approvals::Approvals<'_, T> {
        approvals::Approvals(self)
    }

    /// Returns the calls about phone numbers, whose people need no authy id.
    pub fn phones(&self) -> phones::Phones<'_, T> {
        phones::Phones(self)
    }

    /// Returns the calls about the application itself.
    pub fn app(&self) -> app::App<'_, T> {
        app::App(self)
    }

    /// Returns the calls about devices registered with the application's own SDK.
    pub fn devices(&self) -> devices::Devices<'_, T> {
        devices::Devices(self)
    }

    /// Sends a GET request; see `call`.
    fn get(&self, path: &str, query: &[(&str, &str)], deadline: Deadline) -> Result<Reply, Error> {
        let path = Secret::new(format!("{path}{}", query_string(query)));
        self.call(Method::Get, &path, None, deadline)
    }

    /// Sends a POST request; see `call`.
    fn post(&self, path: &str, body: &Value, deadline: Deadline) -> Result<Reply, Error> {
        let path = Secret::new(path.to_owned());
        let body = Secret::new(body.to_string());
        self.call(Method::Post, &path, Some(Body::Json(&body)), deadline)
    }

    /// Sends a DELETE request; see `call`.
    fn delete(&self, path: &str, deadline: Deadline) -> Result<Reply, Error> {
        let path = Secret::new(path.to_owned());
        self.call(Method::Delete, &path, None, deadline)
    }

    /// Sends a request with the API key and reads the envelope of the response. Blocks for the
    /// client's time-out or until `deadline`, whichever is sooner. `path` must consist only of
    /// literals and of checked types.
    fn call(
        &self,
        method: Method,
        path: &Secret,
        body: Option<Body<'_>>,
        deadline: Deadline,
    ) -> Result<Reply, Error> {
        let url = Secret::new(format!("{}{}", self.base_url, path.expose()));
        let request = Request {
            method,
            url: &url,
            body,
            credentials: Some((KEY_HEADER, &self.key)),
            timeout: self.request_timeout(deadline)?,
        };
        Reply::read(&self.transport.send(&request)?)
    }

    /// Fetches a URL that the service returned, without sending the API key.
    fn fetch(&self, url: &Secret, deadline: Deadline) -> Result<Response, Error> {
        Ok(self.transport.send(&Request {
            method: Method::Get,
            url,
            body: None,
            credentials: None,
            timeout: self.request_timeout(deadline)?,
        })?)
    }

    /// Returns how long a request may take that starts now.
    fn request_timeout(&self, deadline: Deadline) -> Result<Duration, Error> {
        let timeout = self.timeout.min(deadline.remaining(Instant::now()));
        if timeout.is_zero() {
            return Err(Error::Unavailable(Cause::TimedOut));
        }
        Ok(timeout)
    }
}

/// Creates a JSON object from the members that have a value.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

#[cfg(test)]
pub(crate) mod scripted {
    //! A transport that answers from a list and records the requests.

    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;
    use crate::client::http;

    /// Returns its answers in order. A request after the last answer fails the test.
    pub(crate) struct Scripted {
        answers: RefCell<VecDeque<(u16, String)>>,
        pub(crate) asked: RefCell<Vec<String>>,
    }

    impl Transport for Scripted {
        fn send(&self, request: &Request<'_>) -> Result<Response, http::Error> {
            self.asked.borrow_mut().push(describe(request));
            let (status, body) = self
                .answers
                .borrow_mut()
                .pop_front()
                .expect("an answer is left");
            Ok(Response {
                status,
                body: body.into_bytes(),
                retry_after_seconds: None,
                date: None,
            })
        }
    }

    /// Returns `Get https://…` or `Post https://… {…}`.
    fn describe(request: &Request<'_>) -> String {
        let line = format!("{:?} {}", request.method, request.url.expose());
        match request.body {
            Some(Body::Json(body) | Body::Form(body)) => format!("{line} {}", body.expose()),
            None => line,
        }
    }

    /// Creates a client whose service returns `answers`.
    pub(crate) fn client(answers: &[(u16, &str)]) -> Client<Scripted> {
        let answers = answers
            .iter()
            .map(|(status, body)| (*status, (*body).to_owned()))
            .collect();
        let transport = Scripted {
            answers: RefCell::new(answers),
            asked: RefCell::default(),
        };
        Client::new(
            transport,
            "https://authy.test",
            Secret::new("key".into()),
            Duration::from_secs(8),
        )
    }

    impl Client<Scripted> {
        /// Returns the requests in order.
        pub(crate) fn asked(&self) -> Vec<String> {
            self.transport.asked.borrow().clone()
        }
    }

    /// Returns a deadline that no test reaches.
    pub(crate) fn later() -> Deadline {
        Deadline::after(Instant::now(), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_deadline_sends_nothing() {
        let client = scripted::client(&[]);
        let expired = Deadline::after(Instant::now(), Duration::ZERO);
        let error = client.get("/x", &[], expired).unwrap_err();
        assert!(error.is_unavailable());
        assert!(client.asked().is_empty());
    }
}
