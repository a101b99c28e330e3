//! One entry of users.toml: a person, or an account that several people share and whose SSH keys
//! identify them.
//!
//! An unknown key refuses the whole file, because it may be a mistyped restriction. A bad value is
//! an error of that user alone, who is then refused. Called by [`Mapping`](super::Mapping) and by
//! the index.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::de::{DeTable, DeValue};

use super::Error;
use crate::base::factor::{AuthyId, Fingerprint, Person, SendMode, TotpId};
use crate::base::text;
use crate::host::toml_file::{Source, integer};

/// The entry of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// One person.
    Enrolled(Person),
    /// Several people, identified by the SSH key of the login.
    Shared(Shared),
    /// The value of the entry is not valid.
    Invalid {
        /// The line of the entry.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The directory had the name, and has lost it: the user is refused. Only directory.toml has
    /// such entries.
    Removed {
        /// The line of the entry.
        line: usize,
        /// Since when, in seconds since 1970.
        since: u64,
    },
    /// There is no entry for the name.
    Absent,
}

impl Entry {
    /// Returns all people of the entry; none without a valid entry.
    fn people_mut(&mut self) -> Vec<&mut Person> {
        match self {
            Self::Enrolled(person) => vec![person],
            Self::Shared(shared) => shared.keys.values_mut().collect(),
            Self::Invalid { .. } | Self::Removed { .. } | Self::Absent => Vec::new(),
        }
    }

    /// Returns the names of the secrets that people of the entry have in totp.toml.
    #[must_use]
    pub fn totp_names(&self) -> BTreeSet<&str> {
        match self {
            Self::Enrolled(person) => person.totp.as_deref().into_iter().collect(),
            Self::Shared(shared) => {
                let people = shared.keys.values();
                people.filter_map(|person| person.totp.as_deref()).collect()
            }
            Self::Invalid { .. } | Self::Removed { .. } | Self::Absent => BTreeSet::new(),
        }
    }

    /// Sets which secrets the names of [`Entry::totp_names`] stand for.
    pub fn set_totp_ids(&mut self, id_of: impl Fn(&str) -> Option<TotpId>) {
        for person in self.people_mut() {
            person.totp_id = person.totp.as_deref().and_then(&id_of);
        }
    }

    /// Returns the factors of all people of the entry, as they are stored; empty without a valid
    /// entry.
    #[must_use]
    pub fn stored_ids(&self) -> Vec<String> {
        match self {
            Self::Enrolled(person) => person.stored_ids(),
            Self::Shared(shared) => {
                let people = shared.keys.values();
                let ids: BTreeSet<_> = people.flat_map(Person::factor_ids).collect();
                ids.iter().map(|id| id.as_str().to_owned()).collect()
            }
            Self::Invalid { .. } | Self::Removed { .. } | Self::Absent => Vec::new(),
        }
    }
}

/// An account that several people share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The person to whom each key belongs; never empty.
    pub keys: BTreeMap<Fingerprint, Person>,
    /// When they get a push; `None`: as `login.push` says.
    pub push: Option<SendMode>,
}

/// Why the keys of a login do not identify one person of a shared account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyMismatch {
    /// Another program than sshd says which keys were accepted.
    #[error("the service is not in login.ssh_services, so that the keys of the login do not count")]
    NotBelieved,
    /// sshd has accepted no key.
    #[error("sshd has accepted no SSH key, so the person of the shared account is unknown")]
    NoKey,
    /// The entry has none of the keys that sshd has accepted.
    #[error("the SSH key does not belong to the shared account")]
    UnknownKey,
    /// sshd has accepted keys of several people.
    #[error("SSH keys of several people of the shared account were accepted")]
    SeveralPeople,
}

impl Shared {
    /// Returns the person to whom `keys` belong. Keys that are not in the entry are ignored.
    ///
    /// # Errors
    /// The keys identify no person, or several.
    pub fn person(&self, keys: &[Fingerprint]) -> Result<Person, KeyMismatch> {
        if keys.is_empty() {
            return Err(KeyMismatch::NoKey);
        }
        let mut people = keys.iter().filter_map(|key| self.keys.get(key));
        let person = people.next().ok_or(KeyMismatch::UnknownKey)?;
        let ids = person.stored_ids();
        if people.any(|other| other != person && !other.has_one_of(&ids)) {
            return Err(KeyMismatch::SeveralPeople);
        }
        Ok(Person {
            push: self.push,
            ..person.clone()
        })
    }
}

