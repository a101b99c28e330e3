//! What a command says of an error of the library: of a provider that was asked, of a file, or of the
//! state folder.

use std::fmt::Display;

use pam_authy::base::text;
use pam_authy::client::authy as client;
use pam_authy::store::config::{self, Provider};
use pam_authy::store::recovery;
use pam_authy::store::state;
use pam_authy::store::totp;
use pam_authy::store::users;

use super::{Answer, CommandError, ErrorKind};

impl From<client::Error> for CommandError {
    fn from(error: client::Error) -> Self {
        use client::Error as Client;
        let kind = match &error {
            Client::Refused(_)
            | Client::PersonRefused(_)
            | Client::KeyRefused(_)
            | Client::NotAllowed(_)
            | Client::NotFound(_)
            | Client::RateLimited(_) => ErrorKind::Refused,
            Client::Invalid { .. } => ErrorKind::Usage,
            Client::Process(_) | Client::Local(_) => ErrorKind::Local,
            _ => ErrorKind::Unavailable,
        };
        let answer = error.status().map(|status| {
            let refusal = error.refusal();
            Box::new(Answer {
                status,
                code: error.code(),
                retry_after_seconds: refusal.and_then(|refusal| refusal.retry_after_seconds),
                fields: refusal
                    .map(|refusal| refusal.fields.clone())
                    .unwrap_or_default(),
            })
        });
        Self {
            answer,
            hint: advice(&error),
            unreached: (kind == ErrorKind::Unavailable).then_some(Provider::Authy),
            ..Self::new(kind, of_request(&error))
        }
    }
}

/// Returns the text of a failed request: cleaned, and without what only this library would
/// understand.
pub(crate) fn of_request(error: impl Display) -> String {
    text::sanitize_to(&error.to_string(), 500).replace(": io: ", ": ")
}

/// Returns a message without the number of a system error, whose text it has, and without the name
/// of a temporary file of ours.
pub(crate) fn without_numbers(message: &str) -> String {
    let Some((before, rest)) = message.split_once(" (os error ") else {
        return message.to_owned();
    };
    let after = rest.split_once(')').map_or("", |(_, after)| after);
    let after = match after.strip_prefix(" at path \"") {
        Some(path) => path.split_once('"').map_or("", |(_, after)| after),
        None => after,
    };
    format!("{before}{after}")
}

/// Returns what an administrator can do about a failed request.
fn advice(error: &client::Error) -> Option<String> {
    use client::Error as Client;
    let hint = match error {
        Client::NotFound(_) => "is it the right application, and the right authy id?",
        Client::KeyRefused(_) => "authyctl key rotate installs another key",
        Client::UntrustedServer(_) => "check authy.url, authy.ca_file and this host's clock",
        Client::Unavailable(_) | Client::ServerError(_) | Client::Unexpected(_) => {
            "authyctl doctor checks the connection to the service"
        }
        Client::RateLimited(refusal) => {
            let seconds = refusal.retry_after_seconds?;
            return Some(format!("try again in {seconds} s"));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

impl From<config::Error> for CommandError {
    fn from(error: config::Error) -> Self {
        let shown = Self::local(&error);
        if !error.is_missing() {
            return shown;
        }
        // These files have the same error type.
        let files = [
            ("config.toml", "authyctl init writes it"),
            (
                "users.toml",
                "authyctl enroll USER --totp writes it, and enrolls the first user",
            ),
            ("directory.toml", "authyctl sync writes it"),
        ];
        let is_of = |name: &str| shown.message.contains(&format!("/{name}: "));
        let hint = files.iter().find(|(name, _)| is_of(name));
        match hint {
            Some((_, hint)) => shown.hint(*hint),
            None => shown.hint(
                "authyctl init writes a configuration, authyctl enroll a mapping; is the path right?",
            ),
        }
    }
}

impl From<state::Error> for CommandError {
    fn from(error: state::Error) -> Self {
        Self::local(&error)
    }
}

impl From<recovery::Error> for CommandError {
    fn from(error: recovery::Error) -> Self {
        match error {
            recovery::Error::Exists(_) => Self::new(ErrorKind::Refused, error.to_string())
                .hint("--replace makes new ones, and the old ones stop working"),
            recovery::Error::Random => Self::local(&error),
            recovery::Error::State(error) if error.is_corrupt() => {
                Self::from(error).hint("--replace replaces it with new codes")
            }
            recovery::Error::State(error) => error.into(),
        }
    }
}

impl From<totp::Unusable> for CommandError {
    fn from(error: totp::Unusable) -> Self {
        match error {
            totp::Unusable::File(error) if error.is_missing() => {
                Self::local(&error).hint("authyctl enroll USER --totp writes it")
            }
            error => Self::local(&error),
        }
    }
}

impl From<totp::write::Error> for CommandError {
    fn from(error: totp::write::Error) -> Self {
        use totp::write::Error as Write;
        match &error {
            Write::OtherSecret(_) => Self::new(ErrorKind::Refused, error.to_string())
                .hint("--replace replaces it, and the old app stops working"),
            Write::BadName(_) => Self::new(ErrorKind::Usage, error.to_string()),
            Write::File(_) | Write::Missing(_) => Self::local(&error),
        }
    }
}

impl From<users::write::Error> for CommandError {
    fn from(error: users::write::Error) -> Self {
        use users::write::Error as Write;
        match &error {
            Write::OtherId { .. } => Self::new(ErrorKind::Refused, error.to_string())
                .hint("--replace replaces the old id"),
            Write::OtherFactor { .. } => {
                Self::new(ErrorKind::Refused, error.to_string()).hint("--replace replaces it")
            }
            Write::BadName(_) => Self::new(ErrorKind::Usage, error.to_string()),
            Write::File(_) | Write::NotMapped(_) | Write::OtherForm { .. } => Self::local(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_text_of_a_system_error_and_not_its_number() {
        let rows = [
            ("/f: Not found (os error 2)", "/f: Not found"),
            (
                "/f: Not found (os error 2); 3 failed",
                "/f: Not found; 3 failed",
            ),
            ("/f: Denied (os error 13) at path \"/.new-x\"", "/f: Denied"),
            ("two (os) words", "two (os) words"),
        ];
        for (message, expected) in rows {
            assert_eq!(without_numbers(message), expected);
        }
    }
}
