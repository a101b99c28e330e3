//! Counts that last across calls and processes: messages that cost money or attention, and refused
//! codes.
//!
//! sshd and sudo load the module again and again, so a limit within one call limits nothing. Each
//! count is in its file before the request leaves, and is taken back when it turns out not to
//! count: stopping or killing sudo gains nothing. It is not synchronized with the disk, so a crash
//! of the machine may lose it. `login` uses the trait [`Limits`]; [`FileLimits`] keeps the counts
//! in the state folder; [`list`], [`of_user`] and [`unlock`] are for `authyctl`.

mod admin;
mod bucket;
mod record;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::text;
use crate::store::config;
use crate::store::state::{self, Failure};

pub use admin::{Listing, Row, list, of_user, unlock};
use bucket::BucketEntry;
use record::Record;

/// A message that costs money or attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Costly {
    /// A text message.
    Sms,
    /// A call.
    Call,
    /// A push to the person's app.
    Push,
}

impl Costly {
    /// The plural, for the log.
    fn plural(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Call => "calls",
            Self::Push => "pushes",
        }
    }

    /// The beginning of the keys in `[limits]`.
    fn key(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "calls",
            Self::Push => "pushes",
        }
    }

    /// The limit for one hour.
    fn limit(self, sends: config::Sends) -> u32 {
        match self {
            Self::Sms => sends.sms,
            Self::Call => sends.calls,
            Self::Push => sends.pushes,
        }
    }
}

/// Why something must not be done now. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The limit of the user or the address for this hour is reached, or a pause after refused
    /// codes is not over.
    Limit {
        /// Which limit, and for how long.
        detail: String,
    },
    /// It could not be counted. For a code, a full disk is no error.
    State(Failure),
}

impl From<state::Error> for Error {
    fn from(error: state::Error) -> Self {
        Self::State(error.into())
    }
}

/// What a login counts across calls. Each function blocks for two seconds at most, and only while
/// another process holds the lock of a file.
pub trait Limits {
    /// Counts a message that is about to be sent, for the user and for the address.
    ///
    /// # Errors
    /// The message must not be sent, and nothing is counted.
    fn acquire(&mut self, what: Costly) -> Result<(), Error>;
    /// Takes back the last [`Limits::acquire`] of this kind, when it is certain that nothing was
    /// sent.
    fn release(&mut self, what: Costly);
    /// Counts a code as refused, before it is verified.
    ///
    /// # Errors
    /// The code must not be verified: a pause is not over, or the code could not be counted.
    fn acquire_code(&mut self) -> Result<(), Error>;
    /// Forgets all refused codes, because one was accepted.
    fn code_accepted(&mut self);
    /// Takes back the last [`Limits::acquire_code`], because the code was neither accepted nor
    /// refused.
    fn release_code(&mut self);
}

/// The limits of one login, with the counts in the state folder. Opens no file before the first
/// count.
#[derive(Debug)]
pub struct FileLimits {
    state: PathBuf,
    rules: config::Limits,
    /// The user for the log, in quotes: a name that was typed could look like another field.
    user: String,
    user_entry: BucketEntry,
    address_entry: BucketEntry,
    now: fn() -> SystemTime,
    /// What was counted, and when, in seconds since 1970.
    acquired: Vec<(Costly, u64)>,
    /// The code that is being verified: when it was counted, and when the previous one was.
    code: Option<(u64, u64)>,
}

impl FileLimits {
    /// The limits of a login of `user` from `address`. `enrolled` says whether the mapping has the
    /// user.
    #[must_use]
    pub fn new(
        state: &Path,
        rules: config::Limits,
        user: &str,
        enrolled: bool,
        address: Option<IpAddr>,
        now: fn() -> SystemTime,
    ) -> Self {
        Self {
            state: state.to_owned(),
            rules,
            user: text::quoted(&text::sanitize_to(user, 64)),
            user_entry: BucketEntry::of_user(user, enrolled),
            address_entry: BucketEntry::of_address(address),
            now,
            acquired: Vec::new(),
            code: None,
        }
    }

    fn seconds(&self) -> u64 {
        seconds((self.now)())
    }

