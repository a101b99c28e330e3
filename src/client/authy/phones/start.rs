//! How a verification is started: by SMS or call, in which language, with which code.
//!
//! Called by `phones`.

use serde_json::{Value, json};

use super::{Code, Phone};
use crate::client::authy::error::{Error, invalid};
use crate::client::authy::object;

/// How a code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Via {
    /// By text message.
    #[default]
    Sms,
    /// Read out in a call.
    Call,
}

/// The options for starting a verification.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StartOptions<'a> {
    /// How the code is sent.
    pub via: Via,
    /// The language of the message, such as `en` or `pt-BR`; the default is the country's.
    pub locale: Option<&'a str>,
    /// The number of digits of the code, 4 to 10.
    pub code_length: u8,
    /// A code chosen by the application, if the account is allowed to choose one.
    pub custom_code: Option<&'a Code>,
    /// A text chosen by the application, if the account is allowed to choose one.
    pub custom_message: Option<&'a str>,
}

impl Default for StartOptions<'_> {
    fn default() -> Self {
        Self {
            via: Via::Sms,
            locale: None,
            code_length: 4,
            custom_code: None,
            custom_message: None,
        }
    }
}

impl<'a> StartOptions<'a> {
    /// Sets [`StartOptions::via`].
    #[must_use]
    pub fn via(mut self, via: Via) -> Self {
        self.via = via;
        self
    }

    /// Sets [`StartOptions::locale`].
    #[must_use]
    pub fn locale(mut self, locale: impl Into<Option<&'a str>>) -> Self {
        self.locale = locale.into();
        self
    }

    /// Sets [`StartOptions::code_length`].
    #[must_use]
    pub fn code_length(mut self, code_length: u8) -> Self {
        self.code_length = code_length;
        self
    }

    /// Sets [`StartOptions::custom_code`].
    #[must_use]
    pub fn custom_code(mut self, custom_code: impl Into<Option<&'a Code>>) -> Self {
        self.custom_code = custom_code.into();
        self
    }

    /// Sets [`StartOptions::custom_message`].
    #[must_use]
    pub fn custom_message(mut self, custom_message: impl Into<Option<&'a str>>) -> Self {
        self.custom_message = custom_message.into();
        self
    }
}

impl StartOptions<'_> {
    /// Returns the body as JSON, after checking Authy's limits.
    pub(super) fn body(&self, phone: &Phone) -> Result<Value, Error> {
        if !(4..=10).contains(&self.code_length) {
            return Err(invalid("code_length", "must be 4 to 10"));
        }
        let via = match self.via {
            Via::Sms => "sms",
            Via::Call => "call",
        };
        let custom_code = self.custom_code.map(|code| json!(code.0.expose()));
        Ok(object([
            ("via", Some(json!(via))),
            ("country_code", Some(json!(phone.country_code.number()))),
            ("phone_number", Some(json!(phone.cellphone.digits()))),
            ("code_length", Some(json!(self.code_length))),
            ("locale", self.locale.map(|locale| json!(locale))),
            ("custom_code", custom_code),
            (
                "custom_message",
                self.custom_message.map(|text| json!(text)),
            ),
        ]))
    }
}
