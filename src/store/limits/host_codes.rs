//! The codes that are checked on this host, counted by the hour and for a day.

use std::time::Duration;

use super::file_limits::FileLimits;
use super::slot::CHECKED;
use super::{Error, rounded};
use crate::base::factor::{self, ErrorKind, HostCodes, Progress};
use crate::store::state::Failure;

/// How many codes that are checked on this host may be refused for a person within a day, whatever
/// was accepted in between.
pub(super) const HOST_CODES: u32 = 50;

impl HostCodes for FileLimits {
    fn acquire_host_code(&mut self) -> Result<(), factor::Error> {
        self.count_host_code().map_err(not_checked)
    }

    fn release_host_code(&mut self) {
        let counted = std::mem::take(&mut self.host_code);
        self.uncount(CHECKED, &counted);
    }
}

impl FileLimits {
    fn count_host_code(&mut self) -> Result<(), Error> {
        let now = || self.seconds();
        let mut counted = Vec::new();
        for entry in &self.person {
            let result = self.count(entry, |slot| slot.acquire(CHECKED, HOST_CODES, &now));
            let failed = match result {
                Ok(Ok(period)) => {
                    counted.push((entry.clone(), period));
                    continue;
                }
                Ok(Err(wait)) => self.too_many_host_codes(wait),
                Err(error) => error,
            };
            self.uncount(CHECKED, &counted);
            return Err(failed);
        }
        self.host_code = counted;
        Ok(())
    }

    /// The error for a code that is not checked on this host.
    fn too_many_host_codes(&self, wait: Duration) -> Error {
        let user = &self.user;
        let detail = format!(
            "{HOST_CODES} refused codes within a day: no code of {user} is checked on this host for {}; authyctl unlock {user} ends the pause",
            rounded(wait)
        );
        Error::Limit { detail }
    }
}

/// The error of a factor for a code that was not checked.
pub(super) fn not_checked(error: Error) -> factor::Error {
    let (kind, detail) = match error {
        Error::Limit { detail } => (ErrorKind::Paused, detail),
        Error::State(Failure::Process(detail)) => (ErrorKind::Process, detail),
        Error::State(Failure::Disk(detail) | Failure::State(detail)) => (ErrorKind::State, detail),
    };
    factor::Error {
        kind,
        code: None,
        detail,
        progress: Progress::NotSent,
    }
}
