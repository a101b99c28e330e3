//! `verify`, `sms` and `call` for a person at Twilio, by the functions of a login: a code that was sent
//! here can be typed at a login, and the other way round.

use std::time::SystemTime;

use nix::unistd::getuid;
use pam_authy::base::factor::twilio::{Lasting, Started};
use pam_authy::base::factor::{Channel, Code, Identity, Person};
use pam_authy::client::twilio::Error;
use pam_authy::client::twilio::verifications::StartOptions;
use pam_authy::engine::shared_words;
use pam_authy::factor::connect;
use pam_authy::store::config::Config;
use pam_authy::store::limits::{FileLimits, LimitedLogin};
use pam_authy::store::twilio::{StartedFiles, UsedFiles};
use serde_json::json;

use super::failure::of_factor;
use super::{AtTwilio, RULES_OF, app_of, enroll};
use crate::cli::{Global, SendArgs};
use crate::error::CommandError;
use crate::output::{Output, shown_name};

/// Twilio's error code for an app whose first code was never checked.
const NEVER_VERIFIED: u32 = 60318;

/// Checks a code of the person, and uses it up where it is right.
pub(in super::super) fn verify(
    global: &Global,
    user: &str,
    person: &Person,
    code: &Code,
) -> Result<Output, CommandError> {
    let config = Config::load(&global.config)?;
    let at_twilio = AtTwilio::of(global)?;
    let rules = config.login(RULES_OF);
    let lasting = lasting(&config, user, person);
    let caller = caller(user);
    let mut factor = connect::second_factor(&config, &rules, Some(person), None, lasting, caller);
    let checked = factor.verify(code, at_twilio.deadline());
    let unproven = checked
        .as_ref()
        .is_err_and(|error| error.code == Some(NEVER_VERIFIED));
    match app_of(person) {
        Some(app) if unproven => enroll::prove_later(global, &at_twilio, app, code)?,
        _ => checked.map_err(of_factor)?,
    }
    Ok(Output::new(
        vec!["the token is valid".into()],
        json!({"token": "is valid", "user": user}),
    ))
}

/// Has Twilio send a code to the person.
pub(in super::super) fn send(
    global: &Global,
    user: &str,
    person: &Person,
    channel: Channel,
    args: &SendArgs,
) -> Result<Output, CommandError> {
    let Some(phone) = &person.phone else {
        let message = format!(
            "{} has no phone in {}",
            shown_name(user),
            global.users.display()
        );
        let hint = format!("authyctl enroll {} --phone +E164", shown_name(user));
        return Err(CommandError::local(message).hint(hint));
    };
    let config = Config::load(&global.config)?;
    let twilio = AtTwilio::of(global)?;
    let calls = twilio.client.verifications();
    let limits = config.twilio.as_ref();
    let limits = limits.map(|twilio| connect::rate_limits(twilio, caller(user)));
    let limits = limits.unwrap_or_default();
    let options = StartOptions::default()
        .locale(args.locale.as_deref())
        .rate_limits(&limits);
    let started = calls.start(phone, channel, &options, twilio.deadline());
    let started = started.map_err(|error| {
        let maybe_limits = matches!(error, Error::Refused(_)) && !limits.is_empty();
        match CommandError::from(error) {
            error if maybe_limits => {
                error.hint("does the service have the limits of twilio.rate_limits?")
            }
            error => error,
        }
    })?;
    let mut kept = StartedFiles::new(&config.paths.state, user, SystemTime::now);
    let kept = kept.keep(phone, &started.sid);
    let Identity::Twilio(shown) = Identity::from(phone) else {
        return Err(CommandError::local("the number cannot be shown"));
    };
    let line = match channel {
        Channel::Sms => format!("an SMS with a code was sent to {shown}"),
        Channel::Call => format!("a call with a code is made to {shown}"),
    };
    let members = json!({
        "ignored": false,
        "cellphone": shown,
        "device": null,
        "message": line,
    });
    let warning = |why| format!("no login can check the code: {why}");
    Ok(Output {
        warning: kept.err().map(warning),
        ..Output::new(vec![line], members)
    })
}

/// An administrator asks for the person from no address.
fn caller(user: &str) -> connect::Caller<'_> {
    connect::Caller {
        user,
        address: None,
    }
}

/// What a login of the person keeps.
fn lasting(config: &Config, user: &str, person: &Person) -> Lasting {
    let (state, map, now) = (&config.paths.state, shared_words::map, SystemTime::now);
    let login = LimitedLogin {
        user,
        enrolled: true,
        receives: person.phone.is_some(),
        factors: person.stored_ids(),
        address: None,
        uid: getuid().as_raw(),
    };
    Lasting {
        started: Box::new(StartedFiles::new(state, user, now)),
        challenges: Box::new(FileLimits::new(state, config.limits, login, map, now)),
        used: Box::new(UsedFiles::new(state, map, now)),
    }
}
