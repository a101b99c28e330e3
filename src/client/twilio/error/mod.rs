//! The errors of the Twilio client, in classes that a caller can act on.
//!
//! The HTTP status decides first and Twilio's code second, since a proxy answers without a code.
//! Source of the codes: Twilio's error dictionary (docs/api/errors). Called by `reply`.

use crate::base::text;
use crate::client::http::{self, Cause};

/// Why a call failed. The text of an error has status, code and text of Twilio's answer, where there
/// is one, with phone numbers masked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Twilio refused the request: a wrong code, an invalid value.
    #[error("refused by Twilio: {0}")]
    Refused(Refusal),
    /// Twilio refuses this person or number: a factor that was never verified, a landline, a number
    /// or country that is blocked.
    #[error("refused by Twilio for this person: {0}")]
    PersonRefused(Refusal),
    /// Twilio refused the key: wrong, deleted, suspended, or without the permission.
    #[error("the key is refused: {0}")]
    KeyRefused(Refusal),
    /// The account or service is not set up for this.
    #[error("not allowed for this account or service: {0}")]
    NotAllowed(Refusal),
    /// Twilio does not know the resource. A verification that was approved, cancelled or expired is
    /// not known either.
    #[error("not found: {0}")]
    NotFound(Refusal),
    /// Twilio received too many requests, or too many of this kind for the person.
    #[error("too many requests: {0}")]
    RateLimited(Refusal),
    /// There is such a resource already.
    #[error("it exists already: {0}")]
    Exists(Refusal),
    /// Twilio failed: HTTP 5xx.
    #[error("Twilio is unavailable: {0}")]
    ServerError(Refusal),
    /// Twilio answered neither yes nor with a refusal that this version knows. The message says what
    /// was wrong.
    #[error("unexpected answer of Twilio: {0}")]
    Unexpected(Refusal),
    /// The server could not prove that it is Twilio: wrong CA, name or date. Nothing was sent.
    #[error("the server could not prove its identity: {0}")]
    UntrustedServer(String),
    /// No usable answer arrived in time.
    #[error("Twilio is unavailable: {0}")]
    Unavailable(Cause),
    /// This host has no descriptor, memory, thread, port or permission for a request.
    #[error("this process cannot make a request: {0}")]
    Process(String),
    /// The configuration is wrong: a CA file, a proxy. Nothing was sent.
    #[error("{0}")]
    Local(String),
    /// An argument that Twilio would refuse. Nothing was sent.
    #[error("{argument}: {message}")]
    Invalid {
        /// The argument's name in Twilio's API.
        argument: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    /// Whether no usable answer of Twilio arrived.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::ServerError(_))
    }

    /// Returns Twilio's answer, if there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal)
            | Self::PersonRefused(refusal)
            | Self::KeyRefused(refusal)
            | Self::NotAllowed(refusal)
            | Self::NotFound(refusal)
            | Self::RateLimited(refusal)
            | Self::Exists(refusal)
            | Self::ServerError(refusal)
            | Self::Unexpected(refusal) => Some(refusal),
            Self::UntrustedServer(_)
            | Self::Unavailable(_)
            | Self::Process(_)
            | Self::Local(_)
            | Self::Invalid { .. } => None,
        }
    }

    /// Returns the HTTP status of Twilio's answer, if there is an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unavailable(Cause::Unreadable { status, .. }) => Some(*status),
            _ => self.refusal().map(|refusal| refusal.status),
        }
    }

    /// Returns Twilio's error code, if there is one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        self.refusal().and_then(|refusal| refusal.code)
    }
}

/// Returns the error of an argument that is refused before anything is sent.
pub(super) fn invalid(argument: &'static str, message: impl Into<String>) -> Error {
    Error::Invalid {
        argument,
        message: message.into(),
    }
}

impl From<http::Error> for Error {
    fn from(error: http::Error) -> Self {
        match error {
            http::Error::UntrustedServer(why) => Self::UntrustedServer(why),
            http::Error::Unavailable(cause) => Self::Unavailable(cause),
            http::Error::Process(why) => Self::Process(why),
            http::Error::Local(why) => Self::Local(why),
        }
    }
}