/// A key of the table `[users]`, before its value is read.
pub(in crate::store) struct Row<'a> {
    pub(in crate::store) source: Source<'a>,
    /// The place of the name.
    pub(in crate::store) at: Range<usize>,
    /// The line of the name, counted from 1.
    pub(in crate::store) line: usize,
    pub(in crate::store) user: &'a str,
    /// The place of the value.
    pub(in crate::store) span: Range<usize>,
}

/// An error in an entry.
enum Refused {
    /// The whole file is refused, because of an unknown key.
    File(Error),
    /// The user is refused, because of a bad value.
    Value(String),
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Value(why)
    }
}

impl Row<'_> {
    /// The value as it is written.
    pub(in crate::store) fn value_text(&self) -> String {
        self.source.text_at(self.span.clone()).to_owned()
    }

    /// Reads the value. A bad value is an [`Entry::Invalid`].
    ///
    /// # Errors
    /// The whole file must be refused.
    pub(in crate::store) fn read(&self, value: &DeValue<'_>) -> Result<Entry, Error> {
        let read = match value.as_table() {
            Some(table) => self.table(table),
            None => authy_id(value)
                .map(|id| Entry::Enrolled(id.into()))
                .map_err(Refused::from),
        };
        match read {
            Ok(entry) => Ok(entry),
            Err(Refused::File(error)) => Err(error),
            Err(Refused::Value(why)) => Ok(Entry::Invalid {
                line: self.line,
                message: format!("{}: {why}", text::sanitize_to(self.user, 64)),
            }),
        }
    }

    /// Reads a value that is a table: a person, or a shared account.
    fn table(&self, table: &DeTable<'_>) -> Result<Entry, Refused> {
        // A table that is not written in braces comes from a name with a dot, which needs quotes.
        if !self.source.starts_with(self.span.clone(), '{') {
            let part = table.keys().next().map_or("", |key| key.get_ref());
            let name = text::sanitize_to(&format!("{}.{part}", self.user), 64);
            return Err(self.refuse_file(format!("{name}: put the name in quotes")));
        }
        let mut person = Person::default();
        let (mut keys, mut wrong) = (None, None);
        // Reading goes on after a bad value, because an unknown key refuses the whole file.
        for (key, value) in table {
            let (key, value) = (key.get_ref().as_ref(), value.get_ref());
            let read = match key {
                "keys" => self.keys(value).map(|read| keys = Some(read)),
                "push" => push(value).map(|mode| person.push = Some(mode)),
                "totp" => totp(value, self.user).map(|name| person.totp = Some(name)),
                _ => self.factor(key, value, &mut person),
            };
            match read {
                Err(Refused::Value(why)) => wrong = wrong.or(Some(why)),
                read => read?,
            }
        }
        if let Some(why) = wrong {
            return Err(Refused::Value(why));
        }
        match keys {
            Some(_) if !person.is_empty() || person.twilio_identity.is_some() => {
                Err("keys cannot be combined with a factor".to_owned().into())
            }
            Some(keys) => Ok(Entry::Shared(Shared {
                keys,
                push: person.push,
            })),
            None => Ok(Entry::Enrolled(complete(person)?)),
        }
    }

    /// Reads a key that may be in an entry or in a person of a shared account.
    fn factor(&self, key: &str, value: &DeValue<'_>, person: &mut Person) -> Result<(), Refused> {
        match key {
            "authy_id" => person.authy_id = Some(authy_id(value)?),
            "phone" => person.phone = Some(parsed(value, "phone")?),
            "twilio_identity" => person.twilio_identity = Some(parsed(value, key)?),
            "twilio_factor" => person.twilio_factor = Some(parsed(value, key)?),
            "security_keys" => person.security_keys = security_keys(value)?,
            other => {
                let user = text::sanitize_to(self.user, 64);
                let key = text::sanitize_to(other, 64);
                return Err(self.refuse_file(format!("{user}: unknown key {key}")));
            }
        }
        Ok(())
    }

    /// Reads the people of a shared account.
    fn keys(&self, value: &DeValue<'_>) -> Result<BTreeMap<Fingerprint, Person>, Refused> {
        let table = value
            .as_table()
            .filter(|table| !table.is_empty())
            .ok_or_else(|| {
                "keys must be a table with a fingerprint and a person for each key".to_owned()
            })?;
        let mut keys = BTreeMap::new();
        let mut wrong = None;
        for (key, value) in table {
            let key = key.get_ref();
            let fingerprint = key.parse::<Fingerprint>();
            // Read first, since an unknown key in it refuses the whole file.
            let read = self.person_of_key(value.get_ref()).and_then(|person| {
                let fingerprint = fingerprint.map_err(|error| Refused::Value(error.to_string()))?;
                Ok((fingerprint, person))
            });
            match read {
                Ok((fingerprint, person)) => {
                    keys.insert(fingerprint, person);
                }
                Err(Refused::Value(why)) => {
                    let named = || format!("{}: {why}", text::sanitize_to(key, 64));
                    wrong = wrong.or_else(|| Some(named()));
                }
                Err(file) => return Err(file),
            }
        }
        match wrong {
            Some(why) => Err(Refused::Value(why)),
            None => Ok(keys),
        }
    }

    /// Reads the person of one key: the number of an Authy user, or a table of factors.
    fn person_of_key(&self, value: &DeValue<'_>) -> Result<Person, Refused> {
        let Some(table) = value.as_table() else {
            return Ok(authy_id(value)?.into());
        };
        let mut person = Person::default();
        let mut wrong = None;
        // The rest is read after a bad value too: an unknown key refuses the whole file.
        for (key, value) in table {
            let value = value.get_ref();
            let read = match key.get_ref().as_ref() {
                "totp" => totp_name(value)
                    .map(|name| person.totp = Some(name))
                    .map_err(Refused::from),
                key => self.factor(key, value, &mut person),
            };
            match read {
                Err(Refused::Value(why)) => wrong = wrong.or(Some(why)),
                read => read?,
            }
        }
        match wrong {
            Some(why) => Err(Refused::Value(why)),
            None => complete(person),
        }
    }

    fn refuse_file(&self, message: String) -> Refused {
        Refused::File(self.source.error(self.at.clone(), message))
    }
}

