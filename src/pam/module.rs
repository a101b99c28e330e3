//! Wires one login: arguments, files, policy, provider, login, audit line.
//!
//! Reads top to bottom as the login goes. Whatever fails on the way ends in an [`Outcome`] that says
//! so, and every outcome leaves one audit line.

use std::ffi::CStr;
use std::path::Path;
use std::time::Instant;

use pam::constants::PamResultCode;
use pam::items::{AuthTok, RHost, RUser, Service, Tty};
use pam::module::PamHandle;

use super::arguments::Arguments;
use super::conversation::{self, PamConversation};
use crate::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::audit::{Audit, DEFAULT_LOG};
use crate::client::Client;
use crate::client::transport::Https;
use crate::client::types::AuthyId;
use crate::config::{self, Config, Otherwise};
use crate::deadline::{Clock, Deadline, SystemClock};
use crate::login::Login;
use crate::policy::{self, Required};
use crate::provider::authy::Authy;
use crate::secret::Secret;
use crate::users::{Entry, Mapping};
use crate::{account, text};

/// Performs one login and writes its audit line.
pub(super) fn authenticate(pamh: &mut PamHandle, args: &[&CStr]) -> Verdict {
    let start = SystemClock.now();
    let mut attempt = attempt(pamh);
    let arguments = match Arguments::parse(args) {
        Ok(arguments) => arguments,
        Err(why) => {
            return finish(&attempt, None, failed(Reason::Arguments, why));
        }
    };
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => {
            return finish(
                &attempt,
                None,
                failed(Reason::Configuration, error.to_string()),
            );
        }
    };
    let outcome = match ask_for_user(pamh, &mut attempt) {
        Ok(()) => decide(pamh, &attempt, &arguments, &config, start),
        Err(outcome) => outcome,
    };
    finish(&attempt, Some((&config, arguments.debug)), outcome)
}

/// The audit line of a call that panicked.
pub(super) fn panicked(pamh: &PamHandle) -> Verdict {
    finish(
        &attempt(pamh),
        None,
        Outcome::new(Verdict::Panicked, Reason::Panic),
    )
}

/// From a usable name to an outcome.
fn decide(
    pamh: &PamHandle,
    attempt: &Attempt,
    arguments: &Arguments,
    config: &Config,
    start: Instant,
) -> Outcome {
    let rules = rules(config, &attempt.service, arguments.nullok);
    let deadline = Deadline::after(start, rules.deadline);
    let person = match person(&arguments.users, &attempt.user, &rules) {
        Ok(person) => person,
        Err(outcome) => return outcome,
    };
    let api = &config.api;
    let transport = Https::new(api.ca_file.clone(), api.proxy.clone()).with_warm_up(api.warm_up);
    let client = Client::new(transport, &api.url, api.key.clone(), api.timeout);
    Login {
        attempt,
        person,
        rules: &rules,
        request_timeout: api.timeout,
        conversation: &mut PamConversation(pamh),
        provider: &mut Authy::new(client),
        clock: &SystemClock,
        deadline,
    }
    .authenticate()
}

/// The rules for this service; `nullok` in the stack says the same as `unenrolled = "ignore"`.
fn rules(config: &Config, service: &str, nullok: bool) -> config::Login {
    let mut rules = config.login(service);
    if nullok {
        rules.unenrolled = Otherwise::Ignore;
    }
    rules
}

/// Whose factor is asked: a person's, nobody's (`None`: asked and refused), or an outcome that is
/// already certain.
fn person(users: &Path, user: &str, rules: &config::Login) -> Result<Option<AuthyId>, Outcome> {
    let mapping =
        Mapping::load(users).map_err(|error| failed(Reason::Mapping, error.to_string()))?;
    let entry = mapping.find(user);
    let required = policy::required(&entry, rules.unenrolled, || account::spelling(user))
        .map_err(|error| failed(Reason::Account, error.to_string()))?;
    match (required, entry) {
        (Required::Person, Entry::Enrolled(id)) => Ok(Some(id)),
        (Required::Unusable, Entry::Unusable { line, message }) => {
            let file = users.display();
            Err(failed(Reason::Mapping, format!("{file}:{line}: {message}")))
        }
        (Required::Pass, Entry::Absent) => Err(Outcome::new(Verdict::Ignored, Reason::Unenrolled)),
        _ => Ok(None),
    }
}

/// Makes sure that there is a name, asking for it when the application has not, and that an account
/// could have it.
fn ask_for_user(pamh: &mut PamHandle, attempt: &mut Attempt) -> Result<(), Outcome> {
    let unusable = || Outcome::new(Verdict::Refused, Reason::BadUserName);
    match pamh.get_user(None) {
        Ok(user) => attempt.user = user,
        Err(PamResultCode::PAM_SYSTEM_ERR) => return Err(unusable()),
        Err(_) => {
            return Err(Outcome::new(
                Verdict::ConversationFailed,
                Reason::Conversation,
            ));
        }
    }
    if attempt.user.is_empty() || text::has_control(&attempt.user) {
        return Err(unusable());
    }
    Ok(())
}

/// What PAM says of who knocks.
fn attempt(pamh: &PamHandle) -> Attempt {
    macro_rules! item {
        ($item:ident) => {
            pamh.get_item::<$item<'_>>()
                .ok()
                .flatten()
                .map(|text| text.to_string_lossy().into_owned())
                .filter(|text| !text.is_empty())
        };
    }
    Attempt {
        user: conversation::user(pamh).unwrap_or_default(),
        service: item!(Service).unwrap_or_default(),
        rhost: item!(RHost),
        tty: item!(Tty),
        ruser: item!(RUser),
        password: password(pamh),
    }
}

/// The system password that an earlier module took. One that is no UTF-8 equals no reply.
fn password(pamh: &PamHandle) -> Option<Secret> {
    let password = pamh.get_item::<AuthTok<'_>>().ok().flatten()?;
    std::str::from_utf8(password.as_bytes())
        .ok()
        .map(|text| Secret::new(text.to_owned()))
}

fn failed(reason: Reason, why: String) -> Outcome {
    Outcome::new(Verdict::Failed, reason).with_detail(why)
}

/// Writes the audit line. Without a configuration it goes to the system's log.
fn finish(attempt: &Attempt, config: Option<(&Config, bool)>, outcome: Outcome) -> Verdict {
    let log = config.map_or(Path::new(DEFAULT_LOG), |(config, _)| {
        config.paths.log.as_path()
    });
    let audit = Audit::open(&attempt.service, log);
    if let Some((config, true)) = config {
        let rules = config.login(&attempt.service);
        audit.debug(&format!(
            "{} at {} by {rules:?}",
            attempt.user, config.api.url
        ));
    }
    audit.record(attempt, &outcome);
    outcome.verdict
}
