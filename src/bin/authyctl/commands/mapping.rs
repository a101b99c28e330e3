//! `enroll`, `unenroll`, `list`, `index`: the mapping, without configuration or network.

use pam_authy::base::factor::{Person, SendMode};
use pam_authy::base::text;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::host::account::{self, Spelling};
use pam_authy::host::ssh_key::Fingerprint;
use pam_authy::store::users::write::{self, Enrolment};
use pam_authy::store::users::{Entry, Mapping};
use serde_json::{Value, json};

use super::people;
use crate::cli::{Enroll, Global};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, table};

pub(crate) fn enroll(global: &Global, how: &Enroll) -> Result<Output, CommandError> {
    let user = how.user.as_str();
    let id = match how.authy_id {
        Some(id) => id,
        None => people::create(global, how)?,
    };
    let one = Enrolment {
        user: user.to_owned(),
        key: how.ssh_key,
        id,
    };
    let change = write::enroll_one(&global.users, one, how.replace)?;
    let shown = match how.ssh_key {
        Some(key) => format!("{} by {key}", text::sanitize_to(user, 64)),
        None => text::sanitize_to(user, 64),
    };
    let line = match (change.changed, change.previous) {
        (false, _) => format!("{shown} is enrolled with authy id {id} already"),
        (true, Some(previous)) => {
            format!("{shown} is enrolled with authy id {id}, before {previous}")
        }
        (true, None) => format!("{shown} is enrolled with authy id {id}"),
    };
    let members = json!({"user": user, "authy_id": id.number(), "changed": change.changed});
    Ok(Output {
        warning: account_warning(user),
        ..Output::new(vec![line], with_key(members, how.ssh_key))
    })
}

fn with_key(mut members: Value, key: Option<Fingerprint>) -> Value {
    if let Some(key) = key {
        members["ssh_key"] = json!(key.to_string());
    }
    members
}

/// The mapping goes last: while Authy has not taken the person out, the mapping is the only record of
/// whom to take out.
pub(crate) fn unenroll(
    global: &Global,
    user: &str,
    remote: bool,
    key: Option<Fingerprint>,
) -> Result<Output, CommandError> {
    let warning = if remote {
        people::delete(global, user)?
    } else {
        None
    };
    let id = write::unenroll(&global.users, user, key)?;
    let by = key.map(|key| format!(" by {key}")).unwrap_or_default();
    let mut lines = vec![format!(
        "{}{by} is not enrolled any more",
        text::sanitize_to(user, 64)
    )];
    if remote {
        lines.push("Authy removes the person from the application within a day".to_owned());
    }
    let members = json!({"user": user, "authy_id": id.map(AuthyId::number), "remote": remote});
    Ok(Output {
        warning,
        ..Output::new(lines, with_key(members, key))
    })
}

pub(crate) fn list(global: &Global) -> Result<Output, CommandError> {
    let mapping = match Mapping::load(&global.users) {
        Ok(mapping) => mapping,
        Err(error) if error.is_missing() => Mapping::default(),
        Err(error) => return Err(error.into()),
    };
    let mut rows = Vec::new();
    let mut users = Vec::new();
    let mut unusable = None;
    for (user, entry) in mapping.iter() {
        match entry {
            Entry::Enrolled(person) => {
                let mut row = vec![text::sanitize_to(user, 64), factors(person)];
                row.extend(person.push.map(push));
                rows.push(row);
                let member = with_factors(json!({"user": user}), person);
                users.push(with_push(member, person.push));
            }
            Entry::Shared(shared) => {
                for (key, person) in &shared.keys {
                    let mut row = vec![
                        text::sanitize_to(user, 64),
                        factors(person),
                        key.to_string(),
                    ];
                    row.extend(shared.push.map(push));
                    rows.push(row);
                }
                let keys: Vec<_> = (shared.keys.iter())
                    .map(|(key, person)| {
                        with_factors(json!({"fingerprint": key.to_string()}), person)
                    })
                    .collect();
                users.push(with_push(json!({"user": user, "keys": keys}), shared.push));
            }
            Entry::Invalid { line, message } => {
                unusable
                    .get_or_insert_with(|| format!("{}:{line}: {message}", global.users.display()));
            }
            Entry::Absent => {}
        }
    }
    let members = json!({"users": users});
    let done = Output::new(table(&rows), members.clone());
    match unusable {
        None => Ok(done),
        Some(why) => Err(CommandError::new(ErrorKind::Local, why)
            .with_members(members)
            .after(done)),
    }
}

fn push(when: SendMode) -> String {
    format!("push {}", when.as_str())
}

/// The person's factors for a column: the number at Authy, and the names of the others.
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
    member
}

fn with_push(mut member: Value, push: Option<SendMode>) -> Value {
    if let Some(push) = push {
        member["push"] = json!(push.as_str());
    }
    member
}

/// Checks the mapping and writes its look-up index. Entries that name nobody are told, and are no
/// error: they refuse their own users alone.
pub(crate) fn index(global: &Global) -> Result<Output, CommandError> {
    let (mapping, path) = write::index(&global.users)?;
    let file = global.users.display();
    let unusable: Vec<_> = mapping
        .iter()
        .filter_map(|(_, entry)| match entry {
            Entry::Invalid { line, message } => Some((*line, message)),
            Entry::Enrolled(_) | Entry::Shared(_) | Entry::Absent => None,
        })
        .collect();
    let count = mapping.iter().count();
    let said: Vec<_> = (unusable.iter())
        .map(|(line, message)| json!({"line": line, "message": message}))
        .collect();
    let members = json!({"path": path, "entries": count, "unusable": said});
    let warnings: Vec<_> = (unusable.iter())
        .map(|(line, message)| format!("{file}:{line}: {message}"))
        .collect();
    let entries = if count == 1 { "entry" } else { "entries" };
    let line = format!("{}: {count} {entries}", path.display());
    Ok(Output {
        warning: (!warnings.is_empty()).then(|| warnings.join("\n")),
        ..Output::new(vec![line], members)
    })
}

pub(super) fn account_warning(user: &str) -> Option<String> {
    let shown = text::sanitize_to(user, 64);
    match account::spelling(user) {
        Ok(Spelling::Own) => None,
        Ok(Spelling::NoAccount) => Some(format!("there is no account {shown} on this host")),
        Ok(Spelling::Alias) => Some(format!("the account's own name is spelled unlike {shown}")),
        Err(error) => Some(error.to_string()),
    }
}
