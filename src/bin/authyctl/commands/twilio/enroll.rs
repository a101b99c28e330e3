//! `enroll --phone`: writes a number into the mapping. `enroll --twilio-app`: has Twilio make an
//! app, shows its secret once, proves it by the first code, and writes the mapping. An app whose
//! first code is wrong is deleted at Twilio again; with `--no-check` it is proven later, by
//! `verify`.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::SystemTime;

use pam_authy::base::factor::twilio::UsedCodes;
use pam_authy::base::factor::{Code, Person, Phone, TwilioFactor, TwilioIdentity};
use pam_authy::base::secret::Secret;
use pam_authy::client::twilio::factors::NewFactor;
use pam_authy::engine::shared_words;
use pam_authy::store::config::Config;
use pam_authy::store::state;
use pam_authy::store::twilio::UsedFiles;
use pam_authy::store::users::Entry;
use pam_authy::store::users::write::{self, AtTwilio as New};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

use super::super::totp::enrolment;
use super::super::{entry_to_change, lasting, mapping};
use super::{AtTwilio, app_of};
use crate::cli::{EnrollArgs, Global};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, argument_or_prompt, shown_name};

/// How often a person on a terminal may type the first code; Twilio takes five.
const TRIES: u32 = 3;

/// Writes the number of a person. Nothing is sent to it.
pub(in super::super) fn enroll_phone(
    global: &Global,
    args: &EnrollArgs,
    phone: &Phone,
) -> Result<Output, CommandError> {
    if args.secret.is_some() || args.no_check || args.output.is_some() {
        let message = "--secret, --no-check and --output need --totp or --twilio-app";
        return Err(CommandError::new(ErrorKind::Usage, message));
    }
    let user = args.user.as_str();
    let before = lasting::entry(global, user);
    let new = New::Phone(phone.clone());
    let changed = write::add_twilio(&global.users, user, &new, args.replace)?;
    let left = changed.then(|| lasting::follow(global, user, &before));
    let shown = shown_name(user);
    let line = if changed {
        format!("{shown} is enrolled with codes by SMS and call to {phone}")
    } else {
        format!("{shown} is already enrolled with this number")
    };
    let no_table = Config::load(&global.config)
        .is_ok_and(|config| config.twilio.is_none())
        .then(|| "config.toml has no table [twilio], so the number is not used yet".to_owned());
    let warning = lasting::both(mapping::account_warning(user), left.flatten());
    let members = json!({"user": user, "phone": phone.to_string(), "changed": changed});
    Ok(Output {
        warning: lasting::both(warning, no_table),
        ..Output::new(vec![line], members)
    })
}

/// Has Twilio make an app for a person.
pub(in super::super) fn enroll_app(
    global: &Global,
    args: &EnrollArgs,
) -> Result<Output, CommandError> {
    enrolment::check_usage(global, args)?;
    let user = args.user.as_str();
    let before = entry_to_change(global, user)?;
    enrolment::check_entry(&before, user)?;
    let old = match &before {
        Entry::Enrolled(person) => Some(person.clone()),
        _ => None,
    };
    let has_app = old.as_ref().is_some_and(|old| old.twilio_factor.is_some());
    if has_app && !args.replace {
        let (user, what) = (shown_name(user), "app at Twilio");
        return Err(write::Error::OtherFactor { user, what }.into());
    }
    let twilio = AtTwilio::of(global)?;
    let (secret, first_code) = enrolment::read_secret(args)?;
    let identity = identity_of(old.as_ref())?;
    let new = create(&twilio, args, &identity, secret.as_ref())?;
    if let Err(error) = enrolment::show(global, args, new.secret.expose(), &new.uri) {
        // A file that was there already is not ours.
        discard(&twilio, None, &identity, &new);
        return Err(error);
    }
    if !args.no_check {
        let proven = prove(global, &twilio, &identity, &new, first_code);
        if let Err(error) = proven {
            discard(&twilio, args.output.as_deref(), &identity, &new);
            return Err(error);
        }
    }
    let entry = New::App(identity.clone(), new.sid.clone());
    if let Err(error) = write::add_twilio(&global.users, user, &entry, args.replace) {
        discard(&twilio, args.output.as_deref(), &identity, &new);
        return Err(error.into());
    }
    let left = lasting::follow(global, user, &before);
    let undeleted = old.as_ref().and_then(|old| delete_old(&twilio, old));
    let line = format!(
        "{} is enrolled with an app whose codes Twilio checks",
        shown_name(user)
    );
    let unproven = args.no_check.then(|| unproven(global, user));
    let warning = lasting::both(mapping::account_warning(user), left);
    let warning = lasting::both(warning, unproven);
    let members = json!({
        "user": user,
        "twilio_identity": identity.to_string(),
        "twilio_factor": new.sid.to_string(),
        "secret": new.secret.expose(),
        "uri": new.uri.expose(),
        "changed": true,
    });
    Ok(Output {
        warning: lasting::both(warning, undeleted),
        ..Output::new(vec![line], members)
    })
}

