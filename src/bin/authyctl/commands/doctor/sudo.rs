//! sudo: what its settings do to a second prompt, and its two services.

use pam_authy::store::config::Config;

use super::sudoers::Sudoers;
use super::{Finding, Protected};
use crate::commands::stack::Files;

/// How many tries sudo may allow in one call before that is a warning.
const TRIES_LIMIT: u32 = 5;

/// Checks sudo, when it is protected.
pub(super) fn check(
    protected: &[Protected],
    sudoers: &Sudoers,
    files: &Files,
    config: Option<&Config>,
) -> Vec<Finding> {
    let is_protected = |service: &str| protected.iter().any(|p| p.service == service);
    let mut findings = Vec::new();
    match (is_protected("sudo"), is_protected("sudo-i")) {
        (false, false) => return findings,
        (true, false) if files.of_service("sudo-i").is_some() => findings.push(
            Finding::problem(
                "sudo",
                "`sudo -i` requires no second factor: its stack is sudo-i",
            )
            .hint("add our line to sudo-i as well"),
        ),
        _ => {}
    }
    for place in sudoers.prompt_overrides() {
        let message = format!("{place}: passprompt_override replaces our prompt with sudo's own");
        findings.push(
            Finding::warning("sudo", message)
                .hint("remove it: the prompt does not say that a code is asked for"),
        );
    }
    let attempts = config.map_or(1, |config| config.login("sudo").attempts);
    for (place, tries) in sudoers.tries() {
        if tries > TRIES_LIMIT {
            let codes = tries.saturating_mul(attempts);
            let message =
                format!("{place}: passwd_tries={tries} allows {codes} codes in one call of sudo");
            findings.push(Finding::warning("sudo", message).hint("3 is sudo's default"));
        }
    }
    findings
}
