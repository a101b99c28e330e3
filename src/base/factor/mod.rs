//! Second factors as a login sees them: the person, their factors, and the trait that each provider
//! implements.
//!
//! A [`SecondFactor`] is bound to one person before the login begins, so the login handles neither
//! ids nor a provider's types. Each implementation maps its provider's answers to [`Error`]; the
//! error kinds say what the login does next, not what happened on the network. Codes and answers
//! come from outside and are not trusted.

mod ids;
mod person;
pub mod twilio;

use std::str::FromStr;

use super::deadline::Deadline;
use super::language::Language;
use super::secret::Secret;

pub use ids::{
    AuthyId, Fingerprint, InvalidAuthyId, InvalidFingerprint, InvalidPhone, Phone, TotpId,
};
pub use person::{FactorId, Person, Providers, SECURITY_KEYS, Skipped};
pub use twilio::{TwilioFactor, TwilioIdentity};

/// A kind of proof: a value of `login.factors`, and of `factor` in the audit line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factor {
    /// An approval request on the phone.
    Push,
    /// A code of the app, typed at the prompt.
    Token,
    /// A code that was sent by SMS.
    Sms,
    /// A code that was read out in a call.
    Call,
    /// An SSH security key that sshd has accepted.
    SecurityKey,
    /// A recovery code from the administrator; not a value of `login.factors`.
    Recovery,
}

impl Factor {
    /// The word in the audit line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Token => "token",
            Self::Sms => "sms",
            Self::Call => "call",
            Self::SecurityKey => "security_key",
            Self::Recovery => "recovery",
        }
    }
}

/// When a code or a push is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendMode {
    /// Before the prompt.
    Auto,
    /// When the person asks for it.
    OnRequest,
    /// Never.
    Never,
}

impl SendMode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Auto, Self::OnRequest, Self::Never];

    /// The word in config.toml and users.toml.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::OnRequest => "on-request",
            Self::Never => "never",
        }
    }
}

/// The channel through which a code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A text message.
    Sms,
    /// A voice call.
    Call,
}

/// The digits that a person types: 3 to 12 ASCII digits, leading zeros kept. Each factor accepts
/// only the lengths of its own codes. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct Code(Secret);

/// The text is not 3 to 12 ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code is 3 to 12 digits")]
pub struct InvalidCode;

impl Code {
    /// The digits. Keep them out of logs, although they work only once.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let has_length = (3..=12).contains(&text.len());
        if has_length && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err(InvalidCode)
        }
    }
}

/// The second factor of one person. Every function blocks at most until its deadline.
pub trait SecondFactor {
    /// Who the person is for the factor that was asked last, for the audit line; `None` for an
    /// unenrolled user.
    fn identity(&self) -> Option<Identity>;

    /// The lengths of the codes that the person types, in digits. For `token_in_password`: a code
    /// whose length is the only one needs no comma between it and the password.
    fn code_lengths(&self) -> Vec<u8>;

    /// Opens a connection in the background for a request that may follow, and returns at once. The
    /// background work ends by `deadline`; its result is never an answer. Does nothing by default.
    fn preconnect(&mut self, deadline: Deadline) {
        let _ = deadline;
    }

    /// Asks whether `code` is right for the person. A code is verified once and never repeated.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it is wrong; any other error means that no yes was received.
    fn verify(&mut self, code: &Code, deadline: Deadline) -> Result<(), Error>;

    /// Sends a code to the person, in `language` where one is given. Does not wait for a call to be
    /// answered.
    ///
    /// # Errors
    /// Any [`Error`]: as far as is known, no code was sent (see [`Error::progress`]).
    fn send(
        &mut self,
        channel: Channel,
        language: Option<Language>,
        deadline: Deadline,
    ) -> Result<Sent, Error>;

    /// Whether the person has an app that a push can reach.
    ///
    /// # Errors
    /// Any [`Error`]: the answer is unknown.
    fn has_app(&mut self, deadline: Deadline) -> Result<bool, Error>;

    /// Sends a push. Does not wait for the person. A later push replaces an earlier one.
    ///
    /// # Errors
    /// Any [`Error`]: as far as is known, no push was sent (see [`Error::progress`]).
    fn push(&mut self, request: &PushRequest, deadline: Deadline) -> Result<(), Error>;

    /// Asks once whether the last push was answered.
    ///
    /// # Errors
    /// Any [`Error`]: the answer is unknown.
    fn push_answer(&mut self, deadline: Deadline) -> Result<PushAnswer, Error>;

    /// What an administrator must know of the checks so far, for the log. Nothing by default.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Counts the codes of one person that are checked on this host.
pub trait HostCodes {
    /// Counts a code that is about to be checked on this host, as refused within a day. Who guesses
    /// there asks no provider, and an accepted code in between must not start the guesses afresh.
    ///
    /// # Errors
    /// The code must not be checked: [`ErrorKind::Paused`] when too many were refused, or
    /// [`ErrorKind::State`] or [`ErrorKind::Process`] when it could not be counted.
    fn acquire_host_code(&mut self) -> Result<(), Error>;

