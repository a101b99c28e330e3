//! What a login counts across calls and processes: messages that cost money or attention, and refused
//! tokens.
//!
//! sshd and sudo start the module again and again, so a limit within one call limits nothing. Each
//! count is on the disk before the request leaves, and taken back when it turns out not to be one:
//! whoever stops or kills sudo gains nothing. `login` sees the trait [`Limits`]; [`FileLimits`] keeps the
//! counts in the state folder, and [`list`] and [`unlock`] are for `authyctl`.

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

/// What is sent and costs money or attention.
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
    fn words(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Call => "calls",
            Self::Push => "pushes",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "calls",
            Self::Push => "pushes",
        }
    }

    fn most(self, sends: config::Sends) -> u32 {
        match self {
            Self::Sms => sends.sms,
            Self::Call => sends.calls,
            Self::Push => sends.pushes,
        }
    }
}

/// Why something is not to be done now. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The hour's number is spent (user or address), or a pause after refused tokens holds.
    Limit {
        /// Which limit, and until when.
        detail: String,
    },
    /// It could not be counted; a full disk answers so only to what costs money.
    State(Failure),
}

impl From<state::Error> for Error {
    fn from(error: state::Error) -> Self {
        Self::State(error.into())
    }
}

/// What a login counts across calls. Each function takes two seconds at most, and that only where
/// another process holds a lock.
pub trait Limits {
    /// Counts what is about to be sent, for the user and for the address.
    ///
    /// # Errors
    /// It must not be sent, and nothing is counted.
    fn acquire(&mut self, what: Costly) -> Result<(), Error>;
    /// Takes back the last [`Limits::spend`] of this kind: it is certain that nothing was sent.
    fn release(&mut self, what: Costly);
    /// Counts a token that is about to be verified as a refused one.
    ///
    /// # Errors
    /// It must not be verified: a pause holds, or it could not be counted.
    fn acquire_code(&mut self) -> Result<(), Error>;
    /// The token was accepted: all refused ones are forgotten.
    fn code_accepted(&mut self);
    /// The token got no answer: that one is not counted.
    fn release_code(&mut self);
}

/// The limits with their counts in the state folder, for one login. Opens nothing before the first
/// count.
#[derive(Debug)]
pub struct FileLimits {
    state: PathBuf,
    rules: config::Limits,
    user: String,
    person: BucketEntry,
    address: BucketEntry,
    now: fn() -> SystemTime,
    /// What was counted and when, in seconds since 1970.
    acquired: Vec<(Costly, u64)>,
    /// The token that is being verified: when it was counted, and when the last one before it was.
    token: Option<(u64, u64)>,
}

impl FileLimits {
    /// The limits of a login of `user`, who may not be `enrolled`, from `address`.
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
            user: text::sanitize_to(user, 64),
            person: BucketEntry::of_user(user, enrolled),
            address: BucketEntry::of_address(address),
            now,
            acquired: Vec::new(),
            token: None,
        }
    }

    fn seconds(&self) -> u64 {
        seconds((self.now)())
    }

    /// Counts at one place.
    fn count(
        &self,
        entry: &BucketEntry,
        what: Costly,
        sends: config::Sends,
        now: u64,
    ) -> Result<(), Error> {
        let most = what.most(sends);
        let (decided, written) =
            entry.change(&self.state, now, |record| record.acquire(what, most, now));
        if let Some(Err(wait)) = decided {
            let (kind, words) = (entry.kind(), what.words());
            let detail = format!(
                "limits.{}_per_{kind} = {most}: no more {words} for {} within this hour; the next in {}",
                what.key(),
                self.shown(entry),
                minutes(wait),
            );
            return Err(Error::Limit { detail });
        }
        Ok(written?)
    }

    fn take_back(&self, entry: &BucketEntry, what: Costly, at: u64) {
        // One that cannot be taken back stays counted, which only makes the limit tighter.
        let _ = entry.change(&self.state, self.seconds(), |record| {
            record.release(what, at)
        });
    }

    fn shown<'a>(&'a self, entry: &'a BucketEntry) -> &'a str {
        entry.address().unwrap_or(&self.user)
    }

    fn paused(&self, refused: u32, wait: Duration) -> Error {
        let user = &self.user;
        let detail = format!(
            "{refused} refused tokens in a row: no further one of {user} for {}; authyctl unlock {user} ends that",
            minutes(wait)
        );
        Error::Limit { detail }
    }

    /// Whether a pause holds, where nothing can be written.
    fn look(&self, now: u64) -> Result<(), Error> {
        let record = match self.person.look(&self.state) {
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
        self.count(&self.person, what, self.rules.per_user, now)?;
        if let Err(error) = self.count(&self.address, what, self.rules.per_address, now) {
            self.take_back(&self.person, what, now);
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
        self.take_back(&self.person, what, at);
        self.take_back(&self.address, what, at);
    }

    fn acquire_code(&mut self) -> Result<(), Error> {
        let now = self.seconds();
        let most = self.rules.refused_tokens;
        self.token = None;
        let (decided, written) =
            self.person
                .change(&self.state, now, |record| match record.pause(most, now) {
                    Some(wait) => Err((record.refused(), wait)),
                    None => Ok(record.refuse(now)),
                });
        match (decided, written) {
            (Some(Err((refused, wait))), _) => Err(self.paused(refused, wait)),
            (Some(Ok(previous)), Ok(())) => {
                self.token = Some((now, previous));
                Ok(())
            }
            // Nobody is locked out by a full disk; what is on it already holds.
            (Some(Ok(_)), Err(error)) if error.is_disk() => Ok(()),
            (None, Err(error)) if error.is_disk() => self.look(now),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(Error::State(Failure::State(
                "nothing was counted".to_owned(),
            ))),
        }
    }

    fn code_accepted(&mut self) {
        self.token = None;
        // Where that fails the login is right all the same, and the next one tries again.
        let _ = self
            .person
            .change(&self.state, self.seconds(), Record::forget_refused);
    }

    fn release_code(&mut self) {
        if let Some((at, previous)) = self.token.take() {
            let _ = self.person.change(&self.state, self.seconds(), |record| {
                record.release_refused(at, previous);
            });
        }
    }
}

/// Whole seconds since 1970; zero before.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A time for people: `12 s`, or `3 min`, rounded up.
fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=90 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests;
