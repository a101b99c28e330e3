//! One entry of users.toml: a person, or an account that several people share and that the SSH key
//! tells apart.
//!
//! An unknown key refuses the whole file; a bad value is that user's error alone, and denies.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::Error;
use crate::base::attempt::SendMode;
use crate::base::text;
use crate::client::authy::types::AuthyId;
use crate::host::ssh_key::Fingerprint;
use crate::host::toml_file::{Source, integer};

/// What the mapping says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The person at Authy.
    Enrolled(Person),
    /// Several people, told apart by the SSH key of the login.
    Shared(Shared),
    /// There is an entry, and its value names nobody.
    Invalid {
        /// The line of the entry.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// There is no entry of that name.
    Absent,
}

/// Somebody at Authy, and what is agreed with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Their number.
    pub id: AuthyId,
    /// When they get a push, where it is not as `login.push` says.
    pub push: Option<SendMode>,
}

impl From<AuthyId> for Person {
    fn from(id: AuthyId) -> Self {
        Self { id, push: None }
    }
}

/// An account that several people share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Whose key is whose; never empty.
    pub keys: BTreeMap<Fingerprint, AuthyId>,
    /// When they get a push, where it is not as `login.push` says.
    pub push: Option<SendMode>,
}

/// Why the keys of a login name no person of a shared account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyMismatch {
    /// No key was proven.
    #[error(
        "no SSH key was accepted before, so nobody knows which person of a shared account it is"
    )]
    None,
    /// No key that was proven stands in the entry.
    #[error("the SSH key is none of the shared account's")]
    Unknown,
    /// Keys of two people were proven.
    #[error("SSH keys of several people of the shared account were accepted")]
    Several,
}

impl Shared {
    /// The person whose keys these are. Keys of nobody's beside them do no harm.
    ///
    /// # Errors
    /// The keys name nobody, or several people.
    pub fn person(&self, keys: &[Fingerprint]) -> Result<Person, KeyMismatch> {
        if keys.is_empty() {
            return Err(KeyMismatch::None);
        }
        let mut ids = keys.iter().filter_map(|key| self.keys.get(key).copied());
        let id = ids.next().ok_or(KeyMismatch::Unknown)?;
        if ids.any(|other| other != id) {
            return Err(KeyMismatch::Several);
        }
        Ok(Person {
            id,
            push: self.push,
        })
    }
}

/// The words of `push`.
const PUSH: [(&str, SendMode); 3] = [
    ("auto", SendMode::Auto),
    ("on-request", SendMode::OnRequest),
    ("never", SendMode::Never),
];

/// The word for `push`, as it stands in an entry.
#[must_use]
pub fn push_word(push: SendMode) -> &'static str {
    PUSH.iter()
        .find(|(_, when)| *when == push)
        .map_or("", |(word, _)| word)
}

/// One line of `[users]`, before its value is read.
pub(super) struct Row<'a> {
    pub(super) source: Source<'a>,
    /// Where its name stands.
    pub(super) at: Range<usize>,
    /// Its line in the file.
    pub(super) line: usize,
    pub(super) user: &'a str,
    /// Where its value stands.
    pub(super) span: Range<usize>,
}

/// What the table of an entry says; `Err` says what is wrong with a value.
#[derive(Default)]
struct Table {
    id: Option<Result<AuthyId, String>>,
    keys: Option<Result<BTreeMap<Fingerprint, AuthyId>, String>>,
    push: Option<Result<SendMode, String>>,
}

