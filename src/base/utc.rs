//! Times in UTC as texts and as the parts that a TOML file has. Whole seconds since 1970, without
//! leap seconds, until the year 9999.
//!
//! The one calendar of this crate: used by `base::date`, by `store::totp` for `since` in
//! enrolled.toml, by `client::http` for what a server says, and for what a person and an
//! administrator read.

/// The seconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60;
/// The first second that has five digits for its year.
const END: u64 = 253_402_300_800;

/// A time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    /// The year, from 1970 to 9999.
    pub year: u64,
    /// The month, from 1.
    pub month: u64,
    /// The day of the month, from 1.
    pub day: u64,
    /// The hour, minute and second.
    pub time: [u64; 3],
}

impl Utc {
    /// The time that is this many seconds after 1970; one after the year 9999 is its last second.
    ///
    /// Source: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, `civil_from_days`.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        let seconds = seconds.min(END - 1);
        let (days, rest) = (seconds / DAY + 719_468, seconds % DAY);
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self {
            year: year + era * 400 + u64::from(month <= 2),
            month,
            day,
            time: [rest / 3600, rest / 60 % 60, rest % 60],
        }
    }

    /// The seconds since 1970; `None` for what is no time from 1970 to 9999. A second that was
    /// inserted (60) is no time.
    #[must_use]
    pub fn seconds(self) -> Option<u64> {
        let [hour, minute, second] = self.time;
        let in_range = (1970..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !in_range {
            return None;
        }
        let year = self.year - u64::from(self.month <= 2);
        let (era, of_era) = (year / 400, year % 400);
        let month = (self.month + 9) % 12;
        let of_year = (153 * month + 2) / 5 + self.day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let seconds = days * DAY + hour * 3600 + minute * 60 + second;
        // The 30th of February is another day.
        (Self::from_seconds(seconds) == self).then_some(seconds)
    }
}

/// The time as people read it: `2026-11-27 12:00 UTC`.
#[must_use]
pub fn shown(seconds: u64) -> String {
    let Utc {
        year,
        month,
        day,
        time: [hour, minute, _],
    } = Utc::from_seconds(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// The time as TOML and RFC 3339 write it: `2026-11-27T12:00:00Z`.
#[must_use]
pub fn written(seconds: u64) -> String {
    let Utc {
        year,
        month,
        day,
        time: [hour, minute, second],
    } = Utc::from_seconds(seconds);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Expected: `date -u -d @SECONDS +%FT%TZ` of GNU coreutils.
    #[test]
    fn times_are_written_as_gnu_date_writes_them() {
        let rows = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_795_780_800, "2026-11-27T12:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (END - 1, "9999-12-31T23:59:59Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ];
        let wrong: Vec<_> = rows
            .iter()
            .filter(|(seconds, text)| written(*seconds) != *text)
            .map(|(seconds, text)| (written(*seconds), *text))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(shown(1_795_780_799), "2026-11-27 11:59 UTC");
    }

    #[test]
    fn what_is_no_day_or_time_is_refused() {
        let of = |year, month, day, time| Utc {
            year,
            month,
            day,
            time,
        };
        let refused = [
            of(1969, 12, 31, [0; 3]),
            of(10_000, 1, 1, [0; 3]),
            of(2026, 0, 1, [0; 3]),
            of(2026, 13, 1, [0; 3]),
            of(2026, 2, 29, [0; 3]),
            of(2026, 4, 31, [0; 3]),
            of(2026, 4, 0, [0; 3]),
            of(2026, 4, u64::MAX, [0; 3]),
            of(2026, 4, 1, [24, 0, 0]),
            of(2026, 4, 1, [0, 60, 0]),
            of(2026, 4, 1, [0, 0, 60]),
        ];
        let accepted: Vec<_> = refused.iter().filter_map(|utc| utc.seconds()).collect();
        assert!(accepted.is_empty(), "{accepted:?}");
    }

    proptest! {
        #[test]
        fn a_time_and_its_parts_are_the_same(seconds in 0..END) {
            prop_assert_eq!(Utc::from_seconds(seconds).seconds(), Some(seconds));
        }
    }
}
