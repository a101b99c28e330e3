//! The plain data of a login: its input ([`Attempt`]) and its result ([`Outcome`]).
//!
//! One `Attempt` is one call of `pam_sm_authenticate`. `pam` fills it in and sends it to the
//! engine, whose layers pass it along; `audit_line` writes both into the log. The only behaviour
//! here is the words of the audit line. Every text of an `Attempt` may come from an attacker.

use std::net::IpAddr;

use super::factor::{Factor, Identity};

/// What PAM and the application say about a login. All of it may come from an attacker, but the
/// facts about the process, which the module reads itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The Unix login name (PAM_USER), byte for byte.
    pub user: String,
    /// The PAM service: `sshd`, `sudo`, …
    pub service: String,
    /// The remote host as the application gave it (PAM_RHOST): an address, a name or anything else.
    pub rhost: Option<String>,
    /// The terminal (PAM_TTY).
    pub tty: Option<String>,
    /// The calling user, for sudo and su (PAM_RUSER).
    pub ruser: Option<String>,
    /// The remote address, where it could be parsed (see `host::address::remote`).
    pub address: Option<IpAddr>,
    /// SSH_AUTH_INFO_0 of the PAM environment. sshd writes what it has accepted so far there, one
    /// method per line; read it by [`Attempt::ssh_methods`].
    pub ssh_auth: Option<String>,
    /// Whether `ssh_auth` comes from sshd. The engine decides it (`login::policy::believes_ssh`).
    pub believes_ssh: bool,
    /// Whether an earlier module has read the system password (PAM_AUTHTOK). The password itself
    /// never leaves the module.
    pub has_password: bool,
    /// The process in which the module runs.
    pub process: Process,
}

impl Attempt {
    /// What sshd has accepted so far, one method per line; empty where the text is not sshd's.
    #[must_use]
    pub fn ssh_methods(&self) -> &str {
        let text = self.ssh_auth.as_deref().filter(|_| self.believes_ssh);
        text.unwrap_or_default()
    }
}

/// The process of an application, as the module in it sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its real uid: for su and sudo, the caller.
    pub uid: u32,
    /// Its effective uid.
    pub effective_uid: u32,
    /// Its session.
    pub session: Option<Session>,
    /// The terminal that PAM_TTY names.
    pub terminal: Option<Terminal>,
}

/// A session: its leader, when that started in ticks since boot (process ids are used again), and
/// the device of its controlling terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The process id of the leader.
    pub leader: u32,
    /// When the leader started, in clock ticks since boot.
    pub start: u64,
    /// The major and minor number of the terminal.
    pub terminal: (u32, u32),
}

/// A terminal: its device, and when its inode was last changed. A terminal of a new login has a new
/// owner, which changes that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// The major and minor number of the device.
    pub device: (u32, u32),
    /// The ctime in seconds and nanoseconds.
    pub changed: (i64, i64),
}

/// The result of one call of the module. `pam::code` maps each to a PAM code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The second factor was proven.
    Accepted,
    /// This login needs no second factor.
    Ignored,
    /// Every allowed reply was refused, or a limit is reached.
    AttemptsExhausted,
    /// The login was refused before its replies were used up.
    Refused,
    /// The provider gave no usable answer.
    Unavailable,
    /// Our configuration, mapping, arguments or process failed, or the provider refused the API
    /// key.
    Failed,
    /// The application could not show a prompt to the person.
    ConversationFailed,
    /// A bug in this crate.
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

