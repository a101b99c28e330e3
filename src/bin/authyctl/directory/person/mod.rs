//! Turns an entry of the directory into a person, or into the reason why it cannot be one.
//!
//! The content of a directory is not trusted: people may edit entries of their own, and their
//! values are bytes. A name that an entry claims is always passed on, so that an entry which is
//! wrong frees no one from a factor.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use pam_authy::base::factor::{Fingerprint, Person};
use pam_authy::base::text;
use pam_authy::host::ssh_key;
use pam_authy::store::config::{Directory, DirectoryAttributes};
use pam_authy::store::directory::Listed;

use super::search::RawEntry;
use crate::phone_number;

/// The longest name of a user, in bytes.
const NAME_LENGTH: usize = 256;
/// How many names an entry can claim, and how many values of security keys it can have, until it is
/// too much for a person.
const NAMES: usize = 16;
const KEYS: usize = 64;
/// The longest name of an entry that is shown, in characters.
const DN_SHOWN: usize = 120;

/// What an entry is.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// The names that it claims, each with the person or with the reason why there is none.
    People(Vec<(String, Result<Person, String>)>),
    /// It has no factor in any of the configured attributes; its name.
    WithoutFactor(String),
    /// It has no name of which a user could be known: the name of the entry, and the reason.
    Unnamed(String, String),
}

impl Found {
    /// Adds its people to the list.
    pub(super) fn list(people: Vec<(String, Result<Person, String>)>, listed: &mut Vec<Listed>) {
        let people = people.into_iter();
        listed.extend(people.map(|(name, person)| Listed { name, person }));
    }
}

/// The attributes to ask the server for.
pub(super) fn attributes(names: &DirectoryAttributes) -> Vec<String> {
    let factors = factor_attributes(names).map(str::to_owned);
    let all: BTreeSet<_> = factors.chain([names.user.clone()]).collect();
    all.into_iter().collect()
}

/// The attributes that name a factor.
fn factor_attributes(names: &DirectoryAttributes) -> impl Iterator<Item = &str> {
    let factors = [
        &names.authy_id,
        &names.phone,
        &names.twilio_identity,
        &names.twilio_factor,
        &names.security_keys,
    ];
    factors.into_iter().filter_map(|name| name.as_deref())
}

/// Reads an entry.
pub(super) fn read(entry: &RawEntry, directory: &Directory) -> Found {
    let names = &directory.attributes;
    let dn = || text::sanitize_to(&entry.dn, DN_SHOWN);
    let (users, wrong) = users(entry, directory);
    let several = || format!("the entry {} has several values of {}", dn(), names.user);
    let wrong = wrong.or_else(|| (users.len() > 1).then(several));
    let Some(first) = users.first() else {
        let why = wrong.unwrap_or_else(|| format!("it has no {}", names.user));
        return Found::Unnamed(dn(), why);
    };
    if users.len() > NAMES {
        let why = format!("it has more than {NAMES} values of {}", names.user);
        return Found::Unnamed(dn(), why);
    }
    if let Some(why) = wrong {
        let all = users.into_iter().map(|user| (user, Err(why.clone())));
        return Found::People(all.collect());
    }
    match person(entry, directory) {
        // Values that count as none, such as keys of other types, leave no factor either.
        Ok(person) if person.is_empty() => Found::WithoutFactor(first.clone()),
        person => Found::People(vec![(first.clone(), person)]),
    }
}

/// What to say of an entry without any factor.
pub(super) fn without_factor(names: &DirectoryAttributes) -> String {
    let names: Vec<_> = factor_attributes(names).collect();
    match names.as_slice() {
        [name] => format!("it has no factor in {name}"),
        names => format!("it has no factor in any of {}", names.join(", ")),
    }
}

