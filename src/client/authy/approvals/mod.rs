//! Approval requests (OneTouch): asks a phone to approve something, and reads the decision.
//!
//! Source: Authy API, `POST /onetouch/json/users/{authy_id}/approval_requests` and
//! `GET /onetouch/json/approval_requests/{uuid}`. A request is approved only by an answer with HTTP
//! 200, success and the status `approved`. An answer about another request or person is an error.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::reply::{about_another, number, unexpected};
use super::types::{AuthyId, Uuid};
use super::{Client, Error, object};
use crate::base::deadline::Deadline;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

/// The longest message, in characters. A longer one is refused, because Authy's own clients
/// disagree on whether it is cut.
const MESSAGE_LIMIT: usize = 200;
/// The longest name of a detail, in characters.
const KEY_LIMIT: usize = 20;
/// The longest value of a detail, in characters.
const VALUE_LIMIT: usize = 200;
/// The longest URL of a logo, in characters.
const LOGO_LIMIT: usize = 500;
/// The time between two polls of a pending request.
const POLL_INTERVAL: Duration = Duration::from_millis(1500);

/// Calls about approval requests; created by [`Client::approvals`].
#[derive(Debug)]
pub struct Approvals<'a, T>(pub(super) &'a Client<T>);

/// What the phone shows.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The question to approve, 1 to 200 characters.
    pub message: &'a str,
    /// Further lines in order: names of 1 to 20 characters, values of up to 200.
    pub details: &'a [(String, String)],
    /// Details that the phone does not show, and that the callback contains. Same limits.
    pub hidden_details: &'a [(String, String)],
    /// Pictures. If there are any, one must have [`Resolution::Default`].
    pub logos: &'a [Logo<'a>],
    /// How long the person can answer. Authy's default is a day; 0 means for ever.
    pub seconds_to_expire: Option<u32>,
}

impl<'a> Request<'a> {
    /// Asks `message` and nothing else.
    #[must_use]
    pub fn new(message: &'a str) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }

    /// Sets [`Request::details`].
    #[must_use]
    pub fn details(mut self, details: &'a [(String, String)]) -> Self {
        self.details = details;
        self
    }

    /// Sets [`Request::hidden_details`].
    #[must_use]
    pub fn hidden_details(mut self, hidden_details: &'a [(String, String)]) -> Self {
        self.hidden_details = hidden_details;
        self
    }

    /// Sets [`Request::logos`].
    #[must_use]
    pub fn logos(mut self, logos: &'a [Logo<'a>]) -> Self {
        self.logos = logos;
        self
    }

    /// Sets [`Request::seconds_to_expire`].
    #[must_use]
    pub fn seconds_to_expire(mut self, seconds_to_expire: impl Into<Option<u32>>) -> Self {
        self.seconds_to_expire = seconds_to_expire.into();
        self
    }
}

/// A picture for the phone.
#[derive(Debug, Clone, Copy)]
pub struct Logo<'a> {
    /// The screens for which it is meant.
    pub resolution: Resolution,
    /// Its https URL, up to 500 characters.
    pub url: &'a str,
}

/// The screens for which a logo is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// Screens without a logo of their own.
    Default,
    /// Low resolution.
    Low,
    /// Medium resolution.
    Med,
    /// High resolution.
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

/// The decision on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// There is no answer yet.
    Pending,
    /// The person approved it.
    Approved,
    /// The person denied it.
    Denied,
    /// The person did not answer in time, or Authy sent a status that this version does not know.
    Expired,
}

impl Decision {
    /// Returns Authy's status for the decision.
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

/// The state of a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The decision.
    pub decision: Decision,
    /// The person who was asked, if Authy sent their id.
    pub authy_id: Option<AuthyId>,
    /// The complete answer, unchanged.
    pub all: Map<String, Value>,
}

impl Status {
    /// Returns the status unless it is about a person other than `id`.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if it is about another person.
    pub fn belonging_to(self, id: AuthyId) -> Result<Self, Error> {
        if self.authy_id.is_some_and(|reported| reported != id) {
            return Err(about_another("person"));
        }
        Ok(self)
    }
}

