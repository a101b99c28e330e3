//! Rules of config.toml that mean something else than they seem to: an exemption of everyone or
//! without effect, a push that leaves no time for a code, a code after a password that no module
//! takes.

use nix::unistd::{Group, User};
use pam_authy::store::config::{Config, Exempt, Login, Subject};

use super::Finding;
use super::stack::{is_first_factor, is_ours};
use crate::commands::stack::{Files, Handler, Module};
use crate::output::shown_name;

/// How long a person needs to type a code after a push that was not answered, in seconds.
const SECONDS_FOR_A_CODE: u64 = 20;

/// Returns a warning for each rule of `[exempt]` that exempts everyone, root, or no user at all.
pub(super) fn exempt(exempt: &Exempt, files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for network in exempt.networks.iter().filter(|net| net.is_everything()) {
        let message = format!("exempt.networks {network} exempts every login from such an address");
        findings.push(
            Finding::warning("exempt", message).hint("list only the networks that you trust"),
        );
    }
    findings.extend(exempt.users.iter().filter_map(|user| exempt_user(user)));
    findings.extend(exempt.groups.iter().filter_map(|group| exempt_group(group)));
    for service in exempt
        .services
        .iter()
        .filter(|name| files.of_service(name).is_none())
    {
        let message = format!(
            "exempt.services {} has no effect: there is no such service",
            shown_name(service)
        );
        findings
            .push(Finding::warning("exempt", message).hint("use the name of a file in /etc/pam.d"));
    }
    findings
}

/// Services of one program that `sudo -i` and `su -l` tell apart: a table rules both, a list does
/// not.
const PAIRS: [(&str, &str); 2] = [("sudo", "sudo-i"), ("su", "su-l")];

/// Returns a warning for each list of services that names one of a pair and not the other.
pub(super) fn pairs(config: &Config) -> Vec<Finding> {
    let none = Vec::new();
    let lists = [
        ("exempt", &config.exempt.services),
        (
            "remember",
            config.remember.services.as_ref().unwrap_or(&none),
        ),
        (
            "recovery",
            config.recovery.services.as_ref().unwrap_or(&none),
        ),
    ];
    let has = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
    let mut findings = Vec::new();
    for (table, list) in lists {
        for (one, other) in PAIRS {
            let (listed, missing) = match (has(list, one), has(list, other)) {
                (true, false) => (one, other),
                (false, true) => (other, one),
                _ => continue,
            };
            let message = format!("{table}.services has {listed} and not {missing}");
            let hint = format!("lists are literal: add {missing} if it is meant too");
            findings.push(Finding::warning(table, message).hint(hint));
        }
    }
    findings
}

fn exempt_user(user: &str) -> Option<Finding> {
    let shown = shown_name(user);
    let (why, hint) = match User::from_name(user) {
        Ok(Some(account)) if account.name != user => (
            format!("has no effect: the account is called {}", account.name),
            "write the name as the account has it",
        ),
        Ok(Some(account)) if account.uid.is_root() => (
            "exempts root from the second factor".to_owned(),
            "enroll root, and keep recovery codes: authyctl recovery generate root",
        ),
        Ok(None) => (
            "has no effect: there is no such account".to_owned(),
            "remove it, or a later account of that name will be exempt",
        ),
        Ok(Some(_)) | Err(_) => return None,
    };
    Some(Finding::warning("exempt", format!("exempt.users {shown} {why}")).hint(hint))
}

fn exempt_group(group: &str) -> Option<Finding> {
    matches!(Group::from_name(group), Ok(None)).then(|| {
        let shown = shown_name(group);
        let message = format!("exempt.groups {shown} has no effect: there is no such group");
        Finding::warning("exempt", message)
            .hint("remove it, or a later group of that name will be exempt")
    })
}

/// Returns what is wrong with the rules of a service, whose stack is `lines`.
pub(super) fn of_service(service: &str, rules: &Login, lines: &[Handler]) -> Vec<Finding> {
    let check = format!("pam {service}");
    let mut findings = Vec::new();
    if rules.factors.is_empty() {
        let message = format!("{service}: none of its factors can be used: every login is refused");
        findings.push(Finding::problem(&check, message).hint("add \"token\" to factors"));
    }
    let (push, login) = (rules.push_wait.as_secs(), rules.deadline.as_secs());
    if push + SECONDS_FOR_A_CODE > login {
        let message = format!(
            "{service}: a push can be answered for {push} s of the {login} s of a login, which leaves too little time to type a code"
        );
        findings.push(
            Finding::warning(&check, message).hint("lower push_seconds or raise deadline_seconds"),
        );
    }
    if rules.whose == Subject::Caller && service == "sshd" {
        let message = format!(
            "{service}: whose = \"caller\" refuses every login: no user of this host calls sshd"
        );
        findings.push(
            Finding::problem(&check, message).hint("set it for su and sudo only: [service.su]"),
        );
    }
    findings.extend(if rules.token_in_password {
        token_after_password(service, lines)
    } else {
        first_pass_without_setting(service, lines)
    });
    findings
}

fn takes_first_pass(module: &Module) -> bool {
    module.has("try_first_pass") || module.has("use_first_pass")
}

