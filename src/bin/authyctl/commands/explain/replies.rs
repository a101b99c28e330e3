//! What a user may type at a login, and what else may let the login succeed.

use std::path::Path;

use pam_authy::base::factor::Factor;
use pam_authy::login::policy::{OnOutage, OutageQuery};
use pam_authy::store::config::{Config, Login, RememberBy, SendMode, Subject};

use super::place;

/// Returns one line for each rule that applies to the replies of a login to `service`. `file` is
/// the path of `config`; `has_totp` says whether the person has an app on this host.
pub(super) fn describe(
    config: &Config,
    file: &Path,
    rules: &Login,
    service: &str,
    has_totp: bool,
) -> Vec<String> {
    let mut lines = vec![factors(rules)];
    if rules.token_in_password {
        lines.push("the code is typed after the password, in one reply".to_owned());
    }
    if rules.push_code && rules.push != SendMode::Never && rules.factors.contains(&Factor::Push) {
        lines.push("the push shows a code, which is asked for after the approval".to_owned());
    }
    if rules.whose == Subject::Caller {
        let line = "whose = \"caller\": this applies where the user is the caller, not the target";
        lines.push(line.to_owned());
    }
    if config.remember.applies_to(service) {
        let seconds = config.remember.time.as_secs();
        let by = match config.remember.by {
            RememberBy::Login => "",
            RememberBy::Key => ", from another host only for one with an SSH key",
        };
        lines.push(format!(
            "an accepted factor is remembered for {seconds} s for the same login{by}"
        ));
    }
    if config.recovery.applies_to(service) {
        lines.push("recovery codes are accepted, if the person has some".to_owned());
    }
    if let Some(outage) = outage(config, rules, service, has_totp) {
        let line = config.line(service, "when_unavailable");
        lines.push(format!("{outage} ({})", place(file, line)));
    }
    lines
}

/// Returns where an outage lets a login to `service` succeed, by the function that a login uses;
/// `None` if nowhere.
fn outage(config: &Config, rules: &Login, service: &str, has_totp: bool) -> Option<String> {
    let ignores = |real_uid| {
        let query = OutageQuery {
            service,
            when_unavailable: rules.when_unavailable,
            set_by_service: config.is_set_by_service(service, "when_unavailable"),
            real_uid,
            only_loopback: false,
            has_totp,
        };
        query.on_outage() == OnOutage::Ignore
    };
    let says =
        "while the provider is unavailable, when_unavailable = \"ignore\" lets the login succeed";
    // One uid is enough: all but root's are treated alike.
    match (ignores(0), ignores(u32::MAX)) {
        (false, _) => None,
        (true, true) => Some(format!("{says}, whoever runs the application")),
        (true, false) => Some(format!(
            "{says} where root runs the application (real uid 0), and refuses it where a user does, as in \
             su and sudo: for them [service.{service}] must say it"
        )),
    }
}

/// Returns how many replies a login has, how long it may take, and the factors that it offers.
fn factors(rules: &Login) -> String {
    let factors: Vec<_> = rules
        .factors
        .iter()
        .filter_map(|factor| offer(*factor, rules))
        .collect();
    let replies = match rules.attempts {
        _ if rules.token_in_password => "1 reply".to_owned(),
        1 => "1 reply".to_owned(),
        count => format!("{count} replies"),
    };
    if factors.is_empty() {
        return "no factor of login.factors can be used here: every login is refused".to_owned();
    }
    format!(
        "{replies} within {} s: {}",
        rules.deadline.as_secs(),
        factors.join(", ")
    )
}

/// Returns a factor and when it is offered; `None` if it never is.
fn offer(factor: Factor, rules: &Login) -> Option<String> {
    let when = match factor {
        Factor::Token | Factor::Recovery => return Some(factor.as_str().to_owned()),
        Factor::SecurityKey => return Some("a security key, without a question".to_owned()),
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
