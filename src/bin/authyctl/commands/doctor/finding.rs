//! What a check found, and how findings are printed: one line each, with a hint below where there
//! is something to do.

use serde_json::{Value, json};

use crate::error::{CommandError, ErrorKind};
use crate::hint::with_sudo;
use crate::output::{Colour, Output, paint};

/// What one check found.
///
/// The order of the fields is the order in which findings about several people are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// The name of the check, which scripts read: `config`, `pam sshd`, …
    pub(super) check: String,
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Ok,
    /// It could not be checked.
    Unknown,
    Warning,
    /// A user would be locked out, or could log in without the second factor.
    Problem,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    fn colour(self) -> Colour {
        match self {
            Self::Ok => Colour::Green,
            Self::Unknown | Self::Warning => Colour::Yellow,
            Self::Problem => Colour::Red,
        }
    }
}

impl Finding {
    pub(super) fn new(check: &str, level: Level, message: impl Into<String>) -> Self {
        Self {
            check: check.to_owned(),
            level,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn ok(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, message)
    }

    pub(super) fn unknown(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Unknown, message)
    }

    pub(super) fn warning(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Warning, message)
    }

    pub(super) fn problem(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Problem, message)
    }

    /// Adds what an administrator can do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn lines(&self) -> Vec<String> {
        let word = format!("{:8}", self.level.as_str());
        let word = paint(&std::io::stdout(), self.level.colour(), &word);
        let mut lines = vec![format!("{word} {}", self.message)];
        if let Some(hint) = self.hint.as_ref().filter(|_| self.level != Level::Ok) {
            lines.push(format!("{:8} hint: {}", "", with_sudo(hint)));
        }
        lines
    }

    fn as_json(&self) -> Value {
        json!({
            "name": self.check,
            "result": self.level.as_str(),
            "message": self.message,
            "hint": self.hint,
        })
    }
}

/// Returns all findings as the command's output.
///
/// # Errors
/// At least one finding is a problem, so that the exit status is 1.
pub(super) fn report(findings: &[Finding]) -> Result<Output, CommandError> {
    let lines = findings.iter().flat_map(Finding::lines).collect();
    let checks: Vec<_> = findings.iter().map(Finding::as_json).collect();
    let members = json!({"checks": checks});
    let output = Output::new(lines, members.clone());
    let problems = findings
        .iter()
        .filter(|finding| finding.level == Level::Problem);
    let message = match problems.count() {
        0 => return Ok(output),
        1 => "there is one problem".to_owned(),
        count => format!("there are {count} problems"),
    };
    Err(CommandError::new(ErrorKind::Refused, message)
        .with_members(members)
        .after(output))
}
