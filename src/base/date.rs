//! A day of the calendar, as config.toml names one: `2027-01-31`.
//!
//! A day ends at midnight UTC, on every host at the same moment, whatever its time zone is. Pure:
//! the time is an argument. Used by `store::config` and `login::policy`.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::utc::{DAY, Utc};

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Returns the day, or `None` where the calendar has no such day or the year has five digits.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        // The calendar begins again after 400 years, so that years before 1970 have the same days.
        let same_year = 2000 + year % 400;
        let is_day = year <= 9999 && midnight(same_year, month, day).is_some();
        is_day.then_some(Self { year, month, day })
    }

    /// Whether the day has ended, by this clock.
    #[must_use]
    pub fn is_over(self, now: SystemTime) -> bool {
        now >= self.end()
    }

    /// How many days are left, this one included; zero once the day is over.
    #[must_use]
    pub fn days_left(self, now: SystemTime) -> u64 {
        let left = self.end().duration_since(now).unwrap_or_default();
        left.as_secs()
            .saturating_add(u64::from(left.subsec_nanos() > 0))
            .div_ceil(DAY)
    }

    /// The midnight at the end of the day; a day before 1970 is over at once.
    fn end(self) -> SystemTime {
        let end = midnight(self.year, self.month, self.day).map_or(0, |begin| begin + DAY);
        UNIX_EPOCH + Duration::from_secs(end)
    }
}

/// The seconds from 1970 to the midnight at the begin of a day; `None` for a day before 1970, and
/// for none.
fn midnight(year: u16, month: u8, day: u8) -> Option<u64> {
    let begin = Utc {
        year: year.into(),
        month: month.into(),
        day: day.into(),
        time: [0; 3],
    };
    begin.seconds()
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        // The ends, by `date -u -d '2027-02-01' +%s` and so on.
        let rows = [
            ((1970, 1, 1), DAY),
            ((2027, 1, 31), 1_801_440_000),
            ((2028, 2, 28), 1_835_395_200),
            ((2028, 2, 29), 1_835_481_600),
            ((2026, 12, 31), 1_798_761_600),
            ((2100, 2, 28), 4_107_542_400),
            ((9999, 12, 31), 253_402_300_800),
        ];
        let mut wrong = Vec::new();
        for ((year, month, day), end) in rows {
            let date = Date::new(year, month, day).unwrap();
            let found = (date.is_over(at(end - 1)), date.is_over(at(end)));
            if found != (false, true) {
                wrong.push(format!("{date}: {found:?}, ends {:?}", date.end()));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut end = 0;
        for year in 1970..2405 {
            for month in 1..=12 {
                for date in (1..=31).filter_map(|day| Date::new(year, month, day)) {
                    end += DAY;
                    assert_eq!(date.end(), at(end), "{date}");
                }
            }
        }
    }

    #[test]
    fn the_days_left_count_the_last_one() {
        let date = Date::new(2027, 1, 31).unwrap();
        let end = 1_801_440_000;
        let rows = [(0, 0), (1, 1), (DAY, 1), (DAY + 1, 2), (10 * DAY, 10)];
        for (before, days) in rows {
            assert_eq!(date.days_left(at(end - before)), days, "{before}");
        }
        assert_eq!(date.days_left(at(end + 1)), 0);
        assert_eq!(date.days_left(at(end) - Duration::from_nanos(1)), 1);
    }

    #[test]
    fn a_day_that_no_calendar_has_is_none() {
        for (month, day) in [(0, 1), (13, 1), (2, 29), (4, 31), (1, 0), (1, 32)] {
            assert_eq!(Date::new(2027, month, day), None, "{month} {day}");
        }
        assert!(Date::new(2000, 2, 29).is_some());
        assert!(Date::new(1900, 2, 29).is_none());
        assert!(Date::new(10_000, 1, 1).is_none());
    }

    #[test]
    fn a_day_long_ago_is_over() {
        for year in [0, 1, 1969] {
            assert!(Date::new(year, 1, 1).unwrap().is_over(UNIX_EPOCH), "{year}");
        }
    }
}
