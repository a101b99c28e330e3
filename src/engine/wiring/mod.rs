//! Wires one login: arguments, files, policy, factor, limits, login.
//!
//! Reads top to bottom as the login goes: `subject` is whose factor is required, `dialog` asks the
//! person, and what both need is here. Whatever fails on the way ends in an [`Outcome`] that says
//! so. The attempt may come from an attacker; the files are trusted once they were opened. Called
//! by `session`.

mod dialog;
mod subject;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use self::subject::Subject;
use super::isolation::Groups;
use super::{locker, shared_words};
use crate::base::arguments::Arguments;
use crate::base::attempt::{Attempt, Note, Outcome, Reason, Verdict};
use crate::base::audit_line;
use crate::base::deadline::Deadline;
use crate::base::factor::Person;
use crate::factor::connect;
use crate::host::address;
use crate::login::{Conversation, LastNotice, policy};
use crate::messages::Messages;
use crate::protocol::Start;
use crate::store::config::{self, Config, Fallback, Notices};
use crate::store::recovery;
use crate::store::remember::{self, LoginBinding};
use crate::store::totp::{Held, enrolled};
use crate::store::verdicts;

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

    /// The socket of the log, where the configuration names one.
    pub(super) fn log(&self) -> Option<&Path> {
        self.config.paths.log.as_deref()
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
        let notes = subject.notes.iter().cloned();
        outcome.notes.extend(notes.map(Note::Text));
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
    fn warning(&self, subject: &Subject, held: Held) -> Note {
        let (attempt, name) = (&self.attempt, &subject.name);
        Note::Line(audit_line::enrolled(attempt, name, held.since, held.until))
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

    /// Counts the verdict of a line of the log. The login is decided: what cannot be counted is lost.
    pub(super) fn count(&self, outcome: &Outcome) {
        let _ = verdicts::count(
            &self.config,
            &self.attempt.service,
            outcome,
            shared_words::map,
        );
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
}

/// The name of this host, as far as it is known.
fn host() -> String {
    let name = nix::unistd::gethostname().ok();
    name.and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "this host".to_owned())
}

/// The outcome of a login that cannot be decided.
pub(super) fn failed(reason: Reason, why: impl Into<String>) -> Outcome {
    Outcome::new(Verdict::Failed, reason).with_detail(why)
}
