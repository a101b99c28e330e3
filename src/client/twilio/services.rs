//! The Verify service itself: create, fetch, update, list, delete.
//!
//! Source: Twilio Verify API, `/v2/Services`. Fetching the service is the best call to test a key,
//! where it has the permission. These calls are the administrator's.

use serde_json::Value;

use super::error::invalid;
use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::twilio::ServiceSid;
use crate::client::http::Transport;

/// Calls about services; created by [`Client::services`].
#[derive(Debug)]
pub struct Services<'a, T>(pub(super) &'a Client<T>);

/// The settings of a service that matter for logins. `None` where Twilio did not say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// Its SID.
    pub sid: ServiceSid,
    /// The name that messages show.
    pub name: String,
    /// The digits of the codes that are sent.
    pub code_length: Option<u64>,
    /// Whether an application may choose the code itself; a host's should not.
    pub custom_code: Option<bool>,
    /// Whether starts need an amount and a payee, so that no login is possible.
    pub psd2: Option<bool>,
    /// Whether a code by SMS is refused to a landline.
    pub skip_sms_to_landlines: Option<bool>,
    /// Whether messages warn against passing the code on.
    pub do_not_share_warning: Option<bool>,
    /// The digits of an app's codes.
    pub totp_code_length: Option<u64>,
    /// The seconds for which an app shows a code.
    pub totp_time_step: Option<u64>,
    /// How many steps before and after the present one count.
    pub totp_skew: Option<u64>,
}

/// What is changed of a service; `None`: nothing.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Change<'a> {
    /// The name that messages show, 1 to 30 characters.
    pub name: Option<&'a str>,
    /// The digits of the codes that are sent, 4 to 10.
    pub code_length: Option<u8>,
    /// Whether an application may choose the code itself.
    pub custom_code: Option<bool>,
}

impl<'a> Change<'a> {
    /// Sets [`Change::name`].
    #[must_use]
    pub fn name(mut self, name: impl Into<Option<&'a str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets [`Change::code_length`].
    #[must_use]
    pub fn code_length(mut self, code_length: impl Into<Option<u8>>) -> Self {
        self.code_length = code_length.into();
        self
    }

    /// Sets [`Change::custom_code`].
    #[must_use]
    pub fn custom_code(mut self, custom_code: impl Into<Option<bool>>) -> Self {
        self.custom_code = custom_code.into();
        self
    }
}

impl Change<'_> {
    fn pairs(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let mut pairs = Vec::new();
        if let Some(name) = self.name {
            if !(1..=30).contains(&name.chars().count()) {
                return Err(invalid("FriendlyName", "must be 1 to 30 characters"));
            }
            pairs.push(("FriendlyName", name.to_owned()));
        }
        if let Some(length) = self.code_length {
            if !(4..=10).contains(&length) {
                return Err(invalid("CodeLength", "must be 4 to 10"));
            }
            pairs.push(("CodeLength", length.to_string()));
        }
        pairs.extend(
            self.custom_code
                .map(|on| ("CustomCodeEnabled", on.to_string())),
        );
        Ok(pairs)
    }
}

impl<T: Transport> Services<'_, T> {
    /// Creates another service. Blocks for the time-out or until `deadline`, as every call here.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a name, or another [`Error`].
    pub fn create(&self, settings: Change<'_>, deadline: Deadline) -> Result<Service, Error> {
        if settings.name.is_none() {
            return Err(invalid("FriendlyName", "is missing"));
        }
        read(&self.post("/v2/Services", &settings, deadline)?)
    }

    /// Returns the service of this client.
    ///
    /// # Errors
    /// [`Error::KeyRefused`] for a wrong key, or one without this permission; [`Error::NotFound`]
    /// for a service that the account does not have; or another [`Error`].
    pub fn fetch(&self, deadline: Deadline) -> Result<Service, Error> {
        self.read(&self.0.get(&self.0.path(""), &[], deadline)?)
    }

    /// Changes the service of this client.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn update(&self, change: Change<'_>, deadline: Deadline) -> Result<Service, Error> {
        self.read(&self.post(&self.0.path(""), &change, deadline)?)
    }

    /// Returns all services of the account.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, deadline: Deadline) -> Result<Vec<Service>, Error> {
        self.0.list("/v2/Services", &[], "services", deadline, read)
    }

    /// Deletes the service of this client, with all people and apps.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete(&self, deadline: Deadline) -> Result<(), Error> {
        self.0.delete(&self.0.path(""), deadline)
    }

    /// Returns the unique names of the service's rate limits, which a start may name.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn rate_limits(&self, deadline: Deadline) -> Result<Vec<String>, Error> {
        let path = self.0.path("/RateLimits");
        self.0.list(&path, &[], "rate_limits", deadline, |reply| {
            let name = reply.text("unique_name");
            name.ok_or_else(|| reply.unexpected("a rate limit has no name"))
        })
    }

    fn post(&self, path: &str, change: &Change<'_>, deadline: Deadline) -> Result<Reply, Error> {
        let pairs = change.pairs()?;
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.0.post(path, &pairs, deadline)
    }

    fn read(&self, reply: &Reply) -> Result<Service, Error> {
        reply.require(&[("sid", self.0.service.as_str())])?;
        read(reply)
    }
}

