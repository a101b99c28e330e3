//! `enroll --totp`: makes a secret or reads one, shows it once, asks for the first code of the app,
//! and writes totp.toml and users.toml, in this order: an entry without a secret would refuse the
//! user.

use std::io::{self, IsTerminal};

use pam_authy::base::factor::Code;
use pam_authy::base::secret::Secret;
use pam_authy::store::totp::{Authenticator, Recorded, Secrets, write};
use pam_authy::store::users::Entry;
use pam_authy::store::users::write as users;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use zeroize::Zeroizing;

use super::super::{entry_to_change, lasting, mapping};
use super::enrolment::{check_entry, check_usage, host_name, read_secret, show};
use super::remove::forget;
use super::{at_prompt, is_accepted, now, offset, offset_in_words, path, steps};
use crate::cli::{EnrollArgs, Global};
use crate::error::{CommandError, ErrorKind};
use crate::otpauth;
use crate::output::{Output, argument_or_prompt, shown_name};

/// The bytes of a new secret: 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// How often a person on a terminal may type the first code.
const TRIES: u32 = 3;

pub(in super::super) fn enroll(global: &Global, args: &EnrollArgs) -> Result<Output, CommandError> {
    check_usage(global, args)?;
    let user = args.user.as_str();
    let before = entry_to_change(global, user)?;
    check_entry(&before, user)?;
    let (app, first_code) = read_input(args)?;
    let uri = otpauth::write(&app, user, &host_name());
    let present = present(global, user)?;
    let members = |changed: bool| {
        json!({
            "user": user,
            "secret": app.to_base32().as_str(),
            "uri": uri.expose(),
            "changed": changed,
        })
    };
    if present
        .as_ref()
        .is_some_and(|present| present.is_same_as(&app))
        && has_totp(&before)
    {
        let line = format!("{} is already enrolled with this app", shown_name(user));
        return Ok(Output::new(vec![line], members(false)));
    }
    if present.is_some_and(|present| !present.is_same_as(&app)) && !args.replace {
        return Err(write::Error::OtherSecret(shown_name(user)).into());
    }
    show(global, args, &app.to_base32(), &uri)?;
    if args.no_check {
        // Without a configuration there is no state folder yet, and the first login makes the file.
        let _ = steps(global).map(|steps| steps.prepare(app.id()));
    } else if let Err(error) = use_up_first_code(global, &app, first_code) {
        if let Some(file) = &args.output {
            // Its secret is not in use. If the file stays, it does no harm.
            let _ = std::fs::remove_file(file);
        }
        return Err(error);
    }
    let change = write::set(&path(global), user, &app, args.replace)?;
    let all = [user.to_owned()];
    let outcome = users::add_totp(&global.users, &all)?.pop();
    outcome.transpose()?;
    let left = lasting::follow(global, user, &before);
    // Only this one counts from now on. What stays does no harm.
    let _ = at_prompt::remove_of(global, user);
    if let Some(old) = change.previous.filter(|old| *old != app.id()) {
        // It is of no use any more, and does no harm where it stays.
        let _ = forget(global, old);
    }
    let mut lines = vec![format!(
        "{} is enrolled with an app whose codes this host checks",
        shown_name(user)
    )];
    if !args.no_check {
        lines.push("this code is used up: a login needs the next one of the app".to_owned());
    }
    Ok(Output {
        warning: lasting::both(mapping::account_warning(user), left),
        ..Output::new(lines, members(true))
    })
}

fn has_totp(entry: &Entry) -> bool {
    matches!(entry, Entry::Enrolled(person) if person.totp.is_some())
}

/// The present secret of the user, if it can be used.
fn present(global: &Global, user: &str) -> Result<Option<Authenticator>, CommandError> {
    match Secrets::load(&path(global)) {
        Ok(secrets) => Ok(secrets.find(user).ok().cloned()),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the app, new or from standard input, and the first code where it follows there.
fn read_input(args: &EnrollArgs) -> Result<(Authenticator, Option<Secret>), CommandError> {
    match read_secret(args)? {
        (Some(secret), code) => Ok((app(&secret)?, code)),
        (None, code) => Ok((new_app()?, code)),
    }
}

/// Reads a secret in base 32, or an `otpauth://` address.
fn app(text: &Secret) -> Result<Authenticator, CommandError> {
    let usage = |why: String| CommandError::new(ErrorKind::Usage, format!("the secret: {why}"));
    let text = text.expose();
    if otpauth::is_address(text) {
        return otpauth::read(text).map_err(usage);
    }
    Authenticator::from_base32(text).map_err(|error| usage(error.to_string()))
}

/// Makes a secret of 160 random bits.
fn new_app() -> Result<Authenticator, CommandError> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    SystemRandom::new()
        .fill(bytes.as_mut())
        .map_err(|_| CommandError::local("the system has no random numbers"))?;
    Authenticator::from_bytes(bytes.as_ref()).map_err(CommandError::local)
}

/// Checks the first code of the app, so that every enrolled user can log in, and uses it up.
/// Nothing else is written yet.
fn use_up_first_code(
    global: &Global,
    app: &Authenticator,
    code: Option<Secret>,
) -> Result<(), CommandError> {
    let steps = steps(global)?;
    let is_asked = code.is_none() && io::stdin().is_terminal();
    let mut tries = if is_asked { TRIES } else { 1 };
    loop {
        tries -= 1;
        let given = code.as_ref().map(Secret::expose);
        let typed: Result<Code, _> = argument_or_prompt("First code of the app: ", given);
        let checked = typed.and_then(|code| check(app, &code));
        match checked {
            Ok(time) => {
                return match steps.record(app.id(), &[time]) {
                    Ok(Recorded::New) => Ok(()),
                    Ok(Recorded::Used(_)) => {
                        Err(refused("the code was used already").hint("wait for the next code"))
                    }
                    Err(failure) => Err(CommandError::local(match failure {
                        pam_authy::store::state::Failure::Disk(why)
                        | pam_authy::store::state::Failure::Process(why)
                        | pam_authy::store::state::Failure::State(why) => why,
                    })),
                };
            }
            Err(error) if tries == 0 => return Err(error),
            Err(error) => eprintln!("{}", error.message),
        }
    }
}

/// Returns when the step of a right code begins.
fn check(app: &Authenticator, code: &Code) -> Result<u64, CommandError> {
    let now = now()?;
    let Some(offset) = offset(app, code, now) else {
        let hint = "nothing was changed; scan the code again, or type the secret again";
        return Err(refused("the code is wrong").hint(hint));
    };
    if !is_accepted(app, offset) {
        let words = offset_in_words(offset);
        let hint = "nothing was changed; set both clocks by the network";
        return Err(refused(&format!("no login would accept the code: {words}")).hint(hint));
    }
    let period = u64::from(app.period());
    Ok((now / period * period).saturating_add_signed(offset))
}

fn refused(why: &str) -> CommandError {
    CommandError::new(ErrorKind::Refused, why)
}
