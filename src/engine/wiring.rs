//! Wires one login: arguments, files, policy, factor, limits, login.
//!
//! Reads top to bottom as the login goes. Whatever fails on the way ends in an [`Outcome`] that says
//! so. The attempt may come from an attacker; the files are trusted once they were opened. Called by
//! `session`.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use ring::rand::{SecureRandom, SystemRandom};

use super::enrollment::PromptEnrollment;
use super::isolation::{self, Groups};
use super::{locker, shared_words};
use crate::base::arguments::{Arguments, FirstPass};
use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::deadline::{Deadline, SystemClock};
use crate::base::factor::twilio::Lasting;
use crate::base::factor::{Fingerprint, Person, SECURITY_KEYS, SendMode, Skipped};
use crate::base::{audit_line, text};
use crate::factor::connect;
use crate::factor::totp::Totp;
use crate::host::{account, address, network};
use crate::login::policy::{self, OnOutage, OutageQuery, Requirement, RequirementQuery};
use crate::login::{Conversation, Enrollment, LastNotice, Login, TTY_OF_SSHD};
use crate::messages::Messages;
use crate::protocol::Start;
use crate::store::config::{self, Config, EnrollTotp, Fallback, Notices};
use crate::store::former;
use crate::store::limits::{self, LimitedLogin};
use crate::store::recovery;
use crate::store::remember::{self, LoginBinding};
use crate::store::totp::{self, Apps, AtPrompt, Authenticator, Held, Steps, enrolled};
use crate::store::twilio::{StartedFiles, UsedFiles};
use crate::store::users;

/// One login, and the files that were read for it.
pub(super) struct Case {
    attempt: Attempt,
    arguments: Arguments,
    config: Config,
    /// The rules of the service, with what the arguments change.
    rules: config::Login,
    begun: Instant,
    groups: Groups,
    /// Whether a plain user's process asks (`locker`).
    is_locker: bool,
}

/// What came of a login, and whose it was.
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    subject: Subject,
}

impl Decision {
    /// A decision that no factor took part in.
    pub(super) fn certain(outcome: Outcome) -> Self {
        Self {
            outcome,
            subject: Subject::default(),
        }
    }
}

impl Subject {
    /// When the person has enrolled an app that does not count yet.
    fn held(&self) -> Option<Held> {
        match self.at_prompt {
            AtPrompt::Held(held) => Some(held),
            AtPrompt::None | AtPrompt::Counts(_) | AtPrompt::Unreadable(_) => None,
        }
    }
}

/// Whose factor is required.
#[derive(Default)]
struct Subject {
    name: String,
    /// `None` for an unenrolled user, who is asked and refused.
    person: Option<Person>,
    /// The person's security key that sshd has accepted.
    security_key: Option<Fingerprint>,
    /// The person's app, where this host checks its codes.
    app: Option<Authenticator>,
    /// The app that the person has enrolled at the prompt.
    at_prompt: AtPrompt,
    /// The factors that the person has, where enrolled.toml must learn of them.
    new_factors: Option<Vec<String>>,
    /// Whether the person may enroll an app at the prompt.
    may_enroll: bool,
    /// The factors of everyone behind the entry, as they are stored.
    of_entry: Vec<String>,
    /// Lines for the log.
    notes: Vec<String>,
}

impl Case {
    /// Reads what the stack's line says, and the configuration that it names. The time of the login
    /// counts from `begun`; this process is in the control groups `groups`, and
    /// `is_locker` says whether a plain user's process asks.
    ///
    /// # Errors
    /// The outcome of a login that cannot be decided.
    pub(super) fn open(
        start: &Start,
        begun: Instant,
        groups: Groups,
        is_locker: bool,
    ) -> Result<Self, Outcome> {
        let arguments =
            Arguments::parse(&start.arguments).map_err(|why| failed(Reason::Arguments, why))?;
        let config = Config::load(&arguments.config)
            .map_err(|error| failed(Reason::Configuration, error.to_string()))?;
        let mut rules = config.login(&start.attempt.service);
        if is_locker {
            rules = locker::rules(rules);
        }
        // `nullok` in the stack says the same as `unenrolled = "ignore"`.
        if arguments.nullok {
            rules.unenrolled = Fallback::Ignore;
        }
        rules.enroll_by = rules.enroll_by(SystemTime::now());
        let believes_ssh = !is_locker && policy::believes_ssh(&start.attempt, &rules.ssh_services);
        let connection = start.ssh_connection.as_deref().filter(|_| believes_ssh);
        let rhost = start.attempt.rhost.as_deref();
        Ok(Self {
            attempt: Attempt {
                address: address::remote(connection, rhost),
                believes_ssh,
                ..start.attempt.clone()
            },
            arguments,
            config,
            rules,
            begun,
            groups,
            is_locker,
        })
    }