/// Checks that the person has a factor, and that the keys of the factors are complete.
fn complete(person: Person) -> Result<Person, Refused> {
    let wrong = if person.twilio_identity.is_some() != person.twilio_factor.is_some() {
        "twilio_identity and twilio_factor need each other"
    } else if person.is_empty() {
        "no factor: set authy_id, phone, totp or security_keys"
    } else {
        return Ok(person);
    };
    Err(wrong.to_owned().into())
}

fn authy_id(value: &DeValue<'_>) -> Result<AuthyId, String> {
    let id = integer(value).and_then(|number| AuthyId::try_from(number).ok());
    id.ok_or_else(|| "the authy id must be an integer from 1 to 9223372036854775807".to_owned())
}

/// Reads a text as a value of a checked type.
fn parsed<T: FromStr<Err: Display>>(value: &DeValue<'_>, key: &str) -> Result<T, String> {
    let text = value.as_str();
    let text = text.ok_or_else(|| format!("{key} must be a text in quotes"))?;
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads `totp = true`: the secret has the name of the user.
fn totp(value: &DeValue<'_>, user: &str) -> Result<String, Refused> {
    match value.as_bool() {
        Some(true) => Ok(user.to_owned()),
        _ => Err("totp must be true".to_owned().into()),
    }
}

/// Reads `totp = "kim"`: the name of the secret, for a person of a shared account.
fn totp_name(value: &DeValue<'_>) -> Result<String, String> {
    let name = value.as_str().filter(|name| !name.is_empty());
    let name = name.filter(|name| !text::has_control(name));
    name.map(str::to_owned)
        .ok_or_else(|| "totp must be the name of a secret in quotes".to_owned())
}

fn security_keys(value: &DeValue<'_>) -> Result<Vec<Fingerprint>, String> {
    let wrong = || "security_keys must be a list of fingerprints".to_owned();
    let items = value.as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| parsed(item.get_ref(), "a security key"))
        .collect()
}

