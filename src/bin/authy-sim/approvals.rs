//! Approval requests (OneTouch pushes): creation, the person's decision, and the signed callback
//! that reports the decision to the application.
//!
//! `service/onetouch.rs` creates and reads requests for the API; `control.rs` decides them for the
//! phone page and sends the callback.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::device;
use crate::ordered::{Json, ordered};
use crate::random;
use crate::state::now;

/// Lifetime of a request that names none, in seconds: one day.
const DEFAULT_LIFETIME: u64 = 86_400;

/// The id of the application in answers and callbacks about approval requests.
const APP_ID: &str = "0123456789abcdef01234568";
/// Length in bytes of the signature that the phone's own key makes.
const DEVICE_SIGNATURE_LENGTH: usize = 256;

/// All approval requests by uuid.
#[derive(Default)]
pub(crate) struct Approvals {
    all: BTreeMap<String, Approval>,
    /// The uuids of those that a request has changed.
    changed: BTreeSet<String>,
}

/// One approval request.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) uuid: String,
    pub(crate) authy_id: u64,
    pub(crate) message: String,
    pub(crate) details: Value,
    pub(crate) hidden_details: Value,
    pub(crate) logos: Value,
    /// Unix time in seconds.
    created_at: u64,
    /// Unix time in seconds; `None` if the request never expires.
    expires_at: Option<u64>,
    decision: Option<Decision>,
    /// Whether the application's server has answered the callback with HTTP 200.
    notified: bool,
}

/// The person's decision.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Decision {
    approved: bool,
    /// Unix time in seconds.
    at: u64,
}

impl Approvals {
    /// Adds a request to a person's phone. `lifetime` is in seconds: 0 means that the request never
    /// expires, `None` means one day.
    pub(crate) fn add(
        &mut self,
        authy_id: u64,
        message: &str,
        lifetime: Option<u64>,
    ) -> &mut Approval {
        let uuid = random::uuid();
        let expires_at = match lifetime.unwrap_or(DEFAULT_LIFETIME) {
            0 => None,
            seconds => Some(now() + seconds),
        };
        self.changed.insert(uuid.clone());
        self.all.entry(uuid.clone()).or_insert(Approval {
            uuid,
            authy_id,
            message: message.to_owned(),
            details: json!({}),
            hidden_details: json!({}),
            logos: Value::Null,
            created_at: now(),
            expires_at,
            decision: None,
            notified: false,
        })
    }

    /// Returns the request with this uuid.
    pub(crate) fn get(&self, uuid: &str) -> Option<&Approval> {
        self.all.get(uuid)
    }

    /// Returns the requests of one person, oldest first.
    pub(crate) fn of_person(&self, authy_id: u64) -> Vec<&Approval> {
        let mut found: Vec<_> = self
            .all
            .values()
            .filter(|a| a.authy_id == authy_id)
            .collect();
        found.sort_by_key(|approval| approval.created_at);
        found
    }

    /// Decides a pending request; returns `None` if no pending request has this uuid.
    pub(crate) fn decide(&mut self, uuid: &str, approve: bool) -> Option<Approval> {
        let approval = self.all.get_mut(uuid)?;
        if approval.status() != "pending" {
            return None;
        }
        approval.decision = Some(Decision {
            approved: approve,
            at: now(),
        });
        self.changed.insert(uuid.to_owned());
        Some(approval.clone())
    }

    /// Notes that the callback of a request was answered with HTTP 200.
    pub(crate) fn set_notified(&mut self, uuid: &str) {
        if let Some(approval) = self.all.get_mut(uuid) {
            approval.notified = true;
            self.changed.insert(uuid.to_owned());
        }
    }

    /// Adds a request as it was saved.
    pub(crate) fn put(&mut self, approval: Approval) {
        self.all.insert(approval.uuid.clone(), approval);
    }

    /// Returns the requests that have changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<&Approval> {
        let changed = std::mem::take(&mut self.changed);
        let found = changed.iter().filter_map(|uuid| self.all.get(uuid));
        found.collect()
    }
}

