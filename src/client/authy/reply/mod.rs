//! Reads the envelope `{success, message, error_code}` of Authy's answers. This is the only place
//! that decides whether Authy accepted a token.
//!
//! The answers have varied over the years: `success` is a boolean or the string `"true"`, codes and
//! ids are numbers or strings, and a body may be HTML or empty. Reading tolerates all of these, but
//! accepting a token does not. The answers are not trusted. Called by [`super::Client`] and the
//! resources.

use serde_json::{Map, Value};

use super::types::AuthyId;
use crate::base::text;
use crate::client::authy::error::{Error, Refusal, classify, unreadable};
use crate::client::http::{Response, json};

/// The JSON object of an answer with HTTP 200. No member of it is repeated.
#[derive(Debug)]
pub(crate) struct Reply(Map<String, Value>);

impl Reply {
    /// Reads a response.
    ///
    /// # Errors
    /// See [`Error`], for any response other than HTTP 200 with a JSON object.
    pub(crate) fn read(response: &Response) -> Result<Self, Error> {
        match (response.status, json::object(&response.body)) {
            (200, Some(object)) => Ok(Self(object)),
            (status @ 201..=299, Some(object)) => Err(Error::Unexpected(Refusal {
                message: "a status that Authy's API does not have".to_owned(),
                ..read_refusal(status, None, &object)
            })),
            (200, None) => Err(unreadable(200, "an answer without a JSON object")),
            (status @ 201..=399, _) => Err(unreadable(status, "no answer of Authy's API")),
            (_, object) => Err(error_of_response(response, object.as_ref())),
        }
    }

    /// Returns the reply unless it names a person other than `id`.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if it does.
    pub(crate) fn about(self, id: AuthyId) -> Result<Self, Error> {
        match self.get("authy_id").filter(|value| !value.is_null()) {
            Some(named) if number(named) != Some(id.number()) => Err(about_another("person")),
            _ => Ok(self),
        }
    }

    /// Returns `Ok` only if Authy accepted the token: HTTP 200, a JSON object without repeated
    /// members, top-level `token` exactly `is valid`, and `success` missing or true.
    ///
    /// # Errors
    /// [`Error::Refused`] for a wrong token, or another [`Error`].
    pub(crate) fn require_valid_token(&self) -> Result<(), Error> {
        let has_failed = self.0.get("success").is_some_and(|value| !is_true(value));
        match self.0.get("token").and_then(Value::as_str) {
            Some("is valid") if !has_failed => Ok(()),
            _ if has_failed => Err(classify(read_refusal(200, None, &self.0))),
            Some("is invalid") => Err(Error::Refused(read_refusal(200, None, &self.0))),
            _ => Err(unexpected("no valid token")),
        }
    }

    /// Returns the reply if `success` is true. A call that answers HTTP 200 without success was not
    /// carried out.
    pub(crate) fn require_success(self) -> Result<Self, Error> {
        if self.0.get("success").is_some_and(is_true) {
            Ok(self)
        } else if self.0.contains_key("success") {
            Err(classify(read_refusal(200, None, &self.0)))
        } else {
            Err(unexpected("no success"))
        }
    }

    /// Returns the reply unless `success` is there and not true. Some answers have no `success`.
    pub(crate) fn reject_failure(self) -> Result<Self, Error> {
        if self.0.contains_key("success") {
            self.require_success()
        } else {
            Ok(self)
        }
    }

    /// Returns the whole object unchanged.
    pub(crate) fn into_object(self) -> Map<String, Value> {
        self.0
    }

    /// Returns a string member, made safe to show; `None` if it is missing or not a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Value::as_str).map(text::sanitize)
    }

    /// Returns a member unchanged.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns a boolean member; `None` if it is missing or `null`.
    pub(crate) fn optional_flag(&self, name: &str) -> Option<bool> {
        self.0
            .get(name)
            .filter(|value| !value.is_null())
            .map(is_true)
    }

    /// Returns the objects of an array member. Skips elements of other types.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Map<String, Value>>, Error> {
        let array = self.0.get(name).and_then(Value::as_array);
        let array = array.ok_or_else(|| unexpected(&format!("no `{name}` in the answer")))?;
        Ok(array
            .iter()
            .filter_map(|value| value.as_object().cloned())
            .collect())
    }

    /// Whether a member is true or the string `"true"`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(is_true)
    }

    /// Returns an object member.
    pub(crate) fn object(&self, name: &str) -> Result<&Map<String, Value>, Error> {
        self.0
            .get(name)
            .and_then(Value::as_object)
            .ok_or_else(|| unexpected(&format!("no `{name}` in the answer")))
    }
}

/// Whether a value is true or the string `"true"`.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text == "true",
        _ => false,
    }
}

/// Returns a number, which may be sent as a string of digits.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    }
}

/// Returns the error of an answer with HTTP 200 that Authy's API does not have. It counts as a
/// refusal.
pub(crate) fn unexpected(what: &str) -> Error {
    Error::Unexpected(Refusal {
        status: 200,
        message: what.to_owned(),
        ..Refusal::default()
    })
}

/// Returns the error of an answer about another person or thing than the one that was asked about.
pub(crate) fn about_another(what: &str) -> Error {
    unexpected(&format!("the answer is about another {what}"))
}

/// Returns the error of a response whose status is neither 2xx nor 3xx.
fn error_of_response(response: &Response, object: Option<&Map<String, Value>>) -> Error {
    if let Some(object) = object.filter(|object| has_envelope(object)) {
        let retry_after = response.retry_after_seconds;
        return classify(read_refusal(response.status, retry_after, object));
    }
    let bare = Refusal {
        status: response.status,
        message: first_line(&response.body),
        retry_after_seconds: response.retry_after_seconds,
        ..Refusal::default()
    };
    match response.status {
        // These statuses are clear without a body. Old versions answered only `invalid key`.
        401 | 403 | 429 | 500..=599 => classify(bare),
        400..=499 => Error::Unexpected(Refusal {
            message: match bare.message.as_str() {
                "" => "no error of Authy's API".to_owned(),
                text => format!("no error of Authy's API: {text}"),
            },
            ..bare
        }),
        status => unreadable(status, "no answer of Authy's API"),
    }
}

/// Whether an object has any member of Authy's envelope for failures.
fn has_envelope(object: &Map<String, Value>) -> bool {
    ["message", "errors", "error_code", "success"]
        .iter()
        .any(|name| object.contains_key(*name))
}

/// Reads the envelope of a failure.
fn read_refusal(
    status: u16,
    retry_after_seconds: Option<u64>,
    object: &Map<String, Value>,
) -> Refusal {
    let errors = object.get("errors").and_then(Value::as_object);
    let fields = errors
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "message")
        .filter_map(|(name, value)| Some((text::sanitize(name), text::sanitize(value.as_str()?))))
        .collect::<std::collections::BTreeMap<_, _>>();
    let message = object
        .get("message")
        .and_then(Value::as_str)
        .or_else(|| errors?.get("message")?.as_str())
        .map(text::sanitize)
        .or_else(|| {
            fields
                .iter()
                .next()
                .map(|(name, value)| format!("{name}: {value}"))
        })
        .unwrap_or_default();
    let code = object
        .get("error_code")
        .and_then(number)
        .and_then(|code| code.try_into().ok());
    Refusal {
        status,
        code,
        message,
        fields,
        retry_after_seconds,
    }
}

/// Returns the first line of a body that is not JSON; empty if it is not plain text.
fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(text::SHOWN)).unwrap_or_default());
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() && !line.starts_with(['<', '{', '[']) => {
            text::sanitize(line)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
