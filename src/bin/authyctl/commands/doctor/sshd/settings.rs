//! What is wrong with sshd's settings for one login. Pure: runs nothing, and reads no file.

use pam_authy::login::policy::Exemption;

use super::access::{self, Access};
use super::ask::Settings;
use super::security_keys::{self, SecurityKeys};
use crate::commands::doctor::Finding;

/// The values of PermitRootLogin that allow root only a key.
const KEYS_ONLY: [&str; 3] = [
    "without-password",
    "prohibit-password",
    "forced-commands-only",
];

/// Methods that call PAM for more than the account.
const CALL_PAM: [&str; 2] = ["keyboard-interactive", "password"];

/// Methods that prove something before PAM is called.
pub(super) const FIRST_FACTORS: [&str; 3] = ["publickey", "gssapi-with-mic", "hostbased"];

/// What is known of a login beyond sshd's settings.
pub(super) struct Login {
    pub(super) is_root: bool,
    /// The user administers this host, and is not root.
    pub(super) is_administrator: bool,
    /// The rule of `[exempt]` that applies; `exempt` checks such a login.
    pub(super) exemption: Option<Exemption>,
    /// How the user can log in today, where that matters.
    pub(super) access: Option<Access>,
    /// Several people share the account, and the SSH key tells them apart.
    pub(super) is_shared: bool,
    /// The user's security keys, where the service accepts them.
    pub(super) security_keys: Option<SecurityKeys>,
    /// The stack asks for a password before the second factor.
    pub(super) has_first_factor: bool,
    /// The stack lets in no account without a password.
    pub(super) requires_password: bool,
    /// No rule of config.toml lets the user in without the second factor.
    pub(super) needs_factor: bool,
    /// The stack can let a user in without the second factor.
    pub(super) is_bypassed: bool,
    /// Password and code are one reply (`token_in_password`), which sshd's `password` carries too.
    pub(super) takes_one_reply: bool,
    /// `[remember]` wants logins of this service that had a key.
    pub(super) remembers_by_key: bool,
    /// `deadline_seconds`, where the configuration could be read.
    pub(super) deadline: Option<u64>,
}

/// Whether there is nothing to say of a login: sshd could not be asked about it, or refuses root.
pub(super) fn says_nothing(settings: &Settings, login: &Login) -> bool {
    let setting = settings.get("permitrootlogin");
    settings.is_empty() || login.is_root && setting.is_some_and(|value| value == "no")
}

/// Returns what is wrong with the settings for one login; nothing for a user about whom sshd could
/// not be asked.
pub(super) fn check(settings: &Settings, login: &Login) -> Vec<Finding> {
    if says_nothing(settings, login) {
        return Vec::new();
    }
    let mut findings = if settings.get("usepam").is_some_and(|value| value == "no") {
        let message = "UsePAM is off: sshd does not call PAM";
        vec![Finding::problem("sshd", message).hint("set `UsePAM yes`")]
    } else {
        check_with_pam(settings, login)
    };
    findings.extend(no_key(settings).filter(|_| login.is_shared));
    findings.extend(not_remembered(settings).filter(|_| login.remembers_by_key));
    if let Some(keys) = &login.security_keys {
        findings.extend(security_keys::check(settings, keys));
    }
    findings
}

fn check_with_pam(settings: &Settings, login: &Login) -> Vec<Finding> {
    let get = |name: &str| settings.get(name).map_or("", String::as_str);
    let mut findings = Vec::new();
    let is_carried = login.takes_one_reply && get("passwordauthentication") == "yes";
    if get("kbdinteractiveauthentication") == "no" && login.needs_factor && !is_carried {
        let message = "KbdInteractiveAuthentication is off: no code can be typed";
        findings
            .push(Finding::problem("sshd", message).hint("set `KbdInteractiveAuthentication yes`"));
    }
    let mut methods = methods(settings);
    if login.is_root && KEYS_ONLY.contains(&get("permitrootlogin")) {
        methods.retain(|list| !method_names(list).any(|name| CALL_PAM.contains(&name)));
    } else if methods.is_empty() {
        let message = "no list of AuthenticationMethods has only methods that are switched on: nobody gets in";
        findings.push(
            Finding::problem("sshd", message).hint("switch on the methods of one of its lists"),
        );
    }
    let is_password = |list: &&str| method_names(list).any(|name| name == "password");
    let all_refused =
        methods.iter().all(is_password) && !login.is_bypassed && !login.takes_one_reply;
    findings.extend(
        methods
            .iter()
            .filter_map(|list| check_methods(list, login, all_refused)),
    );
    findings.extend(
        login
            .access
            .and_then(|access| locked_out(&methods, access, login)),
    );
    findings.extend(
        login
            .access
            .and_then(|access| access::untold(&methods, access, login.requires_password)),
    );
    if login.is_root {
        findings.extend(root_by_key_only(get("permitrootlogin")));
    }
    if get("usedns") == "yes" {
        let message =
            "UseDNS is on: the log shows host names that the owner of the address chooses";
        findings.push(Finding::warning("sshd", message).hint("set `UseDNS no`"));
    }
    findings.extend(short_grace_time(get("logingracetime"), login.deadline));
    findings.extend(penalties(settings));
    findings
}

