//! Routes that need no API key: the phones, the faults and the log of requests.
//!
//! Tests and the phone page use them. The control address serves them over plain HTTP and the TLS
//! address serves them too. Changes to people and settings act on the state at once.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::apps::App;
use crate::callback;
use crate::ordered::{Json as Ordered, ordered};
use crate::person::Person;
use crate::phone;
use crate::service::{SimState, phones, qr};
use crate::state::Sim;
use crate::twilio;

/// Returns the routes that need no API key.
pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/phone", get(phone::page))
        .route("/phone.css", get(phone::style))
        .route("/phone.js", get(phone::script))
        .route("/phone.json", get(all_phones))
        .route("/phone/users", post(add_person))
        .route("/phone/users/{id}", post(change_person))
        .route("/phone/users/{id}/token", post(issue_token))
        .route("/phone/approvals/{uuid}", post(decide))
        .route("/phone/apps", post(add_app))
        .route("/phone/app", post(change_app))
        .route("/qr/{code}", get(qr::image))
        .route(
            "/faults",
            get(list_faults).post(arm_faults).delete(disarm_faults),
        )
        .route("/requests.json", get(requests).delete(clear_requests))
        .merge(twilio::control::routes())
}

/// Answers with every person, phone verification, account in the authenticator app, and with
/// Twilio's codes and apps.
async fn all_phones(State(sim): SimState) -> Json<Ordered> {
    let people = sim.people();
    let approvals = sim.approvals();
    let users: Vec<_> = people
        .iter()
        .map(|person| {
            let requests = approvals.of_person(person.id);
            let mut user = person.phone_json();
            let requests = requests.iter().map(|request| request.phone_json());
            user.push("approvals", Ordered::List(requests.collect()));
            user
        })
        .collect();
    let codes: Vec<_> = sim
        .verifications()
        .iter()
        .map(|(phone, v)| json!({"phone": phone, "code": v.code, "status": v.status()}))
        .collect();
    let apps: Vec<_> = sim.apps().iter().map(App::phone_json).collect();
    let twilio = twilio::control::phone_json(&sim.twilio());
    Json(
        ordered! {"users": Ordered::List(users), "verifications": codes, "apps": apps, "twilio": twilio},
    )
}

/// Adds an account to the authenticator app, in place of the one with its name. The body is
/// `{"name": "alice", "secret": "BASE32"}`.
async fn add_app(State(sim): SimState, Json(body): Json<Value>) -> Result<Json<Value>, StatusCode> {
    let text = |member: &str| body[member].as_str().ok_or(StatusCode::BAD_REQUEST);
    let name = text("name")?;
    let app = App::new(name, text("secret")?).ok_or(StatusCode::BAD_REQUEST)?;
    let answer = app.phone_json();
    let mut apps = sim.apps();
    apps.retain(|app| !app.has_name(name));
    apps.push(app);
    Ok(Json(answer))
}

