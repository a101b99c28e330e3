//! What an administrator reads when a request to Twilio failed.

use pam_authy::base::factor;
use pam_authy::base::text;
use pam_authy::client::twilio::Error;
use pam_authy::store::config::Provider;

use crate::error::{CommandError, ErrorKind, of_request};

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Refused(_)
            | Error::PersonRefused(_)
            | Error::KeyRefused(_)
            | Error::NotAllowed(_)
            | Error::NotFound(_)
            | Error::RateLimited(_)
            | Error::Exists(_) => ErrorKind::Refused,
            Error::Invalid { .. } => ErrorKind::Usage,
            Error::Process(_) | Error::Local(_) => ErrorKind::Local,
            _ => ErrorKind::Unavailable,
        };
        let shown = Self::new(kind, of_request(&error));
        let shown = match kind {
            ErrorKind::Unavailable => shown.unreached(Provider::Twilio),
            _ => shown,
        };
        let shown = match error.refusal() {
            Some(refusal) => shown
                .answered(refusal.status, refusal.code)
                .retry_after(refusal.retry_after_seconds),
            None => shown,
        };
        match hint(&error) {
            Some(hint) => shown.hint(hint),
            None => shown,
        }
    }
}

/// Returns what can be done about it.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::KeyRefused(refusal) if refusal.code == Some(70051) => {
            "use a key with the administrator's permissions: --config FILE names another config.toml"
        }
        Error::NotFound(_) => {
            "check twilio.service, which the service or person of this request is not in"
        }
        Error::KeyRefused(_) => "check twilio.key_sid and its secret",
        Error::UntrustedServer(_) => "check twilio.url, twilio.ca_file and this host's clock",
        Error::Unavailable(_) | Error::ServerError(_) | Error::Unexpected(_) => {
            "authyctl doctor checks the connection to the service"
        }
        _ => return None,
    })
}

/// The failure of a person's factor, as a login meets it.
pub(super) fn of_factor(error: factor::Error) -> CommandError {
    use factor::ErrorKind as Kind;
    let kind = match error.kind {
        Kind::Refused
        | Kind::Paused
        | Kind::PersonRefused
        | Kind::PersonUnknown
        | Kind::RateLimited
        | Kind::KeyRefused
        | Kind::ApplicationRefused => ErrorKind::Refused,
        Kind::Unexpected | Kind::UntrustedServer | Kind::Unavailable => ErrorKind::Unavailable,
        Kind::Configuration | Kind::Process | Kind::State => ErrorKind::Local,
    };
    // Without a status: it is of one of several answers.
    CommandError::new(kind, text::sanitize_to(&error.detail, 500)).answered(0, error.code)
}
