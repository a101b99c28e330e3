//! One time budget for a whole login, and the clock it is read from.
//!
//! A [`Deadline`] is made once, when the module is called, and handed down through every call that
//! may wait. Tests fake the [`Clock`]; nothing else in a login reads the time.

use std::time::{Duration, Instant};

/// Where a login reads the time and where it waits.
pub trait Clock {
    /// The present moment on a clock that never goes backwards.
    fn now(&self) -> Instant;
    /// Blocks for `duration`.
    fn sleep(&self, duration: Duration);

    /// Blocks until `moment`; returns at once when it has passed.
    fn sleep_until(&self, moment: Instant) {
        let rest = moment.saturating_duration_since(self.now());
        if !rest.is_zero() {
            self.sleep(rest);
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

/// The moment at which a login, or one command of `authyctl`, must have ended.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline `budget` after `start`.
    #[must_use]
    pub fn after(start: Instant, budget: Duration) -> Self {
        Self(start + budget)
    }

    /// What is left at `now`; zero when nothing is.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Whether nothing is left at `now`.
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
}
