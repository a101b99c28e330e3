//! A whole pass of `authyctl sync` as a pure function: what is known, and what the directory lists
//! now, to what is known next.
//!
//! A thief with a person's password may edit the person's own entry, and a directory may be half
//! there. So no pass frees a known name from the second factor, and nothing that is held counts
//! before the administrator accepts exactly that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

use super::pass::{Changed, Ended, LeftOut, Options, Pass, TooManyRemoved};
use super::{Directory, Held, HeldChange, Listed, Row};
use crate::base::factor::Person;
use crate::base::text;
use crate::store::config::Changes;

/// The longest name, in bytes.
const MAX_NAME: usize = 256;

/// Compares what is known with what the directory lists now.
///
/// # Errors
/// The directory lists no one, or has lost too many: nothing may be changed.
pub fn compare(
    previous: &Directory,
    listed: Vec<Listed>,
    options: &Options,
) -> Result<Pass, TooManyRemoved> {
    let is_empty = listed.is_empty();
    let mut comparison = Comparison::new(previous, options);
    comparison.forget(options);
    let known = (comparison.rows.values())
        .filter(|row| matches!(row, Row::Person(_) | Row::Unusable { .. }))
        .count();
    if is_empty && (known > 0 || comparison.pass.forgotten.is_empty()) {
        return Err(TooManyRemoved::All { known });
    }
    let listed = comparison.unique(listed);
    comparison.all(listed);
    let pass = comparison.finish(options);
    if pass.removed.len() * 100 > usize::from(options.max_removed_percent) * known {
        return Err(TooManyRemoved::Some {
            names: pass.removed,
            known,
            limit: options.max_removed_percent,
        });
    }
    Ok(pass)
}

/// A pass that goes on.
struct Comparison<'a> {
    /// What was known before, without the names that were forgotten.
    rows: BTreeMap<String, Row>,
    held: &'a BTreeMap<String, Held>,
    accept: BTreeSet<&'a str>,
    changes: Changes,
    now: u64,
    pass: Pass,
}

