//! Reads Twilio's answers. This is the only place that decides whether Twilio said yes.
//!
//! HTTP 2xx is no success: a wrong code is answered by 2xx and the status `pending`. A yes is the
//! exact text `approved`, in an object without repeated members, about exactly what was asked.
//! Unknown members are ignored, and every member may be null. The answers are not trusted.

use serde_json::{Map, Value};

use super::error::{Error, Refusal, classify};
use crate::base::text;
use crate::client::http::{Cause, Response, json};

/// The JSON object of an answer with HTTP 200 or 201. No member of it is repeated.
#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    object: Map<String, Value>,
}

impl Reply {
    /// Reads a response.
    ///
    /// # Errors
    /// See [`Error`], for any response other than HTTP 200 or 201 with a JSON object.
    pub(super) fn read(response: &Response) -> Result<Self, Error> {
        match (response.status, json::object(&response.body)) {
            (status @ (200 | 201), Some(object)) => Ok(Self { status, object }),
            (status @ 202..=299, Some(_)) => Err(unexpected(
                status,
                "a status that Twilio's API does not have",
            )),
            (status @ (200 | 201), None) => {
                Err(unreadable(status, "an answer without a JSON object"))
            }
            (status @ 400..=599, object) => Err(error_of(status, object, response)),
            (status, _) => Err(unreadable(status, "no answer of Twilio's API")),
        }
    }

    /// Reads the response to a DELETE, which has no body.
    pub(super) fn read_deleted(response: &Response) -> Result<(), Error> {
        match response.status {
            204 => Ok(()),
            _ => match Self::read(response) {
                Ok(_) => Err(unexpected(response.status, "nothing is deleted")),
                Err(error) => Err(error),
            },
        }
    }

    /// Returns an error unless each of `members` has exactly this text: an answer about another
    /// service, number or factor says nothing.
    pub(super) fn require(&self, members: &[(&str, &str)]) -> Result<(), Error> {
        let differs = members
            .iter()
            .find(|(name, expected)| self.raw(name) != Some(*expected));
        match differs {
            None => Ok(()),
            Some((name, _)) => {
                Err(self.unexpected(&format!("the answer is about another `{name}`")))
            }
        }
    }

    /// Returns an error unless `status` is `approved`. A wrong code is `pending`.
    pub(super) fn require_approved(&self) -> Result<(), Error> {
        self.require_status("approved")
    }

    /// Returns an error unless `status` is `status`; [`Error::Refused`] where it is one that Twilio
    /// documents for a wrong code or an ended resource.
    pub(super) fn require_status(&self, status: &str) -> Result<(), Error> {
        match self.raw("status") {
            Some(found) if found == status => Ok(()),
            Some(
                found @ ("pending"
                | "unverified"
                | "denied"
                | "expired"
                | "canceled"
                | "max_attempts_reached"
                | "deleted"
                | "failed"),
            ) => Err(Error::Refused(Refusal {
                status: self.status,
                message: format!("the status is {found}"),
                ..Refusal::default()
            })),
            _ => Err(self.unexpected(&format!("the status is not {status}"))),
        }
    }

    /// Returns an error unless a member is the boolean true. A wrong code is false.
    pub(super) fn require_true(&self, name: &str) -> Result<(), Error> {
        match self.object.get(name) {
            Some(Value::Bool(true)) => Ok(()),
            _ => Err(self.unexpected(&format!("`{name}` is not true"))),
        }
    }

    /// Returns a string member unchanged; `None` if it is missing or not a string.
    fn raw(&self, name: &str) -> Option<&str> {
        self.object.get(name).and_then(Value::as_str)
    }

    /// Returns a string member, made safe to show; `None` if it is missing or not a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(text::sanitize)
    }

    /// Returns a member that is an id.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if it is missing or has another form.
    pub(super) fn id<T: std::str::FromStr>(&self, name: &str) -> Result<T, Error> {
        let id = self.raw(name).and_then(|text| text.parse().ok());
        id.ok_or_else(|| self.unexpected(&format!("no `{name}` in the answer")))
    }

    /// Returns a member unchanged; `None` if it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Returns the objects of an array member.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if it is no array of objects.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Error> {
        let array = self.object.get(name).and_then(Value::as_array);
        let objects = array.and_then(|array| {
            let objects = array.iter().map(|value| value.as_object().cloned());
            objects
                .map(|object| object.map(|object| self.part(object)))
                .collect()
        });
        objects.ok_or_else(|| self.unexpected(&format!("no `{name}` in the answer")))
    }

    /// Returns an object member.
    pub(super) fn object(&self, name: &str) -> Option<Self> {
        self.object
            .get(name)?
            .as_object()
            .map(|object| self.part(object.clone()))
    }

    /// Returns the error of this answer, which Twilio's API does not have.
    pub(super) fn unexpected(&self, what: &str) -> Error {
        unexpected(self.status, what)
    }

    fn part(&self, object: Map<String, Value>) -> Self {
        let status = self.status;
        Self { status, object }
    }
}

