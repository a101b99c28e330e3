//! Rows on their way into totp.toml and the mapping. Small files are written after every row or
//! two. Large ones take longer to write, and are written less often.
//!
//! Secrets are written first, and then the entries that use them: where the import is killed
//! between the two, a secret is there that no entry uses, and the next run completes the row.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pam_authy::engine::shared_words;
use pam_authy::store::config::Config;
use pam_authy::store::directory as directory_file;
use pam_authy::store::edit::Purpose;
use pam_authy::store::recovery::{self, Left};
use pam_authy::store::totp::{self, Authenticator, Secrets, write as secrets};
use pam_authy::store::users::write::{Addition, add_factors};
use pam_authy::store::users::{Entry, Mapping};

use super::super::totp::at_prompt;
use super::super::{directory, entry, entry_to_change, lasting};
use super::progress::Progress;
use super::rows::ImportedApp;
use super::summary::{ImportSummary, RowError, RowOutcome};
use crate::cli::Global;
use crate::error::CommandError;

/// The pause between two writes, in multiples of the time that a write takes.
const PAUSE_FACTOR: u32 = 4;

/// A row that is not written yet.
pub(super) struct Pending {
    pub(super) line: Option<usize>,
    pub(super) addition: Addition,
    pub(super) app: Option<ImportedApp>,
}

/// What came of a row.
#[derive(Clone, Copy, Default)]
struct Written {
    changed: bool,
    /// Whether another factor of the same kind was there.
    replaced: bool,
}

/// The rows that are not written yet.
pub(super) struct Batch<'a> {
    global: &'a Global,
    /// The mapping and the secrets before the import.
    mapping: &'a Mapping,
    secrets: Option<Secrets>,
    /// The state folder; `None` without a configuration.
    state: Option<PathBuf>,
    replace: bool,
    rows: Vec<Pending>,
    last_write: Instant,
    /// How long the last write took.
    cost: Duration,
}

