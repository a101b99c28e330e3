//! Rows of an import on their way into the mapping, several in one write.
//!
//! A write takes as long as the mapping is large, so it comes the less often the longer it takes: a
//! small mapping is written after every row or two, and writing never takes most of the time.

use std::path::Path;
use std::time::{Duration, Instant};

use pam_authy::client::types::AuthyId;
use pam_authy::users::write::{self, Enrolment};

use super::{Fate, Progress, Tally};

/// Between two writes of the mapping passes this many times what a write takes.
const REST: u32 = 4;

/// Rows on their way into the mapping.
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
    pub(super) fn write(&mut self, progress: &Progress, tally: &mut Tally) {
        if self.rows.is_empty() {
            return;
        }
        let start = Instant::now();
        let (lines, rows): (Vec<_>, Vec<_>) = self.rows.drain(..).unzip();
        let fates: Vec<_> = match write::enroll_all(self.users, &rows, self.replace) {
            Ok(changes) => changes.into_iter().map(fate).collect(),
            Err(error) => rows.iter().map(|_| Err(error.to_string())).collect(),
        };
        for ((line, row), fate) in lines.into_iter().zip(&rows).zip(fates) {
            tally.count(progress, line, &row.user, fate);
        }
        self.last = Instant::now();
        self.cost = self.last.duration_since(start);
    }
}

fn fate(change: Result<write::Change, write::Error>) -> Result<Fate, String> {
    match change {
        Ok(change) if change.changed => Ok(Fate::Enrolled),
        Ok(_) => Ok(Fate::Skipped),
        Err(error) => Err(error.to_string()),
    }
}
