//! Finds whose factor is required, and what the files say about that person: the part of a login
//! before the dialog.
//!
//! Names come from the application and may be an attacker's; an outcome here is certain without a
//! question. Called by `wiring`.

use std::path::Path;
use std::time::SystemTime;

use super::{Case, failed};
use crate::base::arguments::FirstPass;
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::factor::{Fingerprint, Person, SECURITY_KEYS, Skipped};
use crate::base::{text, utc};
use crate::factor::connect;
use crate::host::account::{self, Spelling};
use crate::login::TTY_OF_SSHD;
use crate::login::policy::{self, Requirement, RequirementQuery};
use crate::store::config::{self, EnrollTotp};
use crate::store::former;
use crate::store::people::{Found, Origin, People};
use crate::store::totp::{self, Apps, AtPrompt, Authenticator, Held};
use crate::store::users::Entry;

/// Whose factor is required.
#[derive(Default)]
pub(super) struct Subject {
    pub(super) name: String,
    /// `None` for an unenrolled user, who is asked and refused.
    pub(super) person: Option<Person>,
    /// The person's security key that sshd has accepted.
    pub(super) security_key: Option<Fingerprint>,
    /// The person's app, where this host checks its codes.
    pub(super) app: Option<Authenticator>,
    /// The app that the person has enrolled at the prompt.
    pub(super) at_prompt: AtPrompt,
    /// The factors that the person has, where enrolled.toml must learn of them.
    pub(super) new_factors: Option<Vec<String>>,
    /// Whether the person may enroll an app at the prompt.
    pub(super) may_enroll: bool,
    /// The factors of everyone behind the entry, as they are stored.
    pub(super) of_entry: Vec<String>,
    /// Lines for the log.
    pub(super) notes: Vec<String>,
}

impl Subject {
    /// When the person has enrolled an app that does not count yet.
    pub(super) fn held(&self) -> Option<Held> {
        match self.at_prompt {
            AtPrompt::Held(held) => Some(held),
            AtPrompt::None | AtPrompt::Counts(_) | AtPrompt::Unreadable(_) => None,
        }
    }
}

impl Case {
    /// Whose factor is required, or an outcome that is certain before anybody is asked.
    pub(super) fn subject(&self) -> Result<Subject, Outcome> {
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
        let people = People::new(users, &self.config);
        let (mut apps, mut origin, mut note) = (None, Origin::Users, None);
        let requirement = query.requirement(
            |groups| account::group_of(&subject, groups).map_err(account),
            || match people.find(&subject) {
                Ok(mut found) => {
                    origin = found.origin;
                    note = note_on_directory(&mut found, &subject)?;
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
        let mut subject = self.required(requirement, subject, &people.path(origin))?;
        subject.notes.extend(note);
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

    /// Whether this login may offer to enroll an app: one of sshd, in a process of root's alone,
    /// with prompts of its own.
    fn offers_apps(&self) -> bool {
        let process = self.attempt.process;
        self.rules.enroll_totp == EnrollTotp::Offer
            && !self.is_locker
            && !self.rules.token_in_password
            && self.rules.whose == config::Subject::User
            && self.attempt.tty.as_deref() == Some(TTY_OF_SSHD)
            && (process.uid, process.effective_uid) == (0, 0)
    }

    /// What a requirement means for the login of `subject`, whose entry is in this file.
    fn required(
        &self,
        requirement: Requirement,
        subject: String,
        file: &Path,
    ) -> Result<Subject, Outcome> {
        let users = file.display();
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
}

/// What the log says of an entry of the directory that lets no one in: the name was removed, or is
/// another spelling of an account's name, which then counts as unenrolled. It would be a second entry
/// of that account, with the factor of another person perhaps.
fn note_on_directory(found: &mut Found, subject: &str) -> Result<Option<String>, Outcome> {
    let is_person = matches!(found.entry, Entry::Enrolled(_));
    if found.origin == Origin::Users || !is_person {
        return Ok(removed_note(&found.entry, subject));
    }
    let spelling = account::spelling(subject);
    let spelling = spelling.map_err(|error| failed(Reason::Account, error.to_string()))?;
    if spelling != Spelling::Alias {
        return Ok(None);
    }
    found.entry = Entry::Absent;
    Ok(Some(format!(
        "{}: the account's own name is spelled differently: the entry of the directory does not count",
        text::sanitize_to(subject, 64)
    )))
}

/// A line for the log about a name that the directory has lost.
fn removed_note(entry: &Entry, subject: &str) -> Option<String> {
    match entry {
        Entry::Removed { since, .. } => Some(format!(
            "{} was removed from the directory on {}, and is refused until authyctl sync --forget",
            text::sanitize_to(subject, 64),
            utc::shown(*since)
        )),
        Entry::Enrolled(_) | Entry::Shared(_) | Entry::Invalid { .. } | Entry::Absent => None,
    }
}
