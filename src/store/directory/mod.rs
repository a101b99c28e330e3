//! directory.toml in the state folder: the people that `authyctl sync` has read from a directory.
//!
//! It has the table `[users]` of users.toml, `[left_out]`, new names whose entry cannot be used, and
//! what the next pass must know: `[held]`, changes that do not count before the administrator accepts
//! them, and `[removed]`, names that the directory has lost, which stay refused until they are
//! forgotten. A login reads one entry by the
//! index ([`find`]), and never asks a directory. `compare` is a whole pass as a pure function.
//! What the directory says is not trusted: people may edit attributes of their own entries. Only
//! root can write the file, which is valid as a whole or refused as a whole.

#[cfg(feature = "admin")]
mod compare;
#[cfg(feature = "admin")]
mod pass;
#[cfg(feature = "admin")]
mod passed;
mod read;
#[cfg(feature = "admin")]
mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::index;
use super::state::DIRECTORY;
use super::users::{Entry, Found};
use crate::base::factor::Person;
use crate::base::text;
use crate::host::toml_file::{self, Error};
use crate::host::trusted_file::{self, Access, MAPPING_LIMIT};

#[cfg(feature = "admin")]
pub use compare::compare;
#[cfg(feature = "admin")]
pub use pass::{Changed, Ended, LeftOut, Options, Pass, TooManyRemoved};
#[cfg(feature = "admin")]
pub use passed::{last_pass, note_pass};
#[cfg(feature = "admin")]
pub use write::{Error as WriteError, Written, index};

/// One person as the directory lists it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The login name.
    pub name: String,
    /// The factors, or why the entry cannot be used.
    pub person: Result<Person, String>,
}

/// What directory.toml says.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    rows: BTreeMap<String, Row>,
    held: BTreeMap<String, Held>,
    /// Where the rows are in the file; empty for a directory that was not read from one.
    places: BTreeMap<String, (Range<usize>, usize)>,
}

/// Where the rows are does not make a difference.
impl PartialEq for Directory {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && self.held == other.held
    }
}

/// A name that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Row {
    /// The person who can log in.
    Person(Person),
    /// An entry that was changed by hand and cannot be used.
    Unusable {
        /// The value as it is in the file.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// A new name whose entry in the directory cannot be used, and why. It is refused meanwhile: no
    /// one becomes unenrolled by an entry that they have spoiled.
    LeftOut {
        /// Why.
        why: String,
    },
    /// The directory has lost the name.
    Removed {
        /// When, in seconds since 1970.
        since: u64,
        /// The person who could log in before.
        before: Option<Person>,
    },
}

impl Row {
    /// The person whose what lasts may be there.
    #[cfg(feature = "admin")]
    fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Removed { before, .. } => before.as_ref(),
            Self::Unusable { .. } | Self::LeftOut { .. } => None,
        }
    }
}

/// What the directory lists for a name, and does not count yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    /// Since when, in seconds since 1970.
    since: u64,
    /// The factors, or why they cannot be used.
    listed: Result<Person, String>,
}

/// A change that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldChange {
    /// The login name.
    pub name: String,
    /// The person who can log in, or could before the name was removed.
    pub before: Option<Person>,
    /// What the directory lists, or why that cannot be used and so cannot be accepted either.
    pub listed: Result<Person, String>,
    /// Whether the name was removed and has come back: it is refused meanwhile.
    pub is_removed: bool,
    /// Since when it is held, in seconds since 1970.
    pub since: u64,
    /// Whether this pass has found it.
    pub is_new: bool,
}

/// Returns the path of the file in this state folder.
#[must_use]
pub fn path(state: &Path) -> PathBuf {
    state.join(DIRECTORY)
}

