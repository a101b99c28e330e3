//! The day of `enroll_by`: who gets in by it, and who is locked out after it.

use std::path::Path;
use std::time::SystemTime;

use pam_authy::base::date::Date;
use pam_authy::store::config::{Config, Fallback};

use super::Finding;
use super::sshd::{self, MissingAccounts};
use crate::output::{shorten, shown_name};

/// The name of every finding here.
const CHECK: &str = "enroll_by";
/// The service whose rules count where none is protected yet.
const RULES_OF: &str = "sshd";

/// Compares the days of all protected services with today, and names the accounts without a factor.
pub(super) fn check(host: &sshd::Host<'_>, settings_file: Option<&Path>) -> Vec<Finding> {
    let Some(config) = host.config else {
        return Vec::new();
    };
    let services = host.protected.iter().map(|stack| stack.service.as_str());
    let mut findings: Vec<_> = (services.chain([RULES_OF]))
        .filter_map(|service| of_service(config, service))
        .collect();
    findings.sort();
    findings.dedup();
    findings.extend(lockers(config, SystemTime::now()));
    let days = host.protected.iter().filter_map(|stack| {
        let own = stack.own.config.as_ref().unwrap_or(config);
        own.login(&stack.service).enroll_by
    });
    let days = days.chain(config.login(RULES_OF).enroll_by);
    // The first one decides who is locked out first.
    if let Some(day) = days.min() {
        let missing = sshd::missing(host, settings_file);
        findings.push(of_accounts(&missing, day, SystemTime::now()));
    }
    findings
}

/// A day that has no effect, because the unenrolled pass without it.
fn of_service(config: &Config, service: &str) -> Option<Finding> {
    let rules = config.login(service);
    let has_no_effect = rules.enroll_by.is_some() && rules.unenrolled == Fallback::Ignore;
    has_no_effect.then(|| {
        let message =
            format!("{service}: enroll_by has no effect, since unenrolled = \"ignore\" is set");
        Finding::warning(CHECK, message).hint("set unenrolled to \"deny\"")
    })
}

/// The day is not for lockers, so an account that it lets in cannot unlock its screen.
fn lockers(config: &Config, now: SystemTime) -> Option<Finding> {
    let rules = config.login("locker");
    let locks_in = rules.enroll_by(now).is_some() && rules.unenrolled == Fallback::Deny;
    (config.lockers.allow && locks_in).then(|| {
        let message =
            "enroll_by is not for screen lockers: accounts without a factor cannot unlock their screen";
        Finding::warning(CHECK, message)
            .hint("set unenrolled = \"ignore\" in [service.locker] until that day")
    })
}

fn of_accounts(missing: &MissingAccounts, day: Date, now: SystemTime) -> Finding {
    let names: Vec<_> = missing
        .accounts
        .iter()
        .map(|account| shown_name(&account.user))
        .collect();
    let until = if day.is_over(now) {
        format!("enroll_by = {day} is over")
    } else {
        let days = day.days_left(now);
        format!("enroll_by = {day}, days left: {days}")
    };
    let hint = "authyctl list --missing shows all; authyctl enroll USER";
    match names.len() {
        0 if missing.unknown.is_empty() => Finding::ok(
            CHECK,
            format!("{until}; every account that can log in has a factor"),
        ),
        0 => {
            let unknown = missing.unknown.join("; ");
            Finding::unknown(CHECK, format!("{until}; cannot tell {unknown}"))
                .hint("run doctor as root")
        }
        count => {
            let who = shorten(&names);
            let accounts = if count == 1 { "account" } else { "accounts" };
            let then = match (day.is_over(now), count) {
                (true, 1) => "is",
                (true, _) => "are",
                (false, _) => "will be",
            };
            let message =
                format!("{until}; {count} {accounts} without a factor {then} refused: {who}");
            Finding::warning(CHECK, message).hint(hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::Level;
    use super::*;

    #[test]
    fn a_day_that_leaves_screens_locked_is_a_warning() {
        let allow = "[lockers]\nallow = true\n";
        let day = "[login]\nenroll_by = 2027-01-31\n";
        let ignore = "[service.locker]\nunenrolled = \"ignore\"\n";
        // 2027-01-30, 12:00 UTC.
        let now = UNIX_EPOCH + Duration::from_secs(1_801_310_400);
        let warns = |text: String, now| {
            let config = Config::parse(&text, Path::new("config.toml")).unwrap();
            lockers(&config, now).is_some()
        };
        assert!(warns(format!("{allow}{day}"), now));
        assert!(!warns(format!("{allow}{day}{ignore}"), now));
        assert!(!warns(day.to_owned(), now));
        assert!(!warns(
            format!("{allow}{day}"),
            now + Duration::from_secs(2 * 86_400)
        ));
    }

    #[test]
    fn the_accounts_without_a_factor_are_named_before_and_after_the_day() {
        let accounts = |names: &[&str]| MissingAccounts {
            accounts: (names.iter())
                .map(|name| sshd::MissingAccount {
                    user: (*name).to_owned(),
                    password: Some(true),
                    key: None,
                    reason: String::new(),
                })
                .collect(),
            unknown: Vec::new(),
        };
        let day = Date::new(2027, 1, 31).unwrap();
        // 2027-01-30, 12:00 UTC.
        let before = UNIX_EPOCH + Duration::from_secs(1_801_310_400);
        let after = before + Duration::from_secs(5 * 86_400);
        let four = of_accounts(&accounts(&["a", "b", "c", "d"]), day, before);
        assert_eq!(four.level, Level::Warning);
        assert_eq!(
            four.message,
            "enroll_by = 2027-01-31, days left: 2; 4 accounts without a factor will be refused: a, b, c and 1 more"
        );
        let one = of_accounts(&accounts(&["a"]), day, after);
        assert_eq!(
            one.message,
            "enroll_by = 2027-01-31 is over; 1 account without a factor is refused: a"
        );
        let none = of_accounts(&accounts(&[]), day, after);
        assert_eq!(none.level, Level::Ok);
        let untold = MissingAccounts {
            unknown: vec!["who has a key".to_owned()],
            ..accounts(&[])
        };
        assert_eq!(of_accounts(&untold, day, after).level, Level::Unknown);
    }
}
