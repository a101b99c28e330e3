//! Recovery codes: ten for a user, each works once, for a day without the phone or without Authy.
//!
//! A code has 80 random bits. Its HMAC-SHA-256 under a random key is stored in a file that only
//! root can read, one file and one key for each user. A fast hash is safe here, unlike for a
//! password that a person chose: a thief of the file tries 2^80 / 11 values until one of the ten is
//! found, which takes three thousand years at 10^12 a second. A slow hash would cost each
//! login memory and time, and gain nothing. No network is needed.
//!
//! `authyctl import` also stores the emergency codes of google-authenticator, which have 8 digits. Such
//! a code is counted as refused before it is checked, as a code of an app is.
//!
//! Which codes are used is in a second file, with a word for each code: a login uses a code up by
//! one exchange of its word, so a stopped process delays no other, of many logins with one code one
//! wins, and a full disk hinders none. The disk has the word before the login succeeds. The name of
//! that file has the id of the set of codes, so it says nothing about the codes of another set. Used
//! by `login` through the trait [`Recovery`], and by `authyctl recovery`.

use std::path::Path;

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::base::reply::RecoveryCode;
use crate::store::state::{
    self, Failure, FileChange, Folder, Format, MapWords, Unreadable, WordFile,
};

/// How many codes a user gets.
pub const CODES: usize = 10;
/// The version of the files, and their folder.
const VERSION: u64 = 1;
const FOLDER: &str = "recovery";
/// The folder of the files that say which codes are used, and what these look like: a word for each
/// code, which is zero while the code works.
const USED_FOLDER: &str = "recovery-used";
const USED: Format = Format {
    magic: u64::from_be_bytes(*b"\0\0recovr"),
    version: 1,
    words: CODES,
};

/// The recovery codes of a login's user.
pub trait Recovery {
    /// Redeems `code` and returns how many are left; `None` when it is not one of the user's. It is
    /// used up on the disk before this returns. Waits for no other process.
    ///
    /// # Errors
    /// The codes cannot be read or written.
    fn redeem(&mut self, code: &RecoveryCode) -> Result<Option<usize>, Failure>;
}

/// The codes in the state folder.
#[derive(Debug)]
pub struct FileRecovery {
    state: std::path::PathBuf,
    file: String,
    /// The person's factors, as they are stored.
    factors: Vec<String>,
    map: MapWords,
}

impl FileRecovery {
    /// The codes of `user`, behind whom is a person with these factors
    /// ([`Person::stored_ids`](crate::base::factor::Person::stored_ids)). Opens nothing yet.
    #[must_use]
    pub fn new(state: &Path, user: &str, factors: Vec<String>, map: MapWords) -> Self {
        Self {
            state: state.to_owned(),
            file: state::file_name(user),
            factors,
            map,
        }
    }

    /// Records the person's present factors with the codes, where an earlier one still matches: the
    /// person stays the same when a factor is added now and another is taken away later. Waits for
    /// a lock for 300 ms at most, and only where something changes. A login that was accepted, also by
    /// a recovery code, calls this.
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
        folder
            .for_login()
            .update_durably(&self.file, |old| match read(old) {
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
        // No lock file is made for a name without codes: anybody can type any number of names.
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
        let codes = read(folder.read(&self.file)?.as_deref())
            .map_err(|why| folder.unreadable(&self.file, why))?;
        let Some(codes) = codes.filter(|codes| codes.belong_to(&self.factors)) else {
            return Ok(None);
        };
        let Some(index) = codes.find(code) else {
            return Ok(None);
        };
        let Some(used) = used_file(&self.state, &codes.used_name(&self.file), self.map)? else {
            return self.without_used_file(&folder, &codes);
        };
        // Of a set that was replaced meanwhile no code is accepted.
        if !used.exchange(index, 0, 1) || !used.is_linked() {
            return Ok(None);
        }
        used.sync()
            .map_err(|error| folder.failed(&self.file, &error))?;
        let left = (0..codes.hashes.len()).filter(|code| used.load(*code) == 0);
        Ok(Some(left.count()))
    }
}

impl FileRecovery {
    /// Refuses a code of a set that was replaced meanwhile. Where the set is still there, its file
    /// of used codes is lost, and no code of it may work again.
    fn without_used_file(&self, folder: &Folder, codes: &Codes) -> Result<Option<usize>, Failure> {
        match read(folder.read(&self.file)?.as_deref()) {
            Ok(Some(now)) if now.key == codes.key => {
                Err(folder.unreadable(&self.file, Unreadable::Corrupt).into())
            }
            _ => Ok(None),
        }
    }
}

/// Opens the file that says which codes of a set are used.
fn used_file(state: &Path, name: &str, map: MapWords) -> Result<Option<WordFile>, state::Error> {
    match Folder::find(state, &[USED_FOLDER])? {
        Some(folder) => folder.find_words(name, USED, map),
        None => Ok(None),
    }
}

/// The content of a file; bytes in hex.
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
    /// Whether the codes are those of a person with these factors: one of them is known, or none
    /// was known when the codes were made.
    fn belong_to(&self, factors: &[String]) -> bool {
        self.factors.is_empty() || factors.iter().any(|id| self.factors.contains(id))
    }

    /// Whether these codes and `new` ones belong to the same person, as far as it is known.
    #[cfg(feature = "admin")]
    fn is_of(&self, new: &Self) -> bool {
        new.factors.is_empty() || self.belong_to(&new.factors)
    }

    /// The place of the code among these; `None` when it is not one of them. Compares with all of
    /// them, each in constant time.
    fn find(&self, code: &RecoveryCode) -> Option<usize> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &unhex(&self.key)?);
        let matches = |hash: &String| {
            unhex(hash).is_some_and(|hash| hmac::verify(&key, code.bytes(), &hash).is_ok())
        };
        let (mut found, hashes) = (None, self.hashes.iter().enumerate());
        for (index, hash) in hashes {
            if matches(hash) {
                found = Some(index);
            }
        }
        found
    }

    /// The name of the file that says which of these codes are used; `file` is the file of the
    /// codes. The key is random, so each set has another name.
    fn used_name(&self, file: &str) -> String {
        let id = state::file_name(&self.key);
        format!("{file}-{}", id.get(..16).unwrap_or_default())
    }

    /// Whether every value has the form that [`generate`] writes.
    fn is_valid(&self) -> bool {
        let is_hash = |text: &String| unhex(text).is_some_and(|bytes| bytes.len() == 32);
        is_hash(&self.key) && self.hashes.len() <= CODES && self.hashes.iter().all(is_hash)
    }
}

fn read(bytes: Option<&[u8]>) -> Result<Option<Codes>, Unreadable> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let codes: Codes = state::decode(bytes, VERSION)?;
    if codes.is_valid() {
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
mod new_codes;
#[cfg(feature = "admin")]
pub use admin::{Error, Left, generate, import, left, make, remove, unreadable};
#[cfg(feature = "admin")]
pub use new_codes::NewCodes;

#[cfg(all(test, feature = "admin"))]
mod tests;
