//! Recovery codes: ten for a person, each works once, for the day the phone or Authy is gone.
//!
//! A code has 80 random bits. On the disk, in a file that only root can read, stands its HMAC-SHA-256
//! under a random key of that file. A fast hash is safe here, unlike for a password that somebody
//! chose: whoever steals the file tries 2^80 / 11 values until one of the ten is found, which takes
//! three thousand years at 10^12 a second. A slow hash inside sshd or su would need memory and time
//! that the caller's limits rule. No network is needed, and a code is gone from the disk before it
//! counts.

use std::path::Path;

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::base::reply::RecoveryCode;
use crate::store::state::{self, Failure, FileChange, Folder, Unreadable};

/// How many codes a person gets.
pub const CODES: usize = 10;
/// The version of the files, and their folder.
const VERSION: u64 = 1;
const FOLDER: &str = "recovery";

/// The recovery codes of a login's user.
pub trait Recovery {
    /// Uses `code` up, and says how many are left; `None` when it is none of the user's. On the disk
    /// it is gone before this comes back. Waits for a lock a second at most.
    ///
    /// # Errors
    /// The code could not be looked at or used up.
    fn redeem(&mut self, code: &RecoveryCode) -> Result<Option<usize>, Failure>;
}

/// The codes in the state folder.
#[derive(Debug)]
pub struct FileRecovery {
    state: std::path::PathBuf,
    file: String,
    /// The person's factors, as they are stored.
    factors: Vec<String>,
}

impl FileRecovery {
    /// The codes of `user`, behind whom is a person with these factors
    /// ([`Person::stored_ids`](crate::base::factor::Person::stored_ids)). Opens nothing yet.
    #[must_use]
    pub fn new(state: &Path, user: &str, factors: Vec<String>) -> Self {
        Self {
            state: state.to_owned(),
            file: state::file_name(user),
            factors,
        }
    }

    /// Records the person's present factors with the codes, where an earlier one still matches: the
    /// person stays the same when a factor is added now and another is taken away later. Waits for a
    /// lock for a second at most, and only where something changes.
    ///
    /// # Errors
    /// The file cannot be trusted, read or written.
    pub fn record_factors(&self) -> Result<(), state::Error> {
        let Some(folder) = self.folder()? else {
            return Ok(());
        };
        let is_current = |codes: &Codes| codes.factors == self.factors;
        let stored = read(folder.read(&self.file)?.as_deref());
        if !matches!(&stored, Ok(Some(codes)) if codes.belong_to(&self.factors) && !is_current(codes))
        {
            return Ok(());
        }
        folder.update_durably(&self.file, |old| match read(old) {
            Ok(Some(mut codes)) if codes.belong_to(&self.factors) => {
                codes.factors.clone_from(&self.factors);
                ((), state::encode(&codes, VERSION))
            }
            _ => ((), FileChange::Keep),
        })
    }

    /// The folder, where this user has a file in it.
    fn folder(&self) -> Result<Option<Folder>, state::Error> {
        let folder = Folder::find(&self.state, &[FOLDER])?;
        // A name without codes makes no lock: anybody can think of names.
        match folder {
            Some(folder) if folder.read(&self.file)?.is_some() => Ok(Some(folder)),
            _ => Ok(None),
        }
    }
}

impl Recovery for FileRecovery {
    fn redeem(&mut self, code: &RecoveryCode) -> Result<Option<usize>, Failure> {
        let Some(folder) = self.folder()? else {
            return Ok(None);
        };
        let used = folder.update_durably(&self.file, |old| match read(old) {
            Ok(Some(mut codes)) if codes.belong_to(&self.factors) => {
                if !codes.take(code) {
                    return (Ok(None), FileChange::Keep);
                }
                codes.factors.clone_from(&self.factors);
                (Ok(Some(codes.hashes.len())), state::encode(&codes, VERSION))
            }
            Ok(_) => (Ok(None), FileChange::Keep),
            Err(why) => (Err(why), FileChange::Keep),
        })?;
        Ok(used.map_err(|why| folder.unreadable(&self.file, why))?)
    }
}

/// What a file holds; bytes in hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    name: String,
    /// The factors of the person to whom the codes belong; empty while the user is unenrolled.
    factors: Vec<String>,
    key: String,
    hashes: Vec<String>,
}

impl Codes {
    /// Whether the codes are those of a person with these factors: one of them is known, or none was
    /// known when the codes were made.
    fn belong_to(&self, factors: &[String]) -> bool {
        self.factors.is_empty() || factors.iter().any(|id| self.factors.contains(id))
    }

    /// Takes the code out, where it is one of these. Compares with all, each in constant time.
    fn take(&mut self, code: &RecoveryCode) -> bool {
        let Some(key) = unhex(&self.key) else {
            return false;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let is_it = |hash: &String| {
            unhex(hash).is_some_and(|hash| hmac::verify(&key, code.bytes(), &hash).is_ok())
        };
        let before = self.hashes.len();
        self.hashes.retain(|hash| !is_it(hash));
        self.hashes.len() < before
    }

    /// Whether every value is what [`generate`] writes.
    fn is_whole(&self) -> bool {
        let is_hash = |text: &String| unhex(text).is_some_and(|bytes| bytes.len() == 32);
        is_hash(&self.key) && self.hashes.len() <= CODES && self.hashes.iter().all(is_hash)
    }
}

fn read(bytes: Option<&[u8]>) -> Result<Option<Codes>, Unreadable> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let codes: Codes = state::decode(bytes, VERSION)?;
    if codes.is_whole() {
        Ok(Some(codes))
    } else {
        Err(Unreadable::Corrupt)
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(feature = "admin")]
mod admin;
#[cfg(feature = "admin")]
pub use admin::{Error, Left, generate, left, remove, unreadable};

#[cfg(all(test, feature = "admin"))]
mod tests;
