//! Rows on their way into the mapping: a small mapping is written after every row or two; a large one,
//! which takes longer to write, less often.

use std::path::Path;
use std::time::{Duration, Instant};

use pam_authy::client::authy::types::AuthyId;
use pam_authy::store::users::write::{self, Enrolment};

use super::progress::Progress;
use super::summary::{ImportSummary, RowError, RowOutcome};

/// Between two writes of the mapping passes this many times what a write takes.
const REST: u32 = 4;

/// Rows that are not written yet.
pub(super) struct Batch<'a> {
    users: &'a Path,
    replace: bool,
    rows: Vec<(usize, Enrolment)>,
    last: Instant,
    cost: Duration,
}

impl<'a> Batch<'a> {
    pub(super) fn new(users: &'a Path, replace: bool) -> Self {
        Self {
            users,
            replace,
            rows: Vec::new(),
            last: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    pub(super) fn add(&mut self, line: usize, user: String, id: AuthyId) {
        let key = None;
        self.rows.push((line, Enrolment { user, key, id }));
    }

    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.cost * REST
    }

    /// Writes the rows that are waiting, and says of each what became of it.
    pub(super) fn write(&mut self, progress: &Progress, summary: &mut ImportSummary) {
        if self.rows.is_empty() {
            return;
        }
        let start = Instant::now();
        let (lines, rows): (Vec<_>, Vec<_>) = self.rows.drain(..).unzip();
        let fates: Vec<_> = match write::enroll_all(self.users, &rows, self.replace) {
            Ok(changes) => changes.into_iter().map(outcome).collect(),
            Err(error) => {
                let error = RowError::from(error);
                rows.iter().map(|_| Err(error.clone())).collect()
            }
        };
        for ((line, row), outcome) in lines.into_iter().zip(&rows).zip(fates) {
            summary.count(progress, line, &row.user, outcome);
        }
        self.last = Instant::now();
        self.cost = self.last.duration_since(start);
    }
}

fn outcome(change: Result<write::Change, write::Error>) -> Result<RowOutcome, RowError> {
    Ok(if change?.changed {
        RowOutcome::Enrolled
    } else {
        RowOutcome::Skipped
    })
}
