//! totp.toml: whether it can be read, whether each person with an app has a secret that can be
//! used, and last steps that are ahead of the clock.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use pam_authy::engine::shared_words;
use pam_authy::factor::totp::ahead_of_clock;
use pam_authy::store::config::Config;
use pam_authy::store::totp::{self, Entry, Secrets, Steps};
use pam_authy::store::users::Mapping;

use super::{Finding, files};
use crate::output::shown_name;

const CHECK: &str = "totp";

/// Checks the file that belongs to the mapping at `users`; returns nothing where no user has an
/// app.
pub(super) fn check(users: &Path, mapping: &Mapping, config: Option<&Config>) -> Vec<Finding> {
    let path = totp::path(users);
    let names = names(mapping);
    let secrets = match Secrets::load(&path) {
        Ok(secrets) => secrets,
        Err(error) if names.is_empty() && error.is_missing() => return Vec::new(),
        Err(error) => {
            if let Some(hidden) = files::hidden(CHECK, &path) {
                return vec![hidden];
            }
            let hint = "everyone with totp = true is refused until this is fixed";
            return vec![Finding::problem(CHECK, error.to_string()).hint(hint)];
        }
    };
    let unusable = unusable(&secrets, &names).map(|why| {
        let hint = "that user is refused until this is fixed";
        Finding::problem(CHECK, why).hint(hint)
    });
    let mut findings: Vec<_> = unusable.collect();
    findings.extend(unused(&path, &secrets, &names).map(|(name, why)| {
        Finding::warning(CHECK, why).hint(format!(
            "set totp = true in the entry of {name}, or authyctl totp remove {name}"
        ))
    }));
    if let Some(config) = config {
        findings.extend(steps(config, &secrets));
    }
    if findings.is_empty() {
        let message = format!(
            "{} is valid, and everyone with totp = true has a secret",
            path.display()
        );
        findings.push(Finding::ok(CHECK, message));
    }
    findings
}

/// Returns the names of the secrets that the people of the mapping have.
pub(in crate::commands) fn names(mapping: &Mapping) -> BTreeSet<&str> {
    let entries = mapping.iter();
    entries.flat_map(|(_, entry)| entry.totp_names()).collect()
}

/// Returns why secrets of these people cannot be used.
pub(in crate::commands) fn unusable(
    secrets: &Secrets,
    names: &BTreeSet<&str>,
) -> impl Iterator<Item = String> {
    let errors = names.iter().filter_map(|name| secrets.find(name).err());
    errors.map(|error| error.to_string())
}

/// Returns the secrets that no entry of the mapping uses: the name, and a text that says so.
pub(in crate::commands) fn unused(
    path: &Path,
    secrets: &Secrets,
    names: &BTreeSet<&str>,
) -> impl Iterator<Item = (String, String)> {
    let unused = secrets.iter().filter(|(name, _)| !names.contains(name));
    unused.map(|(name, entry)| {
        let (path, line, name) = (path.display(), entry.line(), shown_name(name));
        let text = format!("{path}:{line}: no entry of users.toml uses the secret of {name}");
        (name, text)
    })
}

/// Last steps that are ahead of the clock, and files of them that cannot be used.
fn steps(config: &Config, secrets: &Secrets) -> Vec<Finding> {
    let steps = Steps::new(&config.paths.state, shared_words::map);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    let valid = secrets
        .iter()
        .filter_map(|(name, entry)| Some((name, Entry::app(entry)?)));
    valid
        .filter_map(|(name, app)| match steps.last(app.id()) {
            Ok(last) => {
                let line = ahead_of_clock(name, last?, now)?;
                Some(Finding::warning(CHECK, line))
            }
            Err(error) => {
                let name = shown_name(name);
                let hint = format!("no code of {name} is accepted: authyctl totp reset {name}");
                Some(Finding::problem(CHECK, error.to_string()).hint(hint))
            }
        })
        .collect()
}
