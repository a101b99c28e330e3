//! What became of the rows, and which failures end an import.

use std::path::Path;

use pam_authy::client::authy::Error;
use pam_authy::store::users::write;
use serde_json::json;

use super::progress::Progress;
use crate::failure::{Failure, Kind};
use crate::output::Done;

/// How many rows in a row may get no answer before the rest is left alone.
const UNANSWERED_LIMIT: u32 = 3;

/// What has become of the rows so far.
#[derive(Default)]
pub(super) struct Tally {
    enrolled: usize,
    skipped: usize,
    failed: Vec<(usize, String)>,
    /// Rows without an answer since the last that got one.
    unanswered: u32,
    /// Why the rest was left alone.
    pub(super) stopped: Option<(Kind, String)>,
}

/// What became of one row.
pub(super) enum Fate {
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
    /// This one alone.
    Row,
    /// This one; the next may get an answer.
    Unanswered,
    /// All that follow as well.
    All(Kind),
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
            Error::Unavailable(_) => Scope::Unanswered,
            Error::KeyRefused(_) | Error::RateLimited(_) => Scope::All(Kind::Refused),
            Error::FalseIdentity(_) => Scope::All(Kind::Unavailable),
            Error::Process(_) | Error::Local(_) => Scope::All(Kind::Local),
            _ => Scope::Row,
        };
        Self {
            message: Failure::from(error).message,
            scope,
        }
    }
}

impl From<write::Error> for RowError {
    fn from(error: write::Error) -> Self {
        let scope = match &error {
            write::Error::Mapping(_) | write::Error::Locked(_) | write::Error::Io { .. } => {
                Scope::All(Kind::Local)
            }
            _ => Scope::Row,
        };
        Self {
            message: error.to_string(),
            scope,
        }
    }
}

impl Tally {
    /// Shows and counts what became of a row.
    pub(super) fn count(
        &mut self,
        progress: &Progress,
        line: usize,
        user: &str,
        fate: Result<Fate, RowError>,
    ) {
        progress.row(line, user, &fate);
        match fate {
            Ok(Fate::Enrolled) => {
                self.enrolled += 1;
                self.unanswered = 0;
            }
            Ok(Fate::Skipped) => self.skipped += 1,
            Err(error) => {
                match error.scope {
                    Scope::Row => self.unanswered = 0,
                    Scope::Unanswered => self.unanswered += 1,
                    Scope::All(kind) => self.stopped = Some((kind, error.message.clone())),
                }
                if self.unanswered >= UNANSWERED_LIMIT {
                    self.stopped = Some((Kind::Unavailable, error.message.clone()));
                }
                self.failed.push((line, error.message));
            }
        }
    }
}

pub(super) fn conclude(file: &Path, mut tally: Tally, dry_run: bool) -> Result<Done, Failure> {
    tally.failed.sort();
    let failed: Vec<_> = tally
        .failed
        .iter()
        .map(|(line, message)| json!({"line": line, "message": message}))
        .collect();
    let members = json!({
        "enrolled": tally.enrolled,
        "skipped": tally.skipped,
        "failed": failed,
        "dry_run": dry_run,
    });
    let would = if dry_run { "would be " } else { "" };
    let line = format!(
        "{} {would}enrolled, {} already enrolled, {} failed",
        tally.enrolled,
        tally.skipped,
        tally.failed.len()
    );
    if let Some((kind, why)) = tally.stopped {
        let failure = Failure::new(kind, format!("{}: {why}; {line}", file.display()));
        return Err(failure
            .with_members(members)
            .hint("the same command goes on from there"));
    }
    if tally.failed.is_empty() {
        return Ok(Done::new(vec![line], members));
    }
    let failure = Failure::new(Kind::Refused, format!("{}: {line}", file.display()));
    Err(failure
        .with_members(members)
        .hint("mend these lines and run the same command again"))
}
