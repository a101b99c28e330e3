//! What sshd would do for each administrator, each enrolled user and each account of this host,
//! from this host and from elsewhere.
//!
//! sshd itself answers: `ask` has it print the settings of one connection with every Match block
//! applied, and `settings` checks them.

mod access;
mod ask;
mod conditions;
mod exempt;
mod key_options;
mod missing;
mod people;
mod security_keys;
mod settings;
mod text;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nix::unistd::Uid;
use pam_authy::store::config::{Config, RememberBy};
use pam_authy::store::users::{Entry, Mapping};

pub(crate) use self::conditions::OF_VENDOR;
use self::conditions::{Conditions, Connection};
#[cfg(test)]
pub(super) use self::missing::MissingAccount;
pub(crate) use self::missing::{MissingAccounts, find as missing};
use self::settings::Login;
pub(crate) use self::text::{included, includes, words};
use super::finding::Level;
use super::{Administrators, Finding, Protected, administrators};
use crate::output::{shorten, shown_name};

/// Where sshd is.
const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
/// sshd's own file.
const CONFIG: &str = "/etc/ssh/sshd_config";
/// What sshd reports before it reads its settings, on a host where it has not run yet, each with a
/// hint. Where a socket starts sshd, its first start makes the folder.
const NOT_STARTED: [(&str, &str); 2] = [
    (
        "Missing privilege separation directory",
        "start sshd once, or make that folder for root with mode 0755, as its service does",
    ),
    (
        "no hostkeys available",
        "make the keys of this host: ssh-keygen -A",
    ),
];
/// The largest number of runs of `sshd -T`; each takes about 10 ms.
const QUESTION_LIMIT: usize = 1000;

/// Returns the PAM services that sshd uses: `sshd`, and every PAMServiceName.
pub(super) fn services(settings_file: Option<&Path>) -> BTreeSet<String> {
    let conditions = Conditions::read(settings_file.unwrap_or(Path::new(CONFIG)));
    conditions
        .services
        .into_iter()
        .chain(["sshd".to_owned()])
        .collect()
}

/// What sshd's settings mean for one login.
pub(crate) struct SshdLogin {
    /// Its PAM service, where sshd tells.
    pub(crate) service: Option<String>,
    /// A list of methods that is enough and has no prompt.
    pub(crate) without_prompt: Option<String>,
    /// No list has a prompt.
    pub(crate) is_never_asked: bool,
    /// UsePAM is off.
    pub(crate) is_without_pam: bool,
    /// A list of users or groups leaves the user out, or PermitRootLogin does.
    pub(crate) is_refused: bool,
    /// The line that decides about the methods, or about UsePAM: `FILE:LINE`.
    pub(crate) place: String,
}

/// Asks sshd about a login; `None` where there is no sshd. For root only.
///
/// # Errors
/// sshd refuses its settings; what it printed.
pub(crate) fn login(user: &str, address: &str) -> Result<Option<SshdLogin>, String> {
    let Some(program) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
        return Ok(None);
    };
    let conditions = Conditions::read(Path::new(CONFIG));
    let mut connections = conditions.connections().into_iter();
    let Some(connection) = connections.nth(1) else {
        return Ok(None);
    };
    let mut connection = Connection {
        address: address.to_owned(),
        block: None,
        ..connection
    };
    connection.forget_name();
    let settings = ask::ask(program, user, &connection, None)?;
    let is = |name: &str, wanted: &str| settings.get(name).is_some_and(|value| value == wanted);
    let is_without_pam = is("usepam", "no");
    let decisive: &[&str] = if is_without_pam {
        &["usepam"]
    } else if settings.contains_key("authenticationmethods") && !is("authenticationmethods", "any")
    {
        &["authenticationmethods"]
    } else {
        &["kbdinteractiveauthentication", "passwordauthentication"]
    };
    Ok(Some(SshdLogin {
        is_without_pam,
        is_refused: access::is_denied(user, &settings)
            || user == "root" && is("permitrootlogin", "no"),
        place: written::place(decisive, &settings, user, &connection),
        // libpam lowers the names of services.
        service: settings
            .get("pamservicename")
            .map(|name| name.to_ascii_lowercase()),
        without_prompt: settings::without_prompt(&settings).first().cloned(),
        is_never_asked: settings::without_prompt(&settings).len()
            == settings::methods(&settings).len(),
    }))
}