/// Returns the error of an answer that Twilio's API does not have. It counts as a refusal.
pub(super) fn unexpected(status: u16, what: &str) -> Error {
    Error::Unexpected(Refusal {
        status,
        message: what.to_owned(),
        ..Refusal::default()
    })
}

/// Returns the error of an answer that cannot be read: no answer, which may count as an outage.
fn unreadable(status: u16, why: &'static str) -> Error {
    Error::Unavailable(Cause::Unreadable { status, why })
}

/// Returns the error of an answer with HTTP 4xx or 5xx; `object` is its body. An answer without
/// Twilio's members is one of a proxy, so that it does not say that a resource is not there.
fn error_of(status: u16, object: Option<Map<String, Value>>, response: &Response) -> Error {
    let object = object.unwrap_or_default();
    let code = object.get("code").and_then(Value::as_u64);
    let message = object.get("message").and_then(Value::as_str);
    if status == 404 && code.is_none() && message.is_none() {
        return unexpected(404, "no error of Twilio's API");
    }
    classify(Refusal {
        status,
        code: code.and_then(|code| code.try_into().ok()),
        message: message.map(text::sanitize).unwrap_or_default(),
        retry_after_seconds: response.retry_after_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Reply, Error> {
        Reply::read(&Response {
            status,
            body: body.as_bytes().to_vec(),
            retry_after_seconds: Some(7),
            date: None,
        })
    }

    #[test]
    fn only_an_answer_that_makes_no_sense_or_5xx_counts_as_an_outage() {
        let rows = [
            (200, "", true),
            (201, "<html>", true),
            (200, "[]", true),
            (201, r#"{"status":"approved","status":"approved"}"#, true),
            (302, "", true),
            (100, "{}", true),
            (500, "", true),
            (503, r#"{"code":20500,"message":"x"}"#, true),
            (500, r#"{"code":20003,"message":"x"}"#, true),
            (202, "{}", false),
            (400, "", false),
            (401, "<html>", false),
            (403, r#"{"code":1,"code":2}"#, false),
            (404, "<html>", false),
            (429, "", false),
        ];
        let wrong: Vec<_> = rows
            .into_iter()
            .filter(|(status, body, expected)| {
                read(*status, body)
                    .map_err(|error| error.is_unavailable())
                    .err()
                    != Some(*expected)
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_refusal_has_status_code_text_and_when_to_try_again() {
        let error = read(
            429,
            r#"{"code":20429,"message":"Too many\u001b","status":429}"#,
        );
        let expected = Refusal {
            status: 429,
            code: Some(20429),
            message: "Too many?".into(),
            retry_after_seconds: Some(7),
        };
        assert_eq!(error.unwrap_err().refusal(), Some(&expected));
    }

    #[test]
    fn a_404_without_an_error_of_twilio_says_nothing_about_the_resource() {
        let found = read(404, r#"{"code":20404,"message":"x","status":404}"#).unwrap_err();
        assert!(matches!(found, Error::NotFound(_)), "{found:?}");
        for body in ["", "<html>", "{}", r#"{"code":20404,"code":20404}"#] {
            let found = read(404, body).unwrap_err();
            assert!(matches!(found, Error::Unexpected(_)), "{body}: {found:?}");
        }
    }

    #[test]
    fn only_the_exact_text_approved_is_a_yes() {
        let rows = [
            (r#"{"status":"approved"}"#, "yes"),
            (r#"{"status":"pending"}"#, "no"),
            (r#"{"status":"max_attempts_reached"}"#, "no"),
            (r#"{"status":"Approved"}"#, "unexpected"),
            (r#"{"status":"approved "}"#, "unexpected"),
            (r#"{"status":null}"#, "unexpected"),
            (r#"{"status":true}"#, "unexpected"),
            (r#"{"status":["approved"]}"#, "unexpected"),
            (r#"{"valid":true}"#, "unexpected"),
        ];
        let found = rows.map(
            |(body, _)| match read(200, body).unwrap().require_approved() {
                Ok(()) => "yes",
                Err(Error::Refused(_)) => "no",
                Err(Error::Unexpected(_)) => "unexpected",
                Err(_) => "other",
            },
        );
        assert_eq!(found, rows.map(|(_, expected)| expected));
    }
}
