//! Rules that let somebody log in without the factor: exemptions, nullok, `unenrolled`, `when_unavailable`.

use pam_authy::store::config::{Config, Fallback, Login};

use super::stack::Module;
use super::{Check, Level};

/// To whom a login passes without a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lenient {
    Unenrolled,
    Outage,
}

/// What makes the factor optional in a service, with a line about each.
pub(super) fn leniencies(
    service: &str,
    ours: &[&Module],
    rules: Option<&Login>,
) -> Vec<(Lenient, Check)> {
    let name = format!("pam {service}");
    let mut found = Vec::new();
    let says = |what: Option<Fallback>| what == Some(Fallback::Ignore);
    if let Some(module) = ours.iter().find(|module| module.has("nullok")) {
        let message = format!(
            "{}: nullok makes the factor optional: who is not enrolled passes without one",
            module.place
        );
        let check = Check::warning(&name, message).hint("take it out when all are enrolled");
        found.push((Lenient::Unenrolled, check));
    } else if says(rules.map(|rules| rules.unenrolled)) {
        let message = format!(
            "{service}: unenrolled = \"ignore\" makes the factor optional: who is not enrolled passes without one"
        );
        let check = Check::warning(&name, message).hint("set it to \"deny\" when all are enrolled");
        found.push((Lenient::Unenrolled, check));
    }
    if says(rules.map(|rules| rules.when_unavailable)) {
        let message = format!(
            "{service}: when_unavailable = \"ignore\": while Authy cannot be asked, nobody needs a factor"
        );
        let hint = "whoever can cut this host off from Authy switches the factor off";
        found.push((Lenient::Outage, Check::warning(&name, message).hint(hint)));
    }
    found
}

/// Whether our module may answer ignore in `service` for an exemption, with a line about it.
pub(super) fn exempts(config: &Config, service: &str) -> Option<Check> {
    let exempt = &config.exempt;
    let name = format!("pam {service}");
    if exempt.services.iter().any(|listed| listed == service) {
        let message =
            format!("{service}: exempt.services exempts everybody from the second factor here");
        let check = Check::new(&name, Level::Warning, message);
        return Some(check.hint("take our line out of its stack, or the service out of the list"));
    }
    let some = !(exempt.users.is_empty() && exempt.groups.is_empty() && exempt.networks.is_empty());
    some.then(|| {
        let message = format!("{service}: a rule of [exempt] lets some pass without a factor");
        Check::ok(&name, message)
    })
}
