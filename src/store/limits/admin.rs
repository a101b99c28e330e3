//! What `authyctl` shows of the counts, how it ends a pause, and how it ends what counts for a
//! person.
//!
//! Only root can write the state folder, so its content is trusted; a damaged file is reported.
//! Called by `authyctl limits`, `unlock`, `enroll`, `unenroll`, `explain` and `doctor`, and by
//! `store::former`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::entry::{ADDRESSES, Entry, FACTORS, LIMITS, OWN, SHARED, UNENROLLED, USERS};
use super::host_codes::HOST_CODES;
use super::slot::{self, CHECKED, SHARED_WORDS, Snapshot};
use super::word::PauseRule;
use super::{Costly, of_lockers, seconds};
use crate::store::config;
use crate::store::state::{Error, Folder, Format, MapWords};

/// The counts of one user or one address, for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The user's name, or the address: `192.0.2.7`, `2001:db8::/64`, `uid:1000`.
    pub who: String,
    /// SMS within the last hour.
    pub sms: usize,
    /// Calls within the last hour.
    pub calls: usize,
    /// Pushes within the last hour.
    pub pushes: usize,
    /// Refused codes in a row.
    pub refused: u32,
    /// How long no code is accepted.
    pub pause: Option<Duration>,
    /// How long no push is sent, because one was denied.
    pub push_pause: Option<Duration>,
    /// How long no code is checked on this host, because too many were refused within a day.
    pub app_pause: Option<Duration>,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Listing {
    /// Enrolled users.
    pub users: Vec<Row>,
    /// Addresses.
    pub addresses: Vec<Row>,
    /// Names that are not enrolled, by their hashes: the names are not stored.
    pub strangers: Vec<Row>,
    /// Enrolled users at screen lockers, whose counts are a book of their own.
    pub lockers: Vec<Row>,
    /// What this host has sent in all.
    pub host: Option<Row>,
    /// Files that could not be read.
    pub errors: Vec<Error>,
}

/// Reads all counts, and changes nothing. Without a folder there are no counts.
///
/// # Errors
/// The folder cannot be trusted or read. A file that cannot be read is part of the listing.
pub fn list(state: &Path, rules: &config::Limits, now: SystemTime) -> Result<Listing, Error> {
    let (mut errors, now) = (Vec::new(), seconds(now));
    let lockers = of_lockers(state);
    let mut rows = |state, folder, format| {
        let reading = Reading {
            state,
            folder,
            format,
        };
        reading.rows(rules.refused_tokens, now, &mut errors)
    };
    let mut listing = Listing {
        users: rows(state, USERS, OWN)?,
        addresses: rows(state, ADDRESSES, SHARED)?,
        strangers: rows(state, UNENROLLED, SHARED)?,
        lockers: rows(&lockers, USERS, OWN)?,
        host: None,
        errors: Vec::new(),
    };
    // What counts for a factor is shown with its user by `of_user`.
    for state in [state, &lockers] {
        rows(state, FACTORS, OWN)?;
    }
    match Entry::of_host().peek(state) {
        Ok(words) => {
            let row = |words: Vec<u64>| row(String::new(), Snapshot(&words), 0, now);
            listing.host = words.and_then(row);
        }
        Err(error) => errors.push(error),
    }
    listing.errors = errors;
    Ok(listing)
}

/// Reads the counts of an enrolled user with these factors; `None` if nothing counts. A pause of a
/// factor is one of the user.
///
/// # Errors
/// A file cannot be trusted or read.
pub fn of_user(
    state: &Path,
    rules: &config::Limits,
    user: &str,
    factors: &[String],
    now: SystemTime,
) -> Result<Option<Row>, Error> {
    let now = seconds(now);
    let mut found: Option<Row> = None;
    for entry in entries(user, factors) {
        let Some(words) = entry.peek(state)? else {
            continue;
        };
        let next = row(user.to_owned(), Snapshot(&words), rules.refused_tokens, now);
        found = match (found, next) {
            (Some(row), Some(next)) => Some(Row {
                refused: row.refused.max(next.refused),
                pause: row.pause.max(next.pause),
                push_pause: row.push_pause.max(next.push_pause),
                app_pause: row.app_pause.max(next.app_pause),
                ..row
            }),
            (row, next) => row.or(next),
        };
    }
    Ok(found)
}

/// Whether there is a file of the enrolled user `user`, also where nothing counts in it.
///
/// # Errors
/// The folder cannot be trusted or read.
pub fn has_counts(state: &Path, user: &str) -> Result<bool, Error> {
    match Entry::of_user(user, true).peek(state) {
        Err(error) if error.is_corrupt() => Ok(true),
        words => Ok(words?.is_some()),
    }
}

