//! What a person may type at a login, and what else may let them in.

use std::path::Path;

use pam_authy::base::attempt::Factor;
use pam_authy::store::config::{Config, Fallback, Login, SendMode, Subject};

use super::place;

/// What may be typed, and what else may let the person in.
pub(super) fn asked(config: &Config, file: &Path, rules: &Login, service: &str) -> Vec<String> {
    let factors: Vec<_> = rules
        .factors
        .iter()
        .filter_map(|factor| offered(*factor, rules))
        .collect();
    let replies = match rules.attempts {
        _ if rules.token_in_password => "1 reply".to_owned(),
        1 => "1 reply".to_owned(),
        count => format!("{count} replies"),
    };
    let mut lines = vec![format!(
        "{replies} within {} s: {}",
        rules.deadline.as_secs(),
        factors.join(", ")
    )];
    if rules.token_in_password {
        lines.push("the token stands behind the password, in one reply".to_owned());
    }
    if rules.push_code && rules.push != SendMode::Never && rules.factors.contains(&Factor::Push) {
        lines.push("the push shows a code, which is asked for after the approval".to_owned());
    }
    if rules.whose == Subject::Caller {
        lines.push(
            "whose = \"caller\": so it is where this user calls, and not the target".to_owned(),
        );
    }
    if config.remember.applies_to(service) {
        let seconds = config.remember.time.as_secs();
        lines.push(format!(
            "a proof is remembered for {seconds} s for the same login"
        ));
    }
    if config.recovery.applies_to(service) {
        lines.push("recovery codes are taken, where the person has some".to_owned());
    }
    if rules.when_unavailable == Fallback::Ignore {
        let line = config.line(service, "when_unavailable");
        lines.push(format!(
            "while Authy cannot be asked, when_unavailable = \"ignore\" lets the login pass ({})",
            place(file, line)
        ));
    }
    lines
}

/// A factor, and when it comes; nothing where it never does.
fn offered(factor: Factor, rules: &Login) -> Option<String> {
    let when = match factor {
        Factor::Token | Factor::Recovery => return Some(factor.as_str().to_owned()),
        Factor::Push => rules.push,
        Factor::Sms => rules.sms,
        Factor::Call => SendMode::OnRequest,
    };
    match when {
        SendMode::Auto => Some(format!("{} at once", factor.as_str())),
        SendMode::OnRequest => Some(format!("{} when typed", factor.as_str())),
        SendMode::Never => None,
    }
}
