//! API calls about users: create, status, update, delete, activity, registration, phone number and
//! SDK devices.
//!
//! `service/mod.rs` routes them here; the people themselves are in `state.rs`.

use axum::extract::{Path, State};
use axum::response::Response;

use super::{PathId, SimState, phones, with_person};
use crate::answer::{Failure, respond};
use crate::ordered::{Json, ordered};
use crate::params::Params;
use crate::state::now;

pub(super) async fn create(State(sim): SimState, params: Params) -> Response {
    let field = |name: &str| params.text_in("user", name).unwrap_or_default();
    let (email, country_code) = (field("email"), field("country_code"));
    let number = phones::digits(&field("cellphone"));
    let country_code = if country_code.is_empty() {
        "1".to_owned()
    } else {
        country_code.trim_start_matches('+').to_owned()
    };
    let mut invalid = Vec::new();
    if !email.contains('@') {
        invalid.push("email");
    }
    if number.is_none() {
        invalid.push("cellphone");
    }
    let is_country_code = (1..=4).contains(&country_code.len())
        && country_code.bytes().all(|b| b.is_ascii_digit())
        && !country_code.starts_with('0');
    if !is_country_code {
        invalid.push("country_code");
    }
    if !invalid.is_empty() {
        let fields = invalid
            .iter()
            .map(|name| ((*name).to_owned(), "is invalid".to_owned()));
        let failure = Failure::new(400, 60027, "User was not valid");
        return respond(Err(Failure {
            fields: fields.collect(),
            ..failure
        }));
    }
    let mut people = sim.people();
    let person = people.find_or_add(None, &email, &country_code, &number.unwrap_or_default());
    person.deletion_at = None;
    let id = person.id;
    if params.text("send_install_link_via_sms").as_deref() != Some("false") {
        person.add_message("sms", "", "Get the Authy app: https://authy.test/install");
    }
    respond(Ok(ordered! {
        "message": "User created successfully.",
        "user": ordered! {"id": id},
        "success": true,
    }))
}

pub(super) async fn status(State(sim): SimState, Path(id): PathId) -> Response {
    respond(with_person(&sim, &id, |person| {
        let start = person.cellphone.len().saturating_sub(4);
        let last_four = person.cellphone.get(start..).unwrap_or("0000");
        Ok(ordered! {
            "status": ordered! {
                "authy_id": person.id,
                "confirmed": person.confirmed,
                "registered": person.registered,
                "country_code": person.country_code.parse::<u64>().unwrap_or(1),
                "phone_number": format!("XXX-XXX-{last_four}"),
                "devices": person.devices.clone(),
                "has_hard_token": false,
                "account_disabled": person.deletion_at.is_some(),
                "email": person.email.as_str(),
                "detailed_devices": Json::List(Vec::new()),
                "deleted_devices": Json::List(Vec::new()),
            },
            "message": "User status.",
            "success": true,
        })
    }))
}

/// Marks the person for deletion, which takes effect after a delay, as at Authy.
pub(super) async fn delete(State(sim): SimState, Path(id): PathId) -> Response {
    let delay = sim.settings().deletion_seconds;
    respond(with_person(&sim, &id, |person| {
        if person.deletion_at.is_some() {
            return Err(Failure::new(400, 60127, "User is pending deletion."));
        }
        person.deletion_at = Some(now() + delay);
        Ok(ordered! {"message": "User was added to remove.", "success": true})
    }))
}

pub(super) async fn update(State(sim): SimState, Path(id): PathId, params: Params) -> Response {
    let email = params.text("email").unwrap_or_default();
    respond(with_person(&sim, &id, |person| {
        if !email.contains('@') {
            return Err(Failure::new(400, 60038, "Email is invalid"));
        }
        person.email = email;
        Ok(ordered! {"message": "User was updated successfully", "success": true})
    }))
}

pub(super) async fn register_activity(
    State(sim): SimState,
    Path(id): PathId,
    params: Params,
) -> Response {
    const KINDS: [&str; 4] = ["password_reset", "banned", "unbanned", "cookie_login"];
    let kind = params.text("type").unwrap_or_default();
    respond(with_person(&sim, &id, |person| {
        if sim.sandbox || !KINDS.contains(&kind.as_str()) {
            return Err(Failure::new(400, 60029, "Activity could not be created."));
        }
        person.activity.push(kind);
        Ok(ordered! {"message": "Activity was created.", "success": true})
    }))
}

/// Returns the registration status. The simulator knows people only by e-mail address, so it takes
/// the custom user id for one.
pub(super) async fn registration(State(sim): SimState, params: Params) -> Response {
    let name = params.text("custom_user_id").unwrap_or_default();
    let people = sim.people();
    let found = people.iter().find(|person| person.email == name);
    respond(match found {
        Some(person) => Ok(ordered! {
            "registration": ordered! {
                "status": if person.registered { "completed" } else { "pending" },
                "authy_id": person.id,
            },
            "success": true,
        }),
        None => Err(Failure::new(404, 60035, "Registration was not found.")),
    })
}

/// Returns the whole phone number if the application may export it.
pub(super) async fn phone_number(State(sim): SimState, Path(id): PathId) -> Response {
    if !sim.settings().export_enabled {
        let text = "Phone number export is not enabled for this application.";
        return respond(Err(Failure::new(403, 60154, text)));
    }
    respond(with_person(&sim, &id, |person| {
        let (country_code, number) = (&person.country_code, &person.cellphone);
        Ok(ordered! {
            "phone_number": number.as_str(),
            "country_code": country_code.as_str(),
            "e164": format!("+{country_code}{number}"),
            "updated_at": "2026-01-01T00:00:00Z",
        })
    }))
}

/// Removes a device of the application's SDK from its person.
pub(super) async fn delete_device(State(sim): SimState, Path(id): Path<String>) -> Response {
    let mut people = sim.people();
    let id: Option<u64> = id.parse().ok();
    let found = people.iter_mut().find_map(|person| {
        let at = person
            .sdk_devices
            .iter()
            .position(|device| Some(*device) == id)?;
        Some(person.sdk_devices.remove(at))
    });
    respond(match found {
        Some(_) => Ok(ordered! {"message": "Device was deleted.", "success": true}),
        None => Err(Failure::new(404, 60092, "Device not found.")),
    })
}
