//! `list`: the people of users.toml and directory.toml, with their factors and the apps that they have
//! enrolled at the prompt. Needs no configuration and no network.

use std::path::Path;

use pam_authy::base::factor::{Person, SendMode};
use pam_authy::base::utc;
use pam_authy::host::ssh_key::Fingerprint;
use pam_authy::store::people::Origin;
use pam_authy::store::users::{Entry, Mapping, Shared};
use serde_json::{Value, json};

use super::directory::Listing;
use super::totp::at_prompt::{AtPrompt, Row, Standing};
use super::{load_people, people, security_key, totp};
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::{Output, shown_name, table};

pub(crate) fn list(global: &Global) -> Result<Output, CommandError> {
    let (mapping, no_directory) = load_people(global)?;
    // The list is right without them, for a plain user too, who cannot read the state folder.
    let at_prompt = AtPrompt::find(global).ok().flatten();
    let own = totp::own_secrets(global).ok().flatten();
    let enrolled = at_prompt
        .as_ref()
        .map(|all| all.rows(&mapping, own.as_ref()));
    let enrolled = enrolled.unwrap_or_default();
    let people = people(global);
    let mut all = Rows {
        directory: Listing::find(global),
        rows: Vec::new(),
        users: Vec::new(),
        invalid: None,
    };
    for (user, entry) in mapping.iter() {
        let origin = mapping.origin(user);
        match entry {
            Entry::Enrolled(person) => all.person(user, origin, person, enrolled.get(user)),
            Entry::Shared(shared) => all.shared(user, origin, shared),
            Entry::Invalid { line, message } => all.invalid(&people.path(origin), *line, message),
            Entry::Removed { since, .. } => all.removed(user, origin, *since),
            Entry::Absent => {}
        }
    }
    let missing = Mapping::load(&global.users)
        .err()
        .filter(|error| error.is_missing());
    let of_entry = all.invalid.map(CommandError::local);
    let wrong = missing
        .map(CommandError::from)
        .or(of_entry)
        .or(no_directory.map(|error| super::no_directory(&error)));
    let members = json!({"users": all.users});
    let mut lines = table(&all.rows);
    if lines.is_empty() && wrong.is_none() {
        lines.push(format!("no one is enrolled in {}", global.users.display()));
    }
    let output = Output::new(lines, members.clone());
    match wrong {
        None => Ok(output),
        Some(error) => Err(error.with_members(members).after(output)),
    }
}

/// What is shown.
struct Rows {
    directory: Listing,
    rows: Vec<Vec<String>>,
    users: Vec<Value>,
    /// The first entry that cannot be used.
    invalid: Option<String>,
}

impl Rows {
    fn person(&mut self, user: &str, origin: Origin, person: &Person, app: Option<&Row<'_>>) {
        let mut row = row(user, person, None, person.push);
        let mut member = with_factors(json!({"user": user}), person);
        if let Some(app) = app.filter(|app| app.standing != Standing::Unused) {
            row.push(format!("app {}", app.text()));
            member["enrolled"] = app.members();
        }
        self.directory.note(user, origin, &mut row, &mut member);
        self.rows.push(row);
        self.users.push(with_push(member, person.push));
    }

    fn shared(&mut self, user: &str, origin: Origin, shared: &Shared) {
        let keys = shared.keys.iter();
        let rows = keys.map(|(key, person)| row(user, person, Some(key), shared.push));
        self.rows.extend(rows);
        let keys = shared
            .keys
            .iter()
            .map(|(key, person)| with_factors(json!({"fingerprint": key.to_string()}), person));
        let mut member = json!({"user": user, "keys": keys.collect::<Vec<_>>()});
        let mut no_row = Vec::new();
        self.directory.note(user, origin, &mut no_row, &mut member);
        self.users.push(with_push(member, shared.push));
    }

    fn removed(&mut self, user: &str, origin: Origin, since: u64) {
        let mut row = vec![shown_name(user), "removed".to_owned()];
        let mut member = json!({"user": user, "factors": []});
        self.directory.note(user, origin, &mut row, &mut member);
        member["removed"] = json!(utc::written(since));
        self.rows.push(row);
        self.users.push(member);
    }

    fn invalid(&mut self, file: &Path, line: usize, message: &str) {
        let why = || format!("{}:{line}: {message}", file.display());
        self.invalid.get_or_insert_with(why);
    }
}

/// Returns a row of `list`.
fn row(
    user: &str,
    person: &Person,
    key: Option<&Fingerprint>,
    push: Option<SendMode>,
) -> Vec<String> {
    let mut row = vec![shown_name(user), factors(person)];
    row.extend(key.map(Fingerprint::to_string));
    row.extend(push.map(|push| format!("push {}", push.as_str())));
    row
}

/// Returns the person's factors for a column: the number at Authy, and the names of the others.
fn factors(person: &Person) -> String {
    let id = person.authy_id.map(|id| id.to_string());
    let others = person
        .factor_names()
        .into_iter()
        .filter(|name| *name != "authy");
    let all: Vec<_> = id.into_iter().chain(others.map(str::to_owned)).collect();
    all.join(" ")
}

fn with_factors(mut member: Value, person: &Person) -> Value {
    if let Some(id) = person.authy_id {
        member["authy_id"] = json!(id.number());
    }
    member["factors"] = json!(person.factor_names());
    if !person.security_keys.is_empty() {
        member["security_keys"] = json!(security_key::texts(person));
    }
    member
}

fn with_push(mut member: Value, push: Option<SendMode>) -> Value {
    if let Some(push) = push {
        member["push"] = json!(push.as_str());
    }
    member
}
