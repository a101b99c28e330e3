//! The users that sudo asks for nothing: by `NOPASSWD`, `!authenticate` and `exempt_group`.
//!
//! Source: sudoers(5). Of several rules the last one counts, and so it is of settings.

use pam_authy::host::account;

use super::parse::{Member, Where};
use super::places::Binding;
use super::{Setting, Sudoers, matches, setting, shown};

impl Sudoers {
    /// Returns the places that make sudo ask for no password: the rules with `NOPASSWD`, the
    /// settings with `!authenticate`, and `exempt_group`. Each comes with its users.
    pub(crate) fn without_password(&self) -> Vec<(Setting, String)> {
        let mut found = Vec::new();
        for setting in self.settings("exempt_group") {
            let who = format!("%{}", setting.value.clone().unwrap_or_default());
            found.push((setting, who));
        }
        for used in self.uses("authenticate") {
            if !used.default.is_on {
                let who = used.who();
                found.push((setting("!authenticate", used.place), who));
            }
        }
        found.extend(self.rules_without_password(|_| true, covers));
        found
    }

    /// The same for one user.
    pub(crate) fn without_password_for(&self, user: &str) -> Option<(Setting, String)> {
        let is_exempt = |setting: &Setting| {
            let group = setting.value.clone().unwrap_or_default();
            account::group_of(user, &[group]).is_ok_and(|group| group.is_some())
        };
        let exempt = self.settings("exempt_group").into_iter().find(is_exempt);
        if let Some(setting) = exempt {
            return Some((setting, user.to_owned()));
        }
        let mut uses = self.uses("authenticate").into_iter();
        while let Some(used) = uses.next() {
            let mut later = uses.as_slice().iter();
            let is_replaced = used.binding != Binding::Commands
                && later.any(|later| later.default.is_on && later.is_for(user));
            let is_meant = used.is_for(user) || used.binding != Binding::Callers;
            if !used.default.is_on && is_meant && !is_replaced {
                let who = used.who();
                return Some((setting("!authenticate", used.place), who));
            }
        }
        let is_for = |members: &[(Member, bool)]| matches(members, user, false);
        let mut rules = self
            .rules_without_password(is_for, |later, _| is_for(later))
            .into_iter();
        rules.next()
    }

    /// Returns the rules with `NOPASSWD` for the users that `applies` means, but those of which a
    /// later one leaves nothing, where `covers` says that it is for all users of the earlier one.
    fn rules_without_password(
        &self,
        applies: impl Fn(&[(Member, bool)]) -> bool,
        covers: impl Fn(&[(Member, bool)], &[(Member, bool)]) -> bool,
    ) -> Vec<(Setting, String)> {
        let rules = &self.document.rules;
        let mut places = self.places.of_tag("NOPASSWD");
        let count = rules.iter().filter(|rule| rule.is_unasked).count();
        if places.len() != count {
            // A line can have several rules.
            places = vec![self.places.file(); count];
        }
        let unasked = rules.iter().enumerate().filter(|(_, rule)| rule.is_unasked);
        let mut found = Vec::new();
        for ((at, rule), place) in unasked.zip(places) {
            let mut later = rules.iter().skip(at + 1);
            let is_replaced =
                later.any(|later| later.replaces(rule) && covers(&later.users, &rule.users));
            if rule.host != Where::Elsewhere && !is_replaced && applies(&rule.users) {
                found.push((setting("NOPASSWD", place), shown(&rule.users)));
            }
        }
        found
    }
}

/// Whether a list of members has all that another one has, as far as names tell.
fn covers(members: &[(Member, bool)], others: &[(Member, bool)]) -> bool {
    let has = |wanted: &Member| {
        let mut members = members.iter();
        members.any(|(member, _)| {
            *member == Member::All || *wanted != Member::Other && member == wanted
        })
    };
    members.iter().all(|(_, is_negated)| !is_negated)
        && others
            .iter()
            .all(|(other, is_negated)| *is_negated || has(other))
}