/// The reason of a verdict: the closed list of values for `reason` in the audit line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The code was right.
    CodeAccepted,
    /// The person approved the push.
    PushApproved,
    /// sshd has accepted a security key of the person.
    SecurityKey,
    /// A recovery code was right, and is now used up.
    RecoveryCode,
    /// The same login was proven recently (`[remember]`).
    Remembered,
    /// A rule of `[exempt]` applies.
    Exempt,
    /// The user is not enrolled: the login needs no second factor, or every code is refused.
    Unenrolled,
    /// The account is not enrolled, and need not be until `enroll_by`.
    EnrollBy,
    /// The provider gave no usable answer, and `when_unavailable` allows the login.
    Outage,
    /// A warning, and no verdict's: the person has enrolled an app at the prompt that does not
    /// count yet.
    Enrolled,
    /// Every reply was refused.
    WrongCode,
    /// The person denied the push.
    PushDenied,
    /// The push was not answered, and no other factor is allowed.
    PushExpired,
    /// One of `[limits]` is reached: too many refused codes, or too much was sent.
    Limited,
    /// The SSH keys of the login do not identify one person of a shared account, or none is a
    /// security key of the person where nothing else is accepted.
    NoKey,
    /// The provider accepts no more requests for now (HTTP 429).
    RateLimited,
    /// The provider has suspended, blocked or deleted the person.
    Suspended,
    /// The provider does not know the person.
    UnknownToProvider,
    /// The reply came after `deadline_seconds`.
    Deadline,
    /// The user name is one that no account can have.
    BadUserName,
    /// PAM_USER changed during the conversation.
    UserChanged,
    /// The provider gave no usable answer.
    NoAnswer,
    /// The server could not prove its identity.
    UntrustedServer,
    /// config.toml cannot be used.
    Configuration,
    /// users.toml, or this user's entry, cannot be used.
    Mapping,
    /// A module argument cannot be used.
    Arguments,
    /// The account database could not be read.
    Account,
    /// The state folder, or this user's file there, cannot be used.
    State,
    /// This host lacked a descriptor, memory, a thread or a port for the request, or the engine
    /// runs where others can stop it.
    Process,
    /// No engine could be started, or it gave no usable answer.
    Engine,
    /// The provider refused the API key.
    KeyRefused,
    /// The provider refused the application or account.
    ApplicationRefused,
    /// The conversation failed.
    Conversation,
    /// A bug in this crate.
    Panic,
}

impl Reason {
    /// The word in the audit line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeAccepted => "code_accepted",
            Self::PushApproved => "push_approved",
            Self::SecurityKey => "security_key",
            Self::RecoveryCode => "recovery_code",
            Self::Remembered => "remembered",
            Self::Exempt => "exempt",
            Self::Unenrolled => "unenrolled",
            Self::EnrollBy => "enroll_by",
            Self::Outage => "outage",
            Self::Enrolled => "enrolled",
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
            Self::Engine => "engine",
            Self::KeyRefused => "key_refused",
            Self::ApplicationRefused => "application_refused",
            Self::Conversation => "conversation",
            Self::Panic => "panic",
        }
    }
}

/// A verdict, with everything that the log says about it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The result.
    pub verdict: Verdict,
    /// The reason of the verdict.
    pub reason: Reason,
    /// The factor that was tried last.
    pub factor: Option<Factor>,
    /// The provider's error code, where it gave one.
    pub code: Option<u32>,
    /// The person as the provider knows them, once the mapping named one.
    pub identity: Option<Identity>,
    /// Warnings for the administrator, each a separate log line; no secrets.
    pub notes: Vec<Note>,
    /// How many replies counted as attempts.
    pub attempts: u32,
    /// An explanation of the reason, for a separate log line; no secrets.
    pub detail: Option<String>,
    /// Whether the module did not confirm a verdict that lets the person in: the application may be
    /// gone.
    pub undelivered: bool,
    /// Whether the log has this outcome already: the last reply was a refused code.
    pub is_recorded: bool,
    /// What the person reads at the end, without a further prompt.
    pub last_notice: Option<String>,
    /// Whether what the person has typed since the last prompt must not reach the program that
    /// reads the terminal next: they were waiting for a push or a refusal, and may have typed a
    /// code.
    pub discards_typed: bool,
}

/// A warning for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// An explanation.
    Text(String),
    /// An audit line without a verdict (`audit_line::enrolled`).
    Line(String),
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
            undelivered: false,
            is_recorded: false,
            last_notice: None,
            discards_typed: false,
        }
    }

    /// The same outcome with a `detail`.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
