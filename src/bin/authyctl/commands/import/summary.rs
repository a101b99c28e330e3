//! The outcomes of the rows, and which failures end an import.

use std::path::Path;

use pam_authy::client::authy::Error;
use pam_authy::store::users::write;
use serde_json::json;

use super::apps::AppSummary;
use super::progress::Progress;
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

/// The number of consecutive rows without an answer that ends an import.
const UNANSWERED_LIMIT: u32 = 3;

/// The outcomes of the rows so far.
#[derive(Default)]
pub(super) struct ImportSummary {
    enrolled: usize,
    skipped: usize,
    failed: Vec<(usize, String)>,
    /// Consecutive rows without an answer.
    unanswered: u32,
    /// Why the other rows were not tried.
    pub(super) stopped: Option<(ErrorKind, String)>,
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

impl From<Error> for RowError {
    fn from(error: Error) -> Self {
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
            message: CommandError::from(error).message,
            scope,
        }
    }
}

impl From<write::Error> for RowError {
    fn from(error: write::Error) -> Self {
        let scope = match &error {
            write::Error::File(_) => Scope::All(ErrorKind::Local),
            _ => Scope::Row,
        };
        Self {
            message: error.to_string(),
            scope,
        }
    }
}

impl ImportSummary {
    /// Adds the outcomes of the apps in the rows.
    pub(super) fn add_apps(&mut self, apps: AppSummary) {
        self.enrolled += apps.enrolled;
        self.skipped += apps.skipped;
        self.failed.extend(apps.into_failed_lines());
    }

    /// Whether the row with this line has failed.
    pub(super) fn has_failed(&self, line: usize) -> bool {
        self.failed.iter().any(|(failed, _)| *failed == line)
    }

    /// Shows and counts the outcome of a row.
    pub(super) fn count(
        &mut self,
        progress: &Progress,
        line: usize,
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
                self.failed.push((line, error.message));
            }
        }
    }
}

/// Returns the summary as the output of the command.
///
/// # Errors
/// A row failed, or the import was stopped.
pub(super) fn report(
    file: &Path,
    mut summary: ImportSummary,
    dry_run: bool,
) -> Result<Output, CommandError> {
    summary.failed.sort();
    let failed: Vec<_> = summary
        .failed
        .iter()
        .map(|(line, message)| json!({"line": line, "message": message}))
        .collect();
    let members = json!({
        "enrolled": summary.enrolled,
        "skipped": summary.skipped,
        "failed": failed,
        "dry_run": dry_run,
    });
    let would = if dry_run { "would be " } else { "" };
    let line = format!(
        "{} {would}enrolled, {} already enrolled, {} failed",
        summary.enrolled,
        summary.skipped,
        summary.failed.len()
    );
    if let Some((kind, why)) = summary.stopped {
        let error = CommandError::new(kind, format!("{}: {why}; {line}", file.display()));
        return Err(error
            .with_members(members)
            .hint("the same command continues from there"));
    }
    if summary.failed.is_empty() {
        return Ok(Output::new(vec![line], members));
    }
    let error = CommandError::new(ErrorKind::Refused, format!("{}: {line}", file.display()));
    Err(error
        .with_members(members)
        .hint("fix these lines and run the same command again"))
}
