//! The application: details and statistics.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::App;
use crate::answer::respond;

pub(super) async fn details(State(sim): App) -> Response {
    let settings = sim.settings();
    respond(Ok(json!({
        "app": {
            "app_id": 77,
            "name": "authy-sim",
            "plan": "pay_as_you_go",
            "sms_enabled": settings.sms_enabled,
            "onetouch_enabled": settings.onetouch_enabled,
        },
        "message": "Application information.",
        "success": true,
    })))
}

pub(super) async fn stats(State(sim): App) -> Response {
    let users = sim.people().len();
    let asked = sim.requests();
    let count = |part: &str| {
        asked["requests"].as_array().map_or(0, |all| {
            all.iter()
                .filter(|r| r["path"].as_str().is_some_and(|p| p.contains(part)))
                .count()
        })
    };
    respond(Ok(json!({
        "app_id": 77,
        "count": 1,
        "total_users": users,
        "message": "Monthly statistics.",
        "success": true,
        "stats": [{
            "month": "January",
            "year": 2026,
            "api_calls_count": count("/"),
            "auths_count": count("/verify/"),
            "calls_count": count("/call/"),
            "sms_count": count("/sms/"),
            "users_count": users,
        }],
    })))
}
