//! What needs no key: the phones, the faults and the log of requests.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::phone;
use crate::service::App;
use crate::state::{Person, Sim};

/// The routes of the control address; the TLS address has them too.
pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/phone", get(phone::page))
        .route("/phone.json", get(phones))
        .route("/phone/users", post(add_person))
        .route("/phone/users/{id}", post(change_person))
        .route("/phone/users/{id}/token", post(fresh_token))
        .route(
            "/faults",
            get(list_faults).post(arm_faults).delete(disarm_faults),
        )
        .route("/requests.json", get(requests).delete(forget_requests))
}

async fn phones(State(sim): App) -> Json<Value> {
    let people = sim.people();
    Json(json!({"users": people.iter().map(Person::as_json).collect::<Vec<_>>()}))
}

async fn add_person(State(sim): App, Json(body): Json<Value>) -> Json<Value> {
    let text = |name: &str, default: &str| body[name].as_str().unwrap_or(default).to_owned();
    let mut people = sim.people();
    let number = text("cellphone", "5550100199").replace('-', "");
    let code = text("country_code", "1");
    let person = people.add(
        body["authy_id"].as_u64(),
        &text("email", "somebody@example.com"),
        &code,
        &number,
    );
    change(person, &body);
    Json(person.as_json())
}

async fn change_person(
    State(sim): App,
    Path(id): Path<u64>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let mut people = sim.people();
    let person = people.get(id).ok_or(StatusCode::NOT_FOUND)?;
    change(person, &body);
    Ok(Json(person.as_json()))
}

fn change(person: &mut Person, body: &Value) {
    let set = |flag: &mut bool, name: &str| *flag = body[name].as_bool().unwrap_or(*flag);
    set(&mut person.registered, "registered");
    set(&mut person.confirmed, "confirmed");
    set(&mut person.suspended, "suspended");
    if let Some(devices) = body["devices"].as_array() {
        person.devices = devices
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
    } else if person.registered && person.devices == ["sms"] {
        person.devices = vec!["iphone".to_owned()];
    }
}

async fn fresh_token(State(sim): App, Path(id): Path<u64>) -> Result<Json<Value>, StatusCode> {
    let mut people = sim.people();
    let person = people.get(id).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({"token": person.issue(None)})))
}

async fn list_faults(State(sim): App) -> Json<Value> {
    Json(json!(sim.faults().list()))
}

async fn arm_faults(State(sim): App, body: Bytes) -> Response {
    match sim.faults().arm(&body) {
        Ok(()) => Json(json!({"armed": true})).into_response(),
        Err(message) => {
            (StatusCode::BAD_REQUEST, Json(json!({"message": message}))).into_response()
        }
    }
}

async fn disarm_faults(State(sim): App) -> Json<Value> {
    sim.faults().disarm();
    Json(json!({"armed": false}))
}

async fn requests(State(sim): App) -> Json<Value> {
    Json(sim.requests())
}

async fn forget_requests(State(sim): App) -> Json<Value> {
    sim.forget_requests();
    Json(json!({}))
}
