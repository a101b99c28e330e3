//! Finds entries of totp.toml and enrolled.toml by their look-up indexes (`store::index`).

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Form, Row};
use super::{Entry, Secrets};
use crate::host::toml_file::Source;
use crate::host::trusted_file::{Access, Opened};
use crate::store::index;

/// Looks up these names by the index of the file; those without an entry are left out. `None` when
/// there is no valid index for this file.
pub(super) fn find(
    file: &Opened,
    names: &BTreeSet<&str>,
    form: Form,
) -> Option<BTreeMap<String, Entry>> {
    let mut entries = BTreeMap::new();
    for name in names {
        if let Some(found) = index::find(file, Access::OwnerOnly, name)? {
            entries.insert((*name).to_owned(), entry(file, name, &found, form)?);
        }
    }
    Some(entries)
}

/// Reads the entry, which must have this name and be the only one.
fn entry(file: &Opened, name: &str, found: &index::EntryText, form: Form) -> Option<Entry> {
    let source = Source::new(&file.path, &found.text);
    let table = source.parse().ok()?;
    let (key, value) = index::only_entry(&table, name)?;
    let row = Row {
        form,
        source,
        at: key.span(),
        line: found.line,
        name,
        span: value.span(),
    };
    row.check_form(value.get_ref()).ok()?;
    Some(row.read(value.get_ref()))
}

/// Where each entry of a valid file is.
pub(super) fn positions(secrets: &Secrets) -> Vec<index::Position<'_>> {
    let places = secrets.places.iter();
    places
        .map(|(name, (span, line))| (name.as_str(), span, *line))
        .collect()
}
