//! Adds an app on this host to an entry (`totp = true`), or takes it away; the other factors, the
//! comment after the entry and its form stay. `twilio` adds other factors by the same functions.

use std::path::Path;

use toml_edit::{InlineTable, Item, Table, Value, value};

use super::super::{Entry, Mapping};
use super::lines::check_name;
use super::{Error, edit};
use crate::base::factor::Person;
use crate::base::text;

/// The key of an app in an entry.
const KEY: &str = "totp";

/// Adds an app to the entry of each user of the file at `path`, which is made when it is missing;
/// the outcome says whether the entry changed. The file is written once. Blocks for 30 seconds at
/// most while another process writes.
///
/// # Errors
/// The mapping cannot be read or written; the file is then as it was.
pub fn add_totp(path: &Path, users: &[String]) -> Result<Vec<Result<bool, Error>>, Error> {
    edit(path, |mapping, table| {
        let outcomes: Vec<_> = users.iter().map(|user| add(mapping, table, user)).collect();
        let is_changed = outcomes.iter().flatten().any(|changed| *changed);
        Ok((outcomes, is_changed))
    })
}

/// Takes the app away from the entry of `user` in the file at `path`, which must have another
/// factor. Blocks for 30 seconds at most while another process writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn remove_totp(path: &Path, user: &str) -> Result<(), Error> {
    edit(path, |mapping, table| {
        let failed = |why: &str| Error::OtherForm {
            user: text::sanitize_to(user, 64),
            why: why.to_owned(),
        };
        let Entry::Enrolled(mut person) = mapping.find(user) else {
            return Err(Error::NotMapped(text::sanitize_to(user, 64)));
        };
        if person.totp.take().is_none() {
            return Err(Error::NotMapped(text::sanitize_to(user, 64)));
        }
        if person.is_empty() {
            return Err(failed("has no other factor"));
        }
        let entry = table.get_mut(user).and_then(Item::as_inline_table_mut);
        let entry = entry.ok_or_else(|| failed("has no table of factors"))?;
        entry.remove(KEY);
        respace_last(entry);
        mapping.set(user, Entry::Enrolled(person));
        Ok(((), true))
    })
}

/// Gives the last value the usual blanks: the one before the brace belongs to the value that was
/// the last before. A comment there stays.
pub(super) fn respace_last(entry: &mut InlineTable) {
    let Some((_, last)) = entry.iter_mut().last() else {
        return;
    };
    let decor = last.decor();
    let is_blank = |raw: Option<&toml_edit::RawString>| {
        let text = raw.and_then(toml_edit::RawString::as_str);
        text.is_none_or(|text| text.chars().all(|c| c == ' '))
    };
    if is_blank(decor.prefix()) && is_blank(decor.suffix()) {
        last.decor_mut().clear();
    }
}

/// Returns the person of an entry that can get another factor; an empty one where there is no
/// entry.
pub(super) fn person_of(mapping: &Mapping, user: &str) -> Result<Person, Error> {
    check_name(user)?;
    let failed = |why: String| Error::OtherForm {
        user: text::sanitize_to(user, 64),
        why,
    };
    match mapping.find(user) {
        Entry::Enrolled(person) => Ok(person),
        // Removed: never in users.toml.
        Entry::Absent | Entry::Removed { .. } => Ok(Person::default()),
        Entry::Invalid { message, .. } => Err(failed(format!("correct it by hand: {message}"))),
        Entry::Shared(_) => {
            let why = "several people share it; give one of them the factor by hand, in users.toml";
            Err(failed(why.to_owned()))
        }
    }
}

/// Returns the table of the factors of a user. The short form, the number alone, becomes one, and a
/// missing entry an empty one.
pub(super) fn inline_entry<'a>(table: &'a mut Table, user: &str) -> Option<&'a mut InlineTable> {
    match table.get_mut(user) {
        Some(Item::Value(Value::InlineTable(_))) => {}
        Some(Item::Value(old)) => {
            let mut entry = InlineTable::new();
            let mut number = old.clone();
            number.decor_mut().clear();
            entry.insert("authy_id", number);
            let decor = old.decor().clone();
            *old = Value::InlineTable(entry);
            *old.decor_mut() = decor;
        }
        _ => {
            table.insert(user, value(InlineTable::new()));
        }
    }
    table.get_mut(user).and_then(Item::as_inline_table_mut)
}

/// Adds an app to one entry.
pub(super) fn add(mapping: &mut Mapping, table: &mut Table, user: &str) -> Result<bool, Error> {
    let mut person = person_of(mapping, user)?;
    if person.totp.is_some() {
        return Ok(false);
    }
    let entry = inline_entry(table, user).ok_or_else(|| Error::OtherForm {
        user: text::sanitize_to(user, 64),
        why: "has no table of factors".to_owned(),
    })?;
    respace_last(entry);
    entry.insert(KEY, true.into());
    person.totp = Some(user.to_owned());
    mapping.set(user, Entry::Enrolled(person));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn add_one(path: &Path, user: &str) -> Result<bool, Error> {
        add_totp(path, &[user.to_owned()]).unwrap().pop().unwrap()
    }

    #[test]
    fn an_app_is_added_beside_the_other_factors_and_comments_stay() {
        let text = "[users]\nbob = 7   # on leave\njane = { authy_id = 9, push = \"auto\" } # x\n";
        let (_folder, path) = file(text);
        for (user, changed) in [
            ("bob", true),
            ("jane", true),
            ("al.ice", true),
            ("bob", false),
        ] {
            assert_eq!(add_one(&path, user).unwrap(), changed, "{user}");
        }
        let expected = "[users]\nbob = { authy_id = 7, totp = true }   # on leave\n\
            jane = { authy_id = 9, push = \"auto\", totp = true } # x\n\"al.ice\" = { totp = true }\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        remove_totp(&path, "bob").unwrap();
        let shortened = expected.replace("7, totp = true }", "7 }");
        assert_eq!(fs::read_to_string(&path).unwrap(), shortened);
    }

    #[test]
    fn a_shared_or_invalid_entry_and_an_only_factor_stay_as_they_are() {
        let key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let text = format!(
            "[users]\ndeploy = {{ keys = {{ \"{key}\" = 1 }} }}\nbad = 0\nonly = {{ totp = true }}\n"
        );
        let (_folder, path) = file(&text);
        for user in ["deploy", "bad"] {
            assert!(matches!(add_one(&path, user), Err(Error::OtherForm { .. })));
        }
        assert!(matches!(add_one(&path, "a\nb"), Err(Error::BadName(_))));
        assert!(matches!(
            remove_totp(&path, "only"),
            Err(Error::OtherForm { .. })
        ));
        for user in ["deploy", "none"] {
            assert!(matches!(remove_totp(&path, user), Err(Error::NotMapped(_))));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
