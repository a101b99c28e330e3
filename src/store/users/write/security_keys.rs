//! Adds an SSH security key to an entry, or takes one away; the other factors, the comment after
//! the entry and its form stay.

use std::path::Path;

use toml_edit::{Array, InlineTable, Item, Table, Value};

use super::super::{Entry, Mapping};
use super::totp::{inline_entry, person_of, respace_last};
use super::{Error, edit};
use crate::base::factor::{Fingerprint, SECURITY_KEYS as KEY};
use crate::base::text;

/// Adds a security key to the entry of `user` in the file at `path`, which is made when it is
/// missing. Returns whether the entry changed. Blocks for 30 seconds at most while another process
/// writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn add_security_key(path: &Path, user: &str, key: Fingerprint) -> Result<bool, Error> {
    edit(path, |mapping, table| {
        let changed = add(mapping, table, user, key)?;
        Ok((changed, changed))
    })
}

/// Takes a security key away from the entry of `user` in the file at `path`; the entry goes with
/// its last factor. Blocks for 30 seconds at most while another process writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn remove_security_key(path: &Path, user: &str, key: Fingerprint) -> Result<(), Error> {
    edit(path, |mapping, table| {
        let missing = || Error::NotMapped(format!("{} by {key}", text::sanitize_to(user, 64)));
        let Entry::Enrolled(mut person) = mapping.find(user) else {
            return Err(missing());
        };
        let count = person.security_keys.len();
        person.security_keys.retain(|known| *known != key);
        if person.security_keys.len() == count {
            return Err(missing());
        }
        if person.is_empty() {
            table.remove(user);
            mapping.set(user, Entry::Absent);
            return Ok(((), true));
        }
        let entry = table.get_mut(user).and_then(Item::as_inline_table_mut);
        let entry = entry.ok_or_else(|| other_form(user))?;
        if person.security_keys.is_empty() {
            entry.remove(KEY);
            respace_last(entry);
        } else {
            let text = key.to_string();
            let keys = keys_of(entry).ok_or_else(|| other_form(user))?;
            keys.retain(|value| value.as_str() != Some(&text));
            respace_first(keys);
        }
        mapping.set(user, Entry::Enrolled(person));
        Ok(((), true))
    })
}

/// Adds a security key to one entry.
fn add(
    mapping: &mut Mapping,
    table: &mut Table,
    user: &str,
    key: Fingerprint,
) -> Result<bool, Error> {
    let mut person = person_of(mapping, user)?;
    if person.security_keys.contains(&key) {
        return Ok(false);
    }
    let entry = inline_entry(table, user).ok_or_else(|| other_form(user))?;
    if !entry.contains_key(KEY) {
        respace_last(entry);
        entry.insert(KEY, Array::new().into());
    }
    let keys = keys_of(entry).ok_or_else(|| other_form(user))?;
    keys.push(key.to_string());
    person.security_keys.push(key);
    mapping.set(user, Entry::Enrolled(person));
    Ok(true)
}

fn keys_of(entry: &mut InlineTable) -> Option<&mut Array> {
    entry.get_mut(KEY).and_then(Value::as_array_mut)
}

/// Takes the blank away that was in front of the first value when another was the first.
fn respace_first(keys: &mut Array) {
    let Some(first) = keys.get_mut(0) else {
        return;
    };
    let prefix = first
        .decor()
        .prefix()
        .and_then(toml_edit::RawString::as_str);
    if prefix == Some(" ") {
        first.decor_mut().set_prefix("");
    }
}

fn other_form(user: &str) -> Error {
    Error::OtherForm {
        user: text::sanitize_to(user, 64),
        why: "has no table of factors".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    const A: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn keys_are_added_beside_the_other_factors_and_taken_away_again() {
        let text = "[users]\nbob = 7   # on leave\n";
        let (_folder, path) = file(text);
        let (a, b): (Fingerprint, Fingerprint) = (A.parse().unwrap(), B.parse().unwrap());
        for (user, key, changed) in [
            ("bob", a, true),
            ("bob", a, false),
            ("bob", b, true),
            ("al.ice", a, true),
        ] {
            assert_eq!(
                add_security_key(&path, user, key).unwrap(),
                changed,
                "{user}"
            );
        }
        let both = format!(
            "[users]\nbob = {{ authy_id = 7, security_keys = [\"{A}\", \"{B}\"] }}   # on leave\n\
             \"al.ice\" = {{ security_keys = [\"{A}\"] }}\n"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), both);
        remove_security_key(&path, "bob", a).unwrap();
        let one = both.replace(&format!("\"{A}\", \"{B}\""), &format!("\"{B}\""));
        assert_eq!(fs::read_to_string(&path).unwrap(), one);
        remove_security_key(&path, "bob", b).unwrap();
        remove_security_key(&path, "al.ice", a).unwrap();
        let none = "[users]\nbob = { authy_id = 7 }   # on leave\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), none);
    }

    #[test]
    fn a_shared_or_invalid_entry_and_an_unknown_key_change_nothing() {
        let text = format!(
            "[users]\ndeploy = {{ keys = {{ \"{A}\" = 1 }} }}\nbad = 0\nkim = {{ security_keys = [\"{A}\"] }}\n"
        );
        let (_folder, path) = file(&text);
        let key: Fingerprint = B.parse().unwrap();
        for user in ["deploy", "bad"] {
            let added = add_security_key(&path, user, key);
            assert!(matches!(added, Err(Error::OtherForm { .. })), "{user}");
        }
        for user in ["deploy", "bad", "kim", "none"] {
            let removed = remove_security_key(&path, user, key);
            assert!(matches!(removed, Err(Error::NotMapped(_))), "{user}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
