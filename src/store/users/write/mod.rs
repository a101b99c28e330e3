//! Writes users.toml by `store::edit`, and then its look-up index.
//!
//! A change succeeds even if its index cannot be written: without a valid index a login reads the
//! whole file. Used by `authyctl` only; a login never writes the mapping.

mod factors;
mod lines;
mod security_keys;
mod totp;
mod twilio;

use std::path::{Path, PathBuf};

use toml_edit::Table;

use super::index::positions;
use super::{Entry, Mapping};
use crate::base::factor::{AuthyId, Fingerprint};
use crate::base::text;
use crate::host::trusted_file::Access;
use crate::store::edit::{self, Purpose, TomlFile};
use crate::store::index;
use lines::{add, keys_of};

pub use factors::{Added, Addition, AtAuthy, add_factors};
pub use security_keys::{add_security_key, remove_security_key};
pub use totp::{add_totp, remove_totp};
pub use twilio::{AtTwilio, add_twilio};

/// users.toml as a file that is changed.
const FILE: TomlFile = TomlFile {
    access: Access::WorldReadable,
    mode: 0o644,
    lock: ".users.toml.lock",
    new: ".users.toml.new-",
    header: "# The second factors of each local user; see authyctl(8).\n\n[users]\n",
    table: "users",
};

/// Why the mapping was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The present mapping cannot be used, or it could not be written.
    #[error(transparent)]
    File(#[from] edit::Error),
    /// The user is enrolled with another id.
    #[error("{user} is enrolled with another authy id, {current}")]
    OtherId {
        /// The user.
        user: String,
        /// The id that the mapping has.
        current: AuthyId,
    },
    /// The user has another number, or another app at Twilio.
    #[error("{user} has another {what} already")]
    OtherFactor {
        /// The user.
        user: String,
        /// What the person has: a number, or an app.
        what: &'static str,
    },
    /// The user, or this key of the user, has no entry.
    #[error("{0} is not enrolled")]
    NotMapped(String),
    /// The change does not fit the form of the entry.
    #[error("{user}: {why}")]
    OtherForm {
        /// The user.
        user: String,
        /// Why it does not fit.
        why: String,
    },
    /// No account can have this name.
    #[error("{0} is not a valid user name")]
    BadName(String),
}

/// What a change did to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whether the entry changed.
    pub changed: bool,
    /// The id that the entry had before, if it had a valid one.
    pub previous: Option<AuthyId>,
}

/// One enrolment in the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The local user.
    pub user: String,
    /// The person's SSH key, for an account that several people share.
    pub key: Option<Fingerprint>,
    /// The person.
    pub id: AuthyId,
}

/// Maps `user` to `id` in the file at `path`, which is made when it is missing. A different id that
/// is already there is changed with `replace` only. Blocks for 30 seconds at most while another
/// process writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn enroll(path: &Path, user: &str, id: AuthyId, replace: bool) -> Result<Change, Error> {
    let one = Enrolment {
        user: user.to_owned(),
        key: None,
        id,
    };
    enroll_one(path, one, replace)
}

/// Like [`enroll`], for an enrolment with or without a key.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn enroll_one(path: &Path, one: Enrolment, replace: bool) -> Result<Change, Error> {
    // One enrolment has one outcome.
    let mut outcomes = enroll_all(path, &[one], replace)?;
    outcomes.pop().unwrap_or(Err(Error::BadName(String::new())))
}

/// Returns the id that `user`, or this key of the user, has now, before a person is created at Authy
/// for them. Takes the writers' lock, so that a file that cannot be written is found out; changes
/// nothing.
///
/// # Errors
/// See [`Error`]: no id could be written.
pub fn before_creation(
    path: &Path,
    user: &str,
    key: Option<Fingerprint>,
) -> Result<Option<AuthyId>, Error> {
    edit(path, |mapping, users| {
        lines::check_name(user)?;
        let present = lines::present(&mapping.find(user), users, user, key)?;
        Ok((present, false))
    })
}

/// Takes and releases the writers' lock of the mapping at `path`, before people are created at Authy
/// whom a mapping that cannot be written would not take.
///
/// # Errors
/// The mapping cannot be read or locked.
pub fn check_writable(path: &Path) -> Result<(), Error> {
    FILE.edit(path, Purpose::Change)?;
    Ok(())
}

