//! The counts of one user, factor or address in shared memory.
//!
//! Each change is one compare-and-exchange of one word. A word is read first and the clock after
//! it, so that a process which was stopped in between never takes its own late clock for one that
//! was set back. Called by [`super`] and by `admin`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::Costly;
use super::word::{self, Bucket, PauseRule, Series, Streak};
use crate::store::state::WordFile;

/// The words of a record: its key, when it was last used, refused codes, denied pushes, buckets of
/// SMS, calls, pushes and codes that were checked on this host, a text, and, in a file of its own,
/// buckets of challenges.
pub(super) const KEY: usize = 0;
pub(super) const USED: usize = 1;
pub(super) const REFUSED: usize = 2;
const DENIED: usize = 3;
const SMS: Series = hour(4);
const CALLS: Series = hour(17);
const PUSHES: Series = hour(30);
pub(super) const CHECKED: Series = Series {
    first: 43,
    buckets: 25,
    seconds: 3600,
};
pub(super) const TEXT: usize = 68;
/// The end of the text in a record that has a file of its own, and after it the challenges at
/// Twilio.
pub(super) const OWN_TEXT_END: usize = 473;
pub(super) const CHALLENGES_HOUR: Series = hour(OWN_TEXT_END);
pub(super) const CHALLENGES_DAY: Series = Series {
    first: OWN_TEXT_END + 13,
    buckets: 25,
    seconds: 3600,
};
/// How many words a record in a shared file has, with 40 bytes of text.
pub(super) const SHARED_WORDS: usize = TEXT + 5;

/// The buckets of an hour.
const fn hour(first: usize) -> Series {
    Series {
        first,
        buckets: 13,
        seconds: 300,
    }
}

impl From<Costly> for Series {
    fn from(what: Costly) -> Self {
        match what {
            Costly::Sms => SMS,
            Costly::Call => CALLS,
            Costly::Push => PUSHES,
        }
    }
}

/// Seconds since 1970, read again for each attempt to change a word.
pub(super) type Now<'a> = &'a dyn Fn() -> u64;

/// What is counted in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Refused,
    Denied,
}

impl Row {
    fn word(self) -> usize {
        match self {
            Self::Refused => REFUSED,
            Self::Denied => DENIED,
        }
    }
}

/// A refusal that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// Its number.
    pub(super) sequence: u16,
    /// The time of the one before.
    before: u32,
}

/// A pause, because of which nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paused {
    pub(super) number: u8,
    pub(super) left: Duration,
}

/// The record of a key in an opened file.
#[derive(Debug)]
pub(super) struct Slot {
    file: Rc<WordFile>,
    start: usize,
    key: u64,
}

/// The tag of a key's words.
fn tag(key: u64) -> u16 {
    let [_, _, _, _, high, low, _, _] = key.to_be_bytes();
    u16::from_be_bytes([high, low])
}

impl Slot {
    pub(super) fn new(file: Rc<WordFile>, start: usize, key: u64) -> Self {
        Self { file, start, key }
    }

    /// Whether the record still belongs to its key, and the file has its name. Asked between
    /// reading a word and exchanging it, so that no word of the next key is replaced, and again
    /// afterwards: what was counted in a record that was given away must be counted again.
    fn is_current(&self) -> bool {
        self.load(KEY) == self.key && self.file.is_linked()
    }

    /// Counts one, unless `limit` of them count already. Returns its period; `None` when the
    /// record was given away.
    ///
    /// # Errors
    /// How long it takes until the next one is allowed.
    pub(super) fn acquire(
        &self,
        what: Series,
        limit: u32,
        now: Now<'_>,
    ) -> Result<Option<u32>, Duration> {
        loop {
            let words = self.sent(what);
            let time = now();
            let buckets = self.settle(what, &words, time);
            if what.total(&buckets, time) >= limit {
                return Err(what.wait(&buckets, limit, time));
            }
            let period = what.period(time);
            let at = what.word(period);
            let index = at - what.first;
            let (Some(old), Some(bucket)) = (words.get(index), buckets.get(index)) else {
                return Ok(None);
            };
            let kept = if what.counts(*bucket, time) {
                bucket.number
            } else {
                0
            };
            let new = Bucket {
                period,
                number: kept.saturating_add(1),
            };
            if !self.is_current() {
                return Ok(None);
            }
            if self.exchange(at, *old, self.packed(new)) {
                self.confirm(what, limit, period, now)?;
                return Ok(self.is_current().then_some(period));
            }
        }
    }

