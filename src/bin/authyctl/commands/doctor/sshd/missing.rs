//! Accounts that can log in and have no factor, for `list --missing` and for doctor: who must be
//! enrolled before the module refuses them.
//!
//! Who can log in is decided as for the other checks of sshd (`access`): an account with a shell
//! that does not end at once, a password or a key, and no list of sshd's settings that leaves it
//! out. What cannot be told counts as a way in.

use std::path::Path;

use nix::unistd::Uid;
use pam_authy::login::policy::Requirement;
use pam_authy::store::config::Config;
use pam_authy::store::former;

use super::access::{self, Access};
use super::ask::{self, Settings};
use super::conditions::{Conditions, Connection};
use super::settings::{method_names, methods};
use super::{CONFIG, Host, PROGRAMS, QUESTION_LIMIT, connections, service_of};
use crate::commands::doctor::administrators::{Leniency, requirement_for};
use crate::commands::doctor::services::{Protected, Service};

/// An account that can log in and has no factor.
pub(crate) struct MissingAccount {
    pub(crate) user: String,
    /// Whether it has a password; `None` where that cannot be told.
    pub(crate) password: Option<bool>,
    /// Whether it has a key that sshd reads; `None` where that cannot be told.
    pub(crate) key: Option<bool>,
    /// Why it has no factor.
    pub(crate) reason: String,
}

/// All such accounts.
pub(crate) struct MissingAccounts {
    pub(crate) accounts: Vec<MissingAccount>,
    /// What could not be told.
    pub(crate) unknown: Vec<String>,
}

/// Finds the accounts by the settings of sshd, in `settings_file` where that is given.
pub(crate) fn find(host: &Host<'_>, settings_file: Option<&Path>) -> MissingAccounts {
    let conditions = Conditions::read(settings_file.unwrap_or(Path::new(CONFIG)));
    let mut unknown = Vec::new();
    let sshd = Sshd::open(&conditions, settings_file).unwrap_or_else(|why| {
        unknown.push(format!("who has a key, and who is refused by sshd: {why}"));
        None
    });
    let users = host.users(&conditions);
    let mut lacking = users
        .into_iter()
        .filter_map(|user| host.lack(&user).map(|reason| (user, reason)));
    let limit = QUESTION_LIMIT
        / sshd
            .as_ref()
            .map_or(1, |sshd| sshd.connections.len().max(1));
    let asked = lacking.by_ref().take(limit);
    let mut accounts: Vec<_> = asked
        .filter_map(|(user, reason)| host.missing(sshd.as_ref(), user, reason))
        .collect();
    let left = lacking.count();
    if left > 0 {
        unknown.push(format!("whether sshd lets {left} more accounts in"));
    }
    accounts.sort_by(|one, other| one.user.cmp(&other.user));
    MissingAccounts { accounts, unknown }
}

/// sshd, and the connections for which it is asked.
struct Sshd<'a> {
    program: &'static str,
    connections: Vec<Connection>,
    settings_file: Option<&'a Path>,
}

impl<'a> Sshd<'a> {
    /// `None` where there is no sshd.
    fn open(
        conditions: &Conditions,
        settings_file: Option<&'a Path>,
    ) -> Result<Option<Self>, String> {
        let Some(program) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
            return Ok(None);
        };
        if !Uid::effective().is_root() {
            return Err("not root".to_owned());
        }
        Ok(Some(Self {
            program,
            connections: connections(program, conditions, settings_file)?,
            settings_file,
        }))
    }

    /// The settings for each connection of a user; none where sshd does not answer.
    fn settings(&self, user: &str) -> Vec<Settings> {
        let ask = |connection| ask::ask(self.program, user, connection, self.settings_file).ok();
        self.connections.iter().filter_map(ask).collect()
    }
}

impl Host<'_> {
    /// Why a user has no factor; `None` for one who has, and for one that `[exempt]` names.
    fn lack(&self, user: &str) -> Option<String> {
        let mut services: Vec<_> = self.protected.iter().map(Protected::as_service).collect();
        if services.is_empty() {
            services.push(Service {
                name: "sshd",
                is_of_sshd: true,
            });
        }
        services.into_iter().find_map(|service| {
            let strict = Leniency::default();
            let found =
                requirement_for(service, strict, user, None, self.config, self.mapping).ok()?;
            match found {
                Requirement::Exempt(_)
                | Requirement::Person { .. }
                | Requirement::NoMatchingKey(_) => None,
                Requirement::InvalidEntry { message, .. } => {
                    Some(format!("its entry cannot be used: {message}"))
                }
                Requirement::NoSupportedFactor(_) => {
                    Some(format!("{} can check no factor of its entry", service.name))
                }
                Requirement::Decoy
                | Requirement::NotEnrolledAllowed
                | Requirement::NotEnrolledYet(_) => Some(self.not_enrolled(service.name, user)),
            }
        })
    }

    /// Why an account without an entry has no factor. `enroll_by` is not for one that had an entry.
    fn not_enrolled(&self, service: &str, user: &str) -> String {
        let is_former = |config: &&Config| {
            config.login(service).enroll_by.is_some()
                && former::was_enrolled(&config.paths.state, user).unwrap_or_default()
        };
        match self.config.filter(is_former) {
            Some(_) => "was enrolled before, so enroll_by is not for it".to_owned(),
            None => "is not enrolled".to_owned(),
        }
    }

    /// Whether sshd asks an account for a password, and it has a key alone.
    fn lacks_password(&self, settings: &Settings, access: Access) -> bool {
        let service = service_of(settings);
        let mut stacks = self.protected.iter();
        let asks = stacks.any(|stack| stack.service == service && stack.requires_password);
        let has_key_alone = |list: &&str| method_names(list).all(|name| name == "publickey");
        asks && access.password == Some(false) && !methods(settings).iter().any(has_key_alone)
    }

    /// An account without a factor, if it can log in.
    fn missing(
        &self,
        sshd: Option<&Sshd<'_>>,
        user: String,
        reason: String,
    ) -> Option<MissingAccount> {
        let all = sshd.map(|sshd| sshd.settings(&user)).unwrap_or_default();
        let is_refused = |settings: &Settings| {
            let root_login = settings.get("permitrootlogin").map(String::as_str);
            access::is_denied(&user, settings) || user == "root" && root_login == Some("no")
        };
        let open = all.iter().find(|settings| !is_refused(settings));
        let is_refused = !all.is_empty() && open.is_none();
        let known = open.or(all.first());
        let mut found = access::of(&user, known.unwrap_or(&Settings::new()))?;
        if known.is_none() {
            found.key = None;
        }
        // Where sshd refuses it, a password still opens the other services.
        if is_refused && !self.protected.iter().any(|stack| !stack.is_of_sshd) {
            return None;
        }
        if is_refused {
            found.key = Some(false);
        }
        let reason = match known.filter(|settings| self.lacks_password(settings, found)) {
            Some(_) => format!("{reason}, and sshd asks for a password that it does not have"),
            None => reason,
        };
        let Access { password, key } = found;
        (!found.is_none()).then_some(MissingAccount {
            user,
            password,
            key,
            reason,
        })
    }
}