    /// Takes back the last [`HostCodes::acquire_host_code`], because the code was accepted, here or
    /// as one of another factor.
    fn release_host_code(&mut self);
}

/// A person as the provider knows them: the audit line's `provider` and the member after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A user of the Authy service.
    Authy(AuthyId),
    /// A factor at Twilio Verify: the SID of the app or, without one, the number of which only the
    /// last two digits are shown. Boxed, so that an outcome stays small.
    Twilio(Box<str>),
    /// The app whose codes this host checks, by the name of its secret in totp.toml.
    Totp(String),
    /// A security key, by its fingerprint; sshd is no provider. A text, so that the module, which
    /// writes audit lines too, needs no base 64.
    SecurityKey(Box<str>),
}

impl Identity {
    /// The word for the provider in the audit line.
    #[must_use]
    pub fn provider(&self) -> Option<&'static str> {
        match self {
            Self::Authy(_) => Some("authy"),
            Self::Twilio(_) => Some("twilio"),
            Self::Totp(_) => Some("totp"),
            Self::SecurityKey(_) => None,
        }
    }
}

impl From<&Phone> for Identity {
    /// The number without all but its last two digits, since it must not get into a log.
    fn from(phone: &Phone) -> Self {
        let number = phone.as_str();
        let hidden = number.len().saturating_sub(3);
        let last = number.get(hidden + 1..).unwrap_or_default();
        Self::Twilio(format!("+{}{last}", "*".repeat(hidden)).into())
    }
}

/// The content of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRequest {
    /// The question that the phone shows.
    pub message: String,
    /// Names and values that are shown with it, in order.
    pub details: Vec<(String, String)>,
    /// How long the person can answer it, in seconds.
    pub seconds: u32,
}

/// The state of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushAnswer {
    /// The person has not answered yet.
    Pending,
    /// The person approved it.
    Approved,
    /// The person denied it.
    Denied,
    /// It can no longer be answered.
    Expired,
}

/// The result of a request to send a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The code was sent.
    Sent,
    /// Nothing was sent, because the person has the app and can use its codes.
    UseApp,
}

/// An error of a provider: anything but a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the login does next.
    pub kind: ErrorKind,
    /// The provider's own error code.
    pub code: Option<u32>,
    /// For the administrator's log; contains no secret.
    pub detail: String,
    /// How far the request got.
    pub progress: Progress,
}

impl Error {
    /// The detail of an answer by which the provider asks to wait; `None`: it names no time.
    #[must_use]
    pub fn detail_of(why: &dyn std::fmt::Display, retry_after_seconds: Option<u64>) -> String {
        match retry_after_seconds {
            Some(seconds) => format!("{why}; try again in {seconds} s"),
            None => why.to_string(),
        }
    }
}

/// How far a request to a provider got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is certain that no byte of it left this host.
    NotSent,
    /// The provider answered that it did not do what was asked.
    Answered,
    /// It may have arrived, and no usable answer came back: the provider may have done what was
    /// asked. The person at the prompt can cause that, by a late reply.
    Unanswered,
}

/// The classes of errors that a login tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The code is wrong or was used. The person may try again.
    Refused,
    /// Codes of the person are not checked for now. The login goes on: a recovery code still works.
    Paused,
    /// The provider answered neither yes nor with a known refusal. It counts as a refusal.
    Unexpected,
    /// The provider accepts no code of this person: suspended, blocked, being deleted.
    PersonRefused,
    /// The provider does not know the person.
    PersonUnknown,
    /// The provider accepts no more requests for now.
    RateLimited,
    /// The key is refused.
    KeyRefused,
    /// The application or account is refused.
    ApplicationRefused,
    /// The server could not prove its identity.
    UntrustedServer,
    /// No usable answer. The only class that may lead to `when_unavailable`.
    Unavailable,
    /// Our own configuration, such as a missing CA file.
    Configuration,
    /// This host itself: no descriptor, memory, thread, port or permission.
    Process,
    /// The state folder: full, read-only or damaged.
    State,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_two_digits_of_a_number_are_shown() {
        let phone: Phone = "+15551234567".parse().unwrap();
        let shown = Identity::Twilio("+*********67".into());
        assert_eq!(Identity::from(&phone), shown);
        assert_eq!(shown.provider(), Some("twilio"));
    }

    #[test]
    fn a_code_keeps_its_leading_zeros() {
        assert_eq!("0000000".parse::<Code>().unwrap().digits(), "0000000");
    }

    #[test]
    fn only_three_to_twelve_ascii_digits_are_a_code() {
        assert!("123".parse::<Code>().is_ok() && "123456789012".parse::<Code>().is_ok());
        let refused = [
            "",
            "12",
            "1234567890123",
            "123 456",
            "123456\n",
            "../sms",
            "-12345",
            "１２３４５６",
        ];
        let accepted: Vec<_> = refused
            .iter()
            .filter(|text| text.parse::<Code>().is_ok())
            .collect();
        assert!(accepted.is_empty(), "{accepted:?}");
    }
}
