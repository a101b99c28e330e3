//! What is wrong with sshd's settings for one connection. Pure: asks nobody.

use super::ask::Settings;
use crate::commands::doctor::Level;

/// What is wrong, and what to do.
pub(super) type Finding = (Level, String, &'static str);

/// What is wrong with the settings for one connection.
pub(super) fn check(
    settings: &Settings,
    is_root: bool,
    has_first_factor: bool,
    deadline: Option<u64>,
) -> Vec<Finding> {
    let get = |name: &str| settings.get(name).map_or("", String::as_str);
    let mut found = Vec::new();
    if settings.is_empty() {
        return found;
    }
    if get("usepam") == "no" {
        let message = "UsePAM is off: sshd asks no module".to_owned();
        found.push((Level::Problem, message, "set `UsePAM yes`"));
        return found;
    }
    if get("kbdinteractiveauthentication") == "no" {
        let message = "KbdInteractiveAuthentication is off: nobody can type a token".to_owned();
        found.push((
            Level::Problem,
            message,
            "set `KbdInteractiveAuthentication yes`",
        ));
    }
    found.extend(methods(&ways_in(settings), has_first_factor));
    let root_login = get("permitrootlogin");
    let keys_only = [
        "without-password",
        "prohibit-password",
        "forced-commands-only",
    ];
    if is_root && keys_only.contains(&root_login) {
        let message = format!(
            "PermitRootLogin {root_login} lets root use no keyboard-interactive: root's second factor always fails"
        );
        found.push((
            Level::Warning,
            message,
            "log in as a sudoer, and keep it so",
        ));
    }
    if get("usedns") == "yes" {
        let message = "UseDNS is on: the log shows names that their owners choose".to_owned();
        found.push((Level::Warning, message, "set `UseDNS no`"));
    }
    if let Ok(grace @ 1..) = get("logingracetime").parse::<u64>()
        && let Some(deadline) = deadline.filter(|deadline| grace < *deadline)
    {
        let message =
            format!("LoginGraceTime {grace} ends a login before deadline_seconds {deadline} does");
        found.push((Level::Warning, message, "raise the one or lower the other"));
    }
    found
}

/// The lists of methods of which each lets in.
fn ways_in(settings: &Settings) -> Vec<&str> {
    /// What sshd offers when no list is set, by the setting that switches it off.
    const METHODS: [(&str, &str); 5] = [
        ("pubkeyauthentication", "publickey"),
        ("kbdinteractiveauthentication", "keyboard-interactive"),
        ("passwordauthentication", "password"),
        ("hostbasedauthentication", "hostbased"),
        ("gssapiauthentication", "gssapi-with-mic"),
    ];
    let is_on = |name: &str| settings.get(name).is_some_and(|value| value == "yes");
    match settings.get("authenticationmethods").map(String::as_str) {
        None | Some("" | "any") => METHODS
            .iter()
            .filter(|(setting, _)| is_on(setting))
            .map(|(_, method)| *method)
            .collect(),
        Some(lists) => lists.split_whitespace().collect(),
    }
}

/// What is wrong when the account is shared, and no way in has both a key and a prompt.
pub(super) fn keyless(settings: &Settings) -> Option<Finding> {
    let tells_who =
        |list: &&str| list.contains("publickey") && list.contains("keyboard-interactive");
    let is_wrong = !settings.is_empty() && !ways_in(settings).iter().any(tells_who);
    is_wrong.then(|| {
        (
            Level::Warning,
            "a shared account is told apart by the SSH key, and sshd asks for none: always refused"
                .to_owned(),
            "set `AuthenticationMethods publickey,keyboard-interactive` in a Match block for it",
        )
    })
}

fn methods(lists: &[&str], has_first_factor: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for list in lists {
        let names: Vec<_> = list
            .split(',')
            .map(|name| name.split(':').next().unwrap_or(name))
            .collect();
        if !names
            .iter()
            .any(|name| matches!(*name, "keyboard-interactive" | "password"))
        {
            found.push((
                Level::Problem,
                format!("`{list}` alone lets in, without the second factor"),
                "set `AuthenticationMethods publickey,keyboard-interactive` or `keyboard-interactive`, in Match blocks too",
            ));
        } else if !names.contains(&"keyboard-interactive") {
            // It asks PAM as well, and answers each prompt with the password.
            found.push((
                Level::Warning,
                format!("`{list}` gives no way to type a token: it is always refused"),
                "set `PasswordAuthentication no`, and use keyboard-interactive",
            ));
        } else if !has_first_factor && !names.contains(&"publickey") {
            found.push((
                Level::Problem,
                format!("`{list}` lets in with a token alone: the stack asks for no password"),
                "set `AuthenticationMethods publickey,keyboard-interactive`, in Match blocks too",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::ask::settings;
    use super::*;

    fn said(text: &str, is_root: bool, has_first_factor: bool) -> String {
        let all = check(&settings(text), is_root, has_first_factor, Some(90));
        all.into_iter()
            .map(|(level, message, _)| format!("{}: {message}\n", level.word()))
            .collect()
    }

    const GOOD: &str = "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\npubkeyauthentication yes\npermitrootlogin no\nusedns no\nlogingracetime 120\n";

    #[test]
    fn the_settings_of_the_readme_are_right() {
        let password = format!("{GOOD}authenticationmethods keyboard-interactive\n");
        assert_eq!(said(&password, false, true), "");
        let key = format!("{GOOD}authenticationmethods publickey,keyboard-interactive:pam\n");
        assert_eq!(said(&key, false, false), "");
    }

    #[test]
    fn a_shared_account_needs_a_key_before_the_prompt() {
        let of = |methods: &str| {
            let text = format!("{GOOD}authenticationmethods {methods}\n");
            keyless(&settings(&text)).is_some()
        };
        assert!(of("keyboard-interactive"));
        assert!(of("publickey keyboard-interactive"));
        assert!(!of("publickey,keyboard-interactive:pam"));
        assert!(!of("keyboard-interactive publickey,keyboard-interactive"));
        assert!(keyless(&Settings::new()).is_none());
    }

    #[test]
    fn a_key_alone_is_a_way_round() {
        assert!(said(GOOD, false, true).contains("problem: `publickey` alone lets in"));
        let two = format!("{GOOD}authenticationmethods keyboard-interactive publickey,hostbased\n");
        assert!(said(&two, false, true).contains("`publickey,hostbased` alone"));
    }

    #[test]
    fn every_method_that_asks_no_module_is_a_way_round() {
        for (setting, method) in [
            ("hostbasedauthentication", "hostbased"),
            ("gssapiauthentication", "gssapi-with-mic"),
        ] {
            let text = format!("{GOOD}authenticationmethods any\n{setting} yes\n");
            let said = said(&text, false, true);
            assert!(
                said.contains(&format!("`{method}` alone lets in")),
                "{said}"
            );
        }
    }

    #[test]
    fn the_method_password_cannot_carry_a_token() {
        let text = format!("{GOOD}authenticationmethods password keyboard-interactive\n");
        let listed = said(&text, false, true);
        assert!(
            listed.contains("warning: `password` gives no way"),
            "{listed}"
        );
        let text = GOOD.replace("passwordauthentication no", "passwordauthentication yes");
        assert!(said(&text, false, true).contains("`password` gives no way"));
    }

    #[test]
    fn a_stack_without_a_password_needs_the_key() {
        let text = format!("{GOOD}authenticationmethods keyboard-interactive\n");
        assert!(said(&text, false, false).contains("a token alone"));
    }

    #[test]
    fn what_would_lock_out_is_found() {
        let text = GOOD.replace("usepam yes", "usepam no");
        assert!(said(&text, false, true).contains("UsePAM is off"));
        let text = GOOD.replace(
            "kbdinteractiveauthentication yes",
            "kbdinteractiveauthentication no",
        );
        assert!(said(&text, false, true).contains("nobody can type a token"));
        for value in [
            "without-password",
            "prohibit-password",
            "forced-commands-only",
        ] {
            let text = GOOD.replace("permitrootlogin no", &format!("permitrootlogin {value}"));
            assert!(said(&text, true, true).contains("root's second factor always fails"));
            assert!(!said(&text, false, true).contains("root"));
        }
        let text = GOOD
            .replace("logingracetime 120", "logingracetime 60")
            .replace("usedns no", "usedns yes");
        let said = said(&text, false, true);
        assert!(
            said.contains("LoginGraceTime 60") && said.contains("UseDNS"),
            "{said}"
        );
    }
}
