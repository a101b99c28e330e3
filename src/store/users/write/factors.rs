//! Adds factors to many entries in one change, each entry as a whole or not at all, for `import`.
//!
//! A preview goes through the same code and writes nothing, so that a dry run tells what the import
//! does.

use std::path::Path;

use toml_edit::Table;

use super::super::{Entry, Mapping};
use super::twilio::{self, AtTwilio};
use super::{Enrolment, Error, edit_for, lines, totp};
use crate::base::factor::{AuthyId, Phone};
use crate::store::edit::Purpose;

/// What a person has at Authy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtAuthy {
    /// Nothing is added.
    Unnamed,
    /// A person who is there.
    Id(AuthyId),
    /// A person who will be created there. A preview alone has one.
    New,
}

/// The factors to add to the entry of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// The local user.
    pub user: String,
    /// The person at Authy.
    pub authy: AtAuthy,
    /// The number for codes of Twilio Verify.
    pub phone: Option<Phone>,
    /// Whether the user has an app whose codes this host checks.
    pub totp: bool,
}

/// What was added to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    /// Whether the entry changed, or will once a person is created.
    pub changed: bool,
    /// Whether another id or number was there before.
    pub replaced: bool,
    /// Whether a person must be created at Authy.
    pub creates: bool,
}

/// Adds these factors to the file at `path`, which is made when it is missing; the outcome of each
/// says what changed. Another id or number that is already there is changed with `replace` only.
/// The file is written once, and not at all for a preview. Blocks for 30 seconds at most while
/// another process writes.
///
/// # Errors
/// The mapping cannot be read or written; the file is then as it was.
pub fn add_factors(
    path: &Path,
    all: &[Addition],
    replace: bool,
    purpose: Purpose,
) -> Result<Vec<Result<Added, Error>>, Error> {
    edit_for(purpose, path, |mapping, table| {
        let one = |one| add(mapping, table, one, replace);
        let outcomes: Vec<_> = all.iter().map(one).collect();
        let is_changed = outcomes.iter().flatten().any(|added| added.changed);
        Ok((outcomes, is_changed))
    })
}

/// Adds the factors of one entry. Where one of them cannot be added, the entry stays as it was.
fn add(
    mapping: &mut Mapping,
    table: &mut Table,
    one: &Addition,
    replace: bool,
) -> Result<Added, Error> {
    let user = one.user.as_str();
    let (entry, item) = (mapping.find(user), table.get(user).cloned());
    let added = add_each(mapping, table, one, replace);
    if let (Err(_), Some(item)) = (&added, item) {
        table.insert(user, item);
        mapping.set(user, entry);
    }
    added
}

