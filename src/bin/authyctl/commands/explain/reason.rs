//! Why a login requires a factor, or none, in words, and the file and line that say so.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pam_authy::base::factor::{Person, SECURITY_KEYS, Skipped};
use pam_authy::base::utc;
use pam_authy::login::policy::{self, Requirement};
use pam_authy::store::config::{Config, Fallback, Login};
use pam_authy::store::people::{Found, People};
use pam_authy::store::users::Entry;

use crate::cli::Global;
use crate::hint::option;

/// Returns why a login requires what it does.
pub(super) fn reason(
    requirement: &Requirement,
    entry: &Entry,
    user: &str,
    rules: &Login,
) -> String {
    if let (Requirement::Decoy, Entry::Removed { since, .. }) = (requirement, entry) {
        let since = utc::shown(*since);
        return format!(
            "{user} was removed from the directory on {since}, and whatever is typed is refused until \
             authyctl sync {}",
            option("--forget", user)
        );
    }
    match requirement {
        Requirement::Exempt(rule) => format!("{rule} applies"),
        Requirement::Person {
            person, skipped, ..
        } => enrolled(user, person, skipped),
        Requirement::NoSupportedFactor(skipped) => format!(
            "this host can check no factor of {user}, so every login is refused: {}",
            policy::list(skipped)
        ),
        Requirement::NoMatchingKey(_) => {
            let keys = match entry {
                Entry::Shared(shared) => shared.keys.len(),
                _ => 0,
            };
            format!(
                "{user} is a shared account: the SSH key of the login, one of {keys}, says whose factor is \
                 asked for; a login without one is refused"
            )
        }
        Requirement::InvalidEntry { message, .. } => {
            format!("the entry of {user} cannot be used, so every login is refused: {message}")
        }
        Requirement::NotEnrolledAllowed => {
            format!("{user} is not enrolled, and unenrolled = \"ignore\" allows that")
        }
        Requirement::NotEnrolledYet(day) => {
            format!("{user} is not enrolled, and need not be until {day} (enroll_by)")
        }
        Requirement::Decoy if rules.unenrolled == Fallback::Ignore => format!(
            "{user} is another spelling of an account's name, so unenrolled = \"ignore\" does not apply"
        ),
        Requirement::Decoy if rules.enroll_by(SystemTime::now()).is_some() => format!(
            "{user} is not enrolled, and enroll_by is for accounts of this host that never were: whatever is \
             typed is refused"
        ),
        Requirement::Decoy => {
            format!("{user} is not enrolled, and unenrolled = \"deny\" refuses whatever is typed")
        }
    }
}

/// Returns the reason for an enrolled user, with the factors that this host skips.
fn enrolled(user: &str, person: &Person, skipped: &[Skipped]) -> String {
    let is_skipped = |key| skipped.iter().any(|skipped| skipped.key == key);
    let id = person.authy_id.map(|id| format!("authy id {id}"));
    let named = [
        (
            person.phone.is_some() && !is_skipped("phone"),
            "codes that Twilio sends by SMS or call",
        ),
        (
            person.twilio_factor.is_some() && !is_skipped("twilio_factor"),
            "an app whose codes Twilio checks",
        ),
        (
            person.totp.is_some() && !is_skipped("totp"),
            "an app whose codes this host checks",
        ),
        (
            !person.security_keys.is_empty() && !is_skipped(SECURITY_KEYS),
            "SSH security keys",
        ),
    ];
    let named = named.into_iter().filter(|(has, _)| *has);
    let named = named.map(|(_, name)| name.to_owned());
    let factors: Vec<_> = id.into_iter().chain(named).collect();
    let mut text = format!("{user} is enrolled");
    if !factors.is_empty() {
        text.push_str(" with ");
        text.push_str(&factors.join(", and with "));
    }
    if !skipped.is_empty() {
        text.push_str("; ");
        text.push_str(&policy::list(skipped));
    }
    text
}

/// Returns the file and line that the requirement comes from.
pub(super) fn source(
    global: &Global,
    config: &Config,
    service: &str,
    requirement: &Requirement,
    found: &Found,
) -> (PathBuf, Option<usize>) {
    match requirement {
        Requirement::Exempt(rule) => (global.config.clone(), config.table_line("exempt", rule.key)),
        Requirement::NotEnrolledYet(_) => {
            (global.config.clone(), config.line(service, "enroll_by"))
        }
        Requirement::Decoy if matches!(found.entry, Entry::Removed { .. }) => {
            let people = People::new(&global.users, config);
            (people.path(found.origin), found.line)
        }
        Requirement::NotEnrolledAllowed | Requirement::Decoy => {
            (global.config.clone(), config.line(service, "unenrolled"))
        }
        Requirement::Person { .. }
        | Requirement::NoSupportedFactor(_)
        | Requirement::NoMatchingKey(_)
        | Requirement::InvalidEntry { .. } => {
            let people = People::new(&global.users, config);
            (people.path(found.origin), found.line)
        }
    }
}

pub(super) fn place(file: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => format!("the default; {} does not set it", file.display()),
    }
}
