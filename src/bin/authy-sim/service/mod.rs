//! The routes of the API, and what all of them share: the check of the API key, the log of requests
//! and the error envelope.
//!
//! `listener.rs` serves these routes on the TLS address, behind the middleware that injects faults.
//! Nothing in a request is trusted before its key is checked.

mod app;
mod onetouch;
pub(crate) mod phones;
pub(crate) mod qr;
mod tokens;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use crate::answer::Failure;
use crate::params::Params;
use crate::person::Person;
use crate::state::Sim;

/// The largest request body that is read, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// The extractor of the simulator's state.
pub(crate) type SimState = State<Arc<Sim>>;

/// The extractor of the one parameter of a path, an authy id.
pub(crate) type PathId = Path<String>;

/// Returns all routes of the API.
pub(crate) fn routes(sim: &Arc<Sim>) -> Router<Arc<Sim>> {
    Router::new()
        .route("/protected/json/users/new", post(users::create))
        .route("/protected/json/users/{id}/status", get(users::status))
        .route("/protected/json/users/{id}/remove", post(users::delete))
        .route("/protected/json/users/{id}/delete", post(users::delete))
        .route("/protected/json/users/delete/{id}", post(users::delete))
        .route("/protected/json/users/{id}/update", post(users::update))
        .route("/protected/json/users/{id}/secret", post(qr::secret))
        .route(
            "/protected/json/users/{id}/register_activity",
            post(users::register_activity),
        )
        .route(
            "/protected/json/users/{id}/phone_number",
            get(users::phone_number),
        )
        .route(
            "/protected/json/sdk/devices/{id}",
            delete(users::delete_device),
        )
        .route("/protected/json/reporting/events", get(app::events))
        .route(
            "/protected/json/registrations/status",
            get(users::registration),
        )
        .route("/protected/json/email/{id}", post(tokens::email))
        .route("/protected/json/sms/{id}", get(tokens::sms))
        .route("/protected/json/call/{id}", get(tokens::call))
        .route("/protected/json/verify/{token}/{id}", get(tokens::verify))
        .route("/protected/json/app/details", get(app::details))
        .route("/protected/json/app/stats", get(app::stats))
        .route(
            "/protected/json/phones/verification/start",
            post(phones::start),
        )
        .route(
            "/protected/json/phones/verification/check",
            get(phones::check),
        )
        .route(
            "/protected/json/phones/verification/status",
            get(phones::status),
        )
        .route("/protected/json/phones/info", get(phones::info))
        .route(
            "/onetouch/json/users/{id}/approval_requests",
            post(onetouch::create),
        )
        .route(
            "/onetouch/json/approval_requests/{uuid}",
            get(onetouch::status),
        )
        .fallback(|| async { Failure::new(404, 60000, "Requested URL was not found.") })
        .layer(middleware::from_fn_with_state(Arc::clone(sim), check_key))
}

/// Middleware that logs every request, even one that is refused or meets a fault.
pub(crate) async fn log_request(State(sim): SimState, request: Request, next: Next) -> Response {
    sim.log_request(describe(&request));
    next.run(request).await
}

/// Returns the log entry of a request. Of the headers with keys it only records the presence.
fn describe(request: &Request) -> Value {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.uri().query(),
        "has_key": header("X-Authy-API-Key").or(header("Authorization")).is_some(),
        "user_agent": header("User-Agent"),
    })
}

/// Middleware that refuses a request without the correct API key, or to a suspended application.
async fn check_key(State(sim): SimState, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Failure::new(400, 60002, "Invalid request").into_response();
    };
    let params = Params::read(parts.uri.query(), &parts.headers, &body);
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let key = header("X-Authy-API-Key")
        .map(str::to_owned)
        .or_else(|| params.text("api_key"));
    if !key.is_some_and(|key| sim.accepts_key(&key)) {
        return Failure::new(401, 60001, "Invalid API key").into_response();
    }
    if sim.settings().suspended {
        return Failure::new(503, 60061, "Application is suspended.").into_response();
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

impl FromRequest<Arc<Sim>> for Params {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<Sim>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT)
            .await
            .unwrap_or_else(|_| Bytes::new());
        Ok(Self::read(parts.uri.query(), &parts.headers, &body))
    }
}

/// Runs `operation` on the person whose authy id is `id`.
///
/// # Errors
/// Authy's error for an unknown user, or the error of `operation`.
fn with_person<T>(
    sim: &Sim,
    id: &str,
    operation: impl FnOnce(&mut Person) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let id = id.parse().map_err(|_| Failure::user_not_found())?;
    let mut people = sim.people();
    let person = people.get(id).filter(|person| !person.is_deleted());
    operation(person.ok_or_else(Failure::user_not_found)?)
}
