//! What commands about the mapping say of directory.toml: which file an entry is from, what is held,
//! and what happens to a name that both files have.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pam_authy::store::config::Config;
use pam_authy::store::directory::{self, Directory};
use pam_authy::store::people::Origin;
use pam_authy::store::users::{self, Entry};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::error::CommandError;
use crate::hint::option;
use crate::output::shown_name;

/// The state folder of a host whose configuration has `[directory]`.
fn state(global: &Global) -> Option<PathBuf> {
    let config = Config::load(&global.config).ok()?;
    config.directory.is_some().then_some(config.paths.state)
}

/// The entry that directory.toml has of `user`, where it counts and can be read.
pub(super) fn entry(global: &Global, user: &str) -> Entry {
    let found = state(global).map(|state| directory::find(&state, user));
    found
        .and_then(Result::ok)
        .map_or(Entry::Absent, |found| found.entry)
}

/// Whether directory.toml counts here and has this name, also as one that was removed.
fn has(global: &Global, user: &str) -> bool {
    entry(global, user) != Entry::Absent
}

/// Returns a warning after an enrolment of a name that the directory has, too.
pub(super) fn shadowed(global: &Global, user: &str) -> Option<String> {
    has(global, user).then(|| {
        let user = shown_name(user);
        format!("the directory has {user}, too: users.toml wins, and what the directory lists no longer counts")
    })
}

/// Returns a warning after the end of an entry of users.toml behind which the directory has one.
pub(super) fn uncovered(global: &Global, user: &str) -> Option<String> {
    let shown = shown_name(user);
    match entry(global, user) {
        Entry::Absent => None,
        Entry::Removed { .. } => Some(format!(
            "{shown} was removed from the directory, and is refused until authyctl sync {}",
            option("--forget", user)
        )),
        Entry::Enrolled(_) | Entry::Shared(_) | Entry::Invalid { .. } => Some(format!(
            "the directory has {shown}, too: what it lists counts from now on"
        )),
    }
}

/// Refuses to unenroll a name that the directory alone has.
pub(super) fn check_unenroll(global: &Global, user: &str) -> Result<(), CommandError> {
    let is_own = match users::find(&global.users, user) {
        Ok(found) => found.entry != Entry::Absent,
        Err(error) => !error.is_missing(),
    };
    if is_own || !has(global, user) {
        return Ok(());
    }
    let forget = option("--forget", user);
    let user = shown_name(user);
    let message = format!(
        "{user} is from the directory, and not in {}",
        global.users.display()
    );
    Err(CommandError::local(message).hint(format!(
        "take {user} out of the directory, then authyctl sync: the name is refused; authyctl sync {forget} \
         makes it one that was never enrolled"
    )))
}

/// Writes the index of directory.toml. Returns its path and how many names there are; `None` where
/// the file does not count or is not there.
pub(super) fn index(global: &Global) -> Result<Option<(PathBuf, usize)>, CommandError> {
    match state(global) {
        Some(state) => directory::index(&state).map_err(CommandError::local),
        None => Ok(None),
    }
}

/// What `list` adds on a host with a directory.
pub(super) struct Listing {
    /// The names with a change that is held; `None` without a directory.
    held: Option<BTreeSet<String>>,
}

impl Listing {
    pub(super) fn find(global: &Global) -> Self {
        let held = state(global).map(|state| {
            let known = Directory::load(&state).unwrap_or_default();
            known.held().map(|held| held.name).collect()
        });
        Self { held }
    }

    /// Says which file an entry is from, and whether a change of it is held.
    pub(super) fn note(
        &self,
        user: &str,
        origin: Origin,
        row: &mut Vec<String>,
        member: &mut Value,
    ) {
        let Some(held) = &self.held else {
            return;
        };
        let is_listed = origin == Origin::Directory;
        let is_held = is_listed && held.contains(user);
        let file = match origin {
            Origin::Users => "users.toml",
            Origin::Directory => "directory.toml",
        };
        member["file"] = json!(file);
        if is_listed {
            member["held"] = json!(is_held);
            row.push("directory".to_owned());
        }
        if is_held {
            row.push("a change is held".to_owned());
        }
    }
}
