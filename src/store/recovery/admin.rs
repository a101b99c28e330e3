//! What `authyctl recovery` does: makes codes, counts them, removes them.

use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{CODES, Codes, FOLDER, VERSION, read};
use crate::base::reply::RecoveryCode;
use crate::store::state::{self, FileChange, Folder};

/// Why no new codes were made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user has codes, which are replaced on request only.
    #[error("there are {0} recovery codes left")]
    Exists(usize),
    /// The system has no random numbers.
    #[error("the system gave no random numbers")]
    Random,
    /// The state folder or the file cannot be used.
    #[error(transparent)]
    State(#[from] state::Error),
}

/// How many codes a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// No codes were made.
    Never,
    /// This many of the codes that were made.
    Of(usize),
}

/// Makes ten codes for `user`, who has these factors
/// ([`Entry::stored_ids`](crate::store::users::Entry::stored_ids)), and returns them as text, such
/// as `3v8k-m2zq-70xd-w9ht`; they cannot be shown again. Codes that are left, and a damaged file,
/// are replaced only with `replace`. The codes are on the disk when this returns.
///
/// # Errors
/// See [`Error`]; old codes then stay.
pub fn generate(
    state: &Path,
    user: &str,
    factors: Vec<String>,
    replace: bool,
) -> Result<Vec<Zeroizing<String>>, Error> {
    let (codes, texts) = new_codes(user, factors)?;
    let folder = Folder::open(state)?.sub(FOLDER)?;
    let file = state::file_name(user);
    let written = folder.update_durably(&file, |old| match read(old) {
        Ok(Some(old)) if !old.hashes.is_empty() && !replace && old.is_of(&codes) => {
            (Ok(Err(Error::Exists(old.hashes.len()))), FileChange::Keep)
        }
        Err(why) if !replace => (Err(why), FileChange::Keep),
        _ => (Ok(Ok(())), state::encode(&codes, VERSION)),
    })?;
    written.map_err(|why| folder.unreadable(&file, why))??;
    Ok(texts)
}

/// Returns how many codes `user`, whose entry has these factors, has left. Codes that belong to
/// factors which were all replaced do not count; without factors every code counts. Changes
/// nothing.
///
/// # Errors
/// The file cannot be trusted or read.
pub fn left(state: &Path, user: &str, factors: &[String]) -> Result<Left, state::Error> {
    let Some(folder) = Folder::find(state, &[FOLDER])? else {
        return Ok(Left::Never);
    };
    let file = state::file_name(user);
    let codes =
        read(folder.read(&file)?.as_deref()).map_err(|why| folder.unreadable(&file, why))?;
    let codes = codes.filter(|codes| factors.is_empty() || codes.belong_to(factors));
    Ok(codes.map_or(Left::Never, |codes| Left::Of(codes.hashes.len())))
}

/// Removes all codes of `user`, also a damaged file. Returns whether there was one; it is gone from
/// the disk then.
///
/// # Errors
/// The state cannot be trusted or written.
pub fn remove(state: &Path, user: &str) -> Result<bool, state::Error> {
    let stored = super::FileRecovery::new(state, user, Vec::new());
    match stored.folder()? {
        Some(folder) => {
            folder.update_durably(&stored.file, |old| (old.is_some(), FileChange::Remove))
        }
        None => Ok(false),
    }
}

/// Returns an error for each file that cannot be read.
///
/// # Errors
/// The folder cannot be trusted or read.
pub fn unreadable(state: &Path) -> Result<Vec<state::Error>, state::Error> {
    Folder::faults(state, FOLDER, read)
}

/// Makes new codes: as they are stored, and as they are shown.
fn new_codes(user: &str, factors: Vec<String>) -> Result<(Codes, Vec<Zeroizing<String>>), Error> {
    let random = SystemRandom::new();
    let mut key = Zeroizing::new([0; 32]);
    random.fill(key.as_mut_slice()).map_err(|_| Error::Random)?;
    let hmac_key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
    let (mut hashes, mut texts) = (Vec::new(), Vec::new());
    for _ in 0..CODES {
        let mut bytes = Zeroizing::new([0; RecoveryCode::BYTES]);
        random
            .fill(bytes.as_mut_slice())
            .map_err(|_| Error::Random)?;
        let code = RecoveryCode::new(bytes);
        hashes.push(state::hex(hmac::sign(&hmac_key, code.bytes()).as_ref()));
        texts.push(code.to_text());
    }
    let codes = Codes {
        name: user.to_owned(),
        factors,
        key: state::hex(key.as_slice()),
        hashes,
    };
    Ok((codes, texts))
}
