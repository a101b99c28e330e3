//! Rows on their way into the mapping. A small mapping is written after every row or two. A large
//! one takes longer to write, and is written less often.

use std::time::{Duration, Instant};

use pam_authy::client::authy::types::AuthyId;
use pam_authy::store::users::Mapping;
use pam_authy::store::users::write::{self, Enrolment};

use super::super::lasting;
use super::progress::Progress;
use super::summary::{ImportSummary, RowError, RowOutcome};
use crate::cli::Global;

/// The pause between two writes of the mapping, in multiples of the time that a write takes.
const PAUSE_FACTOR: u32 = 4;

/// The rows that are not written yet.
pub(super) struct Batch<'a> {
    global: &'a Global,
    /// The mapping before the import.
    mapping: &'a Mapping,
    replace: bool,
    rows: Vec<(usize, Enrolment)>,
    last_write: Instant,
    /// How long the last write took.
    cost: Duration,
}

impl<'a> Batch<'a> {
    pub(super) fn new(global: &'a Global, mapping: &'a Mapping, replace: bool) -> Self {
        Self {
            global,
            mapping,
            replace,
            rows: Vec::new(),
            last_write: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    pub(super) fn add(&mut self, line: usize, user: String, id: AuthyId) {
        let key = None;
        self.rows.push((line, Enrolment { user, key, id }));
    }

    pub(super) fn is_due(&self) -> bool {
        self.last_write.elapsed() >= self.cost * PAUSE_FACTOR
    }

    /// Writes the rows, and counts the outcome of each.
    pub(super) fn write(&mut self, progress: &Progress, summary: &mut ImportSummary) {
        if self.rows.is_empty() {
            return;
        }
        let start = Instant::now();
        let (lines, rows): (Vec<_>, Vec<_>) = self.rows.drain(..).unzip();
        let outcomes: Vec<_> = match write::enroll_all(&self.global.users, &rows, self.replace) {
            Ok(changes) => {
                self.end_replaced(&rows, &changes);
                changes.into_iter().map(outcome).collect()
            }
            Err(error) => {
                let error = RowError::from(error);
                rows.iter().map(|_| Err(error.clone())).collect()
            }
        };
        for ((line, row), outcome) in lines.into_iter().zip(&rows).zip(outcomes) {
            summary.count(progress, line, &row.user, outcome);
        }
        self.last_write = Instant::now();
        self.cost = self.last_write.duration_since(start);
    }

    /// Ends what lasts of people who were replaced. New people's files are made at their first login.
    fn end_replaced(&self, rows: &[Enrolment], changes: &[Result<write::Change, write::Error>]) {
        for (row, change) in rows.iter().zip(changes) {
            if matches!(change, Ok(change) if change.changed && change.previous.is_some()) {
                // What is left of them is shown by `limits` and `recovery left`.
                let _ = lasting::follow(self.global, &row.user, &self.mapping.find(&row.user));
            }
        }
    }
}

fn outcome(change: Result<write::Change, write::Error>) -> Result<RowOutcome, RowError> {
    Ok(if change?.changed {
        RowOutcome::Enrolled
    } else {
        RowOutcome::Skipped
    })
}
