//! Adds a number and an app at Twilio Verify to an entry; the other factors, the comment after the
//! entry and its form stay.

use std::path::Path;

use toml_edit::Table;

use super::super::{Entry, Mapping};
use super::totp::{inline_entry, person_of, respace_last};
use super::{Error, edit};
use crate::base::factor::{Person, Phone, TwilioFactor, TwilioIdentity};
use crate::base::text;

/// What a person has at Twilio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtTwilio {
    /// A number for SMS and calls.
    Phone(Phone),
    /// An app.
    App(TwilioIdentity, TwilioFactor),
}

impl AtTwilio {
    /// The keys of an entry with their values.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Phone(phone) => vec![("phone", phone.to_string())],
            Self::App(identity, factor) => vec![
                ("twilio_identity", identity.to_string()),
                ("twilio_factor", factor.to_string()),
            ],
        }
    }

    /// Whether the person has another one of this kind.
    fn differs_in(&self, person: &Person) -> bool {
        match self {
            Self::Phone(phone) => person.phone.as_ref().is_some_and(|old| old != phone),
            Self::App(_, factor) => person
                .twilio_factor
                .as_ref()
                .is_some_and(|old| old != factor),
        }
    }

    fn set(&self, person: &mut Person) {
        match self {
            Self::Phone(phone) => person.phone = Some(phone.clone()),
            Self::App(identity, factor) => {
                person.twilio_identity = Some(identity.clone());
                person.twilio_factor = Some(factor.clone());
            }
        }
    }
}

/// Adds a number or an app to the entry of `user` in the file at `path`, which is made when it is
/// missing. Another one that is already there is changed with `replace` only. Returns whether the
/// entry changed. Blocks for 30 seconds at most while another process writes.
///
/// # Errors
/// See [`Error`]; the file is then as it was.
pub fn add_twilio(path: &Path, user: &str, new: &AtTwilio, replace: bool) -> Result<bool, Error> {
    edit(path, |mapping, table| {
        let is_changed = add(mapping, table, user, new, replace)?;
        Ok((is_changed, is_changed))
    })
}

/// Adds a number or an app to one entry. Returns whether it changed.
pub(super) fn add(
    mapping: &mut Mapping,
    table: &mut Table,
    user: &str,
    new: &AtTwilio,
    replace: bool,
) -> Result<bool, Error> {
    let mut person = person_of(mapping, user)?;
    let before = person.clone();
    new.set(&mut person);
    if person == before {
        return Ok(false);
    }
    let user_shown = || text::sanitize_to(user, 64);
    if new.differs_in(&before) && !replace {
        return Err(Error::OtherFactor {
            user: user_shown(),
            what: match new {
                AtTwilio::Phone(_) => "number",
                AtTwilio::App(..) => "app at Twilio",
            },
        });
    }
    let entry = inline_entry(table, user).ok_or_else(|| Error::OtherForm {
        user: user_shown(),
        why: "has no table of factors".to_owned(),
    })?;
    respace_last(entry);
    for (key, value) in new.pairs() {
        entry.insert(key, value.into());
    }
    mapping.set(user, Entry::Enrolled(person));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn phone(last: u8) -> AtTwilio {
        AtTwilio::Phone(format!("+1555123456{last}").parse().unwrap())
    }

    fn app(letter: &str) -> AtTwilio {
        let factor = format!("YF{}", letter.repeat(32)).parse().unwrap();
        AtTwilio::App("a3f1-0000".parse().unwrap(), factor)
    }

    #[test]
    fn a_number_and_an_app_are_added_beside_the_other_factors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, "[users]\nbob = 7   # on leave\n").unwrap();
        assert!(add_twilio(&path, "bob", &phone(7), false).unwrap());
        assert!(!add_twilio(&path, "bob", &phone(7), false).unwrap());
        assert!(add_twilio(&path, "carol", &phone(7), false).unwrap());
        assert!(add_twilio(&path, "carol", &app("a"), false).unwrap());
        let sid = format!("YF{}", "a".repeat(32));
        let text = format!(
            "[users]\nbob = {{ authy_id = 7, phone = \"+15551234567\" }}   # on leave\n\
             carol = {{ phone = \"+15551234567\", twilio_identity = \"a3f1-0000\", twilio_factor = \"{sid}\" }}\n"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        for other in [phone(8), app("b")] {
            let refused = add_twilio(&path, "carol", &other, false);
            assert!(
                matches!(refused, Err(Error::OtherFactor { .. })),
                "{refused:?}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(add_twilio(&path, "carol", &phone(8), true).unwrap());
        let changed = fs::read_to_string(&path).unwrap();
        assert!(
            changed.contains("carol = { phone = \"+15551234568\", "),
            "{changed}"
        );
    }
}