/// What doctor knows of this host.
pub(crate) struct Host<'a> {
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
    if !Uid::effective().is_root() {
        let message = "not root: cannot look at sshd's settings";
        let unknown = || Finding::unknown("sshd", message).hint("run doctor as root");
        return host.protects_sshd().then(unknown).into_iter().collect();
    }
    let conditions = Conditions::read(settings_file.unwrap_or(Path::new(CONFIG)));
    let connections = match connections(program, &conditions, settings_file) {
        Ok(connections) => connections,
        Err(why) => return host.unanswered(why),
    };
    let users = host.users(&conditions);
    let limit = QUESTION_LIMIT / connections.len().max(1);
    let mut found: BTreeMap<Finding, Vec<String>> = BTreeMap::new();
    for user in users.iter().take(limit) {
        let mut logins_of_user = Vec::new();
        for connection in &connections {
            let settings = match ask::ask(program, user, connection, settings_file) {
                Ok(settings) => settings,
                Err(why) => return host.unanswered(why),
            };
            if access::is_denied(user, &settings) || host.is_unused(user, &settings) {
                continue;
            }
            let login = host.login(user, connection, &settings);
            let findings = match &login {
                Some(login) => match &login.exemption {
                    Some(rule) => exempt::check(&settings, login, rule),
                    None => settings::check(&settings, login),
                },
                None => host.unprotected(&settings).into_iter().collect(),
            };
            logins_of_user.extend(login.map(|login| (settings, login)));
            for finding in findings {
                let block = connection.block.as_ref();
                let block = block.map_or_else(String::new, |block| format!(" by {block}"));
                let login = format!("{} from {}{block}", shown_name(user), connection.address);
                let logins = found.entry(finding).or_default();
                // A block that changes nothing only repeats a known finding.
                let is_known = connection.block.is_some()
                    && logins
                        .iter()
                        .any(|known| known.starts_with(&format!("{} from", shown_name(user))));
                if !is_known {
                    logins.push(login);
                }
            }
        }
        if let Some(finding) = exempt::left_out(&logins_of_user) {
            found.entry(finding).or_default().push(shown_name(user));
        }
    }
    host.summarize(found, users.len(), limit)
}

/// Returns the administrators that sshd refuses whatever they type: they have no account or no
/// shell, a list leaves them out, or they are root without `PermitRootLogin yes`. The set is empty
/// where sshd cannot be asked.
pub(super) fn closed(host: &Host<'_>, settings_file: Option<&Path>) -> BTreeSet<String> {
    let program = PROGRAMS.iter().find(|path| Path::new(path).exists());
    let Some(program) = program.filter(|_| host.protects_sshd() && Uid::effective().is_root())
    else {
        return BTreeSet::new();
    };
    let conditions = Conditions::read(settings_file.unwrap_or(Path::new(CONFIG)));
    let connections = connections(program, &conditions, settings_file).unwrap_or_default();
    let is_closed = |user: &&String| {
        let mut settings = connections
            .iter()
            .map(|connection| ask::ask(program, user, connection, settings_file));
        !connections.is_empty()
            && settings
                .all(|settings| settings.is_ok_and(|settings| access::is_closed(user, &settings)))
    };
    let names = host.administrators.names.iter().filter(is_closed);
    names.map(|name| shown_name(name)).collect()
}

/// Returns the PAM service of a login. libpam lowers the names of services.
fn service_of(settings: &ask::Settings) -> String {
    let name = settings.get("pamservicename");
    name.map_or_else(|| "sshd".to_owned(), |name| name.to_ascii_lowercase())
}

/// Returns the connections for which sshd prints its settings, with the host names that sshd would
/// know.
///
/// # Errors
/// As for [`ask::ask`].
fn connections(
    program: &str,
    conditions: &Conditions,
    settings_file: Option<&Path>,
) -> Result<Vec<Connection>, String> {
    let mut connections = conditions.connections();
    if let Some(first) = connections.first() {
        let settings = ask::ask(program, "root", first, settings_file)?;
        if settings.get("usedns").is_some_and(|value| value == "no") {
            connections.iter_mut().for_each(Connection::forget_name);
        }
    }
    Ok(connections)
}

