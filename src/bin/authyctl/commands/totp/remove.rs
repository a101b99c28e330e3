//! `totp remove`, and what `unenroll` does with secrets: takes them away with their last steps.

use std::collections::BTreeSet;

use pam_authy::base::factor::TotpId;
use pam_authy::store::totp::{Authenticator, Entry as SecretEntry, Secrets, write};
use pam_authy::store::users::Entry;
use pam_authy::store::users::write as users;
use serde_json::json;

use super::super::{entry_to_change, lasting, load_mapping};
use super::{at_prompt, path, steps};
use crate::cli::{Global, UserArg};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

/// Takes the app away, also one that was enrolled at the prompt: from the entry first, and then its
/// secret: an entry without a secret would refuse the user.
pub(super) fn remove(global: &Global, args: &UserArg) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    let before = entry_to_change(global, user)?;
    let is_used = matches!(&before, Entry::Enrolled(person) if person.totp.is_some());
    if is_used {
        users::remove_totp(&global.users, user).map_err(|error| match error {
            users::Error::OtherForm { .. } => {
                let message = format!("{}: the app is the only factor", shown_name(user));
                let hint = format!("authyctl unenroll {}", shown_name(user));
                CommandError::new(ErrorKind::Refused, message).hint(hint)
            }
            error => error.into(),
        })?;
    }
    let left = lasting::follow(global, user, &before);
    let removed = drop_unused(global, &BTreeSet::from([user]))?;
    let was_enrolled = at_prompt::remove_of(global, user)?;
    if !is_used && !removed && !was_enrolled {
        let message = format!("{} has no app on this host", shown_name(user));
        return Err(CommandError::local(message));
    }
    let line = format!("{} has no app on this host any more", shown_name(user));
    Ok(Output {
        warning: left,
        ..Output::new(vec![line], json!({"user": user, "changed": true}))
    })
}

/// Removes the secrets with these names that no entry of the mapping uses any more, and forgets
/// their last steps. Returns whether there was one.
pub(in super::super) fn drop_unused(
    global: &Global,
    names: &BTreeSet<&str>,
) -> Result<bool, CommandError> {
    let path = path(global);
    if names.is_empty() || path.symlink_metadata().is_err() {
        return Ok(false);
    }
    let mapping = load_mapping(global)?;
    let used: BTreeSet<&str> = mapping
        .iter()
        .flat_map(|(_, entry)| entry.totp_names())
        .collect();
    let mut removed = false;
    for name in names.difference(&used) {
        match write::remove(&path, name) {
            Ok(id) => {
                removed = true;
                if let Some(id) = id {
                    forget(global, id)?;
                }
            }
            Err(write::Error::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(removed)
}

/// Forgets the last step of a secret that no other name has.
pub(super) fn forget(global: &Global, id: TotpId) -> Result<(), CommandError> {
    // A host without a configuration has no logins, and so no steps.
    if !global.config.exists() {
        return Ok(());
    }
    let secrets = Secrets::load(&path(global))?;
    let mut apps = secrets
        .iter()
        .filter_map(|(_, entry)| SecretEntry::app(entry));
    if !apps.any(|app| Authenticator::id(app) == id) {
        steps(global)?.forget(id)?;
    }
    Ok(())
}
