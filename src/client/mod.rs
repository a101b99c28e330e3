//! A client of the Authy API, shared by `pam_authy.so` and `authyctl`.
//!
//! It knows nothing of Unix users, configuration or PAM. Every request goes through the one private
//! `Client::call`: key in the header, one deadline, bounded body, no redirects, no environment.
//! A resource is a small file of its own: what to ask, how to read the answer.
//!
//! | resource | calls | file |
//! |---|---|---|
//! | [`Client::tokens`] | verify, sms | `tokens.rs` |
//! | [`Client::users`] | status | `users.rs` |

pub mod error;
pub(crate) mod reply;
pub mod tokens;
pub mod transport;
pub mod types;
pub mod users;

use std::time::{Duration, Instant};

pub use error::{Cause, Error, Refusal};
use reply::Reply;
use transport::{Method, Request, Transport};

use crate::deadline::Deadline;
use crate::secret::Secret;

/// Authy's own address.
pub const PRODUCTION: &str = "https://api.authy.com";

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

    /// Questions about tokens.
    pub fn tokens(&self) -> tokens::Tokens<'_, T> {
        tokens::Tokens(self)
    }

    /// Questions about people.
    pub fn users(&self) -> users::Users<'_, T> {
        users::Users(self)
    }

    /// The one way out: sends a request and reads the envelope of what comes back. Blocks for the
    /// client's time-out or until `deadline`, whichever is sooner. `path` is made of fixed words and
    /// checked types only.
    fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        deadline: Deadline,
    ) -> Result<Reply, Error> {
        let timeout = self.timeout.min(deadline.remaining(Instant::now()));
        if timeout.is_zero() {
            return Err(Error::Unavailable(Cause::TimedOut));
        }
        let url = Secret::new(format!("{}{path}{}", self.base_url, query_string(query)));
        let request = Request {
            method,
            url: &url,
            key: &self.key,
            timeout,
        };
        Reply::read(&self.transport.send(&request)?)
    }
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
    use transport::Response;

    /// Answers in the order given; a request beyond the last fails the test.
    pub(crate) struct Scripted {
        answers: RefCell<VecDeque<(u16, String)>>,
        pub(crate) asked: RefCell<Vec<String>>,
    }

    impl Transport for Scripted {
        fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
            self.asked
                .borrow_mut()
                .push(format!("{:?} {}", request.method, request.url.expose()));
            let (status, body) = self
                .answers
                .borrow_mut()
                .pop_front()
                .expect("an answer is left");
            Ok(Response {
                status,
                body: body.into_bytes(),
                retry_after_seconds: None,
            })
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
        let error = client.call(Method::Get, "/x", &[], over).unwrap_err();
        assert!(error.is_unavailable());
        assert!(client.asked().is_empty());
    }
}
