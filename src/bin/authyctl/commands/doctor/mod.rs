//! `doctor`: checks everything that a login needs, and finds who would be locked out or could log
//! in without the second factor.
//!
//! Each file below checks one subject and returns findings, which `finding` prints. `pam enable`
//! runs the same checks on a copy of the stacks before it changes them. Nothing here changes
//! anything.

mod absent;
mod administrators;
mod directory;
mod doas;
mod engine;
mod enroll_by;
mod enrolled;
mod files;
mod finding;
mod host;
mod ids;
mod leniency;
mod only_keys;
mod own_files;
mod patience;
mod rules;
pub(super) mod secrets;
mod service;
mod services;
mod sshd;
mod stack;
mod state;
mod sudo;
mod twilio;

use std::path::Path;

use pam_authy::store::config::{Config, Provider};
use pam_authy::store::users::Mapping;

pub(crate) use sshd::{
    MissingAccounts, OF_VENDOR as SSHD_CONFIG_OF_VENDOR, included as included_by_sshd,
    includes as sshd_includes, login as sshd_login, words as words_of_sshd,
};
pub(crate) use stack::bypass;

use administrators::Administrators;
use finding::{Finding, Level};
use services::Protected;
use stack::our_lines;

use crate::cli::{DoctorArgs, Global};
use crate::commands::migrate::{Status, UsableApps};
use crate::commands::pam;
use crate::commands::stack::{Files, PAM_DIR, read};
use crate::commands::sudoers::{SUDOERS, Sudoers};
use crate::commands::totp::at_prompt;
use crate::error::CommandError;
use crate::output::{Output, shorten, shown_name};

pub(crate) fn doctor(global: &Global, args: &DoctorArgs) -> Result<Output, CommandError> {
    let files = if args.pam_dir == Path::new(PAM_DIR) {
        Files::below(Path::new("/"))
    } else {
        Files::folder(&args.pam_dir)
    };
    finding::report(&check_all(global, &files, None))
}

/// Returns the messages of all problems that doctor finds with these stacks and, where given, the
/// settings of sshd in `sshd_settings`.
pub(crate) fn problems(
    global: &Global,
    files: &Files,
    sshd_settings: Option<&Path>,
) -> Vec<String> {
    let findings = check_all(global, files, sshd_settings);
    let problems = findings
        .into_iter()
        .filter(|finding| finding.level == Level::Problem);
    problems.map(|finding| finding.message).collect()
}

/// Returns the messages of the problems that doctor finds with the stack of one service.
pub(crate) fn problems_of(global: &Global, files: &Files, service: &str) -> Vec<String> {
    let config = Config::load(&global.config).ok();
    let of_sshd = sshd::services(None);
    let (findings, _) = services::check(files, config.as_ref(), global, &of_sshd);
    let (check, path) = (format!("pam {service}"), files.of_service(service));
    // With the colon before the number of the line: `sudo` is no part of `sudo-i`.
    let path = path.map(|path| format!("{}:", path.display()));
    let is_of_service = |finding: &Finding| {
        finding.check == check
            || path
                .as_ref()
                .is_some_and(|path| finding.message.contains(path))
    };
    findings
        .into_iter()
        .filter(|finding| finding.level == Level::Problem && is_of_service(finding))
        .map(|finding| finding.message)
        .collect()
}

/// Returns a warning for each change that waits to be confirmed, and for each that was rolled back
/// since the last `pam` command.
fn unconfirmed() -> Vec<Finding> {
    let warning = |service: String| {
        let message = format!("the change of {service} was rolled back: it was not confirmed");
        Finding::warning("pam", message).hint(format!("authyctl pam enable {service}"))
    };
    let waiting = pam::waiting().into_iter().map(|line| {
        let hint = "authyctl pam confirm keeps it, authyctl pam rollback undoes it now";
        Finding::warning("pam", line).hint(hint)
    });
    waiting
        .chain(pam::rolled_back().into_iter().map(warning))
        .collect()
}

/// Returns the accounts that can log in and have no factor, as far as `config` says what this host
/// can check.
pub(crate) fn missing(
    global: &Global,
    config: Option<&Config>,
    mapping: &mut Mapping,
) -> MissingAccounts {
    if let Some(config) = config {
        at_prompt::include(mapping, &global.users, config);
    }
    let stacks = Files::below(Path::new("/"));
    let administrators = Administrators::find(&Sudoers::read(Path::new(SUDOERS)));
    let (_, protected) = services::check(&stacks, config, global, &sshd::services(None));
    let host = sshd::Host {
        protected: &protected,
        config,
        mapping: Some(mapping),
        administrators: &administrators,
    };
    sshd::missing(&host, None)
}

