//! The apps of the people behind one entry of the mapping.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Authenticator, Entry as SecretEntry, Error, Secrets, Unusable, enrolled, path};
use crate::base::factor::Person;
use crate::base::text;
use crate::store::users::Entry;

/// The apps of the people behind an entry. totp.toml is an error of those alone who have `totp`.
#[derive(Debug)]
pub struct Apps {
    own: Option<Result<Secrets, Error>>,
    at_prompt: AtPrompt,
    /// Whether the entry is one person's, whose app at the prompt was looked up.
    is_single: bool,
    /// The factors that the person has, where enrolled.toml must learn of them.
    new_factors: Option<Vec<String>>,
}

/// The app that a person has enrolled at the prompt. People of a shared account have none:
/// enrolled.toml knows them by the name of the account alone.
#[derive(Debug, Clone, Default)]
pub enum AtPrompt {
    /// There is none, or the person has another app, whose secret is in totp.toml.
    #[default]
    None,
    /// It does not count yet.
    Held(Held),
    /// It counts, as if the entry said `totp = true`.
    Counts(Authenticator),
    /// Whether there is one cannot be read; the reason, for the log.
    Unreadable(String),
}

/// An app that does not count yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// When it was enrolled, in seconds since 1970.
    pub since: u64,
    /// From when on it counts.
    pub until: u64,
}

/// Where the apps are that were enrolled at the prompt, and when they count.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The state folder.
    pub state: &'a Path,
    /// The user whose entry it is.
    pub user: &'a str,
    /// How long an app must be enrolled before it counts.
    pub hold: Duration,
    /// The present time.
    pub now: SystemTime,
}

impl Apps {
    /// Reads the secrets that people of `entry` have in the totp.toml beside the mapping at
    /// `users`, and notes in each person which secret it is. Reads no file for an entry without
    /// `totp`.
    #[must_use]
    pub fn of(users: &Path, entry: &mut Entry) -> Self {
        let names = entry.totp_names();
        let own = (!names.is_empty()).then(|| Secrets::load_some(&path(users), &names));
        if let Some(Ok(secrets)) = &own {
            entry.set_totp_ids(|name| secrets.find(name).ok().map(Authenticator::id));
        }
        Self {
            own,
            at_prompt: AtPrompt::None,
            is_single: false,
            new_factors: None,
        }
    }

    /// The same, with the app that the person has enrolled at the prompt: where it counts, the
    /// person has it as if the entry said `totp = true`.
    #[must_use]
    pub fn with_enrolled(users: &Path, entry: &mut Entry, query: &Query<'_>) -> Self {
        let mut apps = Self::of(users, entry);
        match entry {
            Entry::Enrolled(person) => {
                apps.is_single = true;
                apps.at_prompt = apps.at_prompt(users, person, query);
                if let AtPrompt::Counts(app) = &apps.at_prompt {
                    person.totp = Some(query.user.to_owned());
                    person.totp_id = Some(app.id());
                }
            }
            // A large file without an index takes time, which must not tell who is enrolled.
            Entry::Absent | Entry::Removed { .. } => {
                drop(enrolled::find(query.state, query.user));
            }
            Entry::Shared(_) | Entry::Invalid { .. } => {}
        }
        apps
    }

    fn at_prompt(&mut self, users: &Path, person: &Person, query: &Query<'_>) -> AtPrompt {
        let (app, enrolled) = match enrolled::find(query.state, query.user) {
            Ok(Some(SecretEntry::Valid {
                app,
                enrolled: Some(enrolled),
                ..
            })) => (app, enrolled),
            Ok(Some(SecretEntry::Invalid { line, message })) => {
                let path = enrolled::path(query.state);
                return AtPrompt::Unreadable(format!("{}:{line}: {message}", path.display()));
            }
            Ok(_) => return AtPrompt::None,
            Err(error) => return AtPrompt::Unreadable(error.to_string()),
        };
        let factors = person.stored_ids();
        if !enrolled.is_of(&factors) {
            return AtPrompt::None;
        }
        match self.has_own(users, person, query.user) {
            Ok(false) => {}
            Ok(true) => return AtPrompt::None,
            Err(error) => return AtPrompt::Unreadable(error.to_string()),
        }
        self.new_factors = (!enrolled.has_all(&factors)).then_some(factors);
        let until = enrolled.since.saturating_add(query.hold.as_secs());
        let now = query.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        if now.as_secs() < until {
            return AtPrompt::Held(Held {
                since: enrolled.since,
                until,
            });
        }
        AtPrompt::Counts(app)
    }

    /// Whether totp.toml has a secret of this name, used or not.
    fn has_own(&self, users: &Path, person: &Person, user: &str) -> Result<bool, Error> {
        let loaded;
        let secrets = match (&self.own, &person.totp) {
            (Some(own), Some(_)) => own,
            _ => {
                loaded = Secrets::load_some(&path(users), &BTreeSet::from([user]));
                &loaded
            }
        };
        match secrets {
            Ok(secrets) => Ok(secrets.entry(user).is_some()),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error.clone()),
        }
    }

    /// Whether this person, whose entry at `users` has this name, may enroll an app at the prompt:
    /// the entry is theirs alone, and they have no secret on this host.
    #[must_use]
    pub fn may_enroll(&self, users: &Path, person: &Person, user: &str) -> bool {
        let has_none = matches!(self.at_prompt, AtPrompt::None) && person.totp.is_none();
        self.is_single && has_none && self.has_own(users, person, user).is_ok_and(|has| !has)
    }

    /// Returns the app that the person has enrolled at the prompt.
    #[must_use]
    pub fn enrolled(&self) -> &AtPrompt {
        &self.at_prompt
    }

    /// Returns the factors that the person has now, where enrolled.toml does not know them all.
    #[must_use]
    pub fn new_factors(&self) -> Option<&[String]> {
        self.new_factors.as_deref()
    }

    /// Returns the app of one of these people; `None` for a person without one.
    ///
    /// # Errors
    /// The person has `totp`, and no secret that can be used.
    pub fn of_person(&self, person: &Person) -> Result<Option<&Authenticator>, Unusable> {
        if let AtPrompt::Counts(app) = &self.at_prompt {
            return Ok(Some(app));
        }
        let Some(name) = &person.totp else {
            return Ok(None);
        };
        match &self.own {
            Some(Ok(secrets)) => secrets.find(name).map(Some),
            Some(Err(error)) => Err(error.clone().into()),
            None => Ok(None),
        }
    }
}

impl AtPrompt {
    /// Why it cannot be read, as a line for the log.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Unreadable(why) => Some(format!(
                "{}; an app that was enrolled at the prompt does not count until this is fixed",
                text::sanitize_to(why, 500)
            )),
            Self::None | Self::Held(_) | Self::Counts(_) => None,
        }
    }
}
