//! A client of Twilio Verify v2, used by logins, by authyctl, and by other programs.
//!
//! It knows nothing of Unix users, configuration or PAM. Every request goes through the private
//! function `Client::send`, which adds the key (Basic authentication) and sets one deadline. No
//! request is repeated: when the answer to a right check is lost, a second check is refused. The
//! answers are not trusted; `reply` reads them. Each resource is a small file that builds the
//! requests and reads the answers.
//!
//! | resource | calls | file |
//! |---|---|---|
//! | [`Client::verifications`] | start, check, fetch, cancel | `verifications.rs` |
//! | [`Client::challenges`] | create, update, fetch, list | `challenges/` |
//! | [`Client::factors`] | create, verify, fetch, list, delete | `factors/` |
//! | [`Client::entities`] | create, fetch, list, delete | `entities.rs` |
//! | [`Client::services`] | create, fetch, update, list, delete | `services.rs` |
//! | [`Client::attempts`] | list, summary | `attempts.rs` |
//! | [`Client::lookup`] | phone numbers (Lookup v2) | `lookup.rs` |

pub mod attempts;
pub mod challenges;
pub mod entities;
pub mod error;
pub mod factors;
pub mod lookup;
mod reply;
pub mod services;
pub mod verifications;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

pub use crate::client::http::Cause;
use crate::client::http::form;
use crate::client::http::{Body, Method, Request, Response, Transport};
pub use error::{Error, Refusal};
use reply::{Reply, unexpected};

use crate::base::deadline::Deadline;
use crate::base::factor::twilio::{KeySid, ServiceSid};
use crate::base::secret::Secret;

/// The name of the header with the key.
const KEY_HEADER: &str = "Authorization";
/// How many items of a list one answer has: a body of this many is below the limit of the transport.
const PAGE_SIZE: &str = "20";
/// The most answers that are read of one list.
const MAX_PAGES: usize = 50;

/// A client of one Verify service at Twilio.
#[derive(Debug)]
pub struct Client<T> {
    transport: T,
    base_url: String,
    service: ServiceSid,
    /// The value of the header with the key.
    credentials: Secret,
    timeout: Duration,
}

impl<T: Transport> Client<T> {
    /// Creates a client of `service` at `base_url` (`https://verify.twilio.com`, without `/v2` and
    /// without a slash at the end) with an API key. Each request takes `timeout` at most. Sends
    /// nothing.
    ///
    /// ```
    /// use std::error::Error;
    /// use std::time::Duration;
    ///
    /// use pam_authy::base::deadline::Deadline;
    /// use pam_authy::base::factor::{Channel, Phone};
    /// use pam_authy::base::secret::Secret;
    /// use pam_authy::client::http::{Https, Transport};
    /// use pam_authy::client::twilio::Client;
    /// use pam_authy::client::twilio::verifications::{StartOptions, Verification};
    ///
    /// fn send<T: Transport>(transport: T, secret: &Secret) -> Result<Verification, Box<dyn Error>> {
    ///     let service = "VA0123456789abcdef0123456789abcdef".parse()?;
    ///     let key = "SK0123456789abcdef0123456789abcdef".parse()?;
    ///     let (url, timeout) = ("https://verify.twilio.com", Duration::from_secs(10));
    ///     let client = Client::new(transport, url, service, &key, secret, timeout);
    ///     let number: Phone = "+15551234567".parse()?;
    ///     let deadline = Deadline::within(timeout);
    ///     let options = StartOptions::default();
    ///     Ok(client.verifications().start(&number, Channel::Sms, &options, deadline)?)
    /// }
    /// # let _ = send::<Https>;
    /// ```
    #[must_use]
    pub fn new(
        transport: T,
        base_url: &str,
        service: ServiceSid,
        key: &KeySid,
        key_secret: &Secret,
        timeout: Duration,
    ) -> Self {
        let pair = Secret::new(format!("{key}:{}", key_secret.expose()));
        let encoded = Secret::new(BASE64_STANDARD.encode(pair.expose()));
        Self {
            transport,
            base_url: base_url.to_owned(),
            service,
            credentials: Secret::new(format!("Basic {}", encoded.expose())),
            timeout,
        }
    }

    /// Opens a connection to Twilio in the background for the next request. Returns at once; the
    /// work ends by `deadline`.
    pub fn preconnect(&self, deadline: Deadline) {
        if let Ok(limit) = self.request_timeout(deadline) {
            self.transport.preconnect(&self.base_url, limit);
        }
    }

