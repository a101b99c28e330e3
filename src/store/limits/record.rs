//! The counts of one user or one address; arithmetic alone.
//!
//! What was sent counts for an hour. A time that is later than now (the clock went back) is taken as
//! now: it is not forgotten, and counts no longer than one that is new.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Costly;

/// How long something that was sent counts, in seconds.
pub(super) const HOUR: u64 = 3600;
/// The first pause after too many refused tokens, and the longest, in seconds.
const FIRST_PAUSE: u64 = 30;
const LONGEST_PAUSE: u64 = 15 * 60;

/// The counts; times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The user's name, for those who are enrolled.
    pub(super) name: Option<String>,
    sms: Vec<u64>,
    calls: Vec<u64>,
    pushes: Vec<u64>,
    /// Refused tokens in a row.
    refused: u32,
    /// The last of them.
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

    /// How many were sent within the hour.
    pub(super) fn number(&mut self, what: Costly) -> usize {
        self.sent(what).len()
    }

    /// Refused tokens in a row.
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

    /// When something last happened.
    pub(super) fn last(&self) -> u64 {
        let sent = [&self.sms, &self.calls, &self.pushes];
        let last = sent.iter().filter_map(|sent| sent.iter().max()).max();
        self.refused_at.max(last.copied().unwrap_or(0))
    }

    /// Drops what does not count any more.
    pub(super) fn expire(&mut self, now: u64) {
        for sent in [&mut self.sms, &mut self.calls, &mut self.pushes] {
            sent.retain(|at| at.saturating_add(HOUR) > now);
            for at in sent {
                *at = now.min(*at);
            }
        }
        self.refused_at = now.min(self.refused_at);
    }

    /// Counts one, unless there are `most` already: then says how long until the next. Of a settled
    /// record.
    pub(super) fn acquire(&mut self, what: Costly, most: u32, now: u64) -> Result<(), Duration> {
        let sent = self.sent(what);
        if (sent.len() as u64) < u64::from(most) {
            sent.push(now);
            return Ok(());
        }
        // Room is there when the oldest that must go has gone; more than `most` are kept where the
        // rule was made tighter.
        sent.sort_unstable();
        let leaving = sent.len().saturating_sub(most as usize);
        let until = sent.get(leaving).map_or(now, |at| *at).saturating_add(HOUR);
        Err(Duration::from_secs(until.saturating_sub(now)))
    }

    /// Takes back the one that was counted at `at`, or the last where the clock went back since.
    pub(super) fn release(&mut self, what: Costly, at: u64) {
        let sent = self.sent(what);
        match sent.iter().rposition(|known| *known == at) {
            Some(entry) => drop(sent.remove(entry)),
            None => drop(sent.pop()),
        }
    }

    /// Counts a refused token; gives back when the one before it was.
    pub(super) fn refuse(&mut self, now: u64) -> u64 {
        self.refused = self.refused.saturating_add(1);
        std::mem::replace(&mut self.refused_at, now)
    }

    /// Takes back the refused token that was counted at `at`.
    pub(super) fn release_refused(&mut self, at: u64, previous: u64) {
        self.refused = self.refused.saturating_sub(1);
        if self.refused == 0 {
            self.refused_at = 0;
        } else if self.refused_at == at {
            self.refused_at = previous;
        }
    }

    pub(super) fn forget_refused(&mut self) {
        self.refused = 0;
        self.refused_at = 0;
    }

    /// How long no further token is taken, with a pause after `most` in a row. Of a settled record.
    pub(super) fn pause(&self, most: u32, now: u64) -> Option<Duration> {
        let beyond = self.refused.checked_sub(most)?;
        let pause = FIRST_PAUSE
            .saturating_mul(1 << beyond.min(16))
            .min(LONGEST_PAUSE);
        let left = self.refused_at.saturating_add(pause).saturating_sub(now);
        (left > 0).then(|| Duration::from_secs(left))
    }
}
