//! The secrets of the apps whose codes this host checks: totp.toml, in the folder of users.toml.
//!
//! The file is edited by hand and by `authyctl`, and only its owner can read it. It is valid as a
//! whole or an error of every person with `totp`; an entry that cannot be used is an error of that
//! person alone. No error quotes the file. Which codes were used is in the state folder
//! ([`Steps`]), and so are the apps that people enroll at the prompt ([`enrolled`]), in a file of
//! the same form. Used by `engine` for each login of a person with `totp`, and by `authyctl`.

mod apps;
mod authenticator;
pub mod enrolled;
mod entry;
mod index;
mod steps;
#[cfg(feature = "admin")]
pub mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::base::secret::Secret;
use crate::base::text;
use crate::host::toml_file::{self, Error, Lines, Source};
use crate::host::trusted_file::{self, Access};
use entry::{Form, Row};

pub use apps::{Apps, AtPrompt, Held, Query};
pub use authenticator::{Algorithm, Authenticator, InvalidTotp};
pub use entry::{Enrolled, Entry};
pub use steps::{Recorded, Steps};

/// The name of the file.
const FILE_NAME: &str = "totp.toml";
/// The only table of the file.
const TABLE: &str = "totp";

/// Returns the path of the totp.toml that belongs to the mapping at `users`: in the same folder.
#[must_use]
pub fn path(users: &Path) -> PathBuf {
    users.with_file_name(FILE_NAME)
}

/// Why a person has no secret that can be used. No text quotes a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unusable {
    /// totp.toml cannot be trusted or read, or is not valid as a whole.
    #[error(transparent)]
    File(#[from] Error),
    /// The entry is not valid.
    #[error("{}:{line}: {message}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The line of the entry, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// There is no entry.
    #[error("{}: {name} has no secret there; authyctl enroll USER --totp makes one", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The name of the secret, for the log.
        name: String,
    },
}

/// A valid totp.toml.
#[derive(Debug)]
pub struct Secrets {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
    /// The bytes of each entry, from the name to the end of the value, and its line.
    places: BTreeMap<String, (std::ops::Range<usize>, usize)>,
}

impl Secrets {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file cannot be trusted or read, or is not valid as a whole.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let limit = trusted_file::MAPPING_LIMIT;
        let text = Secret::new(toml_file::read(path, Access::OwnerOnly, limit)?);
        Self::parse(text.expose(), path)
    }

    /// Like [`Secrets::load`], but reads only the entries with these names: by the index of the
    /// file where there is a valid one, or else from the whole file.
    ///
    /// # Errors
    /// As for [`Secrets::load`].
    pub fn load_some(path: &Path, names: &BTreeSet<&str>) -> Result<Self, Error> {
        Self::load_form(path, names, Form::Totp)
    }

    fn load_form(path: &Path, names: &BTreeSet<&str>, form: Form) -> Result<Self, Error> {
        let opened = trusted_file::open(path, Access::OwnerOnly)?;
        if let Some(entries) = index::find(&opened, names, form) {
            return Ok(Self {
                path: path.to_owned(),
                entries,
                places: BTreeMap::new(),
            });
        }
        let text = toml_file::text(opened.read(trusted_file::MAPPING_LIMIT)?, path)?;
        let text = Secret::new(text);
        Self::parse_some(text.expose(), path, form, |name| names.contains(name))
    }

    /// Parses `text`, the content of the file at `path`.
    ///
    /// # Errors
    /// The text is not valid as a whole.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        Self::parse_some(text, path, Form::Totp, |_| true)
    }

    fn parse_some(
        text: &str,
        path: &Path,
        form: Form,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, Error> {
        let source = Source::new(path, text);
        let lines = Lines::of(text);
        let mut entries = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (table, value) in &source.parse()? {
            if table.get_ref() != TABLE {
                let shown = text::sanitize_to(table.get_ref(), 64);
                let message = format!("unknown key {shown}; secrets belong in the table [{TABLE}]");
                return Err(source.error(table.span(), message));
            }
            let Some(rows) = value.get_ref().as_table() else {
                return Err(source.error(table.span(), format!("{TABLE} must be a table")));
            };
            for (name, value) in rows {
                let row = Row {
                    form,
                    source,
                    at: name.span(),
                    line: lines.line(name.span().start),
                    name: name.get_ref(),
                    span: value.span(),
                };
                row.check_form(value.get_ref())?;
                places.insert(
                    name.get_ref().to_string(),
                    (name.span().start..value.span().end, row.line),
                );
                if wanted(name.get_ref()) {
                    entries.insert(name.get_ref().to_string(), row.read(value.get_ref()));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            entries,
            places,
        })
    }

    /// Returns the app whose secret has this name.
    ///
    /// # Errors
    /// There is none, or its entry is not valid.
    pub fn find(&self, name: &str) -> Result<&Authenticator, Unusable> {
        match self.entries.get(name) {
            Some(Entry::Valid { app, .. }) => Ok(app),
            Some(Entry::Invalid { line, message }) => Err(Unusable::Entry {
                path: self.path.clone(),
                line: *line,
                message: message.clone(),
            }),
            None => Err(Unusable::Missing {
                path: self.path.clone(),
                name: text::sanitize_to(name, 64),
            }),
        }
    }

    /// Returns the entry of a name, valid or not.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Returns all names and their entries, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(name, entry)| (name.as_str(), entry))
    }
}

#[cfg(test)]
mod tests;
