//! The times of logs and of `--since`.
//!
//! Times are milliseconds since 1970. Days are those of UTC, as everywhere in pam_authy; only the
//! timestamps of RFC 3164, which name neither year nor zone, are in the zone of this system.

use ::time::{OffsetDateTime, UtcOffset};
use pam_authy::base::utc::{self, Utc};

const DAY: u64 = 24 * 60 * 60;

/// The time as RFC 3339 writes it: `2026-11-27T12:00:00.123Z`.
pub(super) fn written(milliseconds: u64) -> String {
    let whole = utc::written(milliseconds / 1000);
    let fraction = milliseconds % 1000;
    format!("{}.{fraction:03}Z", whole.trim_end_matches('Z'))
}

/// Parses the value of `--since`, and returns seconds since 1970; `None` for anything else.
pub(super) fn since(text: &str, now: u64) -> Option<u64> {
    let today = now - now % DAY;
    match text {
        "now" => return Some(now),
        "today" => return Some(today),
        "yesterday" => return Some(today.saturating_sub(DAY)),
        _ => {}
    }
    if let Some((number, unit)) = text
        .len()
        .checked_sub(1)
        .and_then(|at| text.split_at_checked(at))
        && let Some(seconds) = unit_seconds(unit)
    {
        let is_number =
            (1..=9).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| is_number)?;
        return Some(now.saturating_sub(number * seconds));
    }
    if text.len() == 10 {
        return rfc3339(&format!("{text}T00:00:00Z")).map(|time| time / 1000);
    }
    rfc3339(text).map(|time| time / 1000)
}

fn unit_seconds(unit: &str) -> Option<u64> {
    match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(DAY),
        "w" => Some(7 * DAY),
        _ => None,
    }
}

/// Parses a time of RFC 3339: `2026-11-27T12:00:00.123456+01:00`.
pub(super) fn rfc3339(text: &str) -> Option<u64> {
    let date_time = text.get(..19)?;
    let mut rest = text.get(19..)?;
    let shape: String = (date_time.chars())
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if ![
        "0000-00-00T00:00:00",
        "0000-00-00t00:00:00",
        "0000-00-00 00:00:00",
    ]
    .contains(&&*shape)
    {
        return None;
    }
    let number = |from: usize, to: usize| date_time.get(from..to)?.parse::<u64>().ok();
    let utc = Utc {
        year: number(0, 4)?,
        month: number(5, 7)?,
        day: number(8, 10)?,
        time: [number(11, 13)?, number(14, 16)?, number(17, 19)?.min(59)],
    };
    let mut milliseconds = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let padded = format!(
            "{:0<3}",
            fraction.get(..digits).filter(|digits| !digits.is_empty())?
        );
        milliseconds = padded.get(..3)?.parse().ok()?;
        rest = fraction.get(digits..)?;
    }
    let seconds = i64::try_from(utc.seconds()?).ok()? - offset(rest)?;
    let seconds = u64::try_from(seconds).ok()?;
    Some(seconds * 1000 + milliseconds)
}

/// Parses `Z` or `+01:00`, and returns seconds east of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (hour, minute) = text.get(1..)?.split_once(':')?;
    let number = |text: &str, limit: i64| -> Option<i64> {
        let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| is_number && *n < limit)
    };
    let seconds = number(hour, 24)? * 3600 + number(minute, 60)? * 60;
    match text.get(..1)? {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

/// Parses `Nov  5 09:08:07` (RFC 3164), in the zone of this system, as the last such time that is not
/// more than a day after `now`.
pub(super) fn rfc3164(text: &str, now: u64) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS
        .iter()
        .position(|month| text.get(..3) == Some(month))?;
    let shape: String = (text.get(3..)?.chars())
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if ![" 00 00:00:00", "  0 00:00:00"].contains(&&*shape) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.trim().parse::<u64>().ok();
    let (day, time) = (
        number(4, 6)?,
        [number(7, 9)?, number(10, 12)?, number(13, 15)?.min(59)],
    );
    let this_year = Utc::from_seconds(now + DAY).year;
    // Up to eight years back, so that a 29 February is found.
    (0..=8).find_map(|back| {
        let local = Utc {
            year: this_year.checked_sub(back)?,
            month: month as u64 + 1,
            day,
            time,
        };
        let seconds = from_local(local.seconds()?);
        (seconds <= now + DAY).then_some(seconds * 1000)
    })
}

