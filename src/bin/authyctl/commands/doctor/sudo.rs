//! sudo: what its settings do to a second prompt, the users that it does not ask, and its services.

use std::process::Command;

use pam_authy::store::config::Config;

use super::stack::lets_in;
use super::{Finding, Protected};
use crate::commands::program;
use crate::commands::stack::Files;
use crate::commands::sudoers::{Setting, Sudoers};

const CHECK: &str = "sudo";
const SUDO: &str = "/usr/bin/sudo";
/// The service that libpam takes for one that has no stack.
const OTHER: &str = "other";
/// How many tries sudo may allow in one call before that is a warning.
const TRIES_LIMIT: u32 = 5;
/// Settings with which sudo asks for another user's password than its caller's, and the name of
/// that user.
const OF_OTHERS: [(&str, &str); 3] = [
    ("targetpw", "the target user"),
    ("rootpw", "root"),
    ("runaspw", "the user of runas_default"),
];
/// Settings that name another service than sudo, and when it is used.
const SERVICES: [(&str, &str); 3] = [
    ("pam_service", "sudo"),
    ("pam_login_service", "sudo -i"),
    ("pam_askpass_service", "sudo -A"),
];

/// Checks sudo, when it is protected.
pub(super) fn check(
    protected: &[Protected],
    sudoers: &Sudoers,
    stacks: &Files,
    config: Option<&Config>,
) -> Vec<Finding> {
    let services = Services { protected, stacks };
    let mut findings = Vec::new();
    let named: Vec<_> = SERVICES
        .iter()
        .flat_map(|(name, _)| sudoers.settings(name))
        .collect();
    let mut values = named.iter().filter_map(|setting| setting.value.as_deref());
    let uses_us = services.require_us("sudo")
        || services.require_us("sudo-i")
        || values.any(|value| services.require_us(value));
    if !uses_us {
        return findings;
    }
    if let Some(why) = &sudoers.unknown {
        let message = format!("cannot tell what sudo asks of whom: {why}");
        findings.push(Finding::unknown(CHECK, message));
    }
    if services.require_us("sudo") && !sudoers.is_set_for_all("pam_login_service") {
        findings.extend(services.of_login());
    }
    findings.extend(other_services(sudoers, &services));
    findings.extend(unasked(sudoers, config));
    findings.extend(of_others(sudoers));
    findings.extend(prompts(sudoers, config));
    if findings.is_empty() && services.require_us("sudo") {
        // sudo asks root for nothing, whatever its settings say.
        let message = "sudo requires the second factor of every user but root";
        findings.push(Finding::ok(CHECK, message));
    }
    findings
}

/// The services of this host.
struct Services<'a> {
    protected: &'a [Protected],
    stacks: &'a Files,
}

impl Services<'_> {
    /// Returns the service with the stack that libpam uses for `service`.
    fn used<'a>(&self, service: &'a str) -> &'a str {
        match self.stacks.of_service(service) {
            Some(_) => service,
            None => OTHER,
        }
    }

    /// Whether the stack that is used for `service` has our module.
    fn require_us(&self, service: &str) -> bool {
        let used = self.used(service);
        self.protected.iter().any(|stack| stack.service == used)
    }

    /// Returns what is wrong with the stack of `sudo -i`.
    fn of_login(&self) -> Option<Finding> {
        let used = self.used("sudo-i");
        let is_wrong = !self.require_us("sudo-i")
            && (used != OTHER || has_login_service() && lets_in(self.stacks, OTHER));
        is_wrong.then(|| {
            let message = format!("`sudo -i` requires no second factor: its stack is {used}");
            Finding::problem(CHECK, message).hint("add our line to sudo-i as well")
        })
    }
}

/// Whether `sudo -i` has a service of its own, which is chosen when sudo is built.
fn has_login_service() -> bool {
    let output = program::run(Command::new(SUDO).arg("-V"));
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).contains("for login shells: sudo-i")
    })
}

/// Returns what is known of the services that settings name.
fn other_services(sudoers: &Sudoers, services: &Services<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, program) in SERVICES {
        for Setting { value, place, .. } in sudoers.settings(name) {
            let service = value.unwrap_or_default();
            if ["sudo", "sudo-i"].contains(&service.as_str()) && services.require_us(&service) {
                continue;
            }
            let used = services.used(&service);
            let says = format!("{place}: {name}={service}: `{program}` uses the stack {used}");
            findings.push(if services.require_us(&service) {
                Finding::warning(CHECK, format!("{says}, and not that of sudo"))
                    .hint("rules of [service.sudo] do not apply to it")
            } else if lets_in(services.stacks, used) {
                Finding::problem(CHECK, format!("{says}, which requires no second factor"))
                    .hint(format!("authyctl pam enable {service}"))
            } else {
                Finding::problem(CHECK, format!("{says}, which lets nobody in"))
                    .hint("name another service, or remove the setting")
            });
        }
    }
    findings
}

/// Returns a finding for the users that sudo does not ask, except those that `[exempt]` names.
fn unasked(sudoers: &Sudoers, config: Option<&Config>) -> Vec<Finding> {
    let is_exempt = |who: &str| {
        config.is_some_and(|config| {
            let groups = &config.exempt.groups;
            let group = who.strip_prefix('%');
            config.exempt.users.iter().any(|user| user == who)
                || group.is_some_and(|group| groups.iter().any(|listed| listed == group))
        })
    };
    let found = sudoers.without_password().into_iter();
    found
        .map(|(setting, who)| {
            let message = format!(
                "{}: {}: {who} is asked for nothing by sudo",
                setting.place, setting.name
            );
            if is_exempt(&who) {
                return Finding::ok(CHECK, format!("{message}, and [exempt] names it"));
            }
            Finding::warning(CHECK, message)
                .hint("sudo does not call PAM there: remove it if a code is wanted")
        })
        .collect()
}

fn of_others(sudoers: &Sudoers) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, whose) in OF_OTHERS {
        for setting in sudoers.settings(name) {
            let message = format!(
                "{}: {name}: the factor of {whose} is asked for, not that of the caller",
                setting.place
            );
            findings.push(
                Finding::warning(CHECK, message)
                    .hint("`whose = \"caller\"` in [service.sudo] asks for the caller's"),
            );
        }
    }
    findings
}

fn prompts(sudoers: &Sudoers, config: Option<&Config>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Setting { place, .. } in sudoers.settings("passprompt_override") {
        let message = format!("{place}: passprompt_override replaces our prompt with sudo's own");
        findings.push(
            Finding::warning(CHECK, message)
                .hint("remove it: the prompt does not say that a code is asked for"),
        );
    }
    let attempts = config.map_or(1, |config| config.login("sudo").attempts);
    for Setting { place, value, .. } in sudoers.settings("passwd_tries") {
        let tries: u32 = value
            .and_then(|value| value.parse().ok())
            .unwrap_or_default();
        if tries > TRIES_LIMIT {
            let codes = tries.saturating_mul(attempts);
            let message =
                format!("{place}: passwd_tries={tries} allows {codes} codes in one call of sudo");
            findings.push(Finding::warning(CHECK, message).hint("3 is sudo's default"));
        }
    }
    findings
}
