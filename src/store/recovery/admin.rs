//! What `authyctl recovery` does: makes codes, counts them, removes them.

use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::new_codes::{NewCodes, Replaced, used_folder};
use super::{CODES, Codes, FOLDER, USED, USED_FOLDER, VERSION, read};
use crate::base::reply::RecoveryCode;
use crate::store::state::{self, FileChange, Folder, MapWords, Unreadable};

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
/// ([`Entry::stored_ids`](crate::store::users::Entry::stored_ids)). Codes that are left, and a
/// damaged file, are replaced only with `replace`. The codes are on the disk when this returns, so
/// that none is shown that a power cut could undo.
///
/// # Errors
/// See [`Error`]; old codes then stay.
pub fn make(
    state: &Path,
    user: &str,
    factors: Vec<String>,
    replace: bool,
    map: MapWords,
) -> Result<NewCodes, Error> {
    let codes = random_codes()?;
    let set = new_set(user, factors, &codes)?;
    let replaced = store(state, &set, replace, map)?;
    Ok(NewCodes {
        texts: codes.iter().map(RecoveryCode::to_text).collect(),
        state: state.to_owned(),
        file: state::file_name(user),
        replaced,
    })
}

/// Makes codes as [`make`] does, keeps them and returns their texts.
///
/// # Errors
/// See [`Error`]; old codes then stay.
pub fn generate(
    state: &Path,
    user: &str,
    factors: Vec<String>,
    replace: bool,
    map: MapWords,
) -> Result<Vec<Zeroizing<String>>, Error> {
    let mut new = make(state, user, factors, replace, map)?;
    let texts = std::mem::take(&mut new.texts);
    new.keep();
    Ok(texts)
}

/// Stores codes that another program made for `user`, who has these factors: ten at most. Codes that
/// are left stay, and then none is stored. The codes are on the disk when this returns.
///
/// # Errors
/// See [`Error`]; nothing is stored then.
pub fn import(
    state: &Path,
    user: &str,
    factors: Vec<String>,
    codes: &[RecoveryCode],
    map: MapWords,
) -> Result<(), Error> {
    let codes = codes.get(..codes.len().min(CODES)).unwrap_or_default();
    let replaced = store(state, &new_set(user, factors, codes)?, false, map)?;
    if let Some(old) = replaced.used {
        drop(used_folder(state)?.unlink(&old));
    }
    Ok(())
}

/// Stores a set of codes in place of an older one, if that may be replaced. What says which of the
/// old codes are used stays, so that they can be put back.
fn store(state: &Path, codes: &Codes, replace: bool, map: MapWords) -> Result<Replaced, Error> {
    let root = Folder::open(state)?;
    let (folder, used) = (root.sub(FOLDER)?, root.sub(USED_FOLDER)?);
    let file = state::file_name(&codes.name);
    folder.update_durably(&file, |old| {
        let made = may_replace(state, &folder, &file, old, codes, replace)
            .and_then(|()| make_used(&used, &file, old, codes, map));
        let replaced = made.map(|old_used| Replaced {
            bytes: old.map(<[u8]>::to_vec),
            used: old_used,
            new_used: codes.used_name(&file),
        });
        match replaced {
            Ok(replaced) => (Ok(replaced), state::encode(codes, VERSION)),
            Err(error) => (Err(error), FileChange::Keep),
        }
    })?
}

/// Returns an error when the old codes must stay.
fn may_replace(
    state: &Path,
    folder: &Folder,
    file: &str,
    old: Option<&[u8]>,
    new: &Codes,
    replace: bool,
) -> Result<(), Error> {
    if replace {
        return Ok(());
    }
    let old = read(old).map_err(|why| folder.unreadable(file, why))?;
    let Some(old) = old.filter(|old| old.is_of(new)) else {
        return Ok(());
    };
    match unused(state, folder, file, &old)? {
        0 => Ok(()),
        left => Err(Error::Exists(left)),
    }
}

/// Makes the file that says that none of the new codes is used; it is on the disk before the codes.
/// Returns the name of the old set's file. Called under the lock of the codes.
fn make_used(
    used: &Folder,
    file: &str,
    old: Option<&[u8]>,
    new: &Codes,
    map: MapWords,
) -> Result<Option<String>, Error> {
    let old = read(old).ok().flatten().map(|old| old.used_name(file));
    // What a killed process has left.
    remove_used(used, file, old.as_deref())?;
    let name = new.used_name(file);
    let words = used.words(&name, USED, map)?;
    words.sync().map_err(|error| used.failed(&name, &error))?;
    used.sync()?;
    Ok(old)
}

