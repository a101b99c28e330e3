//! `limits`, `unlock`, `forget`: the counts and the remembered logins in the state folder.

use std::time::{Duration, SystemTime};

use pam_authy::engine::shared_words;
use pam_authy::store::config::Config;
use pam_authy::store::limits::{self, Listing, Row};
use pam_authy::store::recovery::{self, Left};
use pam_authy::store::remember;
use serde_json::{Value, json};

use super::find;
use crate::cli::{Global, UserArg};
use crate::error::CommandError;
use crate::output::{Output, shown_name, table};

pub(crate) fn limits(global: &Global) -> Result<Output, CommandError> {
    let config = Config::load(&global.config)?;
    let listing = limits::list(&config.paths.state, &config.limits, SystemTime::now())?;
    let strangers = listing.strangers.len();
    let paused = (listing.strangers.iter().filter(|row| row.pause.is_some())).count();
    let mut lines = rows(&listing);
    if strangers > 0 {
        lines.push(format!(
            "names that are not enrolled: {strangers}, paused: {paused}"
        ));
    }
    if lines.is_empty() {
        lines.push("nothing is counted".to_owned());
    }
    let members = json!({
        "users": listing.users.iter().map(|row| object("user", row)).collect::<Vec<_>>(),
        "addresses": listing.addresses.iter().map(|row| object("address", row)).collect::<Vec<_>>(),
        "lockers": listing.lockers.iter().map(|row| object("user", row)).collect::<Vec<_>>(),
        "strangers": strangers,
        "strangers_paused": paused,
    });
    let output = Output::new(lines, members.clone());
    match listing.errors.into_iter().next() {
        None => Ok(output),
        Some(error) => Err(CommandError::from(error)
            .hint("authyctl doctor says which user that is, and how to fix it")
            .with_members(members)
            .after(output)),
    }
}

pub(crate) fn unlock(global: &Global, args: &UserArg) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    let state = Config::load(&global.config)?.paths.state;
    // Without a mapping nothing is known of the user's factors.
    let found = find(global, user);
    let factors = found.map_or_else(|_| Vec::new(), |(found, _)| found.entry.stored_ids());
    let now = SystemTime::now();
    let changed = limits::unlock(&state, user, &factors, shared_words::map, now)?;
    let shown = shown_name(user);
    let line = if changed {
        format!("the counts of {shown} were reset")
    } else {
        format!("nothing was counted for {shown}")
    };
    Ok(Output::new(
        vec![line],
        json!({"user": user, "changed": changed}),
    ))
}

pub(crate) fn forget(global: &Global, args: &UserArg) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    let state = Config::load(&global.config)?.paths.state;
    let changed = remember::forget(&state, user)?;
    let shown = shown_name(user);
    let line = if changed {
        format!("the remembered logins of {shown} were removed")
    } else {
        format!("no login of {shown} is remembered")
    };
    Ok(Output::new(
        vec![line],
        json!({"user": user, "changed": changed}),
    ))
}

/// Returns a line for each count that matters to the next login of a user, for `explain`.
pub(super) fn describe(config: &Config, user: &str, factors: &[String]) -> Vec<String> {
    let state = &config.paths.state;
    let mut lines = Vec::new();
    match limits::of_user(state, &config.limits, user, factors, SystemTime::now()) {
        Ok(None) => {}
        Ok(Some(row)) => {
            let user = shown_name(user);
            lines.extend(row.pause.map(|pause| {
                let seconds = pause.as_secs();
                format!("no code is accepted for {seconds} s, after too many refused ones (authyctl unlock {user})")
            }));
            lines.extend(row.push_pause.map(|pause| {
                let seconds = pause.as_secs();
                format!(
                    "no push is sent for {seconds} s, after one was denied (authyctl unlock {user})"
                )
            }));
            lines.extend(row.app_pause.map(|pause| {
                let seconds = pause.as_secs();
                format!(
                    "no code is checked on this host for {seconds} s, after too many refused ones within a day \
                     (authyctl unlock {user})"
                )
            }));
        }
        Err(error) => lines.push(format!("its counts cannot be read: {error}")),
    }
    match recovery::left(state, user, factors) {
        Ok(Left::Of(left)) => lines.push(format!("{left} recovery codes are left")),
        Ok(Left::Never) => {}
        Err(error) => lines.push(format!("its recovery codes cannot be read: {error}")),
    }
    lines
}

/// Returns the table with its heading; nothing when it would be empty.
fn rows(listing: &Listing) -> Vec<String> {
    let users = listing.users.iter().map(|row| cells("user", row));
    let addresses = listing.addresses.iter().map(|row| cells("address", row));
    let lockers = listing.lockers.iter().map(|row| cells("locker of", row));
    let mut rows: Vec<_> = users.chain(addresses).chain(lockers).collect();
    if !rows.is_empty() {
        let heads = ["", "", "sms", "calls", "pushes", "refused", "pause"];
        rows.insert(0, heads.map(str::to_owned).to_vec());
    }
    table(&rows)
}

fn cells(kind: &str, row: &Row) -> Vec<String> {
    vec![
        kind.to_owned(),
        shown_name(&row.who),
        row.sms.to_string(),
        row.calls.to_string(),
        row.pushes.to_string(),
        row.refused.to_string(),
        row.pause
            .map_or_else(String::new, |pause| format!("{} s", pause.as_secs())),
    ]
}

fn object(kind: &str, row: &Row) -> Value {
    json!({
        kind: row.who,
        "sms": row.sms,
        "calls": row.calls,
        "pushes": row.pushes,
        "refused": row.refused,
        "pause_seconds": row.pause.as_ref().map_or(0, Duration::as_secs),
        "app_pause_seconds": row.app_pause.as_ref().map_or(0, Duration::as_secs),
    })
}
