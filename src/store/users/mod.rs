//! The mapping from users to persons: users.toml.
//!
//! The file is edited by hand and by `authyctl`. It is valid as a whole or refused as a whole, so
//! that a typing error never makes a user look unenrolled; only a bad *value* is an error of that
//! user alone. Names are compared byte for byte. The file is read only if `trusted_file` accepts
//! it. A login calls [`find`], which reads one entry where the file has an index.

mod entry;
mod index;
#[cfg(feature = "admin")]
pub mod write;

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::text;
use crate::host::toml_file::{self, Lines, Source};
use crate::host::trusted_file::{self, Access};

pub use crate::host::toml_file::Error;
pub(in crate::store) use entry::Row;
pub use entry::{Entry, KeyMismatch, Shared};

/// The path of users.toml without the argument `users=`.
pub use crate::base::arguments::USERS as DEFAULT_PATH;

/// Which file an entry is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// users.toml; also of a name without an entry.
    #[default]
    Users,
    /// directory.toml.
    Directory,
}

/// The entry of a name, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entry.
    pub entry: Entry,
    /// The line of the entry, counted from 1; `None` without an entry.
    pub line: Option<usize>,
}

impl Found {
    /// What is found of a name without an entry.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            entry: Entry::Absent,
            line: None,
        }
    }
}

/// Finds the entry of `user` in the file at `path`: by the index of the file where there is a valid
/// one, or else by reading the whole file.
///
/// # Errors
/// The file cannot be trusted or read, or is not valid as a whole.
pub fn find(path: &Path, user: &str) -> Result<Found, Error> {
    let opened = trusted_file::open(path, Access::WorldReadable)?;
    if let Some(found) = index::find(&opened, user) {
        return Ok(found);
    }
    let text = toml_file::text(opened.read(trusted_file::MAPPING_LIMIT)?, path)?;
    let mapping = Mapping::parse(&text, path)?;
    Ok(Found {
        entry: mapping.find(user),
        line: mapping.line(user),
    })
}

/// Whether the mapping at `path` has a valid index, so that a login reads one entry and not the
/// whole file.
#[cfg(feature = "admin")]
#[must_use]
pub fn is_indexed(path: &Path) -> bool {
    // A valid index answers for any name, also for one without an entry.
    trusted_file::open(path, Access::WorldReadable)
        .is_ok_and(|opened| index::find(&opened, "").is_some())
}

/// A valid users.toml.
#[derive(Debug, Default)]
pub struct Mapping(BTreeMap<String, Slot>);

/// An entry and its place.
#[derive(Debug)]
struct Slot {
    entry: Entry,
    line: usize,
    /// The bytes from the name to the end of the value.
    #[cfg(feature = "admin")]
    span: std::ops::Range<usize>,
    /// Which file it is from.
    #[cfg(feature = "admin")]
    origin: Origin,
}