/// Approves or denies a pending request as the person would, and sends the callback if one is set.
/// The body is `{"approve": true}` or `{"approve": false}`.
async fn decide(
    State(sim): SimState,
    Path(uuid): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Ordered>, StatusCode> {
    let approve = body["approve"].as_bool().ok_or(StatusCode::BAD_REQUEST)?;
    let decided = sim.approvals().decide(&uuid, approve);
    let approval = decided.ok_or(StatusCode::NOT_FOUND)?;
    let (callback_url, by_get) = {
        let settings = sim.settings();
        (settings.callback_url.clone(), settings.callback_by_get)
    };
    let mut answer = approval.phone_json();
    if let Some(url) = callback_url {
        let key = sim.key.clone();
        let os_type = sim
            .people()
            .get(approval.authy_id)
            .map(|p| p.os_type().to_owned());
        let os_type = os_type.unwrap_or_default();
        let delivery = tokio::task::spawn_blocking(move || {
            callback::send(&approval, &os_type, &key, &url, by_get)
        })
        .await;
        if matches!(delivery, Ok(Ok(200))) {
            sim.approvals().set_notified(&uuid);
        }
        let callback = match delivery {
            Ok(Ok(status)) => json!(status),
            Ok(Err(error)) => json!(error),
            Err(_) => json!("the callback task failed"),
        };
        answer.push("callback", callback);
    }
    Ok(Json(answer))
}

/// Changes the settings of the application. The callback URL must be an address on loopback.
async fn change_app(
    State(sim): SimState,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let mut settings = sim.settings();
    let set = |flag: &mut bool, name: &str| *flag = body[name].as_bool().unwrap_or(*flag);
    set(&mut settings.sms_enabled, "sms_enabled");
    set(&mut settings.calls_enabled, "calls_enabled");
    set(&mut settings.onetouch_enabled, "onetouch_enabled");
    set(&mut settings.suspended, "suspended");
    set(&mut settings.export_enabled, "export_enabled");
    let set_seconds =
        |seconds: &mut u64, name: &str| *seconds = body[name].as_u64().unwrap_or(*seconds);
    set_seconds(&mut settings.deletion_seconds, "deletion_seconds");
    set_seconds(&mut settings.verification_seconds, "verification_seconds");
    match &body["callback_method"] {
        Value::String(method) if method == "GET" || method == "POST" => {
            settings.callback_by_get = method == "GET";
        }
        Value::Null => {}
        _ => return Err(StatusCode::BAD_REQUEST),
    }
    match &body["callback_url"] {
        Value::String(url)
            if url.starts_with("http://127.0.0.1:") || url.starts_with("http://[::1]:") =>
        {
            settings.callback_url = Some(url.clone());
        }
        Value::Null => {}
        _ => return Err(StatusCode::BAD_REQUEST),
    }
    Ok(Json(json!({})))
}

/// Adds a person, or changes the one who has this phone number or authy id. The number may have
/// separators between its digits.
async fn add_person(
    State(sim): SimState,
    Json(body): Json<Value>,
) -> Result<Json<Ordered>, StatusCode> {
    let text = |name: &str, default: &str| body[name].as_str().unwrap_or(default).to_owned();
    let mut people = sim.people();
    let number = phones::digits(&text("cellphone", "5550100199")).ok_or(StatusCode::BAD_REQUEST)?;
    let country_code = text("country_code", "1");
    let person = people.find_or_add(
        body["authy_id"].as_u64(),
        &text("email", "user@example.com"),
        &country_code,
        &number,
    );
    apply_changes(person, &body);
    Ok(Json(person.phone_json()))
}

async fn change_person(
    State(sim): SimState,
    Path(id): Path<u64>,
    Json(body): Json<Value>,
) -> Result<Json<Ordered>, StatusCode> {
    let mut people = sim.people();
    let person = people.get(id).ok_or(StatusCode::NOT_FOUND)?;
    apply_changes(person, &body);
    Ok(Json(person.phone_json()))
}

/// Applies the members of a JSON object to a person; members that are absent change nothing.
fn apply_changes(person: &mut Person, body: &Value) {
    let set = |flag: &mut bool, name: &str| *flag = body[name].as_bool().unwrap_or(*flag);
    set(&mut person.registered, "registered");
    set(&mut person.confirmed, "confirmed");
    set(&mut person.suspended, "suspended");
    set(&mut person.messages_forced, "messages_forced");
    if let Some(deleted) = body["deleted"].as_bool() {
        person.deletion_at = deleted.then_some(u64::MAX);
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

/// Issues a token that is valid once, without a message in the inbox.
async fn issue_token(State(sim): SimState, Path(id): Path<u64>) -> Result<Json<Value>, StatusCode> {
    let mut people = sim.people();
    let person = people.get(id).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({"token": person.issue_token(None)})))
}

async fn list_faults(State(sim): SimState) -> Json<Value> {
    Json(json!(sim.faults().list()))
}

async fn arm_faults(State(sim): SimState, body: Bytes) -> Response {
    match sim.faults().arm(&body) {
        Ok(()) => Json(json!({"armed": true})).into_response(),
        Err(message) => {
            (StatusCode::BAD_REQUEST, Json(json!({"message": message}))).into_response()
        }
    }
}

async fn disarm_faults(State(sim): SimState) -> Json<Value> {
    sim.faults().disarm();
    Json(json!({"armed": false}))
}

async fn requests(State(sim): SimState) -> Json<Value> {
    Json(sim.requests())
}

async fn clear_requests(State(sim): SimState) -> Json<Value> {
    sim.clear_requests();
    Json(json!({}))
}
