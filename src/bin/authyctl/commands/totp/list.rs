//! `totp list`: who has a secret, and where it is. Shows no secret.

use std::collections::BTreeSet;

use pam_authy::store::totp::{Entry as SecretEntry, Secrets};
use serde_json::{Value, json};

use super::super::load_mapping;
use super::path;
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::{Output, shown_name, table};

pub(super) fn list(global: &Global) -> Result<Output, CommandError> {
    let path = path(global);
    let mapping = load_mapping(global)?;
    let used: BTreeSet<&str> = mapping
        .iter()
        .flat_map(|(_, entry)| entry.totp_names())
        .collect();
    let secrets = match Secrets::load(&path) {
        Ok(secrets) => Some(secrets),
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(error.into()),
    };
    let (mut rows, mut members, mut invalid) = (Vec::new(), Vec::new(), None);
    for (name, entry) in secrets.iter().flat_map(Secrets::iter) {
        let place = format!("{}:{}", path.display(), entry.line());
        let mut row = vec![shown_name(name), place];
        let is_used = used.contains(name);
        if !is_used {
            row.push("not used in users.toml".to_owned());
        }
        let mut member = member(name, entry, is_used);
        member["file"] = json!(path);
        if let SecretEntry::Invalid { message, .. } = entry {
            row.push(message.clone());
            invalid
                .get_or_insert_with(|| format!("{}:{}: {message}", path.display(), entry.line()));
        }
        rows.push(row);
        members.push(member);
    }
    let members = json!({"secrets": members});
    let output = Output::new(table(&rows), members.clone());
    match invalid {
        None => Ok(output),
        Some(why) => Err(CommandError::local(why).with_members(members).after(output)),
    }
}

fn member(name: &str, entry: &SecretEntry, is_used: bool) -> Value {
    let mut member = json!({"user": name, "line": entry.line(), "used": is_used});
    match entry {
        SecretEntry::Valid { app, .. } => {
            member["digits"] = json!(app.digits());
            member["period"] = json!(app.period());
            member["algorithm"] = json!(app.algorithm().as_str());
        }
        SecretEntry::Invalid { message, .. } => member["error"] = json!(message),
    }
    member
}
