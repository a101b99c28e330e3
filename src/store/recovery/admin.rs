//! What `authyctl recovery` does: makes codes, counts them, takes them away.

use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{CODES, Codes, FOLDER, VERSION, read};
use crate::base::reply::RecoveryCode;
use crate::store::state::{self, FileChange, Folder};

/// Why there are no new codes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user has codes; they are replaced only when told.
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
    /// None were made.
    Never,
    /// So many of those that were made.
    Of(usize),
}

/// Makes ten codes for `user`, behind whom are people with these factors
/// ([`Entry::stored_ids`](crate::store::users::Entry::stored_ids)), shown here and never again: `3v8k-m2zq-70xd-w9ht`. Old ones that are
/// left are replaced only with `replace`, and so is a damaged file. On the disk when it comes back.
///
/// # Errors
/// As [`Error`] says; old codes then stay.
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
        Ok(Some(old)) if !old.hashes.is_empty() && !replace => {
            (Ok(Err(Error::Exists(old.hashes.len()))), FileChange::Keep)
        }
        Err(why) if !replace => (Err(why), FileChange::Keep),
        _ => (Ok(Ok(())), state::encode(&codes, VERSION)),
    })?;
    written.map_err(|why| folder.unreadable(&file, why))??;
    Ok(texts)
}

/// How many codes `user` has left. Makes nothing.
///
/// # Errors
/// The file cannot be trusted or read.
pub fn left(state: &Path, user: &str) -> Result<Left, state::Error> {
    let Some(folder) = Folder::find(state, &[FOLDER])? else {
        return Ok(Left::Never);
    };
    let file = state::file_name(user);
    let codes =
        read(folder.read(&file)?.as_deref()).map_err(|why| folder.unreadable(&file, why))?;
    Ok(codes.map_or(Left::Never, |codes| Left::Of(codes.hashes.len())))
}

/// Takes all codes of `user` away, a damaged file too; says whether there was one. On the disk when it
/// comes back.
///
/// # Errors
/// The state cannot be trusted or not written.
pub fn remove(state: &Path, user: &str) -> Result<bool, state::Error> {
    let stored = super::FileRecovery::new(state, user, Vec::new());
    match stored.folder()? {
        Some(folder) => {
            folder.update_durably(&stored.file, |old| (old.is_some(), FileChange::Remove))
        }
        None => Ok(false),
    }
}

/// The files that cannot be read, each as an error.
///
/// # Errors
/// The folder cannot be trusted or read.
pub fn unreadable(state: &Path) -> Result<Vec<state::Error>, state::Error> {
    Folder::faults(state, FOLDER, read)
}

/// New codes: as they are kept, and as they are shown.
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