impl Mapping {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file cannot be trusted or read, or is not valid as a whole.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::parse(
            &toml_file::read(path, Access::WorldReadable, trusted_file::MAPPING_LIMIT)?,
            path,
        )
    }

    /// Parses `text`, the content of the file at `path`.
    ///
    /// # Errors
    /// The text is not valid as a whole.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let source = Source::new(path, text);
        let lines = Lines::of(text);
        let mut slots = BTreeMap::new();
        for (name, value) in &source.parse()? {
            let (at, name) = (name.span(), name.get_ref());
            if name != "users" {
                let shown = text::sanitize_to(name, 64);
                return Err(source.error(
                    at,
                    format!("unknown key {shown}; users belong in the table [users]"),
                ));
            }
            let Some(users) = value.get_ref().as_table() else {
                return Err(source.error(at, "users must be a table"));
            };
            for (user, value) in users {
                let line = lines.line(user.span().start);
                let row = Row {
                    source,
                    at: user.span(),
                    line,
                    user: user.get_ref(),
                    span: value.span(),
                };
                let entry = row.read(value.get_ref())?;
                let slot = Slot {
                    entry,
                    line,
                    #[cfg(feature = "admin")]
                    span: user.span().start..value.span().end,
                    #[cfg(feature = "admin")]
                    origin: Origin::Users,
                };
                slots.insert(user.get_ref().to_string(), slot);
            }
        }
        Ok(Self(slots))
    }

    /// Returns the entry of `user`.
    #[must_use]
    pub fn find(&self, user: &str) -> Entry {
        self.0
            .get(user)
            .map_or(Entry::Absent, |slot| slot.entry.clone())
    }

    /// Returns the line of the entry of `user`, counted from 1.
    #[must_use]
    pub fn line(&self, user: &str) -> Option<usize> {
        self.0.get(user).map(|slot| slot.line)
    }

    /// Sets the entry of `user`. Its place is unknown then.
    #[cfg(feature = "admin")]
    fn set(&mut self, user: &str, entry: Entry) {
        let slot = Slot {
            entry,
            line: 0,
            span: 0..0,
            origin: Origin::Users,
        };
        self.0.insert(user.to_owned(), slot);
    }

    /// Adds the entry that directory.toml has of `user`, in this line, unless there is one. Such a
    /// mapping is for reading.
    #[cfg(feature = "admin")]
    pub(super) fn add_listed(&mut self, user: &str, entry: Entry, line: usize) {
        self.0.entry(user.to_owned()).or_insert(Slot {
            entry,
            line,
            span: 0..0,
            origin: Origin::Directory,
        });
    }

    /// Returns which file the entry of `user` is from.
    #[cfg(feature = "admin")]
    #[must_use]
    pub fn origin(&self, user: &str) -> Origin {
        (self.0.get(user)).map_or(Origin::default(), |slot| slot.origin)
    }

    /// Gives each of these users an app on this host, as if the entry said `totp = true`.
    #[cfg(feature = "admin")]
    pub fn add_apps(&mut self, users: &[String]) {
        for user in users {
            let entry = self.0.get_mut(user).map(|slot| &mut slot.entry);
            if let Some(Entry::Enrolled(person)) = entry {
                person.totp = Some(user.clone());
            }
        }
    }

    /// Returns all names and their entries, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0
            .iter()
            .map(|(user, slot)| (user.as_str(), &slot.entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::factor::AuthyId;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Mapping, String> {
        Mapping::parse(text, Path::new("users.toml")).map_err(|error| error.to_string())
    }

    fn enrolled(id: u64) -> Entry {
        Entry::Enrolled(AuthyId::try_from(id).unwrap().into())
    }

    #[test]
    fn both_forms_of_an_entry_are_read() {
        let mapping = parse("[users]\nalice = 1635\n\"jane.doe\" = { authy_id = 1636 }\n").unwrap();
        assert_eq!(mapping.find("alice"), enrolled(1635));
        assert_eq!(mapping.find("jane.doe"), enrolled(1636));
        assert_eq!(mapping.find("Alice"), Entry::Absent);
        assert_eq!(mapping.find("jane"), Entry::Absent);
    }

    #[test]
    fn an_empty_file_is_a_valid_mapping_without_users() {
        let empty = ["", "\n# no users yet\n", "[users]\n"];
        let entries = empty.map(|text| parse(text).map(|mapping| mapping.find("alice")));
        assert_eq!(entries, [const { Ok(Entry::Absent) }; 3]);
    }

    #[test]
    fn a_mistake_refuses_the_whole_file_and_the_error_names_line_and_user() {
        let refused = [
            (
                "[users]\na = 1\n\njane.doe = 1\n",
                "users.toml:4: jane.doe: put the name in quotes",
            ),
            (
                "[users]\na = { authy_id = 1, x = 2 }\n",
                "users.toml:2: a: unknown key x",
            ),
            (
                "[users]\na = { auhty_id = 1 }\n",
                "users.toml:2: a: unknown key auhty_id",
            ),
            (
                "alice = 1\n",
                "users.toml:1: unknown key alice; users belong in the table [users]",
            ),
            (
                "[user]\na = 1\n",
                "users.toml:1: unknown key user; users belong in the table [users]",
            ),
            ("users = 5\n", "users.toml:1: users must be a table"),
            (
                "[users.a]\nauthy_id = 1\n",
                "users.toml:1: a.authy_id: put the name in quotes",
            ),
        ];
        let mut wrong = Vec::new();
        for (text, message) in refused {
            let error = parse(text).map(|_| ());
            if error != Err(message.to_owned()) {
                wrong.push(format!("{text:?}: {error:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_repeated_name_or_a_truncated_file_refuses_the_whole_file() {
        let broken = [
            "[users]\na = 1\na = 2\n",
            "[users]\na = 1\n\"a\" = 2\n",
            "[users]\na = ",
            "[users\n",
            "\u{0}",
        ];
        let is_refused = |text: &str| {
            let error = parse(text).err();
            error.is_some_and(|error| error.starts_with("users.toml:"))
        };
        let accepted: Vec<_> = broken.iter().filter(|text| !is_refused(text)).collect();
        assert!(accepted.is_empty(), "{accepted:?}");
    }

    #[test]
    fn a_bad_value_is_an_error_of_that_user_only() {
        let bad = [
            "0",
            "-1",
            "1.5",
            "\"1635\"",
            "true",
            "[1]",
            "9223372036854775808",
            "1979-05-27",
            "{ authy_id = 0 }",
            "{ authy_id = \"x\" }",
            "{}",
        ];
        let mut wrong = Vec::new();
        for value in bad {
            let mapping = parse(&format!("[users]\nbob = {value}\nalice = 1635\n"));
            let mapping = mapping.unwrap_or_default();
            let (bob, alice) = (mapping.find("bob"), mapping.find("alice"));
            if !matches!(bob, Entry::Invalid { line: 2, .. }) || alice != enrolled(1635) {
                wrong.push(format!("{value}: {bob:?}, {alice:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn the_sample_is_valid_and_has_no_users() {
        assert_eq!(
            parse(include_str!("../../../etc/users.toml"))
                .unwrap()
                .iter()
                .count(),
            0
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = parse(&text);
            let _ = parse(&format!("[users]\n{text}"));
        }
    }
}
