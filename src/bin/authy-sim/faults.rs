//! Faults on demand: what may be armed with `POST /faults`, and which of them comes next.
//!
//! A fault acts where it happens: on the reply, on the byte stream below the HTTP server, or on the
//! listener. Each is armed for a number of times; whatever has no end by nature is bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::certificates::WRONG;
use crate::service::App;

/// How long a silent server stays silent at most.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// One armed fault.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    /// Which requests; all of them when empty.
    #[serde(rename = "match")]
    matching: Matching,
    /// For how many requests or connections; 0 for all that come.
    times: Option<u32>,
    /// Run the request as well, and throw its answer away.
    after: bool,

    // On the reply.
    status: Option<u16>,
    body: Option<String>,
    headers: BTreeMap<String, String>,
    redirect: Option<String>,
    silent: bool,

    // On the byte stream.
    #[serde(flatten)]
    plan: Plan,

    // On the listener.
    listener: Option<ListenerFault>,
    certificate: Option<String>,
}

/// Which requests a fault is for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Matching {
    /// A part of the path.
    path: String,
    /// The method.
    method: Option<String>,
}

/// What happens to the bytes of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Plan {
    /// Nothing for so long.
    pub(crate) delay_ms: Option<u64>,
    /// A few bytes at a time, from the first on.
    pub(crate) drip: Option<Pace>,
    /// A few bytes at a time, from the body on.
    pub(crate) drip_body: Option<Pace>,
    /// The connection is closed after so many bytes.
    pub(crate) cut_after: Option<usize>,
    /// The connection is reset in place of an answer.
    pub(crate) reset: bool,
    /// Random bytes in place of an answer.
    pub(crate) garbage: bool,
    /// A part of the answer that does not end.
    pub(crate) endless: Option<Endless>,
}

/// So many bytes, so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pace {
    pub(crate) bytes: usize,
    pub(crate) every_ms: u64,
}

/// What does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Endless {
    #[serde(rename = "body")]
    Body,
    #[serde(rename = "headers")]
    Headers,
    #[serde(rename = "1xx")]
    Informational,
}

/// What a connection meets in place of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListenerFault {
    /// Accepted, and nothing more.
    Silent,
    /// Plain HTTP.
    Plain,
    /// Closed at once.
    Close,
    /// Reset at once.
    Reset,
    /// Random bytes.
    Garbage,
    /// A right handshake, byte by byte.
    SlowHandshake,
    /// A right handshake, and nothing more.
    TlsSilent,
}

/// The faults that are armed, in their order.
#[derive(Debug, Default)]
pub(crate) struct Armed(Vec<Fault>);

impl Armed {
    /// Arms what a request's body says: one fault or a list of them.
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
                .is_some_and(|name| !WRONG.contains(&name))
            {
                return Err(format!("certificate must be one of {}", WRONG.join(", ")));
            }
            faults.push(fault);
        }
        self.0.append(&mut faults);
        Ok(())
    }

    pub(crate) fn disarm(&mut self) {
        self.0.clear();
    }

    pub(crate) fn list(&self) -> &[Fault] {
        &self.0
    }

    /// The fault for the next connection, used once.
    pub(crate) fn next_connection(&mut self) -> (Option<ListenerFault>, Option<String>) {
        match self.take(|fault| fault.is_for_listener()) {
            Some(fault) => (fault.listener, fault.certificate),
            None => (None, None),
        }
    }

    fn next_request(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.take(|fault| {
            let Matching {
                path: part,
                method: wanted,
            } = &fault.matching;
            !fault.is_for_listener()
                && path.contains(part.as_str())
                && wanted
                    .as_deref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        })
    }

    fn take(&mut self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let at = self.0.iter().position(wanted)?;
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

    fn answer(&self) -> Response {
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

/// The plan for the bytes of one connection's next answer, set by a request and carried out below.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Option<Plan>>>);

impl Wire {
    pub(crate) fn set(&self, plan: Plan) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    pub(crate) fn take(&self) -> Option<Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Lets a request of the API meet the fault that is armed for it.
pub(crate) async fn meet(State(sim): App, request: Request, next: Next) -> Response {
    let found = sim
        .faults()
        .next_request(request.method().as_str(), request.uri().path());
    let Some(fault) = found else {
        return next.run(request).await;
    };
    if fault.plan != Plan::default()
        && let Some(wire) = request.extensions().get::<Wire>()
    {
        wire.set(fault.plan.clone());
    }
    let answer = if fault.replaces_answer() && !fault.after {
        fault.answer()
    } else {
        let answer = next.run(request).await;
        if fault.replaces_answer() {
            fault.answer()
        } else {
            answer
        }
    };
    if fault.silent {
        tokio::time::sleep(SILENCE).await;
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_met_as_often_as_it_was_armed_for() {
        let mut armed = Armed::default();
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
    fn listener_faults_wait_for_a_connection() {
        let mut armed = Armed::default();
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
    fn an_unknown_member_is_named() {
        let mut armed = Armed::default();
        assert_eq!(
            armed.arm(br#"{"statsu":500}"#),
            Err("unknown member statsu".into())
        );
        assert!(armed.arm(br#"{"certificate":"x"}"#).is_err());
        assert!(armed.arm(b"nonsense").is_err());
        assert!(armed.list().is_empty());
    }
}
