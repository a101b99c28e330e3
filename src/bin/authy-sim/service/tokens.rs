//! API calls about tokens: verification, and sending by SMS, call or e-mail.
//!
//! `service/mod.rs` routes them here; the tokens themselves are in `person.rs`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

use super::{PathId, SimState, with_person};
use crate::answer::{Answer, Failure, respond};
use crate::params::Params;
use crate::person::{Person, TokenCheck};
use crate::state::Sim;

const IGNORED_SMS: &str = "Ignored: SMS is not needed for smartphones. Pass force=true if you want to \
                           actually send it anyway.";
// Authy's own text has the two spaces.
const IGNORED_CALL: &str = "Call ignored. User is using  App Tokens and this call is not necessary. Pass \
                            force=true if you still want to call users that are using the App.";

pub(super) async fn sms(State(sim): SimState, Path(id): PathId, params: Params) -> Response {
    if !sim.settings().sms_enabled {
        return respond(Err(Failure::new(503, 60007, "SMS is not enabled")));
    }
    respond(with_person(&sim, &id, |person| {
        send(person, &params, "sms", "SMS token was sent", IGNORED_SMS)
    }))
}

pub(super) async fn call(State(sim): SimState, Path(id): PathId, params: Params) -> Response {
    if !sim.settings().calls_enabled {
        let failure = Failure::new(503, 60006, "Token by call is not enabled");
        return respond(Err(failure));
    }
    respond(with_person(&sim, &id, |person| {
        send(person, &params, "call", "Call started...", IGNORED_CALL)
    }))
}

pub(super) async fn email(State(sim): SimState, Path(id): PathId) -> Response {
    respond(with_person(&sim, &id, |person| {
        match person.send("email", None) {
            Some(_) => Ok(json!({
                "success": true,
                "message": "Email token was sent",
                "email": person.email,
                "email_id": "EM00000000000000000000000000000000",
            })),
            None => Err(too_many_messages()),
        }
    }))
}

fn too_many_messages() -> Failure {
    let text = "DoS protection: User has requested too many tokens in the last hour.";
    Failure::new(429, 60003, text)
}

/// Sends a token, or answers `ignored` if the person has the app and the message is not forced: by
/// this request, or for this person always.
fn send(
    person: &mut Person,
    params: &Params,
    kind: &'static str,
    sent: &str,
    ignored: &str,
) -> Answer {
    person.check_suspended()?;
    let cellphone = person.masked_phone();
    let is_forced = person.messages_forced || params.flag("force");
    if person.registered && !is_forced {
        let device = person.devices.first().cloned();
        return Ok(json!({
            "message": ignored,
            "cellphone": cellphone,
            "device": device,
            "ignored": true,
            "success": true,
        }));
    }
    match person.send(kind, params.text("action")) {
        Some(_) => Ok(json!({"success": true, "message": sent, "cellphone": cellphone})),
        None => Err(too_many_messages()),
    }
}

pub(super) async fn verify(
    State(sim): SimState,
    Path((token, id)): Path<(String, String)>,
    params: Params,
) -> Response {
    respond(answer_verify(&sim, &token, &id, &params))
}

fn answer_verify(sim: &Sim, token: &str, id: &str, params: &Params) -> Answer {
    with_person(sim, id, |person| {
        person.check_suspended()?;
        if sim.sandbox {
            return if token == "0000000" {
                Ok(valid(false))
            } else {
                Err(invalid())
            };
        }
        // Authy accepts any token of a person who has not completed registration, so that they are
        // not locked out, unless the application forces the check.
        if !person.confirmed && !params.flag("force") {
            return Ok(valid(false));
        }
        match person.verify(token, params.text("action").as_deref()) {
            TokenCheck::Valid { by_sms } => Ok(valid(by_sms)),
            TokenCheck::Invalid => Err(invalid()),
            TokenCheck::AlreadyUsed => Err(Failure::new(
                401,
                60019,
                "Token is invalid. Token was used recently",
            )),
            TokenCheck::TooManyWrong => {
                Err(Failure::new(429, 60003, "DoS protection: too many tokens."))
            }
        }
    })
}

fn invalid() -> Failure {
    Failure::new(401, 60020, "Token is invalid")
}

/// Returns the answer for a valid token, with `success` as a string as Authy sends it here.
fn valid(by_sms: bool) -> serde_json::Value {
    json!({
        "message": "Token is valid.",
        "token": "is valid",
        "success": "true",
        "device": {"id": null, "os_type": if by_sms { "sms" } else { "android" }},
    })
}
