//! `totp list`: who has a secret, and where it is. Shows no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pam_authy::store::totp::{Authenticator, Entry as SecretEntry, Secrets};
use serde_json::{Value, json};

use super::super::load_people;
use super::at_prompt::{AtPrompt, Row, Standing};
use super::{own_secrets, path};
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::{Output, shown_name, table};

pub(super) fn list(global: &Global) -> Result<Output, CommandError> {
    let path = path(global);
    // The app of a person whose directory.toml cannot be read is not used.
    let (mapping, _) = load_people(global)?;
    let used: BTreeSet<&str> = mapping
        .iter()
        .flat_map(|(_, entry)| entry.totp_names())
        .collect();
    let secrets = own_secrets(global)?;
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
    if let Some(at_prompt) = AtPrompt::find(global)? {
        let all = at_prompt.rows(&mapping, secrets.as_ref());
        let (of_apps, of_members) = enrolled(&at_prompt.path, &all);
        rows.extend(of_apps);
        members.extend(of_members);
        let file = at_prompt.path.display();
        for (user, line, why) in at_prompt.invalid() {
            let place = format!("{file}:{line}");
            rows.push(vec![shown_name(user), place.clone(), why.to_owned()]);
            members.push(json!({
                "user": user,
                "line": line,
                "used": false,
                "file": at_prompt.path,
                "error": why,
            }));
            invalid.get_or_insert_with(|| format!("{place}: {why}"));
        }
    }
    let members = json!({"secrets": members});
    let mut lines = table(&rows);
    if lines.is_empty() {
        lines.push("no one has an app whose codes this host checks".to_owned());
    }
    let output = Output::new(lines, members.clone());
    match invalid {
        None => Ok(output),
        Some(why) => Err(CommandError::local(why).with_members(members).after(output)),
    }
}

/// The rows and members of the apps that were enrolled at the prompt.
fn enrolled(file: &Path, all: &BTreeMap<&str, Row<'_>>) -> (Vec<Vec<String>>, Vec<Value>) {
    let rows = all.values().map(|row| {
        let place = format!("{}:{}", file.display(), row.line);
        vec![shown_name(row.user), place, row.text()]
    });
    let members = all.values().map(|row| {
        let is_used = row.standing != Standing::Unused;
        let mut member = member_of_app(row.user, row.line, is_used, row.app);
        member["file"] = json!(file);
        member["enrolled"] = row.members();
        member
    });
    (rows.collect(), members.collect())
}

fn member(name: &str, entry: &SecretEntry, is_used: bool) -> Value {
    match entry {
        SecretEntry::Valid { app, line, .. } => member_of_app(name, *line, is_used, app),
        SecretEntry::Invalid { message, line } => {
            json!({"user": name, "line": line, "used": is_used, "error": message})
        }
    }
}

fn member_of_app(name: &str, line: usize, is_used: bool, app: &Authenticator) -> Value {
    json!({
        "user": name,
        "line": line,
        "used": is_used,
        "digits": app.digits(),
        "period": app.period(),
        "algorithm": app.algorithm().as_str(),
    })
}
