//! The state folder: who can get at it, and files in it that a login cannot use.

use std::path::Path;
use std::time::SystemTime;

use pam_authy::base::text;
use pam_authy::store::config::Config;
use pam_authy::store::limits;
use pam_authy::store::recovery;
use pam_authy::store::remember;
use pam_authy::store::state::{self, Error, Folder};
use pam_authy::store::users::Mapping;

use super::Check;

const NAME: &str = "state";

/// What is wrong with the folder or its files, or that nothing is.
pub(super) fn state(config: &Config, mapping: Option<&Mapping>) -> Vec<Check> {
    let path = &config.paths.state;
    match Folder::find(path, &[]) {
        Ok(Some(_)) => {}
        Ok(None) => return vec![missing(path)],
        Err(error) => return vec![folder(&error)],
    }
    let mut checks = counts(config, mapping);
    checks.extend(of_users(
        recovery::unreadable(path),
        mapping,
        |error, user| {
            file(error).hint(&format!(
                "no recovery code of that user works: authyctl recovery generate {user} --replace"
            ))
        },
    ));
    checks.extend(of_users(
        remember::unreadable(path),
        mapping,
        |error, user| {
            Check::warning(NAME, error.to_string()).hint(&format!(
                "no login of that user is remembered: authyctl forget {user}"
            ))
        },
    ));
    if checks.is_empty() {
        let message = format!("{} and its files can be used by root alone", path.display());
        checks.push(Check::ok(NAME, message));
    }
    checks
}

/// Files of counts that cannot be used.
fn counts(config: &Config, mapping: Option<&Mapping>) -> Vec<Check> {
    let listing = match limits::list(&config.paths.state, &config.limits, SystemTime::now()) {
        Ok(listing) => listing,
        Err(error) => return vec![folder(&error)],
    };
    let check = |error: &Error| match user(error, mapping) {
        Some(user) => file(error).hint(&format!(
            "that user is refused until this is mended: authyctl unlock {user}"
        )),
        None => file(error)
            .hint("whoever is counted there is refused until this is mended: take the file away"),
    };
    listing.errors.iter().map(check).collect()
}

/// Files of one user each that cannot be used.
fn of_users(
    found: Result<Vec<Error>, Error>,
    mapping: Option<&Mapping>,
    check: impl Fn(&Error, &str) -> Check,
) -> Vec<Check> {
    let name = |error: &Error| user(error, mapping).unwrap_or_else(|| "USER".to_owned());
    match found {
        Ok(errors) => errors
            .iter()
            .map(|error| check(error, &name(error)))
            .collect(),
        Err(error) => vec![folder(&error)],
    }
}

/// The folder is made by whoever needs it first, and the ones above it are not.
fn missing(path: &Path) -> Check {
    let shown = path.display();
    if path.parent().is_some_and(Path::is_dir) {
        return Check::ok(
            NAME,
            format!("{shown} is not there yet; the first login makes it"),
        );
    }
    Check::problem(NAME, format!("{shown}: the folder above is missing"))
        .hint("nothing can be counted, so every token is refused: make the folder above")
}

fn folder(error: &Error) -> Check {
    Check::problem(NAME, error.to_string())
        .hint("it must belong to root with mode 0700: until then nothing can be counted, and logins are refused")
}

fn file(error: &Error) -> Check {
    Check::problem(NAME, error.to_string())
}

/// The user of the mapping whose file it is.
fn user(error: &Error, mapping: Option<&Mapping>) -> Option<String> {
    let name = error.path().file_name()?.to_str()?;
    let (user, _) = mapping?
        .iter()
        .find(|(user, _)| state::file_name(user) == name)?;
    Some(text::sanitize_to(user, 64))
}