/// On by default since sshd 9.8: each refused login delays the next ones from its address, and
/// three people who mistype a code behind one address may lock it out for minutes.
fn penalties(settings: &Settings) -> Option<Finding> {
    let is_on = settings
        .get("persourcepenalties")
        .is_some_and(|value| value != "no");
    let exempts = settings
        .get("persourcepenaltyexemptlist")
        .map_or("none", String::as_str);
    (is_on && exempts == "none").then(|| {
        let message = "PerSourcePenalties: refused codes of a few people lock out everybody behind their address for a while";
        Finding::warning("sshd", message)
            .hint("name your own networks in PerSourcePenaltyExemptList")
    })
}

fn root_by_key_only(permit_root_login: &str) -> Option<Finding> {
    KEYS_ONLY.contains(&permit_root_login).then(|| {
        let message = format!(
            "PermitRootLogin {permit_root_login} allows root no keyboard-interactive: root's second factor always fails"
        );
        Finding::warning("sshd", message).hint("log in as another administrator, and leave it so")
    })
}

fn short_grace_time(grace: &str, deadline: Option<u64>) -> Option<Finding> {
    let (grace, deadline) = (grace.parse::<u64>().ok()?, deadline?);
    // 0 means no limit.
    (1..deadline).contains(&grace).then(|| {
        let message =
            format!("LoginGraceTime {grace} ends a login before deadline_seconds {deadline} does");
        Finding::warning("sshd", message).hint("raise the one or lower the other")
    })
}

/// Returns the lists of methods that are enough to log in and do not call PAM for a prompt.
pub(super) fn without_prompt(settings: &Settings) -> Vec<String> {
    let asks = |list: &str| method_names(list).any(|name| CALL_PAM.contains(&name));
    let lists = methods(settings).into_iter().filter(|list| !asks(list));
    lists.map(str::to_owned).collect()
}

/// Returns the lists of methods, each of which is enough to log in. sshd drops a list with a method
/// that is switched off.
pub(super) fn methods(settings: &Settings) -> Vec<&str> {
    /// What sshd offers when no list is set, each with the setting that switches it off.
    const METHODS: [(&str, &str); 5] = [
        ("pubkeyauthentication", "publickey"),
        ("kbdinteractiveauthentication", "keyboard-interactive"),
        ("passwordauthentication", "password"),
        ("hostbasedauthentication", "hostbased"),
        ("gssapiauthentication", "gssapi-with-mic"),
    ];
    let get = |name: &str| settings.get(name).map(String::as_str);
    let is_on = |(setting, method): &(&str, &str)| {
        get(setting) == Some("yes") && (*method != "publickey" || reads_keys(settings))
    };
    let on = METHODS.iter().filter(|method| is_on(method));
    match get("authenticationmethods") {
        None | Some("" | "any") => on.map(|(_, method)| *method).collect(),
        Some(lists) => {
            let is_off = |name: &str| {
                let known = METHODS.iter().find(|(_, method)| *method == name);
                known.is_some_and(|method| get(method.0).is_some() && !is_on(method))
            };
            // bsdauth and skey are names of other systems' devices: sshd of Linux has pam alone.
            let is_unknown = |method: &str| {
                method
                    .strip_prefix("keyboard-interactive:")
                    .is_some_and(|device| device != "pam")
            };
            let lists = lists.split_whitespace();
            lists
                .filter(|list| !method_names(list).any(is_off))
                .filter(|list| !list.split(',').any(is_unknown))
                .collect()
        }
    }
}

