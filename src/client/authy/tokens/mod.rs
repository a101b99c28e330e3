//! Verifies tokens, and sends them by SMS, call or e-mail.
//!
//! Source: Authy API, `GET /protected/json/verify/{token}/{authy_id}`, `GET
//! /protected/json/{sms,call}/{authy_id}` and `POST /protected/json/email/{authy_id}`. No request
//! is repeated: a token works only once, and sending one costs money.

use serde_json::json;

use super::types::{AuthyId, Token};
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::secret::Secret;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

/// Calls about tokens; created by [`Client::tokens`].
#[derive(Debug)]
pub struct Tokens<'a, T>(pub(super) &'a Client<T>);

/// The options of a verify.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct VerifyOptions<'a> {
    /// Whether to check the token even if the person has not finished the registration. Without it,
    /// Authy accepts any token for such a person.
    pub force: bool,
    /// The action for which the token was requested, if any.
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

/// The options for sending a token.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SendOptions<'a> {
    /// Whether to send it even if the person has the app.
    pub force: bool,
    /// The action to which the token is bound, 1 to 255 characters.
    pub action: Option<&'a str>,
    /// The description of the action for the person, 1 to 255 characters.
    pub action_message: Option<&'a str>,
    /// The language of the text, such as `en` or `pt-BR`.
    pub locale: Option<&'a str>,
}

impl<'a> VerifyOptions<'a> {
    /// Sets [`VerifyOptions::force`].
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Sets [`VerifyOptions::action`].
    #[must_use]
    pub fn action(mut self, action: impl Into<Option<&'a str>>) -> Self {
        self.action = action.into();
        self
    }
}

impl<'a> SendOptions<'a> {
    /// Sets [`SendOptions::force`].
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Sets [`SendOptions::action`].
    #[must_use]
    pub fn action(mut self, action: impl Into<Option<&'a str>>) -> Self {
        self.action = action.into();
        self
    }

    /// Sets [`SendOptions::action_message`].
    #[must_use]
    pub fn action_message(mut self, action_message: impl Into<Option<&'a str>>) -> Self {
        self.action_message = action_message.into();
        self
    }

    /// Sets [`SendOptions::locale`].
    #[must_use]
    pub fn locale(mut self, locale: impl Into<Option<&'a str>>) -> Self {
        self.locale = locale.into();
        self
    }
}

/// The answer to a request to send a token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// Whether nothing was sent because the person has the app.
    pub ignored: bool,
    /// The masked number, such as `+351-XXX-XXX-XX67`.
    pub cellphone: Option<String>,
    /// The kind of device with the app, if the request was ignored.
    pub device: Option<String>,
    /// Authy's text.
    pub message: String,
}

impl<T: Transport> Tokens<'_, T> {
    /// Asks Authy whether `token` is valid for `id`. Blocks for the time-out or until `deadline`.
    ///
    #[doc = concat!("```\n", include_str!("../examples/tokens.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::Refused`] if the token is wrong or was used before, [`Error::Unexpected`] if the
    /// answer names another person, or another [`Error`]. Authy's answers usually name none.
    pub fn verify(
        &self,
        id: AuthyId,
        token: &Token,
        options: &VerifyOptions<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        check_action("action", options.action)?;
        let mut query = Vec::new();
        if options.force {
            query.push(("force", "true"));
        }
        query.extend(options.action.map(|action| ("action", action)));
        let path = format!("/protected/json/verify/{}/{id}", token.digits());
        let path = Secret::new(path);
        self.0
            .get(path.expose(), &query, deadline)?
            .about(id)?
            .require_valid_token()
    }

    /// Makes Authy send a token to `id` by SMS. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`]. If Authy finds the SMS unnecessary, the result is [`Delivery::ignored`], not
    /// an error.
    pub fn sms(
        &self,
        id: AuthyId,
        options: &SendOptions<'_>,
        deadline: Deadline,
    ) -> Result<Delivery, Error> {
        self.send("sms", id, options, deadline)
    }

    /// Makes Authy call `id` and read out a token. Blocks for the time-out or until `deadline`, but
    /// not for the duration of the call.
    ///
    /// # Errors
    /// See [`Error`]. If Authy finds the call unnecessary, the result is [`Delivery::ignored`], not
    /// an error.
    pub fn call(
        &self,
        id: AuthyId,
        options: &SendOptions<'_>,
        deadline: Deadline,
    ) -> Result<Delivery, Error> {
        self.send("call", id, options, deadline)
    }

    /// Makes Authy send a token to the e-mail address of `id`, and returns the address from Authy's
    /// answer. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn email(&self, id: AuthyId, deadline: Deadline) -> Result<Option<String>, Error> {
        let path = format!("/protected/json/email/{id}");
        let reply = self
            .0
            .post(&path, &json!({}), deadline)?
            .about(id)?
            .require_success()?;
        Ok(reply.text("email"))
    }

    fn send(
        &self,
        channel: &str,
        id: AuthyId,
        options: &SendOptions<'_>,
        deadline: Deadline,
    ) -> Result<Delivery, Error> {
        let path = format!("/protected/json/{channel}/{id}");
        let reply = self
            .0
            .get(&path, &options.query()?, deadline)?
            .about(id)?
            .require_success()?;
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

/// Checks that a text has 1 to 255 characters, since Authy refuses any other action.
fn check_action(argument: &'static str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if !(1..=255).contains(&text.chars().count()) => {
            Err(invalid(argument, "must be 1 to 255 characters"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