impl Row<'_> {
    pub(super) fn read(&self, value: &DeValue<'_>) -> Result<Entry, Error> {
        let read = match value.as_table() {
            Some(table) => self.table(table)?.entry(),
            None => id(value).map(|id| Entry::Enrolled(id.into())),
        };
        Ok(read.unwrap_or_else(|why| Entry::Invalid {
            line: self.line,
            message: format!("{}: {why}", text::sanitize_to(self.user, 64)),
        }))
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Table, Error> {
        // A table that was not written as one came from a name with a dot in it.
        if !self.source.starts_with(self.span.clone(), '{') {
            let part = table.keys().next().map_or("", |key| key.get_ref());
            let name = text::sanitize_to(&format!("{}.{part}", self.user), 64);
            return Err(self.error(format!("{name}: put the name in quotes")));
        }
        let mut read = Table::default();
        for (key, value) in table {
            let value = value.get_ref();
            match key.get_ref().as_ref() {
                "authy_id" => read.id = Some(id(value)),
                "keys" => read.keys = Some(keys(value)),
                "push" => read.push = Some(push(value)),
                other => {
                    let (user, key) = (
                        text::sanitize_to(self.user, 64),
                        text::sanitize_to(other, 64),
                    );
                    return Err(self.error(format!("{user}: unknown key {key}")));
                }
            }
        }
        Ok(read)
    }

    fn error(&self, message: String) -> Error {
        self.source.error(self.at.clone(), message)
    }
}

impl Table {
    fn entry(self) -> Result<Entry, String> {
        let push = self.push.transpose()?;
        match (self.id.transpose()?, self.keys.transpose()?) {
            (Some(id), None) => Ok(Entry::Enrolled(Person { id, push })),
            (None, Some(keys)) => Ok(Entry::Shared(Shared { keys, push })),
            (Some(_), Some(_)) => Err("authy_id and keys cannot stand together".to_owned()),
            (None, None) => Err("authy_id is missing".to_owned()),
        }
    }
}

fn id(value: &DeValue<'_>) -> Result<AuthyId, String> {
    let id = integer(value).and_then(|number| AuthyId::try_from(number).ok());
    id.ok_or_else(|| "the authy id must be an integer from 1 to 9223372036854775807".to_owned())
}

fn keys(value: &DeValue<'_>) -> Result<BTreeMap<Fingerprint, AuthyId>, String> {
    let table = value
        .as_table()
        .filter(|table| !table.is_empty())
        .ok_or("keys must be a table with a fingerprint and an authy id for each key")?;
    let read = |key: &str, value| {
        let named = |why: String| format!("{}: {why}", text::sanitize_to(key, 64));
        let fingerprint = key
            .parse::<Fingerprint>()
            .map_err(|error| named(error.to_string()))?;
        Ok((fingerprint, id(value).map_err(named)?))
    };
    table
        .iter()
        .map(|(key, value)| read(key.get_ref(), value.get_ref()))
        .collect()
}

