//! The figures of the state folder: limits, pauses and verdicts.

use std::time::SystemTime;

use pam_authy::store::config::{self, Config};
use pam_authy::store::limits::{self, Row};
use pam_authy::store::verdicts;

use super::text::Text;
use crate::error::CommandError;

/// What the state folder has: counts of limits, pauses, verdicts.
pub(super) fn add(text: &mut Text, errors: &mut Vec<CommandError>, config: &Config) {
    let state = &config.paths.state;
    let limits = limits::list(state, &config.limits, SystemTime::now());
    let verdicts = verdicts::list(state);
    let mut unreadable = Vec::new();
    match limits {
        Ok(listing) => {
            paused(text, &listing);
            limits_used(text, &config.limits, &listing);
            unreadable.extend(listing.errors);
        }
        Err(error) => unreadable.push(error),
    }
    match verdicts {
        Ok(listing) => {
            count(text, listing.counts);
            unreadable.extend(listing.errors);
        }
        Err(error) => unreadable.push(error),
    }
    text.gauge(
        "state_unreadable_files",
        "Files of counts and verdicts that cannot be used; who is counted there is refused.",
        unreadable.len() as u64,
    );
    errors.extend(unreadable.into_iter().map(CommandError::from));
}

fn paused(text: &mut Text, listing: &limits::Listing) {
    let users = |is_paused: fn(&Row) -> bool| {
        let users = listing.users.iter();
        users.filter(|row| is_paused(row)).count() as u64
    };
    let strangers = (listing.strangers.iter()).filter(|row| row.pause.is_some());
    let lockers = listing.lockers.iter().filter(|row| row.pause.is_some());
    let samples = [
        ("codes", users(|row| row.pause.is_some())),
        ("pushes", users(|row| row.push_pause.is_some())),
        ("app", users(|row| row.app_pause.is_some())),
        ("locker", lockers.count() as u64),
        ("unenrolled", strangers.count() as u64),
    ];
    let samples = samples.map(|(what, number)| (vec![("what", what)], number));
    let help =
        "Users who are paused after refused codes or denied pushes, by what they cannot use.";
    text.gauges("paused_users", help, &samples);
}

/// The limits of an hour, and how much of each is used up by who has used most.
fn limits_used(text: &mut Text, rules: &config::Limits, listing: &limits::Listing) {
    let most = |rows: &[Row], of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0) as u64;
    let (users, addresses) = (&listing.users, &listing.addresses);
    let host = listing.host.as_ref().map_or(0, |row| row.sms as u64);
    let (user, address) = (rules.per_user, rules.per_address);
    let rows = [
        ("sms_per_user", most(users, |row| row.sms), user.sms),
        ("calls_per_user", most(users, |row| row.calls), user.calls),
        (
            "pushes_per_user",
            most(users, |row| row.pushes),
            user.pushes,
        ),
        (
            "sms_per_address",
            most(addresses, |row| row.sms),
            address.sms,
        ),
        (
            "calls_per_address",
            most(addresses, |row| row.calls),
            address.calls,
        ),
        (
            "pushes_per_address",
            most(addresses, |row| row.pushes),
            address.pushes,
        ),
        ("sms_per_host", host, rules.sms_per_host),
    ];
    let used = rows.map(|(limit, used, _)| (vec![("limit", limit)], used));
    let set = rows.map(|(limit, _, set)| (vec![("limit", limit)], set.into()));
    let help = "Sent within the last hour by the user or address that has used most of a limit.";
    text.gauges("limit_used", help, &used);
    text.gauges("limit_set", "The limits of one hour in config.toml.", &set);
}

fn count(text: &mut Text, mut counts: Vec<verdicts::Count>) {
    counts.sort_by(|one, other| {
        let key = |count: &verdicts::Count| (count.verdict, count.reason, count.factor);
        (&one.service, key(one)).cmp(&(&other.service, key(other)))
    });
    let samples: Vec<_> = (counts.iter())
        .map(|count| {
            let labels = vec![
                ("service", count.service.as_str()),
                ("verdict", count.verdict),
                ("reason", count.reason),
                ("factor", count.factor.unwrap_or("none")),
            ];
            (labels, count.number)
        })
        .collect();
    let help = "Audit lines of this host, each refused code and the end of each login.";
    text.counters("verdicts_total", help, &samples);
}
