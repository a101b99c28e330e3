//! What sshd would do for each administrator and each enrolled person, from here and from elsewhere.
//!
//! sshd itself says so: `sshd -T -C user=…,host=…,addr=…` prints the settings with every Match block
//! applied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use pam_authy::config::Config;
use pam_authy::text;
use pam_authy::users::Mapping;

use super::people::People;
use super::{Check, Level, Protected};

/// Where sshd is.
const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
/// The most people for whom sshd is asked.
const PEOPLE_LIMIT: usize = 50;
/// Loopback, and an address that belongs to nobody (RFC 5737).
const ADDRESSES: [(&str, &str); 2] = [
    ("localhost", "127.0.0.1"),
    ("elsewhere.example", "192.0.2.1"),
];

/// sshd's settings for one connection, by their names in small letters.
type Settings = BTreeMap<String, String>;

pub(super) fn sshd(
    protected: &[Protected],
    config: &Config,
    mapping: Option<&Mapping>,
    people: &People,
    settings_file: Option<&Path>,
) -> Vec<Check> {
    let Some(stack) = protected.iter().find(|p| p.service == "sshd") else {
        return Vec::new();
    };
    let Some(program) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
        return vec![Check::warning("sshd", "sshd is not installed")];
    };
    let mut names: BTreeSet<String> = people.admins.clone();
    names.extend(
        mapping
            .into_iter()
            .flat_map(Mapping::iter)
            .map(|(name, _)| name.to_owned()),
    );
    let deadline = config.login("sshd").deadline.as_secs();
    let mut found: BTreeMap<(Level, String, &'static str), Vec<String>> = BTreeMap::new();
    for name in names.iter().take(PEOPLE_LIMIT) {
        for (host, address) in ADDRESSES {
            let settings = match ask(program, name, host, address, settings_file) {
                Ok(settings) => settings,
                Err(why) => return vec![Check::warning("sshd", why).hint("run doctor as root")],
            };
            for (level, message, hint) in
                judge(&settings, name == "root", stack.has_first_factor, deadline)
            {
                let who = format!("{} from {address}", text::clean_to(name, 64));
                found.entry((level, message, hint)).or_default().push(who);
            }
        }
    }
    if found.is_empty() {
        return vec![Check::ok(
            "sshd",
            "sshd asks everybody for the second factor",
        )];
    }
    found
        .into_iter()
        .map(|((level, message, hint), who)| {
            Check::new("sshd", level, format!("{message} ({})", shortened(&who))).hint(hint)
        })
        .collect()
}

/// The first few, and how many more.
fn shortened(who: &[String]) -> String {
    const SHOWN: usize = 3;
    let first: Vec<_> = who.iter().take(SHOWN).map(String::as_str).collect();
    match who.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn ask(
    program: &str,
    user: &str,
    host: &str,
    address: &str,
    settings_file: Option<&Path>,
) -> Result<Settings, String> {
    // A comma would begin another condition.
    if user.contains([',', '=']) {
        return Ok(Settings::new());
    }
    let output = Command::new(program)
        .args(["-T", "-C"])
        .arg(format!("user={user},host={host},addr={address}"))
        .args(settings_file.map(|_| "-f"))
        .args(settings_file)
        .env_clear()
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        let line = text::clean(error.lines().next().unwrap_or("failed"));
        return Err(format!("sshd -T: {line}"));
    }
    Ok(settings(&String::from_utf8_lossy(&output.stdout)))
}

fn settings(text: &str) -> Settings {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect()
}

type Finding = (Level, String, &'static str);

/// What is wrong with the settings for one connection.
fn judge(
    settings: &Settings,
    is_root: bool,
    has_first_factor: bool,
    deadline: u64,
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
    found.extend(methods(
        get("authenticationmethods"),
        get("pubkeyauthentication") != "no",
        has_first_factor,
    ));
    let root_login = get("permitrootlogin");
    if is_root && matches!(root_login, "without-password" | "prohibit-password") {
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
        && grace < deadline
    {
        let message =
            format!("LoginGraceTime {grace} ends a login before deadline_seconds {deadline} does");
        found.push((Level::Warning, message, "raise the one or lower the other"));
    }
    found
}

/// The ways in that sshd offers.
fn methods(lists: &str, public_keys: bool, has_first_factor: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let lists: Vec<&str> = match lists {
        "" | "any" if public_keys => vec!["publickey", "keyboard-interactive"],
        "" | "any" => vec!["keyboard-interactive"],
        lists => lists.split_whitespace().collect(),
    };
    for list in lists {
        let names: Vec<_> = list
            .split(',')
            .map(|name| name.split(':').next().unwrap_or(name))
            .collect();
        // The method `password` asks PAM as well, without a way to type the token: it is refused.
        if !names
            .iter()
            .any(|name| matches!(*name, "keyboard-interactive" | "password"))
        {
            found.push((
                Level::Problem,
                format!("`{list}` alone lets in, without the second factor"),
                "set `AuthenticationMethods publickey,keyboard-interactive` or `keyboard-interactive`, in Match blocks too",
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
    use super::*;

    fn said(text: &str, is_root: bool, has_first_factor: bool) -> String {
        let all = judge(&settings(text), is_root, has_first_factor, 90);
        all.into_iter()
            .map(|(level, message, _)| format!("{}: {message}\n", level.word()))
            .collect()
    }

    const GOOD: &str = "usepam yes\nkbdinteractiveauthentication yes\npubkeyauthentication yes\npermitrootlogin no\nusedns no\nlogingracetime 120\n";

    #[test]
    fn the_settings_of_the_readme_are_right() {
        let password = format!("{GOOD}authenticationmethods keyboard-interactive\n");
        assert_eq!(said(&password, false, true), "");
        let key = format!("{GOOD}authenticationmethods publickey,keyboard-interactive:pam\n");
        assert_eq!(said(&key, false, false), "");
    }

    #[test]
    fn a_key_alone_is_a_way_round() {
        assert!(said(GOOD, false, true).contains("problem: `publickey` alone lets in"));
        let two = format!("{GOOD}authenticationmethods keyboard-interactive publickey,hostbased\n");
        assert!(said(&two, false, true).contains("`publickey,hostbased` alone"));
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
        let text = GOOD.replace("permitrootlogin no", "permitrootlogin without-password");
        assert!(said(&text, true, true).contains("root's second factor always fails"));
        assert!(!said(&text, false, true).contains("root"));
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
