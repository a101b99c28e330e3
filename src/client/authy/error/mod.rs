//! The errors of the Authy client, in classes that a caller can act on.
//!
//! Authy's error code takes precedence over the HTTP status, because the service answers 401 and
//! 503 for unrelated errors. The sources of the codes are Authy's error table
//! (docs/authy/return-and-error-codes) and the enum of its Java client. Called by `reply`.

use std::collections::BTreeMap;

use crate::base::text;
use crate::client::http::{self, Cause};

/// Why a call failed. The text of an error has status, code and text of Authy's answer, where there
/// is one, with phone numbers masked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Authy refused the request: a wrong token, an invalid field.
    #[error("refused by Authy: {0}")]
    Refused(Refusal),
    /// Authy refuses this person, who is suspended, blocked or being deleted.
    #[error("refused by Authy for this person: {0}")]
    PersonRefused(Refusal),
    /// Authy refused the API key.
    #[error("the API key is refused: {0}")]
    KeyRefused(Refusal),
    /// The application or the account is not allowed to do this.
    #[error("not allowed for this application: {0}")]
    NotAllowed(Refusal),
    /// Authy does not know the person, request or verification.
    #[error("not found: {0}")]
    NotFound(Refusal),
    /// Authy received too many requests.
    #[error("too many requests: {0}")]
    RateLimited(Refusal),
    /// Authy failed: HTTP 5xx.
    #[error("Authy is unavailable: {0}")]
    ServerError(Refusal),
    /// Authy answered neither yes nor with a refusal that this version knows. The message says what
    /// was wrong.
    #[error("unexpected answer of Authy: {0}")]
    Unexpected(Refusal),
    /// The server could not prove that it is Authy: wrong CA, name or date. Nothing was sent.
    #[error("the server could not prove its identity: {0}")]
    UntrustedServer(String),
    /// No usable answer arrived in time.
    #[error("Authy is unavailable: {0}")]
    Unavailable(Cause),
    /// This host has no descriptor, memory, thread, port or permission for a request.
    #[error("this process cannot make a request: {0}")]
    Process(String),
    /// The configuration is wrong: a CA file, a proxy. Nothing was sent.
    #[error("{0}")]
    Local(String),
    /// An argument that Authy would refuse. Nothing was sent.
    #[error("{argument}: {message}")]
    Invalid {
        /// The argument's name in Authy's API.
        argument: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    /// Whether no usable answer of Authy arrived.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::ServerError(_))
    }

    /// Returns Authy's answer, if there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal)
            | Self::PersonRefused(refusal)
            | Self::KeyRefused(refusal)
            | Self::NotAllowed(refusal)
            | Self::NotFound(refusal)
            | Self::RateLimited(refusal)
            | Self::ServerError(refusal)
            | Self::Unexpected(refusal) => Some(refusal),
            Self::UntrustedServer(_)
            | Self::Unavailable(_)
            | Self::Process(_)
            | Self::Local(_)
            | Self::Invalid { .. } => None,
        }
    }

    /// Returns the HTTP status of Authy's answer, if there is an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unavailable(Cause::Unreadable { status, .. }) => Some(*status),
            _ => self.refusal().map(|refusal| refusal.status),
        }
    }

    /// Returns Authy's error code, if there is one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        self.refusal().and_then(|refusal| refusal.code)
    }
}

/// Returns the error of an argument that is refused before anything is sent.
pub(crate) fn invalid(argument: &'static str, message: impl Into<String>) -> Error {
    Error::Invalid {
        argument,
        message: message.into(),
    }
}

/// Returns the error of an answer that cannot be read: no answer, which may count as an outage.
pub(crate) fn unreadable(status: u16, why: &'static str) -> Error {
    Error::Unavailable(Cause::Unreadable { status, why })
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

/// An answer of Authy that reports a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Authy's error code, such as 60020, even if this version does not know it.
    pub code: Option<u32>,
    /// Authy's text, made safe to show; empty if the answer has no text.
    pub message: String,
    /// Field errors by name, made safe to show: `cellphone` → `is invalid`.
    pub fields: BTreeMap<String, String>,
    /// The seconds after which to try again, if the service sent `Retry-After`.
    pub retry_after_seconds: Option<u64>,
}

