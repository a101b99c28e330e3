//! Rules of config.toml that say something else than they seem to: an exemption of everybody or of
//! nobody, a push that outlives the login, a token behind a password that nobody reads.

use std::path::Path;

use nix::unistd::{Group, User};
use pam_authy::base::text;
use pam_authy::store::config::{Exempt, Login, Subject};

use super::stack::{Entry, Module, is_first_factor, modules};
use super::{Check, Level};

/// The time that a person needs for a token when a push was not answered, in seconds.
const ROOM_FOR_A_TOKEN: u64 = 20;

/// What is odd about `[exempt]`; each rule that exempts everybody or nobody is named.
pub(super) fn exempt(exempt: &Exempt, pam_dir: &Path) -> Vec<Check> {
    let mut found = Vec::new();
    let mut warn = |message: String, hint: &str| {
        found.push(Check::new("exempt", Level::Warning, message).hint(hint));
    };
    for network in exempt.networks.iter().filter(|net| net.is_everything()) {
        let message = format!("exempt.networks {network} exempts everybody with such an address");
        warn(message, "name the networks that you trust");
    }
    for user in &exempt.users {
        let shown = text::sanitize_to(user, 64);
        match User::from_name(user) {
            Ok(Some(account)) if account.name != *user => warn(
                format!(
                    "exempt.users {shown} exempts nobody: the account is called {}",
                    account.name
                ),
                "write the name as the account has it",
            ),
            Ok(Some(account)) if account.uid.is_root() => warn(
                format!("exempt.users {shown} exempts root from the second factor"),
                "enroll root, and keep recovery codes: authyctl recovery generate root",
            ),
            Ok(None) => warn(
                format!("exempt.users {shown} exempts nobody: there is no such account"),
                "take it out, before somebody gets an account of that name",
            ),
            Ok(Some(_)) | Err(_) => {}
        }
    }
    for group in &exempt.groups {
        if matches!(Group::from_name(group), Ok(None)) {
            let shown = text::sanitize_to(group, 64);
            warn(
                format!("exempt.groups {shown} exempts nobody: there is no such group"),
                "take it out, before somebody makes a group of that name",
            );
        }
    }
    for service in exempt
        .services
        .iter()
        .filter(|name| !pam_dir.join(name).exists())
    {
        let shown = text::sanitize_to(service, 64);
        let message = format!(
            "exempt.services {shown} exempts nobody: it has no file in {}",
            pam_dir.display()
        );
        warn(message, "see the names of the files there");
    }
    found
}

/// What is odd about the rules of a service whose stack is `entries`.
pub(super) fn of_service(service: &str, rules: &Login, entries: &[Entry<Module>]) -> Vec<Check> {
    let name = format!("pam {service}");
    let mut found = Vec::new();
    let (push, whole) = (rules.push_wait.as_secs(), rules.deadline.as_secs());
    if push + ROOM_FOR_A_TOKEN > whole {
        let message = format!(
            "{service}: a push may be answered for {push} s of the {whole} s of a login, which leaves no time for a token"
        );
        let check = Check::new(&name, Level::Warning, message);
        found.push(check.hint("make push_seconds shorter, or deadline_seconds longer"));
    }
    if rules.whose == Subject::Caller && service == "sshd" {
        let message = format!(
            "{service}: whose = \"caller\" refuses everybody: nobody calls sshd from this host"
        );
        let check = Check::new(&name, Level::Problem, message);
        found.push(check.hint("set it for su and sudo only: [service.su]"));
    }
    found.extend(password_order(service, rules.token_in_password, entries));
    found
}

