//! Counts that last across calls and processes: messages that cost money or attention, refused
//! codes, and denied pushes.
//!
//! sshd and sudo call the module again and again, so a limit within one call limits nothing. Each
//! count is in its file before the request leaves, and is taken back when it turns out not to
//! count: stopping or killing a process gains nothing. Counts are words in shared memory without a
//! lock ([`state::WordFile`]), so a stopped process delays no other, and an existing file counts on
//! a full disk too. It is not synchronized with the disk, so a crash of the machine may lose it.
//! `login` uses the trait [`Limits`], `factor::totp` the trait
//! [`HostCodes`](crate::base::factor::HostCodes), and `factor::twilio` the trait
//! [`Challenges`](crate::base::factor::twilio::Challenges); [`FileLimits`] keeps the counts in the
//! state folder; [`list`], [`of_user`], [`unlock`], [`prepare`] and [`forget`] are for `authyctl`.

mod admin;
mod challenges;
mod entry;
mod file_limits;
mod host_codes;
mod records;
mod slot;
mod word;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::store::config;
use crate::store::state::{self, Failure};

pub use admin::{Listing, Row, forget, has_counts, list, of_user, prepare, unlock};
pub use file_limits::FileLimits;

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

/// The state folder of the counts of screen lockers (`engine::locker`), in that of a host: what is
/// refused there pauses no other login.
#[must_use]
pub fn of_lockers(state: &Path) -> PathBuf {
    state.join("locker")
}

/// Why something must not be done now. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The limit of the user, the address or the host for this hour is reached, or a pause after
    /// refused codes or denied pushes is not over.
    Limit {
        /// Which limit, and for how long.
        detail: String,
    },
    /// It could not be counted.
    State(Failure),
}

impl From<state::Error> for Error {
    fn from(error: state::Error) -> Self {
        Self::State(error.into())
    }
}

/// What a login counts across calls. No function waits for another process.
pub trait Limits {
    /// Counts a message that is about to be sent, for the user, the address and the host.
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
    /// Notes which refused codes there are, before something that is no code is checked. What is
    /// counted later is not forgotten by [`Limits::code_accepted`].
    fn note_refused(&mut self);
    /// Forgets the refused codes and denied pushes that this login knew when it last counted or
    /// noted, because a factor was proven: by the last code that was counted, where `is_code`.
    /// Returns how many there were of the person, without that code.
    fn code_accepted(&mut self, is_code: bool) -> u32;
    /// Takes back the last [`Limits::acquire_code`], because the code was neither accepted nor
    /// refused.
    fn release_code(&mut self);
    /// Counts a push that the person denied, as a refused code too. No push is sent to the person
    /// for a while, which doubles each time.
    fn push_denied(&mut self);
    /// Forgets the denied pushes that this login knew when it counted its push.
    fn push_approved(&mut self);
    /// Whether an SMS or a call may have brought the person a code within the last ten minutes;
    /// also where that cannot be read.
    fn sent_lately(&self) -> bool;
}

/// The login whose limits are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitedLogin<'a> {
    /// The user whose factor is required.
    pub user: &'a str,
    /// Whether the mapping has the user.
    pub enrolled: bool,
    /// Whether a provider can send something to the person. To unenrolled users, and to persons
    /// who have nothing but an app on this host, nothing is sent.
    pub receives: bool,
    /// The person's factors
    /// ([`Person::stored_ids`](crate::base::factor::Person::stored_ids)).
    pub factors: Vec<String>,
    /// The remote address.
    pub address: Option<IpAddr>,
    /// The real uid of the application, by which a login without an address counts.
    pub uid: u32,
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
