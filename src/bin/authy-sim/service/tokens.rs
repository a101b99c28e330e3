//! API calls about tokens: verification, and sending by SMS, call or e-mail.
//!
//! `service/mod.rs` routes them here; the tokens themselves are in `person.rs`.

use axum::extract::{Path, State};
use axum::response::Response;

use super::{PathId, SimState, with_person};
use crate::answer::{Answer, Failure, respond};
use crate::device;
use crate::ordered::{Json, ordered};
use crate::params::Params;
use crate::person::{Person, SendOptions, TokenCheck};
use crate::sandbox;
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
        let texts = ("SMS token was sent", IGNORED_SMS);
        send(&sim, person, &params, "sms", texts)
    }))
}

pub(super) async fn call(State(sim): SimState, Path(id): PathId, params: Params) -> Response {
    if !sim.settings().calls_enabled {
        let failure = Failure::new(503, 60006, "Token by call is not enabled");
        return respond(Err(failure));
    }
    respond(with_person(&sim, &id, |person| {
        let texts = ("Call started...", IGNORED_CALL);
        send(&sim, person, &params, "call", texts)
    }))
}

pub(super) async fn email(State(sim): SimState, Path(id): PathId) -> Response {
    respond(with_person(&sim, &id, |person| {
        match person.send("email", SendOptions::default()) {
            Some(_) => Ok(ordered! {
                "success": true,
                "message": "Email token was sent",
                "email": person.email.as_str(),
                "email_id": "EM00000000000000000000000000000000",
            }),
            None => Err(too_many_messages()),
        }
    }))
}

fn too_many_messages() -> Failure {
    let text = "DoS protection: User has requested too many tokens in the last hour.";
    Failure::new(429, 60003, text)
}

/// Sends a token, or answers `ignored` if the person has the app and the message is not forced: by
/// this request, or for this person always. `texts` are those of the two answers.
fn send(
    sim: &Sim,
    person: &mut Person,
    params: &Params,
    kind: &str,
    (sent, ignored): (&str, &str),
) -> Answer {
    person.check_suspended()?;
    let cellphone = if sim.sandbox {
        sandbox::CELLPHONE.to_owned()
    } else {
        person.masked_phone()
    };
    let is_forced = person.messages_forced || params.flag("force");
    if person.registered && !is_forced {
        let device = person.devices.first().cloned();
        return Ok(ordered! {
            "message": ignored,
            "cellphone": cellphone,
            "device": device,
            "ignored": true,
            "success": true,
        });
    }
    let options = SendOptions {
        action: params.text("action"),
        action_message: params.text("action_message"),
        locale: params.text("locale"),
    };
    match person.send(kind, options) {
        Some(_) => Ok(ordered! {"success": true, "message": sent, "cellphone": cellphone}),
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
    let answer = with_person(sim, id, |person| {
        person.check_suspended()?;
        let action = params.text("action");
        let result = if sim.sandbox {
            sandbox_check(person, token)
        } else if params.flag("force") {
            person.verify(token, action.as_deref())
        } else {
            person.verify_unforced(token, action.as_deref())
        };
        match result {
            TokenCheck::Valid { by_sms } => Ok(valid(person, by_sms)),
            TokenCheck::Invalid => Err(Failure::new(401, 60020, "Token is invalid")),
            TokenCheck::AlreadyUsed => Err(Failure::new(
                401,
                60019,
                "Token is invalid. Token was used recently",
            )),
            TokenCheck::TooManyWrong => {
                Err(Failure::new(429, 60003, "DoS protection: too many tokens."))
            }
        }
    });
    // The text is recorded. That its code is 60016, and its status 404, is from the table of codes.
    answer.map_err(|failure| match failure.code {
        60026 => Failure::new(404, 60016, "User doesn't exist"),
        _ => failure,
    })
}

fn sandbox_check(person: &mut Person, token: &str) -> TokenCheck {
    if token != sandbox::TOKEN {
        return TokenCheck::Invalid;
    }
    person.confirmed = true;
    TokenCheck::Valid { by_sms: false }
}

/// Returns the answer for a valid token, with `success` as a string as Authy sends it here.
fn valid(person: &Person, by_sms: bool) -> Json {
    ordered! {
        "message": "Token is valid.",
        "token": "is valid",
        "success": "true",
        "device": if by_sms { device::of_sms() } else { device::of_app(person.os_type()) },
    }
}
