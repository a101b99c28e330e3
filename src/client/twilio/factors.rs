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
mod tests {
    use serde_json::json;

    use super::super::scripted::{client, later, other_sid, sid};
    use super::*;

    const IDENTITY: &str = "abcd-0123";

    fn identity() -> TwilioIdentity {
        IDENTITY.parse().unwrap()
    }

    fn factor() -> TwilioFactor {
        sid("YF").parse().unwrap()
    }

    fn answer(other: &[(&str, Value)]) -> String {
        let mut body = json!({
            "sid": sid("YF"), "account_sid": sid("AC"), "service_sid": sid("VA"),
            "entity_sid": sid("YE"), "identity": IDENTITY, "friendly_name": "alice@web1",
            "status": "unverified", "factor_type": "totp",
            "config": {"alg": "sha1", "skew": 1, "code_length": 6, "time_step": 30},
        });
        for (name, value) in other {
            body[*name] = value.clone();
        }
        body.to_string()
    }

    #[test]
    fn a_new_app_has_a_secret_and_a_uri_that_are_not_printed() {
        let binding = json!({"secret": "GEZDGNBV", "uri": "otpauth://totp/x?secret=GEZDGNBV"});
        let body = answer(&[("binding", binding)]);
        let without = answer(&[]);
        let client = client(&[(201, body.as_str()), (201, &body), (201, &without)]);
        let calls = client.factors();
        let new = calls
            .create_app(&identity(), "alice@web1", None, later())
            .unwrap();
        assert_eq!(
            (new.sid.clone(), new.secret.expose()),
            (factor(), "GEZDGNBV")
        );
        assert!(new.uri.expose().starts_with("otpauth://"));
        assert!(!format!("{new:?}").contains("GEZD"));
        let secret = Secret::new("MFRGGZDF".into());
        let imported = calls.create_app(&identity(), "a", Some(&secret), later());
        assert!(imported.is_ok());
        assert!(calls.create_app(&identity(), "a", None, later()).is_err());
        let start = format!(
            "Post https://verify.test/v2/Services/{}/Entities/{IDENTITY}/Factors form FactorType=totp&",
            sid("VA")
        );
        let asked = client.asked();
        assert_eq!(asked[0], format!("{start}FriendlyName=alice%40web1"));
        assert_eq!(
            asked[1],
            format!(
                "{start}FriendlyName=a&Binding.Secret=MFRGGZDF&Config.Alg=sha1&Config.TimeStep=30\
                 &Config.CodeLength=6"
            )
        );
    }

    #[test]
    fn a_name_that_twilio_refuses_is_not_sent() {
        let client = client(&[]);
        let long = "x".repeat(65);
        for name in ["", "a\nb", &long] {
            let created = client
                .factors()
                .create_app(&identity(), name, None, later());
            assert!(matches!(created, Err(Error::Invalid { .. })), "{name}");
        }
    }

    #[test]
    fn an_app_is_proven_only_by_the_status_verified_of_this_factor() {
        let verified = ("status", json!("verified"));
        let error = |code| format!(r#"{{"code":{code},"message":"x"}}"#);
        let rows = [
            (200, answer(std::slice::from_ref(&verified)), "yes"),
            (200, answer(&[]), "no"),
            (403, error(60311), "no"),
            (429, error(60310), "limited"),
            (200, answer(&[("status", json!("approved"))]), "no"),
            (
                200,
                answer(&[verified.clone(), ("sid", json!(other_sid("YF")))]),
                "other",
            ),
            (
                200,
                answer(&[verified, ("identity", json!("abcd-0124"))]),
                "other",
            ),
        ];
        let code = "123456".parse().unwrap();
        let mut wrong = Vec::new();
        for (status, body, expected) in rows {
            let client = client(&[(status, body.as_str())]);
            let found = match client
                .factors()
                .verify(&identity(), &factor(), &code, later())
            {
                Ok(()) => "yes",
                Err(Error::Refused(_)) => "no",
                Err(Error::RateLimited(_)) => "limited",
                Err(_) => "other",
            };
            if found != expected {
                wrong.push(format!("{body}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn factors_are_listed_fetched_and_deleted_below_their_person() {
        let push = answer(&[
            ("factor_type", json!("push")),
            ("status", json!("verified")),
            ("config", json!(null)),
        ]);
        let list = format!(r#"{{"factors":[{},{push}],"meta":{{}}}}"#, answer(&[]));
        let app = answer(&[]);
        let client = client(&[(200, list.as_str()), (200, &app), (204, "")]);
        let calls = client.factors();
        let found = calls.list(&identity(), later()).unwrap();
        let shown = |factor: &Factor| (factor.kind.clone(), factor.is_verified, factor.code_length);
        assert_eq!(shown(&found[0]), ("totp".to_owned(), false, Some(6)));
        assert_eq!(shown(&found[1]), ("push".to_owned(), true, None));
        calls.fetch(&identity(), &factor(), later()).unwrap();
        calls.delete(&identity(), &factor(), later()).unwrap();
        let expected = format!(
            "Delete https://verify.test/v2/Services/{}/Entities/{IDENTITY}/Factors/{}",
            sid("VA"),
            sid("YF")
        );
        assert_eq!(client.asked()[2], expected);
    }
}
