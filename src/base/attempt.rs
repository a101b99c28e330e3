//! Plain data of a login: who knocks ([`Attempt`]) and what came of it ([`Outcome`]).
//!
//! No behaviour but the words for the log; every layer above passes these along. One `Attempt` is
//! one call of `pam_sm_authenticate`.

use std::net::IpAddr;

use super::factor::{Factor, Identity};
use super::secret::Secret;

/// What PAM and the application say of who knocks. All of it may come from an attacker.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The Unix login name (PAM_USER), byte for byte.
    pub user: String,
    /// The PAM service: `sshd`, `sudo`, …
    pub service: String,
    /// The remote host as the application put it (PAM_RHOST): an address, a name or junk.
    pub rhost: Option<String>,
    /// The terminal (PAM_TTY).
    pub tty: Option<String>,
    /// Who calls, for sudo and su (PAM_RUSER).
    pub ruser: Option<String>,
    /// Where it comes from, as far as that is a parsed address (see `address::remote`).
    pub address: Option<IpAddr>,
    /// What sshd has accepted so far, one method a line (SSH_AUTH_INFO_0 in the PAM environment).
    pub ssh_auth: Option<String>,
    /// The system password that an earlier module took (PAM_AUTHTOK); only compared with replies,
    /// so that it is never sent anywhere by mistake.
    pub password: Option<Secret>,
}

/// How a call of the module ended. Each has its PAM code in `pam::code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The second factor was proven.
    Accepted,
    /// No second factor is asked of this login.
    Ignored,
    /// Every allowed reply was refused, or a limit holds.
    AttemptsExhausted,
    /// Ended before that by a refusal.
    Refused,
    /// Authy could not be asked.
    Unavailable,
    /// Our own configuration, mapping, arguments or process fail, or the key is refused.
    Failed,
    /// The application could not ask the person.
    ConversationFailed,
    /// A bug of ours.
    Panicked,
}

impl Verdict {
    /// The word in the audit line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Ignored => "ignored",
            Self::AttemptsExhausted | Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Failed | Self::ConversationFailed | Self::Panicked => "error",
        }
    }
}

/// Why it ended so: the closed list of the audit line's `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Authy accepted the token.
    CodeAccepted,
    /// The person approved the push.
    PushApproved,
    /// A recovery code was right, and is used up.
    RecoveryCode,
    /// The same login was proven a short while ago.
    Remembered,
    /// A rule of `[exempt]` holds.
    Exempt,
    /// Nobody of that name is enrolled: let pass, or asked and refused like anyone.
    Unenrolled,
    /// Authy could not be asked, and that is let pass.
    Outage,
    /// Every reply was refused.
    WrongCode,
    /// The person denied the push.
    PushDenied,
    /// Nobody answered the push, and no other factor is taken.
    PushExpired,
    /// A limit of ours holds: too many refused tokens, or too much sent.
    Limited,
    /// No SSH key of the login names one person of a shared account.
    NoKey,
    /// Authy takes no more requests for now (HTTP 429).
    RateLimited,
    /// Authy has suspended, blocked or deleted the person.
    Suspended,
    /// Authy knows no person of that id.
    UnknownToProvider,
    /// The reply came after `deadline_seconds`.
    Deadline,
    /// A name that no account can have.
    BadUserName,
    /// PAM_USER was another one after the conversation.
    UserChanged,
    /// No answer of Authy that could be used.
    NoAnswer,
    /// The server could not prove that it is Authy.
    UntrustedServer,
    /// config.toml cannot be used.
    Configuration,
    /// users.toml, or this user's entry, cannot be used.
    Mapping,
    /// A module argument cannot be used.
    Arguments,
    /// The account database could not be asked.
    Account,
    /// The state folder, or this user's file there, cannot be used.
    State,
    /// No descriptor, memory or thread was left for the request.
    Process,
    /// Authy refused the API key.
    KeyRefused,
    /// Authy refuses the application or account.
    ApplicationRefused,
    /// The conversation failed.
    Conversation,
    /// A bug of ours.
    Panic,
}

impl Reason {
    /// The word in the audit line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeAccepted => "code_accepted",
            Self::PushApproved => "push_approved",
            Self::RecoveryCode => "recovery_code",
            Self::Remembered => "remembered",
            Self::Exempt => "exempt",
            Self::Unenrolled => "unenrolled",
            Self::Outage => "outage",
            Self::WrongCode => "wrong_code",
            Self::PushDenied => "push_denied",
            Self::PushExpired => "push_expired",
            Self::Limited => "limited",
            Self::NoKey => "no_key",
            Self::RateLimited => "rate_limited",
            Self::Suspended => "suspended",
            Self::UnknownToProvider => "unknown_to_provider",
            Self::Deadline => "deadline",
            Self::BadUserName => "bad_user_name",
            Self::UserChanged => "user_changed",
            Self::NoAnswer => "no_answer",
            Self::UntrustedServer => "false_identity",
            Self::Configuration => "configuration",
            Self::Mapping => "mapping",
            Self::Arguments => "arguments",
            Self::Account => "account",
            Self::State => "state",
            Self::Process => "process",
            Self::KeyRefused => "key_refused",
            Self::ApplicationRefused => "application_refused",
            Self::Conversation => "conversation",
            Self::Panic => "panic",
        }
    }
}

/// A verdict with everything that the audit line and the log say about it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The factor that decided, once one was tried.
    pub factor: Option<Factor>,
    /// Authy's error code, where it gave one.
    pub code: Option<u32>,
    /// The person as the provider knows them, once the mapping named one.
    pub identity: Option<Identity>,
    /// What else the administrator should know, in log lines of its own; no secret.
    pub notes: Vec<String>,
    /// Replies that the person gave.
    pub attempts: u32,
    /// What the administrator should know beyond the reason, for a log line of its own; no secret.
    pub detail: Option<String>,
}

impl Outcome {
    /// An outcome without a factor, a code or a person.
    #[must_use]
    pub fn new(verdict: Verdict, reason: Reason) -> Self {
        Self {
            verdict,
            reason,
            factor: None,
            code: None,
            identity: None,
            notes: Vec::new(),
            attempts: 0,
            detail: None,
        }
    }

    /// The same with a line for the administrator.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
