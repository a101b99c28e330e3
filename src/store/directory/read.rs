//! Reads directory.toml, or one entry of it. Called by [`super`].
//!
//! A value in `[users]` that cannot be used is an error of that name alone, as in users.toml.
//! Anything else that `authyctl sync` does not write refuses the whole file.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Directory, Found, Held, Row};
use crate::base::factor::Person;
use crate::base::text;
use crate::host::toml_file::{self, Error, Lines, Source};
use crate::store::index::{self, EntryText};
use crate::store::users::{Entry, Row as UsersRow};

/// The keys that a table has besides those of a person.
pub(super) const REMOVED: &str = "removed";
pub(super) const SINCE: &str = "since";
pub(super) const WHY: &str = "why";

/// Reads the entry that the index has found, which must be this user's and nothing else.
pub(super) fn entry(path: &Path, user: &str, found: &EntryText) -> Option<Found> {
    let source = Source::new(path, &found.text);
    let table = source.parse().ok()?;
    let (name, value) = index::only_entry(&table, user)?;
    let row = UsersRow {
        source,
        at: name.span(),
        line: found.line,
        user,
        span: value.span(),
    };
    let value = value.get_ref();
    // No person has these keys: in [users] they would refuse the whole file.
    let has = |key| (value.as_table()).is_some_and(|table| table.contains_key(key));
    let row = match (has(REMOVED), has(WHY)) {
        (true, _) => removed(&row, value).ok()?,
        (false, true) => left_out(&row, value).ok()?,
        (false, false) => known(&row, value).ok()?,
    };
    Some(Found {
        entry: row.entry(user, found.line),
        line: Some(found.line),
    })
}

impl Directory {
    /// Parses `text`, the content of the file at `path`.
    ///
    /// # Errors
    /// The text is not valid as a whole.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let source = Source::new(path, text);
        let lines = Lines::of(text);
        let file = source.parse()?;
        let mut directory = Self::default();
        for (name, value) in &file {
            let Some(table) = value.get_ref().as_table() else {
                let shown = text::sanitize_to(name.get_ref(), 64);
                return Err(source.error(name.span(), format!("{shown} must be a table")));
            };
            match name.get_ref().as_ref() {
                "users" => directory.read_rows(source, &lines, table, known)?,
                "left_out" => directory.read_rows(source, &lines, table, left_out)?,
                "removed" => directory.read_rows(source, &lines, table, removed)?,
                "held" => directory.held = read_held(source, &lines, table)?,
                other => {
                    let shown = text::sanitize_to(other, 64);
                    return Err(source.error(name.span(), format!("unknown key {shown}")));
                }
            }
        }
        // `authyctl sync` always writes it: a file without it is what a crash or a copy has left.
        if !file.contains_key("users") {
            return Err(source.error(0..0, "the table [users] is missing"));
        }
        directory.check_held(source)?;
        Ok(directory)
    }

    fn read_rows(
        &mut self,
        source: Source<'_>,
        lines: &Lines,
        table: &DeTable<'_>,
        read: impl Fn(&UsersRow<'_>, &DeValue<'_>) -> Result<Row, Error>,
    ) -> Result<(), Error> {
        for (name, value) in table {
            let row = row(source, lines, name, value);
            let place = (name.span().start..value.span().end, row.line);
            let known = read(&row, value.get_ref())?;
            let name = name.get_ref().to_string();
            if self.rows.insert(name.clone(), known).is_some() {
                let shown = text::sanitize_to(&name, 64);
                let why = format!("{shown} is in two of [users], [left_out] and [removed]");
                return Err(source.error(row.at, why));
            }
            self.places.insert(name, place);
        }
        Ok(())
    }

    /// Refuses a change that is held of a name that is not known.
    fn check_held(&self, source: Source<'_>) -> Result<(), Error> {
        let unknown = |name: &&String| !self.rows.contains_key(*name);
        match self.held.keys().find(unknown) {
            None => Ok(()),
            Some(name) => {
                let shown = text::sanitize_to(name, 64);
                let why = format!("{shown} is held, and is neither in [users] nor in [removed]");
                Err(source.error(0..0, why))
            }
        }
    }
}

/// A name with its place, to be read as one of users.toml.
fn row<'a>(
    source: Source<'a>,
    lines: &Lines,
    name: &'a Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> UsersRow<'a> {
    UsersRow {
        source,
        at: name.span(),
        line: lines.line(name.span().start),
        user: name.get_ref(),
        span: value.span(),
    }
}