/// Whether sshd looks for keys anywhere.
fn reads_keys(settings: &Settings) -> bool {
    let sources = [
        "authorizedkeysfile",
        "authorizedkeyscommand",
        "trustedusercakeys",
    ];
    let mut known = sources
        .iter()
        .filter_map(|name| settings.get(*name))
        .peekable();
    known.peek().is_none() || known.any(|value| value != "none")
}

/// Returns what is wrong with a shared account: no list of methods has both a key and a prompt.
fn no_key(settings: &Settings) -> Option<Finding> {
    asks_for_no_key(settings).then(|| {
        let message = "the SSH key tells the people of a shared account apart, but sshd requires no key: every login is refused";
        Finding::warning("sshd", message).hint(
            "set `AuthenticationMethods publickey,keyboard-interactive` in a Match block for it",
        )
    })
}

/// Returns a warning where `[remember] by = "key"` remembers no login.
fn not_remembered(settings: &Settings) -> Option<Finding> {
    asks_for_no_key(settings).then(|| {
        let message = "[remember] by = \"key\" remembers no login: sshd requires no key before it calls PAM";
        Finding::warning("sshd", message).hint(
            "set `AuthenticationMethods publickey,keyboard-interactive`, or by = \"login\" in [remember]",
        )
    })
}

/// Whether no list of methods has both a key and a prompt.
fn asks_for_no_key(settings: &Settings) -> bool {
    let has_both =
        |list: &&str| list.contains("publickey") && list.contains("keyboard-interactive");
    !settings.is_empty() && !methods(settings).iter().any(has_both)
}

/// Returns a problem when a user can meet no list of methods with what they log in by today.
pub(super) fn locked_out(methods: &[&str], access: Access, login: &Login) -> Option<Finding> {
    if methods.iter().any(|list| can_meet(list, access, login)) {
        return None;
    }
    let (message, hint) = match (access.password, access.key) {
        (Some(false), Some(false)) => (
            "an administrator has neither a password nor a key, and cannot log in over ssh",
            "passwd USER, or a key in ~/.ssh/authorized_keys",
        ),
        (Some(false), _) => (
            "an administrator has a key and no password, but is asked for a password",
            "set a password, or have sshd require the key instead: authyctl pam enable sshd --with-key",
        ),
        (_, Some(false)) if methods.iter().any(|list| list.contains("publickey")) => (
            "an administrator has a password and no key, but a key is required",
            "put a key into ~/.ssh/authorized_keys, or enable sshd without --with-key",
        ),
        _ => return None,
    };
    Some(Finding::problem("sshd", message).hint(hint))
}

/// Whether a user can meet a list of methods with what they log in by today.
pub(super) fn can_meet(list: &str, access: Access, login: &Login) -> bool {
    method_names(list).all(|name| match name {
        "publickey" => access.key != Some(false),
        "keyboard-interactive" => !login.requires_password || access.password != Some(false),
        "password" => {
            let is_accepted = !login.needs_factor || login.is_bypassed || login.takes_one_reply;
            is_accepted && access.password != Some(false)
        }
        _ => true,
    })
}

/// Returns the methods of a list, without their submethods.
pub(super) fn method_names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(|name| name.split(':').next().unwrap_or(name))
}