    /// Returns an error when no more is allowed, and counts nothing.
    pub(super) fn check(&self, what: Series, limit: u32, now: Now<'_>) -> Result<(), Duration> {
        let words = self.sent(what);
        let time = now();
        let buckets = self.settle(what, &words, time);
        if what.total(&buckets, time) >= limit {
            return Err(what.wait(&buckets, limit, time));
        }
        Ok(())
    }

    /// Whether one was counted since a time, to the start of its bucket.
    pub(super) fn counted_since(&self, what: Series, since: u64) -> bool {
        let buckets = self.buckets(&self.sent(what));
        let since = what.period(since);
        let mut buckets = buckets.iter();
        buckets.any(|bucket| bucket.number > 0 && bucket.period >= since)
    }

    /// Takes one back that was one too many, because another process counted in another
    /// period at the same time.
    fn confirm(&self, what: Series, limit: u32, period: u32, now: Now<'_>) -> Result<(), Duration> {
        let buckets = self.buckets(&self.sent(what));
        let time = now();
        if what.total(&buckets, time) <= limit {
            return Ok(());
        }
        self.release(what, period);
        Err(what.wait(&buckets, limit, time))
    }

    /// Takes back one of this period, while its bucket still counts.
    pub(super) fn release(&self, what: Series, period: u32) {
        let at = what.word(period);
        let tag = tag(self.key);
        self.file.update(self.start + at, |old| {
            let bucket = Bucket::unpack(old, tag);
            if bucket.period != period || bucket.number == 0 {
                return old;
            }
            let number = bucket.number - 1;
            Bucket { number, ..bucket }.pack(tag)
        });
    }

    /// Returns the buckets as of `time`. One of a later time is dated back, so that it counts no
    /// longer than the others.
    fn settle(&self, what: Series, words: &[u64], time: u64) -> Vec<Bucket> {
        let mut buckets = self.buckets(words);
        for (at, (word, bucket)) in words.iter().zip(&mut buckets).enumerate() {
            if bucket.number > 0 && bucket.period > what.period(time) {
                bucket.period = what.period(time);
                // If another process was faster, its word is as good.
                let _ = self.exchange(what.first + at, *word, self.packed(*bucket));
            }
        }
        buckets
    }

    /// Counts one more refusal, unless there is a pause; without a `rule` it always counts. Returns
    /// `None` when the record was given away.
    ///
    /// # Errors
    /// There is a pause.
    pub(super) fn refuse(
        &self,
        row: Row,
        rule: Option<PauseRule>,
        now: Now<'_>,
    ) -> Result<Option<Counted>, Paused> {
        let tag = tag(self.key);
        loop {
            let old = self.load(row.word());
            let streak = Streak::unpack(old, tag);
            let time = now();
            if let Some(rule) = rule {
                self.paused(row, old, rule, time)?;
            }
            let new = streak.counted(time);
            if !self.is_current() {
                return Ok(None);
            }
            if self.exchange(row.word(), old, new.pack(tag)) {
                // A process that was stopped since it read the clock counts later than that.
                let later = new.not_before(now());
                let _ = self.exchange(row.word(), new.pack(tag), later.pack(tag));
                let counted = Counted {
                    sequence: new.sequence(),
                    before: streak.settled(time).at,
                };
                return Ok(self.is_current().then_some(counted));
            }
        }
    }

    /// Returns an error during a pause.
    pub(super) fn check_pause(
        &self,
        row: Row,
        rule: PauseRule,
        now: Now<'_>,
    ) -> Result<(), Paused> {
        let old = self.load(row.word());
        self.paused(row, old, rule, now())
    }

    fn paused(&self, row: Row, old: u64, rule: PauseRule, time: u64) -> Result<(), Paused> {
        let streak = self.streak(old);
        let Some(left) = streak.pause(rule, time) else {
            return Ok(());
        };
        let settled = streak.settled(time);
        if settled != streak {
            // The clock was set back; the pause now ends as one that begins now.
            let _ = self.exchange(row.word(), old, settled.pack(tag(self.key)));
        }
        Err(Paused {
            number: streak.number,
            left,
        })
    }

