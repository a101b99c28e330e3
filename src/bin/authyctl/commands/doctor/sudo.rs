//! What sudo does on this host with a second prompt.

use std::path::Path;

use pam_authy::store::config::Config;

use super::sudoers::Sudoers;
use super::{Check, Protected};

/// Tokens that somebody may try in one call of sudo before it is worth a word.
const TRIES_LIMIT: u32 = 5;

/// sudo's own settings that matter to a second prompt, and its two services.
pub(super) fn sudo(
    protected: &[Protected],
    sudoers: &Sudoers,
    pam_dir: &Path,
    config: Option<&Config>,
) -> Vec<Check> {
    let is_protected = |service: &str| protected.iter().any(|p| p.service == service);
    let mut checks = Vec::new();
    match (is_protected("sudo"), is_protected("sudo-i")) {
        (false, false) => return checks,
        (true, false) if pam_dir.join("sudo-i").exists() => checks.push(
            Check::problem(
                "sudo",
                "`sudo -i` asks no second factor: its stack is sudo-i",
            )
            .hint("put our line into sudo-i as well"),
        ),
        _ => {}
    }
    for place in sudoers.prompt_overrides() {
        let message =
            format!("{place}: passprompt_override puts sudo's own prompt in the place of ours");
        checks.push(
            Check::warning("sudo", message)
                .hint("take it out: the person would not know that the token is asked for"),
        );
    }
    for (place, tries) in sudoers.tries() {
        if tries > TRIES_LIMIT {
            let attempts = config.map_or(1, |config| config.login("sudo").attempts);
            let all = tries.saturating_mul(attempts);
            let message = format!(
                "{place}: passwd_tries={tries} lets somebody try {all} tokens in one call of sudo"
            );
            checks.push(Check::warning("sudo", message).hint("3 is sudo's default"));
        }
    }
    checks
}
