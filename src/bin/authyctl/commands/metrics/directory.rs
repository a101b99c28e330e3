//! Figures of directory.toml: whether it can be used, who it has, what is held, and when the last
//! pass of `authyctl sync` was. Hosts without the table `[directory]` have none of them.

use pam_authy::store::config::Config;
use pam_authy::store::directory::{self, Directory};
use pam_authy::store::users::Entry;

use super::text::Text;
use crate::commands::no_directory;
use crate::error::CommandError;

/// Adds the figures of this host's directory.toml.
pub(super) fn add(text: &mut Text, errors: &mut Vec<CommandError>, config: &Config) {
    if config.directory.is_none() {
        return;
    }
    let state = &config.paths.state;
    let known = Directory::load(state).map_err(|error| errors.push(no_directory(&error)));
    text.gauge(
        "directory_valid",
        "Whether directory.toml can be used; without it, names that users.toml lacks are refused.",
        known.is_ok().into(),
    );
    match directory::last_pass(state) {
        Ok(last) => {
            let last = last.and_then(|last| last.duration_since(std::time::UNIX_EPOCH).ok());
            let last: Vec<_> = last
                .map(|last| (vec![], last.as_secs()))
                .into_iter()
                .collect();
            let help = "When authyctl sync last read the whole directory, in seconds since 1970.";
            text.gauges("directory_last_pass_timestamp_seconds", help, &last);
        }
        Err(error) => errors.push(CommandError::local(error.to_string())),
    }
    if let Ok(known) = known {
        names(text, &known);
    }
}

/// The names by what a login finds, and the changes that are held.
fn names(text: &mut Text, known: &Directory) {
    let (mut people, mut unusable, mut removed) = (0, 0, 0);
    for (_, entry) in known.iter() {
        match entry {
            Entry::Enrolled(_) => people += 1,
            Entry::Removed { .. } => removed += 1,
            Entry::Shared(_) | Entry::Invalid { .. } | Entry::Absent => unusable += 1,
        }
    }
    let samples = [
        ("person", people),
        ("invalid", unusable),
        ("removed", removed),
    ];
    let samples = samples.map(|(kind, number)| (vec![("kind", kind)], number));
    text.gauges("directory_entries", "Entries of directory.toml.", &samples);
    let held = known.held().count() as u64;
    let help = "Changes in the directory that do not count before an administrator accepts them.";
    text.gauge("directory_held", help, held);
}
