//! With what an account can log in today: a password, a key, a shell. Read from the files that sshd
//! and pam_unix read.

use std::fs;
use std::path::PathBuf;

use nix::unistd::{Uid, User};

use super::ask::Settings;

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

/// Returns how `user` can log in; `None` for an account that sshd lets nobody log in to: it does not
/// exist, its shell ends at once, or the settings refuse it.
pub(super) fn of(user: &str, settings: &Settings) -> Option<Access> {
    let account = User::from_name(user).ok().flatten()?;
    if NO_SHELLS
        .iter()
        .any(|shell| account.shell.as_os_str() == *shell)
        || is_denied(user, settings)
    {
        return None;
    }
    Some(Access {
        password: has_password(user),
        key: has_key(&account, settings),
    })
}

/// Whether DenyUsers or AllowUsers refuse a user by a name without wildcards, the only ones that are
/// sure here.
fn is_denied(user: &str, settings: &Settings) -> bool {
    let list = |name: &str| {
        settings
            .get(name)
            .map_or("", String::as_str)
            .split_whitespace()
    };
    let is_certain = |pattern: &str| !pattern.contains(['*', '?', '!', '@']);
    let denied = list("denyusers").any(|pattern| pattern == user || pattern == "*");
    let mut allowed = list("allowusers").peekable();
    let is_left_out = allowed.peek().is_some()
        && list("allowusers").all(is_certain)
        && !allowed.any(|pattern| pattern == user);
    denied || is_left_out
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
