//! Apps whose codes this host checks: `enroll --totp`, `totp …`.
//!
//! A secret is shown once, when it is made, and is never an argument. What is read of one is not
//! trusted, and no error quotes it.

pub(super) mod at_prompt;
mod check;
mod enroll;
pub(super) mod enrolment;
mod list;
mod remove;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use pam_authy::base::factor::Code;
use pam_authy::engine::shared_words;
use pam_authy::factor::totp::{MAX_AHEAD, matching_times};
use pam_authy::store::config::Config;
use pam_authy::store::totp::{self, Authenticator, Secrets, Steps};
use pam_authy::store::users::Entry;
use serde_json::json;

use super::entry;
use crate::cli::{Global, TotpCommand, UserArg};
use crate::error::CommandError;
use crate::output::{Output, shown_name};

pub(super) use enroll::enroll;
pub(super) use remove::drop_unused;

pub(crate) fn totp(global: &Global, command: &TotpCommand) -> Result<Output, CommandError> {
    match command {
        TotpCommand::Check(args) => check::check(global, args),
        TotpCommand::Reset(args) => reset(global, args),
        TotpCommand::Remove(args) => remove::remove(global, args),
        TotpCommand::List => list::list(global),
    }
}

fn reset(global: &Global, args: &UserArg) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    let App { app, .. } = app_of(global, user)?;
    let changed = steps(global)?.reset(app.id())?;
    let shown = shown_name(user);
    let line = if changed {
        format!("the last code of {shown} is forgotten; a code that was just used works once more")
    } else {
        format!("no code of {shown} was used")
    };
    Ok(Output::new(
        vec![line],
        json!({"user": user, "changed": changed}),
    ))
}

/// The secrets of totp.toml; `None` where there is no such file.
pub(super) fn own_secrets(global: &Global) -> Result<Option<Secrets>, CommandError> {
    match Secrets::load(&path(global)) {
        Ok(secrets) => Ok(Some(secrets)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Checks totp.toml and writes its look-up index. Returns the path of the index and the number of
/// entries; `None` where there is no totp.toml.
pub(super) fn index(global: &Global) -> Result<Option<(PathBuf, usize)>, CommandError> {
    let path = path(global);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let (secrets, index) = totp::write::index(&path)?;
    Ok(Some((index, secrets.iter().count())))
}

/// The same for enrolled.toml. Without a configuration there is no state folder.
pub(super) fn index_of_enrolled(global: &Global) -> Result<Option<(PathBuf, usize)>, CommandError> {
    if !global.config.exists() {
        return Ok(None);
    }
    let Ok(config) = Config::load(&global.config) else {
        // The mapping needs no valid configuration, and is indexed.
        return Ok(None);
    };
    let indexed = totp::enrolled::index(&config.paths.state);
    let indexed = indexed.map_err(|error| CommandError::local(error.to_string()))?;
    Ok(indexed.map(|(index, secrets)| (index, secrets.iter().count())))
}

/// The totp.toml that belongs to the mapping.
fn path(global: &Global) -> PathBuf {
    totp::path(&global.users)
}

/// The last steps in the state folder of the configuration.
fn steps(global: &Global) -> Result<Steps, CommandError> {
    let config = Config::load(&global.config).map_err(|error| {
        let is_missing = error.is_missing();
        let error = CommandError::from(error);
        if is_missing {
            error.hint("authyctl init totp writes it")
        } else {
            error
        }
    })?;
    Ok(Steps::new(&config.paths.state, shared_words::map))
}

/// Returns the app of `user`, with the name of its secret: as the entry of the user says, or the
/// secret of that name itself, as for a person of a shared account; else the one that was enrolled
/// at the prompt.
pub(super) fn app_of(global: &Global, user: &str) -> Result<App, CommandError> {
    let name = match entry(global, user)? {
        Entry::Enrolled(person) => person.totp.unwrap_or_else(|| user.to_owned()),
        _ => user.to_owned(),
    };
    let secrets = own_secrets(global)?;
    if secrets
        .as_ref()
        .is_none_or(|own| own.entry(&name).is_none())
        && let Some((app, held)) = at_prompt::AtPrompt::find(global)?.and_then(|all| all.app(user))
    {
        return Ok(App { name, app, held });
    }
    let secrets = match secrets {
        Some(secrets) => secrets,
        // The error names the file.
        None => Secrets::load(&path(global))?,
    };
    let app = secrets.find(&name)?.clone();
    let held = None;
    Ok(App { name, app, held })
}

/// An app on this host.
pub(super) struct App {
    /// The name of its secret.
    name: String,
    pub(super) app: Authenticator,
    /// Why no login accepts its codes yet.
    held: Option<String>,
}

/// Whole seconds since 1970.
fn now() -> Result<u64, CommandError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.map_err(|_| CommandError::local("the clock of this host is before 1970"))?;
    Ok(since.as_secs())
}

/// How far the clock of a code is from this host's, where the code is right within ten minutes:
/// the difference in whole steps, in seconds. The nearest one, where there are several.
fn offset(app: &Authenticator, code: &Code, now: u64) -> Option<i64> {
    let period = u64::from(app.period());
    let steps = MAX_AHEAD / period;
    let times = matching_times(app, code, now, steps);
    let present = now / period * period;
    let offsets = times.iter().filter_map(|time| {
        let time = i64::try_from(*time).ok()?;
        time.checked_sub_unsigned(present)
    });
    offsets.min_by_key(|offset| offset.unsigned_abs())
}

/// How far a code may be off, in seconds, so that a login accepts it.
fn is_accepted(app: &Authenticator, offset: i64) -> bool {
    offset.unsigned_abs() <= u64::from(app.period())
}

/// What `offset` means, in words.
fn offset_in_words(offset: i64) -> String {
    match offset {
        0 => "the clocks agree".to_owned(),
        ahead @ 1.. => format!("the clock of the app is about {ahead} s ahead of this host's"),
        behind => format!(
            "the clock of the app is about {} s behind this host's",
            behind.unsigned_abs()
        ),
    }
}