/// The user names that the entry claims, and what is wrong with its other ones.
fn users(entry: &RawEntry, directory: &Directory) -> (BTreeSet<String>, Option<String>) {
    let attribute = &directory.attributes.user;
    let (mut users, mut wrong) = (BTreeSet::new(), None);
    for value in values(entry, attribute) {
        let user = String::from_utf8_lossy(value);
        let is_text = matches!(user, Cow::Borrowed(_)) && !text::has_control(&user);
        let is_name = (1..=NAME_LENGTH).contains(&user.len()) && user.trim() == user;
        if !is_text || !is_name {
            let shown = text::sanitize_to(&user, 64);
            wrong = Some(format!("{attribute}: \"{shown}\" cannot be a user's name"));
        } else if directory.folds_case {
            users.insert(user.to_lowercase());
        } else {
            users.insert(user.into_owned());
        }
    }
    (users, wrong)
}

/// Returns the values of an attribute. What has an option, such as `mobile;lang-de`, is another
/// attribute.
fn values<'a>(entry: &'a RawEntry, name: &str) -> Vec<&'a [u8]> {
    let attributes = entry.attributes.iter();
    let same = attributes.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    same.flat_map(|(_, values)| values.iter().map(Vec::as_slice))
        .collect()
}

fn person(entry: &RawEntry, directory: &Directory) -> Result<Person, String> {
    let names = &directory.attributes;
    let country = directory.default_country.as_deref();
    let phone = |text: &str| phone_number::e164(text, country);
    let person = Person {
        authy_id: one(entry, names.authy_id.as_deref(), parsed)?,
        phone: one(entry, names.phone.as_deref(), phone)?,
        twilio_identity: one(entry, names.twilio_identity.as_deref(), parsed)?,
        twilio_factor: one(entry, names.twilio_factor.as_deref(), parsed)?,
        security_keys: security_keys(entry, names.security_keys.as_deref())?,
        ..Person::default()
    };
    match (&person.twilio_identity, &person.twilio_factor) {
        (Some(_), None) if names.twilio_factor.is_some() => {
            Err("it has a twilio_identity and no twilio_factor".to_owned())
        }
        (None, Some(_)) => Err("it has a twilio_factor and no twilio_identity".to_owned()),
        _ => Ok(person),
    }
}

/// Reads an attribute that has one value at most.
fn one<T>(
    entry: &RawEntry,
    name: Option<&str>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let Some(name) = name else {
        return Ok(None);
    };
    let values = values(entry, name);
    match values.as_slice() {
        [] => Ok(None),
        [value] => {
            let text = std::str::from_utf8(value).map_err(|_| not_utf8(name))?;
            let value = parse(text.trim()).map_err(|why| format!("{name}: {why}"))?;
            Ok(Some(value))
        }
        _ => Err(format!("it has several values of {name}")),
    }
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads the security keys, in an order that does not depend on the server's.
fn security_keys(entry: &RawEntry, name: Option<&str>) -> Result<Vec<Fingerprint>, String> {
    let mut keys = BTreeSet::new();
    let Some(name) = name else {
        return Ok(Vec::new());
    };
    let values = values(entry, name);
    if values.len() > KEYS {
        return Err(format!("it has more than {KEYS} values of {name}"));
    }
    for value in values {
        let text = std::str::from_utf8(value).map_err(|_| not_utf8(name))?;
        keys.extend(security_key(text.trim()).map_err(|why| format!("{name}: {why}"))?);
    }
    Ok(keys.into_iter().collect())
}

/// Reads a fingerprint, or the line of a public key as FreeIPA has it in `ipaSshPubKey`, also with
/// options before it. A key of another type counts as none.
fn security_key(text: &str) -> Result<Option<Fingerprint>, String> {
    if text.starts_with("SHA256:") {
        return parsed(text).map(Some);
    }
    let is_word = |before: &str| before.is_empty() || before.ends_with([' ', '\t']);
    let mut places = text.match_indices("sk-").map(|(place, _)| place);
    let Some(start) = places.find(|&place| text.get(..place).is_some_and(is_word)) else {
        return Ok(None);
    };
    let key = text.get(start..).and_then(ssh_key::public_key);
    let key = key.ok_or("a value begins as a security key and is none")?;
    Ok(key.is_security_key.then_some(key.fingerprint))
}

fn not_utf8(name: &str) -> String {
    format!("{name}: is not text in UTF-8")
}

#[cfg(test)]
mod tests;