/// Like [`enroll_one`], for many enrolments with an outcome for each; the file is written once.
///
/// # Errors
/// The mapping cannot be read or written; the file is then as it was.
pub fn enroll_all(
    path: &Path,
    all: &[Enrolment],
    replace: bool,
) -> Result<Vec<Result<Change, Error>>, Error> {
    edit(path, |mapping, users| {
        let one = |one| add(mapping, users, one, replace);
        let outcomes: Vec<_> = all.iter().map(one).collect();
        let is_changed = outcomes.iter().flatten().any(|change| change.changed);
        Ok((outcomes, is_changed))
    })
}

/// Removes the entry of `user`, or one key of it, from the file at `path`. Returns the id that it
/// had, if it had a valid one. An entry is removed with its last key. Blocks for 30 seconds at most
/// while another process writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn unenroll(
    path: &Path,
    user: &str,
    key: Option<Fingerprint>,
) -> Result<Option<AuthyId>, Error> {
    edit(path, |mapping, users| {
        let missing = || Error::NotMapped(text::sanitize_to(user, 64));
        let previous = match (mapping.find(user), key) {
            // Removed: never in users.toml.
            (Entry::Absent | Entry::Removed { .. }, _) => return Err(missing()),
            (Entry::Enrolled(person), None) => person.authy_id,
            (Entry::Shared(_) | Entry::Invalid { .. }, None) => None,
            (Entry::Shared(shared), Some(key)) => {
                let id = shared.keys.get(&key).ok_or_else(missing)?.authy_id;
                if shared.keys.len() > 1 {
                    keys_of(users, user)?.remove(&key.to_string());
                    return Ok((id, true));
                }
                id
            }
            (Entry::Enrolled(_) | Entry::Invalid { .. }, Some(_)) => return Err(missing()),
        };
        users.remove(user);
        Ok((previous, true))
    })
}

/// Checks the mapping at `path` and writes its look-up index. Blocks for 30 seconds at most while
/// another process writes. Returns the mapping and the path of its index.
///
/// # Errors
/// See [`Error`]; the mapping may then have no valid index.
pub fn index(path: &Path) -> Result<(Mapping, PathBuf), Error> {
    let editing = FILE.lock_present(path)?;
    let path = &editing.path;
    let mapping = Mapping::parse(&editing.text, path).map_err(edit::Error::from)?;
    editing.remove_leftovers();
    editing.write_index(&positions(&mapping), &editing.text)?;
    let index = index::path(path);
    Ok((mapping, index))
}

/// Reads, changes and writes the mapping under the lock. `change` returns its result and whether
/// there is something to write.
fn edit<T>(
    path: &Path,
    change: impl FnOnce(&mut Mapping, &mut Table) -> Result<(T, bool), Error>,
) -> Result<T, Error> {
    edit_for(Purpose::Change, path, change)
}

