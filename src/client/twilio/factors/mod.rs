//! The apps of a person: create, verify with the first code, fetch, list, delete.
//!
//! Source: Twilio Verify API, `/v2/Services/{VA}/Entities/{Identity}/Factors`. Twilio returns the
//! secret only when the factor is created. A factor that is not verified within an hour can no
//! longer be verified. These calls are the administrator's: a host's key needs none of them.

use serde_json::Value;

use super::error::{Refusal, invalid};
use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::Code;
use crate::base::factor::twilio::{TwilioFactor, TwilioIdentity};
use crate::base::secret::Secret;
use crate::base::text;
use crate::client::http::Transport;

/// The longest name of a factor, in characters.
const NAME_LIMIT: usize = 64;

/// Calls about apps; created by [`Client::factors`].
#[derive(Debug)]
pub struct Factors<'a, T>(pub(super) &'a Client<T>);

/// An app that was just created.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewFactor {
    /// Its SID.
    pub sid: TwilioFactor,
    /// Its secret, in base 32.
    pub secret: Secret,
    /// What a QR code shows to the app: `otpauth://totp/…`.
    pub uri: Secret,
}

/// An app, or another factor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Factor {
    /// Its SID.
    pub sid: TwilioFactor,
    /// Its name.
    pub name: String,
    /// Twilio's kind, such as `totp` or `push`.
    pub kind: String,
    /// Whether its first code was right.
    pub is_verified: bool,
    /// The digits of an app's codes.
    pub code_length: Option<u8>,
}

impl<T: Transport> Factors<'_, T> {
    /// Creates an app with the name `name`, which the app shows; with a secret of Twilio's, or with
    /// `secret` in base 32. Creates the person where there is none. Blocks for the time-out or until
    /// `deadline`, as every call here.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create_app(
        &self,
        identity: &TwilioIdentity,
        name: &str,
        secret: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<NewFactor, Error> {
        let is_name = (1..=NAME_LIMIT).contains(&name.chars().count()) && !text::has_control(name);
        if !is_name {
            return Err(invalid("FriendlyName", "must be 1 to 64 characters"));
        }
        let mut pairs = vec![("FactorType", "totp"), ("FriendlyName", name)];
        if let Some(secret) = secret {
            pairs.extend([
                ("Binding.Secret", secret.expose()),
                ("Config.Alg", "sha1"),
                ("Config.TimeStep", "30"),
                ("Config.CodeLength", "6"),
            ]);
        }
        let reply = self.0.post(&self.path(identity, ""), &pairs, deadline)?;
        self.require_ours(&reply, identity)?;
        reply.require(&[("factor_type", "totp")])?;
        let binding = reply.object("binding");
        let text = |name| {
            let text = binding.as_ref()?.get(name)?.as_str()?;
            (!text::has_control(text)).then(|| Secret::new(text.to_owned()))
        };
        let without = || reply.unexpected("the answer has no `binding`");
        Ok(NewFactor {
            sid: reply.id("sid")?,
            secret: text("secret").ok_or_else(without)?,
            uri: text("uri").ok_or_else(without)?,
        })
    }

    /// Proves an app by its first code.
    ///
    /// # Errors
    /// [`Error::Refused`] if the code is wrong, [`Error::RateLimited`] after five wrong ones, or
    /// another [`Error`].
    pub fn verify(
        &self,
        identity: &TwilioIdentity,
        sid: &TwilioFactor,
        code: &Code,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let path = self.path(identity, &format!("/{sid}"));
        let reply = self
            .0
            .post(&path, &[("AuthPayload", code.digits())], deadline)?;
        self.require_ours(&reply, identity)?;
        reply.require(&[("sid", sid.as_str())])?;
        if reply.text("status").as_deref() == Some("verified") {
            return Ok(());
        }
        Err(Error::Refused(Refusal {
            status: 200,
            message: "the factor is not verified".to_owned(),
            ..Refusal::default()
        }))
    }

    /// Returns a factor.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, or another [`Error`].
    pub fn fetch(
        &self,
        identity: &TwilioIdentity,
        sid: &TwilioFactor,
        deadline: Deadline,
    ) -> Result<Factor, Error> {
        let path = self.path(identity, &format!("/{sid}"));
        let reply = self.0.get(&path, &[], deadline)?;
        reply.require(&[("sid", sid.as_str())])?;
        self.read(&reply, identity)
    }

    /// Returns all factors of a person.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(
        &self,
        identity: &TwilioIdentity,
        deadline: Deadline,
    ) -> Result<Vec<Factor>, Error> {
        let path = self.path(identity, "");
        self.0.list(&path, &[], "factors", deadline, |reply| {
            self.read(reply, identity)
        })
    }

    /// Deletes a factor.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, or another [`Error`].
    pub fn delete(
        &self,
        identity: &TwilioIdentity,
        sid: &TwilioFactor,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let path = self.path(identity, &format!("/{sid}"));
        self.0.delete(&path, deadline)
    }

    fn path(&self, identity: &TwilioIdentity, below: &str) -> String {
        self.0.path(&format!("/Entities/{identity}/Factors{below}"))
    }

    /// Returns an error unless the answer is about this service and person.
    fn require_ours(&self, reply: &Reply, identity: &TwilioIdentity) -> Result<(), Error> {
        reply.require(&[
            ("service_sid", self.0.service.as_str()),
            ("identity", &identity.to_string()),
        ])
    }

    fn read(&self, reply: &Reply, identity: &TwilioIdentity) -> Result<Factor, Error> {
        self.require_ours(reply, identity)?;
        let config = reply.object("config");
        let length = config.as_ref().and_then(|config| config.get("code_length"));
        Ok(Factor {
            sid: reply.id("sid")?,
            name: reply.text("friendly_name").unwrap_or_default(),
            kind: reply.text("factor_type").unwrap_or_default(),
            is_verified: reply.text("status").as_deref() == Some("verified"),
            code_length: length
                .and_then(Value::as_u64)
                .and_then(|length| length.try_into().ok()),
        })
    }
}

#[cfg(test)]
mod tests;
