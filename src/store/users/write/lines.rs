//! Makes one enrolment in the TOML document and in the parsed mapping.
//!
//! Also decides whether it is allowed: a different id needs `replace`, and an entry of one person
//! never turns into one of several people, or the other way round. Used by `write` under its lock.

use toml_edit::{InlineTable, Item, Table, Value, value};

use super::super::{Entry, Mapping, Shared};
use super::totp::respace_last;
use super::{Change, Enrolment, Error};
use crate::base::factor::{AuthyId, Fingerprint, Person};
use crate::base::text;

/// The longest user name, as Linux has it.
const NAME_LENGTH: usize = 256;

/// Adds one enrolment to the table and to the mapping, if it is allowed.
pub(super) fn add(
    mapping: &mut Mapping,
    users: &mut Table,
    one: &Enrolment,
    replace: bool,
) -> Result<Change, Error> {
    let user = one.user.as_str();
    check_name(user)?;
    let before = mapping.find(user);
    let previous = present(&before, users, user, one.key)?;
    let changed = previous != Some(one.id);
    if let Some(current) = previous.filter(|_| changed && !replace) {
        let user = user.to_owned();
        return Err(Error::OtherId { user, current });
    }
    if changed {
        match one.key {
            Some(key) => set_key(users, user, key, one.id)?,
            None => set(users, user, one.id),
        }
        mapping.set(user, after(before, one));
    }
    Ok(Change { changed, previous })
}

/// Checks that an account can have this name.
pub(super) fn check_name(user: &str) -> Result<(), Error> {
    if user.is_empty() || user.len() > NAME_LENGTH || text::has_control(user) {
        return Err(Error::BadName(text::sanitize_to(user, 64)));
    }
    Ok(())
}

/// Returns the id that an enrolment would change.
///
/// # Errors
/// The entry can get none.
pub(super) fn present(
    entry: &Entry,
    users: &Table,
    user: &str,
    key: Option<Fingerprint>,
) -> Result<Option<AuthyId>, Error> {
    let why = match (entry, key) {
        (Entry::Enrolled(person), None) => return Ok(person.authy_id),
        (Entry::Shared(shared), Some(key)) => {
            return Ok(shared.keys.get(&key).and_then(|person| person.authy_id));
        }
        // Removed: never in users.toml.
        (Entry::Absent | Entry::Removed { .. }, _) => return Ok(None),
        // A valid id repairs an entry that has nothing but an invalid one.
        (Entry::Invalid { .. }, None) if has_only_an_id(users, user) => return Ok(None),
        (Entry::Invalid { message, .. }, _) => format!("correct it by hand: {message}"),
        (Entry::Shared(_), None) => {
            "several people share it; name the SSH key of this one".to_owned()
        }
        (Entry::Enrolled(_), Some(_)) => {
            "it belongs to one person; unenroll it before several people share it".to_owned()
        }
    };
    let user = text::sanitize_to(user, 64);
    Err(Error::OtherForm { user, why })
}

fn has_only_an_id(users: &Table, user: &str) -> bool {
    match users.get(user).and_then(Item::as_inline_table) {
        Some(table) => table.iter().all(|(key, _)| key == "authy_id"),
        None => true,
    }
}

/// Returns the entry as it is after the enrolment.
fn after(before: Entry, one: &Enrolment) -> Entry {
    match (before, one.key) {
        (Entry::Enrolled(person), None) => Entry::Enrolled(Person {
            authy_id: Some(one.id),
            ..person
        }),
        (Entry::Shared(mut shared), Some(key)) => {
            shared.keys.entry(key).or_default().authy_id = Some(one.id);
            Entry::Shared(shared)
        }
        (_, Some(key)) => Entry::Shared(Shared {
            keys: [(key, one.id.into())].into(),
            push: None,
        }),
        (_, None) => Entry::Enrolled(one.id.into()),
    }
}

/// Sets the id of an entry and keeps everything else: the comment after it, the longer form.
fn set(users: &mut Table, user: &str, id: AuthyId) {
    match users.get_mut(user) {
        Some(Item::Value(Value::InlineTable(table))) => {
            if !table.contains_key("authy_id") {
                respace_last(table);
            }
            table.insert("authy_id", number(id).into());
        }
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = number(id).into();
            *old.decor_mut() = decor;
        }
        _ => {
            users.insert(user, value(number(id)));
        }
    }
}

/// Sets the id of one key of a shared account; a missing entry is made.
fn set_key(users: &mut Table, user: &str, key: Fingerprint, id: AuthyId) -> Result<(), Error> {
    if !users.contains_key(user) {
        let mut entry = InlineTable::new();
        entry.insert("keys", InlineTable::new().into());
        users.insert(user, value(entry));
    }
    let keys = keys_of(users, user)?;
    let key = key.to_string();
    match keys.get_mut(&key) {
        Some(Value::InlineTable(person)) => {
            person.insert("authy_id", number(id).into());
        }
        Some(old) => {
            let decor = old.decor().clone();
            *old = number(id).into();
            *old.decor_mut() = decor;
        }
        None => {
            keys.insert(&key, number(id).into());
        }
    }
    Ok(())
}

/// The table of keys in a shared account's entry.
pub(super) fn keys_of<'a>(users: &'a mut Table, user: &str) -> Result<&'a mut InlineTable, Error> {
    let entry = users.get_mut(user).and_then(Item::as_inline_table_mut);
    let keys = entry.and_then(|entry| entry.get_mut("keys"));
    keys.and_then(Value::as_inline_table_mut)
        .ok_or_else(|| Error::OtherForm {
            user: text::sanitize_to(user, 64),
            why: "has no table of keys".to_owned(),
        })
}

/// An Authy id as a TOML integer, which is an i64 as the largest id is.
fn number(id: AuthyId) -> i64 {
    i64::try_from(id.number()).unwrap_or(i64::MAX)
}