fn read(reply: &Reply) -> Result<Service, Error> {
    let totp = reply.object("totp");
    let flag = |name| reply.get(name).and_then(Value::as_bool);
    let of_totp = |name| totp.as_ref()?.get(name)?.as_u64();
    Ok(Service {
        sid: reply.id("sid")?,
        name: reply.text("friendly_name").unwrap_or_default(),
        code_length: reply.get("code_length").and_then(Value::as_u64),
        custom_code: flag("custom_code_enabled"),
        psd2: flag("psd2_enabled"),
        skip_sms_to_landlines: flag("skip_sms_to_landlines"),
        do_not_share_warning: flag("do_not_share_warning_enabled"),
        totp_code_length: of_totp("code_length"),
        totp_time_step: of_totp("time_step"),
        totp_skew: of_totp("skew"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later, other_sid, sid};
    use super::*;

    fn body(sid: &str) -> String {
        format!(
            r#"{{"sid":"{sid}","friendly_name":"Example","code_length":6,"custom_code_enabled":false,
            "totp":{{"issuer":"Example","time_step":30,"code_length":6,"skew":1}},"passkeys":null}}"#
        )
    }

    #[test]
    fn the_settings_of_the_service_are_read_and_missing_ones_are_unknown() {
        let (ours, other) = (body(&sid("VA")), body(&other_sid("VA")));
        let client = client(&[(200, ours.as_str()), (200, &other)]);
        let service = client.services().fetch(later()).unwrap();
        assert_eq!((service.code_length, service.totp_skew), (Some(6), Some(1)));
        assert_eq!((service.custom_code, service.psd2), (Some(false), None));
        assert!(client.services().fetch(later()).is_err(), "another service");
    }

    #[test]
    fn the_rate_limits_of_the_service_are_read_by_their_names() {
        let list = r#"{"rate_limits":[{"unique_name":"end_user"},{"unique_name":"ip"}],"meta":{}}"#;
        let nameless = r#"{"rate_limits":[{"unique_name":null}],"meta":{}}"#;
        let client = client(&[(200, list), (200, nameless)]);
        let names = client.services().rate_limits(later()).unwrap();
        assert_eq!(names, ["end_user", "ip"]);
        assert!(client.services().rate_limits(later()).is_err());
        let path = format!("https://verify.test/v2/Services/{}/RateLimits", sid("VA"));
        assert_eq!(client.asked()[0], format!("Get {path}?PageSize=20"));
    }

    #[test]
    fn a_service_is_created_changed_listed_and_deleted() {
        let ours = body(&sid("VA"));
        let list = format!(r#"{{"services":[{ours}],"meta":{{"next_page_url":null}}}}"#);
        let client = client(&[(201, ours.as_str()), (200, &ours), (200, &list), (204, "")]);
        let calls = client.services();
        let named = Change {
            name: Some("Example Ltd"),
            code_length: Some(8),
            ..Change::default()
        };
        calls.create(named, later()).unwrap();
        let change = Change {
            custom_code: Some(false),
            ..Change::default()
        };
        calls.update(change, later()).unwrap();
        assert_eq!(calls.list(later()).unwrap().len(), 1);
        calls.delete(later()).unwrap();
        let services = "https://verify.test/v2/Services";
        let one = format!("{services}/{}", sid("VA"));
        assert_eq!(
            client.asked(),
            [
                format!("Post {services} form FriendlyName=Example%20Ltd&CodeLength=8"),
                format!("Post {one} form CustomCodeEnabled=false"),
                format!("Get {services}?PageSize=20"),
                format!("Delete {one}"),
            ]
        );
    }

    #[test]
    fn settings_that_twilio_refuses_are_not_sent() {
        let client = client(&[]);
        let long = "x".repeat(31);
        let named = |name| Change {
            name: Some(name),
            ..Change::default()
        };
        let length = |length| Change {
            code_length: Some(length),
            ..named("x")
        };
        let changes = [
            Change::default(),
            named(""),
            named(&long),
            length(3),
            length(11),
        ];
        for change in changes {
            let created = client.services().create(change, later());
            assert!(matches!(created, Err(Error::Invalid { .. })), "{change:?}");
        }
    }
}