/// On a host with both providers: who depends on one of them alone. Where Twilio is preferred, the
/// days of Authy are numbered.
fn providers(users: &Path, config: &Config, mapping: &Mapping) -> Option<Finding> {
    if config.authy.is_none() || config.twilio.is_none() {
        return None;
    }
    let apps = UsableApps::find(users, config, mapping);
    let status = Status::of(config, mapping, &apps);
    let lost = status.at_authy_alone();
    if config.login("sshd").provider != Some(Provider::Twilio) {
        let (authy, twilio) = (lost.len(), status.at_twilio_alone().len());
        let message = format!(
            "without Authy {authy} of {} people would be locked out, without Twilio {twilio}",
            status.people()
        );
        return Some(Finding::ok("providers", message));
    }
    let names: Vec<_> = lost.iter().map(|user| shown_name(user)).collect();
    Some(match names.len() {
        0 => Finding::ok("providers", "no one depends on Authy alone"),
        count => {
            let people = if count == 1 {
                "person depends"
            } else {
                "people depend"
            };
            let message = format!(
                "{count} {people} on Authy alone, and would be locked out without it: {}",
                shorten(&names)
            );
            Finding::warning("providers", message).hint("authyctl migrate status shows all")
        }
    })
}

/// Whether a service of this host uses the module.
pub(crate) fn is_used() -> bool {
    is_used_in(&Files::below(Path::new("/")))
}

fn is_used_in(stacks: &Files) -> bool {
    let uses_us = |service: &String| {
        read(stacks, service).is_ok_and(|stack| !our_lines(&stack.handlers).is_empty())
    };
    stacks.services().iter().any(uses_us)
}

/// Whether nothing has been done on this host yet, so that nothing can be wrong.
fn is_not_set_up(global: &Global, stacks: &Files) -> bool {
    !global.config.exists() && !global.users.exists() && !is_used_in(stacks)
}

/// Runs every check, in the order in which the findings are printed. Asks the
/// providers about the keys, and Authy about the administrators.
fn check_all(global: &Global, stacks: &Files, sshd_settings: Option<&Path>) -> Vec<Finding> {
    let mut findings = unconfirmed();
    if is_not_set_up(global, stacks) {
        let message = format!(
            "not set up yet: {} does not exist, and no service uses pam_authy.so",
            global.config.display()
        );
        let next = "authyctl init, then authyctl enroll USER, then authyctl pam enable sshd";
        findings.push(Finding::unknown("config", message).hint(next));
        return findings;
    }
    let sudoers = Sudoers::read(Path::new(SUDOERS));
    let administrators = Administrators::find(&sudoers);
    let (of_files, config, mapping) = files::load(global);
    findings.extend(of_files);
    let (config, mapping) = (config.as_ref(), mapping.as_ref());
    if let Some(config) = config {
        findings.extend(state::check(config, mapping));
        findings.extend(enrolled::check(&global.users, config, mapping));
        findings.extend(host::check(config));
        findings.extend(rules::exempt(&config.exempt, stacks));
        findings.extend(rules::pairs(config));
        findings.extend(service::check(config, mapping, &administrators));
        findings.extend(twilio::check(config, mapping));
        findings.extend(mapping.and_then(|mapping| providers(&global.users, config, mapping)));
    }
    findings.extend(engine::check(config));
    let (of_stacks, protected) =
        services::check(stacks, config, global, &sshd::services(sshd_settings));
    findings.extend(of_stacks);
    let host = sshd::Host {
        protected: &protected,
        config,
        mapping,
        administrators: &administrators,
    };
    findings.extend(sshd::check(&host, sshd_settings));
    findings.extend(enroll_by::check(&host, sshd_settings));
    if let (Some(config), Some(mapping)) = (config, mapping) {
        findings.extend(only_keys::check(&protected, config, mapping));
    }
    findings.extend(sudo::check(&protected, &sudoers, stacks, config));
    findings.extend(doas::check(&protected));
    if let Some(mapping) = mapping {
        findings.extend(host::people(mapping));
        // Without the configuration, doctor cannot tell which users a login refuses.
        if files::hidden("config", &global.config).is_none() {
            let closed = sshd::closed(&host, sshd_settings);
            findings.extend(administrators.locked_out(&protected, config, mapping, &closed));
        }
    }
    findings
}
