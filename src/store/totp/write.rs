//! Writes totp.toml by `store::edit`. Used by `authyctl` only.

use std::path::{Path, PathBuf};

use toml_edit::{InlineTable, Item, Table, Value};

use super::index::positions;
use super::{Authenticator, Entry, Secrets, TABLE};
use crate::base::factor::TotpId;
use crate::base::text;
use crate::host::trusted_file::Access;
use crate::store::edit::{self, Purpose, TomlFile};

/// totp.toml as a file that is changed.
const FILE: TomlFile = TomlFile {
    access: Access::OwnerOnly,
    mode: 0o600,
    lock: ".totp.toml.lock",
    new: ".totp.toml.new-",
    header: "# The secrets of authenticator apps; see authyctl(8).\n\n[totp]\n",
    table: TABLE,
};
/// The longest name of a secret.
const NAME_LENGTH: usize = 256;

/// Why totp.toml was not changed. No text quotes a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The present file cannot be used, or it could not be written.
    #[error(transparent)]
    File(#[from] edit::Error),
    /// The name has another secret.
    #[error("{0} has another secret already")]
    OtherSecret(String),
    /// The name has no secret.
    #[error("{0} has no secret")]
    Missing(String),
    /// No secret can have this name.
    #[error("{0} is not a valid user name")]
    BadName(String),
}

/// What a change did to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whether the entry changed.
    pub changed: bool,
    /// The secret that the entry had before, if it had a valid one.
    pub previous: Option<TotpId>,
}

/// A secret and its name.
pub type Named<'a> = (&'a str, &'a Authenticator);

/// Stores the secret of `name` in the file at `path`, which is made when it is missing. Another
/// secret that is already there is changed with `replace` only. Blocks for 30 seconds at most while
/// another process writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn set(path: &Path, name: &str, app: &Authenticator, replace: bool) -> Result<Change, Error> {
    // One secret has one outcome.
    let mut outcomes = set_all(path, &[(name, app)], replace, Purpose::Change)?;
    outcomes.pop().unwrap_or(Err(Error::BadName(String::new())))
}

/// Like [`set`], for many secrets with an outcome for each; the file is written once, and not at
/// all for a preview.
///
/// # Errors
/// The file cannot be read or written; it is then as it was.
pub fn set_all(
    path: &Path,
    all: &[Named<'_>],
    replace: bool,
    purpose: Purpose,
) -> Result<Vec<Result<Change, Error>>, Error> {
    edit(path, purpose, |secrets, table| {
        let one = |(name, app): &Named<'_>| add(secrets, table, name, app, replace);
        let outcomes: Vec<_> = all.iter().map(one).collect();
        let is_changed = outcomes.iter().flatten().any(|change| change.changed);
        Ok((outcomes, is_changed))
    })
}

/// Removes the secret of `name` from the file at `path`. Returns its id, if it was valid. Blocks
/// for 30 seconds at most while another process writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn remove(path: &Path, name: &str) -> Result<Option<TotpId>, Error> {
    edit(path, Purpose::Change, |secrets, table| {
        let entry = secrets.entries.remove(name);
        let entry = entry.ok_or_else(|| Error::Missing(text::sanitize_to(name, 64)))?;
        table.remove(name);
        Ok((entry.app().map(Authenticator::id), true))
    })
}

fn edit<T>(
    path: &Path,
    purpose: Purpose,
    change: impl FnOnce(&mut Secrets, &mut Table) -> Result<(T, bool), Error>,
) -> Result<T, Error> {
    let editing = FILE.edit(path, purpose)?;
    let mut secrets = Secrets::parse(&editing.text, &editing.path).map_err(edit::Error::from)?;
    let (result, written) = editing.change(|table| change(&mut secrets, table), Secrets::parse)?;
    if let Some(new) = written {
        // The change is made, with or without an index: without a valid one a login reads the whole
        // file.
        let _ = editing.write_index(&positions(&new.checked), &new.text);
    }
    Ok(result)
}

/// Checks the file at `path` and writes its look-up index. Blocks for 30 seconds at most while
/// another process writes. Returns the secrets and the path of the index.
///
/// # Errors
/// See [`Error`]; the file may then have no valid index.
pub fn index(path: &Path) -> Result<(Secrets, PathBuf), Error> {
    let editing = FILE.lock_present(path)?;
    let secrets = Secrets::parse(&editing.text, &editing.path).map_err(edit::Error::from)?;
    editing.remove_leftovers();
    editing.write_index(&positions(&secrets), &editing.text)?;
    let index = crate::store::index::path(&editing.path);
    Ok((secrets, index))
}

/// Stores one secret in the table and in the parsed file, if it is allowed.
fn add(
    secrets: &mut Secrets,
    table: &mut Table,
    name: &str,
    app: &Authenticator,
    replace: bool,
) -> Result<Change, Error> {
    if name.is_empty() || name.len() > NAME_LENGTH || text::has_control(name) {
        return Err(Error::BadName(text::sanitize_to(name, 64)));
    }
    // An entry that cannot be used is repaired by any secret.
    let present = secrets.entries.get(name).and_then(Entry::app);
    let previous = present.map(Authenticator::id);
    if present.is_some_and(|present| present.is_same_as(app)) {
        return Ok(Change {
            changed: false,
            previous,
        });
    }
    if present.is_some() && !replace {
        return Err(Error::OtherSecret(text::sanitize_to(name, 64)));
    }
    write(table, name, app);
    let (line, app) = (0, app.clone());
    let enrolled = None;
    let entry = Entry::Valid {
        line,
        app,
        enrolled,
    };
    secrets.entries.insert(name.to_owned(), entry);
    Ok(Change {
        changed: true,
        previous,
    })
}

/// Writes an entry; the comment after an old one stays.
fn write(table: &mut Table, name: &str, app: &Authenticator) {
    let usual = (6, 30, super::Algorithm::default());
    let mut entry = InlineTable::new();
    entry.insert("secret", app.to_base32().as_str().into());
    if app.digits() != usual.0 {
        entry.insert("digits", i64::from(app.digits()).into());
    }
    if app.period() != usual.1 {
        entry.insert("period", i64::from(app.period()).into());
    }
    if app.algorithm() != usual.2 {
        entry.insert("algorithm", app.algorithm().as_str().into());
    }
    let mut value = Value::InlineTable(entry);
    if let Some(old) = table.get(name).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(name, Item::Value(value));
}
