//! What needs no key: the phones, the faults and the log of requests.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::person::Person;
use crate::phone;
use crate::service::{App, qr};
use crate::state::Sim;

/// The routes of the control address; the TLS address has them too.
pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/phone", get(phone::page))
        .route("/phone.json", get(phones))
        .route("/phone/users", post(add_person))
        .route("/phone/users/{id}", post(change_person))
        .route("/phone/users/{id}/token", post(fresh_token))
        .route("/phone/approvals/{uuid}", post(decide))
        .route("/phone/app", post(change_app))
        .route("/qr/{code}", get(qr::image))
        .route(
            "/faults",
            get(list_faults).post(arm_faults).delete(disarm_faults),
        )
        .route("/requests.json", get(requests).delete(forget_requests))
}

async fn phones(State(sim): App) -> Json<Value> {
    let people = sim.people();
    let approvals = sim.approvals();
    let users: Vec<_> = people
        .iter()
        .map(|person| {
            let all = approvals.of(person.id);
            let mut user = person.as_json();
            user["approvals"] = all.iter().map(|approval| approval.as_json()).collect();
            user
        })
        .collect();
    let codes: Vec<_> = sim
        .verifications()
        .iter()
        .map(|(phone, v)| json!({"phone": phone, "code": v.code, "status": v.status()}))
        .collect();
    Json(json!({"users": users, "verifications": codes}))
}

/// Approves or denies a request as the person would: `{"approve": true}`.
async fn decide(
    State(sim): App,
    Path(uuid): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let approve = body["approve"].as_bool().ok_or(StatusCode::BAD_REQUEST)?;
    let decided = sim.approvals().decide(&uuid, approve);
    let approval = decided.ok_or(StatusCode::NOT_FOUND)?;
    let (callback_url, by_get) = {
        let settings = sim.settings();
        (settings.callback_url.clone(), settings.callback_by_get)
    };
    let mut answer = approval.as_json();
    if let Some(url) = callback_url {
        let key = sim.key.clone();
        let delivery =
            tokio::task::spawn_blocking(move || approval.deliver(&key, &url, by_get)).await;
        answer["callback"] = match delivery {
            Ok(Ok(status)) => json!(status),
            Ok(Err(error)) => json!(error),
            Err(_) => json!("the delivery failed"),
        };
    }
    Ok(Json(answer))
}

/// What the application may do, and where its callbacks go, which is an address on loopback.
async fn change_app(State(sim): App, Json(body): Json<Value>) -> Result<Json<Value>, StatusCode> {
    let mut settings = sim.settings();
    let set = |flag: &mut bool, name: &str| *flag = body[name].as_bool().unwrap_or(*flag);
    set(&mut settings.sms_enabled, "sms_enabled");
    set(&mut settings.calls_enabled, "calls_enabled");
    set(&mut settings.onetouch_enabled, "onetouch_enabled");
    set(&mut settings.suspended, "suspended");
    set(&mut settings.export_enabled, "export_enabled");
    let life = |seconds: &mut u64, name: &str| *seconds = body[name].as_u64().unwrap_or(*seconds);
    life(&mut settings.deletion_seconds, "deletion_seconds");
    life(&mut settings.verification_seconds, "verification_seconds");
    match &body["callback_method"] {
        Value::String(method) if method == "GET" || method == "POST" => {
            settings.callback_by_get = method == "GET";
        }
        Value::Null => {}
        _ => return Err(StatusCode::BAD_REQUEST),
    }
    match &body["callback_url"] {
        Value::String(url) if url.starts_with("http://127.0.0.1:") => {
            settings.callback_url = Some(url.clone());
        }
        Value::Null => {}
        _ => return Err(StatusCode::BAD_REQUEST),
    }
    Ok(Json(json!({})))
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
    if let Some(deleted) = body["deleted"].as_bool() {
        person.gone_at = deleted.then_some(u64::MAX);
    }
    if let Some(devices) = body["sdk_devices"].as_array() {
        person.sdk_devices = devices.iter().filter_map(Value::as_u64).collect();
    }
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
