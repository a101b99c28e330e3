//! One fault that `POST /faults` can arm: its members, what it checks of them, and the reply that it
//! puts in place of the API's. `faults.rs` has those that are armed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::certificates::INVALID_CERTIFICATES;

/// One armed fault.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    /// The requests that it affects; every request if the filter is empty.
    #[serde(rename = "match")]
    pub(crate) filter: RequestFilter,
    /// The number of requests or connections that it affects: 1 if absent, 0 for no limit.
    pub(crate) times: Option<u32>,
    /// Execute the request too, and replace its answer afterwards.
    pub(crate) after: bool,

    // Faults of the reply.
    status: Option<u16>,
    body: Option<String>,
    headers: BTreeMap<String, String>,
    redirect: Option<String>,
    pub(crate) silent: bool,

    // Faults of the byte stream.
    #[serde(flatten)]
    pub(crate) stream: StreamFault,

    // Faults of the listener.
    pub(crate) listener: Option<ListenerFault>,
    pub(crate) certificate: Option<String>,
}

/// The requests that a fault affects.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RequestFilter {
    /// A part of the path.
    pub(crate) path: String,
    /// The HTTP method, in any case; every method if absent.
    pub(crate) method: Option<String>,
}

/// What happens to the bytes of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StreamFault {
    /// Nothing is sent for this many milliseconds.
    pub(crate) delay_ms: Option<u64>,
    /// The answer is sent a few bytes at a time, from its first byte.
    pub(crate) drip: Option<Pace>,
    /// The answer is sent a few bytes at a time, from the start of its body.
    pub(crate) drip_body: Option<Pace>,
    /// The connection is closed after this many bytes.
    pub(crate) cut_after: Option<usize>,
    /// The connection is reset instead of an answer.
    pub(crate) reset: bool,
    /// Random bytes are sent instead of an answer.
    pub(crate) garbage: bool,
    /// One part of the answer does not end.
    pub(crate) endless: Option<Endless>,
}

/// A sending rate: `bytes` bytes every `every_ms` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pace {
    pub(crate) bytes: NonZeroUsize,
    pub(crate) every_ms: u64,
}

/// The part of an answer that does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Endless {
    #[serde(rename = "body")]
    Body,
    #[serde(rename = "headers")]
    Headers,
    #[serde(rename = "1xx")]
    Informational,
}

/// What a connection gets instead of normal TLS service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListenerFault {
    /// The connection is accepted, and nothing is sent.
    Silent,
    /// The server answers in plain HTTP.
    Plain,
    /// The connection is closed at once.
    Close,
    /// The connection is reset at once.
    Reset,
    /// The server sends random bytes.
    Garbage,
    /// The server sends a valid handshake one byte per second.
    SlowHandshake,
    /// The handshake succeeds, and nothing is sent afterwards.
    TlsSilent,
}

/// The JSON members of a fault.
const MEMBERS: [&str; 17] = [
    "match",
    "times",
    "after",
    "status",
    "body",
    "headers",
    "redirect",
    "silent",
    "delay_ms",
    "drip",
    "drip_body",
    "cut_after",
    "reset",
    "garbage",
    "endless",
    "listener",
    "certificate",
];

impl Fault {
    /// Reads a fault.
    ///
    /// # Errors
    /// A text that names what is unknown or cannot be sent.
    pub(crate) fn read(value: serde_json::Value) -> Result<Self, String> {
        let names = value.as_object().map(serde_json::Map::keys);
        let is_unknown = |name: &&String| !MEMBERS.contains(&name.as_str());
        if let Some(unknown) = names.into_iter().flatten().find(is_unknown) {
            return Err(format!("unknown member {unknown}"));
        }
        let fault: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let is_known = |name: &str| INVALID_CERTIFICATES.contains(&name);
        if fault
            .certificate
            .as_deref()
            .is_some_and(|name| !is_known(name))
        {
            let names = INVALID_CERTIFICATES.join(", ");
            return Err(format!("certificate must be one of {names}"));
        }
        fault.check_reply()?;
        Ok(fault)
    }

    pub(crate) fn is_for_listener(&self) -> bool {
        self.listener.is_some() || self.certificate.is_some()
    }

    /// Checks that the reply can be sent.
    fn check_reply(&self) -> Result<(), String> {
        let is_status = |status: u16| (200..1000).contains(&status);
        if self.status.is_some_and(|status| !is_status(status)) {
            return Err("status must be between 200 and 999".to_owned());
        }
        let is_header = |name: &str, value: &str| {
            HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok()
        };
        let headers = self.headers.iter();
        if let Some((name, _)) = headers
            .clone()
            .find(|(name, value)| !is_header(name, value))
        {
            return Err(format!("{name:?} is no header of HTTP"));
        }
        let redirect = self.redirect.as_deref().unwrap_or_default();
        if !is_header("location", redirect) {
            return Err(format!("{redirect:?} is no address"));
        }
        Ok(())
    }

    pub(crate) fn replaces_answer(&self) -> bool {
        self.status.is_some()
            || self.body.is_some()
            || !self.headers.is_empty()
            || self.redirect.is_some()
    }

    /// Returns the reply that replaces the answer of the API.
    pub(crate) fn replacement(&self) -> Response {
        let status = self
            .status
            .unwrap_or(if self.redirect.is_some() { 302 } else { 200 });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body.clone().unwrap_or_default()).into_response();
        let redirect = self.redirect.iter().map(|to| ("location", to.as_str()));
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in headers.chain(redirect) {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
