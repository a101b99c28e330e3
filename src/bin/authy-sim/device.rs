//! The member `device` of a valid token's answer and of a callback: the phone that answered.
//!
//! Authy sends null for what it does not know, which is most of it; everything here is made up.

use serde_json::Value;

use crate::ordered::{Json, ordered};

/// Unix time in seconds at which each simulated device was registered: the beginning of 2026.
const REGISTERED_AT: u64 = 1_767_225_600;

/// Returns the device of a person who used the code of an SMS or a call.
pub(crate) fn of_sms() -> Json {
    device(Value::Null, "sms", "sms")
}

/// Returns the device of a person who used the app.
pub(crate) fn of_app(os_type: &str) -> Json {
    let mut device = device(Value::from(1), os_type, "push");
    device.push("enabled_unlock_methods", ["pin", "fingerprint"]);
    device.push("last_unlock_method_used", "fingerprint");
    device.push("last_unlock_date", REGISTERED_AT);
    device.push("multidevice_enabled", false);
    device.push("multidevice_updated_at", REGISTERED_AT);
    device
}

fn device(id: Value, os_type: &str, method: &str) -> Json {
    ordered! {
        "id": id,
        "os_type": os_type,
        "registration_date": REGISTERED_AT,
        "registration_method": method,
        "registration_device_id": Value::Null,
        "registration_ip": Value::Null,
        "registration_city": Value::Null,
        "registration_region": Value::Null,
        "registration_country": Value::Null,
        "ip": Value::Null,
        "city": Value::Null,
        "region": Value::Null,
        "country": Value::Null,
        "last_account_recovery_at": Value::Null,
        "last_sync_date": Value::Null,
    }
}