/// Reads a row of `[users]`.
fn known(row: &UsersRow<'_>, value: &DeValue<'_>) -> Result<Row, Error> {
    let wrong = |message| Row::Unusable {
        value: row.value_text(),
        message,
    };
    let shown = || text::sanitize_to(row.user, 64);
    Ok(match row.read(value)? {
        Entry::Enrolled(mut person) => match own_key(&person) {
            Some(key) => wrong(format!(
                "{}: {key} cannot be in directory.toml: put the entry into users.toml",
                shown()
            )),
            None => {
                person.security_keys.sort();
                person.security_keys.dedup();
                Row::Person(person)
            }
        },
        Entry::Shared(_) => wrong(format!(
            "{}: keys cannot be in directory.toml: put the entry into users.toml",
            shown()
        )),
        Entry::Invalid { message, .. } => wrong(message),
        // No value is read as one of these.
        Entry::Absent | Entry::Removed { .. } => wrong(format!("{}: no entry", shown())),
    })
}

/// The key of a person that only users.toml can have.
fn own_key(person: &Person) -> Option<&'static str> {
    let totp = person.totp.is_some().then_some("totp");
    totp.or(person.push.is_some().then_some("push"))
}

/// Reads a row of `[removed]`.
fn removed(row: &UsersRow<'_>, value: &DeValue<'_>) -> Result<Row, Error> {
    let (since, rest) = since(row, value, REMOVED)?;
    let before = match rest.is_empty() {
        true => None,
        false => Some(person(row, rest)?),
    };
    Ok(Row::Removed { since, before })
}

/// Reads a row of `[left_out]`.
fn left_out(row: &UsersRow<'_>, value: &DeValue<'_>) -> Result<Row, Error> {
    let table = value
        .as_table()
        .ok_or_else(|| wrong(row, "must be a table"))?;
    let why = why(row, table)?;
    Ok(Row::LeftOut { why })
}

/// Reads why an entry cannot be used, which is all that this table says.
fn why(row: &UsersRow<'_>, table: &DeTable<'_>) -> Result<String, Error> {
    let why = table.get(WHY).and_then(|why| why.get_ref().as_str());
    match why.filter(|_| table.len() == 1) {
        Some(why) => Ok(text::sanitize(why)),
        None => Err(wrong(row, "why must be a text, without a factor")),
    }
}

fn read_held(
    source: Source<'_>,
    lines: &Lines,
    table: &DeTable<'_>,
) -> Result<BTreeMap<String, Held>, Error> {
    let mut all = BTreeMap::new();
    for (name, value) in table {
        let row = row(source, lines, name, value);
        let (since, rest) = since(&row, value.get_ref(), SINCE)?;
        let listed = match rest.contains_key(WHY) {
            true => Err(why(&row, &rest)?),
            false => Ok(person(&row, rest)?),
        };
        all.insert(name.get_ref().to_string(), Held { since, listed });
    }
    Ok(all)
}

/// Takes the time out of a table.
fn since<'a>(
    row: &UsersRow<'_>,
    value: &'a DeValue<'a>,
    key: &str,
) -> Result<(u64, DeTable<'a>), Error> {
    let Some(table) = value.as_table() else {
        return Err(wrong(row, "must be a table"));
    };
    let mut rest = table.clone();
    let time = match rest.remove(key) {
        Some(time) => match time.get_ref() {
            DeValue::Datetime(time) => toml_file::seconds(time),
            _ => None,
        },
        None => None,
    };
    let message = format!("{key} must be a time in UTC such as 2026-11-27T12:00:00Z");
    Ok((time.ok_or_else(|| wrong(row, &message))?, rest))
}

/// Reads a person outside of `[users]`.
fn person(row: &UsersRow<'_>, table: DeTable<'_>) -> Result<Person, Error> {
    match known(row, &DeValue::Table(table))? {
        Row::Person(person) => Ok(person),
        Row::Unusable { message, .. } => Err(row.source.error(row.at.clone(), message)),
        Row::LeftOut { .. } | Row::Removed { .. } => Err(wrong(row, "must be a person")),
    }
}

fn wrong(row: &UsersRow<'_>, message: &str) -> Error {
    let shown = text::sanitize_to(row.user, 64);
    row.source
        .error(row.at.clone(), format!("{shown}: {message}"))
}
