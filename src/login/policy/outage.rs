//! What it means for a login that its provider gave no usable answer.
//!
//! Called when a login is wired, so that no login can be built without the decision, and by
//! `authyctl explain`. The configuration is trusted; the caller of su or sudo, whose real uid the
//! application has, is not.

use crate::store::config::Fallback;

/// polkit's service: any user starts its helper, which has the real uid 0 from version 127 on.
const POLKIT: &str = "polkit-1";

/// The input for the decision what an outage means.
#[derive(Debug, Clone, Copy)]
pub struct OutageQuery<'a> {
    /// `when_unavailable`, as it applies to the service.
    pub when_unavailable: Fallback,
    /// Whether the table `[service.NAME]` sets it itself, and does not inherit it from `[login]`.
    pub set_by_service: bool,
    /// The PAM service.
    pub service: &'a str,
    /// The real uid of the application: 0 in sshd and login, the caller's in su and sudo.
    pub real_uid: u32,
    /// Whether the process that asks the provider is known to see no network interface but
    /// loopback.
    pub only_loopback: bool,
    /// Whether the person has an app whose codes this host checks, so that no outage hinders them.
    pub has_totp: bool,
}

/// What an outage means for one login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOutage {
    /// The login is refused.
    Deny,
    /// The login needs no second factor.
    Ignore,
    /// It is no outage but an error of our own: this process has no network.
    NoNetwork,
}

impl OutageQuery<'_> {
    /// Decides what an outage means. `"ignore"` of `[login]` is for root's own applications alone:
    /// where a user starts the application, they may be able to make an outage, so the table of the
    /// service must say it.
    #[must_use]
    pub fn on_outage(self) -> OnOutage {
        let is_roots_own = self.real_uid == 0 && self.service != POLKIT;
        let may_ignore = is_roots_own || self.set_by_service;
        match self.when_unavailable {
            _ if self.only_loopback => OnOutage::NoNetwork,
            Fallback::Ignore if self.has_totp => OnOutage::Deny,
            Fallback::Ignore if may_ignore => OnOutage::Ignore,
            Fallback::Ignore | Fallback::Deny => OnOutage::Deny,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignore_of_login_holds_for_real_uid_0_alone_and_never_without_a_network_or_with_totp() {
        use Fallback::{Deny, Ignore};
        // when_unavailable, set by the service, real uid, only loopback
        let rows = [
            ((Deny, false, 0, false), OnOutage::Deny),
            ((Deny, true, 0, false), OnOutage::Deny),
            ((Deny, true, 1000, false), OnOutage::Deny),
            ((Ignore, false, 0, false), OnOutage::Ignore),
            ((Ignore, true, 0, false), OnOutage::Ignore),
            ((Ignore, false, 1, false), OnOutage::Deny),
            ((Ignore, false, 1000, false), OnOutage::Deny),
            ((Ignore, false, u32::MAX, false), OnOutage::Deny),
            ((Ignore, true, 1000, false), OnOutage::Ignore),
            ((Ignore, false, 0, true), OnOutage::NoNetwork),
            ((Ignore, true, 1000, true), OnOutage::NoNetwork),
            ((Deny, false, 0, true), OnOutage::NoNetwork),
        ];
        let wrong: Vec<_> = rows
            .into_iter()
            .filter(|(row, expected)| {
                let (when_unavailable, set_by_service, real_uid, only_loopback) = *row;
                let query = OutageQuery {
                    when_unavailable,
                    set_by_service,
                    service: "sshd",
                    real_uid,
                    only_loopback,
                    has_totp: false,
                };
                let for_totp = OutageQuery {
                    has_totp: true,
                    ..query
                };
                query.on_outage() != *expected || for_totp.on_outage() == OnOutage::Ignore
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn anyone_can_start_the_helper_of_polkit_whatever_its_real_uid() {
        let on_outage = |set_by_service, real_uid| {
            OutageQuery {
                when_unavailable: Fallback::Ignore,
                set_by_service,
                service: "polkit-1",
                real_uid,
                only_loopback: false,
                has_totp: false,
            }
            .on_outage()
        };
        assert_eq!(on_outage(false, 0), OnOutage::Deny);
        assert_eq!(on_outage(true, 0), OnOutage::Ignore);
    }
}
