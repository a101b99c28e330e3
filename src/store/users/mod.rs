//! The mapping: users.toml behind one question, "whose phone is it?" ([`Mapping::find`]).
//!
//! The file is edited by hand and by `authyctl`. It is valid as a whole or refused as a whole, so that
//! a slip of the pen never makes somebody look unenrolled; only a bad *value* is that user's error
//! alone. Names are compared byte for byte.

mod entry;
mod index;
#[cfg(feature = "admin")]
pub mod write;

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::text;
use crate::host::toml_file::{self, Lines, Source};
use crate::host::trusted_file::{self, Access};
use entry::Row;

pub use crate::host::toml_file::Error;
pub use entry::{Entry, KeyMismatch, Shared};

/// Where users.toml is when nothing else is said.
pub use crate::base::arguments::USERS as DEFAULT_PATH;

/// What the mapping says of a name, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub entry: Entry,
    /// The line of the entry, counted from 1, where there is one.
    pub line: Option<usize>,
}

/// What the file at `path` says of `user`: with its look-up index where that holds, else from the whole
/// of it.
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

/// Whether the mapping at `path` has an index that holds for it, so that a login reads one entry and not
/// the whole.
#[cfg(feature = "admin")]
#[must_use]
pub fn is_indexed(path: &Path) -> bool {
    // Whoever it asks about: an index that holds answers for anybody.
    trusted_file::open(path, Access::WorldReadable)
        .is_ok_and(|opened| index::find(&opened, "").is_some())
}

/// A valid users.toml.
#[derive(Debug, Default)]
pub struct Mapping(BTreeMap<String, Slot>);

/// An entry and where it stands.
#[derive(Debug)]
struct Slot {
    entry: Entry,
    line: usize,
    /// From the name to the end of the value, in bytes.
    #[cfg(feature = "admin")]
    span: std::ops::Range<usize>,
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

    /// Reads `text`, which came from `path`.
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
                    format!("unknown key {shown}; users stand under [users]"),
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
                };
                slots.insert(user.get_ref().to_string(), slot);
            }
        }
        Ok(Self(slots))
    }

    /// What the mapping says of `user`.
    #[must_use]
    pub fn find(&self, user: &str) -> Entry {
        self.0
            .get(user)
            .map_or(Entry::Absent, |slot| slot.entry.clone())
    }

    /// The line of the entry of `user`, counted from 1.
    #[must_use]
    pub fn line(&self, user: &str) -> Option<usize> {
        self.0.get(user).map(|slot| slot.line)
    }

    /// Has it say something of `user`; where that stands is not known then.
    #[cfg(feature = "admin")]
    fn set(&mut self, user: &str, entry: Entry) {
        let slot = Slot {
            entry,
            line: 0,
            span: 0..0,
        };
        self.0.insert(user.to_owned(), slot);
    }

    /// All names that have an entry, in their order, with what it says.
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
    fn an_empty_file_is_a_valid_mapping_of_nobody() {
        for text in ["", "\n# nobody yet\n", "[users]\n"] {
            assert_eq!(parse(text).unwrap().find("alice"), Entry::Absent);
        }
    }

    #[test]
    fn what_is_not_valid_refuses_the_whole_file_by_line_and_name() {
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
                "users.toml:1: unknown key alice; users stand under [users]",
            ),
            (
                "[user]\na = 1\n",
                "users.toml:1: unknown key user; users stand under [users]",
            ),
            ("users = 5\n", "users.toml:1: users must be a table"),
            (
                "[users.a]\nauthy_id = 1\n",
                "users.toml:1: a.authy_id: put the name in quotes",
            ),
        ];
        for (text, message) in refused {
            assert_eq!(parse(text).unwrap_err(), message);
        }
    }

    #[test]
    fn a_repeat_and_a_cut_refuse_the_whole_file() {
        for text in [
            "[users]\na = 1\na = 2\n",
            "[users]\na = 1\n\"a\" = 2\n",
            "[users]\na = ",
            "[users\n",
            "\u{0}",
        ] {
            assert!(
                parse(text).unwrap_err().starts_with("users.toml:"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_bad_value_is_that_users_error_alone() {
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
        for value in bad {
            let mapping = parse(&format!("[users]\nbob = {value}\nalice = 1635\n")).unwrap();
            assert!(
                matches!(mapping.find("bob"), Entry::Invalid { line: 2, .. }),
                "{value}: {:?}",
                mapping.find("bob")
            );
            assert_eq!(mapping.find("alice"), enrolled(1635));
        }
    }

    #[test]
    fn the_sample_is_valid_and_enrolls_nobody() {
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