impl Host<'_> {
    fn protects_sshd(&self) -> bool {
        self.protected.iter().any(|stack| stack.is_of_sshd)
    }

    /// Whether an account is neither enrolled nor an administrator's, and no one can log in to it.
    fn is_unused(&self, user: &str, settings: &ask::Settings) -> bool {
        let is_enrolled = self
            .mapping
            .is_some_and(|mapping| !matches!(mapping.find(user), Entry::Absent));
        !is_enrolled
            && !self.administrators.names.contains(user)
            && access::of(user, settings).is_none_or(access::Access::is_none)
    }

    /// Returns what is known of a login of `user`, when its PAM service is protected.
    fn login(
        &self,
        user: &str,
        connection: &Connection,
        settings: &ask::Settings,
    ) -> Option<Login> {
        let service = service_of(settings);
        let service = service.as_str();
        let stacks = &mut self.protected.iter();
        let stack = stacks.find(|stack| stack.service == service)?;
        let rules = self.config.map(|config| config.login(service));
        let entry = self.mapping.map(|mapping| mapping.find(user));
        let providers = administrators::providers(stack.as_service(), self.config);
        let security_keys = self
            .config
            .and(entry.as_ref())
            .and_then(|entry| security_keys::of(user, entry, providers, settings));
        let address = connection.address.parse().ok();
        let needs_factor =
            administrators::needs_factor(stack, user, address, self.config, self.mapping);
        let exemption = self.exemption(user, connection, stack);
        Some(Login {
            is_root: user == "root",
            is_administrator: user != "root" && self.administrators.names.contains(user),
            access: self.access(user, settings, exemption.is_some()),
            exemption,
            security_keys,
            is_shared: matches!(entry, Some(Entry::Shared(_))),
            has_first_factor: stack.has_first_factor,
            requires_password: stack.requires_password,
            needs_factor,
            is_bypassed: stack.is_bypassed,
            takes_one_reply: rules.as_ref().is_some_and(|rules| rules.token_in_password),
            remembers_by_key: self.config.is_some_and(|config| {
                config.remember.by == RememberBy::Key && config.remember.applies_to(service)
            }),
            deadline: rules.map(|rules| rules.deadline.as_secs()),
        })
    }

    /// sshd uses our module for some logins, and for this one a stack without it.
    fn unprotected(&self, settings: &ask::Settings) -> Option<Finding> {
        let service = service_of(settings);
        let problem = || {
            let message = format!("sshd uses the stack {service}, which requires no second factor");
            let hint = format!("authyctl pam enable {service}, or remove its PAMServiceName");
            Finding::problem("sshd", message).hint(hint)
        };
        self.protects_sshd().then(problem)
    }

    /// Returns how an administrator or an exempt user can log in today. Returns `None` for other
    /// users, and for root, which may be kept out of ssh on purpose.
    fn access(
        &self,
        user: &str,
        settings: &ask::Settings,
        is_exempt: bool,
    ) -> Option<access::Access> {
        let is_meant = is_exempt || self.administrators.names.contains(user);
        access::of(user, settings).filter(|_| is_meant && user != "root")
    }

    /// Returns each finding once, with the users that it applies to, of `count` users in all.
    fn summarize(
        &self,
        found: BTreeMap<Finding, Vec<String>>,
        count: usize,
        limit: usize,
    ) -> Vec<Finding> {
        let mut findings: Vec<_> = found
            .into_iter()
            .map(|(mut finding, users)| {
                finding.message = format!("{} ({})", finding.message, shorten(&users));
                finding
            })
            .collect();
        if findings.iter().all(|finding| finding.level == Level::Ok) && self.protects_sshd() {
            let of = if findings.is_empty() {
                "user"
            } else {
                "other user"
            };
            let message = format!("sshd requires the second factor of every {of}");
            findings.push(Finding::ok("sshd", message));
        }
        if let Some(more @ 1..) = count.checked_sub(limit) {
            let message = format!("sshd was asked about {limit} users, and not about {more} more");
            findings.push(
                Finding::warning("sshd", message)
                    .hint("check Match blocks for other users and groups yourself"),
            );
        }
        findings
    }

    /// sshd does not print its settings. That is a problem where they are to blame, since sshd
    /// would then not start with them either.
    fn unanswered(&self, why: String) -> Vec<Finding> {
        let finding = || match NOT_STARTED.iter().find(|(said, _)| why.contains(said)) {
            Some((_, hint)) => {
                Finding::unknown("sshd", format!("cannot ask sshd: {why}")).hint(*hint)
            }
            None => Finding::problem("sshd", why)
                .hint("`sshd -t` must print nothing before sshd is reloaded"),
        };
        self.protects_sshd().then(finding).into_iter().collect()
    }
}
