//! Tokens: is this one right, and send one by SMS.
//!
//! Source: Authy API, `GET /protected/json/verify/{token}/{authy_id}` and
//! `GET /protected/json/sms/{authy_id}`. A verify is never repeated: a token works once.

use super::transport::{Method, Transport};
use super::types::{AuthyId, Token};
use super::{Client, Error};
use crate::deadline::Deadline;

/// Questions about tokens; made by [`Client::tokens`].
#[derive(Debug)]
pub struct Tokens<'a, T>(pub(super) &'a Client<T>);

/// How to verify.
#[derive(Debug, Clone, Copy)]
pub struct Verify<'a> {
    /// Check the token even when the person has not finished registration; without it Authy lets
    /// such a person pass with any token.
    pub force: bool,
    /// The action that the token was requested for, where one was named.
    pub action: Option<&'a str>,
}

impl Default for Verify<'_> {
    fn default() -> Self {
        Self {
            force: true,
            action: None,
        }
    }
}

/// How to send a token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Send<'a> {
    /// Send even when the person has the app.
    pub force: bool,
    /// Binds the token to an action, 1 to 255 characters.
    pub action: Option<&'a str>,
    /// What the person is told of that action.
    pub action_message: Option<&'a str>,
    /// The language of the text, such as `en` or `pt-BR`.
    pub locale: Option<&'a str>,
}

/// What became of a request to send a token.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Nothing was sent, since the person has the app.
    pub ignored: bool,
    /// The masked number, such as `+351-XXX-XXX-XX67`.
    pub cellphone: Option<String>,
    /// The kind of device with the app, when ignored.
    pub device: Option<String>,
    /// Authy's text.
    pub message: String,
}

impl<T: Transport> Tokens<'_, T> {
    /// Asks Authy whether `token` is right for `id`. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::Refused`] when the token is wrong or was used; otherwise as [`Error`] says.
    pub fn verify(
        &self,
        id: AuthyId,
        token: &Token,
        how: &Verify<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let path = format!("/protected/json/verify/{}/{id}", token.digits());
        let mut query = Vec::new();
        if how.force {
            query.push(("force", "true"));
        }
        query.extend(how.action.map(|action| ("action", action)));
        let path = crate::secret::Secret::new(path);
        self.0
            .call(Method::Get, path.expose(), &query, deadline)?
            .token_is_valid()
    }

    /// Has Authy send a token to `id` by SMS. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// As [`Error`] says; an SMS that Authy finds unnecessary is no error but [`Delivery::ignored`].
    pub fn sms(&self, id: AuthyId, how: &Send<'_>, deadline: Deadline) -> Result<Delivery, Error> {
        let mut query = Vec::new();
        if how.force {
            query.push(("force", "true"));
        }
        query.extend(how.action.map(|text| ("action", text)));
        query.extend(how.action_message.map(|text| ("action_message", text)));
        query.extend(how.locale.map(|text| ("locale", text)));
        let path = format!("/protected/json/sms/{id}");
        let reply = self
            .0
            .call(Method::Get, &path, &query, deadline)?
            .succeeded()?;
        Ok(Delivery {
            ignored: reply.flag("ignored"),
            cellphone: reply.text("cellphone"),
            device: reply.text("device"),
            message: reply.text("message").unwrap_or_default(),
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
    fn verify_forces_unless_told_otherwise() {
        let yes = r#"{"token":"is valid","success":"true"}"#;
        let client = client(&[(200, yes), (200, yes)]);
        let token = "0123456".parse().unwrap();
        client
            .tokens()
            .verify(id(), &token, &Verify::default(), later())
            .unwrap();
        let how = Verify {
            force: false,
            action: Some("log in"),
        };
        client.tokens().verify(id(), &token, &how, later()).unwrap();
        assert_eq!(
            client.asked(),
            [
                "Get https://authy.test/protected/json/verify/0123456/1635?force=true",
                "Get https://authy.test/protected/json/verify/0123456/1635?action=log%20in",
            ]
        );
    }

    #[test]
    fn an_sms_answer_is_no_yes_to_a_token() {
        let sms =
            r#"{"success":true,"message":"SMS token was sent","cellphone":"+1-XXX-XXX-XX67"}"#;
        let client = client(&[(200, sms)]);
        let token = "0123456".parse().unwrap();
        let answer = client
            .tokens()
            .verify(id(), &token, &Verify::default(), later());
        assert!(answer.unwrap_err().is_unavailable());
    }

    #[test]
    fn an_ignored_sms_is_told_apart_from_one_that_was_sent() {
        let sent =
            r#"{"success":true,"message":"SMS token was sent","cellphone":"+351-XXX-XXX-XX67"}"#;
        let ignored =
            r#"{"message":"Ignored: …","device":"iphone","ignored":"true","success":true}"#;
        let not_ignored = r#"{"message":"sent","ignored":null,"success":"true"}"#;
        let client = client(&[(200, sent), (200, ignored), (200, not_ignored)]);
        let sms = || {
            client
                .tokens()
                .sms(id(), &Send::default(), later())
                .unwrap()
        };
        let first = sms();
        assert!(!first.ignored);
        assert_eq!(first.cellphone.as_deref(), Some("+351-XXX-XXX-XX67"));
        let second = sms();
        assert!(second.ignored);
        assert_eq!(second.device.as_deref(), Some("iphone"));
        assert!(!sms().ignored);
    }

    #[test]
    fn an_sms_answer_without_success_was_not_sent() {
        let client = client(&[(200, "{}"), (200, r#"{"success":false,"message":"no"}"#)]);
        for _ in 0..2 {
            assert!(
                client
                    .tokens()
                    .sms(id(), &Send::default(), later())
                    .is_err()
            );
        }
    }
}