/// Without `token_in_password`, our module refuses every login when its line has `use_first_pass`
/// or `try_first_pass`.
fn first_pass_without_setting(service: &str, lines: &[Handler]) -> Option<Finding> {
    let line = lines.iter().find(|line| is_ours(line))?;
    takes_first_pass(line.module()?).then(|| {
        let message = format!(
            "{}: use_first_pass and try_first_pass refuse every login unless token_in_password is set",
            line.place
        );
        Finding::problem(&format!("pam {service}"), message)
            .hint("remove the argument, or set token_in_password = true for this service")
    })
}

/// With `token_in_password`, our line comes first, and the module that checks the password takes
/// what is left of the reply.
fn token_after_password(service: &str, lines: &[Handler]) -> Option<Finding> {
    let at = lines.iter().position(is_ours)?;
    let ours = lines.get(at)?.module()?;
    let modules = lines.iter().enumerate();
    let modules = modules.filter_map(|(at, line)| Some((at, line, line.module()?)));
    let factors: Vec<_> = modules
        .filter(|(_, _, module)| is_first_factor(module))
        .collect();
    let (message, hint) = match factors.iter().find(|(place, ..)| *place > at) {
        Some((_, line, module)) if !takes_first_pass(module) => (
            format!(
                "{}: {} asks for the password a second time",
                line.place, module.name
            ),
            "add try_first_pass to it",
        ),
        Some(_) => return None,
        None if takes_first_pass(ours) && !factors.is_empty() => return None,
        None => (
            format!(
                "{service}: token_in_password = true, but no line after ours takes the password"
            ),
            "add `auth required pam_unix.so try_first_pass` after our line",
        ),
    };
    Some(Finding::problem(&format!("pam {service}"), message).hint(hint))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Level;
    use super::*;
    use crate::commands::stack::read;

    fn messages(lines: &[&str], change: impl FnOnce(&mut Login)) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), lines.join("\n")).unwrap();
        let entries = read(&Files::folder(folder.path()), "x").unwrap().handlers;
        let mut rules = Login::default();
        change(&mut rules);
        let findings = of_service("x", &rules, &entries);
        findings
            .into_iter()
            .map(|finding| finding.message + "\n")
            .collect()
    }

    fn token_in_password(rules: &mut Login) {
        rules.token_in_password = true;
    }

    const OURS: &str = "auth requisite pam_authy.so";

    #[test]
    fn an_exemption_of_everyone_or_without_effect_is_a_warning() {
        let rules = Exempt {
            users: vec!["root".into(), "nobody-here".into()],
            groups: vec!["no-such-group".into(), "root".into()],
            services: vec!["no-such-service".into()],
            networks: vec![
                "0.0.0.0/0".parse().unwrap(),
                "192.0.2.0/24".parse().unwrap(),
            ],
        };
        let findings = exempt(&rules, &Files::folder(Path::new("/nonexistent")));
        let messages: Vec<_> = findings.iter().map(|f| f.message.as_str()).collect();
        assert!(findings.iter().all(|f| f.level == Level::Warning));
        assert_eq!(findings.len(), 5, "{messages:?}");
        assert!(
            messages[0].contains("0.0.0.0/0 exempts every login"),
            "{messages:?}"
        );
        assert!(messages[1].contains("exempts root"), "{messages:?}");
        let without_effect = messages.iter().filter(|m| m.contains("has no effect"));
        assert_eq!(without_effect.count(), 3);
    }

    #[test]
    fn a_code_after_the_password_needs_our_line_first_and_a_module_that_takes_the_rest() {
        let right = [OURS, "auth required pam_unix.so try_first_pass"];
        assert_eq!(messages(&right, token_in_password), "");
        let twice = messages(&[OURS, "auth required pam_unix.so"], token_in_password);
        assert!(twice.contains("a second time"), "{twice}");
        let wrong = messages(&["auth requisite pam_unix.so", OURS], token_in_password);
        assert!(wrong.contains("no line after ours"), "{wrong}");
        let taken = [
            "auth requisite pam_unix.so",
            "auth required pam_authy.so use_first_pass",
        ];
        assert_eq!(messages(&taken, token_in_password), "");
        let refused = messages(&taken, |_| {});
        assert!(refused.contains("refuse every login unless"), "{refused}");
    }

    #[test]
    fn a_push_that_leaves_no_time_for_a_code_is_a_warning() {
        let late = |rules: &mut Login| rules.deadline = std::time::Duration::from_secs(50);
        assert!(messages(&[OURS], late).contains("too little time to type a code"));
        assert_eq!(messages(&[OURS], |_| {}), "");
    }

    #[test]
    fn a_list_that_names_one_of_a_pair_of_services_is_a_warning() {
        let rows = [
            (
                "[remember]\nservices = [\"sudo\"]",
                "remember.services has sudo and not sudo-i",
            ),
            (
                "[exempt]\nservices = [\"su-l\"]",
                "exempt.services has su-l and not su",
            ),
            (
                "[recovery]\nservices = [\"sshd\", \"su\"]",
                "recovery.services has su and not su-l",
            ),
            ("[remember]\nservices = [\"sudo\", \"sudo-i\"]", ""),
            ("[remember]\nseconds = 5", ""),
        ];
        let mut wrong = Vec::new();
        for (text, expected) in rows {
            let config = Config::parse(text, Path::new("config.toml")).unwrap();
            let found = pairs(&config);
            let found: Vec<_> = found.iter().map(|finding| &finding.message).collect();
            let is_right = match found.as_slice() {
                [] => expected.is_empty(),
                [message] => *message == expected,
                _ => false,
            };
            if !is_right {
                wrong.push(format!("{text}: {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