    /// Counts a message for the user or for the address.
    fn count(
        &self,
        entry: &BucketEntry,
        what: Costly,
        sends: config::Sends,
        now: u64,
    ) -> Result<(), Error> {
        let limit = what.limit(sends);
        let (acquired, written) =
            entry.change(&self.state, now, |record| record.acquire(what, limit, now));
        if let Some(Err(wait)) = acquired {
            let (kind, plural) = (entry.kind(), what.plural());
            let detail = format!(
                "limits.{}_per_{kind} = {limit}: no more {plural} for {} within this hour; the next in {}",
                what.key(),
                entry.address().unwrap_or(&self.user),
                rounded(wait),
            );
            return Err(Error::Limit { detail });
        }
        Ok(written?)
    }

    /// Takes back the message that was counted at `at`. Where that fails it stays counted, which
    /// only makes the limit stricter.
    fn uncount(&self, entry: &BucketEntry, what: Costly, at: u64) {
        let _ = entry.change(&self.state, self.seconds(), |record| {
            record.release(what, at)
        });
    }

    /// The error for a code during a pause.
    fn paused(&self, refused: u32, wait: Duration) -> Error {
        let user = &self.user;
        let detail = format!(
            "{refused} refused codes in a row: no code of {user} is accepted for {}; authyctl unlock {user} ends the pause",
            rounded(wait)
        );
        Error::Limit { detail }
    }

    /// Checks for a pause without a lock, where the disk is full and nothing can be written.
    fn check_pause(&self, now: u64) -> Result<(), Error> {
        let record = match self.user_entry.peek(&self.state) {
            Err(error) if error.is_disk() => return Ok(()),
            record => record?,
        };
        let mut record = record.unwrap_or_default();
        record.expire(now);
        match record.pause(self.rules.refused_tokens, now) {
            Some(wait) => Err(self.paused(record.refused(), wait)),
            None => Ok(()),
        }
    }
}

impl Limits for FileLimits {
    fn acquire(&mut self, what: Costly) -> Result<(), Error> {
        let now = self.seconds();
        self.count(&self.user_entry, what, self.rules.per_user, now)?;
        if let Err(error) = self.count(&self.address_entry, what, self.rules.per_address, now) {
            self.uncount(&self.user_entry, what, now);
            return Err(error);
        }
        self.acquired.push((what, now));
        Ok(())
    }

    fn release(&mut self, what: Costly) {
        let Some(last) = self
            .acquired
            .iter()
            .rposition(|(acquired, _)| *acquired == what)
        else {
            return;
        };
        let (_, at) = self.acquired.remove(last);
        self.uncount(&self.user_entry, what, at);
        self.uncount(&self.address_entry, what, at);
    }

    fn acquire_code(&mut self) -> Result<(), Error> {
        let now = self.seconds();
        let limit = self.rules.refused_tokens;
        self.code = None;
        let (counted, written) =
            self.user_entry
                .change(&self.state, now, |record| match record.pause(limit, now) {
                    Some(wait) => Err((record.refused(), wait)),
                    None => Ok(record.refuse(now)),
                });
        match (counted, written) {
            (Some(Err((refused, wait))), _) => Err(self.paused(refused, wait)),
            (Some(Ok(previous)), Ok(())) => {
                self.code = Some((now, previous));
                Ok(())
            }
            // A full disk must not lock out anyone. A pause that is already on the disk still
            // counts.
            (Some(Ok(_)), Err(error)) if error.is_disk() => Ok(()),
            (None, Err(error)) if error.is_disk() => self.check_pause(now),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(Error::State(Failure::State(
                "the code could not be counted".to_owned(),
            ))),
        }
    }

    fn code_accepted(&mut self) {
        self.code = None;
        // The login is proven even where this fails, and the next one tries again.
        let _ = self
            .user_entry
            .change(&self.state, self.seconds(), Record::forget_refused);
    }

    fn release_code(&mut self) {
        if let Some((at, previous)) = self.code.take() {
            let _ = self
                .user_entry
                .change(&self.state, self.seconds(), |record| {
                    record.release_refused(at, previous);
                });
        }
    }
}

/// Whole seconds since 1970; zero for an earlier time.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Formats a time for a person: `12 s`, or `3 min`, rounded up.
fn rounded(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=90 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests;