fn push(value: &DeValue<'_>) -> Result<SendMode, String> {
    let word = value.as_str().unwrap_or_default();
    PUSH.iter()
        .find(|(name, _)| *name == word)
        .map(|(_, when)| *when)
        .ok_or_else(|| "push must be \"auto\", \"on-request\" or \"never\"".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Mapping;
    use super::*;

    const A: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";
    const C: &str = "SHA256:CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA";

    fn find(value: &str) -> Entry {
        parse(value).unwrap().find("deploy")
    }

    fn parse(value: &str) -> Result<Mapping, String> {
        let text = format!("[users]\nalice = 1635\ndeploy = {value}\n");
        Mapping::parse(&text, Path::new("users.toml")).map_err(|error| error.to_string())
    }

    fn person(id: u64, push: Option<SendMode>) -> Person {
        let id = id.try_into().unwrap();
        Person { id, push }
    }

    fn shared(value: &str) -> Shared {
        match find(value) {
            Entry::Shared(shared) => shared,
            other => panic!("{value}: {other:?}"),
        }
    }

    #[test]
    fn a_shared_account_is_the_person_whose_key_was_proven() {
        let two = format!("{{ keys = {{ \"{A}\" = 1640, \"{B}\" = 1641 }} }}");
        let account = shared(&two);
        let of = |keys: &[&str]| {
            let keys: Vec<Fingerprint> = keys.iter().map(|key| key.parse().unwrap()).collect();
            account.person(&keys)
        };
        assert_eq!(of(&[A]), Ok(person(1640, None)));
        assert_eq!(of(&[B, B]), Ok(person(1641, None)));
        assert_eq!(of(&[C, B]), Ok(person(1641, None)));
        assert_eq!(of(&[]), Err(KeyMismatch::None));
        assert_eq!(of(&[C]), Err(KeyMismatch::Unknown));
        assert_eq!(of(&[A, B]), Err(KeyMismatch::Several));
        assert_eq!(of(&[A, C, B]), Err(KeyMismatch::Several));
    }

    #[test]
    fn two_keys_of_one_person_are_that_person() {
        let account = shared(&format!("{{ keys = {{ \"{A}\" = 7, \"{B}\" = 7 }} }}"));
        let keys = [A.parse().unwrap(), B.parse().unwrap()];
        assert_eq!(account.person(&keys), Ok(person(7, None)));
    }

    #[test]
    fn keys_may_stand_on_lines_of_their_own() {
        let account = shared(&format!(
            "{{\n  keys = {{\n    \"{A}\" = 1, # pat\n    \"{B}\" = 2,\n  }},\n}}"
        ));
        assert_eq!(account.keys.len(), 2);
    }

    #[test]
    fn push_is_read_in_both_forms_of_a_table() {
        for (word, when) in PUSH {
            let one = find(&format!("{{ authy_id = 5, push = \"{word}\" }}"));
            assert_eq!(one, Entry::Enrolled(person(5, Some(when))));
            let many = shared(&format!(
                "{{ push = \"{word}\", keys = {{ \"{A}\" = 5 }} }}"
            ));
            assert_eq!(
                many.person(&[A.parse().unwrap()]),
                Ok(person(5, Some(when)))
            );
            assert_eq!(push_word(when), word);
        }
    }

    #[test]
    fn a_bad_value_in_a_table_is_that_users_error_alone() {
        for (value, message) in [
            (
                format!("{{ authy_id = 5, keys = {{ \"{A}\" = 5 }} }}"),
                "authy_id and keys cannot stand together",
            ),
            ("{ keys = {} }".into(), "keys must be a table"),
            ("{ keys = 5 }".into(), "keys must be a table"),
            (format!("{{ keys = [\"{A}\"] }}"), "keys must be a table"),
            ("{ keys = { pat = 5 } }".into(), "pat: a fingerprint is"),
            (
                format!("{{ keys = {{ \"{A}=\" = 5 }} }}"),
                "a fingerprint is",
            ),
            (
                format!("{{ keys = {{ \"{A}\" = 0 }} }}"),
                "AAA: the authy id must be",
            ),
            (
                format!("{{ keys = {{ \"{A}\" = 5, \"{B}\" = \"x\" }} }}"),
                "BBA: the authy id must be",
            ),
            ("{ authy_id = 5, push = true }".into(), "push must be"),
            ("{ authy_id = 5, push = \"Auto\" }".into(), "push must be"),
            ("{ push = \"auto\" }".into(), "authy_id is missing"),
        ] {
            let mapping = parse(&value).unwrap();
            let Entry::Invalid {
                line: 3,
                message: found,
            } = mapping.find("deploy")
            else {
                panic!("{value}: {:?}", mapping.find("deploy"));
            };
            assert!(
                found.starts_with("deploy: ") && found.contains(message),
                "{found}"
            );
            assert_eq!(mapping.find("alice"), Entry::Enrolled(person(1635, None)));
        }
    }

    #[test]
    fn an_unknown_key_and_a_key_twice_refuse_the_whole_file() {
        let unknown = format!("{{ keys = {{ \"{A}\" = 0 }}, people = 2 }}");
        assert_eq!(
            parse(&unknown).unwrap_err(),
            "users.toml:3: deploy: unknown key people"
        );
        let twice = format!("{{ keys = {{ \"{A}\" = 1, '{A}' = 2 }} }}");
        assert!(parse(&twice).unwrap_err().starts_with("users.toml:3: "));
    }
}
