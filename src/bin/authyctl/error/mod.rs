//! Why a command failed: what people read, what `--json` says, and the exit status.

mod causes;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::path::Path;

use pam_authy::store::config::Provider;
use serde_json::{Map, Value, json};

pub(crate) use causes::{of_request, without_numbers};

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
            message: without_numbers(&message.into()),
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
