//! What is wrong with sshd's settings for a login that `[exempt]` lets in without a second factor.
//! A key alone is intended there, and is only reported. Pure: runs nothing, and reads no file.

use pam_authy::login::policy::Exemption;

use super::access::Access;
use super::ask::Settings;
use super::settings::{
    FIRST_FACTORS, Login, can_meet, locked_out, method_names, methods, says_nothing,
};
use crate::commands::doctor::Finding;

/// Returns the findings about such a login: each list of methods that sshd checks by itself, and
/// logins without any proof.
pub(super) fn check(settings: &Settings, login: &Login, rule: &Exemption) -> Vec<Finding> {
    if says_nothing(settings, login) {
        return Vec::new();
    }
    let methods = methods(settings);
    let lists = methods.iter();
    let mut findings: Vec<_> = lists
        .filter_map(|list| check_methods(list, login.has_first_factor, rule))
        .collect();
    // `left_out` already reports an account that has a key alone.
    let access = login
        .access
        .filter(|access| login.is_administrator && !has_key_alone(*access));
    findings.extend(access.and_then(|access| locked_out(&methods, access, login)));
    findings
}

fn has_key_alone(access: Access) -> bool {
    access.password == Some(false) && access.key != Some(false)
}

fn check_methods(list: &str, has_first_factor: bool, rule: &Exemption) -> Option<Finding> {
    let has = |wanted: &str| method_names(list).any(|name| name == wanted);
    let is_proof = FIRST_FACTORS.iter().any(|name| has(name));
    let calls_pam = has("keyboard-interactive") || has("password");
    if !(is_proof || calls_pam && has_first_factor) {
        let message = format!(
            "`{list}` lets in without any proof: {rule} applies, and the stack asks for no password"
        );
        return Some(Finding::problem("sshd", message).hint(
            "set `AuthenticationMethods publickey` in a Match block for those who are exempt",
        ));
    }
    (!calls_pam).then(|| {
        let message = format!("`{list}` alone is enough to log in, as {rule} allows");
        Finding::ok("sshd", message)
    })
}

/// Returns a problem for an account with a key and no password that none of these logins lets in:
/// sshd asks for a password before it calls PAM, which knows the exemption.
pub(super) fn left_out(logins: &[(Settings, Login)]) -> Option<Finding> {
    let rule = logins
        .iter()
        .find_map(|(_, login)| login.exemption.as_ref())?;
    let is_left_out = |(settings, login): &(Settings, Login)| {
        login.access.is_some_and(|access| {
            let mut lists = methods(settings).into_iter();
            has_key_alone(access) && !lists.any(|list| can_meet(list, access, login))
        })
    };
    logins.iter().all(is_left_out).then(|| {
        let message = format!(
            "{rule} applies, but sshd asks for a password, and the account has a key and no password"
        );
        Finding::problem("sshd", message)
            .hint("set `AuthenticationMethods publickey` in a Match User block for it (docs/ssh.md)")
    })
}

#[cfg(test)]
mod tests {
    use super::super::ask::parse;
    use super::*;

    fn login(methods: &str, has_first_factor: bool) -> (Settings, Login) {
        let text = format!("usepam yes\nauthenticationmethods {methods}\n");
        let login = Login {
            is_root: false,
            is_administrator: true,
            exemption: Some(Exemption {
                key: "users",
                value: "robot".to_owned(),
            }),
            access: Some(Access {
                password: Some(false),
                key: Some(true),
            }),
            is_shared: false,
            security_keys: None,
            has_first_factor,
            requires_password: has_first_factor,
            needs_factor: false,
            is_bypassed: false,
            takes_one_reply: false,
            remembers_by_key: false,
            deadline: Some(90),
        };
        (parse(&text), login)
    }

    fn said(methods: &str, has_first_factor: bool) -> String {
        let (settings, login) = login(methods, has_first_factor);
        let findings = check(&settings, &login, login.exemption.as_ref().unwrap());
        findings
            .into_iter()
            .map(|finding| format!("{}: {}\n", finding.level.as_str(), finding.message))
            .collect()
    }

    #[test]
    fn a_key_alone_is_named_and_no_problem() {
        let expected =
            "ok: `publickey` alone is enough to log in, as exempt.users \"robot\" allows\n";
        assert_eq!(said("publickey", true), expected);
        assert_eq!(said("publickey", false), expected);
    }

    #[test]
    fn a_robot_without_a_password_that_is_asked_for_one_everywhere_is_a_problem() {
        let asked = || login("keyboard-interactive", true);
        let finding = left_out(&[asked(), asked()]).unwrap();
        assert!(finding.message.contains("asks for a password"));
        assert_eq!(left_out(&[asked(), login("publickey", true)]), None);
        let code_alone = login("publickey,keyboard-interactive", false);
        assert_eq!(left_out(&[code_alone]), None);
        assert_eq!(left_out(&[]), None);
    }

    #[test]
    fn an_exempt_administrator_without_the_key_that_sshd_wants_is_a_problem() {
        let said = |is_administrator: bool, methods: &str| {
            let (settings, mut login) = login(methods, true);
            login.is_administrator = is_administrator;
            login.access = Some(Access {
                password: Some(true),
                key: Some(false),
            });
            check(&settings, &login, login.exemption.as_ref().unwrap()).len()
        };
        assert_eq!(said(true, "publickey,keyboard-interactive"), 1);
        assert_eq!(said(true, "keyboard-interactive"), 0);
        assert_eq!(said(false, "publickey,keyboard-interactive"), 0);
    }

    #[test]
    fn a_login_without_any_proof_is_a_problem() {
        for (methods, has_first_factor) in [
            ("keyboard-interactive", false),
            ("password", false),
            ("none", true),
        ] {
            let said = said(methods, has_first_factor);
            assert!(said.contains("without any proof"), "{methods}: {said}");
        }
    }
}
