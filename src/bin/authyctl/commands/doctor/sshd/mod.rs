//! What sshd would do for each administrator and each enrolled user, from this host and from
//! elsewhere.
//!
//! sshd itself answers: `ask` has it print the settings of one connection with every Match block
//! applied, and `settings` checks them.

mod ask;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;

use nix::unistd::Uid;
use pam_authy::store::config::Config;
use pam_authy::store::users::{Entry, Mapping};

use self::ask::Connection;
use self::settings::Login;
use super::{Administrators, Finding, Protected};
use crate::output::shown_name;

/// Where sshd is.
const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
/// The largest number of users about whom sshd is asked; each question takes some 10 ms.
const USER_LIMIT: usize = 500;
/// Loopback, and an address that is reserved for documentation (RFC 5737).
const ADDRESSES: [(&str, &str); 2] = [
    ("localhost", "127.0.0.1"),
    ("elsewhere.example", "192.0.2.1"),
];

/// What doctor knows of this host.
pub(super) struct Host<'a> {
    pub(super) protected: &'a [Protected],
    pub(super) config: Option<&'a Config>,
    pub(super) mapping: Option<&'a Mapping>,
    pub(super) administrators: &'a Administrators,
}

/// Checks what sshd would do, with the settings in `settings_file` where that is given.
pub(super) fn check(host: &Host<'_>, settings_file: Option<&Path>) -> Vec<Finding> {
    // Asking takes some milliseconds for each user, and would find nothing.
    if host.protected.is_empty() {
        return Vec::new();
    }
    let Some(program) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
        let missing = || Finding::warning("sshd", "sshd is not installed");
        return host.protects_sshd().then(missing).into_iter().collect();
    };
    let users = host.users();
    let mut found: BTreeMap<Finding, Vec<String>> = BTreeMap::new();
    for user in users.iter().take(USER_LIMIT) {
        for (name, address) in ADDRESSES {
            let connection = Connection {
                user,
                host: name,
                address,
            };
            let findings = match ask::ask(program, &connection, settings_file) {
                Ok(settings) => host.check_login(user, &settings),
                Err(why) => return host.unanswered(why),
            };
            for finding in findings {
                let user = shown_name(user);
                let users = found.entry(finding).or_default();
                users.push(format!("{user} from {address}"));
            }
        }
    }
    host.summarize(found, users.len())
}

impl Host<'_> {
    fn protects_sshd(&self) -> bool {
        self.protected.iter().any(Protected::is_sshd)
    }

    /// Returns the users about whom sshd is asked: administrators first, so that the limit never
    /// leaves them out.
    fn users(&self) -> Vec<&str> {
        let administrators = &self.administrators.names;
        let enrolled = self.mapping.into_iter().flat_map(Mapping::iter);
        let others = enrolled
            .map(|(name, _)| name)
            .filter(|name| !administrators.contains(*name));
        let first = administrators.iter().map(String::as_str);
        first.chain(others).collect()
    }

    /// Checks the settings that apply to a login of `user`, when its PAM service is protected.
    fn check_login(&self, user: &str, settings: &ask::Settings) -> Vec<Finding> {
        let service = settings
            .get("pamservicename")
            .map_or("sshd", String::as_str);
        let Some(stack) = self.protected.iter().find(|stack| stack.service == service) else {
            return Vec::new();
        };
        let deadline = self.config.map(|config| config.login(service).deadline);
        let entry = self.mapping.map(|mapping| mapping.find(user));
        let login = Login {
            is_root: user == "root",
            is_shared: matches!(entry, Some(Entry::Shared(_))),
            has_first_factor: stack.has_first_factor,
            deadline: deadline.map(|deadline| deadline.as_secs()),
        };
        settings::check(settings, login)
    }

    /// Returns each finding once, with the users for whom it was found, of `count` users in all.
    fn summarize(&self, found: BTreeMap<Finding, Vec<String>>, count: usize) -> Vec<Finding> {
        let mut findings: Vec<_> = found
            .into_iter()
            .map(|(mut finding, users)| {
                finding.message = format!("{} ({})", finding.message, shorten(&users));
                finding
            })
            .collect();
        if findings.is_empty() && self.protects_sshd() {
            findings.push(Finding::ok(
                "sshd",
                "sshd requires the second factor of every user",
            ));
        }
        if let Some(more @ 1..) = count.checked_sub(USER_LIMIT) {
            let message =
                format!("sshd was asked about {USER_LIMIT} users, and not about {more} more");
            findings.push(
                Finding::warning("sshd", message)
                    .hint("check Match blocks for other users and groups yourself"),
            );
        }
        findings
    }

    /// sshd does not print its settings. For root that is a problem, since sshd would then not
    /// start with them either.
    fn unanswered(&self, why: String) -> Vec<Finding> {
        let finding = || {
            if Uid::effective().is_root() {
                Finding::problem("sshd", why)
                    .hint("`sshd -t` must print nothing before sshd is reloaded")
            } else {
                Finding::warning("sshd", why).hint("run doctor as root")
            }
        };
        self.protects_sshd().then(finding).into_iter().collect()
    }
}

/// Returns the first few, and how many more there are.
fn shorten(users: &[String]) -> String {
    const SHOWN: usize = 3;
    let first: Vec<_> = users.iter().take(SHOWN).map(String::as_str).collect();
    match users.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
