//! The files with the counts, each with a lock of its own.
//!
//! An enrolled user has a file. Names that are not enrolled, and addresses, can be chosen by
//! anyone, so each kind shares 256 files by hash, each with a fixed capacity: even a million names
//! do not fill the disk, because the least recently counted record is dropped. Called by [`super`]
//! and by `admin`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use super::Record;
use crate::store::state::{self, Error, FileChange, Folder, Unreadable};

/// The version of the files.
const VERSION: u64 = 1;
/// How many addresses (or names) one of the 256 files has at most; 9,984 in all.
pub(super) const CAPACITY: usize = 39;

/// The records of a file.
pub(super) type Bucket = BTreeMap<String, Record>;

/// Where the counts of one user or address are stored.
#[derive(Debug, Clone)]
pub(super) struct BucketEntry {
    folder: &'static str,
    pub(super) file: String,
    /// The key of the record in the file.
    pub(super) key: String,
    /// The name that is stored in the record, for `authyctl`.
    name: Option<String>,
    capacity: usize,
}

/// The folder of the counts in the state folder, and the folders in it.
pub(super) const LIMITS: &str = "limits";
pub(super) const USERS: &str = "users";
pub(super) const UNENROLLED: &str = "strangers";
pub(super) const ADDRESSES: &str = "addresses";

impl BucketEntry {
    /// The entry of a user, who may be enrolled or not.
    pub(super) fn of_user(user: &str, enrolled: bool) -> Self {
        let hash = state::file_name(user);
        if enrolled {
            return Self {
                folder: USERS,
                file: hash.clone(),
                key: hash,
                name: Some(user.to_owned()),
                capacity: 1,
            };
        }
        // Only the hash is stored, because the name may be a password that was typed by mistake.
        Self::shared(UNENROLLED, &hash.clone(), hash)
    }

    /// The entry of an address. IPv6 addresses count per /64 network, because even the smallest
    /// customer has at least a /64 (RFC 6177).
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

    /// An entry in one of the 256 shared files.
    fn shared(folder: &'static str, hash: &str, key: String) -> Self {
        Self {
            folder,
            file: hash.chars().take(2).collect(),
            key,
            name: None,
            capacity: CAPACITY,
        }
    }

    /// The end of the keys in `[limits]`.
    pub(super) fn kind(&self) -> &'static str {
        if self.folder == ADDRESSES {
            "address"
        } else {
            "user"
        }
    }

    /// The address for the log; `None` for a user.
    pub(super) fn address(&self) -> Option<&str> {
        match self.key.as_str() {
            _ if self.folder != ADDRESSES => None,
            "none" => Some("logins without an address"),
            address => Some(address),
        }
    }

    /// Drops what no longer counts from the record, and calls `change` on it, under the lock of the
    /// file. Returns what `change` returned (`None`: it was not called), and the error if the file
    /// could not be read or written. A caller must respect a "no" of `change` even if writing
    /// failed.
    pub(super) fn change<T>(
        &self,
        state: &Path,
        now: u64,
        change: impl FnOnce(&mut Record) -> T,
    ) -> (Option<T>, Result<(), Error>) {
        let mut result = None;
        let written = self.open(state).and_then(|folder| {
            folder
                .update(&self.file, |old| match read(old) {
                    Ok(mut bucket) => {
                        let before = bucket.clone();
                        result = Some(self.apply(&mut bucket, now, change));
                        (Ok(()), file_change(&before, &bucket))
                    }
                    Err(why) => (Err(folder.unreadable(&self.file, why)), FileChange::Keep),
                })
                .and_then(|read| read)
        });
        (result, written)
    }

    /// Reads the record without a lock.
    pub(super) fn peek(&self, state: &Path) -> Result<Option<Record>, Error> {
        let Some(folder) = Folder::find(state, &[LIMITS, self.folder])? else {
            return Ok(None);
        };
        let bytes = folder.read(&self.file)?;
        let mut bucket =
            read(bytes.as_deref()).map_err(|why| folder.unreadable(&self.file, why))?;
        Ok(bucket.remove(&self.key))
    }

    /// Removes the record; a file that cannot be decoded is removed whole, with the records of
    /// others. Returns whether there was anything to remove.
    pub(super) fn clear(&self, state: &Path) -> Result<bool, Error> {
        let Some(folder) = Folder::find(state, &[LIMITS, self.folder])? else {
            return Ok(false);
        };
        // A lock file is created only for a file that exists.
        if folder.read(&self.file)?.is_none() {
            return Ok(false);
        }
        folder.update(&self.file, |old| match read(old) {
            Ok(mut bucket) => {
                let before = bucket.clone();
                let found = bucket.remove(&self.key).is_some();
                (found, file_change(&before, &bucket))
            }
            Err(_) => (true, FileChange::Remove),
        })
    }

    /// Opens the folder of the file, and creates it if it is missing.
    fn open(&self, state: &Path) -> Result<Folder, Error> {
        Folder::open(state)?.sub(LIMITS)?.sub(self.folder)
    }

    /// Applies `change` to the record in `bucket`. A record without counts is removed.
    fn apply<T>(&self, bucket: &mut Bucket, now: u64, change: impl FnOnce(&mut Record) -> T) -> T {
        if !bucket.contains_key(&self.key) {
            make_room(bucket, self.capacity, now);
        }
        let mut record = bucket.remove(&self.key).unwrap_or_default();
        record.name.clone_from(&self.name);
        record.expire(now);
        let result = change(&mut record);
        if !record.is_empty() {
            bucket.insert(self.key.clone(), record);
        }
        result
    }
}

/// Decodes the records of a file; none without a file.
pub(super) fn read(bytes: Option<&[u8]>) -> Result<Bucket, Unreadable> {
    bytes.map_or_else(|| Ok(Bucket::new()), |bytes| state::decode(bytes, VERSION))
}

/// The change of the file, whose records were `before`.
fn file_change(before: &Bucket, bucket: &Bucket) -> FileChange {
    match () {
        () if before == bucket => FileChange::Keep,
        () if bucket.is_empty() => FileChange::Remove,
        () => state::encode(bucket, VERSION),
    }
}

/// Makes room for one more record: drops those that no longer count, then those that were not used
/// for the longest time.
fn make_room(bucket: &mut Bucket, capacity: usize, now: u64) {
    if bucket.len() < capacity {
        return;
    }
    bucket.retain(|_, record| {
        record.expire(now);
        !record.is_empty()
    });
    while bucket.len() >= capacity {
        let oldest = bucket
            .iter()
            .min_by_key(|(_, record)| record.last_counted());
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return;
        };
        bucket.remove(&key);
    }
}
