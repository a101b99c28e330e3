//! Answers of the API: a JSON body, or Authy's error envelope with its error code as a string.
//!
//! Every handler in `service/` returns an [`Answer`] and turns it into a response by [`respond`].
//! The envelope is what Authy sent, including its redundant members and their order.

use axum::Json as Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::ordered::{Json, ordered};

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
pub(crate) type Answer = Result<Json, Failure>;

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

    /// Returns the error envelope. Authy had one order of the members for most errors, and another
    /// one for those of a verification, of an invalid user and of an unknown approval request.
    fn body(&self) -> Json {
        let (message, code) = (self.message.as_str(), self.code.to_string());
        let mut errors = ordered! {};
        for (name, text) in &self.fields {
            errors.push(name, text.as_str());
        }
        if self.code != 60049 {
            errors.push("message", message);
        }
        let mut body = match self.code {
            60019 | 60020 => ordered! {
                "message": message, "token": "is invalid", "success": false, "errors": errors,
            },
            60027 | 60049 => ordered! {"message": message, "success": false, "errors": errors},
            _ => {
                return ordered! {
                    "error_code": code, "message": message, "errors": errors, "success": false,
                };
            }
        };
        for (name, text) in &self.fields {
            body.push(name, text.as_str());
        }
        body.push("error_code", code);
        body
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Body(self.body())).into_response()
    }
}

/// Turns an answer into an HTTP response.
pub(crate) fn respond(answer: Answer) -> Response {
    match answer {
        Ok(body) => Body(body).into_response(),
        Err(failure) => failure.into_response(),
    }
}
