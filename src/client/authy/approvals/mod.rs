//! Approval requests (OneTouch): asks a phone to approve something, and reads the decision.
//!
//! Source: Authy API, `POST /onetouch/json/users/{authy_id}/approval_requests` and
//! `GET /onetouch/json/approval_requests/{uuid}`. A request is approved only by an answer with HTTP
//! 200, success and the status `approved`. An answer about another request or person is an error.

mod request;

use std::time::{Duration, Instant};

pub use request::{Logo, Request, Resolution};
use serde_json::{Map, Value};

use super::reply::{about_another, number, unexpected};
use super::types::{AuthyId, Uuid};
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::client::http::Transport;

/// The time between two polls of a pending request.
const POLL_INTERVAL: Duration = Duration::from_millis(1500);

/// Calls about approval requests; created by [`Client::approvals`].
#[derive(Debug)]
pub struct Approvals<'a, T>(pub(super) &'a Client<T>);

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
    /// got no usable answer, or, once that time is over, after one that was told when to try again.
    /// Calls `on_wait` with the remaining time before each pause. Blocks
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
            let mut pause = POLL_INTERVAL;
            match result {
                Ok(status) => {
                    let status = status.belonging_to(id)?;
                    if status.decision != Decision::Pending || is_last {
                        return Ok(status);
                    }
                }
                Err(error) if is_last => return Err(error),
                Err(Error::Unavailable(_) | Error::ServerError(_) | Error::Unexpected(_)) => {}
                Err(Error::RateLimited(refusal)) => {
                    let wait = refusal.retry_after_seconds.map(Duration::from_secs);
                    let Some(wait) = wait.filter(|wait| *wait < left) else {
                        return Err(Error::RateLimited(refusal));
                    };
                    pause = wait.max(POLL_INTERVAL);
                }
                Err(error) => return Err(error),
            }
            on_wait(left);
            std::thread::sleep(pause);
        }
    }
}

#[cfg(test)]
mod tests;