impl<'a> Batch<'a> {
    pub(super) fn new(global: &'a Global, mapping: &'a Mapping, replace: bool) -> Self {
        let config = Config::load(&global.config).ok();
        Self {
            global,
            mapping,
            secrets: Secrets::load(&totp::path(&global.users)).ok(),
            state: config.map(|config| config.paths.state),
            replace,
            rows: Vec::new(),
            last_write: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    pub(super) fn add(&mut self, row: Pending) {
        self.rows.push(row);
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
        let rows = std::mem::take(&mut self.rows);
        let outcomes = self.write_files(&rows);
        for (row, outcome) in rows.iter().zip(outcomes) {
            let user = row.addition.user.as_str();
            let left = match &outcome {
                Ok(written) => self.keep_what_lasts(row, *written),
                Err(_) => Vec::new(),
            };
            let outcome = outcome.map(|written| {
                if written.changed {
                    RowOutcome::Enrolled
                } else {
                    RowOutcome::Skipped
                }
            });
            summary.count(progress, row.line, user, outcome);
            for message in left {
                summary.leave_out(row.line, user, message);
            }
        }
        self.last_write = Instant::now();
        self.cost = self.last_write.duration_since(start);
    }

    /// Writes the secrets and then the entries; a row whose secret is refused has no entry either.
    fn write_files(&self, rows: &[Pending]) -> Vec<Result<Written, RowError>> {
        let mut outcomes: Vec<_> = rows.iter().map(|_| Ok(Written::default())).collect();
        let apps: Vec<_> = (rows.iter())
            .filter_map(|row| Some((row.addition.user.as_str(), &row.app.as_ref()?.app)))
            .collect();
        if !apps.is_empty() {
            let path = totp::path(&self.global.users);
            let stored = secrets::set_all(&path, &apps, self.replace, Purpose::Change);
            let with_app = (rows.iter().zip(&mut outcomes)).filter(|(row, _)| row.app.is_some());
            join(with_app.map(|(_, outcome)| outcome), stored, |change| {
                Written {
                    changed: change.changed,
                    replaced: change.changed && change.previous.is_some(),
                }
            });
        }
        let additions: Vec<_> = (rows.iter().zip(&outcomes))
            .filter(|(_, outcome)| outcome.is_ok())
            .map(|(row, _)| row.addition.clone())
            .collect();
        let users = &self.global.users;
        let added = add_factors(users, &additions, self.replace, Purpose::Change);
        let usable = outcomes.iter_mut().filter(|outcome| outcome.is_ok());
        join(usable, added, |added| Written {
            changed: added.changed,
            replaced: added.replaced,
        });
        outcomes
    }

    /// Ends what lasts of a person who was replaced. Otherwise the person stays the same: recovery
    /// codes learn the new factors, so that they outlast an old one. Returns what went wrong.
    fn keep_what_lasts(&self, row: &Pending, written: Written) -> Vec<String> {
        let user = row.addition.user.as_str();
        let mut before = self.mapping.find(user);
        before.set_totp_ids(|name| {
            let secrets = self.secrets.as_ref()?;
            secrets.find(name).ok().map(Authenticator::id)
        });
        // The files of new people are made at their first login.
        if let (Entry::Absent, Some(state)) = (&before, &self.state)
            && directory_file::path(state).exists()
        {
            // users.toml wins over the directory from now on.
            before = directory::entry(self.global, user);
        }
        let left = match &before {
            Entry::Absent | Entry::Removed { .. } => None,
            Entry::Enrolled(_) if self.mapping.find(user) == Entry::Absent => {
                lasting::follow(self.global, user, &before)
            }
            _ if written.replaced => lasting::follow(self.global, user, &before),
            _ => self.record(user),
        };
        if let (true, Some(_), Some(state)) = (self.replace, &row.app, &self.state) {
            // Only the new one counts from now on. What stays does no harm.
            let _ = at_prompt::remove(state, user);
        }
        let codes = row
            .app
            .iter()
            .filter(|app| written.changed && !app.emergency.is_empty());
        let refused = codes.filter_map(|app| self.keep_emergency_codes(user, app).err());
        let refused = refused.map(|why| format!("the emergency codes were left out: {why}"));
        left.into_iter().chain(refused).collect()
    }

    /// Records the factors of a user who keeps those of before.
    pub(super) fn record(&self, user: &str) -> Option<String> {
        let state = self.state.as_ref()?;
        // Few have codes, and the factors of the others need not be looked up.
        if matches!(recovery::left(state, user, &[]), Ok(Left::Never)) {
            return None;
        }
        let factors = entry(self.global, user).ok()?.stored_ids();
        let recorded = lasting::record(state, user, factors).err()?;
        Some(format!(
            "its recovery codes do not know the new factor: {recorded}"
        ))
    }

    /// Makes emergency codes the recovery codes of `user`.
    fn keep_emergency_codes(&self, user: &str, app: &ImportedApp) -> Result<(), CommandError> {
        let state = Config::load(&self.global.config)?.paths.state;
        let factors = entry_to_change(self.global, user)?.stored_ids();
        recovery::import(&state, user, factors, &app.emergency, shared_words::map)?;
        Ok(())
    }
}

/// Adds the outcomes of one file to those so far.
fn join<'o, T, E>(
    so_far: impl Iterator<Item = &'o mut Result<Written, RowError>>,
    outcomes: Result<Vec<Result<T, E>>, E>,
    written: impl Fn(T) -> Written,
) where
    RowError: From<E>,
{
    match outcomes {
        Ok(outcomes) => {
            for (row, outcome) in so_far.zip(outcomes) {
                match (outcome, &mut *row) {
                    (Ok(change), Ok(sum)) => {
                        let more = written(change);
                        sum.changed |= more.changed;
                        sum.replaced |= more.replaced;
                    }
                    (Err(error), _) => *row = Err(error.into()),
                    (Ok(_), Err(_)) => {}
                }
            }
        }
        Err(error) => {
            let error = RowError::from(error);
            so_far.for_each(|row| *row = Err(error.clone()));
        }
    }
}