/// Checks one list of methods that is enough to log in.
fn check_methods(list: &str, login: &Login, all_refused: bool) -> Option<Finding> {
    let has = |name: &str| method_names(list).any(|one| one == name);
    if !has("keyboard-interactive") && !has("password") {
        let message = format!("`{list}` alone is enough to log in, without the second factor");
        Some(Finding::problem("sshd", message).hint(
            "set `AuthenticationMethods publickey,keyboard-interactive` or `keyboard-interactive`, in Match blocks too",
        ))
    } else if has("password") && !login.needs_factor {
        None
    } else if has("password") && !login.takes_one_reply {
        // This method calls PAM as well, and answers each prompt with the password.
        let message = format!("`{list}` cannot carry a code: it is always refused");
        let finding = if all_refused {
            Finding::problem("sshd", message + ", and nobody gets in")
        } else {
            Finding::warning("sshd", message)
        };
        Some(finding.hint("set `PasswordAuthentication no`, and use keyboard-interactive"))
    } else if !login.has_first_factor && !FIRST_FACTORS.iter().any(|name| has(name)) {
        let message = format!("`{list}` requires only a code: the stack asks for no password");
        Some(Finding::problem("sshd", message).hint(
            "set `AuthenticationMethods publickey,keyboard-interactive`, in Match blocks too",
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::ask::parse;
    use super::*;
    use crate::commands::doctor::Level;

    fn messages(text: &str, is_root: bool, has_first_factor: bool) -> String {
        let login = Login {
            is_root,
            is_administrator: false,
            exemption: None,
            access: None,
            is_shared: false,
            security_keys: None,
            has_first_factor,
            requires_password: has_first_factor,
            needs_factor: true,
            is_bypassed: false,
            takes_one_reply: false,
            remembers_by_key: false,
            deadline: Some(90),
        };
        let findings = check(&parse(text), &login);
        findings
            .into_iter()
            .map(|finding| format!("{}: {}\n", finding.level.as_str(), finding.message))
            .collect()
    }

    const GOOD: &str = "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\npubkeyauthentication yes\npermitrootlogin no\nusedns no\nlogingracetime 120\n";

    #[test]
    fn the_settings_of_the_readme_are_right() {
        let password = format!("{GOOD}authenticationmethods keyboard-interactive\n");
        assert_eq!(messages(&password, false, true), "");
        let key = format!("{GOOD}authenticationmethods publickey,keyboard-interactive:pam\n");
        assert_eq!(messages(&key, false, false), "");
    }

    #[test]
    fn a_shared_account_needs_a_key_before_the_prompt() {
        let of = |methods: &str| {
            let text = format!("{GOOD}authenticationmethods {methods}\n");
            no_key(&parse(&text)).is_some()
        };
        assert!(of("keyboard-interactive"));
        assert!(of("publickey keyboard-interactive"));
        assert!(!of("publickey,keyboard-interactive:pam"));
        assert!(!of("keyboard-interactive publickey,keyboard-interactive"));
        assert!(no_key(&Settings::new()).is_none());
    }

    #[test]
    fn by_key_a_login_is_remembered_only_where_sshd_asks_for_a_key() {
        let of = |methods: &str| {
            let text = format!("{GOOD}authenticationmethods {methods}\n");
            not_remembered(&parse(&text)).map(|finding| finding.level)
        };
        assert_eq!(of("keyboard-interactive"), Some(Level::Warning));
        assert_eq!(of("publickey,keyboard-interactive"), None);
    }

    #[test]
    fn penalties_for_a_whole_office_are_a_warning_unless_its_network_is_exempt() {
        let rows = [
            (
                "persourcepenalties authfail:5 max:600\npersourcepenaltyexemptlist none\n",
                true,
            ),
            (
                "persourcepenalties authfail:5 max:600\npersourcepenaltyexemptlist 10.0.0.0/8\n",
                false,
            ),
            (
                "persourcepenalties no\npersourcepenaltyexemptlist none\n",
                false,
            ),
            ("", false),
        ];
        for (lines, expected) in rows {
            let text = format!("{GOOD}authenticationmethods keyboard-interactive\n{lines}");
            let said = messages(&text, false, true);
            assert_eq!(
                said.contains("warning: PerSourcePenalties"),
                expected,
                "{lines}: {said}"
            );
        }
    }

    #[test]
    fn a_device_that_sshd_of_linux_does_not_have_admits_no_user() {
        let of = |methods: &str| {
            let text = format!("{GOOD}authenticationmethods {methods}\n");
            messages(&text, false, true)
        };
        assert!(of("keyboard-interactive:bsdauth").contains("nobody gets in"));
        assert_eq!(of("keyboard-interactive:pam"), "");
        assert_eq!(of("keyboard-interactive:bsdauth keyboard-interactive"), "");
    }

    #[test]
    fn a_key_alone_is_a_problem() {
        assert!(messages(GOOD, false, true).contains("problem: `publickey` alone is enough"));
        let two = format!("{GOOD}authenticationmethods keyboard-interactive publickey,hostbased\n");
        assert!(messages(&two, false, true).contains("`publickey,hostbased` alone"));
    }

    #[test]
    fn every_method_that_does_not_call_pam_is_a_problem() {
        for (setting, method) in [
            ("hostbasedauthentication", "hostbased"),
            ("gssapiauthentication", "gssapi-with-mic"),
        ] {
            let text = format!("{GOOD}authenticationmethods any\n{setting} yes\n");
            let said = messages(&text, false, true);
            assert!(
                said.contains(&format!("`{method}` alone is enough")),
                "{said}"
            );
        }
    }

    #[test]
    fn the_method_password_cannot_carry_a_code() {
        let on = GOOD.replace("passwordauthentication no", "passwordauthentication yes");
        let text = format!("{on}authenticationmethods password keyboard-interactive\n");
        let listed = messages(&text, false, true);
        assert!(
            listed.contains("warning: `password` cannot carry a code"),
            "{listed}"
        );
        assert!(messages(&on, false, true).contains("`password` cannot carry a code"));
    }

    #[test]
    fn a_stack_without_a_password_needs_the_key() {
        let text = format!("{GOOD}authenticationmethods keyboard-interactive\n");
        assert!(messages(&text, false, false).contains("only a code"));
    }

    #[test]
    fn who_has_no_password_is_locked_out_only_where_the_stack_requires_one() {
        let text = format!("{GOOD}authenticationmethods keyboard-interactive\n");
        let said = |requires_password: bool| {
            let login = Login {
                is_root: false,
                is_administrator: true,
                access: Some(Access {
                    password: Some(false),
                    key: Some(true),
                }),
                exemption: None,
                is_shared: false,
                security_keys: None,
                has_first_factor: true,
                requires_password,
                needs_factor: true,
                is_bypassed: false,
                takes_one_reply: false,
                remembers_by_key: false,
                deadline: None,
            };
            check(&parse(&text), &login).len()
        };
        assert_eq!((said(true), said(false)), (1, 0));
    }

    #[test]
    fn settings_that_lock_users_out_are_found() {
        let text = GOOD.replace("usepam yes", "usepam no");
        assert!(messages(&text, false, true).contains("UsePAM is off"));
        let text = GOOD.replace(
            "kbdinteractiveauthentication yes",
            "kbdinteractiveauthentication no",
        );
        assert!(messages(&text, false, true).contains("no code can be typed"));
        for value in [
            "without-password",
            "prohibit-password",
            "forced-commands-only",
        ] {
            let text = GOOD.replace("permitrootlogin no", &format!("permitrootlogin {value}"));
            assert!(messages(&text, true, true).contains("root's second factor always fails"));
            assert!(!messages(&text, false, true).contains("root"));
        }
        let text = GOOD
            .replace("logingracetime 120", "logingracetime 60")
            .replace("usedns no", "usedns yes");
        let said = messages(&text, false, true);
        assert!(
            said.contains("LoginGraceTime 60") && said.contains("UseDNS"),
            "{said}"
        );
    }

    #[test]
    fn a_list_with_a_method_that_is_switched_off_is_no_list() {
        let rows = [
            (
                "pubkeyauthentication yes",
                "publickey keyboard-interactive",
                "`publickey` alone",
            ),
            (
                "pubkeyauthentication no",
                "publickey keyboard-interactive",
                "",
            ),
            ("pubkeyauthentication no", "publickey", "nobody gets in"),
            ("authorizedkeysfile none", "publickey", "nobody gets in"),
            (
                "passwordauthentication no",
                "password keyboard-interactive",
                "",
            ),
            (
                "passwordauthentication yes",
                "publickey,password password",
                "is always refused, and nobody gets in",
            ),
        ];
        let mut wrong = Vec::new();
        for (setting, lists, expected) in rows {
            let (name, _) = setting.split_once(' ').unwrap();
            let others: String = GOOD
                .lines()
                .filter(|line| !line.starts_with(name))
                .map(|line| format!("{line}\n"))
                .collect();
            let text = format!("{others}{setting}\nauthenticationmethods {lists}\n");
            let said = messages(&text, false, true);
            if !said.contains(expected) || expected.is_empty() != said.is_empty() {
                wrong.push(format!("{setting}, {lists}: {said}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn the_method_password_lets_in_who_needs_no_code() {
        let text = GOOD.replace("passwordauthentication no", "passwordauthentication yes")
            + "authenticationmethods password\n";
        let said = |needs_factor: bool, is_bypassed: bool| {
            let login = Login {
                is_root: false,
                is_administrator: true,
                access: None,
                exemption: None,
                is_shared: false,
                security_keys: None,
                has_first_factor: true,
                requires_password: true,
                needs_factor,
                is_bypassed,
                takes_one_reply: false,
                remembers_by_key: false,
                deadline: None,
            };
            let findings = check(&parse(&text), &login);
            findings
                .iter()
                .map(|finding| finding.level.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(said(true, false), ["problem"]);
        assert_eq!(said(true, true), ["warning"]);
        assert!(said(false, false).is_empty());
    }
}
