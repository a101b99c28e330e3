//! Writes directory.toml and its index. Called by `authyctl sync`.
//!
//! The file is replaced as every other one of the state folder, under a lock that is waited for one
//! second. A file that says the same is left alone; the index alone is written where it is missing
//! or of another file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::read::{REMOVED, SINCE, WHY};
use super::{Directory, Row, is_indexed, path};
use crate::base::factor::Person;
use crate::base::utc;
use crate::host::toml_file;
use crate::host::trusted_file::MAPPING_LIMIT;
use crate::store::index::Position;
use crate::store::state::{self, DIRECTORY, DIRECTORY_INDEX, FileChange, Folder};
use crate::store::state_index;

/// The start of the file.
const HEADER: &str = "# Written by authyctl sync, which replaces it; see authyctl(8).\n";

/// Why the file was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] state::Error),
    /// What is there, or would be, is not valid as a whole.
    #[error(transparent)]
    File(#[from] toml_file::Error),
    /// The file would be too large for a login, or was changed while its index was made.
    #[error("{}: {why}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The file, and its index.
    File,
    /// The index alone.
    Index,
    /// Nothing: the file says the same, and its index is valid.
    Nothing,
}

impl Directory {
    /// Writes the file in the state folder, unless it says the same already. The disk has it when
    /// this returns. Blocks for a second at most while another process writes.
    ///
    /// # Errors
    /// The file is as it was, or it is written without an index; a login then reads the whole file.
    pub fn write(&self, state: &Path) -> Result<Written, Error> {
        let path = path(state);
        let text = self.to_text();
        if text.len() as u64 > MAPPING_LIMIT {
            let why = "it would be too large";
            return Err(Error::Form { path, why });
        }
        // What a login would refuse is never written.
        Self::parse(&text, &path)?;
        let is_written = Folder::open(state)?.update_durably(DIRECTORY, |present| {
            if present.is_some_and(|present| self.is_in(present, &path)) {
                return (false, FileChange::Keep);
            }
            (true, FileChange::Write(text.into_bytes()))
        })?;
        if !is_written && is_indexed(state) {
            return Ok(Written::Nothing);
        }
        index(state)?;
        Ok(match is_written {
            true => Written::File,
            false => Written::Index,
        })
    }

    /// Whether these bytes say the same.
    fn is_in(&self, bytes: &[u8], path: &Path) -> bool {
        let text = std::str::from_utf8(bytes);
        text.is_ok_and(|text| Self::parse(text, path).is_ok_and(|present| present == *self))
    }

    /// The content of the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut users = String::from("\n[users]\n");
        let (mut left_out, mut removed) = (String::new(), String::new());
        for (name, row) in &self.rows {
            match row {
                Row::Person(person) => line(&mut users, name, &members(person)),
                Row::Unusable { value, .. } => raw_line(&mut users, name, value),
                Row::LeftOut { why } => {
                    line(&mut left_out, name, &[format!("{WHY} = {}", quoted(why))]);
                }
                Row::Removed { since, before } => {
                    let mut all = vec![format!("{REMOVED} = {}", utc::written(*since))];
                    all.extend(before.iter().flat_map(members));
                    line(&mut removed, name, &all);
                }
            }
        }
        let mut held = String::new();
        for (name, one) in &self.held {
            let mut all = vec![format!("{SINCE} = {}", utc::written(one.since))];
            match &one.listed {
                Ok(person) => all.extend(members(person)),
                Err(why) => all.push(format!("{WHY} = {}", quoted(why))),
            }
            line(&mut held, name, &all);
        }
        let mut text = String::from(HEADER);
        text.push_str(&users);
        for (name, rows) in [("held", held), ("left_out", left_out), ("removed", removed)] {
            if !rows.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n[{name}]\n{rows}");
            }
        }
        text
    }
}

/// Writes the index of the present file. Returns its path and how many names the file has; `None`:
/// there is no file.
///
/// # Errors
/// The file is not valid as a whole, or the index could not be written.
pub fn index(state: &Path) -> Result<Option<(PathBuf, usize)>, Error> {
    let path = path(state);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let changed = || Error::Form {
        path: path.clone(),
        why: "it was changed meanwhile",
    };
    let file = (DIRECTORY, DIRECTORY_INDEX);
    let directory = state_index::write(state, file, Directory::parse, positions, changed)?;
    Ok(Some((state.join(DIRECTORY_INDEX), directory.rows.len())))
}

/// Where each name of the file is.
fn positions(directory: &Directory) -> Vec<Position<'_>> {
    let places = directory.places.iter();
    places
        .map(|(name, (span, line))| (name.as_str(), span, *line))
        .collect()
}

fn line(out: &mut String, name: &str, members: &[String]) {
    raw_line(out, name, &format!("{{ {} }}", members.join(", ")));
}

fn raw_line(out: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{} = {value}", quoted(name));
}

/// The keys of a person with their values.
fn members(person: &Person) -> Vec<String> {
    let text = |key: &str, value: &dyn std::fmt::Display| format!("{key} = \"{value}\"");
    let mut all = Vec::new();
    all.extend((person.authy_id).map(|id| format!("authy_id = {id}")));
    all.extend((person.phone.as_ref()).map(|phone| text("phone", phone)));
    all.extend((person.twilio_identity.as_ref()).map(|id| text("twilio_identity", id)));
    all.extend((person.twilio_factor.as_ref()).map(|sid| text("twilio_factor", sid)));
    if !person.security_keys.is_empty() {
        let keys = person.security_keys.iter().map(|key| format!("\"{key}\""));
        let keys = keys.collect::<Vec<_>>().join(", ");
        all.push(format!("security_keys = [{keys}]"));
    }
    all
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
