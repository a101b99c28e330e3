//! Codes that are sent by SMS or read out in a call: start, check, fetch, cancel.
//!
//! Source: Twilio Verify API, `/v2/Services/{VA}/Verifications` and
//! `/v2/Services/{VA}/VerificationCheck`. Within ten minutes a second start to the same number
//! brings the same SID and the same code. A code is checked against the SID of its start, so that no
//! code of another login counts. No check is ever repeated: the second one is answered by 404.

use super::error::invalid;
use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::twilio::VerificationSid;
use crate::base::factor::{Channel, Code, Phone};
use crate::client::http::Transport;

/// Calls about verifications; created by [`Client::verifications`].
#[derive(Debug)]
pub struct Verifications<'a, T>(pub(super) &'a Client<T>);

/// A code that was sent to a number.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verification {
    /// The SID, against which the code is checked.
    pub sid: VerificationSid,
    /// Twilio's status, such as `pending`, `approved` or `canceled`.
    pub status: String,
    /// How often the code was sent; Twilio allows five.
    pub sends: usize,
}

/// What a start may say besides number and channel.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct StartOptions<'a> {
    /// The language; `None`: that of the number's country.
    pub locale: Option<&'a str>,
    /// The unique names of rate limits of the service, each with the value that is counted. Twilio
    /// refuses a name that the service does not have.
    pub rate_limits: &'a [(String, String)],
}

impl<'a> StartOptions<'a> {
    /// Sets [`StartOptions::locale`].
    #[must_use]
    pub fn locale(mut self, locale: impl Into<Option<&'a str>>) -> Self {
        self.locale = locale.into();
        self
    }

    /// Sets [`StartOptions::rate_limits`].
    #[must_use]
    pub fn rate_limits(mut self, rate_limits: &'a [(String, String)]) -> Self {
        self.rate_limits = rate_limits;
        self
    }
}

/// The digits of a code that Twilio sends.
const CODE_LENGTHS: std::ops::RangeInclusive<usize> = 4..=10;

impl<T: Transport> Verifications<'_, T> {
    /// Makes Twilio send a code to `to`. Blocks for the time-out or until `deadline`, but not for the
    /// duration of a call.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if the answer is about another number or service; such a code must not
    /// be checked. Or another [`Error`].
    pub fn start(
        &self,
        to: &Phone,
        channel: Channel,
        options: &StartOptions<'_>,
        deadline: Deadline,
    ) -> Result<Verification, Error> {
        let channel = match channel {
            Channel::Sms => "sms",
            Channel::Call => "call",
        };
        let mut pairs = vec![("To", to.as_str()), ("Channel", channel)];
        pairs.extend(options.locale.map(|locale| ("Locale", locale)));
        let limits = rate_limits(options.rate_limits);
        pairs.extend(limits.as_deref().map(|limits| ("RateLimits", limits)));
        let path = self.0.path("/Verifications");
        let reply = self.0.post(&path, &pairs, deadline)?;
        self.require_ours(&reply, to)?;
        reply.require_status("pending")?;
        read(&reply)
    }

    /// Asks Twilio whether `code` is right for the verification `sid` of the number `to`. Blocks for
    /// the time-out or until `deadline`. A code that Twilio cannot have sent is refused unasked, so
    /// that it costs none of the five checks.
    ///
    /// # Errors
    /// [`Error::Refused`] if the code is wrong, [`Error::NotFound`] if the verification was
    /// approved, cancelled or has expired, [`Error::RateLimited`] or [`Error::NotFound`] after five
    /// checks, or another [`Error`].
    pub fn check(
        &self,
        sid: &VerificationSid,
        to: &Phone,
        code: &Code,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if !CODE_LENGTHS.contains(&code.digits().len()) {
            return Err(invalid("Code", "must be 4 to 10 digits"));
        }
        let pairs = [("VerificationSid", sid.as_str()), ("Code", code.digits())];
        let path = self.0.path("/VerificationCheck");
        let reply = self.0.post(&path, &pairs, deadline)?;
        reply.require_approved()?;
        reply.require_true("valid")?;
        reply.require(&[("sid", sid.as_str())])?;
        self.require_ours(&reply, to)
    }

    /// Returns the state of a verification. One that was approved or has expired is not found.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch(&self, sid: &VerificationSid, deadline: Deadline) -> Result<Verification, Error> {
        let path = self.0.path(&format!("/Verifications/{sid}"));
        let reply = self.0.get(&path, &[], deadline)?;
        self.require_verification(&reply, sid)?;
        read(&reply)
    }

    /// Cancels a verification, so that the next start sends a new code. For administrators only:
    /// it also ends the count of wrong checks.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn cancel(&self, sid: &VerificationSid, deadline: Deadline) -> Result<(), Error> {
        let path = self.0.path(&format!("/Verifications/{sid}"));
        let reply = self.0.post(&path, &[("Status", "canceled")], deadline)?;
        reply.require_status("canceled")?;
        self.require_verification(&reply, sid)
    }

    /// Returns an error unless the answer is about this service and verification.
    fn require_verification(&self, reply: &Reply, sid: &VerificationSid) -> Result<(), Error> {
        reply.require(&[
            ("sid", sid.as_str()),
            ("service_sid", self.0.service.as_str()),
        ])
    }

    /// Returns an error unless the answer is about this service and number.
    fn require_ours(&self, reply: &Reply, to: &Phone) -> Result<(), Error> {
        reply.require(&[
            ("to", to.as_str()),
            ("service_sid", self.0.service.as_str()),
        ])
    }
}

/// Returns the parameter `RateLimits`: a JSON text.
fn rate_limits(limits: &[(String, String)]) -> Option<String> {
    let members = limits
        .iter()
        .map(|(name, value)| (name.clone(), serde_json::Value::from(value.as_str())));
    let object: serde_json::Map<_, _> = members.collect();
    (!object.is_empty()).then(|| serde_json::Value::from(object).to_string())
}

fn read(reply: &Reply) -> Result<Verification, Error> {
    let sends = reply.get("send_code_attempts");
    let sends = sends.and_then(serde_json::Value::as_array);
    Ok(Verification {
        sid: reply.id("sid")?,
        status: reply.text("status").unwrap_or_default(),
        sends: sends.map_or(0, Vec::len),
    })
}

#[cfg(test)]
mod tests;
