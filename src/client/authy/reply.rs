//! What came back: the envelope `{success, message, error_code}`, and the one place that decides
//! whether Authy said yes.
//!
//! The service has answered in several dialects over the years: `success` is a boolean or the string
//! `"true"`, codes and ids are numbers or strings, and a body may be HTML or nothing at all. Reading
//! is tolerant of those; saying yes is not. Called by [`super::Client`] and the resources.

use serde_json::{Map, Value};

use crate::base::text;
use crate::client::authy::error::{Error, Refusal, classify};
use crate::client::http::Cause;
use crate::client::http::Response;

/// A JSON object that came with HTTP 200.
#[derive(Debug)]
pub(crate) struct Reply(Map<String, Value>);

impl Reply {
    /// Sorts a response: an object with 200, or why not.
    pub(crate) fn read(response: &Response) -> Result<Self, Error> {
        let object = match serde_json::from_slice(&response.body) {
            Ok(Value::Object(object)) => Some(object),
            Ok(_) | Err(_) => None,
        };
        match (response.status, object) {
            (200, Some(object)) => Ok(Self(object)),
            (200, None) => Err(nonsense("HTTP 200 without a JSON object")),
            (201..=399, _) => Err(nonsense(&format!("HTTP {}", response.status))),
            (_, object) => Err(refusal(response, object.as_ref())),
        }
    }

    /// The yes to a token: HTTP 200, a JSON object, top-level `token` exactly `is valid`, and
    /// `success` not false. Anything else lets nobody in.
    pub(crate) fn token_is_valid(&self) -> Result<(), Error> {
        let denies_success = self.0.get("success").is_some_and(|value| !is_true(value));
        match self.0.get("token").and_then(Value::as_str) {
            Some("is valid") if !denies_success => Ok(()),
            _ if denies_success => Err(classify(envelope(200, None, &self.0))),
            Some("is invalid") => Err(Error::Refused(envelope(200, None, &self.0))),
            _ => Err(nonsense("HTTP 200 without a valid token")),
        }
    }

    /// `success` is true; a call that answers 200 and denies success was not carried out.
    pub(crate) fn succeeded(self) -> Result<Self, Error> {
        if self.0.get("success").is_some_and(is_true) {
            Ok(self)
        } else if self.0.contains_key("success") {
            Err(classify(envelope(200, None, &self.0)))
        } else {
            Err(nonsense("HTTP 200 without success"))
        }
    }

    /// Anything but a `success` that is false: some answers have none.
    pub(crate) fn unless_denied(self) -> Result<Self, Error> {
        if self.0.contains_key("success") {
            self.succeeded()
        } else {
            Ok(self)
        }
    }

    /// The whole object, as it came.
    pub(crate) fn into_object(self) -> Map<String, Value> {
        self.0
    }

    /// A text member, made safe to show; absent when it is missing or no text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Value::as_str).map(text::sanitize)
    }

    /// A member as it came.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A member that is a truth value; absent when it is missing or `null`.
    pub(crate) fn truth(&self, name: &str) -> Option<bool> {
        self.0
            .get(name)
            .filter(|value| !value.is_null())
            .map(is_true)
    }

    /// A member that is an array of objects; other elements are left out.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Map<String, Value>>, Error> {
        let array = self.0.get(name).and_then(Value::as_array);
        let array = array.ok_or_else(|| nonsense(&format!("no `{name}` in the answer")))?;
        Ok(array
            .iter()
            .filter_map(|value| value.as_object().cloned())
            .collect())
    }

    /// A member that is true, or the string `"true"`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(is_true)
    }

    /// A member that is an object.
    pub(crate) fn object(&self, name: &str) -> Result<&Map<String, Value>, Error> {
        self.0
            .get(name)
            .and_then(Value::as_object)
            .ok_or_else(|| nonsense(&format!("no `{name}` in the answer")))
    }
}

/// A boolean that may come as the string `"true"`.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(word) => word == "true",
        _ => false,
    }
}

/// A number that may come as a string of digits.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    }
}

pub(crate) fn nonsense(what: &str) -> Error {
    Error::Unavailable(Cause::Malformed(what.to_owned()))
}

/// A status from 400 on, or one that HTTP does not know.
fn refusal(response: &Response, object: Option<&Map<String, Value>>) -> Error {
    if let Some(object) = object.filter(|object| is_envelope(object)) {
        return classify(envelope(
            response.status,
            response.retry_after_seconds,
            object,
        ));
    }
    let bare = Refusal {
        status: response.status,
        message: bare_text(&response.body),
        retry_after_seconds: response.retry_after_seconds,
        ..Refusal::default()
    };
    match response.status {
        // What these say needs no body; old versions answered a bare `invalid key`.
        401 | 403 | 429 | 500..=599 => classify(bare),
        status => nonsense(&format!("HTTP {status} that is not Authy's")),
    }
}