impl<T: Transport> Approvals<'_, T> {
    /// Sends a request to the phone of `id`. Blocks for the time-out or until `deadline`, but not
    /// for the person's answer.
    ///
    #[doc = concat!("```\n", include_str!("../examples/approvals.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is missing, too long or given twice, [`Error::Refused`]
    /// for a person without the app, or another [`Error`].
    pub fn create(
        &self,
        id: AuthyId,
        request: &Request<'_>,
        deadline: Deadline,
    ) -> Result<Uuid, Error> {
        let body = request.body()?;
        let path = format!("/onetouch/json/users/{id}/approval_requests");
        let reply = self.0.post(&path, &body, deadline)?.require_success()?;
        let uuid = reply.object("approval_request")?.get("uuid");
        uuid.and_then(|uuid| uuid.as_str()?.parse().ok())
            .ok_or_else(|| unexpected("no `approval_request.uuid` in the answer"))
    }

    /// Returns the state of the request that was sent to `id`. Blocks for the time-out or until
    /// `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a request that Authy does not know, [`Error::Unexpected`] if the
    /// answer is about another request or person, or another [`Error`].
    pub fn status(&self, id: AuthyId, uuid: &Uuid, deadline: Deadline) -> Result<Status, Error> {
        self.find(uuid, deadline)?.belonging_to(id)
    }

    /// Returns the state of a request that was sent to anyone: it lets no one in. Blocks for the
    /// time-out or until `deadline`.
    ///
    /// # Errors
    /// As for [`Approvals::status`].
    pub fn find(&self, uuid: &Uuid, deadline: Deadline) -> Result<Status, Error> {
        let path = format!("/onetouch/json/approval_requests/{uuid}");
        let reply = self.0.get(&path, &[], deadline)?.require_success()?;
        let all = reply.object("approval_request")?.clone();
        let reported = all.get("uuid").and_then(Value::as_str);
        if reported.is_some_and(|reported| reported != uuid.to_string()) {
            return Err(about_another("request"));
        }
        let decision = match all.get("status").and_then(Value::as_str) {
            Some("pending") => Decision::Pending,
            Some("approved") => Decision::Approved,
            Some("denied") => Decision::Denied,
            Some(_) => Decision::Expired,
            None => return Err(unexpected("no `approval_request.status` in the answer")),
        };
        let id = all.get("_authy_id").filter(|id| !id.is_null());
        let authy_id = match id {
            Some(id) => Some(
                number(id)
                    .and_then(|id| id.try_into().ok())
                    .ok_or_else(|| unexpected("`_authy_id` is not an id"))?,
            ),
            None => None,
        };
        Ok(Status {
            decision,
            authy_id,
            all,
        })
    }

    /// Waits until the person has answered or the request has expired. At `deadline`, the decision
    /// may still be [`Decision::Pending`]. Polls every 1.5 seconds, and goes on after a poll that
    /// got no usable answer. Calls `on_wait` with the remaining time before each pause. Blocks
    /// until `deadline` at most.
    ///
    /// # Errors
    /// The errors of [`Approvals::status`].
    pub fn wait(
        &self,
        id: AuthyId,
        uuid: &Uuid,
        deadline: Deadline,
        on_wait: &mut dyn FnMut(Duration),
    ) -> Result<Status, Error> {
        loop {
            let result = self.find(uuid, deadline);
            let left = deadline.remaining(Instant::now());
            let is_last = left <= POLL_INTERVAL;
            match result {
                Ok(status) => {
                    let status = status.belonging_to(id)?;
                    if status.decision != Decision::Pending || is_last {
                        return Ok(status);
                    }
                }
                Err(error) if is_last => return Err(error),
                Err(Error::Unavailable(_) | Error::ServerError(_) | Error::Unexpected(_)) => {}
                Err(error) => return Err(error),
            }
            on_wait(left);
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Request<'_> {
    /// Returns the body as JSON, after checking Authy's limits.
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

/// Returns the pairs as a JSON object; `None` if there are no pairs.
fn pairs(argument: &'static str, pairs: &[(String, String)]) -> Result<Option<Value>, Error> {
    let mut members = Map::new();
    for (name, value) in pairs {
        check_length(argument, name, 1, KEY_LIMIT)?;
        check_length(argument, value, 0, VALUE_LIMIT)?;
        if members.insert(name.clone(), json!(value)).is_some() {
            return Err(invalid(
                argument,
                format!("`{}` is given twice", crate::base::text::sanitize(name)),
            ));
        }
    }
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}

/// Returns the logos as a JSON array; `None` if there are no logos.
fn logos(logos: &[Logo<'_>]) -> Result<Option<Value>, Error> {
    if logos.is_empty() {
        return Ok(None);
    }
    if !logos.iter().any(|l| l.resolution == Resolution::Default) {
        return Err(invalid(
            "logos",
            "must include one with the resolution `default`",
        ));
    }
    let mut array = Vec::new();
    for logo in logos {
        check_length("logos", logo.url, 1, LOGO_LIMIT)?;
        if !logo.url.starts_with("https://") {
            return Err(invalid("logos", "must have https URLs"));
        }
        array.push(json!({"res": logo.resolution.as_str(), "url": logo.url}));
    }
    Ok(Some(Value::Array(array)))
}

fn check_length(argument: &'static str, text: &str, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(invalid(
            argument,
            format!("a text must be {min} to {max} characters"),
        ))
    }
}

#[cfg(test)]
mod tests;