/// Like [`edit()`], or for a preview.
fn edit_for<T>(
    purpose: Purpose,
    path: &Path,
    change: impl FnOnce(&mut Mapping, &mut Table) -> Result<(T, bool), Error>,
) -> Result<T, Error> {
    let editing = FILE.edit(path, purpose)?;
    let mut mapping = Mapping::parse(&editing.text, &editing.path).map_err(edit::Error::from)?;
    let (result, written) = editing.change(|users| change(&mut mapping, users), Mapping::parse)?;
    if let Some(new) = written {
        // The change is made, with or without an index; see the top of this file.
        let _ = editing.write_index(&positions(&new.checked), &new.text);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    const FILE: &str =
        "# people\n[users]\nbob = 7   # on leave\n\n# admins\n\"jane.doe\" = { authy_id = 9 }\n";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(text: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            fs::write(folder.path(), text).unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o640)).unwrap();
            folder
        }
        fn path(&self) -> PathBuf {
            self.0.path().join("users.toml")
        }
        fn text(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }
    }

    fn id(number: u64) -> AuthyId {
        number.try_into().unwrap()
    }

    #[test]
    fn comments_order_and_mode_stay() {
        let folder = Folder::with(FILE);
        enroll(&folder.path(), "alice", id(1635), false).unwrap();
        enroll(&folder.path(), "bob", id(8), true).unwrap();
        enroll(&folder.path(), "jane.doe", id(10), true).unwrap();
        let expected = FILE
            .replace("bob = 7", "bob = 8")
            .replace("authy_id = 9", "authy_id = 10")
            + "alice = 1635\n";
        assert_eq!(folder.text(), expected);
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o640);
        unenroll(&folder.path(), "alice", None).unwrap();
        unenroll(&folder.path(), "bob", None).unwrap();
        assert!(
            folder.text().starts_with("# people\n[users]\n\n# admins\n"),
            "{}",
            folder.text()
        );
    }

    #[test]
    fn the_same_id_again_changes_nothing_and_another_needs_replace() {
        let folder = Folder::with(FILE);
        let again = enroll(&folder.path(), "bob", id(7), false).unwrap();
        assert_eq!(
            again,
            Change {
                changed: false,
                previous: Some(id(7))
            }
        );
        let error = enroll(&folder.path(), "bob", id(8), false).unwrap_err();
        assert!(matches!(error, Error::OtherId { current, .. } if current == id(7)));
        assert_eq!(folder.text(), FILE);
    }

    #[test]
    fn names_that_need_quotes_get_them() {
        let folder = Folder::with("[users]\n");
        for name in ["jane.doe", "a b", "ü", "say \"hi\"", "DOMAIN\\user", "a@b"] {
            enroll(&folder.path(), name, id(5), false).unwrap();
            let mapping = Mapping::load(&folder.path()).unwrap();
            assert_eq!(mapping.find(name), Entry::Enrolled(id(5).into()), "{name}");
        }
        for name in ["", "a\nb", "a\x1bb"] {
            assert!(matches!(
                enroll(&folder.path(), name, id(5), false),
                Err(Error::BadName(_))
            ));
        }
    }

    #[test]
    fn a_missing_file_is_made_and_readable_by_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        assert!(matches!(
            unenroll(&path, "alice", None),
            Err(Error::NotMapped(_))
        ));
        enroll(&path, "alice", id(5), false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
    }

    #[test]
    fn an_invalid_file_stays_as_it_is() {
        let text = "[users]\njane.doe = 5\n";
        let folder = Folder::with(text);
        assert!(matches!(
            enroll(&folder.path(), "bob", id(5), false),
            Err(Error::File(edit::Error::Present(_)))
        ));
        assert_eq!(folder.text(), text);
    }

    #[test]
    fn windows_line_ends_stay() {
        let folder = Folder::with("[users]\r\nbob = 7\r\n");
        enroll(&folder.path(), "alice", id(5), false).unwrap();
        assert_eq!(folder.text(), "[users]\r\nbob = 7\r\nalice = 5\r\n");
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = Folder::with(FILE);
        let link = folder.0.path().join("link.toml");
        symlink("users.toml", &link).unwrap();
        enroll(&link, "alice", id(5), false).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(folder.text().ends_with("alice = 5\n"));
    }

    #[test]
    fn many_writers_at_once_lose_no_line() {
        let folder = Folder::with("[users]\n");
        std::thread::scope(|scope| {
            for number in 1..=16 {
                let path = folder.path();
                scope.spawn(move || {
                    enroll(&path, &format!("u{number}"), id(number), false).unwrap()
                });
            }
        });
        assert_eq!(Mapping::load(&folder.path()).unwrap().iter().count(), 16);
    }

    #[test]
    fn a_new_file_of_a_killed_writer_is_removed() {
        let folder = Folder::with(FILE);
        let left = folder.0.path().join(".users.toml.new-abc");
        fs::write(&left, "half").unwrap();
        enroll(&folder.path(), "alice", id(5), false).unwrap();
        assert!(!left.exists());
    }

    const A: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

    fn key_of(text: &str, number: u64) -> Enrolment {
        Enrolment {
            user: "deploy".to_owned(),
            key: Some(text.parse().unwrap()),
            id: id(number),
        }
    }

    #[test]
    fn an_entry_of_a_shared_account_is_removed_with_its_last_key() {
        let folder = Folder::with(FILE);
        let path = folder.path();
        let all = [key_of(A, 5), key_of(B, 6), key_of(A, 7)];
        let outcomes = enroll_all(&path, &all, false).unwrap();
        assert!(matches!(&outcomes[2], Err(Error::OtherId { current, .. }) if *current == id(5)));
        let expected = format!("{FILE}deploy = {{ keys = {{ \"{A}\" = 5, \"{B}\" = 6 }} }}\n");
        assert_eq!(folder.text(), expected);
        assert_eq!(
            unenroll(&path, "deploy", Some(A.parse().unwrap())).unwrap(),
            Some(id(5))
        );
        assert!(
            folder
                .text()
                .ends_with(&format!("deploy = {{ keys = {{ \"{B}\" = 6 }} }}\n"))
        );
        assert!(matches!(
            unenroll(&path, "deploy", Some(A.parse().unwrap())),
            Err(Error::NotMapped(_))
        ));
        assert_eq!(
            unenroll(&path, "deploy", Some(B.parse().unwrap())).unwrap(),
            Some(id(6))
        );
        assert_eq!(folder.text(), FILE);
    }

    #[test]
    fn a_change_keeps_shared_accounts_pushes_and_their_comments() {
        let text = format!(
            "[users]\ndeploy = {{\n  keys = {{\n    \"{A}\" = 1, # pat\n    \"{B}\" = 2, # kim\n  }},\n}}\n\
             jane = {{ authy_id = 3, push = \"never\" }} # no phone\n"
        );
        let folder = Folder::with(&text);
        let path = folder.path();
        enroll(&path, "alice", id(4), false).unwrap();
        enroll(&path, "jane", id(5), true).unwrap();
        enroll_all(&path, &[key_of(B, 6)], true)
            .unwrap()
            .pop()
            .unwrap()
            .unwrap();
        let expected = text
            .replace("authy_id = 3", "authy_id = 5")
            .replace("= 2, # kim", "= 6, # kim");
        assert_eq!(folder.text(), expected + "alice = 4\n");
    }

    #[test]
    fn a_change_never_turns_one_form_of_an_entry_into_the_other() {
        let shared = format!("{{ keys = {{ \"{A}\" = 1 }} }}");
        let both = format!("{{ authy_id = 1, keys = {{ \"{A}\" = 1 }} }}");
        let text = format!(
            "[users]\ndeploy = 1\nshared = {shared}\nboth = {both}\nbad = {{ authy_id = 0 }}\n"
        );
        let folder = Folder::with(&text);
        let path = folder.path();
        let outcomes = enroll_all(&path, &[key_of(A, 5)], true).unwrap();
        assert!(matches!(&outcomes[0], Err(Error::OtherForm { .. })));
        for user in ["shared", "both"] {
            let refused = enroll(&path, user, id(5), true);
            assert!(matches!(refused, Err(Error::OtherForm { .. })), "{user}");
        }
        assert_eq!(folder.text(), text);
        enroll(&path, "bad", id(5), false).unwrap();
        assert_eq!(folder.text(), text.replace("authy_id = 0", "authy_id = 5"));
    }

    #[test]
    fn many_at_once_are_one_change_and_a_bad_one_leaves_the_others() {
        let folder = Folder::with(FILE);
        let one = |user: &str, number| Enrolment {
            user: user.to_owned(),
            key: None,
            id: id(number),
        };
        let all = [
            one("alice", 1),
            one("bob", 8),
            one("a\nb", 2),
            one("alice", 3),
            one("alice", 1),
        ];
        let outcomes = enroll_all(&folder.path(), &all, false).unwrap();
        assert!(outcomes[0].as_ref().unwrap().changed);
        assert!(matches!(&outcomes[1], Err(Error::OtherId { .. })));
        assert!(matches!(&outcomes[2], Err(Error::BadName(_))));
        assert!(matches!(&outcomes[3], Err(Error::OtherId { .. })));
        assert!(!outcomes[4].as_ref().unwrap().changed);
        assert_eq!(folder.text(), format!("{FILE}alice = 1\n"));
    }
}
