//! The signed callback that reports the decision of an approval request to the application.
//!
//! `control.rs` sends it once the person has decided. The signature is Authy's own: base64 of
//! HMAC-SHA256, keyed with the API key, over nonce, method, URL and the parameters in one order.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;

use crate::approvals::{APP_ID, Approval};
use crate::device;
use crate::ordered::{Json, ordered};
use crate::random;
use crate::state::now;

/// Length in bytes of the signature that the phone's own key makes.
const DEVICE_SIGNATURE_LENGTH: usize = 256;

/// Returns the body of the callback. `signature` is that of the phone, which cannot be
/// checked, since its public key is not published: here it is random.
fn body(approval: &Approval, os_type: &str) -> Json {
    let transaction = ordered! {
        "details": approval.details.clone(),
        "device_details": ordered! {},
        "device_geolocation": Value::Null,
        "device_signing_time": now(),
        "encrypted": false,
        "flagged": false,
        "hidden_details": approval.hidden_details.clone(),
        "message": approval.message.as_str(),
        "reason": Value::Null,
        "requester_details": Value::Null,
        "status": approval.status(),
        "uuid": approval.uuid.as_str(),
        "created_at_time": approval.created_at,
        "customer_uuid": "1",
    };
    ordered! {
        "authy_id": approval.authy_id,
        "device_uuid": 1,
        "callback_action": "approval_request_status",
        "uuid": approval.uuid.as_str(),
        "status": approval.status(),
        "approval_request": ordered! {
            "transaction": transaction,
            "expiration_timestamp": approval.expires_at,
            "logos": approval.logos.clone(),
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
pub(crate) fn send(
    approval: &Approval,
    os_type: &str,
    key: &str,
    url: &str,
    by_get: bool,
) -> Result<u16, String> {
    let body = serde_json::to_string(&body(approval, os_type));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_signed_form_keeps_the_order_of_arrays_and_omits_empty_objects() {
        let body = json!({"b": [{"z": 1, "a": 2}, {"a": 3}], "a": {}, "c": null});
        assert_eq!(
            signed_form(&body),
            "b%5B%5D%5Ba%5D=2&b%5B%5D%5Bz%5D=1&b%5B%5D%5Ba%5D=3&c="
        );
    }
}