/// Forgets what was counted for `user` and these factors: refused codes, denied pushes, and what
/// was sent. Returns whether there was anything. A damaged file is removed.
///
/// # Errors
/// The state folder cannot be trusted or written.
pub fn unlock(
    state: &Path,
    user: &str,
    factors: &[String],
    map: MapWords,
    now: SystemTime,
) -> Result<bool, Error> {
    let mut changed = false;
    let stranger = Entry::of_user(user, false);
    for entry in entries(user, factors).into_iter().chain([stranger]) {
        for state in [state, &of_lockers(state)] {
            changed |= clear(&entry, state, map, seconds(now))?;
        }
    }
    Ok(changed)
}

/// Makes the files of an enrolled user and these factors, so that a full disk later does not keep
/// them from being counted.
///
/// # Errors
/// A file could not be made, or cannot be used.
pub fn prepare(
    state: &Path,
    user: &str,
    factors: &[String],
    map: MapWords,
    now: SystemTime,
) -> Result<(), Error> {
    for entry in entries(user, factors) {
        entry.claim(state, map, seconds(now))?;
    }
    Ok(())
}

/// Ends what counts for these factors and, where it is given, for `user`: the files are removed.
///
/// # Errors
/// A file is still there.
pub fn forget(state: &Path, user: Option<&str>, factors: &[String]) -> Result<(), Error> {
    let user = user.map(|user| Entry::of_user(user, true));
    let factors = factors.iter().map(|id| Entry::of_factor(id));
    for entry in user.into_iter().chain(factors) {
        entry.remove(state)?;
        entry.remove(&of_lockers(state))?;
    }
    Ok(())
}

/// The entries of an enrolled user and these factors.
fn entries(user: &str, factors: &[String]) -> Vec<Entry> {
    let factors = factors.iter().map(|id| Entry::of_factor(id));
    [Entry::of_user(user, true)]
        .into_iter()
        .chain(factors)
        .collect()
}

/// Clears a record. Returns whether something counted.
fn clear(entry: &Entry, state: &Path, map: MapWords, now: u64) -> Result<bool, Error> {
    let counted = match entry.peek(state) {
        Err(error) if error.is_corrupt() => return entry.remove(state),
        words => words?.is_some_and(|words| row(String::new(), Snapshot(&words), 0, now).is_some()),
    };
    if counted && let Some(slot) = entry.find(state, map)? {
        slot.clear();
    }
    Ok(counted)
}

/// A folder of counts.
struct Reading<'a> {
    state: &'a Path,
    folder: &'a str,
    format: Format,
}

impl Reading<'_> {
    /// The rows of the folder; the errors of its files go to `errors`.
    fn rows(
        &self,
        refused_tokens: u32,
        now: u64,
        errors: &mut Vec<Error>,
    ) -> Result<Vec<Row>, Error> {
        let Some(folder) = Folder::find(self.state, &[LIMITS, self.folder])? else {
            return Ok(Vec::new());
        };
        let size = if self.format == OWN {
            OWN.words
        } else {
            SHARED_WORDS
        };
        let mut rows = Vec::new();
        for name in folder.names()? {
            let read = folder.read(&name).and_then(|bytes| {
                let bytes = bytes.unwrap_or_default();
                (self.format.decode(&bytes)).map_err(|why| folder.unreadable(&name, why))
            });
            match read {
                Ok(words) => rows.extend(words.chunks(size).filter_map(|words| {
                    let record = Snapshot(words);
                    let hash = || format!("{:016x}", record.key());
                    let who = record.text().unwrap_or_else(hash);
                    row(who, record, refused_tokens, now)
                })),
                Err(error) => errors.push(error),
            }
        }
        rows.sort_by(|one, other| one.who.cmp(&other.who));
        Ok(rows)
    }
}

/// The row of a record; `None` if nothing counts any more.
fn row(who: String, record: Snapshot<'_>, refused_tokens: u32, now: u64) -> Option<Row> {
    let sent = |what: Costly| record.sent(what.into(), now) as usize;
    let refused = record.streak(slot::Row::Refused);
    let denied = record.streak(slot::Row::Denied);
    let row = Row {
        who,
        sms: sent(Costly::Sms),
        calls: sent(Costly::Call),
        pushes: sent(Costly::Push),
        refused: refused.number.into(),
        pause: refused.pause(PauseRule::refused(refused_tokens), now),
        push_pause: denied.pause(PauseRule::DENIED, now),
        app_pause: record.wait(CHECKED, HOST_CODES, now),
    };
    let is_empty = row.sms + row.calls + row.pushes == 0 && refused.number == 0;
    let is_empty = is_empty && denied.number == 0 && record.sent(CHECKED, now) == 0;
    (!is_empty).then_some(row)
}
