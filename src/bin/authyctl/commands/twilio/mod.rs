//! People at Twilio Verify: `enroll --phone` and `--twilio-app`, `unenroll --remote`, `status`,
//! `phone info`, `verify`, `sms`, `call`. All but `--phone` and the last three need a key with an
//! administrator's permissions, which a host's key should not have.

mod codes;
mod enroll;
mod failure;

use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::factor::{Identity, Person, TwilioFactor, TwilioIdentity};
use pam_authy::client::http::Https;
use pam_authy::client::twilio::{Client, Error};
use pam_authy::factor::connect;
use pam_authy::store::config::{self, Config, Provider};
use pam_authy::store::users::Entry;
use serde_json::json;

use super::{entry, security_key};
use crate::cli::{Global, Number, PersonArg};
use crate::error::CommandError;
use crate::output::{Output, shown_name, table};

pub(super) use codes::{send, verify};
pub(super) use enroll::{enroll_app, enroll_phone};

/// The service whose rules say which provider is asked.
const RULES_OF: &str = "sshd";

/// A client at Twilio, with the time-out of its requests.
pub(super) struct AtTwilio {
    pub(super) client: Client<Https>,
    timeout: Duration,
}

impl AtTwilio {
    /// The client of the configuration.
    ///
    /// # Errors
    /// The configuration cannot be used, or has no table `[twilio]`.
    pub(super) fn of(global: &Global) -> Result<Self, CommandError> {
        let config = Config::load(&global.config)?;
        let Some(twilio) = &config.twilio else {
            let message = format!("{}: the table [twilio] is missing", global.config.display());
            return Err(CommandError::local(message).hint("authyctl init twilio writes it"));
        };
        if global.verbose {
            eprintln!("authyctl: service {} at {}", twilio.service, twilio.url);
        }
        Ok(Self::new(twilio))
    }

    /// The client of a table `[twilio]`.
    pub(super) fn new(twilio: &config::Twilio) -> Self {
        Self {
            client: connect::twilio(twilio),
            timeout: twilio.timeout,
        }
    }

    /// The deadline of one request that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(Instant::now(), self.timeout + Duration::from_secs(1))
    }
}

/// The code of Twilio for a key that lacks a permission, as a host's should for most questions.
const LACKS_PERMISSION: u32 = 70051;

/// Whether Twilio accepts the key, and refuses it what was asked.
pub(super) fn lacks_permission(error: &Error) -> bool {
    matches!(error, Error::KeyRefused(refusal) if refusal.code == Some(LACKS_PERMISSION))
}

/// Returns the person's app at Twilio.
fn app_of(person: &Person) -> Option<(&TwilioIdentity, &TwilioFactor)> {
    person
        .twilio_identity
        .as_ref()
        .zip(person.twilio_factor.as_ref())
}

/// Whether commands about a person ask Twilio and not Authy: where the person is there alone, or
/// `login.provider` says so.
fn is_asked_about(global: &Global, person: &Person) -> bool {
    let is_at_twilio = person.phone.is_some() || person.twilio_factor.is_some();
    is_at_twilio && (person.authy_id.is_none() || is_preferred(global))
}

/// Whether Twilio is asked where both providers could be.
pub(super) fn is_preferred(global: &Global) -> bool {
    Config::load(&global.config).is_ok_and(|config| {
        let is_chosen = config.login(RULES_OF).provider == Some(Provider::Twilio);
        config.twilio.is_some() && (is_chosen || config.authy.is_none())
    })
}

