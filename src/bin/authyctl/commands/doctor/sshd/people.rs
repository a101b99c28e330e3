//! The users that doctor asks sshd about, and which of them need no second factor by `[exempt]`.

use std::collections::BTreeSet;

use nix::unistd::{Group, User};
use pam_authy::login::policy::{Exemption, Requirement};
use pam_authy::store::people::Origin;

use super::access::accounts;
use super::conditions::{Conditions, Connection};
use super::{Host, Protected};
use crate::commands::doctor::administrators::requirement;

impl Host<'_> {
    /// Returns the users to ask sshd about: administrators first, then those that Match lines and
    /// `[exempt]` name, so that the limit leaves neither out. Enrolled users and all other accounts
    /// follow: a user without a second factor must not get in by a key alone either.
    pub(super) fn users(&self, conditions: &Conditions) -> Vec<String> {
        let administrators = self.administrators.names.iter().cloned();
        let mut named = conditions.named("user");
        let mut groups = conditions.named("group");
        if let Some(config) = self.config {
            named.extend(config.exempt.users.iter().cloned());
            groups.extend(config.exempt.groups.iter().cloned());
        }
        let groups = groups
            .iter()
            .filter_map(|name| Group::from_name(name).ok().flatten());
        named.extend(groups.flat_map(|group| group.mem));
        let named = named
            .into_iter()
            .filter(|name| matches!(User::from_name(name), Ok(Some(_))));
        let of = |origin: Origin| {
            let all = self.mapping.into_iter().flat_map(move |mapping| {
                let names = mapping.iter().map(|(name, _)| name);
                names.filter(move |name| mapping.origin(name) == origin)
            });
            all.map(str::to_owned)
        };
        let mut seen = BTreeSet::new();
        administrators
            .chain(named)
            .chain(of(Origin::Users))
            .chain(accounts())
            // Most people of a directory may have no account here.
            .chain(of(Origin::Directory))
            .filter(|name| seen.insert(name.clone()))
            .collect()
    }

    /// Returns the rule of `[exempt]` that applies to a login, decided by the function that the
    /// module uses.
    pub(super) fn exemption(
        &self,
        user: &str,
        connection: &Connection,
        stack: &Protected,
    ) -> Option<Exemption> {
        let address = connection.address.parse().ok();
        match requirement(stack, user, address, self.config, self.mapping) {
            Ok(Requirement::Exempt(rule)) => Some(rule),
            _ => None,
        }
    }
}
