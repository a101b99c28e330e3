//! Approval requests (OneTouch): ask a phone to approve something, and learn what it said.
//!
//! Source: Authy API, `POST /onetouch/json/users/{authy_id}/approval_requests` and
//! `GET /onetouch/json/approval_requests/{uuid}`. Only the word `approved`, with HTTP 200 and success,
//! for the person who was asked, is a yes.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::reply::{nonsense, number};
use super::types::{AuthyId, Uuid};
use super::{Client, Error, object};
use crate::base::deadline::Deadline;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

/// The longest message, in characters; what is longer is refused, since Authy's clients disagree
/// whether it is cut.
const MESSAGE_LIMIT: usize = 200;
/// The longest name of a detail, in characters.
const KEY_LIMIT: usize = 20;
/// The longest value of a detail, in characters.
const VALUE_LIMIT: usize = 200;
/// The longest address of a logo, in characters.
const LOGO_LIMIT: usize = 500;
/// How often a pending request is looked at.
const POLL: Duration = Duration::from_millis(1500);

/// Approval requests; made by [`Client::approvals`].
#[derive(Debug)]
pub struct Approvals<'a, T>(pub(super) &'a Client<T>);

/// What the phone shows.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// What is to be approved, 1 to 200 characters.
    pub message: &'a str,
    /// Shown beside it, in order: names of 1 to 20 characters, values of up to 200.
    pub details: &'a [(String, String)],
    /// Kept with the request and given back in the callback; not shown.
    pub hidden_details: &'a [(String, String)],
    /// Pictures; if there are any, one is [`Resolution::Default`].
    pub logos: &'a [Logo<'a>],
    /// How long it can be answered. Authy's own default is a day; 0 means for ever.
    pub seconds_to_expire: Option<u32>,
}

/// A picture for the phone.
#[derive(Debug, Clone, Copy)]
pub struct Logo<'a> {
    /// Which screens it is for.
    pub resolution: Resolution,
    /// Its address, https, up to 500 characters.
    pub url: &'a str,
}

/// Which screens a logo is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// All that have none of their own.
    Default,
    /// Small.
    Low,
    /// Middling.
    Med,
    /// Large.
    High,
}

impl Resolution {
    fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Low => "low",
            Self::Med => "med",
            Self::High => "high",
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nobody has answered.
    Pending,
    /// The person approved it.
    Approved,
    /// The person denied it.
    Denied,
    /// Nobody answered in time, or the service said a word that this version does not know.
    Expired,
}

impl Decision {
    /// Authy's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
        }
    }
}

/// What the service says of a request.
#[derive(Debug, Clone)]
pub struct Status {
    /// What became of it.
    pub decision: Decision,
    /// Whose it is, where the service says so.
    pub authy_id: Option<AuthyId>,
    /// All that the service said, as it said it.
    pub all: Map<String, Value>,
}

impl Status {
    /// The status, unless it is about another person than `id`.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it is no answer.
    pub fn belonging_to(self, id: AuthyId) -> Result<Self, Error> {
        if self.authy_id.is_some_and(|said| said != id) {
            return Err(nonsense("the answer is about another person"));
        }
        Ok(self)
    }
}

