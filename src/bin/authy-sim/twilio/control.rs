//! What tests see and change of Verify, without a key: `/phone/twilio`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::saved::Part;
use super::state::{Config, Settings, Twilio};
use crate::service::SimState;
use crate::state::Sim;

/// Returns the routes that need no key.
pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/phone/twilio", get(show).post(change))
        .route("/phone/twilio/factors", post(add_factor))
}

async fn show(State(sim): SimState) -> Json<Value> {
    Json(phone_json(&sim.twilio()))
}

/// Returns the codes that were sent, the newest one last, and the apps with their present codes.
pub(crate) fn phone_json(twilio: &Twilio) -> Value {
    json!({"verifications": verifications(twilio), "factors": factors(twilio)})
}

fn verifications(twilio: &Twilio) -> Vec<Value> {
    let (now, lifetime) = (twilio.now(), twilio.settings.verification_seconds);
    let all = twilio.verifications.iter();
    all.map(|one| {
        let service = twilio.services.get(&one.service);
        let name = service.map_or("", |service| service.name.as_str());
        json!({
            "sid": one.sid, "to": one.to, "channel": one.channel, "locale": one.locale,
            "rate_limits": one.rate_limits,
            "text": format!("Your {name} verification code is: {}", one.code), "code": one.code,
            "status": one.shown_status(now, lifetime),
            "sends": one.sends.len(), "checks": one.checks,
        })
    })
    .collect()
}

fn factors(twilio: &Twilio) -> Vec<Value> {
    let (mut rows, now) = (Vec::new(), twilio.now());
    for ((_, identity), entity) in &twilio.entities {
        for factor in entity.factors.iter().filter(|factor| factor.is_known(now)) {
            let (totp, step) = (factor.totp(), factor.config.time_step);
            rows.push(json!({
                "identity": identity, "sid": factor.sid, "name": factor.name,
                "verified": factor.verified, "challenges": entity.challenges.len(),
                "code": totp.map(|totp| totp.generate(now).to_string()),
                "time_step": step, "seconds_left": step - now % step,
            }));
        }
    }
    rows
}

/// Replaces the settings; a member that is absent gets its default.
async fn change(State(sim): SimState, Json(body): Json<Value>) -> Result<Json<Value>, StatusCode> {
    let settings: Settings = serde_json::from_value(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut twilio = sim.twilio();
    twilio.settings = settings;
    twilio.changed.insert(Part::Settings);
    Ok(Json(json!({})))
}

/// Adds a proven app: `{"identity": "…", "secret": "BASE32"}`, with `code_length` where it is not 6,
/// and with `sid` where that matters. Changes nothing where there is one with this SID.
async fn add_factor(
    State(sim): SimState,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let text = |name: &str| body[name].as_str().ok_or(StatusCode::BAD_REQUEST);
    let (identity, secret) = (text("identity")?, text("secret")?.to_owned());
    let mut twilio = sim.twilio();
    let service = twilio.account.service.clone();
    let sid = body["sid"].as_str();
    let is_known = |sid: &str| {
        let mut people = twilio.entities.values();
        people.any(|person| person.factors.iter().any(|factor| factor.sid == sid))
    };
    if let Some(sid) = sid.filter(|sid| is_known(sid)) {
        return Ok(Json(json!({"sid": sid})));
    }
    let config = Config {
        alg: "sha1".to_owned(),
        time_step: 30,
        code_length: body["code_length"].as_u64().unwrap_or(6),
        skew: 1,
    };
    let factor = twilio
        .add_factor(&service, identity, "an app", secret, config)
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    factor.verified = true;
    if let Some(sid) = sid {
        factor.sid = sid.to_owned();
    }
    Ok(Json(json!({"sid": factor.sid})))
}
