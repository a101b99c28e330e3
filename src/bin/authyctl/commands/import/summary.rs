//! The outcomes of the rows, and which failures end an import.

use std::path::Path;

use pam_authy::client::authy::Error;
use pam_authy::store::{totp, users};
use serde_json::{Value, json};

use super::progress::Progress;
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

/// The number of consecutive rows without an answer that ends an import.
const UNANSWERED_LIMIT: u32 = 3;

/// Where the rows come from, which decides what counts as a failure of the command.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// A file of people, made for this import: every row should come in.
    People(&'a Path),
    /// Files of another program, which may have what cannot be taken over.
    Apps,
}

/// The outcomes of the rows so far.
#[derive(Default)]
pub(super) struct ImportSummary {
    enrolled: usize,
    skipped: usize,
    failed: Vec<Failed>,
    /// Consecutive rows without an answer.
    unanswered: u32,
    /// Why the other rows were not tried.
    pub(super) stopped: Option<(ErrorKind, String)>,
}

/// Something that was left out.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Failed {
    line: Option<usize>,
    user: String,
    message: String,
}

/// The outcome of one row.
pub(super) enum RowOutcome {
    Enrolled,
    Skipped,
}

/// Why a row failed.
#[derive(Clone)]
pub(super) struct RowError {
    pub(super) message: String,
    scope: Scope,
}

/// Which rows an error concerns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// This row only.
    Row,
    /// This row; the next may get an answer.
    Unanswered,
    /// This row and all that follow.
    All(ErrorKind),
}

impl From<String> for RowError {
    fn from(message: String) -> Self {
        Self {
            message,
            scope: Scope::Row,
        }
    }
}

impl RowError {
    /// The failure of a request to the provider at `url`.
    pub(super) fn of_request(error: Error, url: &str) -> Self {
        let scope = match &error {
            Error::Unavailable(_) | Error::ServerError(_) | Error::Unexpected(_) => {
                Scope::Unanswered
            }
            Error::KeyRefused(_) | Error::RateLimited(_) => Scope::All(ErrorKind::Refused),
            Error::UntrustedServer(_) => Scope::All(ErrorKind::Unavailable),
            Error::Process(_) | Error::Local(_) => Scope::All(ErrorKind::Local),
            _ => Scope::Row,
        };
        Self {
            message: CommandError::from(error).at(url).message,
            scope,
        }
    }
}

impl From<users::write::Error> for RowError {
    fn from(error: users::write::Error) -> Self {
        let scope = match &error {
            users::write::Error::File(_) => Scope::All(ErrorKind::Local),
            _ => Scope::Row,
        };
        Self {
            message: error.to_string(),
            scope,
        }
    }
}

impl From<totp::write::Error> for RowError {
    fn from(error: totp::write::Error) -> Self {
        let scope = match &error {
            totp::write::Error::File(_) => Scope::All(ErrorKind::Local),
            _ => Scope::Row,
        };
        Self {
            message: error.to_string(),
            scope,
        }
    }
}

impl ImportSummary {
    /// Adds something that was left out of a row that came in.
    pub(super) fn leave_out(&mut self, line: Option<usize>, user: &str, message: String) {
        let user = user.to_owned();
        self.failed.push(Failed {
            line,
            user,
            message,
        });
    }

    /// Shows and counts the outcome of a row.
    pub(super) fn count(
        &mut self,
        progress: &Progress,
        line: Option<usize>,
        user: &str,
        outcome: Result<RowOutcome, RowError>,
    ) {
        progress.row(line, user, &outcome);
        match outcome {
            Ok(RowOutcome::Enrolled) => {
                self.enrolled += 1;
                self.unanswered = 0;
            }
            Ok(RowOutcome::Skipped) => self.skipped += 1,
            Err(error) => {
                match error.scope {
                    Scope::Row => self.unanswered = 0,
                    Scope::Unanswered => self.unanswered += 1,
                    Scope::All(kind) => self.stopped = Some((kind, error.message.clone())),
                }
                if self.unanswered >= UNANSWERED_LIMIT {
                    self.stopped = Some((ErrorKind::Unavailable, error.message.clone()));
                }
                self.leave_out(line, user, error.message);
            }
        }
    }
}

/// Returns the summary as the output of the command.
///
/// # Errors
/// The import was stopped, or nothing came in; for a file of people also if a row failed.
pub(super) fn report(
    source: Source<'_>,
    mut summary: ImportSummary,
    dry_run: bool,
) -> Result<Output, CommandError> {
    summary.failed.sort();
    let (enrolled, skipped) = (summary.enrolled, summary.skipped);
    let members = json!({
        "enrolled": enrolled,
        "skipped": skipped,
        "failed": summary.failed.iter().map(Failed::as_json).collect::<Vec<_>>(),
        "dry_run": dry_run,
    });
    let would = if dry_run { "would be " } else { "" };
    let failed = match source {
        Source::People(_) => "failed",
        Source::Apps => "left out",
    };
    let count = format!(
        "{enrolled} {would}enrolled, {skipped} already enrolled, {} {failed}",
        summary.failed.len()
    );
    let of_file = match source {
        Source::People(file) => format!("{}: ", file.display()),
        Source::Apps => String::new(),
    };
    if let Some((kind, why)) = summary.stopped {
        let error = CommandError::new(kind, format!("{of_file}{why}; {count}"));
        return Err(error
            .with_members(members)
            .hint("the same command continues from there"));
    }
    match source {
        Source::People(_) if !summary.failed.is_empty() => {
            let error = CommandError::new(ErrorKind::Refused, format!("{of_file}{count}"));
            Err(error
                .with_members(members)
                .hint("fix these lines and run the same command again"))
        }
        Source::People(_) => Ok(Output::new(vec![count], members)),
        Source::Apps => {
            let mut lines: Vec<_> = summary.failed.iter().map(Failed::line).collect();
            if enrolled + skipped == 0 {
                let output = Output::new(lines, Value::Null);
                let message = format!("no user was enrolled: {count}");
                let error = CommandError::new(ErrorKind::Refused, message);
                return Err(error.with_members(members).after(output));
            }
            lines.push(count);
            Ok(Output::new(lines, members))
        }
    }
}

impl Failed {
    fn line(&self) -> String {
        line(self.line, &self.user, &self.message)
    }

    fn as_json(&self) -> Value {
        let mut object = json!({"message": self.message});
        if !self.user.is_empty() {
            object["user"] = json!(self.user);
        }
        if let Some(line) = self.line {
            object["line"] = json!(line);
        }
        object
    }
}

/// Returns a message about a row as a line, with its place and its user, unless it names the user.
pub(super) fn line(line: Option<usize>, user: &str, message: &str) -> String {
    let place = line.map_or(String::new(), |line| format!("line {line}: "));
    let user = shown_name(user);
    if user.is_empty() || message.starts_with(&user) {
        format!("{place}{message}")
    } else {
        format!("{place}{user}: {message}")
    }
}
