//! Tokens: is this one right, and send one by SMS, call or e-mail.
//!
//! Source: Authy API, `GET /protected/json/verify/{token}/{authy_id}`,
//! `GET /protected/json/{sms,call}/{authy_id}` and `POST /protected/json/email/{authy_id}`. A verify is
//! never repeated: a token works once. Sending isn't either: it costs money.

use serde_json::json;

use super::types::{AuthyId, Token};
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

/// Questions about tokens; made by [`Client::tokens`].
#[derive(Debug)]
pub struct Tokens<'a, T>(pub(super) &'a Client<T>);

/// How to verify.
#[derive(Debug, Clone, Copy)]
pub struct VerifyOptions<'a> {
    /// Check the token even when the person has not finished registration; without it Authy lets
    /// such a person pass with any token.
    pub force: bool,
    /// The action that the token was requested for, where one was named.
    pub action: Option<&'a str>,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self {
            force: true,
            action: None,
        }
    }
}

/// How to send a token.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions<'a> {
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
    #[doc = concat!("```\n", include_str!("examples/tokens.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::Refused`] when the token is wrong or was used; otherwise as [`Error`] says.
    pub fn verify(
        &self,
        id: AuthyId,
        token: &Token,
        how: &VerifyOptions<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let path = format!("/protected/json/verify/{}/{id}", token.digits());
        check_action("action", how.action)?;
        let mut query = Vec::new();
        if how.force {
            query.push(("force", "true"));
        }
        query.extend(how.action.map(|action| ("action", action)));
        let path = crate::base::secret::Secret::new(path);
        self.0
            .get(path.expose(), &query, deadline)?
            .token_is_valid()
    }

    /// Has Authy send a token to `id` by SMS. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// As [`Error`] says; an SMS that Authy finds unnecessary is no error but [`Delivery::ignored`].
    pub fn sms(
        &self,
        id: AuthyId,
        how: &SendOptions<'_>,
        deadline: Deadline,
    ) -> Result<Delivery, Error> {
        self.send("sms", id, how, deadline)
    }

    /// Has Authy call `id` and say a token. Blocks for the time-out or until `deadline`, not for the
    /// call itself.
    ///
    /// # Errors
    /// As [`Error`] says; a call that Authy finds unnecessary is no error but [`Delivery::ignored`].
    pub fn call(
        &self,
        id: AuthyId,
        how: &SendOptions<'_>,
        deadline: Deadline,
    ) -> Result<Delivery, Error> {
        self.send("call", id, how, deadline)
    }

    /// Has Authy send a token to the e-mail address of `id`; gives back the address that Authy names.
    /// Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn email(&self, id: AuthyId, deadline: Deadline) -> Result<Option<String>, Error> {
        let path = format!("/protected/json/email/{id}");
        let reply = self.0.post(&path, &json!({}), deadline)?.succeeded()?;
        Ok(reply.text("email"))
    }

    fn send(
        &self,
        way: &str,
        id: AuthyId,
        how: &SendOptions<'_>,
        deadline: Deadline,
    ) -> Result<Delivery, Error> {
        let path = format!("/protected/json/{way}/{id}");
        let reply = self.0.get(&path, &how.query()?, deadline)?.succeeded()?;
        Ok(Delivery {
            ignored: reply.flag("ignored"),
            cellphone: reply.text("cellphone"),
            device: reply.text("device"),
            message: reply.text("message").unwrap_or_default(),
        })
    }
}

impl<'a> SendOptions<'a> {
    fn query(&self) -> Result<Vec<(&'static str, &'a str)>, Error> {
        check_action("action", self.action)?;
        check_action("action_message", self.action_message)?;
        let force = self.force.then_some("true");
        let pairs = [
            ("force", force),
            ("action", self.action),
            ("action_message", self.action_message),
            ("locale", self.locale),
        ];
        Ok(pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect())
    }
}

/// Authy takes actions of 1 to 255 characters.
fn check_action(argument: &'static str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if !(1..=255).contains(&text.chars().count()) => {
            Err(invalid(argument, "is 1 to 255 characters"))
        }
        _ => Ok(()),
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
            .verify(id(), &token, &VerifyOptions::default(), later())
            .unwrap();
        let how = VerifyOptions {
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
            .verify(id(), &token, &VerifyOptions::default(), later());
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
                .sms(id(), &SendOptions::default(), later())
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
                    .sms(id(), &SendOptions::default(), later())
                    .is_err()
            );
        }
    }

    #[test]
    fn a_call_is_asked_for_with_all_that_was_said() {
        let started =
            r#"{"success":true,"message":"Call started...","cellphone":"+1-XXX-XXX-XX99"}"#;
        let client = client(&[(200, started)]);
        let how = SendOptions {
            force: true,
            action: Some("pay"),
            action_message: Some("Pay 5 €"),
            locale: Some("pt-BR"),
        };
        client.tokens().call(id(), &how, later()).unwrap();
        assert_eq!(
            client.asked(),
            [
                "Get https://authy.test/protected/json/call/1635?force=true&action=pay\
                 &action_message=Pay%205%20%E2%82%AC&locale=pt-BR"
            ]
        );
    }

    #[test]
    fn an_action_that_authy_would_not_take_is_not_sent() {
        let client = client(&[]);
        let long = "x".repeat(256);
        for action in ["", long.as_str()] {
            let how = SendOptions {
                action: Some(action),
                ..SendOptions::default()
            };
            let error = client.tokens().sms(id(), &how, later()).unwrap_err();
            assert_eq!(error.to_string(), "action: is 1 to 255 characters");
        }
    }

    #[test]
    fn an_e_mail_token_is_posted_for() {
        let sent = r#"{"success":true,"message":"Email token was sent","email":"a@b.test"}"#;
        let client = client(&[(200, sent)]);
        let email = client.tokens().email(id(), later()).unwrap();
        assert_eq!(email.as_deref(), Some("a@b.test"));
        assert_eq!(
            client.asked(),
            ["Post https://authy.test/protected/json/email/1635 {}"]
        );
    }
}
