//! `enroll`, `unenroll`, `index`: the mapping. Only `enroll` of a new person and `unenroll
//! --remote` need the network; `enroll` and `unenroll` change the state folder where there is a
//! configuration.

use pam_authy::base::factor::Person;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::host::account::{self, Spelling};
use pam_authy::host::ssh_key::Fingerprint;
use pam_authy::store::users::Entry;
use pam_authy::store::users::write::{self, Enrolment};
use serde_json::{Value, json};

use super::{directory, lasting, person, security_key, totp, twilio};
use crate::cli::{EnrollArgs, Global, UnenrollArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

pub(crate) fn enroll(global: &Global, args: &EnrollArgs) -> Result<Output, CommandError> {
    let mut output = enroll_factor(global, args)?;
    output.warning = lasting::both(output.warning, directory::shadowed(global, &args.user));
    Ok(output)
}

fn enroll_factor(global: &Global, args: &EnrollArgs) -> Result<Output, CommandError> {
    if args.totp {
        return totp::enroll(global, args);
    }
    if args.twilio_app {
        return twilio::enroll_app(global, args);
    }
    if let Some(phone) = &args.phone {
        return twilio::enroll_phone(global, args, phone);
    }
    if let Some(key) = &args.security_key {
        return security_key::enroll(global, args, key);
    }
    // The declarations cannot say this, since --totp conflicts with the other factors.
    if args.secret.is_some() || args.no_check || args.output.is_some() {
        let message = "--secret, --no-check and --output need --totp or --twilio-app";
        return Err(CommandError::new(ErrorKind::Usage, message));
    }
    let user = args.user.as_str();
    let id = match args.authy_id {
        Some(id) => id,
        None => {
            let new = person::NewPerson::of(args)?;
            // The mapping must be able to take a person before Authy has one more.
            match write::before_creation(&global.users, user, args.ssh_key)? {
                Some(present) if !args.replace => return Ok(left_alone(args, present)),
                _ => new.create(global)?,
            }
        }
    };
    let one = Enrolment {
        user: user.to_owned(),
        key: args.ssh_key,
        id,
    };
    let before = lasting::entry(global, user);
    let change = write::enroll_one(&global.users, one, args.replace)?;
    let left = change
        .changed
        .then(|| lasting::follow(global, user, &before));
    let shown = match args.ssh_key {
        Some(key) => format!("{} by {key}", shown_name(user)),
        None => shown_name(user),
    };
    let line = match (change.changed, change.previous) {
        (false, _) => format!("{shown} is already enrolled with authy id {id}"),
        (true, Some(previous)) => {
            format!("{shown} is enrolled with authy id {id}, previously {previous}")
        }
        (true, None) => format!("{shown} is enrolled with authy id {id}"),
    };
    let members = json!({"user": user, "authy_id": id.number(), "changed": change.changed});
    Ok(Output {
        warning: lasting::both(account_warning(user), left.flatten()),
        ..Output::new(vec![line], with_key(members, args.ssh_key))
    })
}

/// The output for a user who has an id already, so that no person was created.
fn left_alone(args: &EnrollArgs, present: AuthyId) -> Output {
    let user = args.user.as_str();
    let line = format!(
        "{} is already enrolled with authy id {present}; --replace takes the person with this number instead",
        shown_name(user)
    );
    let members = json!({"user": user, "authy_id": present.number(), "changed": false});
    Output::new(vec![line], with_key(members, args.ssh_key))
}

fn with_key(mut members: Value, key: Option<Fingerprint>) -> Value {
    if let Some(key) = key {
        members["ssh_key"] = json!(key.to_string());
    }
    members
}

/// Removes the person at each provider that has them. Returns a warning where one has not.
fn delete_remotely(
    global: &Global,
    user: &str,
    removed_by: &mut Vec<&'static str>,
) -> Result<Option<String>, CommandError> {
    let person = twilio::person_of(global, user)?;
    let has_app = |person: &Person| person.twilio_factor.is_some();
    let at_twilio = person.as_ref().filter(|person| has_app(person));
    let mut warning = None;
    if let Some(person) = at_twilio {
        warning = twilio::delete(global, person)?;
        if warning.is_none() {
            removed_by.push("Twilio has deleted the person, with all apps");
        }
    }
    let is_at_authy = person
        .as_ref()
        .is_none_or(|person| person.authy_id.is_some());
    if is_at_authy {
        let unknown = person::delete(global, user)?;
        if unknown.is_none() {
            removed_by.push("Authy removes the person from the application within a day");
        }
        warning = lasting::both(warning, unknown);
    } else if at_twilio.is_none() {
        removed_by.push("no provider has stored anything of the person");
    }
    Ok(warning)
}

/// Removes the person at Authy before the mapping: until Authy has done so, the mapping is the only
/// record of the person's id.
pub(crate) fn unenroll(global: &Global, args: &UnenrollArgs) -> Result<Output, CommandError> {
    let (user, remote, key) = (args.user.as_str(), args.remote, args.ssh_key);
    directory::check_unenroll(global, user)?;
    if let Some(key) = &args.security_key {
        return security_key::unenroll(global, user, key);
    }
    let mut removed_by = Vec::new();
    let warning = if remote {
        delete_remotely(global, user, &mut removed_by)?
    } else {
        None
    };
    let before = lasting::entry(global, user);
    let id = write::unenroll(&global.users, user, key)?;
    let left = lasting::follow(global, user, &before);
    let secret = totp::drop_unused(global, &before.totp_names());
    let secret = secret.err().map(|error| {
        let message = error.message;
        format!("the secret of the app could not be removed: {message}")
    });
    let left = lasting::both(left, secret);
    let by = key.map(|key| format!(" by {key}")).unwrap_or_default();
    let mut lines = vec![format!("{}{by} is no longer enrolled", shown_name(user))];
    lines.extend(removed_by.into_iter().map(str::to_owned));
    let members = json!({"user": user, "authy_id": id.map(AuthyId::number), "remote": remote});
    Ok(Output {
        warning: lasting::both(
            lasting::both(warning, left),
            directory::uncovered(global, user),
        ),
        ..Output::new(lines, with_key(members, key))
    })
}

/// Checks the mapping, and totp.toml and enrolled.toml where they are, and writes their look-up
/// indexes. An entry that cannot be used is a warning and not an error, since it refuses only its
/// own user.
pub(crate) fn index(global: &Global) -> Result<Output, CommandError> {
    let (mapping, path) = write::index(&global.users)?;
    let file = global.users.display();
    let invalid: Vec<_> = mapping
        .iter()
        .filter_map(|(_, entry)| match entry {
            Entry::Invalid { line, message } => Some((*line, message)),
            Entry::Enrolled(_) | Entry::Shared(_) | Entry::Removed { .. } | Entry::Absent => None,
        })
        .collect();
    let count = mapping.iter().count();
    let unusable: Vec<_> = (invalid.iter())
        .map(|(line, message)| json!({"line": line, "message": message}))
        .collect();
    let mut members = json!({"path": path, "entries": count, "unusable": unusable});
    let warnings: Vec<_> = (invalid.iter())
        .map(|(line, message)| format!("{file}:{line}: {message}"))
        .collect();
    let entries = if count == 1 { "entry" } else { "entries" };
    let mut lines = vec![format!("{}: {count} {entries}", path.display())];
    if let Some((path, count)) = totp::index(global)? {
        lines.push(format!("{}: {count} of apps", path.display()));
        members["totp"] = json!({"path": path, "entries": count});
    }
    if let Some((path, count)) = totp::index_of_enrolled(global)? {
        lines.push(format!(
            "{}: {count} enrolled at the prompt",
            path.display()
        ));
        members["enrolled"] = json!({"path": path, "entries": count});
    }
    if let Some((path, count)) = directory::index(global)? {
        lines.push(format!("{}: {count} of the directory", path.display()));
        members["directory"] = json!({"path": path, "entries": count});
    }
    Ok(Output {
        warning: (!warnings.is_empty()).then(|| warnings.join("\n")),
        ..Output::new(lines, members)
    })
}

/// Returns a warning when no login on this host can have this name.
pub(super) fn account_warning(user: &str) -> Option<String> {
    let shown = shown_name(user);
    match account::spelling(user) {
        Ok(Spelling::Own) => None,
        Ok(Spelling::NoAccount) => Some(format!("there is no account {shown} on this host")),
        Ok(Spelling::Alias) => Some(format!(
            "the account's own name is spelled differently from {shown}"
        )),
        Err(error) => Some(error.to_string()),
    }
}
