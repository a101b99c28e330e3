//! What an import will do: decided for all rows by the code that writes, before anything is
//! written.
//!
//! A dry run shows the plan and ends there, so it tells what the import does. What it cannot know
//! is what Authy will answer about people who are created.

use pam_authy::store::config::Config;
use pam_authy::store::edit::Purpose;
use pam_authy::store::recovery::{self, Left};
use pam_authy::store::totp::{self, write as secrets};
use pam_authy::store::users::write::{Addition, AtAuthy, add_factors};
use pam_authy::store::users::{Entry, Mapping};

use super::super::totp::at_prompt::{AtPrompt, Standing};
use super::super::totp::own_secrets;
use super::rows::{ImportRow, ImportedApp, RowFactors, RowPerson};
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::shown_name;

/// A row with what will come of it.
pub(super) struct Planned {
    pub(super) line: Option<usize>,
    pub(super) user: String,
    /// The change, or why the row is left out.
    pub(super) change: Result<Change, String>,
}

/// What is done for a row.
pub(super) struct Change {
    /// Whether anything is; otherwise the user has all these factors.
    pub(super) is_needed: bool,
    pub(super) person: RowPerson,
    /// Whether the person is created at Authy.
    pub(super) creates: bool,
    pub(super) addition: Addition,
    pub(super) app: Option<ImportedApp>,
    /// Why the emergency codes are left out.
    pub(super) emergency_stays_out: Option<String>,
}

/// Plans these rows.
///
/// # Errors
/// A file that concerns all of them cannot be read.
pub(super) fn plan(
    global: &Global,
    mapping: &Mapping,
    rows: Vec<ImportRow>,
    replace: bool,
) -> Result<Vec<Planned>, CommandError> {
    let mut planned: Vec<_> = rows
        .into_iter()
        .map(|row| Planned {
            line: row.line,
            change: row.factors.map(|factors| Change::of(&row.user, factors)),
            user: row.user,
        })
        .collect();
    plan_secrets(global, &mut planned, replace)?;
    if !replace {
        keep_apps_at_prompt(global, mapping, &mut planned)?;
    }
    plan_entries(global, &mut planned, replace)?;
    plan_emergency_codes(global, mapping, &mut planned);
    Ok(planned)
}

/// Has `store::totp` decide about the secrets.
fn plan_secrets(
    global: &Global,
    planned: &mut [Planned],
    replace: bool,
) -> Result<(), CommandError> {
    let named: Vec<_> = (planned.iter())
        .filter_map(|row| {
            Some((
                row.user.as_str(),
                &row.change.as_ref().ok()?.app.as_ref()?.app,
            ))
        })
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let path = totp::path(&global.users);
    let outcomes = secrets::set_all(&path, &named, replace, Purpose::Preview)?;
    let with_app = planned
        .iter_mut()
        .filter(|row| matches!(&row.change, Ok(change) if change.app.is_some()));
    for (row, outcome) in with_app.zip(outcomes) {
        match (outcome, &mut row.change) {
            (Ok(found), Ok(change)) => change.is_needed |= found.changed,
            (Err(error), _) => row.change = Err(hinted(&error)),
            (Ok(_), Err(_)) => {}
        }
    }
    Ok(())
}

/// Leaves out each row with a secret for a person who has enrolled another app at the prompt:
/// totp.toml has precedence, so their app would be refused from then on.
fn keep_apps_at_prompt(
    global: &Global,
    mapping: &Mapping,
    planned: &mut [Planned],
) -> Result<(), CommandError> {
    let has_app = |row: &Planned| matches!(&row.change, Ok(change) if change.app.is_some());
    if !planned.iter().any(has_app) {
        return Ok(());
    }
    let Some(at_prompt) = AtPrompt::find(global)? else {
        return Ok(());
    };
    let own = own_secrets(global)?;
    let rows = at_prompt.rows(mapping, own.as_ref());
    for row in planned {
        let present = rows.get(row.user.as_str());
        let present = present.filter(|present| present.standing != Standing::Unused);
        let new = (row.change.as_ref().ok()).and_then(|change| change.app.as_ref());
        if let (Some(present), Some(new)) = (present, new)
            && !present.app.is_same_as(&new.app)
        {
            let user = shown_name(&row.user);
            row.change = Err(format!(
                "{user} has enrolled another app at the prompt; --replace replaces it"
            ));
        }
    }
    Ok(())
}

/// The message of a secret that differs says what replaces it.
fn hinted(error: &secrets::Error) -> String {
    match error {
        secrets::Error::OtherSecret(_) => format!("{error}; --replace replaces it"),
        _ => error.to_string(),
    }
}

/// Has `store::users` decide about the entries.
fn plan_entries(
    global: &Global,
    planned: &mut [Planned],
    replace: bool,
) -> Result<(), CommandError> {
    let additions: Vec<_> = (planned.iter())
        .filter_map(|row| row.change.as_ref().ok())
        .map(|change| change.addition.clone())
        .collect();
    let outcomes = add_factors(&global.users, &additions, replace, Purpose::Preview)?;
    let usable = planned.iter_mut().filter(|row| row.change.is_ok());
    for (row, outcome) in usable.zip(outcomes) {
        match (outcome, &mut row.change) {
            (Ok(added), Ok(change)) => {
                change.is_needed |= added.changed;
                change.creates = added.creates;
            }
            (Err(error), _) => row.change = Err(error.to_string()),
            (Ok(_), Err(_)) => {}
        }
    }
    Ok(())
}

/// Recovery codes that a user has stay, and then no emergency code is taken over.
fn plan_emergency_codes(global: &Global, mapping: &Mapping, planned: &mut [Planned]) {
    let Ok(config) = Config::load(&global.config) else {
        return;
    };
    for row in planned {
        let Ok(change) = &mut row.change else {
            continue;
        };
        let has_codes = change
            .app
            .as_ref()
            .is_some_and(|app| !app.emergency.is_empty());
        let entry = mapping.find(&row.user);
        if !change.is_needed || !has_codes || entry == Entry::Absent {
            continue;
        }
        let left = recovery::left(&config.paths.state, &row.user, &entry.stored_ids());
        if let Ok(Left::Of(left @ 1..)) = left {
            let error = recovery::Error::Exists(left);
            change.emergency_stays_out = Some(error.to_string());
        }
    }
}

impl Change {
    fn of(user: &str, factors: RowFactors) -> Self {
        Self {
            is_needed: false,
            creates: false,
            addition: Addition {
                user: user.to_owned(),
                authy: match &factors.person {
                    RowPerson::Unnamed => AtAuthy::Unnamed,
                    RowPerson::Id(id) => AtAuthy::Id(*id),
                    RowPerson::New { .. } => AtAuthy::New,
                },
                phone: factors.phone,
                totp: factors.app.is_some(),
            },
            person: factors.person,
            app: factors.app,
            emergency_stays_out: None,
        }
    }
}
