//! Reads the header `Retry-After`: whole seconds, or the moment from which on to try again.
//!
//! The moment counts from the server's own `Date`, so that a wrong clock here does not change the
//! wait. A text of another form says nothing. Source: RFC 9110 §10.2.3 and §5.6.7. Called by
//! `https`; the headers are not trusted.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::utc::Utc;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Returns the seconds after which to try again. `date` is the header `Date`; without one, a moment
/// counts from `now`.
pub(super) fn seconds(header: &str, date: Option<&str>, now: SystemTime) -> Option<u64> {
    if let Ok(seconds) = digits(header.trim()) {
        return Some(seconds);
    }
    let until = moment(header.trim())?;
    let of_this_host = || {
        now.duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs())
    };
    let from = date.and_then(moment).unwrap_or_else(of_this_host);
    Some(until.saturating_sub(from))
}

/// Reads digits and nothing else.
fn digits(text: &str) -> Result<u64, ()> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().ok_or(())
}

/// Reads a date in the form that RFC 9110 prefers, `Wed, 21 Oct 2026 07:28:00 GMT`, as seconds
/// since 1970.
fn moment(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(", ")?;
    let parts: Vec<_> = rest.strip_suffix(" GMT")?.split([' ', ':']).collect();
    let &[day, month, year, hour, minute, second] = parts.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)?;
    let number = |text| digits(text).ok();
    let minute = Utc {
        year: number(year)?,
        month: u64::try_from(month).ok()? + 1,
        day: number(day)?,
        time: [number(hour)?, number(minute)?, 0],
    };
    // A second that was inserted is the sixtieth.
    let second = number(second).filter(|second| *second <= 60)?;
    Some(minute.seconds()? + second)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn seconds_or_a_date_are_a_wait_and_anything_else_is_none() {
        let now = UNIX_EPOCH + Duration::from_secs(1_792_567_680); // 21 Oct 2026 07:28:00
        let date = Some("Wed, 21 Oct 2026 07:28:10 GMT");
        let rows = [
            ("1", None, Some(1)),
            (" 3600 ", None, Some(3600)),
            ("0", None, Some(0)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", None, Some(30)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", date, Some(20)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", Some("yesterday"), Some(30)),
            (
                "Tue, 29 Feb 2028 00:00:00 GMT",
                Some("Tue, 28 Feb 2028 23:59:59 GMT"),
                Some(1),
            ),
            (
                "Fri, 01 Jan 2027 00:00:00 GMT",
                Some("Thu, 31 Dec 2026 23:00:00 GMT"),
                Some(3600),
            ),
            ("Thu, 01 Jan 1970 00:00:00 GMT", None, Some(0)),
            ("abc", None, None),
            ("", None, None),
            ("-1", None, None),
            ("+1", None, None),
            ("1.5", None, None),
            ("1, 2", None, None),
            ("99999999999999999999999999", None, None),
            ("Wed, 00 Oct 2026 07:28:30 GMT", None, None),
            ("Wed, 21 Okt 2026 07:28:30 GMT", None, None),
            ("Wed, 21 Oct 0000 07:28:30 GMT", None, None),
            ("Wed, 21 Oct 99999 07:28:30 GMT", None, None),
            ("Wed, 21 Oct 2026 24:28:30 GMT", None, None),
            ("Wed, 21 Oct 2026 07:28 GMT", None, None),
            ("Wed, 21 Oct 2026 07:28:30 CET", None, None),
        ];
        let wrong: Vec<_> = rows
            .into_iter()
            .filter(|(header, date, expected)| seconds(header, *date, now) != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
