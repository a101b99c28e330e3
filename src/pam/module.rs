//! Wires one login: arguments, files, policy, provider, login, audit line.
//!
//! Reads top to bottom as the login goes. Whatever fails on the way ends in an [`Outcome`] that says
//! so, and every outcome leaves one audit line.

use std::ffi::CStr;
use std::path::Path;
use std::time::{Instant, SystemTime};

use nix::unistd::getuid;
use pam::module::PamHandle;
use ring::rand::{SecureRandom, SystemRandom};

use super::conversation::PamConversation;
use super::items;
use crate::base::arguments::{Arguments, FirstPass};
use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::deadline::{Clock, Deadline, SystemClock};
use crate::base::factor::{Identity, Person, Skipped};
use crate::base::secret::Secret;
use crate::base::text;
use crate::engine::audit::Audit;
use crate::factor::connect;
use crate::host::journal::DEFAULT_LOG;
use crate::host::{account, address};
use crate::login::policy::{self, OnOutage, OutageQuery, Requirement, RequirementQuery};
use crate::login::{Conversation, ConversationFailed, Login};
use crate::messages::Messages;
use crate::store::config::{self, Config, Fallback};
use crate::store::limits;
use crate::store::recovery;
use crate::store::remember::{self, LoginBinding};
use crate::store::users;

/// Performs one login and writes its audit line.
pub(super) fn authenticate(pamh: &mut PamHandle, args: &[&CStr]) -> Verdict {
    let start = SystemClock.now();
    let mut attempt = read(pamh);
    let (arguments, config) = match files(args) {
        Ok(found) => found,
        Err(outcome) => return finish(&attempt, None, outcome),
    };
    let outcome = items::ask_for_user(pamh, &mut attempt)
        .and_then(|()| {
            let case = Case {
                attempt: &attempt,
                arguments: &arguments,
                config: &config,
                start,
            };
            case.decide(pamh)
        })
        .unwrap_or_else(|outcome| outcome);
    finish(&attempt, Some((&config, arguments.debug)), outcome)
}

/// What PAM says of the login, with the address it comes from.
fn read(pamh: &mut PamHandle) -> Attempt {
    let connection = items::ssh_connection(pamh);
    let attempt = items::read(pamh);
    Attempt {
        address: address::remote(connection.as_deref(), attempt.rhost.as_deref()),
        ..attempt
    }
}

impl Conversation for PamConversation<'_> {
    fn ask(
        &mut self,
        notice: Option<&str>,
        prompt: &str,
        echo: bool,
    ) -> Result<Option<Secret>, ConversationFailed> {
        PamConversation::ask(self, notice, prompt, echo).map_err(|_| ConversationFailed)
    }

    fn show_notice(&mut self, notice: &str) {
        PamConversation::show_notice(self, notice);
    }

    fn user(&self) -> Option<String> {
        PamConversation::user(self)
    }

    fn set_password(&mut self, password: &Secret) -> Result<(), ConversationFailed> {
        let is_set = PamConversation::set_password(self, password);
        is_set.then_some(()).ok_or(ConversationFailed)
    }
}

/// What the stack's line says, and the configuration that it names.
fn files(args: &[&CStr]) -> Result<(Arguments, Config), Outcome> {
    let arguments = Arguments::parse(args).map_err(|why| failed(Reason::Arguments, why))?;
    let config = Config::load(&arguments.config)
        .map_err(|error| failed(Reason::Configuration, error.to_string()))?;
    Ok((arguments, config))
}

/// The audit line of a call that panicked.
pub(super) fn panicked(pamh: &mut PamHandle) -> Verdict {
    finish(
        &read(pamh),
        None,
        Outcome::new(Verdict::Panicked, Reason::Panic),
    )
}

