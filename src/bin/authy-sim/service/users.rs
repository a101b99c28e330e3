//! People: create, status, delete.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::{App, Id, with_person};
use crate::answer::{Failure, respond};
use crate::params::Params;

pub(super) async fn create(State(sim): App, params: Params) -> Response {
    let field = |name: &str| params.text_in("user", name).unwrap_or_default();
    let (email, code) = (field("email"), field("country_code"));
    let number: String = field("cellphone")
        .chars()
        .filter(|c| !" -.()".contains(*c))
        .collect();
    let code = if code.is_empty() {
        "1".to_owned()
    } else {
        code.trim_start_matches('+').to_owned()
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mut wrong = Vec::new();
    if !email.contains('@') {
        wrong.push("email");
    }
    if !(5..=15).contains(&number.len()) || !digits(&number) {
        wrong.push("cellphone");
    }
    if !(1..=4).contains(&code.len()) || !digits(&code) || code.starts_with('0') {
        wrong.push("country_code");
    }
    if !wrong.is_empty() {
        let fields = wrong
            .iter()
            .map(|name| ((*name).to_owned(), "is invalid".to_owned()));
        let failure = Failure::new(400, 60027, "User was not valid");
        return respond(Err(Failure {
            fields: fields.collect(),
            ..failure
        }));
    }
    let id = sim.people().add(None, &email, &code, &number).id;
    respond(Ok(json!({
        "message": "User created successfully.",
        "user": {"id": id},
        "success": true,
    })))
}

pub(super) async fn status(State(sim): App, Path(id): Id) -> Response {
    respond(with_person(&sim, &id, |person| {
        let end = person.cellphone.len().saturating_sub(4);
        let last = person.cellphone.get(end..).unwrap_or("0000");
        Ok(json!({
            "status": {
                "authy_id": person.id,
                "confirmed": person.confirmed,
                "registered": person.registered,
                "country_code": person.country_code.parse::<u64>().unwrap_or(1),
                "phone_number": format!("XXX-XXX-{last}"),
                "email": person.email,
                "devices": person.devices,
                "has_hard_token": false,
                "account_disabled": false,
                "detailed_devices": [],
                "deleted_devices": [],
            },
            "message": "User status.",
            "success": true,
        }))
    }))
}

pub(super) async fn delete(State(sim): App, Path(id): Id) -> Response {
    let gone = id.parse().ok().and_then(|id| sim.people().remove(id));
    let answer: Result<Value, Failure> = match gone {
        Some(_) => Ok(json!({"message": "User removed from application", "success": true})),
        None => Err(Failure::user_not_found()),
    };
    respond(answer)
}
