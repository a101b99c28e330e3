//! Whether sshd's settings let a security key prove a touch, and let it be used at all.
//!
//! sshd requires a touch, unless an option in front of a key switches that off: the user writes it
//! into authorized_keys. `PubkeyAuthOptions touch-required` ignores the option.

use std::path::PathBuf;

use nix::unistd::{Uid, User};
use pam_authy::base::factor::{Fingerprint, Person, Providers};
use pam_authy::store::users::Entry;

use super::access;
use super::ask::Settings;
use super::key_options::{OPTION, of_line, of_principal};
use super::settings::{method_names, methods};
use crate::commands::doctor::Finding;

/// The check of these findings.
const CHECK: &str = "sshd";
const HINT: &str = "set `PubkeyAuthOptions touch-required`";

/// What is known of the security keys of a user whose login they may prove.
pub(super) struct SecurityKeys {
    /// A person of the entry has nothing else that this host can check.
    pub(super) is_only_factor: bool,
    /// The lines that switch the touch off.
    pub(super) untouched: Vec<Untouched>,
}

/// A line that switches the touch off.
pub(super) struct Untouched {
    file: PathBuf,
    line: usize,
    /// It is the line of a security key of the person, and not of an authority, whose certificates
    /// must say the same.
    is_listed: bool,
}

/// Returns what is known of the security keys in `entry`, where a service with these `providers`
/// accepts them; `None` without any.
pub(super) fn of(
    user: &str,
    entry: &Entry,
    providers: Providers,
    settings: &Settings,
) -> Option<SecurityKeys> {
    let people: Vec<&Person> = match entry {
        Entry::Enrolled(person) => vec![person],
        Entry::Shared(shared) => shared.keys.values().collect(),
        Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => Vec::new(),
    };
    let keys = people.iter().flat_map(|person| &person.security_keys);
    let keys: Vec<Fingerprint> = keys.copied().collect();
    if keys.is_empty() || !providers.security_keys {
        return None;
    }
    let others = Providers {
        security_keys: false,
        ..providers
    };
    let has_only_keys = |person: &&Person| !person.has_supported(others);
    Some(SecurityKeys {
        is_only_factor: people.iter().any(has_only_keys),
        untouched: untouched(user, &keys, settings),
    })
}

/// Returns what is wrong with the settings for the login of a user with security keys.
pub(super) fn check(settings: &Settings, keys: &SecurityKeys) -> Vec<Finding> {
    if settings.is_empty() {
        return Vec::new();
    }
    let get = |name: &str| settings.get(name).map_or("", String::as_str);
    let options = get("pubkeyauthoptions");
    let is_required = options.split_whitespace().any(|word| word == OPTION);
    let mut findings = if is_required {
        Vec::new()
    } else {
        without_touch(keys)
    };
    let algorithms = get("pubkeyacceptedalgorithms");
    let accepts = algorithms.is_empty() || algorithms.split(',').any(|one| one.starts_with("sk-"));
    if !accepts {
        let message =
            "PubkeyAcceptedAlgorithms has no algorithm of security keys: they prove nothing";
        findings.push(level(keys, message).hint("add `sk-ssh-ed25519@openssh.com` to its list"));
    }
    let has_both = |list: &&str| {
        let has = |name| method_names(list).any(|method| method == name);
        has("publickey") && has("keyboard-interactive")
    };
    if !methods(settings).iter().any(has_both) {
        let message = "sshd requires no key before it calls PAM: security keys prove nothing";
        findings.push(level(keys, message).hint(
            "set `AuthenticationMethods publickey,keyboard-interactive`, or authyctl pam enable sshd --with-key",
        ));
    }
    findings
}

/// A problem for a person who has nothing but security keys, and a warning for others.
fn level(keys: &SecurityKeys, message: &str) -> Finding {
    if keys.is_only_factor {
        Finding::problem(
            CHECK,
            format!("{message}, and a person has no other factor"),
        )
    } else {
        Finding::warning(CHECK, message)
    }
}

/// Returns the findings about touch where sshd does not require it of everyone.
fn without_touch(keys: &SecurityKeys) -> Vec<Finding> {
    if keys.untouched.is_empty() {
        let message = "an option in authorized_keys or in a certificate can switch off the touch of a security key";
        return vec![Finding::warning(CHECK, message).hint(HINT)];
    }
    let lines = keys.untouched.iter();
    let found = lines.map(|line| {
        let place = format!("{}:{}", line.file.display(), line.line);
        if line.is_listed {
            let message = format!(
                "{place}: no-{OPTION}: this security key proves no touch, so that a program of the person can use it"
            );
            Finding::problem(CHECK, message)
        } else {
            let message = format!(
                "{place}: no-{OPTION}: a certificate that says the same switches off the touch of a security key"
            );
            Finding::warning(CHECK, message)
        }
    });
    found.map(|finding| finding.hint(HINT)).collect()
}

/// Reads the user's files of keys and of principals, which only root can.
fn untouched(user: &str, keys: &[Fingerprint], settings: &Settings) -> Vec<Untouched> {
    let account = User::from_name(user).ok().flatten();
    let Some(account) = account.filter(|_| Uid::effective().is_root()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (setting, reads_keys) in [
        ("authorizedkeysfile", true),
        ("authorizedprincipalsfile", false),
    ] {
        for file in access::files(setting, &account, settings) {
            let text = access::read(&file);
            let lines = text.lines().enumerate();
            let lines = lines.filter_map(|(index, line)| {
                let is_listed = if reads_keys {
                    of_line(line, keys)?
                } else {
                    of_principal(line)?
                };
                Some(Untouched {
                    file: file.clone(),
                    line: index + 1,
                    is_listed,
                })
            });
            found.extend(lines);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::ask::parse;
    use super::*;

    fn said(lines: &str, is_only_factor: bool, untouched: Vec<Untouched>) -> Vec<&'static str> {
        let keys = SecurityKeys {
            is_only_factor,
            untouched,
        };
        let text = format!("pubkeyauthentication yes\nkbdinteractiveauthentication yes\n{lines}");
        let findings = check(&parse(&text), &keys);
        findings
            .iter()
            .map(|finding| finding.level.as_str())
            .collect()
    }

    #[test]
    fn settings_that_make_a_security_key_prove_nothing_are_found() {
        let good = "authenticationmethods publickey,keyboard-interactive\n\
                    pubkeyauthoptions touch-required verify-required\n";
        assert!(said(good, true, vec![]).is_empty());
        let password = good.replace("publickey,", "");
        let old = format!("{good}pubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512\n");
        let new =
            format!("{good}pubkeyacceptedalgorithms ssh-ed25519,sk-ssh-ed25519@openssh.com\n");
        for (lines, is_only_factor, expected) in [
            (&password, true, &["problem"][..]),
            (&password, false, &["warning"]),
            (&old, true, &["problem"]),
            (&old, false, &["warning"]),
            (&new, true, &[]),
        ] {
            assert_eq!(said(lines, is_only_factor, vec![]), expected, "{lines}");
        }
        let untouched = |is_listed| {
            vec![Untouched {
                file: "/home/pat/.ssh/authorized_keys".into(),
                line: 1,
                is_listed,
            }]
        };
        let none = good.replace("touch-required ", "");
        assert_eq!(said(&none, true, vec![]), ["warning"]);
        assert_eq!(said(&none, true, untouched(false)), ["warning"]);
        assert_eq!(said(&none, true, untouched(true)), ["problem"]);
        assert!(said(good, true, untouched(true)).is_empty());
    }
}