/// What is to be done about an app whose first code was not asked for.
fn unproven(global: &Global, user: &str) -> String {
    let config = global.config.display();
    let user = shown_name(user);
    format!(
        "no login by this app works before its first code is checked, within an hour: authyctl \
         --config {config} verify {user} CODE"
    )
}

/// The identity that the person has, or a new one, which tells nothing about them.
fn identity_of(old: Option<&Person>) -> Result<TwilioIdentity, CommandError> {
    if let Some(identity) = old.and_then(|old| old.twilio_identity.clone()) {
        return Ok(identity);
    }
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CommandError::local("the system has no random numbers"))?;
    state::hex(&bytes).parse().map_err(CommandError::local)
}

/// Creates the app; its name, which the app shows, is cut where Twilio would refuse it.
fn create(
    twilio: &AtTwilio,
    args: &EnrollArgs,
    identity: &TwilioIdentity,
    secret: Option<&Secret>,
) -> Result<NewFactor, CommandError> {
    let name = format!("{}@{}", shown_name(&args.user), enrolment::host_name());
    let name: String = name.chars().take(64).collect();
    let factors = twilio.client.factors();
    Ok(factors.create_app(identity, &name, secret, twilio.deadline())?)
}

/// Has Twilio check the first code of an app that `--no-check` left unproven, and uses it up here.
pub(super) fn prove_later(
    global: &Global,
    twilio: &AtTwilio,
    (identity, sid): (&TwilioIdentity, &TwilioFactor),
    code: &Code,
) -> Result<(), CommandError> {
    let factors = twilio.client.factors();
    factors.verify(identity, sid, code, twilio.deadline())?;
    use_up(global, sid, code);
    Ok(())
}

/// Has Twilio check the first code, and uses it up on this host.
fn prove(
    global: &Global,
    twilio: &AtTwilio,
    identity: &TwilioIdentity,
    new: &NewFactor,
    code: Option<Secret>,
) -> Result<(), CommandError> {
    let is_asked = code.is_none() && io::stdin().is_terminal();
    let mut tries = if is_asked { TRIES } else { 1 };
    loop {
        tries -= 1;
        let given = code.as_ref().map(Secret::expose);
        let typed: Result<Code, _> = argument_or_prompt("First code of the app: ", given);
        let checked = typed.and_then(|code| {
            let factors = twilio.client.factors();
            let verified = factors.verify(identity, &new.sid, &code, twilio.deadline());
            verified.map(|()| code).map_err(wrong_code)
        });
        match checked {
            Ok(code) => {
                use_up(global, &new.sid, &code);
                return Ok(());
            }
            Err(error) if tries == 0 || !is_asked_again(&error) => return Err(error),
            Err(error) => eprintln!("{}", error.message),
        }
    }
}

/// Whether a person may type another code: this one was wrong, or none.
fn is_asked_again(error: &CommandError) -> bool {
    matches!(error.kind, ErrorKind::Refused | ErrorKind::Usage)
}

fn wrong_code(error: pam_authy::client::twilio::Error) -> CommandError {
    match &error {
        pam_authy::client::twilio::Error::Refused(_) => {
            let error = CommandError::new(ErrorKind::Refused, "the code is wrong");
            error.hint("nothing was changed; scan the code again, or type the secret again")
        }
        _ => error.into(),
    }
}

/// The first code proves no login any more. Where that cannot be recorded, Twilio may accept it
/// once more within its minute, as at another host.
fn use_up(global: &Global, sid: &TwilioFactor, code: &Code) {
    if let Ok(config) = Config::load(&global.config) {
        let state = &config.paths.state;
        let mut used = UsedFiles::new(state, shared_words::map, SystemTime::now);
        let _ = used.use_up(sid, code);
    }
}

/// Deletes an app that was not proven, and its QR code; Twilio would delete it within a day.
fn discard(twilio: &AtTwilio, image: Option<&Path>, identity: &TwilioIdentity, new: &NewFactor) {
    if let Some(file) = image {
        // Its secret is not in use. If the file stays, it does no harm.
        let _ = std::fs::remove_file(file);
    }
    let factors = twilio.client.factors();
    let _ = factors.delete(identity, &new.sid, twilio.deadline());
}

/// Deletes the app that was replaced. Returns a warning where it is still there.
fn delete_old(twilio: &AtTwilio, old: &Person) -> Option<String> {
    let (identity, sid) = app_of(old)?;
    let factors = twilio.client.factors();
    let deleted = factors.delete(identity, sid, twilio.deadline());
    deleted
        .err()
        .map(|error| format!("the old app {sid} is still at Twilio: {error}"))
}
