//! What the errors of Twilio's client mean for a login.

use crate::base::factor::{Error, ErrorKind, Progress};
use crate::client::twilio::{self as client, Cause};

/// Twilio's codes: five checks of a verification, the number of challenges, five codes of a
/// challenge, a challenge that was answered or has expired.
const CHECKS_SPENT: u32 = 60202;
pub(super) const CHALLENGES_SPENT: u32 = 60312;
const CODES_SPENT: u32 = 60308;
const ANSWERED: u32 = 60322;
const EXPIRED: u32 = 60323;

/// Whether a check says that the verification takes no more codes.
pub(super) fn has_ended(error: &client::Error) -> bool {
    matches!(error, client::Error::NotFound(_)) || error.code() == Some(CHECKS_SPENT)
}

/// The error for a code of a verification that takes no more codes: it is wrong by now.
pub(super) fn ended(error: &client::Error) -> Error {
    Error {
        code: error.code(),
        ..refused("the code that was sent is used, too old, or was tried five times")
    }
}

/// Whether an update did not check its code, so that a new challenge can.
pub(super) fn is_unchecked(error: &client::Error) -> bool {
    use client::Error as Client;
    match error {
        Client::KeyRefused(_) | Client::NotAllowed(_) | Client::NotFound(_) => true,
        Client::Refused(_) | Client::RateLimited(_) => {
            matches!(error.code(), Some(CODES_SPENT | ANSWERED | EXPIRED))
        }
        _ => false,
    }
}

/// The error for a code that is wrong.
pub(super) fn refused(why: &str) -> Error {
    Error {
        kind: ErrorKind::Refused,
        code: None,
        detail: why.to_owned(),
        progress: Progress::Answered,
    }
}

/// The error of a second question about a code: bytes of the first one have left this host.
pub(super) fn sent(error: Error) -> Error {
    let progress = match error.progress {
        Progress::NotSent => Progress::Answered,
        progress => progress,
    };
    Error { progress, ..error }
}

/// The error of a start, which `has_limits` of the service to count for: the service is what is not
/// found, and which error Twilio has for a limit that the service lacks is not documented.
pub(super) fn of_start(error: client::Error, has_limits: bool) -> Error {
    use client::Error as Client;
    let is_service = matches!(error, Client::NotFound(_));
    let may_be_limit = is_service || matches!(error, Client::Refused(_) | Client::NotAllowed(_));
    let mut error = Error::from(error);
    if is_service {
        error.kind = ErrorKind::ApplicationRefused;
    }
    if has_limits && may_be_limit {
        error.detail += "; does the service have the limits of twilio.rate_limits?";
    }
    error
}

impl From<client::Error> for Error {
    fn from(error: client::Error) -> Self {
        use client::Error as Client;
        let kind = match &error {
            Client::Refused(_) => ErrorKind::Refused,
            Client::PersonRefused(_) => ErrorKind::PersonRefused,
            Client::NotFound(_) => ErrorKind::PersonUnknown,
            Client::RateLimited(_) => ErrorKind::RateLimited,
            Client::KeyRefused(_) => ErrorKind::KeyRefused,
            Client::NotAllowed(_) => ErrorKind::ApplicationRefused,
            Client::Exists(_) | Client::Unexpected(_) => ErrorKind::Unexpected,
            Client::UntrustedServer(_) => ErrorKind::UntrustedServer,
            Client::ServerError(_) | Client::Unavailable(_) => ErrorKind::Unavailable,
            Client::Local(_) | Client::Invalid { .. } => ErrorKind::Configuration,
            Client::Process(_) => ErrorKind::Process,
        };
        let progress = match &error {
            Client::Unavailable(Cause::NoConnection(_))
            | Client::UntrustedServer(_)
            | Client::Local(_)
            | Client::Invalid { .. } => Progress::NotSent,
            // This host may have lacked something only when the answer was read. An answer that
            // makes no sense, or of a gateway, does not say that nothing was done.
            Client::Process(_)
            | Client::Unavailable(_)
            | Client::ServerError(_)
            | Client::Unexpected(_) => Progress::Unanswered,
            _ => Progress::Answered,
        };
        let wait = error
            .refusal()
            .and_then(|refusal| refusal.retry_after_seconds);
        Self {
            kind,
            code: error.code(),
            progress,
            detail: Self::detail_of(&error, wait),
        }
    }
}
