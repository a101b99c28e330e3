//! Faults on demand: the faults that `POST /faults` can arm, and the choice of the next one.
//!
//! A fault acts at one of three levels: on the HTTP reply (the middleware [`inject`]), on the byte
//! stream below the HTTP server (`stream.rs`), or on the listener (`listener.rs`). Each fault is
//! armed for a number of requests or connections. Faults that would never end are bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::certificates::INVALID_CERTIFICATES;
use crate::service::SimState;

/// The longest time that a silent server stays silent.
pub(crate) const MAX_SILENCE: Duration = Duration::from_secs(60);

/// How much of a request is read before a fault answers it, in bytes.
const READ_LIMIT: usize = 1024 * 1024;

/// One armed fault.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    /// The requests that it affects; every request if the filter is empty.
    #[serde(rename = "match")]
    filter: RequestFilter,
    /// The number of requests or connections that it affects: 1 if absent, 0 for no limit.
    times: Option<u32>,
    /// Execute the request too, and replace its answer afterwards.
    after: bool,

    // Faults of the reply.
    status: Option<u16>,
    body: Option<String>,
    headers: BTreeMap<String, String>,
    redirect: Option<String>,
    silent: bool,

    // Faults of the byte stream.
    #[serde(flatten)]
    stream: StreamFault,

    // Faults of the listener.
    listener: Option<ListenerFault>,
    certificate: Option<String>,
}

/// The requests that a fault affects.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RequestFilter {
    /// A part of the path.
    path: String,
    /// The HTTP method, in any case; every method if absent.
    method: Option<String>,
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
pub(crate) struct Pace {
    pub(crate) bytes: usize,
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

/// The armed faults, in the order in which they were armed.
#[derive(Debug, Default)]
pub(crate) struct ArmedFaults(Vec<Fault>);

impl ArmedFaults {
    /// Arms the fault or the list of faults in a request's JSON body. Arms nothing if one of them
    /// is invalid.
    ///
    /// # Errors
    /// A text that names the error.
    pub(crate) fn arm(&mut self, body: &[u8]) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Names(BTreeMap<String, serde_json::Value>);
        let value: serde_json::Value =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let list = match value {
            serde_json::Value::Array(list) => list,
            one => vec![one],
        };
        let mut faults = Vec::new();
        for one in list {
            let names: Names = serde_json::from_value(one.clone()).map_err(|e| e.to_string())?;
            if let Some(unknown) = names
                .0
                .keys()
                .find(|name| !MEMBERS.contains(&name.as_str()))
            {
                return Err(format!("unknown member {unknown}"));
            }
            let fault: Fault = serde_json::from_value(one).map_err(|error| error.to_string())?;
            if fault
                .certificate
                .as_deref()
                .is_some_and(|name| !INVALID_CERTIFICATES.contains(&name))
            {
                let names = INVALID_CERTIFICATES.join(", ");
                return Err(format!("certificate must be one of {names}"));
            }
            faults.push(fault);
        }
        self.0.append(&mut faults);
        Ok(())
    }

    /// Disarms every fault.
    pub(crate) fn disarm(&mut self) {
        self.0.clear();
    }

    /// Returns the armed faults.
    pub(crate) fn list(&self) -> &[Fault] {
        &self.0
    }

    /// Takes the next fault of the listener: the misbehaviour, and the name of the invalid
    /// certificate.
    pub(crate) fn next_connection(&mut self) -> (Option<ListenerFault>, Option<String>) {
        match self.take(|fault| fault.is_for_listener()) {
            Some(fault) => (fault.listener, fault.certificate),
            None => (None, None),
        }
    }

    /// Takes the next fault for a request.
    fn next_request(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.take(|fault| {
            let filter = &fault.filter;
            !fault.is_for_listener()
                && path.contains(filter.path.as_str())
                && filter
                    .method
                    .as_deref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        })
    }

    /// Takes the first fault that `is_match` accepts, and counts its use.
    fn take(&mut self, is_match: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let at = self.0.iter().position(is_match)?;
        let fault = self.0[at].clone();
        match fault.times.unwrap_or(1) {
            0 => {}
            1 => {
                self.0.remove(at);
            }
            times => self.0[at].times = Some(times - 1),
        }
        Some(fault)
    }
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
    fn is_for_listener(&self) -> bool {
        self.listener.is_some() || self.certificate.is_some()
    }

    fn replaces_answer(&self) -> bool {
        self.status.is_some()
            || self.body.is_some()
            || !self.headers.is_empty()
            || self.redirect.is_some()
    }

    /// Returns the reply that replaces the answer of the API.
    fn replacement(&self) -> Response {
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

/// The stream fault for the next answer on one connection: [`inject`] sets it, `stream.rs` takes
/// it.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingStreamFault(Arc<Mutex<Option<StreamFault>>>);

impl PendingStreamFault {
    pub(crate) fn set(&self, fault: StreamFault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    pub(crate) fn take(&self) -> Option<StreamFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Middleware of the API that applies the armed fault, if there is one, to a request.
pub(crate) async fn inject(State(sim): SimState, request: Request, next: Next) -> Response {
    let found = sim
        .faults()
        .next_request(request.method().as_str(), request.uri().path());
    let Some(fault) = found else {
        return next.run(request).await;
    };
    if fault.stream != StreamFault::default()
        && let Some(pending) = request.extensions().get::<PendingStreamFault>()
    {
        pending.set(fault.stream.clone());
    }
    let answer = if fault.replaces_answer() && !fault.after {
        // hyper closes a connection whose request was not read to its end, now and then before the
        // client has sent its next request.
        let _ = to_bytes(request.into_body(), READ_LIMIT).await;
        fault.replacement()
    } else {
        let answer = next.run(request).await;
        if fault.replaces_answer() {
            fault.replacement()
        } else {
            answer
        }
    };
    if fault.silent {
        tokio::time::sleep(MAX_SILENCE).await;
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_applies_as_many_times_as_it_was_armed_for() {
        let mut armed = ArmedFaults::default();
        armed
            .arm(br#"{"match":{"path":"/verify"},"times":2,"status":500}"#)
            .unwrap();
        assert!(armed.next_request("GET", "/protected/json/sms/5").is_none());
        for _ in 0..2 {
            assert!(
                armed
                    .next_request("GET", "/protected/json/verify/1/5")
                    .is_some()
            );
        }
        assert!(
            armed
                .next_request("GET", "/protected/json/verify/1/5")
                .is_none()
        );
    }

    #[test]
    fn listener_faults_apply_to_connections_only() {
        let mut armed = ArmedFaults::default();
        armed
            .arm(br#"[{"certificate":"expired"},{"listener":"slow_handshake"}]"#)
            .unwrap();
        assert!(armed.next_request("GET", "/").is_none());
        assert_eq!(armed.next_connection(), (None, Some("expired".into())));
        assert_eq!(
            armed.next_connection(),
            (Some(ListenerFault::SlowHandshake), None)
        );
        assert_eq!(armed.next_connection(), (None, None));
    }

    #[test]
    fn an_unknown_member_is_refused_and_named() {
        let mut armed = ArmedFaults::default();
        assert_eq!(
            armed.arm(br#"{"statsu":500}"#),
            Err("unknown member statsu".into())
        );
        assert!(armed.arm(br#"{"certificate":"x"}"#).is_err());
        assert!(armed.arm(b"nonsense").is_err());
        assert!(armed.list().is_empty());
    }
}
