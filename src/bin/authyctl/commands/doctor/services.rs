//! The services in the folder of stacks: which of them use our module, and what is wrong with their
//! stacks.

use std::path::Path;

use pam_authy::store::config::Config;

use super::stack::{self, Module, Simulation, StackLine};
use super::{Finding, files, leniency, rules};

/// Services whose programs call PAM without root rights, so that our module may start no engine.
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

/// Services that administrators expect to be protected.
const EXPECTED: [&str; 5] = ["sshd", "sudo", "su", "su-l", "login"];

/// A PAM service whose stack has our module.
pub(super) struct Protected {
    pub(super) service: String,
    /// A user who is not enrolled logs in without a factor.
    pub(super) passes_unenrolled: bool,
    /// The stack asks for a password, or for what replaces one.
    pub(super) has_first_factor: bool,
}

impl Protected {
    /// Whether this is sshd's default service; sshd's configuration can name another one.
    pub(super) fn is_sshd(&self) -> bool {
        self.service == "sshd"
    }
}

/// Checks every stack in `folder`; also returns the services that use our module.
pub(super) fn check(folder: &Path, config: Option<&Config>) -> (Vec<Finding>, Vec<Protected>) {
    let mut findings = Vec::new();
    let mut protected = Vec::new();
    let mut our_modules: Vec<Module> = Vec::new();
    for service in names(folder) {
        let lines = match stack::read(folder, &service) {
            Ok(lines) => lines,
            Err(why) => {
                findings.push(unreadable(&service, why));
                continue;
            }
        };
        let all = stack::modules(&lines);
        let ours: Vec<_> = all
            .iter()
            .map(|(_, module)| *module)
            .filter(|module| module.is_ours())
            .collect();
        if ours.is_empty() {
            findings.extend(unprotected(&service));
            continue;
        }
        let (of_service, stack) = check_protected(service, &lines, &ours, config);
        findings.extend(of_service);
        protected.push(stack);
        our_modules.extend(ours.into_iter().cloned());
    }
    if protected.is_empty() {
        let message = format!("no service in {} uses pam_authy.so", folder.display());
        findings.push(
            Finding::warning("pam", message).hint("authyctl pam enable sshd --rollback-after 300"),
        );
    }
    findings.extend(files::modules(&our_modules));
    findings.extend(files::engines(&our_modules));
    (findings, protected)
}

/// Checks a stack that has our module in the lines `ours`.
fn check_protected(
    service: String,
    lines: &[StackLine],
    ours: &[&Module],
    config: Option<&Config>,
) -> (Vec<Finding>, Protected) {
    let rules = config.map(|config| config.login(&service));
    let exemption = config.and_then(|config| leniency::exemption(config, &service));
    let unenrolled = leniency::unenrolled(&service, ours, rules.as_ref());
    let outage = config.and_then(|config| leniency::outage(&service, config));
    let may_ignore = exemption.is_some() || unenrolled.is_some() || outage.is_some();
    let token_in_password = rules.as_ref().is_some_and(|rules| rules.token_in_password);
    let simulation = Simulation::new(lines, may_ignore).with_token_in_password(token_in_password);

    let mut findings = Vec::new();
    if let Some(rules) = &rules {
        findings.extend(rules::of_service(&service, rules, lines));
    }
    findings.extend(exemption);
    findings.extend(stack::findings(&service, &simulation));
    findings.extend(runs_without_root(&service));
    let protected = Protected {
        has_first_factor: simulation.has_first_factor(),
        passes_unenrolled: unenrolled.is_some(),
        service,
    };
    findings.extend(unenrolled);
    findings.extend(outage);
    (findings, protected)
}

fn unreadable(service: &str, why: String) -> Finding {
    Finding::problem(&format!("pam {service}"), why)
        .hint("libpam refuses every login of this service until its files can be read")
}

/// Returns a finding when a service without our module is one that administrators expect to be
/// protected.
fn unprotected(service: &str) -> Option<Finding> {
    let message = format!("{service} does not use pam_authy.so");
    EXPECTED
        .contains(&service)
        .then(|| Finding::ok(&format!("pam {service}"), message))
}

/// Returns the names of the services in `folder`, sorted. Files that only serve to be included are
/// left out: they are checked as part of the services that include them.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.contains(['~', '.']) && !is_only_included(name))
        .collect();
    names.sort();
    names
}

/// Whether a file only serves to be included by others, by the names that distributions use.
fn is_only_included(name: &str) -> bool {
    const NAMES: [&str; 4] = [
        "password-auth",
        "fingerprint-auth",
        "smartcard-auth",
        "postlogin",
    ];
    name.starts_with("common-") || name.starts_with("system-") || NAMES.contains(&name)
}

fn runs_without_root(service: &str) -> Option<Finding> {
    WITHOUT_ROOT.contains(&service).then(|| {
        let message = format!(
            "{service} calls PAM without root rights: our module may start no engine, and refuses every login"
        );
        Finding::problem(&format!("pam {service}"), message)
            .hint("remove our line from the stack of this service")
    })
}
