//! The services in the folder of stacks: which of them use our module, and what is wrong with their
//! stacks.

use std::collections::BTreeSet;
use std::time::SystemTime;

use pam_authy::base::date::Date;
use pam_authy::store::config::Config;

use super::own_files::{self, OwnFiles};
use super::stack::{Judgement, other_types, our_lines};
use super::{Finding, enrolled, files, leniency, rules};
use crate::cli::Global;
use crate::commands::stack::{Files, Handler, hash, read, sources};

/// Screen lockers: they call PAM as their user, who alone can unlock, and need `[lockers]`.
const LOCKERS: [&str; 16] = [
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
];

/// Servers that call PAM as a user of their own about other users, whom no engine decides.
const PLAIN_SERVERS: [&str; 5] = ["postgresql", "apache2", "httpd", "nginx", "squid"];

/// Services that administrators expect to be protected.
const EXPECTED: [&str; 7] = ["sshd", "sudo", "sudo-i", "su", "su-l", "login", "doas"];

/// Services with clients that have a single input field, for the password.
const ONE_FIELD: [&str; 8] = [
    "vsftpd",
    "proftpd",
    "dovecot",
    "imap",
    "pop3",
    "smtp",
    "postgresql",
    "openvpn",
];

/// A PAM service whose stack has our module.
pub(super) struct Protected {
    pub(super) service: String,
    /// A user who is not enrolled logs in without a factor.
    pub(super) passes_unenrolled: bool,
    /// The day until which an account without an entry logs in without a factor, if it is not over.
    pub(super) enroll_by: Option<Date>,
    /// The stack asks for a password, or for what replaces one.
    pub(super) has_first_factor: bool,
    /// No login gets in with a wrong password, nor does an account without one.
    pub(super) requires_password: bool,
    /// A login may succeed without our module, as far as the modules are known.
    pub(super) is_bypassed: bool,
    /// sshd uses it, and may ask for a key first.
    pub(super) is_of_sshd: bool,
    /// The files that our line names instead of the usual ones, where they can be used.
    pub(super) own: OwnFiles,
}

/// A PAM service that logs in.
#[derive(Clone, Copy)]
pub(super) struct Service<'a> {
    pub(super) name: &'a str,
    /// sshd uses it.
    pub(super) is_of_sshd: bool,
}

impl Protected {
    pub(super) fn as_service(&self) -> Service<'_> {
        Service {
            name: &self.service,
            is_of_sshd: self.is_of_sshd,
        }
    }
}

/// Checks every stack; also returns the services that use our module. `global` names the files that
/// are checked elsewhere.
pub(super) fn check(
    stacks: &Files,
    config: Option<&Config>,
    global: &Global,
    of_sshd: &BTreeSet<String>,
) -> (Vec<Finding>, Vec<Protected>) {
    let mut findings = Vec::new();
    let mut protected = Vec::new();
    let mut our_modules: Vec<Handler> = Vec::new();
    for service in names(stacks) {
        let lines = match read(stacks, &service) {
            Ok(stack) => stack.handlers,
            Err(why) => {
                findings.push(unreadable(&service, why));
                continue;
            }
        };
        findings.extend(changed_sources(stacks, &service));
        let ours = our_lines(&lines);
        if ours.is_empty() {
            findings.extend(unprotected(&service));
            continue;
        }
        let own = own_files::own(&ours, global);
        findings.extend(other_types(stacks, &service));
        let (of_service, stack) = check_protected(service, &lines, &ours, config, own, of_sshd);
        findings.extend(of_service);
        protected.push(stack);
        our_modules.extend(ours.into_iter().cloned());
    }
    findings.extend(su_apart(stacks, &protected));
    if protected.is_empty() {
        findings.push(
            Finding::warning("pam", "no service uses pam_authy.so")
                .hint("authyctl pam enable sshd"),
        );
    }
    findings.extend(files::modules(&our_modules));
    findings.extend(files::arguments(&our_modules, global));
    findings.extend(files::engines(&our_modules));
    (findings, protected)
}

