//! API calls about the application: details, statistics and activity events.
//!
//! `service/mod.rs` routes them here. The statistics count the simulator's log of requests.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::SimState;
use crate::answer::{Failure, respond};
use crate::ordered::{Json, ordered};
use crate::params::Params;
use crate::sandbox;

pub(super) async fn details(State(sim): SimState) -> Response {
    let settings = sim.settings();
    respond(Ok(ordered! {
        "app": ordered! {
            "app_id": 77,
            "name": if sim.sandbox { sandbox::APP_NAME } else { "authy-sim" },
            "plan": "pay_as_you_go",
            "sms_enabled": settings.sms_enabled,
            "onetouch_enabled": settings.onetouch_enabled,
        },
        "message": "Application information.",
        "success": true,
    }))
}

pub(super) async fn stats(State(sim): SimState) -> Response {
    let users = sim.people().len();
    let log = sim.requests();
    let count = |part: &str| {
        log["requests"].as_array().map_or(0, |all| {
            all.iter()
                .filter(|r| r["path"].as_str().is_some_and(|p| p.contains(part)))
                .count()
        })
    };
    let month = ordered! {
        "month": "January",
        "year": 2026,
        "api_calls_count": count("/"),
        "auths_count": count("/verify/"),
        "calls_count": count("/call/"),
        "sms_count": count("/sms/"),
        "users_count": users,
    };
    respond(Ok(ordered! {
        "app_id": 77,
        "count": 1,
        "total_users": users,
        "message": "Monthly statistics.",
        "success": true,
        "stats": Json::List(vec![month]),
    }))
}

/// Returns the activity of all people, page by page. Authy's own format is not documented.
pub(super) async fn events(State(sim): SimState, params: Params) -> Response {
    let number = |name: &str, default: usize| match params.text(name) {
        Some(text) => text.parse().ok(),
        None => Some(default),
    };
    let (Some(page @ 1..), Some(per_page @ 1..=100)) = (number("page", 1), number("per_page", 50))
    else {
        return respond(Err(Failure::new(400, 60089, "The query is invalid.")));
    };
    let people = sim.people();
    let all = people.iter().flat_map(|person| {
        let activity = person.activity.iter();
        activity.map(|kind| json!({"authy_id": person.id, "type": kind}))
    });
    let events: Vec<_> = all.skip((page - 1) * per_page).take(per_page).collect();
    respond(Ok(
        ordered! {"events": events, "page": page, "per_page": per_page, "success": true},
    ))
}
