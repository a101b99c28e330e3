//! Twilio Verify v2 and Lookup v2 on their real paths: keys with permissions, verifications,
//! people, apps, challenges, and Twilio's error bodies.
//!
//! [`serve`] reads a request, checks the key and what it may do, and runs one function of
//! `verifications`, `challenges` or their neighbours under the lock of the state. `listener.rs`
//! serves it behind the middleware that injects faults. Sources: Twilio's documentation and OpenAPI
//! file of Verify v2.

mod answer;
mod attempts;
mod challenges;
pub(crate) mod control;
mod entities;
mod factors;
mod keys;
mod lookup;
mod rate_limits;
mod saved;
mod services;
mod state;
mod verifications;

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use crate::service::SimState;
use crate::state::Sim;
use answer::{Answer, Refusal};
pub(crate) use keys::Account;
pub(crate) use saved::Known;
pub(crate) use state::Twilio;

/// The largest request body that is read, in bytes.
const BODY_LIMIT: usize = 256 * 1024;

/// Returns the routes of Verify and Lookup.
pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/v2/{*rest}", any(serve))
}

/// One request.
pub(super) struct Call {
    method: String,
    path: String,
    /// The pairs of the query and then those of the form, in order.
    pairs: Vec<(String, String)>,
}

impl Call {
    /// Returns a parameter; the last one where it is repeated.
    fn text(&self, name: &str) -> Option<&str> {
        let mut all = self.pairs.iter().rev();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that must be there and not empty.
    fn required(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.text(name).filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::parameter(&format!("Missing required parameter {name}")))
    }

    /// Returns a number within a range, or `default` where it is not there.
    fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, Refusal> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| range.contains(number))
                .ok_or_else(|| Refusal::parameter(&format!("Invalid parameter `{name}`: {text}"))),
        }
    }

    /// Returns a flag, or `default` where it is not there.
    fn flag(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(Refusal::parameter(&format!("Invalid parameter `{name}`"))),
        }
    }
}

/// Answers a request.
async fn serve(State(sim): SimState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| {
        let value = parts.headers.get(name);
        value.and_then(|value| value.to_str().ok())
    };
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let is_form = header("content-type")
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if let (true, Ok(body)) = (is_form, to_bytes(body, BODY_LIMIT).await) {
        let form: Vec<_> = serde_urlencoded::from_bytes(&body).unwrap_or_default();
        pairs.extend::<Vec<(String, String)>>(form);
    }
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        pairs,
    };
    let url = sim.url().to_owned();
    let mut twilio = sim.twilio();
    let answer = twilio
        .check_key(header("authorization"), &call)
        .and_then(|()| dispatch(&mut twilio, &url, &call));
    match answer {
        Ok(reply) => reply.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Returns the parts of the path below `/v2`, percent-decoded.
fn segments(path: &str) -> Vec<String> {
    let parts = path.trim_start_matches("/v2/").split('/');
    let decode = |part: &str| {
        let pair: Result<Vec<(String, String)>, _> =
            serde_urlencoded::from_str(&format!("x={}", part.replace('+', "%2B")));
        pair.ok().and_then(|mut pairs| pairs.pop())
    };
    parts
        .map(|part| decode(part).map_or_else(|| part.to_owned(), |(_, value)| value))
        .collect()
}

/// Runs the function of a call; `url` is that of the simulator.
fn dispatch(twilio: &mut Twilio, url: &str, call: &Call) -> Answer {
    let parts = segments(&call.path);
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["PhoneNumbers", number] if call.method == "GET" => lookup::fetch(call, number, url),
        ["Attempts"] if call.method == "GET" => attempts::list(twilio, call, url),
        ["Attempts", "Summary"] if call.method == "GET" => attempts::summary(twilio, call, url),
        ["Services"] => match call.method.as_str() {
            "POST" => services::create(twilio, call, url),
            "GET" => services::list(twilio, call, url),
            _ => Err(Refusal::method()),
        },
        ["Services", service] => match call.method.as_str() {
            "POST" => services::update(twilio, call, service, url),
            "GET" => services::fetch(twilio, service, url),
            "DELETE" => services::delete(twilio, service),
            _ => Err(Refusal::method()),
        },
        ["Services", service, rest @ ..] => {
            twilio.service(service)?;
            below_service(twilio, url, call, service, rest)
        }
        _ => Err(Refusal::not_found(&call.path)),
    }
}

fn below_service(
    twilio: &mut Twilio,
    url: &str,
    call: &Call,
    service: &str,
    parts: &[&str],
) -> Answer {
    match (call.method.as_str(), parts) {
        ("POST", ["Verifications"]) => verifications::start(twilio, call, service, url),
        ("GET", ["Verifications", sid]) => verifications::fetch(twilio, service, sid, url),
        ("POST", ["Verifications", sid]) => verifications::update(twilio, call, service, sid, url),
        ("POST", ["VerificationCheck"]) => verifications::check(twilio, call, service),
        ("GET", ["RateLimits"]) => rate_limits::list(twilio, call, service, url),
        ("POST", ["Entities"]) => entities::create(twilio, call, service, url),
        ("GET", ["Entities"]) => entities::list(twilio, call, service, url),
        ("GET", ["Entities", name]) => entities::fetch(twilio, service, name, url),
        ("DELETE", ["Entities", name]) => entities::delete(twilio, service, name),
        ("POST", ["Entities", name, "Factors"]) => {
            factors::create(twilio, call, service, name, url)
        }
        ("GET", ["Entities", name, "Factors"]) => factors::list(twilio, call, service, name, url),
        ("GET", ["Entities", name, "Factors", sid]) => {
            factors::fetch(twilio, service, name, sid, url)
        }
        ("POST", ["Entities", name, "Factors", sid]) => {
            factors::update(twilio, call, service, name, sid, url)
        }
        ("DELETE", ["Entities", name, "Factors", sid]) => {
            factors::delete(twilio, service, name, sid)
        }
        ("POST", ["Entities", name, "Challenges"]) => {
            challenges::create(twilio, call, service, name, url)
        }
        ("GET", ["Entities", name, "Challenges"]) => {
            challenges::list(twilio, call, service, name, url)
        }
        ("GET", ["Entities", name, "Challenges", sid]) => {
            challenges::fetch(twilio, service, name, sid, url)
        }
        ("POST", ["Entities", name, "Challenges", sid]) => {
            challenges::update(twilio, call, service, name, sid, url)
        }
        _ => Err(Refusal::not_found(&call.path)),
    }
}
