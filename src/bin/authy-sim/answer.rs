//! Answers of the API: a JSON body, or Authy's error envelope with its error code as a string.
//!
//! Every handler in `service/` returns an [`Answer`] and turns it into a response by [`respond`].
//! The envelope is what Authy sent, including its redundant members.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An error of the Authy API: HTTP status, Authy error code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
    /// Errors of single fields, which the envelope repeats at the top level as Authy does.
    pub(crate) fields: Vec<(String, String)>,
}

/// The result of an API call: the JSON body, or the error.
pub(crate) type Answer = Result<Value, Failure>;

impl Failure {
    /// Returns an error without field errors.
    pub(crate) fn new(status: u16, code: u32, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            fields: Vec::new(),
        }
    }

    /// Returns Authy's error for an unknown authy id.
    pub(crate) fn user_not_found() -> Self {
        Self::new(404, 60026, "User not found.")
    }

    /// Returns the error envelope.
    fn body(&self) -> Value {
        let mut errors = Map::new();
        let mut body = Map::new();
        for (name, text) in &self.fields {
            errors.insert(name.clone(), json!(text));
            body.insert(name.clone(), json!(text));
        }
        errors.insert("message".into(), json!(self.message));
        body.insert("message".into(), json!(self.message));
        body.insert("errors".into(), Value::Object(errors));
        body.insert("success".into(), json!(false));
        body.insert("error_code".into(), json!(self.code.to_string()));
        if matches!(self.code, 60019 | 60020) {
            body.insert("token".into(), json!("is invalid"));
        }
        Value::Object(body)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.body())).into_response()
    }
}

/// Turns an answer into an HTTP response.
pub(crate) fn respond(answer: Answer) -> Response {
    match answer {
        Ok(body) => Json(body).into_response(),
        Err(failure) => failure.into_response(),
    }
}
