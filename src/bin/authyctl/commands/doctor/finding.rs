//! What one check found, and how findings are printed.

use serde_json::{Value, json};

use crate::error::{CommandError, ErrorKind};
use crate::output::{Colour, Output, paint};

/// What one check found.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Ok,
    Warning,
    Problem,
}

impl Level {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    fn colour(self) -> Colour {
        match self {
            Self::Ok => Colour::Green,
            Self::Warning => Colour::Yellow,
            Self::Problem => Colour::Red,
        }
    }
}

impl Check {
    pub(super) fn new(name: &str, level: Level, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            level,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn ok(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Ok, message)
    }

    pub(super) fn warning(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Warning, message)
    }

    pub(super) fn problem(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Problem, message)
    }

    pub(super) fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    fn as_json(&self) -> Value {
        json!({
            "name": self.name,
            "result": self.level.word(),
            "message": self.message,
            "hint": self.hint,
        })
    }
}

pub(super) fn conclude(checks: &[Check]) -> Result<Output, CommandError> {
    let mut lines = Vec::new();
    for check in checks {
        let word = format!("{:8}", check.level.word());
        let word = paint(&std::io::stdout(), check.level.colour(), &word);
        lines.push(format!("{word} {}", check.message));
        if let Some(hint) = check.hint.as_ref().filter(|_| check.level != Level::Ok) {
            lines.push(format!("{:8} hint: {hint}", ""));
        }
    }
    let members = json!({"checks": checks.iter().map(Check::as_json).collect::<Vec<_>>()});
    let problems = checks.iter().filter(|c| c.level == Level::Problem).count();
    let done = Output::new(lines, members.clone());
    match problems {
        0 => Ok(done),
        1 => Err(
            CommandError::new(ErrorKind::Refused, "there is one problem")
                .with_members(members)
                .after(done),
        ),
        count => Err(
            CommandError::new(ErrorKind::Refused, format!("there are {count} problems"))
                .with_members(members)
                .after(done),
        ),
    }
}