/// Removes the files of used codes of all sets of a user, but for the one that is kept.
fn remove_used(used: &Folder, file: &str, kept: Option<&str>) -> Result<(), state::Error> {
    for name in used.names()? {
        if name.starts_with(&format!("{file}-")) && Some(name.as_str()) != kept {
            used.unlink(&name)?;
        }
    }
    Ok(())
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
    match codes.filter(|codes| factors.is_empty() || codes.belong_to(factors)) {
        Some(codes) => Ok(Left::Of(unused(state, &folder, &file, &codes)?)),
        None => Ok(Left::Never),
    }
}

/// How many of these codes are not used.
fn unused(state: &Path, folder: &Folder, file: &str, codes: &Codes) -> Result<usize, state::Error> {
    let damaged = || folder.unreadable(file, Unreadable::Corrupt);
    let name = codes.used_name(file);
    let used = Folder::find(state, &[USED_FOLDER])?.ok_or_else(damaged)?;
    let bytes = used.read(&name)?.ok_or_else(damaged)?;
    let words = USED
        .decode(&bytes)
        .map_err(|why| folder.unreadable(file, why))?;
    let of_codes = words.iter().take(codes.hashes.len());
    Ok(of_codes.filter(|word| **word == 0).count())
}

/// Removes all codes of `user`, also a damaged file. Returns whether there was one; it is gone from
/// the disk then.
///
/// # Errors
/// The state cannot be trusted or written.
pub fn remove(state: &Path, user: &str) -> Result<bool, state::Error> {
    let file = state::file_name(user);
    let Some(folder) = Folder::find(state, &[FOLDER])? else {
        return Ok(false);
    };
    // No lock file is made for a name without codes.
    if folder.read(&file)?.is_none() {
        return Ok(false);
    }
    let used = Folder::find(state, &[USED_FOLDER])?;
    folder.update_durably(&file, |old| {
        // A set without this file is refused, so it may go first.
        let removed = used.as_ref().map(|used| remove_used(used, &file, None));
        match removed {
            Some(Err(error)) => (Err(error), FileChange::Keep),
            _ => (Ok(old.is_some()), FileChange::Remove),
        }
    })?
}

/// Returns an error for each file that cannot be read.
///
/// # Errors
/// The folder cannot be trusted or read.
pub fn unreadable(state: &Path) -> Result<Vec<state::Error>, state::Error> {
    let Some(folder) = Folder::find(state, &[FOLDER])? else {
        return Ok(Vec::new());
    };
    let fault = |file: String| {
        let codes = folder
            .read(&file)
            .and_then(|bytes| read(bytes.as_deref()).map_err(|why| folder.unreadable(&file, why)));
        match codes {
            Ok(Some(codes)) => unused(state, &folder, &file, &codes).err(),
            Ok(None) => None,
            Err(error) => Some(error),
        }
    };
    Ok(folder.names()?.into_iter().filter_map(fault).collect())
}

/// Makes ten random codes.
fn random_codes() -> Result<Vec<RecoveryCode>, Error> {
    let random = SystemRandom::new();
    let code = |_| {
        let mut bytes = Zeroizing::new([0; RecoveryCode::BYTES]);
        random
            .fill(bytes.as_mut_slice())
            .map_err(|_| Error::Random)?;
        Ok(RecoveryCode::new(bytes))
    };
    (0..CODES).map(code).collect()
}

/// Makes the set of these codes, as it is stored.
fn new_set(user: &str, factors: Vec<String>, codes: &[RecoveryCode]) -> Result<Codes, Error> {
    let mut key = Zeroizing::new([0; 32]);
    let random = SystemRandom::new();
    random.fill(key.as_mut_slice()).map_err(|_| Error::Random)?;
    let hmac_key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
    let hash = |code: &RecoveryCode| state::hex(hmac::sign(&hmac_key, code.bytes()).as_ref());
    Ok(Codes {
        name: user.to_owned(),
        factors,
        key: state::hex(key.as_slice()),
        hashes: codes.iter().map(hash).collect(),
    })
}