/// With the token behind the password our line comes first and the password's module takes what is left;
/// without it `use_first_pass` refuses everybody.
fn password_order(service: &str, behind: bool, entries: &[Entry<Module>]) -> Option<Check> {
    let all = modules(entries);
    let at = all.iter().position(|(_, module)| module.is_ours())?;
    let (_, ours) = all.get(at)?;
    let takes_first =
        |module: &Module| module.has("try_first_pass") || module.has("use_first_pass");
    let problem = |message: String, hint: &str| {
        Some(Check::new(&format!("pam {service}"), Level::Problem, message).hint(hint))
    };
    if !behind {
        return if takes_first(ours) {
            problem(
                format!(
                    "{}: use_first_pass and try_first_pass refuse everybody without token_in_password",
                    ours.place
                ),
                "take the argument out, or set token_in_password = true for this service",
            )
        } else {
            None
        };
    }
    let factors: Vec<_> = all
        .iter()
        .enumerate()
        .filter(|(_, (_, module))| is_first_factor(module))
        .collect();
    match factors.iter().find(|(place, _)| *place > at) {
        Some((_, (_, module))) if !takes_first(module) => problem(
            format!(
                "{}: {} asks for the password a second time",
                module.place, module.name
            ),
            "give it try_first_pass",
        ),
        Some(_) => None,
        None if takes_first(ours) && !factors.is_empty() => None,
        None => problem(
            format!(
                "{service}: token_in_password = true, and no line behind ours takes the password"
            ),
            "put `auth required pam_unix.so try_first_pass` behind our line",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stack::read;
    use super::*;

    fn said(lines: &[&str], change: impl FnOnce(&mut Login)) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), lines.join("\n")).unwrap();
        let entries = read(folder.path(), "x").unwrap();
        let mut rules = Login::default();
        change(&mut rules);
        let checks = of_service("x", &rules, &entries);
        checks
            .into_iter()
            .map(|check| check.message + "\n")
            .collect()
    }

    fn behind(rules: &mut Login) {
        rules.token_in_password = true;
    }

    const OURS: &str = "auth requisite pam_authy.so";

    #[test]
    fn a_rule_that_exempts_everybody_or_nobody_is_a_warning() {
        let rules = Exempt {
            users: vec!["root".into(), "nobody-here".into()],
            groups: vec!["no-such-group".into(), "root".into()],
            services: vec!["no-such-service".into()],
            networks: vec![
                "0.0.0.0/0".parse().unwrap(),
                "192.0.2.0/24".parse().unwrap(),
            ],
        };
        let checks = exempt(&rules, Path::new("/nonexistent"));
        let said: Vec<_> = checks.iter().map(|check| check.message.as_str()).collect();
        assert!(checks.iter().all(|check| check.level == Level::Warning));
        assert_eq!(checks.len(), 5, "{said:?}");
        assert!(said[0].contains("0.0.0.0/0 exempts everybody"), "{said:?}");
        assert!(said[1].contains("exempts root"), "{said:?}");
        assert_eq!(
            said.iter()
                .filter(|said| said.contains("exempts nobody"))
                .count(),
            3
        );
    }

    #[test]
    fn a_token_behind_the_password_needs_our_line_first_and_a_module_that_takes_the_rest() {
        let right = [OURS, "auth required pam_unix.so try_first_pass"];
        assert_eq!(said(&right, behind), "");
        let twice = said(&[OURS, "auth required pam_unix.so"], behind);
        assert!(twice.contains("a second time"), "{twice}");
        let wrong = said(&["auth requisite pam_unix.so", OURS], behind);
        assert!(wrong.contains("no line behind ours"), "{wrong}");
        let taken = [
            "auth requisite pam_unix.so",
            "auth required pam_authy.so use_first_pass",
        ];
        assert_eq!(said(&taken, behind), "");
        let refused = said(&taken, |_| {});
        assert!(refused.contains("refuse everybody without"), "{refused}");
    }

    #[test]
    fn a_push_that_outlives_the_login_is_a_warning() {
        let late = |rules: &mut Login| rules.deadline = std::time::Duration::from_secs(50);
        assert!(said(&[OURS], late).contains("no time for a token"));
        assert_eq!(said(&[OURS], |_| {}), "");
    }
}
