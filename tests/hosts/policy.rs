//! A random policy in config.toml, and who needs no second factor by it.

use std::fmt::Write;

use super::accounts::{Person, write};
use crate::common::numbers::Numbers;

const HEAD: &str = "[login]\nrefusal_seconds = 0\nattempts = 1\n";

/// The rules of config.toml that let a user in without a second factor.
#[derive(Debug, Default)]
pub(super) struct Policy {
    user: Option<&'static str>,
    group: Option<&'static str>,
    service: Option<&'static str>,
    /// `10.0.0.0/8` is exempt.
    has_network: bool,
    /// The service for which `unenrolled = "ignore"` is set; `login` for all.
    unenrolled: Option<&'static str>,
}

impl Policy {
    /// Most hosts have no such rule.
    pub(super) fn random(numbers: &mut Numbers) -> Self {
        let mut policy = Self::default();
        if numbers.chance(35) {
            match numbers.below(5) {
                0 => policy.user = Some(numbers.pick(&["ada", "eve", "kim", "svc"])),
                1 => policy.group = Some(numbers.pick(&["staff", "sudo"])),
                2 => policy.service = Some(numbers.pick(&["sshd", "sudo"])),
                3 => policy.has_network = true,
                _ => {
                    policy.unenrolled =
                        Some(numbers.pick(&["login", "service.sshd", "service.sudo"]))
                }
            }
        }
        policy
    }

    /// No login to a service needs a factor.
    pub(super) fn exempting(service: &'static str) -> Self {
        Self {
            service: Some(service),
            ..Self::default()
        }
    }

    /// Writes config.toml, and returns its text.
    pub(super) fn write(&self) -> String {
        let ignore = "unenrolled = \"ignore\"\n";
        let mut text = HEAD.to_owned();
        match self.unenrolled {
            Some("login") => text.push_str(ignore),
            Some(table) => write!(text, "[{table}]\n{ignore}").unwrap(),
            None => {}
        }
        text.push_str("[exempt]\n");
        let lists = [
            ("users", self.user),
            ("groups", self.group),
            ("services", self.service),
        ];
        for (list, name) in lists {
            if let Some(name) = name {
                writeln!(text, "{list} = [\"{name}\"]").unwrap();
            }
        }
        if self.has_network {
            text.push_str("networks = [\"10.0.0.0/8\"]\n");
        }
        write("/etc/pam_authy/config.toml", 0o600, &text);
        text
    }

    /// Whether a login needs a second factor; `is_nullok`: our line says so of the unenrolled.
    pub(super) fn needs_factor(
        &self,
        person: &Person,
        service: &str,
        address: Option<&str>,
        is_nullok: bool,
    ) -> bool {
        let is_exempt = self.user == Some(person.name)
            || self
                .group
                .is_some_and(|group| person.groups.contains(&group))
            || self.service == Some(service)
            || (self.has_network && address.is_some_and(|address| address.starts_with("10.")));
        // A table of sudo is for sudo-i as well.
        let is_ignored = is_nullok
            || self.unenrolled.is_some_and(|table| {
                table == "login" || table == format!("service.{}", service.trim_end_matches("-i"))
            });
        !is_exempt && (person.is_enrolled || !is_ignored)
    }

    /// The address that is exempt.
    pub(super) fn address(&self) -> Option<&'static str> {
        self.has_network.then_some("10.0.0.1")
    }
}
