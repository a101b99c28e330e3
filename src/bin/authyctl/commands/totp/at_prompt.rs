//! Apps that people have enrolled at the prompt of a login: enrolled.toml in the state folder. What
//! the commands show of them, and how they end. Shows no secret.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pam_authy::base::factor::Person;
use pam_authy::base::utc;
use pam_authy::engine::shared_words;
use pam_authy::store::config::Config;
use pam_authy::store::totp::{self, Authenticator, Entry as SecretEntry, Secrets, Steps, enrolled};
use pam_authy::store::users::{Entry, Mapping};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::error::CommandError;
use crate::output::shown_name;

/// The PAM service whose rules say when an app counts.
const RULES_OF: &str = "sshd";

/// The apps of a host that were enrolled at the prompt.
pub(in super::super) struct AtPrompt {
    pub(in super::super) path: PathBuf,
    secrets: Secrets,
    hold: u64,
    now: u64,
}

/// What an app at the prompt means for its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// It counts.
    Counts,
    /// It does not count yet.
    Held,
    /// It never counts: the entry is another person's, is missing or shared, or its app is in
    /// totp.toml.
    Unused,
}

/// One valid entry.
pub(in super::super) struct Row<'a> {
    pub(in super::super) user: &'a str,
    pub(in super::super) line: usize,
    pub(in super::super) app: &'a Authenticator,
    pub(in super::super) since: u64,
    pub(in super::super) until: u64,
    pub(in super::super) standing: Standing,
}

impl Row<'_> {
    /// What it means, in words.
    pub(in super::super) fn text(&self) -> String {
        let since = utc::shown(self.since);
        match self.standing {
            Standing::Counts => format!("enrolled at the prompt on {since}"),
            Standing::Held => format!(
                "enrolled at the prompt on {since}; counts from {}",
                utc::shown(self.until)
            ),
            Standing::Unused => format!("enrolled at the prompt on {since}; not used"),
        }
    }

    /// The members about the enrolment.
    pub(in super::super) fn members(&self) -> Value {
        json!({
            "since": utc::written(self.since),
            "until": utc::written(self.until),
            "counts": self.standing == Standing::Counts,
        })
    }
}

impl AtPrompt {
    /// Reads the file of the host that has this configuration; `None` where there is no such file.
    pub(in super::super) fn of(config: &Config) -> Result<Option<Self>, CommandError> {
        let state = &config.paths.state;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        match enrolled::load(state) {
            Ok(secrets) => Ok(Some(Self {
                path: enrolled::path(state),
                secrets,
                hold: config.login(RULES_OF).enroll_hold.as_secs(),
                now: now.map_or(0, |now| now.as_secs()),
            })),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The same, for commands that need no configuration: without one there is no state folder.
    pub(in super::super) fn find(global: &Global) -> Result<Option<Self>, CommandError> {
        if !global.config.exists() {
            return Ok(None);
        }
        Self::of(&Config::load(&global.config)?)
    }

    /// The valid entries, by name. `own` are the secrets of totp.toml.
    pub(in super::super) fn rows<'a>(
        &'a self,
        mapping: &Mapping,
        own: Option<&Secrets>,
    ) -> BTreeMap<&'a str, Row<'a>> {
        let rows = self.secrets.iter().filter_map(|(user, entry)| {
            let person = match mapping.find(user) {
                Entry::Enrolled(person) => Some(person),
                _ => None,
            };
            let has_own = own.is_some_and(|own| own.entry(user).is_some());
            self.row(user, entry, person.as_ref(), has_own)
                .map(|row| (user, row))
        });
        rows.collect()
    }

    fn row<'a>(
        &self,
        user: &'a str,
        entry: &'a SecretEntry,
        person: Option<&Person>,
        has_own: bool,
    ) -> Option<Row<'a>> {
        let (app, enrolled) = entry.app().zip(entry.enrolled())?;
        let is_theirs = person.is_some_and(|person| enrolled.is_of(&person.stored_ids()));
        let until = enrolled.since.saturating_add(self.hold);
        let standing = match is_theirs && !has_own {
            false => Standing::Unused,
            true if self.now < until => Standing::Held,
            true => Standing::Counts,
        };
        Some(Row {
            user,
            line: entry.line(),
            app,
            since: enrolled.since,
            until,
            standing,
        })
    }

    /// The entries that cannot be used: the line, and why.
    pub(in super::super) fn invalid(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.secrets.iter().filter_map(|(user, entry)| match entry {
            SecretEntry::Invalid { line, message } => Some((user, *line, message.as_str())),
            SecretEntry::Valid { .. } => None,
        })
    }

    /// The app of a user, also one that another person left, with what it means where it does not
    /// count yet.
    pub(super) fn app(&self, user: &str) -> Option<(Authenticator, Option<String>)> {
        let entry = self.secrets.entry(user)?;
        let row = self.row(user, entry, None, false)?;
        let held = (self.now < row.until).then(|| {
            let until = utc::shown(row.until);
            format!("no login accepts its codes before {until}: it was enrolled at the prompt")
        });
        Some((row.app.clone(), held))
    }
}

/// Gives the people of this mapping, whose file is at `users`, the apps that they have enrolled at
/// the prompt and that count, as a login does. A file that cannot be read has none; doctor and
/// `check` say so elsewhere.
pub(in super::super) fn include(mapping: &mut Mapping, users: &Path, config: &Config) {
    let Ok(Some(at_prompt)) = AtPrompt::of(config) else {
        return;
    };
    let own = match Secrets::load(&totp::path(users)) {
        Ok(own) => Some(own),
        Err(error) if error.is_missing() => None,
        // A login can use no app then.
        Err(_) => return,
    };
    let rows = at_prompt.rows(mapping, own.as_ref());
    let counting = rows.values().filter(|row| row.standing == Standing::Counts);
    let counting: Vec<_> = counting.map(|row| row.user.to_owned()).collect();
    mapping.add_apps(&counting);
}

/// Takes the app of a user away that was enrolled at the prompt. Returns whether there was one.
pub(in super::super) fn remove(state: &Path, user: &str) -> Result<bool, CommandError> {
    let removed = enrolled::remove(state, user).map_err(|error| {
        CommandError::local(format!("the app enrolled at the prompt stays: {error}"))
    })?;
    if let Some(Some(id)) = removed {
        // It is of no use any more, and does no harm where it stays.
        let _ = Steps::new(state, shared_words::map).forget(id);
    }
    Ok(removed.is_some())
}

/// The same, for the state folder of the configuration.
pub(super) fn remove_of(global: &Global, user: &str) -> Result<bool, CommandError> {
    if !global.config.exists() {
        return Ok(false);
    }
    remove(&Config::load(&global.config)?.paths.state, user)
}

/// Returns a line about the app of a user for `status`, and its members; `None` where there is none
/// that is used.
pub(in super::super) fn describe(
    global: &Global,
    user: &str,
) -> Result<Option<(String, Value)>, CommandError> {
    let Some(at_prompt) = AtPrompt::find(global)? else {
        return Ok(None);
    };
    let own = super::own_secrets(global)?;
    let rows = at_prompt.rows(&super::super::load_people(global)?.0, own.as_ref());
    let row = rows
        .get(user)
        .filter(|row| row.standing != Standing::Unused);
    Ok(row.map(|row| {
        let shown = shown_name(row.user);
        (format!("app of {shown}: {}", row.text()), row.members())
    }))
}
