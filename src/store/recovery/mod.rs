//! Recovery codes: ten for a user, each works once, for a day without the phone or without Authy.
//!
//! A code has 80 random bits. Its HMAC-SHA-256 under a random key is stored in a file that only root can
//! read, one file and one key for each user. A fast hash is safe here, unlike for a password that a
//! person chose: a thief of the file tries 2^80 / 11 values until one of the ten is found, which takes
//! three thousand years at 10^12 a second. A slow hash inside sshd or su would need memory and time,
//! which the caller may limit. No network is needed, and a code is gone from the disk before the login
//! succeeds. Used by `login` through the trait [`Recovery`], and by `authyctl recovery`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::store::state::{self, Failure, FileChange, Folder, Unreadable};

/// How many codes a user gets.
pub const CODES: usize = 10;
/// Characters of a code, five bits each.
const LENGTH: usize = 16;
/// Random bytes of a code.
const BYTES: usize = 10;
/// The version of the files, and their folder.
const VERSION: u64 = 1;
const FOLDER: &str = "recovery";

/// The digits of Crockford's base 32: no I, L, O, U.
///
/// Source: <https://www.crockford.com/base32.html>
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A recovery code as a person typed it: 16 base-32 characters in any case, with dashes and spaces
/// anywhere. A token is never one, since it has 12 digits at most. Wiped when dropped.
pub struct Code(Zeroizing<[u8; BYTES]>);

/// Not 16 characters of base 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a recovery code is 16 letters and digits, such as 3v8k-m2zq-70xd-w9ht")]
pub struct InvalidCode;

impl FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bits = Zeroizing::new(0_u128);
        let mut length = 0;
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            length += 1;
            if length > LENGTH {
                return Err(InvalidCode);
            }
            *bits = *bits << 5 | u128::from(value(c).ok_or(InvalidCode)?);
        }
        if length < LENGTH {
            return Err(InvalidCode);
        }
        let all = Zeroizing::new(bits.to_be_bytes());
        let mut code = Zeroizing::new([0; BYTES]);
        for (to, from) in code.iter_mut().zip(all.iter().skip(all.len() - BYTES)) {
            *to = *from;
        }
        Ok(Self(code))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The value of a digit. A letter that looks like a digit counts as that digit.
fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let place = DIGITS.iter().position(|digit| char::from(*digit) == c)?;
    u8::try_from(place).ok()
}

/// The recovery codes of a login's user.
pub trait Recovery {
    /// Redeems `code` and returns how many are left; `None` when it is not one of the user's. It is gone
    /// from the disk before this returns. Blocks for one second at most while another process holds the
    /// lock.
    ///
    /// # Errors
    /// The codes cannot be read or written.
    fn redeem(&mut self, code: &Code) -> Result<Option<usize>, Failure>;
}

/// The codes in the state folder.
#[derive(Debug)]
pub struct FileRecovery {
    state: std::path::PathBuf,
    file: String,
}

impl FileRecovery {
    /// The codes of `user`. Opens nothing yet.
    #[must_use]
    pub fn new(state: &Path, user: &str) -> Self {
        Self {
            state: state.to_owned(),
            file: state::file_name(user),
        }
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
    fn redeem(&mut self, code: &Code) -> Result<Option<usize>, Failure> {
        let Some(folder) = self.folder()? else {
            return Ok(None);
        };
        let used = folder.update_durably(&self.file, |old| match read(old) {
            Ok(Some(mut codes)) => match codes.remove(code) {
                true => (Ok(Some(codes.hashes.len())), state::encode(&codes, VERSION)),
                false => (Ok(None), FileChange::Keep),
            },
            Ok(None) => (Ok(None), FileChange::Keep),
            Err(why) => (Err(why), FileChange::Keep),
        })?;
        Ok(used.map_err(|why| folder.unreadable(&self.file, why))?)
    }
}

/// The content of a file; bytes in hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    name: String,
    key: String,
    hashes: Vec<String>,
}

impl Codes {
    /// Removes the code and returns true if it is one of these. Compares with all of them, each in
    /// constant time.
    fn remove(&mut self, code: &Code) -> bool {
        let Some(key) = unhex(&self.key) else {
            return false;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let matches = |hash: &String| {
            unhex(hash).is_some_and(|hash| hmac::verify(&key, code.0.as_slice(), &hash).is_ok())
        };
        let before = self.hashes.len();
        self.hashes.retain(|hash| !matches(hash));
        self.hashes.len() < before
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
pub use admin::{Error, Left, generate, left, remove, unreadable};

#[cfg(all(test, feature = "admin"))]
mod tests;