/// Whose factor is required.
#[derive(Default)]
struct Subject {
    /// `None` for an unenrolled user, who is asked and refused.
    person: Option<Person>,
    /// The factors of everyone behind the entry, as they are stored.
    of_entry: Vec<String>,
    /// Lines for the log.
    notes: Vec<String>,
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
        let Subject {
            person,
            of_entry,
            notes,
        } = self.person(subject, &rules)?;
        let person = person.as_ref();
        rules.push = person.and_then(|person| person.push).unwrap_or(rules.push);
        let codes = recovery::FileRecovery::new(self.state(), subject, of_entry);
        let binding = person.map(|person| self.binding(subject, person));
        if binding.is_some_and(|binding| self.is_remembered(&binding)) {
            // The login was proven; where this fails, the next one tries again.
            let _ = codes.record_factors();
            let id = person.and_then(|person| person.authy_id);
            return Ok(Outcome {
                identity: id.map(Identity::Authy),
                notes,
                ..Outcome::new(Verdict::Accepted, Reason::Remembered)
            });
        }
        let mut codes = codes;
        let outcome = self.ask(pamh, subject, person, &mut codes, &rules);
        if outcome.verdict == Verdict::Accepted {
            let _ = codes.record_factors();
        }
        if let Some(binding) = binding {
            self.remember(&binding, &outcome);
        }
        Ok(Outcome { notes, ..outcome })
    }

    fn state(&self) -> &Path {
        &self.config.paths.state
    }

    fn is_remembered(&self, binding: &LoginBinding<'_>) -> bool {
        remember::is_remembered(&self.config.paths.state, &self.config.remember, binding)
    }

    /// Keeps a login that a code or a push has proven.
    fn remember(&self, binding: &LoginBinding<'_>, outcome: &Outcome) {
        if [Reason::CodeAccepted, Reason::PushApproved].contains(&outcome.reason) {
            remember::store(&self.config.paths.state, &self.config.remember, binding);
        }
    }

    /// What a login is remembered by.
    fn binding<'a>(&'a self, subject: &'a str, person: &'a Person) -> LoginBinding<'a> {
        LoginBinding {
            attempt: self.attempt,
            subject,
            person,
            local: self.attempt.rhost.is_none() && self.attempt.address.is_none(),
            policy: self.config.digest,
        }
    }

    /// The rules for this service; `nullok` in the stack says the same as `unenrolled = "ignore"`.
    fn rules(&self) -> Result<config::Login, Outcome> {
        let mut rules = self.config.login(&self.attempt.service);
        if self.arguments.nullok {
            rules.unenrolled = Fallback::Ignore;
        }
        if self.arguments.first_pass != FirstPass::Ask && !rules.token_in_password {
            let why = "use_first_pass and try_first_pass need login.token_in_password = true";
            return Err(failed(Reason::Arguments, why));
        }
        Ok(rules)
    }

    /// What an outage means for the application's real uid. This process is the application, so
    /// its network is the one that the application has.
    fn on_outage(&self, rules: &config::Login) -> OnOutage {
        let service = &self.attempt.service;
        OutageQuery {
            when_unavailable: rules.when_unavailable,
            set_by_service: self.config.is_set_by_service(service, "when_unavailable"),
            real_uid: getuid().as_raw(),
            only_loopback: false,
        }
        .on_outage()
    }

    /// Whose factor is required, or an outcome that is already certain.
    fn person(&self, subject: &str, rules: &config::Login) -> Result<Subject, Outcome> {
        let users = &self.arguments.users;
        let account = |error: account::LookupFailed| failed(Reason::Account, error.to_string());
        let query = RequirementQuery {
            attempt: self.attempt,
            subject,
            exempt: &self.config.exempt,
            unenrolled: rules.unenrolled,
            providers: connect::providers(self.config),
        };
        let requirement = query.requirement(
            |groups| account::group_of(subject, groups).map_err(account),
            || match users::find(users, subject) {
                Ok(found) => Ok(found.entry),
                Err(error) => Err(failed(Reason::Mapping, error.to_string())),
            },
            || account::spelling(subject).map_err(account),
        )?;
        let shown = text::sanitize_to(subject, 64);
        match requirement {
            Requirement::Person {
                person,
                skipped,
                of_entry,
            } => {
                let note = |factor: Skipped| format!("{}: {shown}: {factor}", users.display());
                Ok(Subject {
                    person: Some(person),
                    of_entry,
                    notes: skipped.into_iter().map(note).collect(),
                })
            }
            Requirement::Decoy => Ok(Subject::default()),
            Requirement::NotEnrolledAllowed => {
                Err(Outcome::new(Verdict::Ignored, Reason::Unenrolled))
            }
            Requirement::Exempt(rule) => {
                Err(Outcome::new(Verdict::Ignored, Reason::Exempt).with_detail(rule.to_string()))
            }
            Requirement::NoMatchingKey(why) => {
                Err(Outcome::new(Verdict::Refused, Reason::NoKey).with_detail(why.to_string()))
            }
            Requirement::InvalidEntry { line, message } => {
                let file = users.display();
                Err(failed(Reason::Mapping, format!("{file}:{line}: {message}")))
            }
            Requirement::NoSupportedFactor(skipped) => {
                let (file, skipped) = (users.display(), policy::list(&skipped));
                let why = format!("{file}: {shown}: this host can check no factor: {skipped}");
                Err(failed(Reason::Mapping, why))
            }
        }
    }

    /// Asks the person.
    fn ask(
        &self,
        pamh: &mut PamHandle,
        subject: &str,
        person: Option<&Person>,
        codes: &mut recovery::FileRecovery,
        rules: &config::Login,
    ) -> Outcome {
        let (config, attempt) = (self.config, self.attempt);
        let state = &config.paths.state;
        let host = host();
        let mut factor = connect::second_factor(config, person);
        let takes_codes = config.recovery.applies_to(&attempt.service);
        Login {
            attempt,
            rules,
            on_outage: self.on_outage(rules),
            request_timeout: connect::request_timeout(config),
            messages: &Messages::new(
                rules.language.unwrap_or_default(),
                &config.messages,
                &attempt.user,
                &host,
                &attempt.service,
            ),
            details: &details(attempt, &host),
            first_pass: self.arguments.first_pass,
            conversation: &mut PamConversation(pamh),
            factor: factor.as_mut(),
            limits: &mut limits::FileLimits::new(
                state,
                config.limits,
                subject,
                person.is_some(),
                attempt.address,
                SystemTime::now,
            ),
            recovery: takes_codes.then_some(codes),
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
        .filter_map(|(name, value)| Some((name.to_owned(), text::sanitize_to(value?, 100))))
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
        let url = config
            .authy
            .as_ref()
            .map_or("no service", |authy| &authy.url);
        audit.debug(&format!("{} at {url} by {rules:?}", attempt.user));
    }
    audit.record(attempt, &outcome);
    outcome.verdict
}
