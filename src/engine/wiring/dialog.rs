//! Makes ready what the dialog with the person needs, and leads it: factor, limits, recovery codes,
//! and the app that the person may enroll.
//!
//! Called by `wiring`, with a subject that is certain.

use std::time::SystemTime;

use ring::rand::{SecureRandom, SystemRandom};

use super::subject::Subject;
use super::{Case, host};
use crate::base::attempt::{Attempt, Note, Outcome};
use crate::base::deadline::SystemClock;
use crate::base::factor::twilio::Lasting;
use crate::base::factor::{Person, SendMode};
use crate::base::text;
use crate::engine::enrollment::PromptEnrollment;
use crate::engine::{isolation, shared_words};
use crate::factor::connect;
use crate::factor::totp::Totp;
use crate::host::network;
use crate::login::policy::{OnOutage, OutageQuery};
use crate::login::{Conversation, Enrollment, Login};
use crate::store::limits::{self, LimitedLogin};
use crate::store::people::People;
use crate::store::totp::{AtPrompt, Steps};
use crate::store::twilio::{StartedFiles, UsedFiles};

impl Case {
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
    pub(super) fn ask(
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
        let mut notes: Vec<_> = factor.notes().into_iter().map(Note::Text).collect();
        if let Some(enrollment) = enrollment {
            notes.extend(enrollment.notes.into_iter().map(Note::Text));
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

    /// The app that this person may enroll at the prompt.
    fn enrollment(&self, subject: &Subject, host: &str) -> Option<PromptEnrollment> {
        let person = subject.person.as_ref().filter(|_| subject.may_enroll)?;
        Some(PromptEnrollment {
            state: self.state().to_owned(),
            users: self.arguments.users.clone(),
            people: People::new(&self.arguments.users, &self.config),
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

/// A random number below `below`.
fn random(below: u32) -> Option<u32> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let number = u64::from_ne_bytes(bytes).checked_rem(below.into())?;
    u32::try_from(number).ok()
}
