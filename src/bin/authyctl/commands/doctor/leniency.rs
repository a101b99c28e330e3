//! Rules that make the second factor optional in a service: exemptions, `unenrolled`, `nullok`,
//! `enroll_by` and `when_unavailable`. Where one of them applies, our module may answer `ignore`.
//! Also services whose SSH keys count, or do not, by mistake.

use pam_authy::base::date::Date;
use pam_authy::store::config::{Config, Fallback, Login};

use super::Finding;
use crate::commands::stack::Handler;

/// Returns a finding when `[exempt]` lets users of `service` log in without the factor.
pub(super) fn exemption(config: &Config, service: &str) -> Option<Finding> {
    let exempt = &config.exempt;
    let check = format!("pam {service}");
    if exempt.services.iter().any(|listed| listed == service) {
        let message =
            format!("{service}: exempt.services exempts all its users from the second factor");
        return Some(
            Finding::warning(&check, message)
                .hint("remove our line from its stack, or the service from the list"),
        );
    }
    let some = !(exempt.users.is_empty() && exempt.groups.is_empty() && exempt.networks.is_empty());
    some.then(|| {
        let message =
            format!("{service}: a rule in [exempt] lets some users log in without the factor");
        Finding::ok(&check, message)
    })
}

/// Returns a finding when users who are not enrolled log in to `service` without the factor:
/// because of `nullok` on one of `our_lines`, or of `unenrolled`.
pub(super) fn unenrolled(
    service: &str,
    our_lines: &[&Handler],
    rules: Option<&Login>,
) -> Option<Finding> {
    let check = format!("pam {service}");
    let meaning = "makes the factor optional: users who are not enrolled log in without it";
    let has = |line: &Handler, argument: &str| line.module().is_some_and(|m| m.has(argument));
    if let Some(line) = our_lines.iter().find(|line| has(line, "nullok")) {
        let message = format!("{}: nullok {meaning}", line.place);
        return Some(
            Finding::warning(&check, message).hint("remove it when every user is enrolled"),
        );
    }
    let ignores = rules.is_some_and(|rules| rules.unenrolled == Fallback::Ignore);
    ignores.then(|| {
        let message = format!("{service}: unenrolled = \"ignore\" {meaning}");
        Finding::warning(&check, message).hint("set it to \"deny\" when every user is enrolled")
    })
}

/// Returns the finding for a service whose unenrolled accounts log in without the factor until
/// `day`.
pub(super) fn enroll_by(service: &str, day: Date) -> Finding {
    let message = format!(
        "{service}: enroll_by lets accounts that were never enrolled log in without the factor until {day}"
    );
    Finding::warning(&format!("pam {service}"), message)
        .hint("authyctl list --missing shows who they are")
}

/// Returns a finding where a service is one of sshd and login.ssh_services does not say so, or the
/// other way round.
pub(super) fn of_ssh(service: &str, rules: &Login, is_of_sshd: bool) -> Option<Finding> {
    let is_named = rules.ssh_services.iter().any(|named| named == service);
    let message = match (is_of_sshd, is_named) {
        (true, false) => format!(
            "{service}: sshd uses it, and login.ssh_services does not name it: no SSH key counts there"
        ),
        (false, true) => format!(
            "{service}: login.ssh_services names it, but sshd does not use it: the SSH keys that count there may be forged"
        ),
        _ => return None,
    };
    let hint = "list the services of sshd in login.ssh_services, and no others";
    Some(Finding::warning(&format!("pam {service}"), message).hint(hint))
}

/// Services whose application root runs, so that a local user cannot limit its process.
const OF_ROOT: [&str; 11] = [
    "sshd",
    "login",
    "remote",
    "gdm-password",
    "gdm-smartcard",
    "gdm-fingerprint",
    "lightdm",
    "sddm",
    "xdm",
    "lxdm",
    "greetd",
];

/// Returns a finding when logins to `service` need no factor while the provider is unavailable.
pub(super) fn outage(service: &str, config: &Config) -> Option<Finding> {
    if config.login(service).when_unavailable != Fallback::Ignore {
        return None;
    }
    let check = format!("pam {service}");
    let says = format!("{service}: when_unavailable = \"ignore\"");
    let set_by_service = config.is_set_by_service(service, "when_unavailable");
    Some(if set_by_service && !OF_ROOT.contains(&service) {
        let message = format!(
            "{says}: any local user may be able to make the provider unavailable, and then needs no factor"
        );
        Finding::warning(&check, message)
            .hint("set it in [login] instead: there it holds only where root runs the application")
    } else {
        let message = format!("{says}: no factor is required while the provider is unavailable");
        Finding::warning(&check, message)
            .hint("anyone who can cut this host off from the provider can switch the factor off")
    })
}