impl<T: Transport> Approvals<'_, T> {
    /// Asks the phone of `id`. Blocks for the time-out or until `deadline`, not for the person.
    ///
    #[doc = concat!("```\n", include_str!("examples/approvals.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is missing, too long or said twice; [`Error::Refused`] for a
    /// person without the app; otherwise as [`Error`] says.
    pub fn create(
        &self,
        id: AuthyId,
        request: &Request<'_>,
        deadline: Deadline,
    ) -> Result<Uuid, Error> {
        let body = request.body()?;
        let path = format!("/onetouch/json/users/{id}/approval_requests");
        let reply = self.0.post(&path, &body, deadline)?.succeeded()?;
        let uuid = reply.object("approval_request")?.get("uuid");
        uuid.and_then(|uuid| uuid.as_str()?.parse().ok())
            .ok_or_else(|| nonsense("no `approval_request.uuid` in the answer"))
    }

    /// What became of a request. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a request that Authy doesn't know; otherwise as [`Error`] says.
    pub fn status(&self, uuid: &Uuid, deadline: Deadline) -> Result<Status, Error> {
        let path = format!("/onetouch/json/approval_requests/{uuid}");
        let reply = self.0.get(&path, &[], deadline)?.succeeded()?;
        let all = reply.object("approval_request")?.clone();
        let said = all.get("uuid").and_then(Value::as_str);
        if said.is_some_and(|said| said != uuid.to_string()) {
            return Err(nonsense("the answer is about another request"));
        }
        let decision = match all.get("status").and_then(Value::as_str) {
            Some("pending") => Decision::Pending,
            Some("approved") => Decision::Approved,
            Some("denied") => Decision::Denied,
            Some(_) => Decision::Expired,
            None => return Err(nonsense("no `approval_request.status` in the answer")),
        };
        let id = all.get("_authy_id").filter(|id| !id.is_null());
        let authy_id = match id {
            Some(id) => Some(
                number(id)
                    .and_then(|id| id.try_into().ok())
                    .ok_or_else(|| nonsense("`_authy_id` is no id"))?,
            ),
            None => None,
        };
        Ok(Status {
            decision,
            authy_id,
            all,
        })
    }

    /// Waits until the person has answered, the request has expired, or until `deadline`: then it is
    /// [`Decision::Pending`] still. Looks every one and a half seconds; a look that fails for the
    /// network's sake is followed by the next. Before each pause `waiting` hears how much time is left.
    /// Blocks until `deadline` at most.
    ///
    /// # Errors
    /// As [`Approvals::status`], and an answer about another person than `id`.
    pub fn wait(
        &self,
        id: AuthyId,
        uuid: &Uuid,
        deadline: Deadline,
        waiting: &mut dyn FnMut(Duration),
    ) -> Result<Status, Error> {
        loop {
            let looked = self.status(uuid, deadline);
            let left = deadline.remaining(Instant::now());
            let is_last = left <= POLL;
            match looked {
                Ok(status) if status.decision != Decision::Pending || is_last => {
                    return status.belonging_to(id);
                }
                Err(error) if !error.is_unavailable() || is_last => return Err(error),
                Ok(_) | Err(_) => {
                    waiting(left);
                    std::thread::sleep(POLL);
                }
            }
        }
    }
}

impl Request<'_> {
    /// The body, once everything in it is within Authy's limits.
    fn body(&self) -> Result<Value, Error> {
        check_length("message", self.message, 1, MESSAGE_LIMIT)?;
        let details = pairs("details", self.details)?;
        let hidden = pairs("hidden_details", self.hidden_details)?;
        Ok(object([
            ("message", Some(json!(self.message))),
            ("details", details),
            ("hidden_details", hidden),
            ("logos", logos(self.logos)?),
            (
                "seconds_to_expire",
                self.seconds_to_expire.map(|seconds| json!(seconds)),
            ),
        ]))
    }
}

/// The pairs as an object; `None` when there are none.
fn pairs(argument: &'static str, pairs: &[(String, String)]) -> Result<Option<Value>, Error> {
    let mut members = Map::new();
    for (name, value) in pairs {
        check_length(argument, name, 1, KEY_LIMIT)?;
        check_length(argument, value, 0, VALUE_LIMIT)?;
        if members.insert(name.clone(), json!(value)).is_some() {
            return Err(invalid(
                argument,
                format!("`{}` is there twice", crate::base::text::sanitize(name)),
            ));
        }
    }
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}

