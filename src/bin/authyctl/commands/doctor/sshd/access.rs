//! With what an account can log in today: a password, a key, a shell, and no list of sshd's settings
//! that refuses it. Read from the files that sshd and pam_unix read.

use std::fs;
use std::path::PathBuf;

use nix::unistd::{Uid, User};
use pam_authy::host::account;

use super::ask::Settings;
use crate::commands::doctor::Finding;

/// Shells that end at once.
const NO_SHELLS: [&str; 4] = [
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/bin/false",
    "/usr/bin/false",
];

/// With what an account can log in; `None` where that cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Access {
    /// It has a password that pam_unix accepts.
    pub(super) password: Option<bool>,
    /// It has a file of keys that sshd reads.
    pub(super) key: Option<bool>,
}

impl Access {
    /// Whether it is known that the account has neither a password nor a key.
    pub(super) fn is_none(self) -> bool {
        self.password == Some(false) && self.key == Some(false)
    }
}

/// Returns how `user` can log in; `None` for an account that does not exist, or whose shell ends at
/// once.
pub(super) fn of(user: &str, settings: &Settings) -> Option<Access> {
    let account = User::from_name(user).ok().flatten()?;
    let shell = account.shell.as_os_str();
    if NO_SHELLS.iter().any(|no_shell| shell == *no_shell) {
        return None;
    }
    Some(Access {
        password: has_password(user),
        key: has_key(&account, settings),
    })
}

/// Whether sshd lets a user in by no means. The second factor of root needs `PermitRootLogin yes`.
pub(super) fn is_closed(user: &str, settings: &Settings) -> bool {
    let root_login = settings
        .get("permitrootlogin")
        .map_or("yes", String::as_str);
    user == "root" && root_login != "yes"
        || is_denied(user, settings)
        || of(user, settings).is_none()
}

/// Whether DenyUsers, AllowUsers, DenyGroups or AllowGroups refuse a user. A pattern with a host says
/// nothing that is sure here.
pub(super) fn is_denied(user: &str, settings: &Settings) -> bool {
    let list = |name: &str| -> Vec<&str> {
        let patterns = settings.get(name).map_or("", String::as_str);
        patterns.split_whitespace().collect()
    };
    let is_member = |group: &str| {
        account::group_of(user, &[group.to_owned()]).is_ok_and(|group| group.is_some())
    };
    is_listed(&list("denyusers"), |name| name == user) == Some(true)
        || is_left_out(&list("allowusers"), |name| name == user)
        || is_listed(&list("denygroups"), is_member) == Some(true)
        || is_left_out(&list("allowgroups"), is_member)
}

/// Whether a list is there, and has no pattern for somebody.
fn is_left_out(patterns: &[&str], is_meant: impl Fn(&str) -> bool) -> bool {
    !patterns.is_empty() && is_listed(patterns, is_meant) == Some(false)
}

/// Whether one of the patterns is for somebody; `None` where that depends on more than a name.
fn is_listed(patterns: &[&str], is_meant: impl Fn(&str) -> bool) -> Option<bool> {
    if patterns
        .iter()
        .any(|pattern| *pattern == "*" || is_meant(pattern))
    {
        return Some(true);
    }
    let is_certain = |pattern: &&str| !pattern.contains(['*', '?', '!', '@']);
    patterns.iter().all(is_certain).then_some(false)
}

/// Returns a finding where it depends on something that cannot be told whether a user can meet one of
/// the lists of methods.
pub(super) fn untold(methods: &[&str], access: Access, has_first_factor: bool) -> Option<Finding> {
    let can_meet = |list: &str, unknown: bool| {
        let mut names = list
            .split(',')
            .map(|name| name.split(':').next().unwrap_or(name));
        names.all(|name| match name {
            "publickey" => access.key.unwrap_or(unknown),
            "keyboard-interactive" => !has_first_factor || access.password.unwrap_or(unknown),
            _ => name != "password",
        })
    };
    if methods.iter().any(|list| can_meet(list, false)) {
        return None;
    }
    let list = methods.iter().find(|list| can_meet(list, true))?;
    let message = if access.key.is_none() && list.contains("publickey") {
        "cannot tell whether an administrator has a key: AuthorizedKeysCommand or TrustedUserCAKeys decides"
    } else {
        "cannot tell whether an administrator has a password: the account is not in /etc/shadow"
    };
    Some(Finding::unknown("sshd", message).hint("try a login before you close this one"))
}

/// Returns the accounts of /etc/passwd whose shell does not end at once; those of a directory cannot
/// be listed.
pub(super) fn accounts() -> Vec<String> {
    let text = fs::read("/etc/passwd").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields
        .filter(|fields| {
            let shell = fields.get(6);
            shell.is_some_and(|shell| !NO_SHELLS.contains(shell))
        })
        .filter_map(|fields| fields.first().map(|name| (*name).to_owned()))
        .collect()
}

/// Reads shadow(5), which only root can; an account of a directory has no line there.
fn has_password(user: &str) -> Option<bool> {
    let shadow = fs::read("/etc/shadow").ok()?;
    let shadow = String::from_utf8_lossy(&shadow);
    let line = shadow
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    let hash = line.split(':').nth(1)?;
    Some(!hash.is_empty() && !hash.starts_with(['!', '*']))
}

/// Looks at the files of AuthorizedKeysFile. Keys that a command prints cannot be told.
fn has_key(account: &User, settings: &Settings) -> Option<bool> {
    let get = |name: &str| settings.get(name).map_or("none", String::as_str);
    if get("pubkeyauthentication") == "no" {
        return Some(false);
    }
    if get("authorizedkeyscommand") != "none" || get("trustedusercakeys") != "none" {
        return None;
    }
    if !Uid::effective().is_root() {
        return None;
    }
    let files = get("authorizedkeysfile")
        .split_whitespace()
        .filter(|file| *file != "none");
    let mut paths = files.map(|file| expand(file, account));
    Some(paths.any(|path| {
        let text = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines()
            .map(str::trim)
            .any(|line| !line.is_empty() && !line.starts_with('#'))
    }))
}

/// Expands `%h`, `%u`, `%U` and `%%` (sshd_config(5), TOKENS); a relative name is below the home.
fn expand(file: &str, account: &User) -> PathBuf {
    let home = account.dir.to_string_lossy();
    let mut path = String::new();
    let mut rest = file.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '%' { rest.next() } else { None }) {
            ('%', Some('h')) => path.push_str(&home),
            ('%', Some('u')) => path.push_str(&account.name),
            ('%', Some('U')) => path.push_str(&account.uid.to_string()),
            ('%', Some(other)) => path.push(other),
            (c, _) => path.push(c),
        }
    }
    account.dir.join(path)
}
