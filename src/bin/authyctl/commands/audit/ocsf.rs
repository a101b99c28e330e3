//! An event as the Open Cybersecurity Schema Framework has it: class Authentication (3002) of version
//! 1.5.0, without extensions or profiles.
//!
//! What the schema has no place for is in `unmapped`, under the names of the audit line. A test
//! validates what is written here by the schema itself.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::event::Event;

const VERSION: &str = "1.5.0";
const CLASS: u64 = 3002;
/// The activities of the class.
const LOGON: u64 = 1;
const OTHER: u64 = 99;
/// The fields that have no place in the schema.
const UNMAPPED: [&str; 11] = [
    "code",
    "authy_id",
    "twilio",
    "totp",
    "security_key",
    "attempts",
    "delivered",
    "peer",
    "tty",
    "since",
    "until",
];

/// Returns the object of an event.
pub(super) fn event(event: &Event) -> Value {
    let field = |name: &str| event.field(name).unwrap_or_default();
    // The warning about an app that does not count yet is no verdict, and so no logon.
    let is_logon = event.field("verdict").is_some();
    let activity = if is_logon { LOGON } else { OTHER };
    let (status, word) = status(field("verdict"));
    let mut object = json!({
        "metadata": metadata(event),
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": CLASS,
        "class_name": "Authentication",
        "activity_id": activity,
        "activity_name": if is_logon { "Logon" } else { "Enrollment" },
        "type_uid": CLASS * 100 + activity,
        "time": event.time,
        "severity_id": severity(event),
        "status_id": status,
        "status": word,
        "status_code": field("reason"),
        "message": event.line,
        "user": {"name": field("user")},
        "service": {"name": event.service},
        "actor": {"process": {"pid": event.number("pid")}, "user": {"uid": field("uid")}},
        "auth_protocol_id": OTHER,
        "auth_protocol": "PAM",
        "is_mfa": event.field("factor").is_some(),
        "is_remote": event.field("rhost").is_some(),
        "unmapped": unmapped(event),
    });
    if let Some(factor) = event.field("factor") {
        object["auth_factors"] = json!([auth_factor(factor, field("provider"))]);
    }
    if let Some(rhost) = event.field("rhost") {
        // PAM_RHOST is the application's word, and may be anything.
        object["src_endpoint"] = match rhost.parse::<IpAddr>() {
            Ok(address) => json!({"ip": address}),
            Err(_) => json!({"name": rhost}),
        };
    }
    if let Some(host) = &event.host {
        object["dst_endpoint"] = json!({"hostname": host});
    }
    object
}

fn metadata(event: &Event) -> Value {
    json!({
        "version": VERSION,
        "product": {
            "name": "pam_authy", "vendor_name": "pam_authy", "version": env!("CARGO_PKG_VERSION"),
        },
        "event_code": event.field("reason"),
        "log_name": "authpriv",
    })
}

/// The number and the word of the status.
fn status(verdict: &str) -> (u64, &str) {
    match verdict {
        "accepted" => (1, "Success"),
        "refused" | "unavailable" | "error" => (2, "Failure"),
        // A login that needs no second factor.
        "ignored" => (OTHER, "ignored"),
        _ => (0, "Unknown"),
    }
}

/// 1 is informational, 2 low, 3 medium.
fn severity(event: &Event) -> u64 {
    match (event.field("verdict"), event.field("reason")) {
        (Some("accepted"), _) => 1,
        (Some("ignored"), reason) if reason != Some("outage") => 1,
        (Some("refused"), _) => 2,
        _ => 3,
    }
}

fn auth_factor(factor: &str, provider: &str) -> Value {
    let (number, word) = match factor {
        "sms" => (1, "SMS"),
        "call" => (3, "Phone Call"),
        "push" => (5, "Push Notification"),
        "security_key" => (6, "Hardware Token"),
        "token" => (7, "OTP"),
        other => (OTHER, other),
    };
    let mut object = json!({"factor_type_id": number, "factor_type": word});
    if factor == "token" {
        object["is_totp"] = json!(true);
    }
    if !provider.is_empty() {
        object["provider"] = json!(provider);
    }
    object
}

fn unmapped(event: &Event) -> Value {
    let all = event.as_json();
    let mut object = Map::new();
    for name in UNMAPPED {
        if let Some(value) = all.get(name) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(object)
}
