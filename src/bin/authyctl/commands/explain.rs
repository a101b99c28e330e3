//! `explain`: what a login would be asked, and by which line of which file.
//!
//! It asks `policy::required`, the function that the module asks.

use std::net::IpAddr;
use std::path::Path;

use pam_authy::account;
use pam_authy::config::{Config, Otherwise};
use pam_authy::policy::{self, Required};
use pam_authy::text;
use pam_authy::users::{Entry, Mapping};
use serde_json::json;

use crate::cli::Global;
use crate::failure::{Failure, Kind};
use crate::output::Done;

pub(crate) fn explain(
    global: &Global,
    user: &str,
    service: &str,
    rhost: Option<IpAddr>,
) -> Result<Done, Failure> {
    let config = Config::load(&global.config)?;
    let mapping = Mapping::load(&global.users)?;
    let rules = config.login(service);
    let entry = mapping.find(user);
    let required = policy::required(&entry, rules.unenrolled, || account::spelling(user))
        .map_err(|error| Failure::new(Kind::Local, error.to_string()))?;
    let shown = text::clean_to(user, 64);
    let reason = match (&entry, required) {
        (Entry::Enrolled(person), _) => {
            format!("{shown} is enrolled with authy id {}", person.id)
        }
        (Entry::Shared(shared), _) => format!(
            "{shown} is shared: the SSH key of the login, one of {}, tells whose factor it is",
            shared.keys.len()
        ),
        (Entry::Unusable { message, .. }, _) => {
            format!("the entry of {shown} cannot be used, so every login is refused: {message}")
        }
        (Entry::Absent, Required::Pass) => {
            format!("{shown} is not enrolled, and unenrolled = \"ignore\" lets that pass")
        }
        (Entry::Absent, _) if rules.unenrolled == Otherwise::Ignore => format!(
            "{shown} is another spelling of an account's name, so unenrolled = \"ignore\" does not hold"
        ),
        (Entry::Absent, _) => {
            format!("{shown} is not enrolled, and unenrolled = \"deny\" refuses whatever is typed")
        }
    };
    let (file, line) = match entry {
        Entry::Absent => (&global.config, config.line(service, "unenrolled")),
        Entry::Enrolled(_) | Entry::Shared(_) | Entry::Unusable { .. } => {
            (&global.users, mapping.line(user))
        }
    };
    let is_required = required != Required::Pass;
    let place = place(file, line);
    let mut lines = vec![
        format!(
            "second factor for {shown} by {service}{}: {}",
            rhost
                .map(|rhost| format!(" from {rhost}"))
                .unwrap_or_default(),
            if is_required {
                "asked for"
            } else {
                "not asked for"
            }
        ),
        format!("{reason} ({place})"),
    ];
    if required == Required::Person {
        lines.push(asked(&rules));
    }
    let members = json!({
        "user": user,
        "service": service,
        "required": is_required,
        "reason": reason,
        "file": file,
        "line": line,
    });
    Ok(Done::new(lines, members))
}

fn place(file: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => format!("the default; {} does not say", file.display()),
    }
}

/// What may be typed.
fn asked(rules: &pam_authy::config::Login) -> String {
    let factors: Vec<_> = rules.factors.iter().map(|factor| factor.word()).collect();
    format!(
        "{} replies within {} s, factors {}",
        rules.attempts,
        rules.deadline.as_secs(),
        factors.join(", ")
    )
}