    /// How long the login may take.
    pub(super) fn budget(&self) -> Duration {
        self.rules.deadline
    }

    /// When the login must end.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.begun, self.rules.deadline)
    }

    /// The socket of the log.
    pub(super) fn log(&self) -> &Path {
        &self.config.paths.log
    }

    /// The line for debugging, where the arguments ask for it.
    pub(super) fn debug_line(&self) -> Option<String> {
        let authy = self.config.authy.as_ref().map(|authy| authy.url.as_str());
        let twilio = self
            .config
            .twilio
            .as_ref()
            .map(|twilio| twilio.url.as_str());
        let urls: Vec<_> = authy.into_iter().chain(twilio).collect();
        let url = if urls.is_empty() {
            "no service".to_owned()
        } else {
            urls.join(", ")
        };
        let (user, rules) = (&self.attempt.user, &self.rules);
        let line = || format!("{user} at {url} by {rules:?}");
        self.arguments.debug.then(line)
    }

    /// From a usable name to an outcome. Each refused code is passed to `record_refused` before the
    /// person hears of it.
    ///
    /// # Errors
    /// The outcome is certain without a dialog with the person.
    pub(super) fn decide(
        &self,
        conversation: &mut dyn Conversation,
        record_refused: &mut dyn FnMut(&Outcome),
    ) -> Result<Decision, Outcome> {
        let subject = self.subject()?;
        let mut outcome = self.outcome(&subject, conversation, record_refused);
        outcome.notes.extend(subject.notes.clone());
        if let (Some(held), Verdict::Accepted | Verdict::Ignored) =
            (subject.held(), outcome.verdict)
        {
            outcome.notes.push(self.warning(&subject, held));
        }
        Ok(Decision { outcome, subject })
    }

    /// What the person reads after an outcome that came without a dialog.
    pub(super) fn last_notice(&self, outcome: &Outcome) -> Option<String> {
        if self.rules.notices() != Notices::Message {
            return None;
        }
        let messages = self.messages(&host());
        if let (Reason::EnrollBy, Some(date)) = (outcome.reason, self.rules.enroll_by) {
            let days = date.days_left(SystemTime::now());
            return Some(messages.enroll_by(&date.to_string(), days));
        }
        let last_notice = LastNotice {
            messages: &messages,
            accepts_codes: true,
            accepts_recovery: self.takes_recovery(),
        };
        last_notice.of(outcome)
    }

    /// The line for the log about an app that was enrolled at the prompt and does not count yet.
    fn warning(&self, subject: &Subject, held: Held) -> String {
        audit_line::enrolled(&self.attempt, &subject.name, held.since, held.until)
    }

    /// What the person reads who is not asked, and has enrolled an app that does not count yet.
    fn held_notice(&self, subject: &Subject) -> Option<String> {
        let held = subject.held()?;
        let is_shown = self.rules.notices() != Notices::None;
        let messages = self.messages(&host());
        is_shown.then(|| messages.held(held.until))
    }

    fn messages(&self, host: &str) -> Messages {
        Messages::new(
            self.rules.language.unwrap_or_default(),
            &self.config.messages,
            &self.attempt.user,
            host,
            &self.attempt.service,
        )
    }

    /// The outcome for this subject: proven by a security key, remembered, or what the dialog with
    /// the person brings.
    fn outcome(
        &self,
        subject: &Subject,
        conversation: &mut dyn Conversation,
        record_refused: &mut dyn FnMut(&Outcome),
    ) -> Outcome {
        let person = subject.person.as_ref().filter(|_| !self.is_locker);
        let person = person.filter(|_| subject.security_key.is_none());
        let is_remembered = person.is_some_and(|person| {
            let binding = self.binding(&subject.name, person);
            remember::is_remembered(self.state(), &self.config.remember, &binding)
        });
        if !is_remembered {
            return self.ask(subject, conversation, record_refused);
        }
        let person = subject.person.as_ref();
        Outcome {
            identity: person
                .and_then(|person| connect::identity(&self.config, &self.rules, person)),
            last_notice: self.held_notice(subject),
            ..Outcome::new(Verdict::Accepted, Reason::Remembered)
        }
    }

    /// Keeps what a proven login leaves, once the application has its verdict. The login is proven
    /// even where this fails.
    pub(super) fn settle(&self, decision: &Decision) {
        let Decision { outcome, subject } = decision;
        if self.is_locker {
            return;
        }
        if outcome.verdict == Verdict::Accepted {
            let _ = self.codes(subject).record_factors();
            if let Some(factors) = &subject.new_factors {
                let _ = enrolled::record_factors(self.state(), &subject.name, factors);
            }
        }
        let proven = [Reason::CodeAccepted, Reason::PushApproved].contains(&outcome.reason);
        if let (true, Some(person)) = (proven, &subject.person) {
            let binding = self.binding(&subject.name, person);
            remember::store(self.state(), &self.config.remember, &binding);
        }
    }

    fn takes_recovery(&self) -> bool {
        !self.is_locker && self.config.recovery.applies_to(&self.attempt.service)
    }

    fn state(&self) -> &Path {
        &self.config.paths.state
    }

    /// The recovery codes of everyone behind the entry.
    fn codes(&self, subject: &Subject) -> recovery::FileRecovery {
        let of_entry = subject.of_entry.clone();
        recovery::FileRecovery::new(self.state(), &subject.name, of_entry, shared_words::map)
    }

    /// What a login is remembered by.
    fn binding<'a>(&'a self, subject: &'a str, person: &'a Person) -> LoginBinding<'a> {
        LoginBinding {
            attempt: &self.attempt,
            subject,
            person,
            local: self.attempt.rhost.is_none() && self.attempt.address.is_none(),
            policy: self.config.digest,
        }
    }

    /// Whose factor is required, or an outcome that is certain before anybody is asked.
    fn subject(&self) -> Result<Subject, Outcome> {
        if self.is_locker && !self.config.lockers.allow {
            let why = "a plain user's program asks, and lockers.allow is not true";
            return Err(failed(Reason::Configuration, why));
        }
        if self.arguments.first_pass != FirstPass::Ask && !self.rules.token_in_password {
            let why = "use_first_pass and try_first_pass need login.token_in_password = true";
            return Err(failed(Reason::Arguments, why));
        }
        let users = &self.arguments.users;
        let account = |error: account::LookupFailed| failed(Reason::Account, error.to_string());
        let subject = policy::subject(self.rules.whose, &self.attempt, account::name_of)
            .map_err(account)?
            .ok_or_else(|| Outcome::new(Verdict::Refused, Reason::BadUserName))?;
        let providers = connect::providers(&self.config, &self.rules);
        let query = RequirementQuery {
            attempt: &self.attempt,
            subject: &subject,
            exempt: &self.config.exempt,
            unenrolled: self.rules.unenrolled,
            enroll_by: self.rules.enroll_by,
            providers,
        };
        let mut apps = None;
        let requirement = query.requirement(
            |groups| account::group_of(&subject, groups).map_err(account),
            || match users::find(users, &subject) {
                Ok(mut found) => {
                    let query = self.apps_query(&subject);
                    apps = Some(Apps::with_enrolled(users, &mut found.entry, &query));
                    Ok(found.entry)
                }
                Err(error) => Err(failed(Reason::Mapping, error.to_string())),
            },
            || account::spelling(&subject).map_err(account),
            || {
                former::was_enrolled(self.state(), &subject)
                    .map_err(|error| failed(Reason::State, error.to_string()))
            },
        )?;
        let mut subject = self.required(requirement, subject)?;
        if let (Some(person), Some(apps)) = (&subject.person, apps) {
            subject.at_prompt = apps.enrolled().clone();
            subject.new_factors = apps.new_factors().map(<[String]>::to_vec);
            subject.notes.extend(subject.at_prompt.note());
            // The same error for a person with several factors: their entry promises an app.
            if providers.totp {
                let app = apps.of_person(person);
                let app = app.map_err(|error| failed(Reason::Mapping, error.to_string()))?;
                subject.app = app.cloned();
                subject.may_enroll =
                    self.offers_apps() && apps.may_enroll(users, person, &subject.name);
            }
        }
        Ok(subject)
    }

    /// Where the apps are that were enrolled at the prompt, and when they count.
    fn apps_query<'a>(&'a self, user: &'a str) -> totp::Query<'a> {
        totp::Query {
            state: self.state(),
            user,
            hold: self.rules.enroll_hold,
            now: SystemTime::now(),
        }
    }

    /// Whether this login may offer to enroll an app: one of sshd, in a process of root's alone, with
    /// prompts of its own.
    fn offers_apps(&self) -> bool {
        let process = self.attempt.process;
        self.rules.enroll_totp == EnrollTotp::Offer
            && !self.is_locker
            && !self.rules.token_in_password
            && self.rules.whose == config::Subject::User
            && self.attempt.tty.as_deref() == Some(TTY_OF_SSHD)
            && (process.uid, process.effective_uid) == (0, 0)
    }

    /// The app that this person may enroll at the prompt.
    fn enrollment(&self, subject: &Subject, host: &str) -> Option<PromptEnrollment> {
        let person = subject.person.as_ref().filter(|_| subject.may_enroll)?;
        Some(PromptEnrollment {
            state: self.state().to_owned(),
            user: subject.name.clone(),
            host: host.to_owned(),
            factors: person.stored_ids(),
            hold: self.rules.enroll_hold,
            steps: Steps::new(self.state(), shared_words::map),
            now: SystemTime::now,
            app: None,
            stored: None,
            notes: Vec::new(),
        })
    }

    /// What a requirement means for the login of `subject`.
    fn required(&self, requirement: Requirement, subject: String) -> Result<Subject, Outcome> {
        let users = self.arguments.users.display();
        let shown = text::sanitize_to(&subject, 64);
        match requirement {
            Requirement::Person {
                person,
                skipped,
                security_key,
                of_entry,
            } => {
                let note = |factor: Skipped| format!("{users}: {shown}: {factor}");
                // A security key proves nothing in sudo, which is no news at each of its logins.
                let skipped = (skipped.into_iter()).filter(|factor| factor.key != SECURITY_KEYS);
                Ok(Subject {
                    name: subject,
                    person: Some(person),
                    security_key,
                    of_entry,
                    notes: skipped.map(note).collect(),
                    ..Subject::default()
                })
            }
            Requirement::Decoy => Ok(Subject {
                name: subject,
                ..Subject::default()
            }),
            Requirement::NotEnrolledAllowed => {
                Err(Outcome::new(Verdict::Ignored, Reason::Unenrolled))
            }
            Requirement::NotEnrolledYet(date) => {
                let until = format!("{shown} is not enrolled, and need not be until {date}");
                Err(Outcome::new(Verdict::Ignored, Reason::EnrollBy).with_detail(until))
            }
            Requirement::Exempt(rule) => {
                Err(Outcome::new(Verdict::Ignored, Reason::Exempt).with_detail(rule.to_string()))
            }
            Requirement::NoMatchingKey(why) => {
                Err(Outcome::new(Verdict::Refused, Reason::NoKey).with_detail(why.to_string()))
            }
            Requirement::InvalidEntry { line, message } => Err(failed(
                Reason::Mapping,
                format!("{users}:{line}: {message}"),
            )),
            Requirement::NoSupportedFactor(skipped) => {
                let skipped = policy::list(&skipped);
                let why = format!("{users}: {shown}: this host can check no factor: {skipped}");
                Err(failed(Reason::Mapping, why))
            }
        }
    }

    /// What an outage means for the application's real uid. The engine was started in the
    /// surroundings of the application, which may have no network: a host without a provider needs
    /// none.
    fn on_outage(&self, subject: &Subject) -> OnOutage {
        let has_totp = subject
            .person
            .as_ref()
            .is_some_and(|person| person.totp.is_some());
        let service = &self.attempt.service;
        OutageQuery {
            when_unavailable: self.rules.when_unavailable,
            set_by_service: self.config.is_set_by_service(service, "when_unavailable"),
            service,
            real_uid: self.attempt.process.uid,
            only_loopback: self.uses_network() && network::has_only_loopback(),
            // Where it cannot be read, there may be one.
            has_totp: has_totp || matches!(subject.at_prompt, AtPrompt::Unreadable(_)),
        }
        .on_outage()
    }

    /// Whether this host uses a provider.
    fn uses_network(&self) -> bool {
        self.config.authy.is_some() || self.config.twilio.is_some()
    }

    /// Asks the person.
    fn ask(
        &self,
        subject: &Subject,
        conversation: &mut dyn Conversation,
        record_refused: &mut dyn FnMut(&Outcome),
    ) -> Outcome {
        let (config, attempt) = (&self.config, &self.attempt);
        let person = subject.person.as_ref();
        let mut rules = self.rules.clone();
        rules.push = person.and_then(|person| person.push).unwrap_or(rules.push);
        let sends = [rules.push, rules.sms].contains(&SendMode::Auto);
        if sends && subject.security_key.is_none() {
            // What leaves before the first prompt, during which the groups are left otherwise.
            isolation::leave(self.groups);
        }
        let host = host();
        let mut limits = self.limits(subject);
        let (totp, lasting) = (self.totp(subject, &limits), self.lasting(subject, &limits));
        let caller = connect::Caller {
            user: &subject.name,
            address: attempt.address,
        };
        let mut factor = match subject.security_key {
            Some(key) => connect::proven(key),
            None => connect::second_factor(config, &rules, person, totp, lasting, caller),
        };
        let mut codes = self.codes(subject);
        let takes_codes = self.takes_recovery();
        let mut enrollment = self.enrollment(subject, &host);
        let outcome = Login {
            attempt,
            rules: &rules,
            is_proven: subject.security_key.is_some(),
            offers_push: self.rules.offers_push(),
            on_outage: self.on_outage(subject),
            request_timeout: connect::request_timeout(config, &rules, person),
            messages: &self.messages(&host),
            details: &details(attempt, &host),
            first_pass: self.arguments.first_pass,
            conversation,
            factor: factor.as_mut(),
            limits: &mut limits,
            recovery: takes_codes.then_some(&mut codes),
            names_recovery: takes_codes && config.recovery.is_named_for(&attempt.service),
            enrollment: (enrollment.as_mut()).map(|enrollment| enrollment as &mut dyn Enrollment),
            held_until: subject.held().map(|held| held.until),
            record_refused,
            random: &mut random,
            clock: &SystemClock,
            deadline: self.deadline(),
        }
        .authenticate();
        let mut notes = factor.notes();
        if let Some(enrollment) = enrollment {
            notes.extend(enrollment.notes);
            notes.extend(enrollment.stored.map(|held| self.warning(subject, held)));
        }
        Outcome { notes, ..outcome }
    }

    /// The counts of this login.
    fn limits(&self, subject: &Subject) -> limits::FileLimits {
        let person = subject.person.as_ref();
        let login = LimitedLogin {
            user: &subject.name,
            enrolled: person.is_some(),
            receives: person
                .is_some_and(|person| connect::receives(&self.config, &self.rules, person)),
            factors: person.map(Person::stored_ids).unwrap_or_default(),
            address: self.attempt.address,
            uid: self.attempt.process.uid,
        };
        let (rules, map) = (self.config.limits, shared_words::map);
        let own_book = self.is_locker.then(|| limits::of_lockers(self.state()));
        let state = own_book.as_deref().unwrap_or_else(|| self.state());
        limits::FileLimits::new(state, rules, login, map, SystemTime::now)
    }

    /// What this person's factor at Twilio keeps.
    fn lasting(&self, subject: &Subject, limits: &limits::FileLimits) -> Lasting {
        let (state, now) = (self.state(), SystemTime::now);
        Lasting {
            started: Box::new(StartedFiles::new(state, &subject.name, now)),
            challenges: Box::new(limits.another()),
            used: Box::new(UsedFiles::new(state, shared_words::map, now)),
        }
    }

    /// The app of this person, with the codes that it has used and the counts of those that were
    /// refused.
    fn totp(&self, subject: &Subject, limits: &limits::FileLimits) -> Option<Totp> {
        let app = subject.app.clone()?;
        let name = subject.person.as_ref()?.totp.as_deref()?;
        let steps = Steps::new(self.state(), shared_words::map);
        let counts = Box::new(limits.another());
        Some(Totp::new(name, app, steps, counts, SystemTime::now))
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

/// The outcome of a login that cannot be decided.
pub(super) fn failed(reason: Reason, why: impl Into<String>) -> Outcome {
    Outcome::new(Verdict::Failed, reason).with_detail(why)
}