/// What Twilio knows about a person with an app there, and this host about one with a number.
pub(super) fn status(global: &Global, user: &str, person: &Person) -> Result<Output, CommandError> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![row("user", shown_name(user))];
    let mut members = json!({"user": user, "factors": person.factor_names()});
    rows.push(row("factors", person.factor_names().join(" ")));
    if let Some(Identity::Twilio(shown)) = person.phone.as_ref().map(Identity::from) {
        rows.push(row("phone", shown.to_string()));
        members["phone"] = json!(shown);
    }
    security_key::show(person, &mut rows, &mut members);
    let mut warning = None;
    if let Some((identity, sid)) = app_of(person) {
        rows.push(row("identity", identity.to_string()));
        rows.push(row("app", sid.to_string()));
        members["twilio_identity"] = json!(identity.to_string());
        members["twilio_factor"] = json!(sid.to_string());
        let twilio = AtTwilio::of(global)?;
        let factors = twilio.client.factors();
        match factors.fetch(identity, sid, twilio.deadline()) {
            Ok(factor) => {
                let verified = if factor.is_verified { "yes" } else { "no" };
                let digits = factor.code_length;
                rows.push(row("name", factor.name.clone()));
                rows.push(row("verified", verified.to_owned()));
                rows.push(row("digits", digits.map_or("?".into(), |n| n.to_string())));
                members["name"] = json!(factor.name);
                members["verified"] = json!(factor.is_verified);
                members["digits"] = json!(digits);
            }
            Err(error) if lacks_permission(&error) => {
                let why = "Twilio tells about the app only by an administrator's key";
                warning = Some(why.to_owned());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Output {
        warning,
        ..Output::new(table(&rows), members)
    })
}

/// Has Twilio delete the person, with all apps; a number alone is not stored there. Returns a
/// warning where Twilio has no such person.
pub(super) fn delete(global: &Global, person: &Person) -> Result<Option<String>, CommandError> {
    let Some((identity, _)) = app_of(person) else {
        return Ok(None);
    };
    let twilio = AtTwilio::of(global)?;
    let entities = twilio.client.entities();
    match entities.delete(identity, twilio.deadline()) {
        Ok(()) => Ok(None),
        Err(Error::NotFound(_)) => Ok(Some(format!("Twilio has no person {identity}"))),
        Err(error) => Err(error.into()),
    }
}

/// Returns the person of `user`, if one is enrolled alone under this name.
pub(super) fn person_of(global: &Global, user: &str) -> Result<Option<Person>, CommandError> {
    Ok(match entry(global, user)? {
        Entry::Enrolled(person) => Some(person),
        Entry::Shared(_) | Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => None,
    })
}

/// Returns user and person where a command is about a person at Twilio.
pub(super) fn asked_about<'a>(
    global: &Global,
    arg: &'a PersonArg,
) -> Result<Option<(&'a str, Person)>, CommandError> {
    let (Some(user), None) = (&arg.user, arg.authy_id) else {
        return Ok(None);
    };
    let person = person_of(global, user)?;
    let person = person.filter(|person| is_asked_about(global, person));
    Ok(person.map(|person| (user.as_str(), person)))
}

/// What Lookup knows of a number.
pub(super) fn phone_info(global: &Global, number: &Number) -> Result<Output, CommandError> {
    let twilio = AtTwilio::of(global)?;
    let text = match number.country_code {
        Some(code) if !number.cellphone.starts_with(['+', '0']) => {
            format!("+{code}{}", number.cellphone)
        }
        _ => number.cellphone.clone(),
    };
    let text = text
        .strip_prefix("00")
        .map_or(text.clone(), |rest| format!("+{rest}"));
    let lookup = twilio.client.lookup();
    let info = lookup.number(&text, None, true, twilio.deadline())?;
    let phone = info.phone.as_ref().map(ToString::to_string);
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let valid = if info.phone.is_some() { "yes" } else { "no" };
    let mut rows = vec![
        vec!["valid".to_owned(), valid.to_owned()],
        vec!["type".to_owned(), or_unknown(&info.line_type)],
        vec!["provider".to_owned(), or_unknown(&info.carrier)],
        vec!["country".to_owned(), or_unknown(&info.country)],
    ];
    if !info.errors.is_empty() {
        rows.push(vec!["errors".to_owned(), info.errors.join(" ")]);
    }
    let warning = info
        .is_landline()
        .then(|| "a landline takes no SMS; calls work".to_owned());
    let members = json!({
        "valid": info.phone.is_some(),
        "phone": phone,
        "type": info.line_type,
        "provider": info.carrier,
        "country": info.country,
        "errors": info.errors,
    });
    Ok(Output {
        warning,
        ..Output::new(table(&rows), members)
    })
}
