//! Apps that people have enrolled at the prompt: whether enrolled.toml can be read, which apps do
//! not count yet, which never will, and whether sshd can offer one at all.

use std::path::Path;

use pam_authy::base::factor::Factor;
use pam_authy::login::OFFER_TIME;
use pam_authy::store::config::{Config, EnrollTotp, Login, Notices};
use pam_authy::store::totp::{self, Secrets, enrolled};
use pam_authy::store::users::Mapping;

use super::{Finding, files};
use crate::commands::totp::at_prompt::{AtPrompt, Row, Standing};
use crate::output::shown_name;

const CHECK: &str = "enrolled";

/// Checks the file in the state folder of the configuration, for the mapping at `users`; returns
/// nothing where there is none.
pub(super) fn check(users: &Path, config: &Config, mapping: Option<&Mapping>) -> Vec<Finding> {
    let path = enrolled::path(&config.paths.state);
    let at_prompt = match AtPrompt::of(config) {
        Ok(Some(at_prompt)) => at_prompt,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let problem = || {
                let hint = "no app that was enrolled at the prompt counts until this is fixed";
                Finding::problem(CHECK, error.message.clone()).hint(hint)
            };
            return vec![files::hidden(CHECK, &path).unwrap_or_else(problem)];
        }
    };
    let invalid = at_prompt.invalid().map(|(user, line, why)| {
        let hint = format!("authyctl totp remove {}", shown_name(user));
        Finding::problem(CHECK, format!("{}:{line}: {why}", path.display())).hint(hint)
    });
    let mut findings: Vec<_> = invalid.collect();
    if let Some(mapping) = mapping {
        // One that cannot be read is a finding of its own.
        let own = Secrets::load(&totp::path(users)).ok();
        let rows = at_prompt.rows(mapping, own.as_ref());
        findings.extend(rows.values().filter_map(of_row));
    }
    if findings.is_empty() {
        let message = format!(
            "{}: every app that was enrolled at the prompt counts",
            path.display()
        );
        findings.push(Finding::ok(CHECK, message));
    }
    findings
}

fn of_row(row: &Row<'_>) -> Option<Finding> {
    let user = shown_name(row.user);
    let hint = match row.standing {
        Standing::Counts => return None,
        Standing::Held => format!(
            "ask {user} whether it is theirs, over another way than this host; if not: authyctl totp remove {user}"
        ),
        Standing::Unused => format!("authyctl totp remove {user}"),
    };
    let message = format!("{user} has an app: {}", row.text());
    Some(Finding::warning(CHECK, message).hint(hint))
}

/// Returns a warning where the table of a service that is none of sshd's wants to offer an app.
pub(super) fn elsewhere(service: &str, config: &Config) -> Option<Finding> {
    let wants = config.login(service).enroll_totp == EnrollTotp::Offer;
    (wants && config.is_set_by_service(service, "enroll_totp")).then(|| {
        let message =
            format!("{service}: enroll_totp = \"offer\" has no effect: sshd alone offers an app");
        let hint = "set it in [login] or in [service.sshd]";
        Finding::warning(&format!("pam {service}"), message).hint(hint)
    })
}

/// Returns a warning where an app that a service of sshd offers counts at once.
pub(super) fn without_hold(service: &str, rules: &Login) -> Option<Finding> {
    let counts_at_once = rules.enroll_totp == EnrollTotp::Offer && rules.enroll_hold.is_zero();
    counts_at_once.then(|| {
        let message = format!(
            "{service}: enroll_hold_seconds = 0: an app counts at once, also one that a thief adds with the \
             password and one code"
        );
        let hint = "leave it unset: a day, in which each login names the app";
        Finding::warning(&format!("pam {service}"), message).hint(hint)
    })
}

/// Returns a warning where the rules of a service, one of sshd's, want to offer an app and never
/// can.
pub(super) fn offer(service: &str, rules: &Login) -> Option<Finding> {
    if rules.enroll_totp != EnrollTotp::Offer {
        return None;
    }
    let deadline = rules.deadline.as_secs();
    let needed = OFFER_TIME.as_secs();
    let (why, hint) = if rules.token_in_password {
        (
            "token_in_password has no second prompt".to_owned(),
            "set one of the two",
        )
    } else if rules.notices() != Notices::Message {
        (
            "notices is not \"message\"".to_owned(),
            "set notices = \"message\"",
        )
    } else if !rules.factors.contains(&Factor::Token) {
        (
            "factors has no \"token\"".to_owned(),
            "add \"token\" to factors",
        )
    } else if deadline < needed + 30 {
        (
            format!("an offer needs {needed} s, and a login has {deadline} s in all"),
            "raise deadline_seconds to 180, and LoginGraceTime of sshd with it",
        )
    } else {
        return None;
    };
    let message = format!("{service}: enroll_totp = \"offer\" may have no effect: {why}");
    Some(Finding::warning(&format!("pam {service}"), message).hint(hint))
}
