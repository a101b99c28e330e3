//! API calls of OneTouch: creates approval requests and returns their status.
//!
//! `service/mod.rs` routes them here; the requests themselves are in `approvals.rs`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;

use super::{PathId, SimState, with_person};
use crate::answer::{Answer, Failure, respond};
use crate::ordered::{Json, ordered};
use crate::params::Params;
use crate::state::Sim;

pub(super) async fn create(State(sim): SimState, Path(id): PathId, params: Params) -> Response {
    respond(answer_create(&sim, &id, &params))
}

fn answer_create(sim: &Sim, id: &str, params: &Params) -> Answer {
    if sim.sandbox || !sim.settings().onetouch_enabled {
        let text = "OneTouch is not enabled for this application.";
        return Err(Failure::new(403, 60065, text));
    }
    let (id, registered) = with_person(sim, id, |person| {
        person.check_suspended()?;
        Ok((person.id, person.registered))
    })?;
    if !registered {
        return Err(Failure::new(
            400,
            60050,
            "User is not registered for OneTouch.",
        ));
    }
    let message = params.text("message").unwrap_or_default();
    if message.is_empty() {
        return Err(Failure::new(400, 60080, "message is required"));
    }
    let lifetime = match params.text("seconds_to_expire") {
        Some(text) => Some(
            text.parse()
                .map_err(|_| Failure::new(400, 60004, "Invalid parameter: seconds_to_expire"))?,
        ),
        None => None,
    };
    let details = string_map("details", params)?;
    let hidden_details = string_map("hidden_details", params)?;
    let mut approvals = sim.approvals();
    let approval = approvals.add(id, &message, lifetime);
    approval.details = details;
    approval.hidden_details = hidden_details;
    approval.logos = params.value("logos").cloned().unwrap_or(Json::NULL);
    let uuid = approval.uuid.as_str();
    Ok(ordered! {"approval_request": ordered! {"uuid": uuid}, "success": true})
}

/// Returns a parameter that must be an object of strings; an empty object if it is absent.
fn string_map(name: &str, params: &Params) -> Result<Json, Failure> {
    let is_text = |value: &Json| matches!(value, Json::Value(value) if value.is_string());
    match params.value(name) {
        None | Some(Json::Value(Value::Null)) => Ok(ordered! {}),
        Some(map @ Json::Object(members)) if members.iter().all(|(_, value)| is_text(value)) => {
            Ok(map.clone())
        }
        Some(_) => Err(Failure::new(400, 60080, &format!("{name} is invalid"))),
    }
}

pub(super) async fn status(State(sim): SimState, Path(uuid): Path<String>) -> Response {
    let approval = sim.approvals().get(&uuid).cloned();
    respond(match approval {
        None => {
            let text = format!("Approval request not found: {uuid}");
            Err(Failure::new(404, 60049, &text))
        }
        Some(approval) => {
            let email = sim.people().get(approval.authy_id).map(|p| p.email.clone());
            let answer = approval.api_json(&email.unwrap_or_default());
            Ok(ordered! {"approval_request": answer, "success": true})
        }
    })
}
