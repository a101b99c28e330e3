//! What one word of a record says, and the arithmetic of the limits. Does no I/O.
//!
//! Messages are counted in buckets of five minutes, and each bucket counts until an hour after its
//! end ([`Series`]). Codes that are checked on this host are counted by the hour and for a day. Refused
//! codes and denied pushes are counted in a row ([`Streak`]), and cause a pause. A time
//! that is later than now, because the clock was set back, is taken as now: it is not forgotten, and
//! counts no longer than a new one.
//!
//! Each word has a tag: a few bits of the key whose record it is. A shared file gives the record of
//! one key to another by changing the key alone; words with the tag of the former key are then zero.

use std::time::Duration;

/// What is counted within a time: in a row of buckets, of which the last ones count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Series {
    /// The first word of the buckets in a record.
    pub(super) first: usize,
    /// How many buckets there are.
    pub(super) buckets: u32,
    /// How many seconds each of them is.
    pub(super) seconds: u64,
}

impl Series {
    /// The period of a time in seconds since 1970.
    pub(super) fn period(self, now: u64) -> u32 {
        u32::try_from(now / self.seconds).unwrap_or(u32::MAX)
    }

    /// The words of the buckets in a record.
    pub(super) fn words(self) -> std::ops::Range<usize> {
        self.first..self.first + self.buckets as usize
    }

    /// The word of a period in a record.
    pub(super) fn word(self, period: u32) -> usize {
        self.first + (period % self.buckets) as usize
    }

    /// Whether a bucket still counts.
    pub(super) fn counts(self, bucket: Bucket, now: u64) -> bool {
        bucket.number > 0 && self.end(bucket) > now
    }

    /// When a bucket no longer counts, in seconds since 1970.
    fn end(self, bucket: Bucket) -> u64 {
        (u64::from(bucket.period) + u64::from(self.buckets)) * self.seconds
    }

    /// How many are counted.
    pub(super) fn total(self, buckets: &[Bucket], now: u64) -> u32 {
        let counting = buckets.iter().filter(|bucket| self.counts(**bucket, now));
        counting.map(|bucket| u32::from(bucket.number)).sum()
    }

    /// How long it takes until another one is within `limit`, which is now reached. More than
    /// `limit` count where it was lowered.
    pub(super) fn wait(self, buckets: &[Bucket], limit: u32, now: u64) -> Duration {
        let counting = buckets.iter().filter(|bucket| self.counts(**bucket, now));
        let mut counting: Vec<_> = counting.collect();
        counting.sort_unstable_by_key(|bucket| bucket.period);
        let mut left = self.total(buckets, now);
        let mut end = now + self.seconds * u64::from(self.buckets - 1);
        for bucket in counting {
            if left < limit {
                break;
            }
            left -= u32::from(bucket.number);
            if limit > 0 {
                end = self.end(*bucket);
            }
        }
        Duration::from_secs(end.saturating_sub(now).max(1))
    }
}

/// A number in one period. Bits: tag 16, period 32, number 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bucket {
    pub(super) period: u32,
    pub(super) number: u16,
}

impl Bucket {
    pub(super) fn unpack(word: u64, tag: u16) -> Self {
        if word >> 48 != u64::from(tag) {
            return Self::default();
        }
        Self {
            period: low32(word >> 16),
            number: low16(word),
        }
    }

    pub(super) fn pack(self, tag: u16) -> u64 {
        u64::from(tag) << 48 | u64::from(self.period) << 16 | u64::from(self.number)
    }
}

/// Refused codes, or denied pushes, in a row. Bits: tag 4, sequence number 12, span 8, number 8,
/// time 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Streak {
    /// The number of the last one that was counted; goes on from zero after 4095.
    sequence: u16,
    /// How many of the last ones are not forgotten, at most 255.
    span: u8,
    /// How many of them were not taken back.
    pub(super) number: u8,
    /// When the last one was counted, in seconds since 1970.
    pub(super) at: u32,
}

/// The largest sequence number.
const SEQUENCE: u16 = 0xfff;

/// When a streak causes a pause. Each further refusal doubles the pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PauseRule {
    /// How long a streak must be.
    pub(super) after: u32,
    /// The first pause and the longest one, in seconds.
    first: u64,
    longest: u64,
}

