//! Where counts are: files of records, each file with a lock of its own.
//!
//! An enrolled user has a file. Names that are not enrolled and addresses come from anybody, so they
//! share 256 files by their hash, each with room for so many: whoever tries a million of them fills
//! no disk, and the one that was quiet for longest goes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use super::Record;
use crate::store::state::{self, Error, FileChange, Folder, Unreadable};

/// The version of the files.
const VERSION: u64 = 1;
/// Addresses (or names) in one of the 256 files; 9,984 in all.
pub(super) const ROOM: usize = 39;

/// The records of a file.
pub(super) type Bucket = BTreeMap<String, Record>;

/// Where the counts of a user or an address are.
#[derive(Debug, Clone)]
pub(super) struct BucketEntry {
    folder: &'static str,
    file: String,
    key: String,
    /// The name that the record shows.
    name: Option<String>,
    room: usize,
}

/// The folders of the state.
pub(super) const LIMITS: &str = "limits";
pub(super) const USERS: &str = "users";
pub(super) const STRANGERS: &str = "strangers";
pub(super) const ADDRESSES: &str = "addresses";

impl BucketEntry {
    pub(super) fn of_user(user: &str, enrolled: bool) -> Self {
        let hash = state::file_name(user);
        if enrolled {
            return Self {
                folder: USERS,
                file: hash.clone(),
                key: hash,
                name: Some(user.to_owned()),
                room: 1,
            };
        }
        // A password typed for a name must not be readable later on: the hash alone is kept.
        Self::shared(STRANGERS, &hash.clone(), hash)
    }

    /// An IPv6 address counts by its first 64 bits, which one customer has at least (RFC 6177).
    pub(super) fn of_address(address: Option<IpAddr>) -> Self {
        let key = match address.map(|address| address.to_canonical()) {
            None => "none".to_owned(),
            Some(IpAddr::V4(v4)) => v4.to_string(),
            Some(IpAddr::V6(v6)) => {
                let network = Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX));
                format!("{network}/64")
            }
        };
        Self::shared(ADDRESSES, &state::file_name(&key), key)
    }

    fn shared(folder: &'static str, hash: &str, key: String) -> Self {
        Self {
            folder,
            file: hash.chars().take(2).collect(),
            key,
            name: None,
            room: ROOM,
        }
    }

    /// The word in the names of the limits.
    pub(super) fn kind(&self) -> &'static str {
        if self.folder == ADDRESSES {
            "address"
        } else {
            "user"
        }
    }

    /// The address, where it is one.
    pub(super) fn address(&self) -> Option<&str> {
        match self.key.as_str() {
            _ if self.folder != ADDRESSES => None,
            "none" => Some("logins without an address"),
            address => Some(address),
        }
    }

    /// Changes the record, which is settled first. Gives back what `change` said, and whether the file
    /// holds it now: a refusal stands even where it cannot be written.
    pub(super) fn change<T>(
        &self,
        state: &Path,
        now: u64,
        change: impl FnOnce(&mut Record) -> T,
    ) -> (Option<T>, Result<(), Error>) {
        let mut said = None;
        let written = self.open(state).and_then(|folder| {
            folder
                .update(&self.file, |old| match read(old) {
                    Ok(mut bucket) => {
                        let before = bucket.clone();
                        said = Some(self.apply(&mut bucket, now, change));
                        (Ok(()), written(&before, &bucket))
                    }
                    Err(why) => (Err(folder.unreadable(&self.file, why)), FileChange::Keep),
                })
                .and_then(|read| read)
        });
        (said, written)
    }

    /// The record as it is, without a lock.
    pub(super) fn look(&self, state: &Path) -> Result<Option<Record>, Error> {
        let Some(folder) = Folder::find(state, &[LIMITS, self.folder])? else {
            return Ok(None);
        };
        let bytes = folder.read(&self.file)?;
        let mut bucket =
            read(bytes.as_deref()).map_err(|why| folder.unreadable(&self.file, why))?;
        Ok(bucket.remove(&self.key))
    }

    /// Takes the record out; a file that cannot be read goes as a whole. Says whether there was
    /// anything.
    pub(super) fn clear(&self, state: &Path) -> Result<bool, Error> {
        let Some(folder) = Folder::find(state, &[LIMITS, self.folder])? else {
            return Ok(false);
        };
        // A lock is made for a file that exists, and for no other.
        if folder.read(&self.file)?.is_none() {
            return Ok(false);
        }
        folder.update(&self.file, |old| match read(old) {
            Ok(mut bucket) => {
                let before = bucket.clone();
                let found = bucket.remove(&self.key).is_some();
                (found, written(&before, &bucket))
            }
            Err(_) => (true, FileChange::Remove),
        })
    }

    fn open(&self, state: &Path) -> Result<Folder, Error> {
        Folder::open(state)?.sub(LIMITS)?.sub(self.folder)
    }

    fn apply<T>(&self, bucket: &mut Bucket, now: u64, change: impl FnOnce(&mut Record) -> T) -> T {
        if !bucket.contains_key(&self.key) {
            make_room(bucket, self.room, now);
        }
        let mut record = bucket.remove(&self.key).unwrap_or_default();
        record.name.clone_from(&self.name);
        record.expire(now);
        let said = change(&mut record);
        if !record.is_empty() {
            bucket.insert(self.key.clone(), record);
        }
        said
    }
}

/// The records of a file; none when there is no file.
pub(super) fn read(bytes: Option<&[u8]>) -> Result<Bucket, Unreadable> {
    bytes.map_or_else(|| Ok(Bucket::new()), |bytes| state::decode(bytes, VERSION))
}

fn written(before: &Bucket, bucket: &Bucket) -> FileChange {
    match () {
        () if before == bucket => FileChange::Keep,
        () if bucket.is_empty() => FileChange::Remove,
        () => state::encode(bucket, VERSION),
    }
}

/// Makes room for one more: first of what counts no longer, then of what was quiet for longest.
fn make_room(bucket: &mut Bucket, room: usize, now: u64) {
    if bucket.len() < room {
        return;
    }
    bucket.retain(|_, record| {
        record.expire(now);
        !record.is_empty()
    });
    while bucket.len() >= room {
        let oldest = bucket.iter().min_by_key(|(_, record)| record.last());
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return;
        };
        bucket.remove(&key);
    }
}

#[cfg(test)]
impl BucketEntry {
    pub(super) fn with_key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    pub(super) fn file_name(&self) -> &str {
        &self.file
    }
}
