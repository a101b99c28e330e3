//! Approval requests (OneTouch pushes): creation and the person's decision.
//!
//! `service/onetouch.rs` creates and reads requests for the API; `control.rs` decides them for the
//! phone page, and `callback.rs` reports the decision to the application.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ordered::{Json, ordered};
use crate::random;
use crate::state::now;

/// Lifetime of a request that names none, in seconds: one day.
const DEFAULT_LIFETIME: u64 = 86_400;

/// The id of the application in answers and callbacks about approval requests.
pub(crate) const APP_ID: &str = "0123456789abcdef01234568";

/// All approval requests by uuid.
#[derive(Default)]
pub(crate) struct Approvals {
    all: BTreeMap<String, Approval>,
    /// The uuids of those that a request has changed.
    changed: BTreeSet<String>,
}

/// One approval request.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) uuid: String,
    /// How many requests there were before it.
    number: usize,
    pub(crate) authy_id: u64,
    pub(crate) message: String,
    /// In the order of the request, as hidden details and logos.
    pub(crate) details: Json,
    pub(crate) hidden_details: Json,
    pub(crate) logos: Json,
    /// Unix time in seconds.
    pub(crate) created_at: u64,
    /// Unix time in seconds; `None` if the request never expires.
    pub(crate) expires_at: Option<u64>,
    decision: Option<Decision>,
    /// Whether the application's server has answered the callback with HTTP 200.
    notified: bool,
}

/// The person's decision.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Decision {
    approved: bool,
    /// Unix time in seconds.
    at: u64,
}

impl Approvals {
    /// Adds a request to a person's phone. `lifetime` is in seconds: 0 means that the request never
    /// expires, `None` means one day.
    pub(crate) fn add(
        &mut self,
        authy_id: u64,
        message: &str,
        lifetime: Option<u64>,
    ) -> &mut Approval {
        let uuid = random::uuid();
        let expires_at = match lifetime.unwrap_or(DEFAULT_LIFETIME) {
            0 => None,
            seconds => Some(now() + seconds),
        };
        self.changed.insert(uuid.clone());
        let number = self.all.len();
        self.all.entry(uuid.clone()).or_insert(Approval {
            uuid,
            number,
            authy_id,
            message: message.to_owned(),
            details: ordered! {},
            hidden_details: ordered! {},
            logos: Json::NULL,
            created_at: now(),
            expires_at,
            decision: None,
            notified: false,
        })
    }

    /// Returns the request with this uuid.
    pub(crate) fn get(&self, uuid: &str) -> Option<&Approval> {
        self.all.get(uuid)
    }

    /// Returns the requests of one person, oldest first.
    pub(crate) fn of_person(&self, authy_id: u64) -> Vec<&Approval> {
        let mut found: Vec<_> = self
            .all
            .values()
            .filter(|a| a.authy_id == authy_id)
            .collect();
        found.sort_by_key(|approval| approval.number);
        found
    }

    /// Decides a pending request; returns `None` if no pending request has this uuid.
    pub(crate) fn decide(&mut self, uuid: &str, approve: bool) -> Option<Approval> {
        let approval = self.all.get_mut(uuid)?;
        if approval.status() != "pending" {
            return None;
        }
        approval.decision = Some(Decision {
            approved: approve,
            at: now(),
        });
        self.changed.insert(uuid.to_owned());
        Some(approval.clone())
    }

    /// Notes that the callback of a request was answered with HTTP 200.
    pub(crate) fn set_notified(&mut self, uuid: &str) {
        if let Some(approval) = self.all.get_mut(uuid) {
            approval.notified = true;
            self.changed.insert(uuid.to_owned());
        }
    }

    /// Adds a request as it was saved.
    pub(crate) fn put(&mut self, approval: Approval) {
        self.all.insert(approval.uuid.clone(), approval);
    }

    /// Returns the requests that have changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<&Approval> {
        let changed = std::mem::take(&mut self.changed);
        let found = changed.iter().filter_map(|uuid| self.all.get(uuid));
        found.collect()
    }
}

impl Approval {
    /// Returns `pending`, `expired`, `approved` or `denied`.
    pub(crate) fn status(&self) -> &'static str {
        match self.decision {
            Some(decision) if decision.approved => "approved",
            Some(_) => "denied",
            None if self.expires_at.is_some_and(|at| at <= now()) => "expired",
            None => "pending",
        }
    }

    /// Returns the request as the phone page shows it.
    pub(crate) fn phone_json(&self) -> Json {
        ordered! {
            "uuid": self.uuid.as_str(),
            "message": self.message.as_str(),
            "details": self.details.clone(),
            "hidden_details": self.hidden_details.clone(),
            "logos": self.logos.clone(),
            "number": self.number,
            "created_at": self.created_at,
            "status": self.status(),
            "notified": self.notified,
            "seconds_left": self.expires_at.map(|at| at.saturating_sub(now())),
        }
    }

    /// Returns the request as the API answers it.
    pub(crate) fn api_json(&self, email: &str) -> Value {
        json!({
            "_app_name": "authy-sim",
            "_app_serial_id": 77,
            "_authy_id": self.authy_id,
            "_id": "0123456789abcdef01234567",
            "_user_email": email,
            "app_id": APP_ID,
            "user_id": "0123456789abcdef01234569",
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.decision.map_or(self.created_at, |made| made.at)),
            "processed_at": self.decision.map(|made| rfc3339(made.at)),
            "notified": self.notified,
            "seconds_to_expire": self.expires_at.map(|at| at - self.created_at),
            "status": self.status(),
            "uuid": self.uuid,
        })
    }
}

/// Formats a Unix time in seconds by RFC 3339.
fn rfc3339(seconds: u64) -> String {
    let at = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    at.and_then(|at| {
        at.format(&time::format_description::well_known::Rfc3339)
            .ok()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_can_be_decided_only_once() {
        let mut approvals = Approvals::default();
        let uuid = approvals.add(1635, "Log in?", Some(40)).uuid.clone();
        assert_eq!(approvals.get(&uuid).unwrap().status(), "pending");
        assert_eq!(approvals.decide(&uuid, false).unwrap().status(), "denied");
        assert!(approvals.decide(&uuid, true).is_none());
    }

    #[test]
    fn requests_of_one_second_keep_their_order() {
        let mut approvals = Approvals::default();
        let sent = (0..20).map(|_| approvals.add(1635, "Log in?", None).uuid.clone());
        let sent: Vec<_> = sent.collect();
        let found = approvals.of_person(1635).into_iter();
        let found: Vec<_> = found.map(|approval| approval.uuid.clone()).collect();
        assert_eq!(found, sent);
    }

    #[test]
    fn an_expired_request_cannot_be_approved() {
        let mut approvals = Approvals::default();
        let approval = approvals.add(1635, "Log in?", Some(40));
        approval.expires_at = Some(now());
        let uuid = approval.uuid.clone();
        assert_eq!(approvals.get(&uuid).unwrap().status(), "expired");
        assert!(approvals.decide(&uuid, true).is_none());
    }
}
