//! What `authyctl` shows of the counts, and how it ends a pause.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::bucket::{self, ADDRESSES, BucketEntry, LIMITS, STRANGERS, USERS};
use super::{Costly, Record, seconds};
use crate::store::config;
use crate::store::state::{Error, Folder};

/// The counts of one user or one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The user's name, or the address: `192.0.2.7`, `2001:db8::/64`, `none`.
    pub who: String,
    /// SMS within the hour.
    pub sms: usize,
    /// Calls within the hour.
    pub calls: usize,
    /// Pushes within the hour.
    pub pushes: usize,
    /// Refused tokens in a row.
    pub refused: u32,
    /// How long no token is taken.
    pub pause: Option<Duration>,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those who are enrolled.
    pub users: Vec<Row>,
    /// Addresses.
    pub addresses: Vec<Row>,
    /// Names that are not enrolled; which they are is not kept.
    pub strangers: Vec<Row>,
    /// Files that could not be read.
    pub errors: Vec<Error>,
}

/// Reads all counts. Takes no lock and changes nothing; a missing folder holds none.
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
    listing.strangers = rows(STRANGERS)?;
    listing.errors = errors;
    Ok(listing)
}

/// The counts of a user who is enrolled; `None` when nothing counts. Takes no lock.
///
/// # Errors
/// They cannot be trusted or read.
pub fn of_user(
    state: &Path,
    rules: &config::Limits,
    user: &str,
    now: SystemTime,
) -> Result<Option<Row>, Error> {
    let record = BucketEntry::of_user(user, true).look(state)?;
    let row = |record| row(user.to_owned(), record, rules.refused_tokens, seconds(now));
    Ok(record.and_then(row))
}

/// Forgets what was counted for `user`: refused tokens, and what was sent. Says whether there was
/// anything. A damaged file is taken away.
///
/// # Errors
/// The state cannot be trusted, or not written.
pub fn unlock(state: &Path, user: &str) -> Result<bool, Error> {
    let enrolled = BucketEntry::of_user(user, true).clear(state)?;
    let stranger = BucketEntry::of_user(user, false).clear(state)?;
    Ok(enrolled || stranger)
}

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

/// A row, where something counts still.
fn row(key: String, mut record: Record, refused_tokens: u32, now: u64) -> Option<Row> {
    record.expire(now);
    let who = record.name.take().unwrap_or(key);
    (!record.is_empty()).then(|| Row {
        who,
        sms: record.number(Costly::Sms),
        calls: record.number(Costly::Call),
        pushes: record.number(Costly::Push),
        refused: record.refused(),
        pause: record.pause(refused_tokens, now),
    })
}
