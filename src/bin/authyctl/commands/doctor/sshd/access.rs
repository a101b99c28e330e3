//! What an account can log in with today: whether it has a password, a key and a shell, and whether
//! a list in sshd's settings refuses it. This is read from the files that sshd and pam_unix read.

use std::ffi::CString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::fcntl::OFlag;
use nix::unistd::{Group, Uid, User, getgrouplist};

use super::ask::Settings;
use super::text::matches;
use crate::commands::doctor::Finding;

/// Shells that end at once.
const NO_SHELLS: [&str; 4] = [
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/bin/false",
    "/usr/bin/false",
];

/// The most that is read of a user's file of keys, in bytes.
const KEYS_LIMIT: u64 = 1024 * 1024;

/// What an account can log in with; `None` where that cannot be told.
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

/// Returns how `user` can log in; `None` for an account that does not exist, or that has a shell
/// that ends at once.
pub(super) fn of(user: &str, settings: &Settings) -> Option<Access> {
    let account = User::from_name(user).ok().flatten()?;
    let shell = account.shell.as_os_str();
    if NO_SHELLS.iter().any(|no_shell| shell == *no_shell) || is_expired(user) {
        return None;
    }
    Some(Access {
        password: has_password(user),
        key: has_key(&account, settings),
    })
}

/// Whether sshd refuses every login of a user. Root's second factor needs `PermitRootLogin yes`.
pub(super) fn is_closed(user: &str, settings: &Settings) -> bool {
    let root_login = settings
        .get("permitrootlogin")
        .map_or("yes", String::as_str);
    user == "root" && root_login != "yes"
        || is_denied(user, settings)
        || of(user, settings).is_none()
}

/// Whether DenyUsers, AllowUsers, DenyGroups or AllowGroups refuse a user. A list of users refuses
/// no one here where its answer depends on the host of the login.
pub(super) fn is_denied(user: &str, settings: &Settings) -> bool {
    let has = |name: &str| settings.contains_key(name);
    let list = |name: &str| {
        settings
            .get(name)
            .map_or("", String::as_str)
            .split_whitespace()
    };
    let users = |name: &str| is_listed(list(name).map(|pattern| is_user(pattern, user)));
    let known = groups(user);
    let groups =
        |name: &str| list(name).any(|pattern| known.iter().any(|group| matches(pattern, group)));
    users("denyusers") == Some(true)
        || has("allowusers") && users("allowusers") == Some(false)
        || has("denygroups") && groups("denygroups")
        || has("allowgroups") && !groups("allowgroups")
}

/// Whether a pattern is for a user; `None` where that depends on the host, after `@`.
fn is_user(pattern: &str, user: &str) -> Option<bool> {
    match pattern.rsplit_once('@') {
        None => Some(matches(pattern, user)),
        Some((pattern, _)) => (!matches(pattern, user)).then_some(false),
    }
}

/// Whether one of the patterns is for a user; `None` where that depends on more than a name.
fn is_listed(patterns: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let all: Vec<_> = patterns.collect();
    if all.contains(&Some(true)) {
        return Some(true);
    }
    (!all.contains(&None)).then_some(false)
}

/// Returns the names of the groups of a user.
pub(super) fn groups(user: &str) -> Vec<String> {
    let Ok(Some(account)) = User::from_name(user) else {
        return Vec::new();
    };
    let name = CString::new(user).unwrap_or_default();
    let ids = getgrouplist(&name, account.gid).unwrap_or_default();
    let groups = ids
        .into_iter()
        .filter_map(|id| Group::from_gid(id).ok().flatten());
    groups.map(|group| group.name).collect()
}

/// Returns a finding where it cannot be told whether a user can meet one of the lists of methods.
pub(super) fn untold(methods: &[&str], access: Access, requires_password: bool) -> Option<Finding> {
    let can_meet = |list: &str, unknown: bool| {
        let mut names = list
            .split(',')
            .map(|name| name.split(':').next().unwrap_or(name));
        names.all(|name| match name {
            "publickey" => access.key.unwrap_or(unknown),
            "keyboard-interactive" => !requires_password || access.password.unwrap_or(unknown),
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

/// Returns the accounts of /etc/passwd with a shell that does not end at once; the accounts of a
/// directory cannot be listed.
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

fn has_password(user: &str) -> Option<bool> {
    let hash = shadow(user, 1)?;
    Some(!hash.is_empty() && !hash.starts_with(['!', '*']))
}

/// Whether the account has expired, by the day in shadow(5), which pam_unix and sshd respect.
fn is_expired(user: &str) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let last = shadow(user, 7).and_then(|day| day.parse::<u64>().ok());
    last.is_some_and(|last| now.as_secs() / 86_400 >= last)
}

/// Returns a field of a user in shadow(5), which only root can read; an account of a directory has
/// no line there.
fn shadow(user: &str, field: usize) -> Option<String> {
    let shadow = fs::read("/etc/shadow").ok()?;
    let shadow = String::from_utf8_lossy(&shadow);
    let line = shadow
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    line.split(':').nth(field).map(str::to_owned)
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
    let paths = files("authorizedkeysfile", account, settings);
    Some(paths.iter().any(|path| {
        read(path)
            .lines()
            .map(str::trim)
            .any(|line| !line.is_empty() && !line.starts_with('#'))
    }))
}

/// Returns the files of an account that a setting names.
pub(super) fn files(setting: &str, account: &User, settings: &Settings) -> Vec<PathBuf> {
    let files = settings.get(setting).map_or("none", String::as_str);
    let files = files.split_whitespace().filter(|file| *file != "none");
    files.map(|file| expand(file, account)).collect()
}

/// Returns the text of a user's file, of a megabyte at most; an empty one where it cannot be read.
/// The user may have made anything of it, such as a pipe without an end.
pub(super) fn read(path: &Path) -> String {
    let mut options = fs::OpenOptions::new();
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = options.read(true).custom_flags(flags.bits()).open(path);
    let file = file
        .ok()
        .filter(|file| file.metadata().is_ok_and(|about| about.is_file()));
    let mut text = Vec::new();
    if let Some(file) = file {
        // What was read before an error counts.
        let _ = file.take(KEYS_LIMIT).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
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

#[cfg(test)]
mod tests {
    use super::super::ask::parse;
    use super::*;

    #[test]
    fn lists_of_users_and_groups_are_patterns_without_negation() {
        let rows = [
            ("denyusers p*", true),
            ("denyusers rob* p?", false),
            ("denyusers !pat *@10.0.0.0/8", false),
            ("denyusers *", true),
            ("allowusers ops-* p?t", false),
            ("allowusers ops-*", true),
            ("allowusers ops@192.0.2.1", true),
            ("allowusers pat@192.0.2.1", false),
            ("allowusers !pat", true),
            ("denygroups r?ot", false),
            ("allowgroups no-such-*", true),
        ];
        for (line, expected) in rows {
            let user = "pat";
            assert_eq!(is_denied(user, &parse(line)), expected, "{line}");
        }
        assert!(is_denied("root", &parse("denygroups r?ot")));
        assert!(!is_denied("root", &parse("allowgroups no r*")));
    }
}
