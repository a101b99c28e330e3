//! The state folder: who has access to it, and files in it that a login cannot use.

use std::path::Path;
use std::time::SystemTime;

use pam_authy::store::config::Config;
use pam_authy::store::limits;
use pam_authy::store::recovery;
use pam_authy::store::remember;
use pam_authy::store::state::{self, Error, Folder};
use pam_authy::store::twilio::{StartedFiles, UsedFiles};
use pam_authy::store::users::Mapping;
use pam_authy::store::verdicts;

use super::Finding;
use crate::output::shown_name;

const CHECK: &str = "state";

/// Checks the folder and every file in it; returns one `ok` when nothing is wrong.
pub(super) fn check(config: &Config, mapping: Option<&Mapping>) -> Vec<Finding> {
    let path = &config.paths.state;
    match Folder::find(path, &[]) {
        Ok(Some(_)) => {}
        Ok(None) => return vec![missing(path)],
        Err(error) => return vec![unusable_folder(&error)],
    }
    let mut findings = check_counts(config, mapping);
    findings.extend(check_files_of_users(
        recovery::unreadable(path),
        mapping,
        |error, user| {
            Finding::problem(CHECK, error.to_string()).hint(format!(
                "no recovery code of that user works: authyctl recovery generate {user} --replace"
            ))
        },
    ));
    findings.extend(check_files_of_users(
        remember::unreadable(path),
        mapping,
        |error, user| {
            Finding::warning(CHECK, error.to_string()).hint(format!(
                "no login of that user is remembered: authyctl forget {user}"
            ))
        },
    ));
    findings.extend(check_twilio(path));
    findings.extend(check_verdicts(path));
    if findings.is_empty() {
        let message = format!("only root has access to {} and its files", path.display());
        findings.push(Finding::ok(CHECK, message));
    }
    findings
}

/// Returns the files of counts that cannot be used.
fn check_counts(config: &Config, mapping: Option<&Mapping>) -> Vec<Finding> {
    let listing = match limits::list(&config.paths.state, &config.limits, SystemTime::now()) {
        Ok(listing) => listing,
        Err(error) => return vec![unusable_folder(&error)],
    };
    let finding = |error: &Error| {
        let finding = Finding::problem(CHECK, error.to_string());
        match user_of(error, mapping) {
            Some(user) => {
                let refused = match is_of_lockers(&config.paths.state, error) {
                    true => "screen lockers of that user are",
                    false => "that user is",
                };
                finding.hint(format!(
                    "{refused} refused until this is fixed: authyctl unlock {user}"
                ))
            }
            None => finding.hint(
                "the user or address that is counted there is refused until this is fixed: remove the file",
            ),
        }
    };
    listing.errors.iter().map(finding).collect()
}

/// Returns the files of used codes of apps at Twilio, and of codes that were sent, that cannot be
/// used.
fn check_twilio(path: &Path) -> Vec<Finding> {
    let of_app = |error: &Error| {
        Finding::problem(CHECK, error.to_string())
            .hint("no code of that app is accepted until this is fixed: remove the file")
    };
    let of_number = |error: &Error| {
        Finding::warning(CHECK, error.to_string()).hint(
            "a code that is sent there works only at the prompt that sent it: remove the file",
        )
    };
    let used = UsedFiles::unreadable(path);
    let started = StartedFiles::unreadable(path);
    let used = used.map(|errors| errors.iter().map(of_app).collect());
    let started = started.map(|errors| errors.iter().map(of_number).collect());
    let all = [used, started].into_iter();
    all.flat_map(|found: Result<Vec<_>, Error>| {
        found.unwrap_or_else(|error| vec![unusable_folder(&error)])
    })
    .collect()
}

/// Returns the files of verdicts that cannot be used.
fn check_verdicts(path: &Path) -> Vec<Finding> {
    let listing = verdicts::list(path).unwrap_or_else(|error| verdicts::Listing {
        errors: vec![error],
        ..Default::default()
    });
    let finding = |error: &Error| {
        Finding::warning(CHECK, error.to_string())
            .hint("the verdicts of that service are missing in authyctl metrics: remove the file")
    };
    listing.errors.iter().map(finding).collect()
}

/// Turns the errors of files that belong to one user each into findings.
fn check_files_of_users(
    unreadable: Result<Vec<Error>, Error>,
    mapping: Option<&Mapping>,
    finding: impl Fn(&Error, &str) -> Finding,
) -> Vec<Finding> {
    let name = |error: &Error| user_of(error, mapping).unwrap_or_else(|| "USER".to_owned());
    match unreadable {
        Ok(errors) => errors
            .iter()
            .map(|error| finding(error, &name(error)))
            .collect(),
        Err(error) => vec![unusable_folder(&error)],
    }
}

/// A login creates the folder when it is missing, but not the folders above it.
fn missing(path: &Path) -> Finding {
    let shown = path.display();
    if path.parent().is_some_and(Path::is_dir) {
        let message = format!("{shown} does not exist yet; the first login creates it");
        return Finding::ok(CHECK, message);
    }
    Finding::problem(CHECK, format!("{shown}: the parent folder is missing"))
        .hint("nothing can be counted, so every code is refused: create the parent folder")
}

fn unusable_folder(error: &Error) -> Finding {
    Finding::problem(CHECK, error.to_string())
        .hint("it must belong to root with mode 0700: until then nothing can be counted, and logins are refused")
}

/// Whether an error is about a file of the counts of screen lockers.
fn is_of_lockers(state: &Path, error: &Error) -> bool {
    error.path().starts_with(limits::of_lockers(state))
}

/// Returns the user of the mapping to whom the file of `error` belongs. File names are hashes of
/// names.
fn user_of(error: &Error, mapping: Option<&Mapping>) -> Option<String> {
    let name = error.path().file_name()?.to_str()?;
    let (user, _) = mapping?
        .iter()
        .find(|(user, _)| state::file_name(user) == name)?;
    Some(shown_name(user))
}
