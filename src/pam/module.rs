//! Wires one login: arguments, files, policy, provider, login, audit line.
//!
//! Reads top to bottom as the login goes. Whatever fails on the way ends in an [`Outcome`] that says
//! so, and every outcome leaves one audit line.

use std::ffi::CStr;
use std::path::Path;
use std::time::Instant;

use pam::module::PamHandle;
use ring::rand::{SecureRandom, SystemRandom};

use super::arguments::Arguments;
use super::attempt;
use super::conversation::PamConversation;
use crate::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::audit::{Audit, DEFAULT_LOG};
use crate::client::Client;
use crate::client::transport::Https;
use crate::client::types::AuthyId;
use crate::config::{self, Config, Otherwise};
use crate::deadline::{Clock, Deadline, SystemClock};
use crate::login::{FirstPass, Login};
use crate::messages::Messages;
use crate::policy::{self, Required};
use crate::provider::authy::Authy;
use crate::users::{Entry, Person, Shared};
use crate::{account, ssh_key, text, users};

/// Performs one login and writes its audit line.
pub(super) fn authenticate(pamh: &mut PamHandle, args: &[&CStr]) -> Verdict {
    let start = SystemClock.now();
    let mut attempt = attempt::read(pamh);
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
    let outcome = match attempt::ask_for_user(pamh, &mut attempt) {
        Ok(()) => {
            let case = Case {
                attempt: &attempt,
                arguments: &arguments,
                config: &config,
                start,
            };
            case.decide(pamh).unwrap_or_else(|outcome| outcome)
        }
        Err(outcome) => outcome,
    };
    finish(&attempt, Some((&config, arguments.debug)), outcome)
}

/// The audit line of a call that panicked.
pub(super) fn panicked(pamh: &mut PamHandle) -> Verdict {
    finish(
        &attempt::read(pamh),
        None,
        Outcome::new(Verdict::Panicked, Reason::Panic),
    )
}

/// One login with a usable name, and the files that were read for it.
struct Case<'a> {
    attempt: &'a Attempt,
    arguments: &'a Arguments,
    config: &'a Config,
    start: Instant,
}

impl Case<'_> {
    /// From a usable name to an outcome; an `Err` is one that was certain before anybody was asked.
    fn decide(&self, pamh: &mut PamHandle) -> Result<Outcome, Outcome> {
        let mut rules = self.rules()?;
        let subject = policy::subject(rules.whose, self.attempt)
            .ok_or_else(|| Outcome::new(Verdict::Refused, Reason::BadUserName))?;
        self.exempt(subject)?;
        let person = self.person(subject, &rules)?;
        if let Some(push) = person.and_then(|person| person.push) {
            rules.push = push;
        }
        Ok(self.ask(pamh, person.map(|person| person.id), &rules))
    }

    /// The rules for this service; `nullok` in the stack says the same as `unenrolled = "ignore"`.
    fn rules(&self) -> Result<config::Login, Outcome> {
        let mut rules = self.config.login(&self.attempt.service);
        if self.arguments.nullok {
            rules.unenrolled = Otherwise::Ignore;
        }
        if self.arguments.first_pass != FirstPass::Ask && !rules.token_in_password {
            let why = "use_first_pass and try_first_pass need login.token_in_password = true";
            return Err(failed(Reason::Arguments, why));
        }
        Ok(rules)
    }

    /// Whether a rule of `[exempt]` ends the login here; the log says which.
    fn exempt(&self, subject: &str) -> Result<(), Outcome> {
        let group = |groups: &[String]| {
            account::group_of(subject, groups).map(|group| group.map(str::to_owned))
        };
        match policy::exemption(&self.config.exempt, subject, self.attempt, group) {
            Ok(None) => Ok(()),
            Ok(Some(rule)) => {
                Err(Outcome::new(Verdict::Ignored, Reason::Exempt).with_detail(rule.to_string()))
            }
            Err(error) => Err(failed(Reason::Account, error.to_string())),
        }
    }

    /// Whose factor is asked: a person's, nobody's (`None`: asked and refused), or an outcome that is
    /// already certain.
    fn person(&self, subject: &str, rules: &config::Login) -> Result<Option<Person>, Outcome> {
        let path = &self.arguments.users;
        let found = users::find(path, subject)
            .map_err(|error| failed(Reason::Mapping, error.to_string()))?;
        let entry = found.entry;
        let required = policy::required(&entry, rules.unenrolled, || account::spelling(subject))
            .map_err(|error| failed(Reason::Account, error.to_string()))?;
        match (required, entry) {
            (Required::Person, Entry::Enrolled(person)) => Ok(Some(person)),
            (Required::Person, Entry::Shared(shared)) => self.sharer(&shared).map(Some),
            (Required::Unusable, Entry::Unusable { line, message }) => {
                let file = path.display();
                Err(failed(Reason::Mapping, format!("{file}:{line}: {message}")))
            }
            (Required::Pass, Entry::Absent) => {
                Err(Outcome::new(Verdict::Ignored, Reason::Unenrolled))
            }
            _ => Ok(None),
        }
    }

    /// The one of several people whose SSH key sshd has accepted. Without a key nobody is asked: there
    /// is no phone that this login could mean.
    fn sharer(&self, shared: &Shared) -> Result<Person, Outcome> {
        let accepted = self.attempt.ssh_auth.as_deref().unwrap_or_default();
        shared
            .person(&ssh_key::fingerprints(accepted))
            .map_err(|why| {
                Outcome::new(Verdict::Refused, Reason::NoKey).with_detail(why.to_string())
            })
    }

    /// Asks the person.
    fn ask(&self, pamh: &mut PamHandle, person: Option<AuthyId>, rules: &config::Login) -> Outcome {
        let (api, attempt) = (&self.config.api, self.attempt);
        let transport = Https::new(api.ca_file.clone(), api.proxy.clone());
        let client = Client::new(transport, &api.url, api.key.clone(), api.timeout);
        let host = host();
        let language = rules.language.unwrap_or_default();
        let own = &self.config.messages;
        Login {
            attempt,
            person,
            rules,
            request_timeout: api.timeout,
            messages: &Messages::new(language, own, &attempt.user, &host, &attempt.service),
            details: &details(attempt, &host),
            first_pass: self.arguments.first_pass,
            conversation: &mut PamConversation(pamh),
            provider: &mut Authy::new(client),
            limits: &mut crate::limits::Uncounted,
            recovery: None,
            random: &mut random,
            clock: &SystemClock,
            deadline: Deadline::after(self.start, rules.deadline),
        }
        .authenticate()
    }
}

/// What the phone shows beside its question.
fn details(attempt: &Attempt, host: &str) -> Vec<(String, String)> {
    let address = attempt.address.map(|address| address.to_string());
    let rows = [
        ("User", Some(attempt.user.as_str())),
        ("Caller", attempt.ruser.as_deref()),
        ("Host", Some(host)),
        ("Service", Some(attempt.service.as_str())),
        ("Address", address.as_deref().or(attempt.rhost.as_deref())),
        ("Terminal", attempt.tty.as_deref()),
    ];
    rows.into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), text::clean_to(value?, 100))))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// The name of this host, as far as it is known.
fn host() -> String {
    let name = nix::unistd::gethostname().ok();
    name.and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "this host".to_owned())
}

/// A random number below `below`.
fn random(below: u32) -> Option<u32> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let number = u64::from_ne_bytes(bytes).checked_rem(below.into())?;
    u32::try_from(number).ok()
}

fn failed(reason: Reason, why: impl Into<String>) -> Outcome {
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