/// The seconds since 1970 of what a clock in the zone of this system shows as `local`. An hour that the
/// clock shows twice is the first or the second.
fn from_local(local: u64) -> u64 {
    let offset_at = |seconds: i64| {
        let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        let offset = UtcOffset::local_offset_at(time).ok()?;
        Some(i64::from(offset.whole_seconds()))
    };
    let Ok(shown) = i64::try_from(local) else {
        return local;
    };
    let guess = shown - offset_at(shown).unwrap_or(0);
    let seconds = shown - offset_at(guess).unwrap_or(0);
    u64::try_from(seconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27T12:34:56Z.
    const NOW: u64 = 1_795_782_896;

    #[test]
    fn since_takes_spans_days_and_times_and_nothing_else() {
        let rows = [
            ("2h", Some(NOW - 7200)),
            ("30m", Some(NOW - 1800)),
            ("45s", Some(NOW - 45)),
            ("7d", Some(NOW - 7 * DAY)),
            ("1w", Some(NOW - 7 * DAY)),
            ("999999999w", Some(0)),
            ("now", Some(NOW)),
            ("today", Some(1_795_737_600)),
            ("yesterday", Some(1_795_737_600 - DAY)),
            ("2026-11-27", Some(1_795_737_600)),
            ("2026-11-27T12:34:56Z", Some(NOW)),
            ("2026-11-27t12:34:56.9z", Some(NOW)),
            ("2026-11-27 13:34:56+01:00", Some(NOW)),
            ("2026-11-27T04:04:56-08:30", Some(NOW)),
            ("", None),
            ("h", None),
            ("-1h", None),
            ("+1h", None),
            ("1.5h", None),
            ("2 h", None),
            ("2y", None),
            ("é", None),
            ("2026-02-30", None),
            ("2026-11-27T12:34:56", None),
            ("2026-11-27T12:34:56.Z", None),
            ("2026-11-27T12:34:56+0100", None),
            ("2026-11-27T24:34:56Z", None),
            ("tomorrow", None),
        ];
        let wrong: Vec<_> = (rows.iter())
            .map(|(text, time)| (text, since(text, NOW), time))
            .filter(|(_, found, time)| found != *time)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn a_time_without_a_year_is_the_last_one_that_there_was() {
        let day = |text| rfc3164(text, NOW).map(|time| (time / 1000 + 43_200) / DAY * DAY);
        // At noon, so that no time zone makes it another day.
        let rows = [
            ("Nov 27 12:00:00", 1_795_737_600 + DAY),
            ("Nov 28 12:00:00", 1_795_737_600 + 2 * DAY),
            ("Nov 29 13:00:00", 1_795_737_600 - 362 * DAY),
            ("Jan  1 12:00:00", 1_767_312_000),
            ("Feb 29 12:00:00", 1_709_251_200),
        ];
        for (text, expected) in rows {
            let found = day(text).unwrap();
            assert!(
                found.abs_diff(expected) <= DAY,
                "{text}: {found} {expected}"
            );
        }
        for text in [
            "Nov 31 12:00:00",
            "Nov 1 12:00:00",
            "nov  1 12:00:00",
            "Nov  1 12:00",
            "",
            "Növ",
        ] {
            assert_eq!(rfc3164(text, NOW), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_written_with_milliseconds() {
        assert_eq!(written(NOW * 1000 + 7), "2026-11-27T12:34:56.007Z");
    }
}