    /// Takes back a refusal.
    pub(super) fn release_refused(&self, row: Row, counted: Counted) {
        self.change(row, |streak| {
            streak.released(counted.sequence, counted.before)
        });
    }

    /// The number of the last refusal.
    pub(super) fn last(&self, row: Row) -> u16 {
        self.streak(self.load(row.word())).sequence()
    }

    /// Forgets the refusals up to this number, and returns how many they were.
    pub(super) fn forget(&self, row: Row, sequence: u16) -> u8 {
        let forgotten = Cell::new(0);
        self.change(row, |streak| {
            let left = streak.forgotten(sequence);
            forgotten.set(streak.number.saturating_sub(left.number));
            left
        });
        forgotten.get()
    }

    /// Forgets everything that is counted.
    pub(super) fn clear(&self) {
        for row in [Row::Refused, Row::Denied] {
            self.change(row, |streak| streak.forgotten(streak.sequence()));
        }
        for at in SMS.first..TEXT {
            self.file.update(self.start + at, |_| 0);
        }
    }

    /// Writes the text. Every process writes the same one.
    pub(super) fn name(&self, text: &str, words: usize) {
        let mut cut = text.len().min(words * 8);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let mut bytes = text.get(..cut).unwrap_or_default().bytes();
        for at in TEXT..TEXT + words {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(bytes.by_ref())
                .for_each(|(to, from)| *to = from);
            let word = u64::from_ne_bytes(word);
            self.file.update(self.start + at, |_| word);
        }
    }

    /// Notes when the record was last used.
    pub(super) fn touch(&self, now: u64) {
        let new = word::pack_used(now, tag(self.key));
        self.file.update(self.start + USED, |_| new);
    }

    fn change(&self, row: Row, change: impl Fn(Streak) -> Streak) {
        let tag = tag(self.key);
        self.file.update(self.start + row.word(), |old| {
            change(Streak::unpack(old, tag)).pack(tag)
        });
    }

    fn sent(&self, what: Series) -> Vec<u64> {
        what.words().map(|at| self.load(at)).collect()
    }

    fn buckets(&self, words: &[u64]) -> Vec<Bucket> {
        let tag = tag(self.key);
        words
            .iter()
            .map(|word| Bucket::unpack(*word, tag))
            .collect()
    }

    fn streak(&self, word: u64) -> Streak {
        Streak::unpack(word, tag(self.key))
    }

    fn packed(&self, bucket: Bucket) -> u64 {
        bucket.pack(tag(self.key))
    }

    fn load(&self, at: usize) -> u64 {
        self.file.load(self.start + at)
    }

    fn exchange(&self, at: usize, old: u64, new: u64) -> bool {
        self.file.exchange(self.start + at, old, new)
    }
}

/// A record that was read, for `authyctl`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot<'a>(pub(super) &'a [u64]);

impl Snapshot<'_> {
    fn word(self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or_default()
    }

    pub(super) fn key(self) -> u64 {
        self.word(KEY)
    }

    pub(super) fn sent(self, what: Series, now: u64) -> u32 {
        what.total(&self.buckets(what), now)
    }

    /// How long it takes until another one is within `limit`; `None` if one is now.
    pub(super) fn wait(self, what: Series, limit: u32, now: u64) -> Option<Duration> {
        let buckets = self.buckets(what);
        (what.total(&buckets, now) >= limit).then(|| what.wait(&buckets, limit, now))
    }

    fn buckets(self, what: Series) -> Vec<Bucket> {
        let words = what.words();
        words
            .map(|at| Bucket::unpack(self.word(at), tag(self.key())))
            .collect()
    }

    pub(super) fn streak(self, row: Row) -> Streak {
        Streak::unpack(self.word(row.word()), tag(self.key()))
    }

    /// The text, if it has one that is complete.
    pub(super) fn text(self) -> Option<String> {
        let bytes: Vec<_> = self
            .0
            .iter()
            .skip(TEXT)
            .take(OWN_TEXT_END - TEXT)
            .flat_map(|word| word.to_ne_bytes())
            .take_while(|byte| *byte != 0)
            .collect();
        String::from_utf8(bytes)
            .ok()
            .filter(|text| !text.is_empty())
    }
}