impl std::fmt::Display for Refusal {
    /// Shows the text with phone numbers masked, the fields, status and code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields = self
            .fields
            .iter()
            .map(|(name, why)| format!("{name}: {why}"));
        let others = fields.filter(|field| *field != self.message);
        let texts: Vec<_> = [self.message.clone()].into_iter().chain(others).collect();
        let text = texts.join("; ");
        let text = text::sanitize_to(text.trim_start_matches("; "), 2 * text::SHOWN);
        let text = text::mask_numbers(&text);
        let status = match self.code {
            Some(code) => format!("HTTP {}, code {code}", self.status),
            None => format!("HTTP {}", self.status),
        };
        match text.as_str() {
            "" => f.write_str(&status),
            text => write!(f, "{text} ({status})"),
        }
    }
}

/// Returns the error for an answer that reports a failure.
#[must_use]
pub(crate) fn classify(refusal: Refusal) -> Error {
    match refusal
        .code
        .map_or_else(|| class_of_message(&refusal), class_of_code)
    {
        Class::Refused => Error::Refused(refusal),
        Class::Person => Error::PersonRefused(refusal),
        Class::Key => Error::KeyRefused(refusal),
        Class::Application => Error::NotAllowed(refusal),
        Class::NotFound => Error::NotFound(refusal),
        Class::RateLimited => Error::RateLimited(refusal),
        Class::ByStatus => class_by_status(refusal),
    }
}

enum Class {
    Refused,
    Person,
    Key,
    Application,
    NotFound,
    RateLimited,
    ByStatus,
}

fn class_of_code(code: u32) -> Class {
    match code {
        60001 | 60047 => Class::Key,
        60003 | 60009..=60012 | 60120 => Class::RateLimited,
        60016 | 60023 | 60026 | 60035 | 60049 | 60058 | 60071 | 60092 | 60117 => Class::NotFound,
        60017 | 60018 | 60068 | 60097 | 60106 | 60107 | 60127 | 60128 | 60130 => Class::Person,
        60006..=60008
        | 60013
        | 60021
        | 60031
        | 60056
        | 60057
        | 60060
        | 60061
        | 60063..=60066
        | 60069
        | 60070
        | 60072..=60075
        | 60078
        | 60082
        | 60083
        | 60091
        | 60123..=60125
        | 60132
        | 60154 => Class::Application,
        60002
        | 60004
        | 60005
        | 60019
        | 60020
        | 60022
        | 60027..=60030
        | 60032..=60034
        | 60036..=60038
        | 60042
        | 60046
        | 60050
        | 60051
        | 60059
        | 60079
        | 60080
        | 60115
        | 60118 => Class::Refused,
        _ => Class::ByStatus,
    }
}

/// Returns the class of an older answer, which has no code, by its text.
fn class_of_message(refusal: &Refusal) -> Class {
    let message = refusal.message.to_ascii_lowercase();
    let contains = |part: &str| message.contains(part);
    if message.starts_with("invalid api key") || message.starts_with("invalid key") {
        Class::Key
    } else if contains("user has been suspended")
        || contains("user is suspended")
        || contains("user has been disabled")
        || contains("user is disabled")
        || contains("account disabled")
        || contains("user has been blocked")
        || contains("pending deletion")
        || contains("to be deleted")
        || contains("was deleted")
    {
        Class::Person
    } else if contains("user not found") || contains("user doesn't exist") {
        Class::NotFound
    } else {
        Class::ByStatus
    }
}

fn class_by_status(refusal: Refusal) -> Error {
    match refusal.status {
        403 => Error::NotAllowed(refusal),
        404 => Error::NotFound(refusal),
        429 => Error::RateLimited(refusal),
        // An answer with HTTP 200 and without success is a refusal too.
        200 | 400..=499 => Error::Refused(refusal),
        500..=599 => Error::ServerError(refusal),
        status => unreadable(status, "no answer of Authy's API"),
    }
}

#[cfg(test)]
mod tests;