fn push(value: &DeValue<'_>) -> Result<SendMode, Refused> {
    let word = value.as_str().unwrap_or_default();
    let mode = SendMode::ALL.into_iter().find(|mode| mode.as_str() == word);
    mode.ok_or_else(|| {
        "push must be \"auto\", \"on-request\" or \"never\""
            .to_owned()
            .into()
    })
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
        let id = AuthyId::try_from(id).unwrap();
        Person {
            push,
            ..Person::from(id)
        }
    }

    fn shared(value: &str) -> Shared {
        match find(value) {
            Entry::Shared(shared) => shared,
            other => panic!("{value}: {other:?}"),
        }
    }

    #[test]
    fn the_person_of_a_shared_account_is_the_one_whose_key_was_accepted() {
        let two = format!("{{ keys = {{ \"{A}\" = 1640, \"{B}\" = 1641 }} }}");
        let account = shared(&two);
        let of = |keys: &[&str]| {
            let keys: Vec<Fingerprint> = keys.iter().map(|key| key.parse().unwrap()).collect();
            account.person(&keys)
        };
        assert_eq!(of(&[A]), Ok(person(1640, None)));
        assert_eq!(of(&[B, B]), Ok(person(1641, None)));
        assert_eq!(of(&[C, B]), Ok(person(1641, None)));
        assert_eq!(of(&[]), Err(KeyMismatch::NoKey));
        assert_eq!(of(&[C]), Err(KeyMismatch::UnknownKey));
        assert_eq!(of(&[A, B]), Err(KeyMismatch::SeveralPeople));
        assert_eq!(of(&[A, C, B]), Err(KeyMismatch::SeveralPeople));
    }

    #[test]
    fn two_keys_of_one_person_are_that_person() {
        let account = shared(&format!("{{ keys = {{ \"{A}\" = 7, \"{B}\" = 7 }} }}"));
        let keys = [A.parse().unwrap(), B.parse().unwrap()];
        assert_eq!(account.person(&keys), Ok(person(7, None)));
    }

    #[test]
    fn each_key_may_have_a_line_of_its_own() {
        let account = shared(&format!(
            "{{\n  keys = {{\n    \"{A}\" = 1, # pat\n    \"{B}\" = 2,\n  }},\n}}"
        ));
        assert_eq!(account.keys.len(), 2);
    }

    #[test]
    fn push_is_read_in_both_forms_of_a_table() {
        let mut wrong = Vec::new();
        for mode in SendMode::ALL {
            let word = mode.as_str();
            let one = find(&format!("{{ authy_id = 5, push = \"{word}\" }}"));
            let many = shared(&format!(
                "{{ push = \"{word}\", keys = {{ \"{A}\" = 5 }} }}"
            ));
            let shared = many.person(&[A.parse().unwrap()]);
            let expected = person(5, Some(mode));
            if one != Entry::Enrolled(expected.clone()) || shared != Ok(expected) {
                wrong.push(format!("{word}: {one:?}, {shared:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn a_bad_value_in_a_table_is_an_error_of_that_user_only() {
        let bad = [
            (
                format!("{{ authy_id = 5, keys = {{ \"{A}\" = 5 }} }}"),
                "keys cannot be combined with a factor",
            ),
            (
                format!("{{ twilio_identity = \"a3f1-0000\", keys = {{ \"{A}\" = 5 }} }}"),
                "keys cannot be combined with a factor",
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
            ("{ push = \"auto\" }".into(), "no factor: set authy_id"),
            ("{ phone = \"5551234567\" }".into(), "a phone number is +"),
            ("{ phone = 15551234567 }".into(), "phone must be a text"),
            ("{ totp = false }".into(), "totp must be true"),
            ("{ totp = \"deploy\" }".into(), "totp must be true"),
            (
                "{ twilio_identity = \"short\" }".into(),
                "a twilio_identity is",
            ),
            ("{ twilio_factor = \"YF1\" }".into(), "a twilio_factor is"),
            (
                format!("{{ twilio_factor = \"YF{}\" }}", "0".repeat(32)),
                "twilio_identity and twilio_factor need each other",
            ),
            (
                "{ security_keys = [] }".into(),
                "security_keys must be a list",
            ),
            (
                "{ security_keys = [\"x\"] }".into(),
                "a fingerprint is SHA256",
            ),
            (
                format!("{{ keys = {{ \"{A}\" = {{ totp = true }} }} }}"),
                "AAA: totp must be the name",
            ),
            (
                format!("{{ keys = {{ \"{A}\" = {{}} }} }}"),
                "AAA: no factor",
            ),
        ];
        let mut wrong = Vec::new();
        for (value, expected) in bad {
            let mapping = parse(&value).unwrap_or_default();
            let (deploy, alice) = (mapping.find("deploy"), mapping.find("alice"));
            let is_named = matches!(&deploy, Entry::Invalid { line: 3, message }
                if message.starts_with("deploy: ") && message.contains(expected));
            if !is_named || alice != Entry::Enrolled(person(1635, None)) {
                wrong.push(format!("{value}: {deploy:?}, {alice:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_factor_of_a_person_is_read() {
        let sid = format!("YF{}", "0".repeat(32));
        let all = find(&format!(
            "{{ authy_id = 5, phone = \"+15551234567\", twilio_identity = \"a3f1-0000\", \
             twilio_factor = \"{sid}\", totp = true, security_keys = [\"{A}\"], push = \"never\" }}"
        ));
        let expected = Person {
            authy_id: Some("5".parse().unwrap()),
            phone: Some("+15551234567".parse().unwrap()),
            twilio_identity: Some("a3f1-0000".parse().unwrap()),
            twilio_factor: Some(sid.parse().unwrap()),
            totp: Some("deploy".into()),
            totp_id: None,
            security_keys: vec![A.parse().unwrap()],
            push: Some(SendMode::Never),
        };
        assert_eq!(all, Entry::Enrolled(expected));
    }

    #[test]
    fn a_person_of_a_shared_account_may_be_a_table_of_factors() {
        let kim = Person {
            totp: Some("kim".into()),
            ..Person::default()
        };
        let account = shared(&format!(
            "{{ keys = {{ \"{A}\" = 5, \"{B}\" = {{ totp = \"kim\" }} }} }}"
        ));
        assert_eq!(account.person(&[B.parse().unwrap()]), Ok(kim));
        assert_eq!(account.person(&[A.parse().unwrap()]), Ok(person(5, None)));
    }

    #[test]
    fn keys_of_one_person_may_name_different_factors() {
        let account = shared(&format!(
            "{{ keys = {{ \"{A}\" = 7, \"{B}\" = {{ authy_id = 7, phone = \"+15551234567\" }} }} }}"
        ));
        let both = [A.parse().unwrap(), B.parse().unwrap()];
        assert_eq!(account.person(&both), Ok(person(7, None)));
    }

    /// A bad value ended the reading, so that the order of the keys decided.
    #[test]
    fn an_unknown_key_of_a_person_refuses_the_whole_file_wherever_it_is() {
        let values = [
            format!("{{ keys = {{ \"{A}\" = {{ authy_id = 0, zkey = 3 }} }} }}"),
            format!("{{ keys = {{ \"{A}\" = {{ authy_id = 0, akey = 3 }} }} }}"),
            "{ keys = { pat = { authy_id = 5, akey = 3 } } }".to_owned(),
            "{ authy_id = 0, zkey = 3 }".to_owned(),
        ];
        let accepted: Vec<_> = values.iter().filter(|value| parse(value).is_ok()).collect();
        assert!(accepted.is_empty(), "{accepted:?}");
    }

    #[test]
    fn an_unknown_or_repeated_key_refuses_the_whole_file() {
        let inside = format!("{{ keys = {{ \"{A}\" = {{ totp = \"kim\", keys = 1 }} }} }}");
        assert_eq!(
            parse(&inside).unwrap_err(),
            "users.toml:3: deploy: unknown key keys"
        );
        let unknown = format!("{{ keys = {{ \"{A}\" = 0 }}, people = 2 }}");
        assert_eq!(
            parse(&unknown).unwrap_err(),
            "users.toml:3: deploy: unknown key people"
        );
        let twice = format!("{{ keys = {{ \"{A}\" = 1, '{A}' = 2 }} }}");
        assert!(parse(&twice).unwrap_err().starts_with("users.toml:3: "));
    }
}
