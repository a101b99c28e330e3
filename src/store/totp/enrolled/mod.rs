//! enrolled.toml in the state folder: the apps that people have enrolled at the prompt of a login.
//!
//! It has the form of totp.toml; each entry says `since` too, and by which `factors` the person was
//! recognized. A login writes it, and `authyctl` takes entries away: the file is replaced as every
//! other one of the state folder, under a lock that is waited for one second. An entry counts only
//! for the person who made it ([`super::Apps`]). Its index is written afterwards; without a valid
//! one a login reads the whole file. Not trusted to be valid: what cannot be used does not count.

mod edit;
mod lines;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::entry::Form;
use super::{Authenticator, Enrolled, Entry, Error as FileError, Secrets};
use crate::base::factor::TotpId;
use crate::base::secret::Secret;
use crate::base::text;
use crate::host::toml_file;
use crate::host::trusted_file::{Access, MAPPING_LIMIT};
use crate::store::state::{self, ENROLLED, Folder};

use edit::edit;
pub use edit::index;
use lines::line;

/// The longest name, in bytes.
const NAME_LENGTH: usize = 256;
/// The longest entry: a name, a secret of 128 bytes, and a few dozen factors.
const ENTRY_LENGTH: usize = 16 * 1024;

/// Why the file was not changed. No text quotes a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] state::Error),
    /// The present file is not valid as a whole.
    #[error(transparent)]
    File(#[from] FileError),
    /// The present file has a form that no login writes, or would be too large.
    #[error("{}: {why}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
}

/// What came of a new app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is on the disk.
    New,
    /// The person has one already, from another login.
    Present,
}

/// Returns the path of the file in this state folder.
#[must_use]
pub fn path(state: &Path) -> PathBuf {
    state.join(ENROLLED)
}

/// Reads the whole file.
///
/// # Errors
/// It is missing, cannot be trusted or read, or is not valid as a whole.
pub fn load(state: &Path) -> Result<Secrets, FileError> {
    let path = path(state);
    let text = Secret::new(toml_file::read(&path, Access::OwnerOnly, MAPPING_LIMIT)?);
    parse(text.expose(), &path)
}

/// Parses `text`, the content of the file at `path`.
///
/// # Errors
/// The text is not valid as a whole.
pub fn parse(text: &str, path: &Path) -> Result<Secrets, FileError> {
    Secrets::parse_some(text, path, Form::Enrolled, |_| true)
}

/// Reads the entry of this name alone; `None` when there is none, or no file.
///
/// # Errors
/// The file cannot be trusted or read, or is not valid as a whole.
pub(super) fn find(state: &Path, name: &str) -> Result<Option<Entry>, FileError> {
    match Secrets::load_form(&path(state), &BTreeSet::from([name]), Form::Enrolled) {
        Ok(mut secrets) => Ok(secrets.entries.remove(name)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Checks that an app of this name could be added now. Blocks for a second at most while another
/// process writes.
///
/// # Errors
/// It could not.
pub fn check_writable(state: &Path, name: &str) -> Result<(), Error> {
    check_name(state, name)?;
    let folder = Folder::open(state)?;
    // The whole file is written again.
    let present = path(state).metadata().map_or(0, |file| file.size());
    let present = usize::try_from(present).unwrap_or(usize::MAX);
    Ok(folder.check_writable(ENROLLED, present.saturating_add(ENTRY_LENGTH))?)
}

/// Adds the app of a person who has these `factors`, enrolled at the time `since`. One that another
/// person left under the name is replaced. The disk has it when this returns. Blocks for a second
/// at most while another process writes.
///
/// # Errors
/// Nothing was changed.
pub fn add(state: &Path, name: &str, app: &Authenticator, new: &Enrolled) -> Result<Added, Error> {
    check_name(state, name)?;
    edit(state, |file| {
        let present = file.secrets.entry(name).and_then(Entry::enrolled);
        if present.is_some_and(|present| present.is_of(&new.factors)) {
            return Ok((Added::Present, None));
        }
        let text = file.with(name, Some(&line(name, app, new)))?;
        Ok((Added::New, Some(text)))
    })
}

/// Takes the app of this name away. Returns its id if it was valid; `None`: there was none. Blocks
/// for a second at most while another process writes.
///
/// # Errors
/// Nothing was changed.
pub fn remove(state: &Path, name: &str) -> Result<Option<Option<TotpId>>, Error> {
    // Nothing is made for it.
    if Folder::find(state, &[])?.is_none_or(|_| path(state).symlink_metadata().is_err()) {
        return Ok(None);
    }
    edit(state, |file| {
        let Some(entry) = file.secrets.entry(name) else {
            return Ok((None, None));
        };
        let id = entry.app().map(Authenticator::id);
        Ok((Some(id), Some(file.with(name, None)?)))
    })
}

/// Takes in the factors that the person of an app has now, so that it stays theirs when an old one
/// is taken away. Changes nothing where they are known, or are another person's.
///
/// # Errors
/// Nothing was changed.
pub fn record_factors(state: &Path, name: &str, factors: &[String]) -> Result<(), Error> {
    edit(state, |file| {
        let Some(Entry::Valid {
            app,
            enrolled: Some(old),
            ..
        }) = file.secrets.entry(name)
        else {
            return Ok(((), None));
        };
        if !old.is_of(factors) || old.has_all(factors) {
            return Ok(((), None));
        }
        let new = Enrolled {
            since: old.since,
            factors: factors.to_vec(),
        };
        let text = file.with(name, Some(&line(name, app, &new)))?;
        Ok(((), Some(text)))
    })
}

impl Enrolled {
    /// Whether the person with these factors made the entry.
    #[must_use]
    pub fn is_of(&self, factors: &[String]) -> bool {
        self.factors.is_empty() || self.factors.iter().any(|one| factors.contains(one))
    }

    /// Whether the entry knows these factors, and no others.
    #[must_use]
    pub fn has_all(&self, factors: &[String]) -> bool {
        let known: BTreeSet<_> = self.factors.iter().collect();
        known == factors.iter().collect()
    }
}

/// Refuses a name that cannot be written into a line.
fn check_name(state: &Path, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > NAME_LENGTH || text::has_control(name) {
        let why = "the user name cannot be written there";
        return Err(Error::Form {
            path: path(state),
            why,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
