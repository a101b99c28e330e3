//! `recovery`: makes recovery codes, counts them, and removes them. A code is shown once, and is
//! never an argument.

use std::io;
use std::path::PathBuf;

use pam_authy::engine::shared_words;
use pam_authy::store::config::Config;
use pam_authy::store::people::Found;
use pam_authy::store::recovery::{self, Left, NewCodes};
use pam_authy::store::users::Entry;
use serde_json::json;

use super::entry;
use super::mapping::account_warning;
use crate::cli::{Global, RecoveryCommand, RecoveryGenerateArgs, UserArg};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

pub(crate) fn recovery(global: &Global, command: &RecoveryCommand) -> Result<Output, CommandError> {
    match command {
        RecoveryCommand::Generate(args) => generate(global, args),
        RecoveryCommand::Left(args) => left(global, args),
        RecoveryCommand::Remove(args) => remove(global, args),
    }
}

fn generate(global: &Global, args: &RecoveryGenerateArgs) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    if global.quiet && !global.json {
        let message = "recovery codes are shown only once: omit --quiet";
        return Err(CommandError::new(ErrorKind::Usage, message));
    }
    let factors = entry(global, user)?.stored_ids();
    let state = state(global)?;
    let new = recovery::make(&state, user, factors, args.replace, shared_words::map)?;
    let codes: Vec<String> = new.texts().iter().map(|code| code.to_string()).collect();
    let shown = shown_name(user);
    let mut lines = vec![format!(
        "recovery codes of {shown}; each works once, and they are not shown again:"
    )];
    lines.extend(codes.iter().cloned());
    let output = Output {
        warning: warning(global, user),
        ..Output::new(lines, json!({"user": user, "codes": codes}))
    };
    match output.print_now(global.json) {
        Ok(output) => {
            new.keep();
            Ok(output)
        }
        Err(error) => Err(not_shown(&error, new)),
    }
}

/// Codes that were not shown must not replace those that the person has.
fn not_shown(error: &io::Error, new: NewCodes) -> CommandError {
    let message = format!("standard output: {error}");
    let mut error = match new.take_back() {
        Ok(()) => CommandError::local(message).hint("the new codes were taken back"),
        Err(why) => CommandError::local(format!("{message}; {why}"))
            .hint("the codes of before do not work any more: generate new ones"),
    };
    error.is_after_output = true;
    error
}

fn left(global: &Global, args: &UserArg) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    let shown = shown_name(user);
    let factors = entry(global, user)?.stored_ids();
    let (left, line) = match recovery::left(&state(global)?, user, &factors)? {
        Left::Never => (0, format!("{shown} has no recovery codes")),
        Left::Of(left) => (left, format!("{shown} has {left} recovery codes left")),
    };
    Ok(Output::new(vec![line], json!({"user": user, "left": left})))
}

fn remove(global: &Global, args: &UserArg) -> Result<Output, CommandError> {
    let user = args.user.as_str();
    let changed = recovery::remove(&state(global)?, user)?;
    let shown = shown_name(user);
    let line = if changed {
        format!("the recovery codes of {shown} were removed")
    } else {
        format!("{shown} has no recovery codes")
    };
    Ok(Output::new(
        vec![line],
        json!({"user": user, "changed": changed}),
    ))
}

fn state(global: &Global) -> Result<PathBuf, CommandError> {
    Ok(Config::load(&global.config)?.paths.state)
}

/// Returns a warning when no login would accept the codes, since the user is not enrolled.
fn warning(global: &Global, user: &str) -> Option<String> {
    let found = super::people(global).find(user);
    let is_refused = |found: Found| matches!(found.entry, Entry::Absent | Entry::Removed { .. });
    match found.map(is_refused) {
        Ok(false) => account_warning(user),
        Ok(true) => Some(format!(
            "{} is not enrolled, so no login accepts these codes yet",
            shown_name(user)
        )),
        Err(error) => Some(error.to_string()),
    }
}