/// An answer of Twilio that reports a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Twilio's error code, such as 60200, even if this version does not know it.
    pub code: Option<u32>,
    /// Twilio's text, made safe to show to an administrator; it may contain a phone number.
    pub message: String,
    /// The seconds after which to try again, if the service sent `Retry-After`.
    pub retry_after_seconds: Option<u64>,
}

impl std::fmt::Display for Refusal {
    /// Shows what the code means, Twilio's text with phone numbers masked, status and code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = text::mask_numbers(&self.message);
        let status = match self.code {
            Some(code) => format!("HTTP {}, code {code}", self.status),
            None => format!("HTTP {}", self.status),
        };
        match (explain(self.code.unwrap_or_default()), text.as_str()) {
            (Some(why), "") => write!(f, "{why} ({status})"),
            (Some(why), text) => write!(f, "{why} ({status}: {text})"),
            (None, "") => f.write_str(&status),
            (None, text) => write!(f, "{text} ({status})"),
        }
    }
}

/// Returns the error for an answer with HTTP 4xx or 5xx.
#[must_use]
pub(super) fn classify(refusal: Refusal) -> Error {
    match refusal.status {
        401 => Error::KeyRefused(refusal),
        403 if is_about_key(refusal.code) => Error::KeyRefused(refusal),
        404 => Error::NotFound(refusal),
        409 => Error::Exists(refusal),
        429 => Error::RateLimited(refusal),
        500..=599 => Error::ServerError(refusal),
        _ => classify_by_code(refusal),
    }
}

/// The codes of a key that is wrong, for tests only, of a closed account, or restricted.
fn is_about_key(code: Option<u32>) -> bool {
    matches!(code, Some(20003 | 20008 | 20403 | 70051))
}

/// For statuses that say little, above all 400 and 403, and codes whose status is not documented.
fn classify_by_code(refusal: Refusal) -> Error {
    match refusal.code.unwrap_or_default() {
        20003 | 20008 | 20403 | 70051 => Error::KeyRefused(refusal),
        20404 | 60390..=60392 | 60425 | 60431 => Error::NotFound(refusal),
        20429
        | 60202
        | 60203
        | 60212
        | 60308..=60310
        | 60312
        | 60326
        | 60328
        | 60624
        | 60626
        | 60728 => Error::RateLimited(refusal),
        60301 | 60304 | 60317 => Error::Exists(refusal),
        60205 | 60238 | 60318 | 60410 | 60412 | 60413 | 60605 => Error::PersonRefused(refusal),
        60001 | 60204 | 60206 | 60214 | 60217 | 60220 | 60223 | 60226 | 60250 | 60302 | 60313
        | 60315 | 68008 | 575_001 | 21608 => Error::NotAllowed(refusal),
        60200 | 60221 | 60300 | 60306 | 60311 | 60322..=60324 => Error::Refused(refusal),
        _ if refusal.status == 403 => Error::NotAllowed(refusal),
        _ => Error::Refused(refusal),
    }
}

/// What a code means, for the log.
fn explain(code: u32) -> Option<&'static str> {
    Some(match code {
        20003 => "key SID or secret is wrong",
        20008 => "test credentials do not work with Verify",
        20403 => "the account is suspended or closed",
        20404 => "no such resource, or it has ended",
        20429 => "too many requests at once",
        21608 => "a trial account sends to verified numbers only",
        60001 | 575_001 => "the account is not set up for Verify",
        60200 | 60300 | 60306 => "a value is not accepted",
        60202 => "five checks of this code were made",
        60203 => "five codes were sent within ten minutes",
        60205 => "a landline takes no SMS",
        60212 => "too many codes to this number at once",
        60223 => "this channel is off for the service",
        60238 => "Twilio blocks the number or the account",
        60308 => "five codes were tried on this challenge",
        60310 => "five codes were tried on this factor",
        60312 => "50 challenges in an hour or 100 in a day",
        60311 | 60324 => "the code is wrong",
        60318 => "the factor was never verified",
        60322 => "the challenge was answered",
        60323 => "the challenge has expired",
        60390 => "no such factor",
        60391 => "no such challenge",
        60392 => "no such entity",
        60410 => "Fraud Guard blocks the number",
        60605 => "the country is blocked for the account",
        70051 => "the key lacks the permission",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