/// Checks a stack that has our module in the lines `ours`.
fn check_protected(
    service: String,
    lines: &[Handler],
    ours: &[&Handler],
    config: Option<&Config>,
    own: OwnFiles,
    of_sshd: &BTreeSet<String>,
) -> (Vec<Finding>, Protected) {
    let config = own.config.as_ref().or(config);
    let rules = config.map(|config| config.login(&service));
    let exemption = config.and_then(|config| leniency::exemption(config, &service));
    let unenrolled = leniency::unenrolled(&service, ours, rules.as_ref());
    let enroll_by = rules
        .as_ref()
        .and_then(|rules| rules.enroll_by(SystemTime::now()));
    let outage = config.and_then(|config| leniency::outage(&service, config));
    let may_ignore =
        exemption.is_some() || unenrolled.is_some() || enroll_by.is_some() || outage.is_some();
    let token_in_password = rules.as_ref().is_some_and(|rules| rules.token_in_password);
    let judgement = Judgement {
        service: &service,
        list: lines,
        may_ignore,
        token_in_password,
        has_key: of_sshd.contains(&service),
    };

    let mut findings = Vec::new();
    if let Some(rules) = &rules {
        findings.extend(rules::of_service(&service, rules, lines));
        findings.extend(leniency::of_ssh(&service, rules, judgement.has_key));
        if judgement.has_key {
            findings.extend(enrolled::offer(&service, rules));
            findings.extend(enrolled::without_hold(&service, rules));
        } else {
            findings.extend(config.and_then(|config| enrolled::elsewhere(&service, config)));
        }
    }
    findings.extend(exemption);
    findings.extend(judgement.findings());
    findings.extend(runs_without_root(&service, config));
    findings.extend(has_one_field(&service).filter(|_| !token_in_password));
    let protected = Protected {
        has_first_factor: judgement.may_have_first_factor(),
        requires_password: judgement.requires_password(),
        is_bypassed: judgement.is_bypassed(),
        passes_unenrolled: unenrolled.is_some(),
        enroll_by,
        is_of_sshd: of_sshd.contains(&service),
        service,
        own,
    };
    let yet = enroll_by.filter(|_| unenrolled.is_none());
    findings.extend(yet.map(|day| leniency::enroll_by(&protected.service, day)));
    findings.extend(unenrolled);
    findings.extend(outage);
    (findings, protected)
}

/// `su` and `su -l` give the same rights, and may have a stack each.
fn su_apart(stacks: &Files, protected: &[Protected]) -> Option<Finding> {
    let is_protected = |name: &str| protected.iter().any(|stack| stack.service == name);
    let is_open = |name: &str| stacks.of_service(name).is_some() && !is_protected(name);
    if is_protected("su") && is_open("su-l") {
        let message = "`su -l` requires no second factor: its stack is su-l";
        return Some(Finding::problem("su", message).hint("add our line to su-l as well"));
    }
    (is_protected("su-l") && is_open("su")).then(|| {
        let message = "`su` requires no second factor, only `su -l` does";
        Finding::warning("su", message).hint("authyctl pam disable su-l, then pam enable su")
    })
}

/// Returns a problem for each file that the lines of the stack were made from and that has changed
/// since.
fn changed_sources(stacks: &Files, service: &str) -> Vec<Finding> {
    let own = stacks.own(service);
    let content = stacks.read(&own).unwrap_or_default();
    let changed = sources(&content).into_iter().filter(|source| {
        let now = stacks.read(&source.path);
        !now.is_ok_and(|now| hash(&now) == source.hash)
    });
    changed
        .map(|source| {
            let message = format!(
                "{}: was made from {}, which has changed since",
                own.display(),
                source.path.display()
            );
            Finding::problem(&format!("pam {service}"), message).hint("authyctl pam refresh")
        })
        .collect()
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

/// Returns the names of the services, sorted. Files that only serve to be included are
/// left out: they are checked as part of the services that include them.
fn names(stacks: &Files) -> Vec<String> {
    let names = stacks.services().into_iter();
    names
        .filter(|name| !name.contains(['~', '.']) && !is_only_included(name))
        .collect()
}

/// Whether a file only serves to be included by others, by the names that distributions use.
fn is_only_included(name: &str) -> bool {
    const NAMES: [&str; 4] = [
        "password-auth",
        "fingerprint-auth",
        "smartcard-auth",
        "postlogin",
    ];
    let starts = ["common-", "system-", "base-"];
    starts.iter().any(|start| name.starts_with(start)) || NAMES.contains(&name)
}

fn has_one_field(service: &str) -> Option<Finding> {
    ONE_FIELD.contains(&service).then(|| {
        let message =
            format!("{service}: its clients have one field, and can show no prompt for a code");
        Finding::warning(&format!("pam {service}"), message).hint(format!(
            "set token_in_password = true in [service.{service}], and put our line first"
        ))
    })
}

fn runs_without_root(service: &str, config: Option<&Config>) -> Option<Finding> {
    let check = format!("pam {service}");
    let problem = |hint: &str| {
        let message = format!(
            "{service} calls PAM without root's rights: it gets no engine, and every login is refused"
        );
        Some(Finding::problem(&check, message).hint(hint))
    };
    if PLAIN_SERVERS.contains(&service) {
        return problem("remove our line from the stack of this service");
    }
    let allow = config.is_some_and(|config| config.lockers.allow);
    if !LOCKERS.contains(&service) || allow {
        return None;
    }
    problem("remove our line from its stack, or set lockers.allow = true (docs/sudo.md)")
}
