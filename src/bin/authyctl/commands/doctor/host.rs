//! What a login needs of this host besides our files: a log, a folder that can be written, accounts
//! for the names of the mapping.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{AccessFlags, Uid, User, access};
use pam_authy::host::journal::DEFAULT_LOG;
use pam_authy::host::journald::JOURNALD;
use pam_authy::host::trusted_file;
use pam_authy::store::config::Config;
use pam_authy::store::people::Origin;
use pam_authy::store::users::{Entry, Mapping};

use super::Finding;
use crate::output::{shorten, shown_name};

/// The largest number of names that are looked up, since a directory may be slow.
const LOOK_UP_LIMIT: usize = 1000;

/// Checks log and state folder.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_socket =
        |path: &Path| fs::metadata(path).is_ok_and(|status| status.file_type().is_socket());
    let set = config.paths.log.as_deref();
    let log = set.unwrap_or(Path::new(DEFAULT_LOG));
    if !is_socket(log) && (set.is_some() || !is_socket(Path::new(JOURNALD))) {
        let message = format!("{}: there is no log: audit lines are lost", log.display());
        findings
            .push(Finding::warning("log", message).hint("run a syslog daemon, or set paths.log"));
    }
    findings.extend(set.and_then(replaceable_log));
    // The first login makes the folder where it is missing.
    let state = &config.paths.state;
    let existing = state.ancestors().find(|folder| folder.exists());
    let existing = existing.unwrap_or(state);
    if Uid::effective().is_root() && access(existing, AccessFlags::W_OK) == Err(Errno::EROFS) {
        let message = format!("{}: the file system is read-only", state.display());
        findings.push(Finding::problem("state", message).hint(
            "nothing can be counted, so every code is refused: set paths.state to a folder that can be written",
        ));
    }
    findings
}

/// Returns a warning where a local user could put a socket of their own in place of the log.
fn replaceable_log(path: &Path) -> Option<Finding> {
    let socket = fs::canonicalize(path).ok()?;
    let why = trusted_file::socket(&socket).err()?;
    let message = format!("{why}: a local user could read audit lines, or swallow them");
    let hint = "set paths.log to a socket in folders that only root can write";
    Some(Finding::warning("log", message).hint(hint))
}

/// Returns a warning for users of one id, and one for names that no account has.
pub(super) fn people(mapping: &Mapping) -> Vec<Finding> {
    let mut by_id: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, entry) in mapping.iter() {
        if let Entry::Enrolled(person) = entry
            && let Some(id) = person.authy_id
        {
            by_id.entry(id.to_string()).or_default().push(name);
        }
    }
    let shared = by_id.iter().filter(|(_, names)| names.len() > 1);
    let mut findings: Vec<_> = shared
        .map(|(id, names)| {
            let message = format!(
                "{} have the same authy id {id}: one phone is asked for all of them",
                list(names)
            );
            Finding::warning("accounts", message)
                .hint("is that one person? else give each their own id")
        })
        .collect();
    // A directory has many people who have no account here.
    let own = (mapping.iter()).filter(|(name, _)| mapping.origin(name) == Origin::Users);
    let names = own.map(|(name, _)| name).take(LOOK_UP_LIMIT);
    let missing: Vec<_> = names
        .filter(|name| matches!(User::from_name(name), Ok(None)))
        .collect();
    if !missing.is_empty() {
        let message = format!("no account of this host is called {}", list(&missing));
        findings.push(
            Finding::warning("accounts", message)
                .hint("a typing error? authyctl unenroll removes a name"),
        );
    }
    findings
}

/// Returns the first few names, and how many more there are.
fn list(names: &[&str]) -> String {
    let shown: Vec<_> = names.iter().map(|name| shown_name(name)).collect();
    shorten(&shown)
}
