//! What sshd would do for each administrator and each enrolled person, from here and from elsewhere.
//!
//! sshd itself says so: `sshd -T -C user=…,host=…,addr=…` prints the settings with every Match block
//! applied.

mod ask;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;

use ask::ask;

use nix::unistd::Uid;
use pam_authy::base::text;
use pam_authy::store::config::Config;
use pam_authy::store::users::{Entry, Mapping};

use settings::{Finding, check, keyless};

use super::people::People;
use super::{Check, Protected};

/// Where sshd is.
const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
/// The most people for whom sshd is asked; a question takes some 10 ms.
const PEOPLE_LIMIT: usize = 500;
/// Loopback, and an address that belongs to nobody (RFC 5737).
const ADDRESSES: [(&str, &str); 2] = [
    ("localhost", "127.0.0.1"),
    ("elsewhere.example", "192.0.2.1"),
];

pub(super) fn sshd(
    protected: &[Protected],
    config: Option<&Config>,
    mapping: Option<&Mapping>,
    people: &People,
    settings_file: Option<&Path>,
) -> Vec<Check> {
    // A question takes some milliseconds for each person, and nothing would come of it.
    if protected.is_empty() {
        return Vec::new();
    }
    let Some(program) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
        let uses = protected.iter().any(|stack| stack.service == "sshd");
        let missing = || Check::warning("sshd", "sshd is not installed");
        return uses.then(missing).into_iter().collect();
    };
    let names = names(people, mapping);
    let mut found: BTreeMap<Finding, Vec<String>> = BTreeMap::new();
    for name in names.iter().take(PEOPLE_LIMIT) {
        for (host, address) in ADDRESSES {
            let settings = match ask(program, name, host, address, settings_file) {
                Ok(settings) => settings,
                Err(why) => return unanswered(protected, why),
            };
            let service = settings
                .get("pamservicename")
                .map_or("sshd", String::as_str);
            let Some(stack) = protected.iter().find(|stack| stack.service == service) else {
                continue;
            };
            let deadline = config.map(|config| config.login(service).deadline.as_secs());
            let root = *name == "root";
            let is_shared =
                mapping.is_some_and(|mapping| matches!(mapping.find(name), Entry::Shared(_)));
            let mut findings = check(&settings, root, stack.has_first_factor, deadline);
            findings.extend(keyless(&settings).filter(|_| is_shared));
            for finding in findings {
                let who = format!("{} from {address}", text::sanitize_to(name, 64));
                found.entry(finding).or_default().push(who);
            }
        }
    }
    checks(protected, found, names.len())
}

/// Whom sshd is asked about: administrators first, so that a limit never leaves them out.
fn names<'a>(people: &'a People, mapping: Option<&'a Mapping>) -> Vec<&'a str> {
    let enrolled = mapping.into_iter().flat_map(Mapping::iter);
    let others = enrolled
        .map(|(name, _)| name)
        .filter(|name| !people.admins.contains(*name));
    people
        .admins
        .iter()
        .map(String::as_str)
        .chain(others)
        .collect()
}

/// What was found, each with whom it was found for, of `people` in all.
fn checks(
    protected: &[Protected],
    found: BTreeMap<Finding, Vec<String>>,
    people: usize,
) -> Vec<Check> {
    let mut checks: Vec<_> = found
        .into_iter()
        .map(|((level, message, hint), who)| {
            Check::new("sshd", level, format!("{message} ({})", shortened(&who))).hint(hint)
        })
        .collect();
    if checks.is_empty() && protected.iter().any(|stack| stack.is_sshd()) {
        checks.push(Check::ok(
            "sshd",
            "sshd asks everybody for the second factor",
        ));
    }
    if let Some(more @ 1..) = people.checked_sub(PEOPLE_LIMIT) {
        let message = format!("sshd was asked about {PEOPLE_LIMIT} people, not about {more} more");
        checks.push(
            Check::warning("sshd", message)
                .hint("look at Match blocks that name other people or groups yourself"),
        );
    }
    checks
}

/// sshd does not say what it would do: as root, since it would not do it either.
fn unanswered(protected: &[Protected], why: String) -> Vec<Check> {
    let uses = protected.iter().any(Protected::is_sshd);
    let check = || {
        if Uid::effective().is_root() {
            Check::problem("sshd", why).hint("`sshd -t` must say nothing before sshd is reloaded")
        } else {
            Check::warning("sshd", why).hint("run doctor as root")
        }
    };
    uses.then(check).into_iter().collect()
}

/// The first few, and how many more.
fn shortened(who: &[String]) -> String {
    const SHOWN: usize = 3;
    let first: Vec<_> = who.iter().take(SHOWN).map(String::as_str).collect();
    match who.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
