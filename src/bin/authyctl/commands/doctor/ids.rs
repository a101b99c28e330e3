//! Whether Authy knows the administrators: a login fails for each id that it does not know, and for
//! each person that it refuses.

use pam_authy::base::deadline::Deadline;
use pam_authy::base::factor::Person;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;
use pam_authy::store::users::{Entry, Mapping};

use super::{Administrators, Finding};
use crate::output::shown_name;

const CHECK: &str = "people";
/// The largest number of people to look up at Authy; each request takes about 100 ms.
const LIMIT: usize = 20;

/// Asks Authy about each administrator who has an id, all before `deadline`.
pub(super) fn check<T: Transport>(
    client: &Client<T>,
    mapping: &Mapping,
    administrators: &Administrators,
    deadline: Deadline,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let people: Vec<_> = administrators
        .names
        .iter()
        .flat_map(|name| {
            let people = people(&mapping.find(name)).into_iter();
            people.map(|person| (name.clone(), person))
        })
        .collect();
    for (name, person) in people.iter().take(LIMIT) {
        let Some(id) = person.authy_id else {
            continue;
        };
        let user = shown_name(name);
        match client.users().status(id, deadline) {
            Ok(_) => {}
            Err(Error::NotFound(_)) => {
                findings.push(refused(
                    person,
                    &format!("{user}: Authy does not know the id {id}"),
                ));
            }
            Err(error @ Error::PersonRefused(_)) => {
                findings.push(refused(person, &format!("{user}: authy id {id}: {error}")));
            }
            Err(error) => {
                let message = format!("cannot tell whether Authy knows the id of {user}: {error}");
                findings.push(Finding::unknown(CHECK, message));
                // The next request would fail as well.
                return findings;
            }
        }
    }
    if let Some(more @ 1..) = people.len().checked_sub(LIMIT) {
        let message =
            format!("Authy was asked about {LIMIT} administrators, and not about {more} more");
        findings.push(Finding::unknown(CHECK, message));
    }
    findings
}

/// Returns the people with an id at Authy behind an entry.
fn people(entry: &Entry) -> Vec<Person> {
    let all = match entry {
        Entry::Enrolled(person) => vec![person.clone()],
        Entry::Shared(shared) => shared.keys.values().cloned().collect(),
        Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => Vec::new(),
    };
    let mut found: Vec<Person> = Vec::new();
    for person in all {
        let is_known = |known: &Person| known.authy_id == person.authy_id;
        if person.authy_id.is_some() && !found.iter().any(is_known) {
            found.push(person);
        }
    }
    found
}

/// A person who also has an app on this host can still log in, so that this is only a warning.
fn refused(person: &Person, message: &str) -> Finding {
    let hint = "authyctl enroll USER --authy-id N --replace writes the right one";
    let finding = if person.totp.is_some() {
        Finding::warning(CHECK, message)
    } else {
        Finding::problem(CHECK, message)
    };
    finding.hint(hint)
}
