//! A client of the Authy API, shared by `pam_authy.so` and `authyctl`.
//!
//! It knows nothing of Unix users, configuration or PAM. Every request goes through the one private
//! `Client::call`: key in the header, one deadline, bounded body, no redirects, no environment.
//! A resource is a small file of its own: what to ask, how to read the answer.
//!
//! | resource | calls | file |
//! |---|---|---|
//! | [`Client::tokens`] | verify, sms, call, e-mail | `tokens.rs` |
//! | [`Client::users`] | create, status, delete, secret (QR), update | `users.rs` |
//! | | activity, registration, phone number | `activity.rs` |
//! | [`Client::approvals`] | OneTouch: create, status, wait | `approvals.rs` |
//! | [`Client::phones`] | verification start, check and status, info | `phones.rs` |
//! | [`Client::app`] | details, stats, events | `app.rs` |
//! | [`Client::devices`] | delete | `devices.rs` |
//! | [`callback`] | the signature of what OneTouch posts back | `callback.rs` |

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
use crate::client::http::{Method, Request, Response, Transport};
pub use error::{Error, Refusal};
use reply::Reply;
use serde_json::Value;

use crate::base::deadline::Deadline;
use crate::base::secret::Secret;

/// The header with the API key.
const KEY_HEADER: &str = "X-Authy-API-Key";

/// A client for one application at Authy.
#[derive(Debug)]
pub struct Client<T> {
    transport: T,
    base_url: String,
    key: Secret,
    timeout: Duration,
}

impl<T: Transport> Client<T> {
    /// A client that asks the service at `base_url` (without a slash at its end) with the API `key`,
    /// each request taking `timeout` at most. Sends nothing yet.
    #[must_use]
    pub fn new(transport: T, base_url: &str, key: Secret, timeout: Duration) -> Self {
        Self {
            transport,
            base_url: base_url.to_owned(),
            key,
            timeout,
        }
    }

    /// Opens a connection to the service in the background, for the request that is to come. Returns
    /// at once; what it does ends by `deadline`.
    pub fn preconnect(&self, deadline: Deadline) {
        if let Ok(limit) = self.time_for_one(deadline) {
            self.transport.preconnect(&self.base_url, limit);
        }
    }

    /// Questions about tokens.
    pub fn tokens(&self) -> tokens::Tokens<'_, T> {
        tokens::Tokens(self)
    }

    /// Questions about people.
    pub fn users(&self) -> users::Users<'_, T> {
        users::Users(self)
    }

    /// Approval requests (OneTouch).
    pub fn approvals(&self) -> approvals::Approvals<'_, T> {
        approvals::Approvals(self)
    }

    /// Phone numbers of people who need no authy id.
    pub fn phones(&self) -> phones::Phones<'_, T> {
        phones::Phones(self)
    }

    /// Questions about the application itself.
    pub fn app(&self) -> app::App<'_, T> {
        app::App(self)
    }

    /// Devices that people registered with the application's own SDK.
    pub fn devices(&self) -> devices::Devices<'_, T> {
        devices::Devices(self)
    }

    /// Asks for what stands at `path`; see `call`.
    fn get(&self, path: &str, query: &[(&str, &str)], deadline: Deadline) -> Result<Reply, Error> {
        let path = Secret::new(format!("{path}{}", query_string(query)));
        self.call(Method::Get, &path, None, deadline)
    }

    /// Has the service do what `path` and `body` say; see `call`.
    fn post(&self, path: &str, body: &Value, deadline: Deadline) -> Result<Reply, Error> {
        let path = Secret::new(path.to_owned());
        let body = Secret::new(body.to_string());
        self.call(Method::Post, &path, Some(&body), deadline)
    }

    /// Takes away what stands at `path`; see `call`.
    fn delete(&self, path: &str, deadline: Deadline) -> Result<Reply, Error> {
        let path = Secret::new(path.to_owned());
        self.call(Method::Delete, &path, None, deadline)
    }

    /// The one way out: sends a request and reads the envelope of what comes back. Blocks for the
    /// client's time-out or until `deadline`, whichever is sooner. `path` is made of fixed words and
    /// checked types only.
    fn call(
        &self,
        method: Method,
        path: &Secret,
        body: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Reply, Error> {
        let url = Secret::new(format!("{}{}", self.base_url, path.expose()));
        let request = Request {
            method,
            url: &url,
            body,
            credentials: Some((KEY_HEADER, &self.key)),
            timeout: self.time_for_one(deadline)?,
        };
        Reply::read(&self.transport.send(&request)?)
    }

    /// Fetches what stands at an address that the service named, which gets no key.
    fn fetch(&self, url: &Secret, deadline: Deadline) -> Result<Response, Error> {
        Ok(self.transport.send(&Request {
            method: Method::Get,
            url,
            body: None,
            credentials: None,
            timeout: self.time_for_one(deadline)?,
        })?)
    }

    fn time_for_one(&self, deadline: Deadline) -> Result<Duration, Error> {
        let time = self.timeout.min(deadline.remaining(Instant::now()));
        if time.is_zero() {
            return Err(Error::Unavailable(Cause::TimedOut));
        }
        Ok(time)
    }
}

/// An object of the members that have a value.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// `?a=b&c=d` with everything but letters, digits and `-_.~` percent-encoded; empty for no pairs.
fn query_string(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        out.push(if out.is_empty() { '?' } else { '&' });
        percent_encode(name, &mut out);
        out.push('=');
        percent_encode(value, &mut out);
    }
    out
}

fn percent_encode(text: &str, out: &mut String) {
    use std::fmt::Write;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
pub(crate) mod scripted {
    //! A transport that answers from a list and remembers what was asked.

    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;
    use crate::client::http;

    /// Answers in the order given; a request beyond the last fails the test.
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

    /// `Get https://…`, or `Post https://… {…}`.
    fn describe(request: &Request<'_>) -> String {
        let line = format!("{:?} {}", request.method, request.url.expose());
        match request.body {
            Some(body) => format!("{line} {}", body.expose()),
            None => line,
        }
    }

    /// A client whose service answers `answers`.
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
        /// What was asked, in order.
        pub(crate) fn asked(&self) -> Vec<String> {
            self.transport.asked.borrow().clone()
        }
    }

    /// A deadline far away.
    pub(crate) fn later() -> Deadline {
        Deadline::after(Instant::now(), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_cannot_leave_their_place() {
        assert_eq!(
            query_string(&[("action", "a b&c=d/é#")]),
            "?action=a%20b%26c%3Dd%2F%C3%A9%23"
        );
        assert_eq!(query_string(&[]), "");
    }

    #[test]
    fn a_spent_deadline_sends_nothing() {
        let client = scripted::client(&[]);
        let over = Deadline::after(Instant::now(), Duration::ZERO);
        let error = client.get("/x", &[], over).unwrap_err();
        assert!(error.is_unavailable());
        assert!(client.asked().is_empty());
    }
}
