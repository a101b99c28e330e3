//! `enroll`, `unenroll`, `list`: the mapping, without configuration or network.

use pam_authy::account::{self, Spelling};
use pam_authy::client::types::AuthyId;
use pam_authy::text;
use pam_authy::users::{Entry, Mapping, write};
use serde_json::json;

use super::people;
use crate::cli::{Enroll, Global};
use crate::failure::{Failure, Kind};
use crate::output::{Done, table};

pub(crate) fn enroll(global: &Global, how: &Enroll) -> Result<Done, Failure> {
    let user = how.user.as_str();
    let id = match how.authy_id {
        Some(id) => id,
        None => people::create(global, how)?,
    };
    let change = write::enroll(&global.users, user, id, how.replace)?;
    let shown = text::clean_to(user, 64);
    let line = match (change.changed, change.previous) {
        (false, _) => format!("{shown} is enrolled with authy id {id} already"),
        (true, Some(previous)) => {
            format!("{shown} is enrolled with authy id {id}, before {previous}")
        }
        (true, None) => format!("{shown} is enrolled with authy id {id}"),
    };
    let members = json!({"user": user, "authy_id": id.number(), "changed": change.changed});
    Ok(Done {
        warning: account_warning(user),
        ..Done::new(vec![line], members)
    })
}

/// The mapping goes last: while Authy has not taken the person out, the mapping is the only record of
/// whom to take out.
pub(crate) fn unenroll(global: &Global, user: &str, remote: bool) -> Result<Done, Failure> {
    let warning = if remote {
        people::delete(global, user)?
    } else {
        None
    };
    let id = write::unenroll(&global.users, user)?;
    let mut lines = vec![format!(
        "{} is not enrolled any more",
        text::clean_to(user, 64)
    )];
    if remote {
        lines.push("Authy removes the person from the application within a day".to_owned());
    }
    let members = json!({"user": user, "authy_id": id.map(AuthyId::number), "remote": remote});
    Ok(Done {
        warning,
        ..Done::new(lines, members)
    })
}

pub(crate) fn list(global: &Global) -> Result<Done, Failure> {
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
            Entry::Enrolled(id) => {
                rows.push(vec![text::clean_to(user, 64), id.to_string()]);
                users.push(json!({"user": user, "authy_id": id.number()}));
            }
            Entry::Unusable { line, message } => {
                unusable
                    .get_or_insert_with(|| format!("{}:{line}: {message}", global.users.display()));
            }
            Entry::Absent => {}
        }
    }
    let members = json!({"users": users});
    let done = Done::new(table(&rows), members.clone());
    match unusable {
        None => Ok(done),
        Some(why) => Err(Failure::new(Kind::Local, why)
            .with_members(members)
            .after(done)),
    }
}

pub(super) fn account_warning(user: &str) -> Option<String> {
    let shown = text::clean_to(user, 64);
    match account::spelling(user) {
        Ok(Spelling::Own) => None,
        Ok(Spelling::NoAccount) => Some(format!("there is no account {shown} on this host")),
        Ok(Spelling::Alias) => Some(format!("the account's own name is spelled unlike {shown}")),
        Err(error) => Some(error.to_string()),
    }
}