/// Finds the entry of `user`: by the index where there is a valid one, or else by reading the whole
/// file. A name that was removed is [`Entry::Removed`].
///
/// # Errors
/// The file is missing, cannot be trusted or read, or is not valid as a whole.
pub fn find(state: &Path, user: &str) -> Result<Found, Error> {
    let path = path(state);
    let opened = trusted_file::open(&path, Access::OwnerOnly)?;
    match index::find(&opened, Access::OwnerOnly, user) {
        Some(None) => return Ok(Found::absent()),
        Some(Some(text)) => {
            if let Some(entry) = read::entry(&path, user, &text) {
                return Ok(entry);
            }
        }
        None => {}
    }
    let text = toml_file::text(opened.read(MAPPING_LIMIT)?, &path)?;
    let directory = Directory::parse(&text, &path)?;
    Ok(Found {
        entry: directory.entry(user),
        line: directory.line(user),
    })
}

/// Whether the file has a valid index, so that a login reads one entry and not the whole file.
#[cfg(feature = "admin")]
#[must_use]
pub fn is_indexed(state: &Path) -> bool {
    // A valid index answers for any name, also for one without an entry.
    trusted_file::open(&path(state), Access::OwnerOnly)
        .is_ok_and(|opened| index::find(&opened, Access::OwnerOnly, "").is_some())
}

impl Directory {
    /// Reads the file in the state folder.
    ///
    /// # Errors
    /// It is missing, cannot be trusted or read, or is not valid as a whole.
    pub fn load(state: &Path) -> Result<Self, Error> {
        let path = path(state);
        let text = toml_file::read(&path, Access::OwnerOnly, MAPPING_LIMIT)?;
        Self::parse(&text, &path)
    }

    /// The entry of `user`.
    #[must_use]
    pub fn entry(&self, user: &str) -> Entry {
        let line = self.line(user).unwrap_or_default();
        (self.rows.get(user)).map_or(Entry::Absent, |row| row.entry(user, line))
    }

    /// Whether a factor of `user` counts, or has counted.
    #[must_use]
    pub fn is_known(&self, user: &str) -> bool {
        let row = self.rows.get(user);
        row.is_some_and(|row| !matches!(row, Row::LeftOut { .. }))
    }

    /// The line of `user`, counted from 1.
    #[must_use]
    pub fn line(&self, user: &str) -> Option<usize> {
        self.places.get(user).map(|(_, line)| *line)
    }

    /// All names and their entries, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Entry)> {
        let rows = self.rows.iter();
        rows.map(|(name, row)| {
            let line = self.line(name).unwrap_or_default();
            (name.as_str(), row.entry(name, line))
        })
    }

    /// How many people can log in by it.
    #[must_use]
    pub fn people(&self) -> usize {
        let is_person = |row: &&Row| matches!(row, Row::Person(_));
        self.rows.values().filter(is_person).count()
    }

    /// The names that the directory has lost, sorted, and since when, in seconds since 1970.
    pub fn removed(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rows.iter().filter_map(|(name, row)| match row {
            Row::Removed { since, .. } => Some((name.as_str(), *since)),
            Row::Person(_) | Row::Unusable { .. } | Row::LeftOut { .. } => None,
        })
    }

    /// The changes that are held, sorted by name.
    pub fn held(&self) -> impl Iterator<Item = HeldChange> {
        self.held.iter().map(|(name, held)| {
            let row = self.rows.get(name);
            let (before, is_removed) = match row {
                Some(Row::Person(person)) => (Some(person.clone()), false),
                Some(Row::Removed { before, .. }) => (before.clone(), true),
                Some(Row::Unusable { .. } | Row::LeftOut { .. }) | None => (None, false),
            };
            HeldChange {
                name: name.clone(),
                before,
                listed: held.listed.clone(),
                is_removed,
                since: held.since,
                is_new: false,
            }
        })
    }
}

impl Row {
    /// The entry that a login of `user` finds.
    fn entry(&self, user: &str, line: usize) -> Entry {
        match self {
            Self::Person(person) => Entry::Enrolled(person.clone()),
            Self::Unusable { message, .. } => Entry::Invalid {
                line,
                message: message.clone(),
            },
            Self::LeftOut { why } => Entry::Invalid {
                line,
                message: format!(
                    "{}: the entry in the directory cannot be used: {why}",
                    text::sanitize_to(user, 64)
                ),
            },
            Self::Removed { since, .. } => Entry::Removed {
                line,
                since: *since,
            },
        }
    }
}

#[cfg(all(test, feature = "admin"))]
mod tests;