impl Approval {
    /// Returns `pending`, `expired`, `approved` or `denied`.
    pub(crate) fn status(&self) -> &'static str {
        match self.decision {
            Some(decision) if decision.approved => "approved",
            Some(_) => "denied",
            None if self.expires_at.is_some_and(|at| at <= now()) => "expired",
            None => "pending",
        }
    }

    /// Returns the request as the phone page shows it.
    pub(crate) fn phone_json(&self) -> Value {
        json!({
            "uuid": self.uuid,
            "message": self.message,
            "details": self.details,
            "hidden_details": self.hidden_details,
            "logos": self.logos,
            "created_at": self.created_at,
            "status": self.status(),
            "notified": self.notified,
            "seconds_left": self.expires_at.map(|at| at.saturating_sub(now())),
        })
    }

    /// Returns the request as the API answers it.
    pub(crate) fn api_json(&self, email: &str) -> Value {
        json!({
            "_app_name": "authy-sim",
            "_app_serial_id": 77,
            "_authy_id": self.authy_id,
            "_id": "0123456789abcdef01234567",
            "_user_email": email,
            "app_id": APP_ID,
            "user_id": "0123456789abcdef01234569",
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.decision.map_or(self.created_at, |made| made.at)),
            "processed_at": self.decision.map(|made| rfc3339(made.at)),
            "notified": self.notified,
            "seconds_to_expire": self.expires_at.map(|at| at - self.created_at),
            "status": self.status(),
            "uuid": self.uuid,
        })
    }

    /// Returns the body of the callback. `signature` is that of the phone, which cannot be
    /// checked, since its public key is not published: here it is random.
    fn callback_body(&self, os_type: &str) -> Json {
        let transaction = ordered! {
            "details": self.details.clone(),
            "device_details": ordered! {},
            "device_geolocation": Value::Null,
            "device_signing_time": now(),
            "encrypted": false,
            "flagged": false,
            "hidden_details": self.hidden_details.clone(),
            "message": self.message.as_str(),
            "reason": Value::Null,
            "requester_details": Value::Null,
            "status": self.status(),
            "uuid": self.uuid.as_str(),
            "created_at_time": self.created_at,
            "customer_uuid": "1",
        };
        ordered! {
            "authy_id": self.authy_id,
            "device_uuid": 1,
            "callback_action": "approval_request_status",
            "uuid": self.uuid.as_str(),
            "status": self.status(),
            "approval_request": ordered! {
                "transaction": transaction,
                "expiration_timestamp": self.expires_at,
                "logos": self.logos.clone(),
                "app_id": APP_ID,
            },
            "signature": STANDARD.encode(random::bytes::<DEVICE_SIGNATURE_LENGTH>()),
            "device": device::of_app(os_type),
        }
    }

    /// Sends the signed callback to `url` and returns the HTTP status. `os_type` is that of the
    /// person's phone. Blocks for at most 5 s.
    ///
    /// # Errors
    /// The text of the HTTP client's error if no answer arrives.
    pub(crate) fn send_callback(
        &self,
        os_type: &str,
        key: &str,
        url: &str,
        by_get: bool,
    ) -> Result<u16, String> {
        let body = serde_json::to_string(&self.callback_body(os_type));
        let body = body.map_err(|error| error.to_string())?;
        let form = serde_json::from_str(&body).map(|tree| signed_form(&tree));
        let form = form.map_err(|error| error.to_string())?;
        let nonce = now().to_string();
        let method = if by_get { "GET" } else { "POST" };
        let data = format!("{nonce}|{method}|{url}|{form}");
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, data.as_bytes()));
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(5)))
            .build()
            .new_agent();
        let answer = if by_get {
            // The query of a GET is exactly the text that is signed.
            let request = agent.get(format!("{url}?{form}"));
            let request = request.header("X-Authy-Signature-Nonce", &nonce);
            request.header("X-Authy-Signature", &signature).call()
        } else {
            let request = agent.post(url).content_type("application/json");
            let request = request.header("X-Authy-Signature-Nonce", &nonce);
            let request = request.header("X-Authy-Signature", &signature);
            request.send(&body)
        };
        answer
            .map(|answer| answer.status().as_u16())
            .map_err(|error| error.to_string())
    }
}

/// Returns the text that Authy signs: every leaf as `name=value`, the members of an object sorted
/// by their resulting text, the elements of an array in their original order.
fn signed_form(body: &Value) -> String {
    fn walk(name: &str, value: &Value) -> String {
        let mut parts: Vec<String> = match value {
            Value::Object(members) => {
                let inside = |key: &str| match name {
                    "" => key.to_owned(),
                    name => format!("{name}[{key}]"),
                };
                let mut parts: Vec<_> = members.iter().map(|(k, v)| walk(&inside(k), v)).collect();
                parts.sort();
                parts
            }
            Value::Array(all) => all.iter().map(|v| walk(&format!("{name}[]"), v)).collect(),
            leaf => {
                let text = match leaf {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                vec![serde_urlencoded::to_string([(name, text)]).unwrap_or_default()]
            }
        };
        parts.retain(|part| !part.is_empty());
        parts.join("&")
    }
    walk("", body)
}

/// Formats a Unix time in seconds by RFC 3339.
fn rfc3339(seconds: u64) -> String {
    let at = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    at.and_then(|at| {
        at.format(&time::format_description::well_known::Rfc3339)
            .ok()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_can_be_decided_only_once() {
        let mut approvals = Approvals::default();
        let uuid = approvals.add(1635, "Log in?", Some(40)).uuid.clone();
        assert_eq!(approvals.get(&uuid).unwrap().status(), "pending");
        assert_eq!(approvals.decide(&uuid, false).unwrap().status(), "denied");
        assert!(approvals.decide(&uuid, true).is_none());
    }

    #[test]
    fn an_expired_request_cannot_be_approved() {
        let mut approvals = Approvals::default();
        let approval = approvals.add(1635, "Log in?", Some(40));
        approval.expires_at = Some(now());
        let uuid = approval.uuid.clone();
        assert_eq!(approvals.get(&uuid).unwrap().status(), "expired");
        assert!(approvals.decide(&uuid, true).is_none());
    }

    #[test]
    fn the_signed_form_keeps_the_order_of_arrays_and_omits_empty_objects() {
        let body = json!({"b": [{"z": 1, "a": 2}, {"a": 3}], "a": {}, "c": null});
        assert_eq!(
            signed_form(&body),
            "b%5B%5D%5Ba%5D=2&b%5B%5D%5Bz%5D=1&b%5B%5D%5Ba%5D=3&c="
        );
    }
}