    /// Returns the calls about codes that are sent by SMS or read out in a call.
    pub fn verifications(&self) -> verifications::Verifications<'_, T> {
        verifications::Verifications(self)
    }

    /// Returns the calls about logins by an app.
    pub fn challenges(&self) -> challenges::Challenges<'_, T> {
        challenges::Challenges(self)
    }

    /// Returns the calls about the apps of a person.
    pub fn factors(&self) -> factors::Factors<'_, T> {
        factors::Factors(self)
    }

    /// Returns the calls about people.
    pub fn entities(&self) -> entities::Entities<'_, T> {
        entities::Entities(self)
    }

    /// Returns the calls about the service itself.
    pub fn services(&self) -> services::Services<'_, T> {
        services::Services(self)
    }

    /// Returns the calls about what was sent.
    pub fn attempts(&self) -> attempts::Attempts<'_, T> {
        attempts::Attempts(self)
    }

    /// Returns the calls about phone numbers.
    pub fn lookup(&self) -> lookup::Lookup<'_, T> {
        lookup::Lookup(self)
    }

    /// Returns the path of a resource below the service.
    fn path(&self, below: &str) -> String {
        format!("/v2/Services/{}{below}", self.service)
    }

    /// Sends a GET request.
    fn get(&self, path: &str, query: &[(&str, &str)], deadline: Deadline) -> Result<Reply, Error> {
        let path = format!("{path}{}", form::query_string(query));
        Reply::read(&self.send(Method::Get, &path, None, deadline)?)
    }

    /// Sends a POST request with a form.
    fn post(&self, path: &str, pairs: &[(&str, &str)], deadline: Deadline) -> Result<Reply, Error> {
        let form = Secret::new(form::encode(pairs));
        Reply::read(&self.send(Method::Post, path, Some(&form), deadline)?)
    }

    /// Sends a DELETE request.
    fn delete(&self, path: &str, deadline: Deadline) -> Result<(), Error> {
        Reply::read_deleted(&self.send(Method::Delete, path, None, deadline)?)
    }

    /// Reads a list page by page: the array `key` of each answer. A next page that is not one of the
    /// same list ends in an error, since the key would be sent to wherever it leads.
    fn list<R>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        key: &str,
        deadline: Deadline,
        read: impl Fn(&Reply) -> Result<R, Error>,
    ) -> Result<Vec<R>, Error> {
        let query = [&[("PageSize", PAGE_SIZE)], query].concat();
        let mut next = format!("{path}{}", form::query_string(&query));
        let first = format!("{}{path}?", self.base_url);
        let mut items = Vec::new();
        for _ in 0..MAX_PAGES {
            let reply = Reply::read(&self.send(Method::Get, &next, None, deadline)?)?;
            for item in reply.objects(key)? {
                items.push(read(&item)?);
            }
            let meta = reply.object("meta");
            let Some(url) = meta.as_ref().and_then(|meta| meta.get("next_page_url")) else {
                return Ok(items);
            };
            let url = url.as_str().filter(|url| url.starts_with(&first));
            let url = url.filter(|url| url.bytes().all(|byte| byte.is_ascii_graphic()));
            let url = url.ok_or_else(|| reply.unexpected("the next page is elsewhere"))?;
            next = url
                .get(self.base_url.len()..)
                .unwrap_or_default()
                .to_owned();
        }
        Err(unexpected(200, "the list does not end"))
    }

    /// Sends a request with the key. Blocks for the client's time-out or until `deadline`, whichever
    /// is sooner. `path` must consist only of literals, checked types and encoded text.
    fn send(
        &self,
        method: Method,
        path: &str,
        form: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        self.send_to(&self.base_url, method, path, form, deadline)
    }

    fn send_to(
        &self,
        base_url: &str,
        method: Method,
        path: &str,
        form: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let url = Secret::new(format!("{base_url}{path}"));
        Ok(self.transport.send(&Request {
            method,
            url: &url,
            body: form.map(Body::Form),
            credentials: Some((KEY_HEADER, &self.credentials)),
            timeout: self.request_timeout(deadline)?,
        })?)
    }

    /// Returns how long a request may take that starts now.
    fn request_timeout(&self, deadline: Deadline) -> Result<Duration, Error> {
        let timeout = self.timeout.min(deadline.remaining(Instant::now()));
        if timeout.is_zero() {
            // No byte of it was sent.
            let why = "the time is over".to_owned();
            return Err(Error::Unavailable(Cause::NoConnection(why)));
        }
        Ok(timeout)
    }
}

#[cfg(test)]
pub(crate) mod scripted;

#[cfg(test)]
mod tests;