fn add_each(
    mapping: &mut Mapping,
    table: &mut Table,
    one: &Addition,
    replace: bool,
) -> Result<Added, Error> {
    let user = one.user.as_str();
    lines::check_name(user)?;
    let mut added = Added::default();
    let before = mapping.find(user);
    match one.authy {
        AtAuthy::Unnamed => {}
        AtAuthy::Id(id) => {
            let user = user.to_owned();
            let enrolment = Enrolment {
                user,
                key: None,
                id,
            };
            let change = lines::add(mapping, table, &enrolment, replace)?;
            added.changed |= change.changed;
            added.replaced |= change.changed && change.previous.is_some();
        }
        AtAuthy::New => {
            let present = lines::present(&before, table, user, None)?;
            added.creates = present.is_none() || replace;
            added.changed |= added.creates;
        }
    }
    if let Some(phone) = &one.phone {
        let new = AtTwilio::Phone(phone.clone());
        let is_changed = twilio::add(mapping, table, user, &new, replace)?;
        let had_one = matches!(&before, Entry::Enrolled(person) if person.phone.is_some());
        added.changed |= is_changed;
        added.replaced |= is_changed && had_one;
    }
    if one.totp {
        added.changed |= totp::add(mapping, table, user)?;
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn addition(user: &str, id: Option<u64>, last: Option<u8>, totp: bool) -> Addition {
        Addition {
            user: user.to_owned(),
            authy: id.map_or(AtAuthy::Unnamed, |id| AtAuthy::Id(id.try_into().unwrap())),
            phone: last.map(|last| format!("+1555123456{last}").parse().unwrap()),
            totp,
        }
    }

    const FILE: &str = "[users]\nbob = 7   # on leave\ncarol = { phone = \"+15551234561\" }\nbad = 0\n\
        deploy = { keys = { \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\" = 1 } }\n";

    fn rows() -> Vec<Addition> {
        vec![
            addition("bob", Some(7), Some(7), true),
            addition("carol", Some(8), None, true),
            // The number differs: neither the id nor the app is added.
            addition("carol", None, Some(9), true),
            addition("bob", Some(9), Some(7), false),
            addition("dave", None, Some(3), false),
            addition("dave", None, Some(3), false),
            addition("bad", None, Some(3), false),
            addition("bad", Some(5), None, false),
            addition("deploy", None, Some(3), false),
            addition("a\nb", None, Some(3), false),
        ]
    }

    fn shown(outcomes: Vec<Result<Added, Error>>) -> Vec<String> {
        let shown = |outcome: Result<Added, Error>| match outcome {
            Ok(added) => format!("{} {}", added.changed, added.replaced),
            Err(error) => error.to_string(),
        };
        outcomes.into_iter().map(shown).collect()
    }

    #[test]
    fn a_preview_has_the_outcomes_of_the_change_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, FILE).unwrap();
        for replace in [false, true] {
            fs::write(&path, FILE).unwrap();
            let run = |purpose| shown(add_factors(&path, &rows(), replace, purpose).unwrap());
            let preview = run(Purpose::Preview);
            assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
            assert_eq!(preview, run(Purpose::Change), "{replace}");
        }
        let missing = folder.path().join("folder-that-is-missing/users.toml");
        let fresh = folder.path().join("new.toml");
        assert!(add_factors(&fresh, &rows(), false, Purpose::Preview).is_ok());
        assert!(!fresh.exists());
        assert!(add_factors(&missing, &rows(), false, Purpose::Change).is_err());
    }

    #[test]
    fn an_entry_gets_all_its_factors_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, FILE).unwrap();
        let outcomes = shown(add_factors(&path, &rows(), false, Purpose::Change).unwrap());
        let expected = [
            "true false",
            "true false",
            "carol has another number already",
            "bob is enrolled with another authy id, 7",
            "true false",
            "false false",
            "bad: correct it by hand: ",
            "true false",
            "deploy: several people share it; give one of them the factor by hand, in users.toml",
            "a?b is not a valid user name",
        ];
        for (outcome, expected) in outcomes.iter().zip(expected) {
            assert!(outcome.starts_with(expected), "{outcome}: {expected}");
        }
        let text = FILE
            .replace(
                "bob = 7 ",
                "bob = { authy_id = 7, phone = \"+15551234567\", totp = true } ",
            )
            .replace("4561\" }", "4561\", authy_id = 8, totp = true }")
            .replace("bad = 0", "bad = 5");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            text + "dave = { phone = \"+15551234563\" }\n"
        );
    }

    #[test]
    fn only_what_differs_counts_as_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, FILE).unwrap();
        let rows = [
            addition("bob", Some(8), None, false),
            addition("carol", None, Some(9), true),
            addition("carol", Some(4), Some(9), true),
        ];
        let outcomes = add_factors(&path, &rows, true, Purpose::Change).unwrap();
        assert_eq!(shown(outcomes), ["true true", "true true", "true false"]);
    }

    #[test]
    fn a_person_is_created_only_where_the_entry_has_no_id() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, FILE).unwrap();
        let new = |user: &str| Addition {
            authy: AtAuthy::New,
            ..addition(user, None, None, false)
        };
        let rows = ["bob", "carol", "dave", "bad"].map(new);
        let creates = |replace| -> Vec<_> {
            let outcomes = add_factors(&path, &rows, replace, Purpose::Preview).unwrap();
            outcomes
                .into_iter()
                .map(|added| added.unwrap().creates)
                .collect()
        };
        assert_eq!(creates(false), [false, true, true, true]);
        assert_eq!(creates(true), [true; 4]);
    }
}
