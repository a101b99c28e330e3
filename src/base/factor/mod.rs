//! Second factors as a login sees them: who the person is, what proves it, and the trait that each
//! provider implements.
//!
//! A [`SecondFactor`] is bound to one person before the login begins, so that the login handles no
//! ids and no provider's types. Each implementation sorts what its provider answers into [`Error`];
//! the classes say what the login does next, not what happened on the wire.

mod person;

use std::str::FromStr;

use super::deadline::Deadline;
use super::language::Language;
use super::secret::Secret;

pub use person::{
    AuthyId, FactorId, Fingerprint, InvalidAuthyId, InvalidFingerprint, InvalidPhone,
    InvalidTwilio, Person, Phone, Providers, Skipped, TwilioFactor, TwilioIdentity,
};

/// What the configuration lets a person use, and what the audit line names as `factor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factor {
    /// An approval request on the phone.
    Push,
    /// A code that is typed at the prompt.
    Token,
    /// A code that was sent by SMS.
    Sms,
    /// A code that was told in a call.
    Call,
    /// A recovery code of the administrator; not a value of `login.factors`.
    Recovery,
}

impl Factor {
    /// The word in config.toml and in the audit line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Token => "token",
            Self::Sms => "sms",
            Self::Call => "call",
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

/// The digits that a person types: 6 to 12 ASCII digits, leading zeros kept. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct Code(Secret);

/// The text is not 6 to 12 ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code is 6 to 12 digits")]
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
        let has_length = (6..=12).contains(&text.len());
        if has_length && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err(InvalidCode)
        }
    }
}

/// The second factor of one person. Every function blocks until its deadline at most.
pub trait SecondFactor {
    /// Who the provider thinks the person is, for the audit line; `None` for an unenrolled user.
    fn identity(&self) -> Option<Identity>;

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
    /// Any [`Error`]: no code is on its way.
    fn send(
        &mut self,
        channel: Channel,
        language: Option<Language>,
        deadline: Deadline,
    ) -> Result<Sent, Error>;

    /// Whether the person has an app that a push can reach.
    ///
    /// # Errors
    /// Any [`Error`]: it is not known.
    fn has_app(&mut self, deadline: Deadline) -> Result<bool, Error>;

    /// Sends a push. Does not wait for the person. A later push replaces an earlier one.
    ///
    /// # Errors
    /// Any [`Error`]: no push is on its way.
    fn push(&mut self, request: &PushRequest, deadline: Deadline) -> Result<(), Error>;

    /// Asks once what became of the last push.
    ///
    /// # Errors
    /// Any [`Error`]: it is not known.
    fn push_answer(&mut self, deadline: Deadline) -> Result<PushAnswer, Error>;
}

/// A person as the provider knows them: the audit line's `provider` and the member after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A user of the Authy service.
    Authy(AuthyId),
}

impl Identity {
    /// The word in the audit line.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Authy(_) => "authy",
        }
    }
}

/// What a push asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRequest {
    /// The question.
    pub message: String,
    /// Names and values that are shown with it, in order.
    pub details: Vec<(String, String)>,
    /// How long it can be answered, in seconds.
    pub seconds: u32,
}

/// What became of a push.
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

/// What became of a request to send a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The code is on its way.
    Sent,
    /// Nothing was sent, because the person has the app and is to use its codes.
    UseApp,
}

/// Why a provider did not say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the login does about it.
    pub kind: ErrorKind,
    /// The provider's own error code.
    pub code: Option<u32>,
    /// For the administrator's log; contains no secret.
    pub detail: String,
    /// Whether the provider may have done what was asked: the request was sent, and no answer came
    /// back. The person at the prompt can cause that, by a late reply or a stopped process.
    pub maybe_delivered: bool,
}

/// The classes of errors that a login tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The code is wrong or was used. The person may try again.
    Refused,
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
    /// Our own process: no descriptor, memory or thread.
    Process,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_keeps_its_leading_zeros() {
        assert_eq!("0000000".parse::<Code>().unwrap().digits(), "0000000");
    }

    #[test]
    fn only_six_to_twelve_ascii_digits_are_a_code() {
        let refused = [
            "",
            "12345",
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
