//! The mapping: users.toml behind one question, "whose phone is it?" ([`Mapping::find`]).
//!
//! The file is edited by hand and by `authyctl`. It is valid as a whole or refused as a whole, so that
//! a slip of the pen never makes somebody look unenrolled; only a bad *value* is that user's error
//! alone. Names are compared byte for byte.

#[cfg(feature = "admin")]
pub mod write;

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeValue;

use crate::client::types::AuthyId;
use crate::text;
use crate::toml_file::{self, Source, integer};
use crate::trusted_file::{self, Holds};

pub use crate::toml_file::Error;

/// Where users.toml is when nothing else is said.
pub const DEFAULT_PATH: &str = "/etc/pam_authy/users.toml";

/// A valid users.toml.
#[derive(Debug, Default)]
pub struct Mapping(BTreeMap<String, Found>);

/// An entry and its line.
#[derive(Debug)]
struct Found {
    entry: Entry,
    line: usize,
}

/// What the mapping says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The person at Authy.
    Enrolled(AuthyId),
    /// There is an entry, and its value names nobody.
    Unusable {
        /// The line of the entry.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// There is no entry of that name.
    Absent,
}

impl Mapping {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file cannot be trusted or read, or is not valid as a whole.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::parse(
            &toml_file::read(path, Holds::Public, trusted_file::MAPPING_LIMIT)?,
            path,
        )
    }

    /// Reads `text`, which came from `path`.
    ///
    /// # Errors
    /// The text is not valid as a whole.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let source = Source::new(path, text);
        let mut found = BTreeMap::new();
        for (name, value) in &source.parse()? {
            let (at, name) = (name.span(), name.get_ref());
            if name != "users" {
                let shown = text::clean_to(name, 64);
                return Err(source.error(
                    at,
                    format!("unknown key {shown}; users stand under [users]"),
                ));
            }
            let Some(users) = value.get_ref().as_table() else {
                return Err(source.error(at, "users must be a table"));
            };
            for (user, value) in users {
                let row = Row {
                    source,
                    at: user.span(),
                    user: user.get_ref(),
                    span: value.span(),
                };
                let entry = row.read(value.get_ref())?;
                let line = source.line(user.span());
                found.insert(user.get_ref().to_string(), Found { entry, line });
            }
        }
        Ok(Self(found))
    }

    /// What the mapping says of `user`.
    #[must_use]
    pub fn find(&self, user: &str) -> Entry {
        self.0
            .get(user)
            .map_or(Entry::Absent, |found| found.entry.clone())
    }

    /// The line of the entry of `user`, counted from 1.
    #[must_use]
    pub fn line(&self, user: &str) -> Option<usize> {
        self.0.get(user).map(|found| found.line)
    }

    /// All names that have an entry, in their order, with what it says.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0
            .iter()
            .map(|(user, found)| (user.as_str(), &found.entry))
    }
}

/// One line of `[users]`.
struct Row<'a> {
    source: Source<'a>,
    at: std::ops::Range<usize>,
    user: &'a str,
    span: std::ops::Range<usize>,
}

impl Row<'_> {
    fn read(&self, value: &DeValue<'_>) -> Result<Entry, Error> {
        let Some(table) = value.as_table() else {
            return Ok(self.id(value));
        };
        // A table that was not written as one came from a name with a dot in it.
        if !self.source.starts_with(self.span.clone(), '{') {
            let part = table.keys().next().map_or("", |key| key.get_ref());
            let name = text::clean_to(&format!("{}.{part}", self.user), 64);
            return Err(self.error(format!("{name}: put the name in quotes")));
        }
        let mut id = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "authy_id" => id = Some(self.id(value.get_ref())),
                other => {
                    let (user, key) = (text::clean_to(self.user, 64), text::clean_to(other, 64));
                    return Err(self.error(format!("{user}: unknown key {key}")));
                }
            }
        }
        Ok(id.unwrap_or_else(|| self.unusable("authy_id is missing")))
    }

    fn id(&self, value: &DeValue<'_>) -> Entry {
        match integer(value).map(AuthyId::try_from) {
            Some(Ok(id)) => Entry::Enrolled(id),
            Some(Err(_)) | None => {
                self.unusable("the authy id must be an integer from 1 to 9223372036854775807")
            }
        }
    }

    fn unusable(&self, why: &str) -> Entry {
        let line = self.source.line(self.at.clone());
        Entry::Unusable {
            line,
            message: format!("{}: {why}", text::clean_to(self.user, 64)),
        }
    }

    fn error(&self, message: String) -> Error {
        self.source.error(self.at.clone(), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Mapping, String> {
        Mapping::parse(text, Path::new("users.toml")).map_err(|error| error.to_string())
    }

    fn enrolled(id: u64) -> Entry {
        Entry::Enrolled(id.try_into().unwrap())
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
                matches!(mapping.find("bob"), Entry::Unusable { line: 2, .. }),
                "{value}: {:?}",
                mapping.find("bob")
            );
            assert_eq!(mapping.find("alice"), enrolled(1635));
        }
    }

    #[test]
    fn the_sample_is_valid_and_enrolls_nobody() {
        assert_eq!(
            parse(include_str!("../../etc/users.toml"))
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
