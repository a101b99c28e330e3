//! `enroll`, `unenroll`, `list`: the mapping, without configuration or network.

use pam_authy::account::{self, Spelling};
use pam_authy::client::types::AuthyId;
use pam_authy::text;
use pam_authy::users::{Entry, Mapping, write};
use serde_json::json;

use crate::cli::Global;
use crate::failure::{Failure, Kind};
use crate::output::{Done, table};

pub(crate) fn enroll(
    global: &Global,
    user: &str,
    id: AuthyId,
    replace: bool,
) -> Result<Done, Failure> {
    let change = write::enroll(&global.users, user, id, replace)?;
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

pub(crate) fn unenroll(global: &Global, user: &str) -> Result<Done, Failure> {
    let id = write::unenroll(&global.users, user)?;
    let line = format!("{} is not enrolled any more", text::clean_to(user, 64));
    let members = json!({"user": user, "authy_id": id.map(AuthyId::number), "remote": false});
    Ok(Done::new(vec![line], members))
}

pub(crate) fn list(global: &Global) -> Result<Done, Failure> {
    let mapping = match Mapping::load(&global.users) {
        Ok(mapping) => mapping,
        Err(error) if error.is_missing() => Mapping::default(),
        Err(error) => return Err(error.into()),
    };
    let mut rows = Vec::new();
    let mut users = Vec::new();
    for (user, entry) in mapping.iter() {
        match entry {
            Entry::Enrolled(id) => {
                rows.push(vec![text::clean_to(user, 64), id.to_string()]);
                users.push(json!({"user": user, "authy_id": id.number()}));
            }
            Entry::Unusable { line, message } => {
                let file = global.users.display();
                return Err(Failure::new(
                    Kind::Local,
                    format!("{file}:{line}: {message}"),
                ));
            }
            Entry::Absent => {}
        }
    }
    Ok(Done::new(table(&rows), json!({"users": users})))
}

fn account_warning(user: &str) -> Option<String> {
    let shown = text::clean_to(user, 64);
    match account::spelling(user) {
        Ok(Spelling::Own) => None,
        Ok(Spelling::NoAccount) => Some(format!("there is no account {shown} on this host")),
        Ok(Spelling::Alias) => Some(format!("the account's own name is spelled unlike {shown}")),
        Err(error) => Some(error.to_string()),
    }
}