impl<'a> Comparison<'a> {
    fn new(previous: &'a Directory, options: &'a Options) -> Self {
        let now = options.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            rows: previous.rows.clone(),
            held: &previous.held,
            accept: options.accept.iter().map(String::as_str).collect(),
            changes: options.changes,
            now: now.as_secs(),
            pass: Pass::default(),
        }
    }

    /// Forgets names. What lasted of them ends, even where the same person has the name again.
    fn forget(&mut self, options: &Options) {
        for name in options.forget.iter().collect::<BTreeSet<_>>() {
            if matches!(self.rows.get(name), Some(Row::LeftOut { .. })) {
                self.refuse(name, "its entry cannot be used: mend it in the directory");
                continue;
            }
            match self.rows.remove(name) {
                Some(row) => {
                    self.pass.forgotten.push(name.clone());
                    self.pass.ended.push(Ended {
                        name: name.clone(),
                        before: row.person().cloned(),
                        after: None,
                    });
                }
                None => self.refuse(name, "the directory never had this name here"),
            }
        }
    }

    /// The entries by name. One that is there twice cannot be used: which of the two the person is
    /// cannot be told.
    fn unique(&mut self, listed: Vec<Listed>) -> BTreeMap<String, Result<Person, String>> {
        let mut unique = BTreeMap::new();
        for Listed { name, person } in listed {
            if let Some(why) = wrong_name(&name) {
                let why = why.to_owned();
                self.pass.failed.push(LeftOut { name, why });
                continue;
            }
            let person = person.and_then(usable).map_err(|why| text::sanitize(&why));
            unique
                .entry(name)
                .and_modify(|known| *known = Err(TWICE.to_owned()))
                .or_insert(person);
        }
        unique
    }

    /// Decides on each name that is known or listed.
    fn all(&mut self, mut listed: BTreeMap<String, Result<Person, String>>) {
        for (name, row) in std::mem::take(&mut self.rows) {
            match listed.remove(&name) {
                Some(listed) => self.listed(name, row, listed),
                None => self.gone(name, row),
            }
        }
        for (name, listed) in listed {
            match listed {
                Ok(person) => self.add(name, person),
                Err(why) => self.leave_out(name, why),
            }
        }
    }

    /// Refuses a new name until its entry can be used.
    fn leave_out(&mut self, name: String, why: String) {
        self.set(name.clone(), Row::LeftOut { why: why.clone() });
        self.pass.failed.push(LeftOut { name, why });
    }

    fn add(&mut self, name: String, person: Person) {
        let forgotten = self.pass.ended.iter_mut().find(|ended| ended.name == name);
        if let Some(ended) = forgotten {
            ended.after = Some(person.clone());
        }
        self.pass.added.push(name.clone());
        self.set(name, Row::Person(person));
    }

    /// A known name that the directory does not list.
    fn gone(&mut self, name: String, row: Row) {
        let row = match row {
            // No factor ever counted for it.
            Row::LeftOut { .. } => return,
            Row::Removed { .. } => row,
            Row::Person(_) | Row::Unusable { .. } => {
                self.pass.removed.push(name.clone());
                Row::Removed {
                    since: self.now,
                    before: row.person().cloned(),
                }
            }
        };
        self.set(name, row);
    }

    /// A known name that the directory lists.
    fn listed(&mut self, name: String, row: Row, listed: Result<Person, String>) {
        if matches!(row, Row::LeftOut { .. }) {
            return match listed {
                Ok(person) => self.add(name, person),
                Err(why) => self.leave_out(name, why),
            };
        }
        let person = match listed {
            Ok(person) if row == Row::Person(person.clone()) => return self.set(name, row),
            Ok(person) => person,
            Err(why) => return self.hold(name, row, Err(why)),
        };
        let is_removed = matches!(row, Row::Removed { .. });
        let is_accepted = self.accepts(&name, &person);
        if !is_accepted && (is_removed || self.changes == Changes::Hold) {
            return self.hold(name, row, Ok(person));
        }
        let before = row.person().cloned();
        let is_same = before
            .as_ref()
            .is_some_and(|before| is_same(before, &person));
        if !is_same {
            self.pass.ended.push(Ended {
                name: name.clone(),
                before: before.clone(),
                after: Some(person.clone()),
            });
        }
        let change = Changed {
            name: name.clone(),
            before,
            after: person.clone(),
        };
        match is_accepted {
            true => self.pass.accepted.push(change),
            false => self.pass.changed.push(change),
        }
        self.set(name, Row::Person(person));
    }

    /// Whether the administrator accepts these factors: those that an earlier pass has held, and no
    /// others, which no one has looked at.
    fn accepts(&mut self, name: &str, person: &Person) -> bool {
        if !self.accept.contains(name) {
            return false;
        }
        let why = match self.held.get(name) {
            Some(held) if held.listed.as_ref() == Ok(person) => return true,
            Some(_) => {
                "what the directory lists has changed since it was held: run authyctl sync, look \
                 at what is held then, and accept that"
            }
            None => {
                "no sync has held this change yet: run authyctl sync, look at what is held then, \
                 and accept that"
            }
        };
        self.refuse(name, why);
        false
    }

    /// Leaves what is known as it is, and keeps what the directory lists.
    fn hold(&mut self, name: String, row: Row, listed: Result<Person, String>) {
        if let (Err(why), true) = (&listed, self.accept.contains(name.as_str())) {
            let hint = "mend it in the directory, or forget the name";
            self.refuse(&name, &format!("its entry cannot be used: {why}; {hint}"));
        }
        let known = (self.held.get(&name)).filter(|held| held.listed == listed);
        let (since, is_new) = known.map_or((self.now, true), |held| (held.since, false));
        self.pass.held.push(HeldChange {
            name: name.clone(),
            before: row.person().cloned(),
            listed: listed.clone(),
            is_removed: matches!(row, Row::Removed { .. }),
            since,
            is_new,
        });
        self.pass
            .next
            .held
            .insert(name.clone(), Held { since, listed });
        self.set(name, row);
    }

    fn set(&mut self, name: String, row: Row) {
        self.pass.next.rows.insert(name, row);
    }

    fn refuse(&mut self, name: &str, why: &str) {
        self.pass.refused.push(LeftOut {
            name: name.to_owned(),
            why: why.to_owned(),
        });
    }

    /// Names what was to be accepted in vain, and sorts.
    fn finish(mut self, options: &Options) -> Pass {
        for name in options.accept.iter().collect::<BTreeSet<_>>() {
            let is_done = self.pass.accepted.iter().any(|one| one.name == *name)
                || self.pass.refused.iter().any(|one| one.name == *name);
            if !is_done {
                self.refuse(name, "nothing of this name is held");
            }
        }
        self.pass.failed.sort();
        self.pass.refused.sort();
        self.pass
            .ended
            .sort_by(|one, other| one.name.cmp(&other.name));
        self.pass
    }
}

const TWICE: &str = "the directory has two entries of this name";

/// Why no account can have this name.
fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the name is empty");
    }
    if name.len() > MAX_NAME {
        return Some("the name is too long");
    }
    text::has_control(name).then_some("the name has control characters")
}

/// What directory.toml can have of a person, in the order in which it is compared: a directory
/// lists several values in any order.
fn usable(person: Person) -> Result<Person, String> {
    let mut security_keys = person.security_keys;
    security_keys.sort();
    security_keys.dedup();
    let person = Person {
        totp: None,
        totp_id: None,
        push: None,
        security_keys,
        ..person
    };
    if person.twilio_identity.is_some() != person.twilio_factor.is_some() {
        return Err("twilio_identity and twilio_factor need each other".to_owned());
    }
    if person.is_empty() {
        return Err("the entry has no factor".to_owned());
    }
    Ok(person)
}

/// Whether a factor was kept.
fn is_same(before: &Person, after: &Person) -> bool {
    after.has_one_of(&before.stored_ids())
}

#[cfg(test)]
mod tests;
