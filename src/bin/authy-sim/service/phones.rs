//! API calls about phone numbers: phone verification and phone information.
//!
//! `service/mod.rs` routes them here; the verifications themselves are in `verifications.rs`.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::SimState;
use crate::answer::{Answer, Failure, respond};
use crate::ordered::{Json, ordered};
use crate::params::Params;
use crate::random;
use crate::sandbox;
use crate::state::Sim;
use crate::verifications::CodeCheck;

/// Phone numbers with this ending are landlines, which get no SMS.
const LANDLINE_SUFFIX: &str = "000";

/// Returns the digits of a phone number, which may have separators; `None` if it is no number.
pub(crate) fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(|c| !" -.()".contains(*c)).collect();
    let is_number = (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(digits)
}

/// Returns the country code and the phone number of the parameters, as digits.
///
/// # Errors
/// Authy's error for a missing or malformed parameter.
fn phone(params: &Params) -> Result<(String, String), Failure> {
    let required = |name: &str| {
        params
            .text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                let text = format!("Invalid parameter: {name} - Parameter is required");
                Failure::new(400, 60004, &text)
            })
    };
    let country_code = required("country_code")?;
    let number = digits(&required("phone_number")?);
    if country_code.bytes().any(|b| !b.is_ascii_digit()) {
        let text =
            format!("Invalid parameter: country_code - '{country_code}' is not a valid Integer");
        return Err(Failure::new(400, 60004, &text));
    }
    match number {
        Some(number) => Ok((country_code, number)),
        None => Err(Failure::new(400, 60033, "Phone number is invalid")),
    }
}

pub(super) async fn start(State(sim): SimState, params: Params) -> Response {
    respond(answer_start(&sim, &params))
}

fn answer_start(sim: &Sim, params: &Params) -> Answer {
    let (country_code, number) = phone(params)?;
    let via = params.text("via").unwrap_or_else(|| "sms".to_owned());
    if via != "sms" && via != "call" {
        return Err(Failure::new(400, 60004, "Invalid parameter: via"));
    }
    let length = params.text("code_length").unwrap_or_else(|| "4".to_owned());
    let length = length
        .parse()
        .ok()
        .filter(|length| (4..=10).contains(length));
    let Some(length) = length else {
        return Err(Failure::new(400, 60004, "Invalid parameter: code_length"));
    };
    if params.text("custom_message").is_some() {
        return Err(Failure::new(403, 60091, "Custom messages are not allowed"));
    }
    if via == "sms" && number.ends_with(LANDLINE_SUFFIX) {
        let text = "Cannot send SMS to landline phone numbers";
        return Err(Failure::new(403, 60082, text));
    }
    let custom_code = params.text("custom_code");
    let is_code =
        |code: &String| (4..=10).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    if custom_code.as_ref().is_some_and(|code| !is_code(code)) {
        return Err(Failure::new(400, 60004, "Invalid parameter: custom_code"));
    }
    let sent = if via == "sms" {
        "Text message sent"
    } else {
        "Call to number initiated"
    };
    let message = format!("{sent} to +{country_code} {number}.");
    if sim.sandbox {
        return Ok(started_in_the_sandbox(&message));
    }
    let lifetime = sim.settings().verification_seconds;
    let sms_id = custom_code.as_ref().map(|_| random::uuid());
    let code = custom_code.unwrap_or_else(|| random::digits(length));
    let mut verifications = sim.verifications();
    let started = verifications.start(&format!("+{country_code} {number}"), code, lifetime);
    let mut answer = ordered! {
        "carrier": "Simulated Mobile",
        "is_cellphone": !number.ends_with(LANDLINE_SUFFIX),
        "is_ported": false,
        "message": message,
        "seconds_to_expire": started.seconds_to_expire(),
        "uuid": started.uuid.as_str(),
        "success": true,
    };
    if let Some(id) = sms_id {
        answer.push("sms_id", id);
    }
    Ok(answer)
}

/// Returns the answer of the sandbox, which started nothing.
fn started_in_the_sandbox(message: &str) -> Json {
    ordered! {
        "carrier": sandbox::CARRIER,
        "is_cellphone": false,
        "is_ported": false,
        "message": message,
        "seconds_to_expire": 0,
        "uuid": Value::Null,
        "success": true,
    }
}

pub(super) async fn check(State(sim): SimState, params: Params) -> Response {
    respond(answer_check(&sim, &params))
}

fn answer_check(sim: &Sim, params: &Params) -> Answer {
    let (country_code, number) = phone(params)?;
    let code = params.text("verification_code").unwrap_or_default();
    match sim
        .verifications()
        .check(&format!("+{country_code} {number}"), &code)
    {
        CodeCheck::Correct => {
            Ok(ordered! {"message": "Verification code is correct.", "success": true})
        }
        CodeCheck::Incorrect => Err(Failure::new(401, 60022, "Verification code is incorrect")),
        CodeCheck::NonePending => {
            let text = format!("No pending verifications for +{country_code} {number} found.");
            Err(Failure::new(404, 60023, &text))
        }
    }
}

pub(super) async fn status(State(sim): SimState, params: Params) -> Response {
    respond(answer_status(&sim, &params))
}

fn answer_status(sim: &Sim, params: &Params) -> Answer {
    let uuid = params.text("uuid").unwrap_or_default();
    let number = match phone(params) {
        Ok((country_code, number)) => format!("+{country_code} {number}"),
        Err(_) if !uuid.is_empty() => String::new(),
        Err(_) => {
            let text = "Either uuid, or country_code and phone_number are required";
            return Err(Failure::new(400, 60042, text));
        }
    };
    match sim.verifications().find(&number, &uuid) {
        Some(found) => Ok(ordered! {
            "message": "Phone Verification status.",
            "status": found.status(),
            "seconds_to_expire": found.seconds_to_expire(),
            "success": true,
        }),
        None => Err(Failure::new(404, 60023, "No pending verifications found.")),
    }
}

/// The sandbox did not look at the number.
pub(super) async fn info(State(sim): SimState, params: Params) -> Response {
    let number = if sim.sandbox {
        Ok((String::new(), LANDLINE_SUFFIX.to_owned()))
    } else {
        phone(&params)
    };
    respond(number.map(|(_, number)| {
        let is_landline = number.ends_with(LANDLINE_SUFFIX);
        ordered! {
            "message": "Phone number information as of 2026-01-01 00:00:00 UTC",
            "type": if is_landline { "landline" } else { "cellphone" },
            "provider": "Simulated Mobile",
            "ported": false,
            "success": true,
        }
    }))
}
