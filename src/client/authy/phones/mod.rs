//! Phone numbers without an authy id: verifies one by a code, and gets the kind of phone.
//!
//! Source: Authy API, `/protected/json/phones/verification/{start,check,status}` and
//! `/protected/json/phones/info`, once called "Verify v1" and "phone intelligence". Called by
//! `authyctl phone`.

mod start;

use serde_json::Value;
pub use start::{StartOptions, Via};

use super::reply::{Reply, about_another, number, unexpected};
use super::types::{Cellphone, CountryCode, Uuid};
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::secret::Secret;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

/// Calls about phone numbers; created by [`Client::phones`].
#[derive(Debug)]
pub struct Phones<'a, T>(pub(super) &'a Client<T>);

/// A number and its country.
#[derive(Debug, Clone)]
pub struct Phone {
    /// The calling code.
    pub country_code: CountryCode,
    /// The number within the country.
    pub cellphone: Cellphone,
}

/// A verification that was started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Started {
    /// Authy's id of the verification; some regions have none.
    pub uuid: Option<String>,
    /// The phone company.
    pub carrier: Option<String>,
    /// Whether the number belongs to a cellphone; some regions do not say.
    pub is_cellphone: Option<bool>,
    /// How long the code is valid, in seconds.
    pub seconds_to_expire: Option<u64>,
    /// Authy's text.
    pub message: String,
}

/// The state of a verification.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Progress {
    /// `pending`, `verified` or `expired`.
    pub status: String,
    /// How long the code is valid, in seconds.
    pub seconds_to_expire: Option<u64>,
}

/// What Authy knows about a phone number.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Info {
    /// `voip`, `landline`, `cellphone` or `unknown`.
    pub kind: Option<String>,
    /// The phone company.
    pub provider: Option<String>,
    /// Whether the number was moved to another company.
    pub ported: Option<bool>,
    /// Authy's text.
    pub message: String,
}

/// The code that a person received: 4 to 10 ASCII digits. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct Code(Secret);

impl std::str::FromStr for Code {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if (4..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err(invalid("verification_code", "must be 4 to 10 digits"))
        }
    }
}

impl<T: Transport> Phones<'_, T> {
    /// Makes Authy send a code to `phone`. While the code is valid, another start sends the same
    /// code again. Blocks for the time-out or until `deadline`.
    ///
    #[doc = concat!("```\n", include_str!("../examples/phones.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::Invalid`] for a code length that is out of range, or another [`Error`].
    pub fn start(
        &self,
        phone: &Phone,
        options: &StartOptions<'_>,
        deadline: Deadline,
    ) -> Result<Started, Error> {
        let body = options.body(phone)?;
        let reply = self
            .0
            .post("/protected/json/phones/verification/start", &body, deadline)?
            .require_success()?;
        Ok(Started {
            uuid: reply.text("uuid"),
            carrier: reply.text("carrier"),
            is_cellphone: reply.optional_flag("is_cellphone"),
            seconds_to_expire: reply.get("seconds_to_expire").and_then(number),
            message: reply.text("message").unwrap_or_default(),
        })
    }

    /// Asks Authy whether `code` is the one that was sent. Only HTTP 200 with `success` true is a
    /// yes. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::Refused`] for a wrong code, [`Error::NotFound`] if no verification is pending, or
    /// another [`Error`].
    pub fn check(&self, phone: &Phone, code: &Code, deadline: Deadline) -> Result<(), Error> {
        let country = phone.country_code.to_string();
        let query = [
            ("country_code", country.as_str()),
            ("phone_number", phone.cellphone.digits()),
            ("verification_code", code.0.expose()),
        ];
        self.0
            .get(
                "/protected/json/phones/verification/check",
                &query,
                deadline,
            )?
            .require_success()
            .map(drop)
    }

    /// Returns the state of the verification of `phone`. Blocks for the time-out or until
    /// `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn status(&self, phone: &Phone, deadline: Deadline) -> Result<Progress, Error> {
        let country = phone.country_code.to_string();
        let query = [
            ("country_code", country.as_str()),
            ("phone_number", phone.cellphone.digits()),
        ];
        self.progress(&query, deadline)
    }

    /// Returns the state of the verification with the id of [`Started::uuid`]. Blocks for the
    /// time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn status_of(&self, uuid: &Uuid, deadline: Deadline) -> Result<Progress, Error> {
        self.progress(&[("uuid", &uuid.to_string())], deadline)
    }

    /// Returns an error if the answer names another verification than the one of the query.
    fn require_same(reply: &Reply, query: &[(&str, &str)]) -> Result<(), Error> {
        let is_another = |(name, asked): &(&str, &str)| {
            let named = reply.get(name).and_then(Value::as_str);
            *name == "uuid" && named.is_some_and(|named| named != *asked)
        };
        match query.iter().any(is_another) {
            true => Err(about_another("verification")),
            false => Ok(()),
        }
    }

    fn progress(&self, query: &[(&str, &str)], deadline: Deadline) -> Result<Progress, Error> {
        let path = "/protected/json/phones/verification/status";
        let reply = self.0.get(path, query, deadline)?.require_success()?;
        Self::require_same(&reply, query)?;
        Ok(Progress {
            status: reply
                .text("status")
                .ok_or_else(|| unexpected("no `status` in the answer"))?,
            seconds_to_expire: reply.get("seconds_to_expire").and_then(number),
        })
    }

    /// Returns the kind of phone that has this number. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn info(&self, phone: &Phone, deadline: Deadline) -> Result<Info, Error> {
        let country = phone.country_code.to_string();
        let query = [
            ("country_code", country.as_str()),
            ("phone_number", phone.cellphone.digits()),
        ];
        let reply = self
            .0
            .get("/protected/json/phones/info", &query, deadline)?
            .require_success()?;
        Ok(Info {
            kind: reply.text("type"),
            provider: reply.text("provider"),
            ported: reply.optional_flag("ported"),
            message: reply.text("message").unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests;
