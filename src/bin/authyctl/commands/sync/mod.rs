//! `sync`: reads the people of the directory into directory.toml.
//!
//! One pass under a lock: the directory is read as a whole, `store::directory` compares it with
//! what is known, what lasted of people who are others now ends, and the file is written. Whatever
//! fails before that leaves the last good file. `show` says what happened.

mod show;

use std::path::Path;
use std::time::SystemTime;

use nix::fcntl::Flock;
use pam_authy::host::lock;
use pam_authy::store::config::{self, Config};
use pam_authy::store::directory::{Directory, Options, Pass, TooManyRemoved, compare, note_pass};
use pam_authy::store::state::{Folder, PATIENCE};
use pam_authy::store::users::Entry;
use serde_json::json;

use super::load_mapping;
use crate::cli::{Global, SyncArgs};
use crate::directory::{self, Error, Reading};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shorten, shown_name};

/// The file in the state folder that a sync locks, so that two of them do not mix.
const LOCK: &str = "sync-lock";

pub(crate) fn sync(global: &Global, args: &SyncArgs) -> Result<Output, CommandError> {
    let config = Config::load(&global.config)?;
    let settings = settings(&config, &global.config)?;
    let state = &config.paths.state;
    // Until the end, also of what lasts.
    let _lock = match args.dry_run {
        true => None,
        false => Some(lock(state)?),
    };
    let previous = previous(state)?;
    let is_known = |name: &str| previous.is_known(name);
    let reading = directory::read(settings, is_known).map_err(|error| failed(&error, args))?;
    if global.verbose {
        eprintln!("authyctl: directory {}", reading.server);
    }
    let options = Options {
        changes: settings.changes,
        max_removed_percent: settings.max_removed_percent,
        accept: args.accept.clone(),
        forget: args.forget.clone(),
        now: SystemTime::now(),
    };
    let Reading { listed, .. } = &reading;
    let pass = compare(&previous, listed.clone(), &options).map_err(|why| too_many(&why))?;
    refuse(&pass)?;
    let written = match args.dry_run {
        true => None,
        false => Some(write(global, state, &pass)?),
    };
    let shadowed = shadowed(global, &pass.next);
    Ok(show::output(&show::Sync {
        pass: &pass,
        reading: &reading,
        shadowed: &shadowed,
        missing: Some(global.users.as_path()).filter(|path| !path.exists()),
        written,
    }))
}

/// Returns the table `[directory]`.
fn settings<'a>(config: &'a Config, path: &Path) -> Result<&'a config::Directory, CommandError> {
    config.directory.as_ref().ok_or_else(|| {
        let message = format!("{}: the table [directory] is missing", path.display());
        CommandError::local(message).hint("pam_authy.toml(5) says what it needs")
    })
}

/// Waits a moment for another sync, and makes the state folder where it is missing.
fn lock(state: &Path) -> Result<Flock<std::fs::File>, CommandError> {
    Folder::open(state)?;
    let path = state.join(LOCK);
    lock::acquire_at(&path, PATIENCE).map_err(|error| match error {
        lock::Error::Timeout => CommandError::local("another sync is under way"),
        lock::Error::Io(_) => CommandError::local(format!("{}: {error}", path.display())),
    })
}

/// Reads what is known; nothing is, before the first sync.
fn previous(state: &Path) -> Result<Directory, CommandError> {
    match Directory::load(state) {
        Err(error) if error.is_missing() => Ok(Directory::default()),
        Err(error) => Err(CommandError::local(error).hint(
            "nothing was changed; mend or restore the file, or move it away: then nothing is known any \
             more",
        )),
        Ok(directory) => Ok(directory),
    }
}

/// Describes why the directory was not read.
fn failed(error: &Error, args: &SyncArgs) -> CommandError {
    let kind = match error {
        Error::NoServer(_) | Error::Incomplete(..) => ErrorKind::Unavailable,
        Error::BindRefused(..) => ErrorKind::Refused,
        Error::Local(_) => ErrorKind::Local,
    };
    let hint = match error {
        Error::NoServer(_) => "check directory.url, directory.ca_file and this host's clock",
        Error::BindRefused(..) => "check directory.bind_dn and its password_file",
        Error::Incomplete(..) => {
            "check directory.base, directory.filter and the limits that the server has for bind_dn"
        }
        Error::Local(_) => "pam_authy.toml(5) says what the table [directory] needs",
    };
    let unchanged = match args.dry_run {
        true => "",
        false => "; the last list stays in use",
    };
    CommandError::new(kind, error.to_string()).hint(format!("{hint}{unchanged}"))
}

fn too_many(why: &TooManyRemoved) -> CommandError {
    let error = CommandError::new(ErrorKind::Refused, why.to_string());
    match why {
        TooManyRemoved::All { .. } => error.hint(
            "nothing was changed; check directory.base, directory.filter, directory.user_attribute, \
             directory.attributes and what bind_dn may read",
        ),
        TooManyRemoved::Some { names, known, .. } => error
            .hint(format!(
                "gone: {}; nothing was changed; if all of them have left, set max_removed_percent \
                 higher for one sync",
                shorten(&names.iter().map(|name| shown_name(name)).collect::<Vec<_>>())
            ))
            .with_members(json!({"removed": names, "known": known})),
    }
}

/// Refuses names that cannot be accepted or forgotten: nothing is changed then.
fn refuse(pass: &Pass) -> Result<(), CommandError> {
    let refused: Vec<_> = (pass.refused.iter())
        .map(|left| format!("{}: {}", shown_name(&left.name), left.why))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let hint = "nothing was changed; authyctl sync --dry-run shows what is held, authyctl list who was \
                removed";
    Err(CommandError::new(ErrorKind::Refused, refused.join("; ")).hint(hint))
}

/// Ends what lasted of people who are others now, then writes the file: whatever is killed between
/// leaves nothing of the person before. Ends it once more, since that person could log in until then.
fn write(global: &Global, state: &Path, pass: &Pass) -> Result<show::Written, CommandError> {
    let end = || {
        let mut ended = pass.ended.iter();
        ended.try_for_each(|ended| super::lasting::end_of_directory(global, state, ended))
    };
    end()?;
    let written = pass.next.write(state).map_err(CommandError::local)?;
    end()?;
    note_pass(state, SystemTime::now())?;
    Ok(written)
}

/// The names that users.toml has, too: what it says wins. A file that cannot be read keeps no one
/// from being removed here; doctor names it.
fn shadowed(global: &Global, directory: &Directory) -> Vec<String> {
    let mapping = load_mapping(global).unwrap_or_default();
    let names = mapping.iter().map(|(name, _)| name);
    let both = names.filter(|name| directory.entry(name) != Entry::Absent);
    both.map(str::to_owned).collect()
}
