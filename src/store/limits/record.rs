//! The counts of one user or one address, and the arithmetic of the limits. Does no I/O.
//!
//! A message counts for one hour. A stored time that is later than now, because the clock was set
//! back, is taken as now: it is not forgotten, and counts no longer than a new one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Costly;

/// How long a message counts, in seconds.
pub(super) const HOUR: u64 = 3600;
/// The first pause after too many refused codes, and the longest one, in seconds. Each further
/// refused code doubles the pause.
const FIRST_PAUSE: u64 = 30;
const LONGEST_PAUSE: u64 = 15 * 60;

/// The counts. Times are in seconds since 1970; the names of the fields are those in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The name of the user, if enrolled.
    pub(super) name: Option<String>,
    sms: Vec<u64>,
    calls: Vec<u64>,
    pushes: Vec<u64>,
    /// Refused codes in a row.
    refused: u32,
    /// When the last of them was refused.
    refused_at: u64,
}

impl Record {
    fn sent(&mut self, what: Costly) -> &mut Vec<u64> {
        match what {
            Costly::Sms => &mut self.sms,
            Costly::Call => &mut self.calls,
            Costly::Push => &mut self.pushes,
        }
    }

    /// How many were sent within the last hour.
    pub(super) fn sent_count(&mut self, what: Costly) -> usize {
        self.sent(what).len()
    }

    /// How many codes in a row were refused.
    pub(super) fn refused(&self) -> u32 {
        self.refused
    }

    /// Whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        [&self.sms, &self.calls, &self.pushes]
            .iter()
            .all(|sent| sent.is_empty())
            && self.refused == 0
    }

    /// When something was last counted.
    pub(super) fn last_counted(&self) -> u64 {
        let sent = [&self.sms, &self.calls, &self.pushes];
        let last = sent.iter().filter_map(|sent| sent.iter().max()).max();
        self.refused_at.max(last.copied().unwrap_or(0))
    }

    /// Drops what no longer counts.
    pub(super) fn expire(&mut self, now: u64) {
        for sent in [&mut self.sms, &mut self.calls, &mut self.pushes] {
            sent.retain(|at| at.saturating_add(HOUR) > now);
            for at in sent {
                *at = now.min(*at);
            }
        }
        self.refused_at = now.min(self.refused_at);
    }

    /// Counts one message, unless `limit` of them count already. The record must have been expired
    /// at `now`.
    ///
    /// # Errors
    /// How long it takes until the next message is allowed.
    pub(super) fn acquire(&mut self, what: Costly, limit: u32, now: u64) -> Result<(), Duration> {
        let sent = self.sent(what);
        if (sent.len() as u64) < u64::from(limit) {
            sent.push(now);
            return Ok(());
        }
        // The next message is allowed when enough of the oldest have expired. More than `limit`
        // count where the limit was lowered.
        sent.sort_unstable();
        let expiring = sent.len().saturating_sub(limit as usize);
        let until = sent
            .get(expiring)
            .map_or(now, |at| *at)
            .saturating_add(HOUR);
        Err(Duration::from_secs(until.saturating_sub(now)))
    }

    /// Takes back the message that was counted at `at`, or the last one, if the clock was set back
    /// since.
    pub(super) fn release(&mut self, what: Costly, at: u64) {
        let sent = self.sent(what);
        match sent.iter().rposition(|known| *known == at) {
            Some(entry) => drop(sent.remove(entry)),
            None => drop(sent.pop()),
        }
    }

    /// Counts a refused code, and returns when the previous one was refused.
    pub(super) fn refuse(&mut self, now: u64) -> u64 {
        self.refused = self.refused.saturating_add(1);
        std::mem::replace(&mut self.refused_at, now)
    }

    /// Takes back the refused code that was counted at `at`; `previous` is what [`Record::refuse`]
    /// returned.
    pub(super) fn release_refused(&mut self, at: u64, previous: u64) {
        self.refused = self.refused.saturating_sub(1);
        if self.refused == 0 {
            self.refused_at = 0;
        } else if self.refused_at == at {
            self.refused_at = previous;
        }
    }

    /// Forgets all refused codes.
    pub(super) fn forget_refused(&mut self) {
        self.refused = 0;
        self.refused_at = 0;
    }

    /// Returns how long no code is accepted, with a pause after `limit` refused codes in a row. The
    /// record must have been expired at `now`.
    pub(super) fn pause(&self, limit: u32, now: u64) -> Option<Duration> {
        let beyond = self.refused.checked_sub(limit)?;
        let pause = FIRST_PAUSE
            .saturating_mul(1 << beyond.min(16))
            .min(LONGEST_PAUSE);
        let left = self.refused_at.saturating_add(pause).saturating_sub(now);
        (left > 0).then(|| Duration::from_secs(left))
    }
}
