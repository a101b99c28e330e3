//! Why a call of Authy's API gave no good answer, in classes that a caller can act on.
//!
//! The number in Authy's answer decides before the HTTP status does, since the service answers 401
//! and 503 for several unlike things. Codes: Authy's error table (docs/authy/return-and-error-codes)
//! and the enum of its Java client.

use std::collections::BTreeMap;

use crate::client::http::{self, Cause};

/// Why Authy gave no good answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Authy answered, and the answer is no: a wrong token, a field it does not like.
    #[error("refused by Authy: {0}")]
    Refused(Refusal),
    /// Authy does not let this person use the service: suspended, blocked, being deleted.
    #[error("refused by Authy for this person: {0}")]
    PersonRefused(Refusal),
    /// The API key is refused.
    #[error("the API key is refused: {0}")]
    KeyRefused(Refusal),
    /// The application or the account may not do this.
    #[error("not allowed for this application: {0}")]
    NotAllowed(Refusal),
    /// Authy knows no such person, request or verification.
    #[error("not found: {0}")]
    NotFound(Refusal),
    /// Too many requests.
    #[error("too many requests: {0}")]
    RateLimited(Refusal),
    /// The server could not prove that it is Authy: wrong CA, name or date. Nothing was sent.
    #[error("the server could not prove its identity: {0}")]
    UntrustedServer(String),
    /// No usable answer in time.
    #[error("Authy could not be asked: {0}")]
    Unavailable(Cause),
    /// Our own process has no descriptor, memory or thread left for a request.
    #[error("this process cannot make a request: {0}")]
    Process(String),
    /// Found wrong before anything was sent: a CA file, a URL.
    #[error("{0}")]
    Local(String),
    /// An argument that Authy would not take; nothing was sent.
    #[error("{argument}: {message}")]
    Invalid {
        /// The argument's name in Authy's API.
        argument: &'static str,
        /// What it has to be.
        message: String,
    },
}

impl Error {
    /// Whether Authy could not be asked, as opposed to having answered.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Authy's answer, where there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal)
            | Self::PersonRefused(refusal)
            | Self::KeyRefused(refusal)
            | Self::NotAllowed(refusal)
            | Self::NotFound(refusal)
            | Self::RateLimited(refusal) => Some(refusal),
            Self::UntrustedServer(_)
            | Self::Unavailable(_)
            | Self::Process(_)
            | Self::Local(_)
            | Self::Invalid { .. } => None,
        }
    }
}

/// An argument that is refused before anything is sent.
pub(crate) fn invalid(argument: &'static str, message: impl Into<String>) -> Error {
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

/// An answer of Authy's that is no.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Authy's error code, such as 60020; unknown ones are kept.
    pub code: Option<u32>,
    /// Authy's text, made safe to show.
    pub message: String,
    /// Field errors by name, made safe to show: `cellphone` → `is invalid`.
    pub fields: BTreeMap<String, String>,
    /// Seconds after which to try again (`Retry-After`), where the service says so.
    pub retry_after_seconds: Option<u64>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match self.code {
            Some(code) => write!(f, " (code {code})"),
            None => write!(f, " (HTTP {})", self.status),
        }
    }
}

/// Sorts an answer of Authy's that is no into a class.
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

/// Older answers carry no code: then the text says whose fault it is.
fn class_of_message(refusal: &Refusal) -> Class {
    let message = refusal.message.to_ascii_lowercase();
    let says = |part: &str| message.contains(part);
    if message.starts_with("invalid api key") || message.starts_with("invalid key") {
        Class::Key
    } else if says("user has been suspended")
        || says("user is suspended")
        || says("user has been disabled")
        || says("user is disabled")
        || says("account disabled")
        || says("user has been blocked")
        || says("pending deletion")
        || says("to be deleted")
        || says("was deleted")
    {
        Class::Person
    } else if says("user not found") || says("user doesn't exist") {
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
        // 200 with `success` denied is a no as well.
        200 | 400..=499 => Error::Refused(refusal),
        500..=599 => Error::Unavailable(Cause::ServerError(refusal.status)),
        status => Error::Unavailable(Cause::Malformed(format!("HTTP {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: Option<u32>, message: &str) -> Refusal {
        Refusal {
            status,
            code,
            message: message.into(),
            ..Refusal::default()
        }
    }

    #[test]
    fn the_code_decides_before_the_status_does() {
        assert!(matches!(
            classify(refusal(401, Some(60001), "")),
            Error::KeyRefused(_)
        ));
        assert!(matches!(
            classify(refusal(401, Some(60020), "")),
            Error::Refused(_)
        ));
        assert!(matches!(
            classify(refusal(503, Some(60017), "")),
            Error::PersonRefused(_)
        ));
        assert!(matches!(
            classify(refusal(503, Some(60060), "")),
            Error::NotAllowed(_)
        ));
        assert!(matches!(
            classify(refusal(404, Some(60026), "")),
            Error::NotFound(_)
        ));
    }

    #[test]
    fn a_suspended_person_without_a_code_is_told_from_an_outage_by_the_text() {
        let error = classify(refusal(503, None, "User has been suspended."));
        assert!(matches!(error, Error::PersonRefused(_)));
        let error = classify(refusal(503, None, "Service unavailable"));
        assert!(error.is_unavailable());
    }

    #[test]
    fn a_bad_key_without_a_code_is_no_wrong_token() {
        assert!(matches!(
            classify(refusal(401, None, "Invalid API key.")),
            Error::KeyRefused(_)
        ));
        assert!(matches!(
            classify(refusal(401, None, "Token is invalid")),
            Error::Refused(_)
        ));
    }

    #[test]
    fn an_unknown_code_keeps_its_number_and_goes_by_the_status() {
        let error = classify(refusal(400, Some(69999), "?"));
        assert_eq!(error.refusal().and_then(|r| r.code), Some(69999));
        assert!(classify(refusal(500, Some(69999), "?")).is_unavailable());
    }

    #[test]
    fn everything_that_is_403_or_429_is_never_an_outage() {
        for body in ["", "Token is invalid", "nonsense"] {
            assert!(matches!(
                classify(refusal(403, None, body)),
                Error::NotAllowed(_)
            ));
            assert!(matches!(
                classify(refusal(429, None, body)),
                Error::RateLimited(_)
            ));
        }
    }

    fn class(code: u32) -> Option<&'static str> {
        match class_of_code(code) {
            Class::Refused => Some("Refused"),
            Class::Person => Some("PersonRefused"),
            Class::Key => Some("KeyRefused"),
            Class::Application => Some("NotAllowed"),
            Class::NotFound => Some("NotFound"),
            Class::RateLimited => Some("RateLimited"),
            Class::ByStatus => None,
        }
    }

    #[test]
    fn the_documented_classes_of_codes_are_the_ones_in_use() {
        let page = include_str!("../../../docs/api.md");
        let mut documented = BTreeMap::new();
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let numbers = cells[2].split(", ").filter(|part| part.starts_with("60"));
            for part in numbers {
                let (first, last) = part.split_once('–').unwrap_or((part, part));
                for code in first.parse::<u32>().unwrap()..=last.parse().unwrap() {
                    documented.insert(code, cells[1].trim_matches('`'));
                }
            }
        }
        assert!(documented.len() > 70, "{documented:?}");
        for code in 60_000..60_200 {
            assert_eq!(class(code), documented.get(&code).copied(), "{code}");
        }
    }
}
