//! Answers of Verify: a JSON object, a page of a list, or Twilio's error body.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Call;
use crate::random;

/// An answer with HTTP 2xx.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    status: u16,
    /// `None`: without a body.
    body: Option<Value>,
}

/// An error: HTTP status, Twilio's code and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
}

/// The result of a call.
pub(super) type Answer = Result<Reply, Refusal>;

/// Returns the answer to a call that created something.
pub(super) fn created(body: Value) -> Answer {
    with_status(201, body)
}

/// Returns the answer to a call that read or changed something.
pub(super) fn found(body: Value) -> Answer {
    with_status(200, body)
}

pub(super) fn with_status(status: u16, body: Value) -> Answer {
    Ok(Reply {
        status,
        body: Some(body),
    })
}

/// Returns the answer to a call that deleted something.
pub(super) fn deleted() -> Answer {
    Ok(Reply {
        status: 204,
        body: None,
    })
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
        }
    }

    /// Returns the error of a bad or missing parameter.
    pub(super) fn parameter(message: &str) -> Self {
        Self::new(400, 60200, message)
    }

    /// Returns the error of a resource that is not there, or has ended.
    pub(super) fn not_found(path: &str) -> Self {
        let message = format!("The requested resource {path} was not found");
        Self::new(404, 20404, &message)
    }

    /// Returns the error of a path that has no such method.
    pub(super) fn method() -> Self {
        Self::new(405, 20004, "Method not allowed")
    }
}

fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self.body {
            Some(body) => (status(self.status), Json(body)).into_response(),
            None => status(self.status).into_response(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status,
        });
        (status(self.status), Json(body)).into_response()
    }
}

/// Returns a page of a list: those of `items` that `PageSize` and `Page` name.
pub(super) fn page(call: &Call, url: &str, key: &str, items: &[Value]) -> Answer {
    let size = call.number("PageSize", 1..=1000, 50)?;
    let number = call.number("Page", 0..=100_000, 0)?;
    let count = items.len() as u64;
    let first = (number * size).min(count) as usize;
    let last = ((number + 1) * size).min(count) as usize;
    let mut others = call.pairs.clone();
    others.retain(|(name, _)| !["PageSize", "Page", "PageToken"].contains(&name.as_str()));
    let url_of = |number: u64| {
        let mut pairs = others.clone();
        pairs.push(("PageSize".into(), size.to_string()));
        pairs.push(("Page".into(), number.to_string()));
        let query = serde_urlencoded::to_string(&pairs).unwrap_or_default();
        format!("{url}{}?{query}", call.path)
    };
    let next = (last as u64) < count;
    found(json!({
        key: items[first..last],
        "meta": {
            "key": key,
            "page": number,
            "page_size": size,
            "first_page_url": url_of(0),
            "previous_page_url": (number > 0).then(|| url_of(number - 1)),
            "url": url_of(number),
            "next_page_url": next.then(|| url_of(number + 1)),
        },
    }))
}

/// Returns a new SID with this prefix.
pub(super) fn new_sid(prefix: &str) -> String {
    format!("{prefix}{}", random::hex())
}

/// Writes a time as Twilio's replies do: `2026-11-23T09:00:00Z`.
pub(super) fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok();
    let time = time.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