impl PauseRule {
    /// The pause after refused codes: 30 s to 15 min.
    pub(super) fn refused(after: u32) -> Self {
        Self {
            after,
            first: 30,
            longest: 15 * 60,
        }
    }

    /// The pause after denied pushes: 1 min to 1 h.
    pub(super) const DENIED: Self = Self {
        after: 1,
        first: 60,
        longest: 60 * 60,
    };
}

impl Streak {
    pub(super) fn unpack(word: u64, tag: u16) -> Self {
        if word >> 60 != u64::from(tag & 0xf) {
            return Self::default();
        }
        Self {
            sequence: low16(word >> 48) & SEQUENCE,
            span: low8(word >> 40),
            number: low8(word >> 32),
            at: low32(word),
        }
    }

    pub(super) fn pack(self, tag: u16) -> u64 {
        u64::from(tag & 0xf) << 60
            | u64::from(self.sequence & SEQUENCE) << 48
            | u64::from(self.span) << 40
            | u64::from(self.number) << 32
            | u64::from(self.at)
    }

    /// The number of the last one that was counted.
    pub(super) fn sequence(self) -> u16 {
        self.sequence
    }

    /// The streak with a time that is not later than now.
    pub(super) fn settled(self, now: u64) -> Self {
        Self {
            at: self.at.min(seconds32(now)),
            ..self
        }
    }

    /// The streak with a time that is not earlier than now.
    pub(super) fn not_before(self, now: u64) -> Self {
        Self {
            at: self.at.max(seconds32(now)),
            ..self
        }
    }

    /// The streak with one more.
    pub(super) fn counted(self, now: u64) -> Self {
        Self {
            sequence: self.sequence.wrapping_add(1) & SEQUENCE,
            span: self.span.saturating_add(1),
            number: self.number.saturating_add(1),
            at: seconds32(now),
        }
    }

    /// The streak without the one with this sequence number. It is `last` where it was the last:
    /// what the time was before it. One that was forgotten already is not taken back again.
    pub(super) fn released(self, sequence: u16, before: u32) -> Self {
        let later = self.later_than(sequence);
        if later >= u16::from(self.span) {
            return self;
        }
        Self {
            number: self.number.saturating_sub(1),
            at: if later == 0 { before } else { self.at },
            ..self
        }
    }

    /// The streak without those up to this sequence number: later ones stay.
    pub(super) fn forgotten(self, sequence: u16) -> Self {
        let later = u8::try_from(self.later_than(sequence)).unwrap_or(u8::MAX);
        Self {
            span: self.span.min(later),
            number: self.number.min(later),
            ..self
        }
    }

    /// How many were counted after this one.
    fn later_than(self, sequence: u16) -> u16 {
        self.sequence.wrapping_sub(sequence) & SEQUENCE
    }

    /// How long the pause still is.
    pub(super) fn pause(self, rule: PauseRule, now: u64) -> Option<Duration> {
        let beyond = u32::from(self.number).checked_sub(rule.after)?;
        let pause = rule
            .first
            .saturating_mul(1 << beyond.min(16))
            .min(rule.longest);
        let at = u64::from(self.settled(now).at);
        let left = (at + pause).saturating_sub(now);
        (left > 0).then(|| Duration::from_secs(left))
    }
}

/// When a record was last used. Bits: tag 16, seconds 48.
pub(super) fn pack_used(now: u64, tag: u16) -> u64 {
    u64::from(tag) << 48 | now & 0xffff_ffff_ffff
}

/// The time of a record whose key may be any.
pub(super) fn unpack_used(word: u64) -> u64 {
    word & 0xffff_ffff_ffff
}

/// Seconds since 1970 in 32 bits, which are enough until 2106.
fn seconds32(now: u64) -> u32 {
    u32::try_from(now).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the upper bits are other fields"
)]
fn low32(word: u64) -> u32 {
    word as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the upper bits are other fields"
)]
fn low16(word: u64) -> u16 {
    word as u16
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the upper bits are other fields"
)]
fn low8(word: u64) -> u8 {
    word as u8
}