/// Whether an object has any member of Authy's failure envelope.
fn is_envelope(object: &Map<String, Value>) -> bool {
    ["message", "errors", "error_code", "success"]
        .iter()
        .any(|name| object.contains_key(*name))
}

fn envelope(status: u16, retry_after_seconds: Option<u64>, object: &Map<String, Value>) -> Refusal {
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
        .unwrap_or_else(|| format!("HTTP {status}"));
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

/// The first line of a body that is not JSON, as far as it is a text worth showing.
fn bare_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(text::SHOWN)).unwrap_or_default());
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() && !line.starts_with(['<', '{', '[']) => {
            text::sanitize(line)
        }
        _ => "no explanation".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response {
            status,
            body: body.as_bytes().to_vec(),
            retry_after_seconds: None,
            date: None,
        }
    }

    fn verify(status: u16, body: &str) -> Result<(), Error> {
        Reply::read(&response(status, body)).and_then(|reply| reply.token_is_valid())
    }

    #[test]
    fn the_recorded_yes_is_a_yes() {
        for body in [
            r#"{"message":"Token is valid.","token":"is valid","success":"true"}"#,
            r#"{"message":"Token is valid.","token":"is valid","success":true,"device":{"id":null}}"#,
            r#"{"token": "is valid"}"#,
        ] {
            assert!(verify(200, body).is_ok(), "{body}");
        }
    }

    #[test]
    fn nothing_else_is_a_yes() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "true",
            "\"is valid\"",
            "<html>is valid</html>",
            "token is valid",
            r#"{"success":true}"#,
            r#"{"success":true,"message":"Token is valid."}"#,
            r#"{"token":"is invalid","success":true}"#,
            r#"{"token":"Is valid","success":true}"#,
            r#"{"token":"is valid ","success":true}"#,
            r#"{"token":true,"success":true}"#,
            r#"{"token":"","success":true}"#,
            r#"{"token":"is valid","success":false}"#,
            r#"{"token":"is valid","success":"false"}"#,
            r#"{"token":"is valid","success":null}"#,
            r#"{"token":"is valid","success":1}"#,
            r#"{"reply":{"token":"is valid"},"success":true}"#,
            r#"[{"token":"is valid","success":true}]"#,
            r#"{"token":"is valid","success":true"#,
            r#"{"token":"is valid","success":true}{"x":1}"#,
        ] {
            assert!(verify(200, body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_yes_with_any_other_status_is_no_yes() {
        let yes = r#"{"message":"Token is valid.","token":"is valid","success":"true"}"#;
        for status in (201..600).chain([100, 199, 999]) {
            assert!(verify(status, yes).is_err(), "{status}");
        }
    }

    #[test]
    fn a_wrong_token_is_refused_with_its_code() {
        let body = r#"{"message":"Token is invalid","token":"is invalid","success":false,
            "errors":{"message":"Token is invalid"},"error_code":"60020"}"#;
        let Err(Error::Refused(refusal)) = verify(401, body) else {
            unreachable!()
        };
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (Some(60020), "Token is invalid")
        );
        let older = r#"{"errors":{"token":"is invalid"},"success":false}"#;
        let Err(Error::Refused(refusal)) = verify(401, older) else {
            unreachable!()
        };
        assert_eq!(refusal.message, "token: is invalid");
    }

    #[test]
    fn a_bare_invalid_key_is_the_keys_fault() {
        assert!(matches!(
            verify(401, "invalid key"),
            Err(Error::KeyRefused(_))
        ));
        assert!(matches!(
            verify(401, r#"{"error_code":60001,"success":false}"#),
            Err(Error::KeyRefused(_))
        ));
    }

    #[test]
    fn hostile_text_is_made_safe_to_show() {
        let body = r#"{"message":"a\u001b[2J\nb","success":false,"error_code":"60020"}"#;
        let Err(Error::Refused(refusal)) = verify(401, body) else {
            unreachable!()
        };
        assert_eq!(refusal.message, "a?[2J?b");
    }

    #[test]
    fn a_gateways_page_is_nonsense_and_its_5xx_an_outage() {
        assert!(
            verify(404, "<html>not here</html>")
                .unwrap_err()
                .is_unavailable()
        );
        assert!(
            verify(502, "<html>bad gateway</html>")
                .unwrap_err()
                .is_unavailable()
        );
        assert!(
            verify(503, r#"{"token":"is valid","success":true}"#)
                .unwrap_err()
                .is_unavailable()
        );
    }
}
