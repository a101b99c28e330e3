//! The services in the folder of stacks: which of them use our module, and what is wrong with those.

use std::path::Path;

use pam_authy::store::config::Config;

use super::leniency::{self, Lenient};
use super::stack::{self, Module, Stack};
use super::{Check, files, rules};

/// Services whose programs ask PAM without being root: they could not read the API key.
const WITHOUT_ROOT: [&str; 21] = [
    "i3lock",
    "swaylock",
    "hyprlock",
    "waylock",
    "gtklock",
    "xscreensaver",
    "xsecurelock",
    "physlock",
    "slock",
    "mate-screensaver",
    "cinnamon-screensaver",
    "gnome-screensaver",
    "kde",
    "xfce4-screensaver",
    "light-locker",
    "vlock",
    "postgresql",
    "apache2",
    "httpd",
    "nginx",
    "squid",
];

/// A PAM service whose stack holds our module.
pub(super) struct Protected {
    pub(super) service: String,
    /// Somebody who is not enrolled passes without a factor.
    pub(super) passes_unenrolled: bool,
    /// A password is asked for before us.
    pub(super) has_first_factor: bool,
}

impl Protected {
    /// The service of sshd itself; another one may be named in its configuration.
    pub(super) fn is_sshd(&self) -> bool {
        self.service == "sshd"
    }
}

/// Reads every stack of the folder, and judges those that hold our module.
pub(super) fn stacks(
    folder: &Path,
    config: Option<&Config>,
    checks: &mut Vec<Check>,
) -> Vec<Protected> {
    let mut protected = Vec::new();
    let mut modules_seen: Vec<Module> = Vec::new();
    for service in services(folder) {
        let entries = match stack::read(folder, &service) {
            Ok(entries) => entries,
            Err(why) => {
                checks.push(Check::problem(&format!("pam {service}"), why).hint(
                    "libpam refuses every login of this service until its files can be read",
                ));
                continue;
            }
        };
        let all = stack::modules(&entries);
        let ours: Vec<_> = all
            .iter()
            .map(|(_, module)| *module)
            .filter(|m| m.is_ours())
            .collect();
        if ours.is_empty() {
            checks.extend(unprotected(&service));
            continue;
        }
        let rules = config.map(|config| config.login(&service));
        let exempts = config.and_then(|config| leniency::exempts(config, &service));
        if let Some(rules) = &rules {
            checks.extend(rules::of_service(&service, rules, &entries));
        }
        let leniencies = leniency::leniencies(&service, &ours, rules.as_ref());
        let ignorable = exempts.is_some() || !leniencies.is_empty();
        checks.extend(exempts);
        let behind = rules.as_ref().is_some_and(|rules| rules.token_in_password);
        let stack = Stack::new(&service, &entries, ignorable).with_token_in_password(behind);
        checks.extend(stack.checks());
        checks.extend(runs_without_root(&service));
        modules_seen.extend(ours.into_iter().cloned());
        protected.push(Protected {
            has_first_factor: stack.has_first_factor(),
            passes_unenrolled: leniencies
                .iter()
                .any(|(which, _)| *which == Lenient::Unenrolled),
            service,
        });
        checks.extend(leniencies.into_iter().map(|(_, check)| check));
    }
    if protected.is_empty() {
        let message = format!("no service in {} uses pam_authy.so", folder.display());
        checks.push(
            Check::warning("pam", message).hint("authyctl pam enable sshd --rollback-after 300"),
        );
    }
    checks.extend(files::modules(&modules_seen));
    protected
}

/// The services that people expect to be protected, when they are not.
fn unprotected(service: &str) -> Option<Check> {
    let expected = ["sshd", "sudo", "su", "su-l", "login"].contains(&service);
    let message = format!("{service} does not use pam_authy.so");
    expected.then(|| Check::ok(&format!("pam {service}"), message))
}

/// The services that a person logs in to: files that others only include are met there.
fn services(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.contains(['~', '.']) && !is_part(name))
        .collect();
    names.sort();
    names
}

/// Whether a file is made to be included by others.
fn is_part(name: &str) -> bool {
    name.starts_with("common-")
        || name.starts_with("system-")
        || [
            "password-auth",
            "fingerprint-auth",
            "smartcard-auth",
            "postlogin",
        ]
        .contains(&name)
}

fn runs_without_root(service: &str) -> Option<Check> {
    WITHOUT_ROOT.contains(&service).then(|| {
        Check::problem(
            &format!("pam {service}"),
            format!(
                "{service} asks PAM without being root: it can't read the key, and refuses everybody"
            ),
        )
        .hint("take our line out of this service's stack")
    })
}
