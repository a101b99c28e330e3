//! `list --missing`: the accounts that can log in and have no factor, and how long they need none.
//!
//! Doctor finds them; see `doctor::sshd`. Needs root, who alone can see who has a password or a
//! key, and changes nothing.

use std::time::SystemTime;

use pam_authy::store::config::{Config, Fallback};
use serde_json::{Value, json};

use super::{doctor, load_all_people};
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::{Output, shorten, shown_name, table};

/// The service whose `enroll_by` is shown.
const RULES_OF: &str = "sshd";

pub(crate) fn list(global: &Global) -> Result<Output, CommandError> {
    // Without a configuration nothing is exempt, and each factor counts as one.
    let config = if global.config.exists() {
        Some(Config::load(&global.config)?)
    } else {
        None
    };
    let found = doctor::missing(global, config.as_ref(), &mut load_all_people(global)?);
    let rows: Vec<_> = (found.accounts.iter())
        .map(|account| {
            vec![
                shown_name(&account.user),
                ways(account.password, account.key),
                account.reason.clone(),
            ]
        })
        .collect();
    let accounts: Vec<_> = (found.accounts.iter())
        .map(|account| {
            json!({
                "user": account.user,
                "password": account.password,
                "key": account.key,
                "reason": account.reason,
            })
        })
        .collect();
    let mut lines = table(&rows);
    let mut members = json!({"missing": accounts});
    lines.push(summary(accounts.len(), config.as_ref(), &mut members));
    let unknown = (!found.unknown.is_empty())
        .then(|| format!("cannot tell {}", found.unknown.join("; cannot tell ")));
    Ok(Output {
        warning: unknown,
        ..Output::new(lines, members)
    })
}

/// Says who is refused from now on, after a service was protected; `None` where it is no one or that
/// cannot be told.
pub(crate) fn refused_now(global: &Global) -> Option<String> {
    let config = Config::load(&global.config).ok()?;
    let rules = config.login(RULES_OF);
    let has_time = (rules.enroll_by).is_some_and(|day| !day.is_over(SystemTime::now()));
    if rules.unenrolled == Fallback::Ignore || has_time {
        return None;
    }
    let mut people = load_all_people(global).ok()?;
    let found = doctor::missing(global, Some(&config), &mut people).accounts;
    let names: Vec<_> = found.iter().map(|one| shown_name(&one.user)).collect();
    let verb = if names.len() == 1 { "has" } else { "have" };
    (!names.is_empty()).then(|| {
        format!(
            "{} {verb} no factor, and cannot log in from now on: authyctl list --missing",
            shorten(&names)
        )
    })
}

/// What an account can log in with.
fn ways(password: Option<bool>, key: Option<bool>) -> String {
    let way = |name: &str, has: Option<bool>| match has {
        Some(true) => Some(name.to_owned()),
        Some(false) => None,
        None => Some(format!("{name}?")),
    };
    let ways: Vec<_> = [way("password", password), way("key", key)]
        .into_iter()
        .flatten()
        .collect();
    ways.join(" ")
}

/// How many accounts there are, and what the rules mean for them.
fn summary(count: usize, config: Option<&Config>, members: &mut Value) -> String {
    let now = SystemTime::now();
    let rules = config.map(|config| config.login(RULES_OF));
    if let Some(day) = rules.as_ref().and_then(|rules| rules.enroll_by) {
        members["enroll_by"] = json!(day.to_string());
        members["days_left"] = json!(day.days_left(now));
    }
    let accounts = match count {
        0 => return "every account that can log in has a factor".to_owned(),
        1 => "1 account has no factor".to_owned(),
        count => format!("{count} accounts have no factor"),
    };
    let Some(rules) = rules else {
        return accounts;
    };
    match (rules.unenrolled, rules.enroll_by) {
        (Fallback::Ignore, _) => {
            format!("{accounts}; none is needed: unenrolled = \"ignore\" is set")
        }
        (Fallback::Deny, Some(day)) if !day.is_over(now) => {
            let days = day.days_left(now);
            format!("{accounts}; without one they can log in until {day} (UTC; days left: {days})")
        }
        (Fallback::Deny, _) => format!("{accounts}: the module refuses them"),
    }
}
