//! What `authyctl` shows of the counts, and how it ends a pause.
//!
//! Only root can write the state folder, so its content is trusted; a damaged file is reported.
//! Called by `authyctl limits`, `unlock`, `explain` and `doctor`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::bucket::{self, ADDRESSES, BucketEntry, LIMITS, UNENROLLED, USERS};
use super::{Costly, Record, seconds};
use crate::store::config;
use crate::store::state::{Error, Folder};

/// The counts of one user or one address, for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The user's name, or the address: `192.0.2.7`, `2001:db8::/64`, `none`.
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
    /// Files that could not be read.
    pub errors: Vec<Error>,
}

/// Reads all counts. Takes no lock and changes nothing. Without a folder there are no counts.
///
/// # Errors
/// The folder cannot be trusted or read. A file that cannot be read is part of the listing.
pub fn list(state: &Path, rules: &config::Limits, now: SystemTime) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    let mut errors = Vec::new();
    let now = seconds(now);
    let mut rows = |folder| rows(state, folder, rules.refused_tokens, now, &mut errors);
    listing.users = rows(USERS)?;
    listing.addresses = rows(ADDRESSES)?;
    listing.strangers = rows(UNENROLLED)?;
    listing.errors = errors;
    Ok(listing)
}

/// Reads the counts of an enrolled user; `None` if nothing counts. Takes no lock.
///
/// # Errors
/// The file cannot be trusted or read.
pub fn of_user(
    state: &Path,
    rules: &config::Limits,
    user: &str,
    now: SystemTime,
) -> Result<Option<Row>, Error> {
    let record = BucketEntry::of_user(user, true).peek(state)?;
    let row = |record| row(user.to_owned(), record, rules.refused_tokens, seconds(now));
    Ok(record.and_then(row))
}

/// Forgets what was counted for `user`: refused codes, and what was sent. Returns whether there was
/// anything. A damaged file is removed.
///
/// # Errors
/// The state folder cannot be trusted or written.
pub fn unlock(state: &Path, user: &str) -> Result<bool, Error> {
    let enrolled = BucketEntry::of_user(user, true).clear(state)?;
    let stranger = BucketEntry::of_user(user, false).clear(state)?;
    Ok(enrolled || stranger)
}

/// The rows of one folder; the errors of its files go to `errors`.
fn rows(
    state: &Path,
    folder: &str,
    refused_tokens: u32,
    now: u64,
    errors: &mut Vec<Error>,
) -> Result<Vec<Row>, Error> {
    let Some(folder) = Folder::find(state, &[LIMITS, folder])? else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for name in folder.names()? {
        let read = folder.read(&name).and_then(|bytes| {
            bucket::read(bytes.as_deref()).map_err(|why| folder.unreadable(&name, why))
        });
        match read {
            Ok(bucket) => {
                let found = bucket
                    .into_iter()
                    .map(|(key, record)| row(key, record, refused_tokens, now));
                rows.extend(found.flatten());
            }
            Err(error) => errors.push(error),
        }
    }
    rows.sort_by(|one, other| one.who.cmp(&other.who));
    Ok(rows)
}

/// The row of a record; `None` if nothing counts any more.
fn row(key: String, mut record: Record, refused_tokens: u32, now: u64) -> Option<Row> {
    record.expire(now);
    let who = record.name.take().unwrap_or(key);
    (!record.is_empty()).then(|| Row {
        who,
        sms: record.sent_count(Costly::Sms),
        calls: record.sent_count(Costly::Call),
        pushes: record.sent_count(Costly::Push),
        refused: record.refused(),
        pause: record.pause(refused_tokens, now),
    })
}