fn logos(logos: &[Logo<'_>]) -> Result<Option<Value>, Error> {
    if logos.is_empty() {
        return Ok(None);
    }
    if !logos.iter().any(|l| l.resolution == Resolution::Default) {
        return Err(invalid("logos", "need one with the resolution `default`"));
    }
    let mut array = Vec::new();
    for logo in logos {
        check_length("logos", logo.url, 1, LOGO_LIMIT)?;
        if !logo.url.starts_with("https://") {
            return Err(invalid("logos", "an address starts with https://"));
        }
        array.push(json!({"res": logo.resolution.as_str(), "url": logo.url}));
    }
    Ok(Some(Value::Array(array)))
}

fn check_length(
    argument: &'static str,
    text: &str,
    least: usize,
    most: usize,
) -> Result<(), Error> {
    if (least..=most).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(invalid(
            argument,
            format!("a text is {least} to {most} characters"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later};
    use super::*;

    const UUID: &str = "00000000-1111-0135-2222-333333333333";

    fn id() -> AuthyId {
        "1635".parse().unwrap()
    }

    fn status(body: &str) -> Result<Status, Error> {
        client(&[(200, body)])
            .approvals()
            .status(&UUID.parse().unwrap(), later())
    }

    #[test]
    fn a_request_says_what_was_given_and_nothing_else() {
        let body = r#"{"approval_request":{"uuid":"00000000-1111-0135-2222-333333333333"},"success":true}"#;
        let client = client(&[(200, body), (200, body)]);
        let bare = Request {
            message: "Log in?",
            ..Request::default()
        };
        client.approvals().create(id(), &bare, later()).unwrap();
        let full = Request {
            details: &[("User".into(), "alice".into())],
            hidden_details: &[("n".into(), String::new())],
            logos: &[Logo {
                resolution: Resolution::Default,
                url: "https://x.test/l.png",
            }],
            seconds_to_expire: Some(40),
            ..bare
        };
        let uuid = client.approvals().create(id(), &full, later()).unwrap();
        assert_eq!(uuid.to_string(), UUID);
        assert_eq!(
            client.asked(),
            [
                "Post https://authy.test/onetouch/json/users/1635/approval_requests {\"message\":\"Log in?\"}",
                "Post https://authy.test/onetouch/json/users/1635/approval_requests \
                 {\"details\":{\"User\":\"alice\"},\"hidden_details\":{\"n\":\"\"},\
                 \"logos\":[{\"res\":\"default\",\"url\":\"https://x.test/l.png\"}],\
                 \"message\":\"Log in?\",\"seconds_to_expire\":40}",
            ]
        );
    }

    #[test]
    fn limits_are_checked_before_anything_is_sent() {
        let long = "é".repeat(201);
        let twice = [("a".into(), "1".into()), ("a".into(), "2".into())];
        let wide = [("x".repeat(21), String::new())];
        let low = [Logo {
            resolution: Resolution::Low,
            url: "https://x.test",
        }];
        let ok = Request {
            message: "m",
            ..Request::default()
        };
        let bad = [
            Request {
                message: "",
                ..ok.clone()
            },
            Request {
                message: &long,
                ..ok.clone()
            },
            Request {
                details: &twice,
                ..ok.clone()
            },
            Request {
                hidden_details: &wide,
                ..ok.clone()
            },
            Request {
                logos: &low,
                ..ok.clone()
            },
        ];
        for request in bad {
            let error = client(&[]).approvals().create(id(), &request, later());
            assert!(matches!(error, Err(Error::Invalid { .. })), "{request:?}");
        }
    }

    #[test]
    fn only_the_word_approved_is_a_yes() {
        for (word, decision) in [
            ("approved", Decision::Approved),
            ("denied", Decision::Denied),
            ("pending", Decision::Pending),
            ("expired", Decision::Expired),
            ("Approved", Decision::Expired),
            ("approved ", Decision::Expired),
            ("", Decision::Expired),
        ] {
            let body = format!(r#"{{"approval_request":{{"status":"{word}"}},"success":true}}"#);
            assert_eq!(status(&body).unwrap().decision, decision, "{word:?}");
        }
        for body in [
            "{}",
            r#"{"success":true}"#,
            r#"{"success":true,"status":"approved"}"#,
            r#"{"success":true,"approval_request":{}}"#,
            r#"{"success":true,"approval_request":{"status":true}}"#,
            r#"{"success":false,"approval_request":{"status":"approved"}}"#,
            r#"{"approval_request":{"status":"approved"}}"#,
            r#"{"success":true,"approval_request":{"status":"approved","uuid":"another"}}"#,
            r#"{"success":true,"approval_request":{"status":"approved","_authy_id":"x"}}"#,
        ] {
            assert!(status(body).is_err(), "{body}");
        }
    }

    #[test]
    fn an_approval_of_another_person_is_no_answer() {
        let body = r#"{"approval_request":{"status":"approved","_authy_id":7},"success":true}"#;
        let answer = client(&[(200, body)]).approvals().wait(
            id(),
            &UUID.parse().unwrap(),
            later(),
            &mut |_| {},
        );
        assert!(answer.unwrap_err().is_unavailable());
    }

    #[test]
    fn waiting_ends_with_an_answer_and_with_a_refusal() {
        let denied =
            r#"{"approval_request":{"status":"denied","_authy_id":"1635"},"success":true}"#;
        let unknown = r#"{"message":"Approval request not found","success":false,"errors":{},"error_code":"60049"}"#;
        let client = client(&[(503, ""), (200, denied), (404, unknown)]);
        let uuid = UUID.parse().unwrap();
        let status = client
            .approvals()
            .wait(id(), &uuid, later(), &mut |_| {})
            .unwrap();
        assert_eq!(status.decision, Decision::Denied);
        let answer = client.approvals().wait(id(), &uuid, later(), &mut |_| {});
        assert!(matches!(answer, Err(Error::NotFound(_))));
    }
}
