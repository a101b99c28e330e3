//! Faults on demand: the faults that `POST /faults` can arm, and the choice of the next one.
//!
//! A fault acts at one of three levels: on the HTTP reply (the middleware [`inject`]), on the byte
//! stream below the HTTP server (`stream.rs`), or on the listener (`listener.rs`). Each fault is
//! armed for a number of requests or connections. Faults that would never end are bounded.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::fault::{Fault, ListenerFault, StreamFault};
use crate::service::SimState;

/// The longest time that a silent server stays silent.
pub(crate) const MAX_SILENCE: Duration = Duration::from_secs(60);

/// How much of a request is read before a fault answers it, in bytes.
const READ_LIMIT: usize = 1024 * 1024;

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
        let value: serde_json::Value =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let list = match value {
            serde_json::Value::Array(list) => list,
            one => vec![one],
        };
        let mut faults = Vec::new();
        for one in list {
            faults.push(Fault::read(one)?);
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
        for wrong in [
            r#"{"certificate":"x"}"#,
            r#"{"match":{"pth":"/sms"}}"#,
            r#"{"drip":{"bytes":1,"every_ms":1,"x":1}}"#,
            r#"{"drip":{"bytes":0,"every_ms":1}}"#,
            r#"{"status":99}"#,
            r#"{"status":"500"}"#,
            r#"{"headers":{"a b":"c"}}"#,
            r#"{"redirect":"a\nb"}"#,
            r#"[{"status":500},{"status":1000}]"#,
        ] {
            assert!(armed.arm(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(armed.arm(b"nonsense").is_err());
        assert!(armed.list().is_empty());
    }
}
