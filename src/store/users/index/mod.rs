//! Finds one entry of users.toml by its look-up index (`store::index`).

#[cfg(feature = "admin")]
use super::Mapping;
use super::entry::Row;
use super::{Entry, Found};
use crate::host::toml_file::Source;
use crate::host::trusted_file::{Access, Opened};
use crate::store::index;

/// Looks up `user` in the mapping by its index; `None` when there is no valid index for this file.
pub(super) fn find(mapping: &Opened, user: &str) -> Option<Found> {
    match index::find(mapping, Access::WorldReadable, user)? {
        None => Some(Found::absent()),
        Some(found) => Some(Found {
            entry: entry(mapping, user, &found)?,
            line: Some(found.line),
        }),
    }
}

/// Reads the entry, which must be this user's and nothing else.
fn entry(mapping: &Opened, user: &str, found: &index::EntryText) -> Option<Entry> {
    let source = Source::new(&mapping.path, &found.text);
    let table = source.parse().ok()?;
    let (name, value) = index::only_entry(&table, user)?;
    let row = Row {
        source,
        at: name.span(),
        line: found.line,
        user,
        span: value.span(),
    };
    row.read(value.get_ref()).ok()
}

/// Where each entry of a valid mapping is.
#[cfg(feature = "admin")]
pub(super) fn positions(mapping: &Mapping) -> Vec<index::Position<'_>> {
    let slots = mapping.0.iter();
    slots
        .map(|(name, slot)| (name.as_str(), &slot.span, slot.line))
        .collect()
}

#[cfg(all(test, feature = "admin"))]
mod tests;
