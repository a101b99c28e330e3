//! Calls about people that a login does not need: activity, registrations, phone numbers.
//!
//! Source: Authy API, `/protected/json/users/{id}/register_activity`,
//! `/protected/json/users/{id}/phone_number` and `/protected/json/registrations/status`. Called by
//! `authyctl person`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::reply::{number, unexpected};
use super::types::AuthyId;
use super::users::Users;
use super::{Error, object};
use crate::base::deadline::Deadline;
use crate::base::secret::Secret;
use crate::base::text;
use crate::client::http::Transport;

/// What happened to a person at the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// The password was reset.
    PasswordReset,
    /// The person was banned.
    Banned,
    /// The person is not banned any more.
    Unbanned,
    /// The person logged in with a cookie.
    CookieLogin,
}

impl Activity {
    /// Returns Authy's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::Banned => "banned",
            Self::Unbanned => "unbanned",
            Self::CookieLogin => "cookie_login",
        }
    }
}

/// The state of the registration of a person under the application's own name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Registration {
    /// Authy's status, such as `pending` or `completed`.
    pub status: String,
    /// The person, if the registration has created one.
    pub authy_id: Option<AuthyId>,
}

/// The complete phone number of a person, exported to move to another service. Keep it out of logs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PhoneNumber {
    /// The calling code, such as 351.
    pub country_code: Option<u64>,
    /// The number as Authy writes it, such as `444-555-6666`.
    pub phone_number: Secret,
    /// The same number such as `+14445556666`, if Authy sent it.
    pub e164: Option<Secret>,
}

impl<T: Transport> Users<'_, T> {
    /// Reports an event of `id` at the application to Authy: its `kind`, the person's IP address,
    /// and further texts in `data`. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn register_activity(
        &self,
        id: AuthyId,
        kind: Activity,
        user_ip: &str,
        data: &BTreeMap<String, String>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let path = format!("/protected/json/users/{id}/register_activity");
        let body = object([
            ("type", Some(json!(kind.as_str()))),
            ("user_ip", Some(json!(user_ip))),
            ("data", (!data.is_empty()).then(|| json!(data))),
        ]);
        self.0
            .post(&path, &body, deadline)?
            .about(id)?
            .require_success()
            .map(drop)
    }

    /// Returns the state of the registration of `custom_user_id`, the application's own name for a
    /// person. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a name that Authy does not know, or another [`Error`].
    pub fn registration(
        &self,
        custom_user_id: &str,
        deadline: Deadline,
    ) -> Result<Registration, Error> {
        let query = [("custom_user_id", custom_user_id)];
        let reply = self
            .0
            .get("/protected/json/registrations/status", &query, deadline)?
            .require_success()?;
        let registration = reply.object("registration")?;
        let status = registration.get("status").and_then(Value::as_str);
        let id = registration.get("authy_id").and_then(number);
        Ok(Registration {
            status: status
                .map(text::sanitize)
                .ok_or_else(|| unexpected("no `registration.status` in the answer"))?,
            authy_id: id.and_then(|id| id.try_into().ok()),
        })
    }

    /// Returns the complete phone number of `id`, for moving to another service. Authy must have
    /// allowed the application to do so. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] if exporting is switched off, or another [`Error`].
    pub fn phone_number(&self, id: AuthyId, deadline: Deadline) -> Result<PhoneNumber, Error> {
        let path = format!("/protected/json/users/{id}/phone_number");
        let reply = self.0.get(&path, &[], deadline)?.about(id)?;
        let reply = reply.reject_failure()?;
        let text = |name| reply.text(name).map(Secret::new);
        Ok(PhoneNumber {
            country_code: reply.get("country_code").and_then(number),
            phone_number: text("phone_number")
                .ok_or_else(|| unexpected("no `phone_number` in the answer"))?,
            e164: text("e164"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later};
    use super::*;

    fn id() -> AuthyId {
        "1635".parse().unwrap()
    }

    #[test]
    fn activity_update_and_registration_requests_match_the_documentation() {
        let done = r#"{"message":"done","success":true}"#;
        let registration =
            r#"{"registration":{"status":"completed","authy_id":123},"success":true}"#;
        let client = client(&[(200, done), (200, done), (200, registration)]);
        let users = client.users();
        let data = BTreeMap::from([("reason".to_owned(), "lost".to_owned())]);
        users
            .register_activity(id(), Activity::PasswordReset, "192.0.2.1", &data, later())
            .unwrap();
        users.update_email(id(), "x@y.test", later()).unwrap();
        let found = users.registration("our/name", later()).unwrap();
        assert_eq!(
            (found.status.as_str(), found.authy_id),
            ("completed", "123".parse().ok())
        );
        assert_eq!(
            client.asked(),
            [
                "Post https://authy.test/protected/json/users/1635/register_activity \
                 {\"data\":{\"reason\":\"lost\"},\"type\":\"password_reset\",\"user_ip\":\"192.0.2.1\"}",
                "Post https://authy.test/protected/json/users/1635/update {\"email\":\"x@y.test\"}",
                "Get https://authy.test/protected/json/registrations/status?custom_user_id=our%2Fname",
            ]
        );
    }

    #[test]
    fn an_exported_number_is_complete_and_not_printed() {
        let body = r#"{"phone_number":"444-555-6666","country_code":"1","e164":"+14445556666"}"#;
        let off =
            r#"{"error_code":"60154","message":"Phone number export is disabled","success":false}"#;
        let client = client(&[(200, body), (403, off), (200, "{}")]);
        let number = client.users().phone_number(id(), later()).unwrap();
        assert_eq!(number.phone_number.expose(), "444-555-6666");
        assert_eq!(number.country_code, Some(1));
        assert!(!format!("{number:?}").contains("6666"));
        let refused = client.users().phone_number(id(), later());
        assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
        assert!(client.users().phone_number(id(), later()).is_err());
    }
}
