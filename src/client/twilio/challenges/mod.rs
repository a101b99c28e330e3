//! Logins by an app: create, update, fetch, list.
//!
//! Source: Twilio Verify API, `/v2/Services/{VA}/Entities/{Identity}/Challenges`. A challenge is
//! created with a code, which Twilio checks at once; a further code updates it. Twilio allows five
//! codes on a challenge, and 50 challenges in an hour and 100 in a day for a factor. No request is
//! repeated: a code works once.

use super::error::{Refusal, invalid};
use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::Code;
use crate::base::factor::twilio::{ChallengeSid, TwilioFactor, TwilioIdentity};
use crate::client::http::Transport;

/// Calls about challenges; created by [`Client::challenges`].
#[derive(Debug)]
pub struct Challenges<'a, T>(pub(super) &'a Client<T>);

/// A login by an app.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a challenge may be pending: its code was wrong"]
pub struct Challenge {
    /// The SID, by which a further code is checked.
    pub sid: ChallengeSid,
    /// What came of it.
    pub decision: Decision,
}

/// The status of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// There was no right code yet.
    Pending,
    /// A code was right.
    Approved,
    /// A push was denied.
    Denied,
    /// It takes no more codes.
    Expired,
}

impl Challenge {
    /// Returns an error unless the code was right.
    ///
    /// # Errors
    /// [`Error::Refused`]
    pub fn require_approved(&self) -> Result<(), Error> {
        match self.decision {
            Decision::Approved => Ok(()),
            other => Err(Error::Refused(Refusal {
                status: 200,
                message: format!("the challenge is {other:?}"),
                ..Refusal::default()
            })),
        }
    }
}

/// The digits of an app's codes.
const CODE_LENGTHS: std::ops::RangeInclusive<usize> = 3..=8;

impl<T: Transport> Challenges<'_, T> {
    /// Creates a challenge of `factor` with a code of the app. Blocks for the time-out or until
    /// `deadline`. A code that no app shows is refused unasked, so that it costs no challenge.
    ///
    /// # Errors
    /// [`Error::RateLimited`] with 60312 beyond 50 challenges in an hour or 100 in a day,
    /// [`Error::NotFound`] for a factor or person that Twilio does not have,
    /// [`Error::PersonRefused`] with 60318 for a factor that was never verified, or another
    /// [`Error`]. A wrong code is a pending [`Challenge`], or [`Error::Refused`].
    pub fn create(
        &self,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        code: &Code,
        deadline: Deadline,
    ) -> Result<Challenge, Error> {
        check_length(code)?;
        let pairs = [
            ("FactorSid", factor.as_str()),
            ("AuthPayload", code.digits()),
        ];
        let reply = self.0.post(&self.path(identity, ""), &pairs, deadline)?;
        self.read(&reply, identity, factor)
    }

    /// Checks a further code on a challenge. A restricted key may lack the permission for it.
    ///
    /// # Errors
    /// [`Error::RateLimited`] with 60308 after five codes, [`Error::Refused`] with 60322 or 60323
    /// for one that was answered or has expired, or as [`Challenges::create`].
    pub fn update(
        &self,
        sid: &ChallengeSid,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        code: &Code,
        deadline: Deadline,
    ) -> Result<Challenge, Error> {
        check_length(code)?;
        let path = self.path(identity, &format!("/{sid}"));
        let pairs = [("AuthPayload", code.digits())];
        let reply = self.0.post(&path, &pairs, deadline)?;
        reply.require(&[("sid", sid.as_str())])?;
        self.read(&reply, identity, factor)
    }

    /// Returns the state of a challenge.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch(
        &self,
        sid: &ChallengeSid,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        deadline: Deadline,
    ) -> Result<Challenge, Error> {
        let path = self.path(identity, &format!("/{sid}"));
        let reply = self.0.get(&path, &[], deadline)?;
        reply.require(&[("sid", sid.as_str())])?;
        self.read(&reply, identity, factor)
    }

    /// Returns the challenges of a factor, the latest one first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(
        &self,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        deadline: Deadline,
    ) -> Result<Vec<Challenge>, Error> {
        let query = [("FactorSid", factor.as_str()), ("Order", "desc")];
        let path = self.path(identity, "");
        self.0.list(&path, &query, "challenges", deadline, |reply| {
            self.read(reply, identity, factor)
        })
    }

    fn path(&self, identity: &TwilioIdentity, below: &str) -> String {
        self.0
            .path(&format!("/Entities/{identity}/Challenges{below}"))
    }

    /// Reads a challenge, which must be one of this service, person and app.
    fn read(
        &self,
        reply: &Reply,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
    ) -> Result<Challenge, Error> {
        reply.require(&[
            ("service_sid", self.0.service.as_str()),
            ("identity", &identity.to_string()),
            ("factor_sid", factor.as_str()),
            ("factor_type", "totp"),
        ])?;
        let decision = match reply.get("status").and_then(serde_json::Value::as_str) {
            Some("pending") => Decision::Pending,
            Some("approved") => Decision::Approved,
            Some("denied") => Decision::Denied,
            Some("expired") => Decision::Expired,
            _ => return Err(reply.unexpected("the challenge has an unknown status")),
        };
        Ok(Challenge {
            sid: reply.id("sid")?,
            decision,
        })
    }
}

fn check_length(code: &Code) -> Result<(), Error> {
    if CODE_LENGTHS.contains(&code.digits().len()) {
        Ok(())
    } else {
        Err(invalid("AuthPayload", "must be 3 to 8 digits"))
    }
}

#[cfg(test)]
mod tests;
