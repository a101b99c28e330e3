//! The time budget of a whole login, and the clock it is read from.
//!
//! A [`Deadline`] is created once, when the module is called, and passed down through every call
//! that may wait. Nothing else in a login reads the time, so tests replace the [`Clock`].

use std::time::{Duration, Instant};

/// The clock by which a login reads the time and waits.
pub trait Clock {
    /// The current time, on a clock that never goes backwards.
    fn now(&self) -> Instant;
    /// Blocks for `duration`.
    fn sleep(&self, duration: Duration);

    /// Blocks until `moment`; returns immediately if it has passed.
    fn sleep_until(&self, moment: Instant) {
        let remaining = moment.saturating_duration_since(self.now());
        if !remaining.is_zero() {
            self.sleep(remaining);
        }
    }
}

/// The system's monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// The longest budget: a year. An [`Instant`] cannot be as far away as a [`Duration`] is long.
const LONGEST_BUDGET: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The moment by which a login, or one command of `authyctl`, must end.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline `budget` after `start`. A budget of more than a year is cut to one.
    #[must_use]
    pub fn after(start: Instant, budget: Duration) -> Self {
        Self(start + budget.min(LONGEST_BUDGET))
    }

    /// A deadline `budget` from now.
    #[must_use]
    pub fn within(budget: Duration) -> Self {
        Self::after(Instant::now(), budget)
    }

    /// The time that is left at `now`; zero after the deadline.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Whether the deadline has passed at `now`.
    #[must_use]
    pub fn is_over(self, now: Instant) -> bool {
        self.remaining(now).is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_runs_out_and_stays_over() {
        let start = Instant::now();
        let deadline = Deadline::after(start, Duration::from_secs(5));
        assert_eq!(
            deadline.remaining(start + Duration::from_secs(2)),
            Duration::from_secs(3)
        );
        assert!(!deadline.is_over(start));
        assert!(deadline.is_over(start + Duration::from_secs(5)));
        assert!(deadline.is_over(start + Duration::from_secs(500)));
    }

    #[test]
    fn a_deadline_within_a_time_begins_now_and_the_longest_one_does_not_overflow() {
        let before = Instant::now();
        let left = Deadline::within(Duration::from_secs(5)).remaining(before);
        let after = Instant::now();
        let most = Duration::from_secs(5) + after.duration_since(before);
        assert!((Duration::from_secs(5)..=most).contains(&left), "{left:?}");

        let longest = Deadline::within(Duration::MAX);
        assert!(longest.remaining(after) > Duration::from_secs(300 * 24 * 60 * 60));
    }
}
