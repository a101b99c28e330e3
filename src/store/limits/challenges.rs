//! The challenges of an app at Twilio, counted before Twilio is asked: 50 in an hour and 100 in a day,
//! as Twilio allows for a factor. `authyctl unlock` does not end that pause, since Twilio would not
//! either.

use std::time::Duration;

use super::file_limits::FileLimits;
use super::host_codes::not_checked;
use super::slot::{CHALLENGES_DAY, CHALLENGES_HOUR};
use super::word::Series;
use super::{Error, rounded};
use crate::base::factor;
use crate::base::factor::twilio::Challenges;

/// How many challenges a factor has, in an hour and in a day.
const LIMITS: [(Series, u32, &str); 2] = [
    (CHALLENGES_HOUR, 50, "an hour"),
    (CHALLENGES_DAY, 100, "a day"),
];

impl Challenges for FileLimits {
    fn acquire_challenge(&mut self) -> Result<(), factor::Error> {
        self.count_challenge().map_err(not_checked)
    }

    fn release_challenge(&mut self) {
        for (series, counted) in std::mem::take(&mut self.challenge) {
            self.uncount(series, &[counted]);
        }
    }
}

impl FileLimits {
    fn count_challenge(&mut self) -> Result<(), Error> {
        let now = || self.seconds();
        let mut counted = Vec::new();
        let mut failed = None;
        for entry in &self.twilio {
            for (series, limit, period) in LIMITS {
                match self.count(entry, |slot| slot.acquire(series, limit, &now)) {
                    Ok(Ok(at)) => {
                        counted.push((series, (entry.clone(), at)));
                        continue;
                    }
                    Ok(Err(wait)) => failed = Some(self.too_many_challenges(limit, period, wait)),
                    Err(error) => failed = Some(error),
                }
                break;
            }
        }
        self.challenge = counted;
        match failed {
            None => Ok(()),
            Some(error) => {
                self.release_challenge();
                Err(error)
            }
        }
    }

    /// The error for a code that is not sent, because Twilio would not check it.
    fn too_many_challenges(&self, limit: u32, period: &str, wait: Duration) -> Error {
        let user = &self.user;
        let detail = format!(
            "{limit} logins by the app at Twilio within {period}: no code of the app of {user} is checked for {}",
            rounded(wait)
        );
        Error::Limit { detail }
    }
}
