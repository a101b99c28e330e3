//! The state folder: who can get at it, and files in it that a login cannot use.

use std::path::Path;
use std::time::SystemTime;

use pam_authy::config::Config;
use pam_authy::state::{self, Error, Folder};
use pam_authy::users::Mapping;
use pam_authy::{limits, recovery, remember, text};

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
    let mut checks = Vec::new();
    match limits::list(path, &config.limits, SystemTime::now()) {
        Ok(listing) => {
            let hint = "that user is refused until this is mended: authyctl unlock";
            let shared =
                "whose counts are there is refused until this is mended: take the file away";
            checks.extend(
                listing
                    .errors
                    .iter()
                    .map(|error| match user(error, mapping) {
                        Some(user) => file(error).hint(&format!("{hint} {user}")),
                        None => file(error).hint(shared),
                    }),
            );
        }
        Err(error) => checks.push(folder(&error)),
    }
    match recovery::unreadable(path) {
        Ok(errors) => checks.extend(errors.iter().map(|error| {
            let user = user(error, mapping).unwrap_or_else(|| "USER".to_owned());
            file(error).hint(&format!(
                "no recovery code of that user works: authyctl recovery generate {user} --replace"
            ))
        })),
        Err(error) => checks.push(folder(&error)),
    }
    match remember::unreadable(path) {
        Ok(errors) => checks.extend(errors.iter().map(|error| {
            let user = user(error, mapping).unwrap_or_else(|| "USER".to_owned());
            Check::warning(NAME, error.to_string()).hint(&format!(
                "no login of that user is remembered: authyctl forget {user}"
            ))
        })),
        Err(error) => checks.push(folder(&error)),
    }
    if checks.is_empty() {
        let message = format!("{} and its files can be used by root alone", path.display());
        checks.push(Check::ok(NAME, message));
    }
    checks
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
    Some(text::clean_to(user, 64))
}
