//! Why a command failed: what people read, what `--json` says, and the exit status.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::path::Path;

use pam_authy::base::text;
use pam_authy::client::authy as client;
use pam_authy::store::config::{self, Provider};
use pam_authy::store::recovery;
use pam_authy::store::state;
use pam_authy::store::totp;
use pam_authy::store::users;
use serde_json::{Map, Value, json};

use crate::output::Output;

/// The kind of a failure, which decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Authy, or a check of ours, refused.
    Refused,
    /// The command line is wrong.
    Usage,
    /// No usable answer.
    Unavailable,
    /// Configuration, file, permission, or a user who is not mapped.
    Local,
}

impl ErrorKind {
    pub(crate) fn exit_status(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::Local => 4,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::Unavailable => "unavailable",
            Self::Local => "local",
        }
    }
}

impl Display for CommandError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    answer: Option<Box<Answer>>,
    /// The provider that gave no usable answer, until the message has its address.
    pub(crate) unreached: Option<Provider>,
    /// The members of the JSON object, besides `ok` and `error`.
    pub(crate) members: Map<String, Value>,
    /// The lines for people, printed before the message.
    pub(crate) lines: Vec<String>,
    /// Whether standard output has the whole output of the command already, so that the error goes
    /// to standard error alone.
    pub(crate) is_after_output: bool,
}

/// What a provider answered.
#[derive(Debug)]
struct Answer {
    /// The HTTP status; zero where it is not known.
    status: u16,
    code: Option<u32>,
    retry_after_seconds: Option<u64>,
    fields: BTreeMap<String, String>,
}

impl CommandError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            answer: None,
            unreached: None,
            members: Map::new(),
            lines: Vec::new(),
            is_after_output: false,
        }
    }

    /// A failure of this host: configuration, file or permission.
    pub(crate) fn local(why: impl Display) -> Self {
        Self::new(ErrorKind::Local, why.to_string())
    }

    /// A failure with the file at `path`.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::local(format!("{}: {error}", path.display()))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Notes that `provider` gave no usable answer, so that the message needs its address.
    pub(crate) fn unreached(mut self, provider: Provider) -> Self {
        self.unreached = Some(provider);
        self
    }

    /// Adds the address of the provider, if that gave no usable answer.
    pub(crate) fn at(mut self, url: impl Display) -> Self {
        if self.unreached.take().is_some() {
            self.message = format!("{} (at {url})", self.message);
        }
        self
    }

    /// Adds what a provider answered.
    pub(crate) fn answered(mut self, status: u16, code: Option<u32>) -> Self {
        self.answer = Some(Box::new(Answer {
            status,
            code,
            retry_after_seconds: None,
            fields: BTreeMap::new(),
        }));
        self
    }

    /// Adds when the provider wants to be asked again, and a hint that says so.
    pub(crate) fn retry_after(mut self, seconds: Option<u64>) -> Self {
        if let Some(answer) = &mut self.answer {
            answer.retry_after_seconds = seconds;
        }
        match seconds {
            Some(seconds) => self.hint(format!("try again in {seconds} s")),
            None => self,
        }
    }

    /// Adds members to the JSON object.
    pub(crate) fn with_members(mut self, members: Value) -> Self {
        if let Value::Object(members) = members {
            self.members = members;
        }
        self
    }

    /// Adds the lines of `output` before the message.
    pub(crate) fn after(mut self, output: Output) -> Self {
        self.lines = output.lines;
        self
    }

    /// Returns the object for `--json`.
    pub(crate) fn as_json(&self) -> Value {
        let mut error = json!({
            "kind": self.kind.as_str(),
            "message": self.message,
            "hint": self.hint,
        });
        if let Some(answer) = &self.answer {
            if answer.status != 0 {
                error["status"] = json!(answer.status);
            }
            if let Some(code) = answer.code {
                error["code"] = json!(code);
            }
            if let Some(seconds) = answer.retry_after_seconds {
                error["retry_after_seconds"] = json!(seconds);
            }
            if !answer.fields.is_empty() {
                error["fields"] = json!(answer.fields);
            }
        }
        let mut object = self.members.clone();
        object.insert("ok".into(), json!(false));
        object.insert("error".into(), error);
        Value::Object(object)
    }
}

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
    let text = text::sanitize_to(&error.to_string(), 500).replace(": io: ", ": ");
    match text.rsplit_once(" (os error ") {
        Some((before, number)) => match number.split_once(')') {
            Some((_, after)) => format!("{before}{after}"),
            None => text,
        },
        None => text,
    }
}

/// Returns what an administrator can do about a failed request.
fn advice(error: &client::Error) -> Option<String> {
    use client::Error as Client;
    let hint = match error {
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
