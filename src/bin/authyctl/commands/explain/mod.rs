//! `explain`: what a login would be asked, and by which line of which file.
//!
//! It asks `policy::RequirementQuery`, the function that the module asks.

mod asked;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use pam_authy::base::attempt::Attempt;
use pam_authy::host::account;
use pam_authy::login::policy::{Requirement, RequirementQuery};
use pam_authy::store::config::{Config, Fallback, SendMode};
use pam_authy::store::users::{self, Entry, Found};
use serde_json::json;

use super::limits;
use crate::cli::{ExplainArgs, Global};
use crate::error::CommandError;
use crate::output::{Output, shown_name};

pub(crate) fn explain(global: &Global, args: &ExplainArgs) -> Result<Output, CommandError> {
    let (user, service, rhost) = (args.user.as_str(), args.service.as_str(), args.rhost);
    let config = Config::load(&global.config)?;
    let found = users::find(&global.users, user)?;
    let mut rules = config.login(service);
    rules.push = own_push(&found.entry).unwrap_or(rules.push);
    let attempt = attempt(user, service, rhost);
    let question = RequirementQuery {
        attempt: &attempt,
        subject: user,
        exempt: &config.exempt,
        unenrolled: rules.unenrolled,
    };
    let account = |error: account::LookupFailed| CommandError::local(error);
    let needed = question.requirement(
        |groups| account::group_of(user, groups).map_err(account),
        || Ok(found.entry.clone()),
        || account::spelling(user).map_err(account),
    )?;
    let shown = shown_name(user);
    let reason = reason(&needed, &found.entry, &shown, rules.unenrolled);
    let (file, line) = source(global, &config, service, &needed, &found);
    let is_required = !matches!(
        needed,
        Requirement::Exempt(_) | Requirement::NotEnrolledAllowed
    );
    let place = place(&file, line);
    let from = rhost.map_or(String::new(), |rhost| format!(" from {rhost}"));
    let asked_for = if is_required {
        "asked for"
    } else {
        "not asked for"
    };
    let mut lines = vec![
        format!("second factor for {shown} by {service}{from}: {asked_for}"),
        format!("{reason} ({place})"),
    ];
    if matches!(needed, Requirement::Person(_))
        || matches!(found.entry, Entry::Shared(_)) && is_required
    {
        lines.extend(asked::asked(&config, &global.config, &rules, service));
        lines.extend(limits::standing(&config, user));
    }
    let members = json!({
        "user": user,
        "service": service,
        "required": is_required,
        "reason": reason,
        "file": file,
        "line": line,
    });
    Ok(Output::new(lines, members))
}

/// When these people get a push, where their entry says so.
fn own_push(entry: &Entry) -> Option<SendMode> {
    match entry {
        Entry::Enrolled(person) => person.push,
        Entry::Shared(shared) => shared.push,
        Entry::Invalid { .. } | Entry::Absent => None,
    }
}

/// A login as the application would hand it over.
fn attempt(user: &str, service: &str, rhost: Option<IpAddr>) -> Attempt {
    Attempt {
        user: user.to_owned(),
        service: service.to_owned(),
        rhost: rhost.map(|rhost| rhost.to_string()),
        tty: None,
        ruser: None,
        address: rhost.map(|rhost| rhost.to_canonical()),
        ssh_auth: None,
        password: None,
    }
}

fn reason(needed: &Requirement, entry: &Entry, shown: &str, unenrolled: Fallback) -> String {
    match needed {
        Requirement::Exempt(rule) => format!("{rule} holds"),
        Requirement::Person(person) => format!("{shown} is enrolled with authy id {}", person.id),
        Requirement::NoMatchingKey(_) => {
            let keys = match entry {
                Entry::Shared(shared) => shared.keys.len(),
                _ => 0,
            };
            format!(
                "{shown} is shared: the SSH key of the login, one of {keys}, tells whose factor it is; without \
                 one it is refused"
            )
        }
        Requirement::InvalidEntry { message, .. } => {
            format!("the entry of {shown} cannot be used, so every login is refused: {message}")
        }
        Requirement::NotEnrolledAllowed => {
            format!("{shown} is not enrolled, and unenrolled = \"ignore\" lets that pass")
        }
        Requirement::Decoy if unenrolled == Fallback::Ignore => format!(
            "{shown} is another spelling of an account's name, so unenrolled = \"ignore\" does not hold"
        ),
        Requirement::Decoy => {
            format!("{shown} is not enrolled, and unenrolled = \"deny\" refuses whatever is typed")
        }
    }
}

/// The file and line that say so.
fn source(
    global: &Global,
    config: &Config,
    service: &str,
    needed: &Requirement,
    found: &Found,
) -> (PathBuf, Option<usize>) {
    match needed {
        Requirement::Exempt(rule) => (global.config.clone(), config.table_line("exempt", rule.key)),
        Requirement::NotEnrolledAllowed | Requirement::Decoy => {
            (global.config.clone(), config.line(service, "unenrolled"))
        }
        Requirement::Person(_)
        | Requirement::NoMatchingKey(_)
        | Requirement::InvalidEntry { .. } => (global.users.clone(), found.line),
    }
}

fn place(file: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => format!("the default; {} does not say", file.display()),
    }
}
