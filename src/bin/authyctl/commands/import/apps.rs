//! Apps on their way into totp.toml and users.toml: what the files of other programs have in common.
//!
//! Secrets are written first, and then the entries that use them, each file once. What is left out is
//! in the answer with its user, and never with its secret.

use pam_authy::base::reply::RecoveryCode;
use pam_authy::engine::shared_words;
use pam_authy::store::config::Config;
use pam_authy::store::recovery;
use pam_authy::store::totp::{self, Authenticator, Secrets, write};
use pam_authy::store::users::write as users;
use pam_authy::store::users::{Entry, Mapping};
use serde_json::{Value, json};

use super::super::{entry, lasting, load_mapping};
use crate::cli::Global;
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

/// An app to enroll, or why it is left out.
pub(super) struct AppRow {
    /// The line in the file, if it has several people.
    pub(super) line: Option<usize>,
    pub(super) user: String,
    pub(super) app: Result<ImportedApp, String>,
    /// Whether the row is counted elsewhere, since it has another factor too.
    pub(super) is_counted: bool,
}

/// An app of another program.
pub(super) struct ImportedApp {
    pub(super) app: Authenticator,
    /// Codes for emergencies, which become recovery codes.
    pub(super) emergency: Vec<RecoveryCode>,
}

impl From<Authenticator> for ImportedApp {
    fn from(app: Authenticator) -> Self {
        Self {
            app,
            emergency: Vec::new(),
        }
    }
}

/// The outcomes so far.
#[derive(Default)]
pub(super) struct AppSummary {
    pub(super) enrolled: usize,
    pub(super) skipped: usize,
    failed: Vec<Failed>,
}

/// Something that was left out.
struct Failed {
    line: Option<usize>,
    user: String,
    message: String,
}

/// Enrolls the people of these rows.
///
/// # Errors
/// A file that concerns all of them cannot be read or written.
pub(super) fn import(
    global: &Global,
    rows: Vec<AppRow>,
    replace: bool,
    dry_run: bool,
) -> Result<AppSummary, CommandError> {
    let mapping = load_mapping(global)?;
    let path = totp::path(&global.users);
    let secrets = match Secrets::load(&path) {
        Ok(secrets) => Some(secrets),
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(error.into()),
    };
    let mut summary = AppSummary::default();
    let mut new: Vec<(AppRow, ImportedApp)> = Vec::new();
    for mut row in rows {
        let app = std::mem::replace(&mut row.app, Err(String::new()));
        let expected = app.and_then(|app| {
            let outcome = expected(&mapping, secrets.as_ref(), &row.user, &app.app, replace)?;
            Ok((outcome, app))
        });
        match expected {
            Err(message) => summary.fail(&row, message),
            Ok((Expected::Skipped, _)) => summary.skipped += usize::from(!row.is_counted),
            Ok((Expected::Enrolled, _)) if dry_run => summary.count_enrolled(&row),
            Ok((Expected::Enrolled, app)) => new.push((row, app)),
        }
    }
    if !new.is_empty() {
        let before = |user: &str| {
            let mut entry = mapping.find(user);
            let find = |name: &str| secrets.as_ref()?.find(name).ok().map(Authenticator::id);
            entry.set_totp_ids(find);
            entry
        };
        write(global, &new, before, replace, &mut summary)?;
    }
    Ok(summary)
}

/// What will come of a row.
enum Expected {
    Enrolled,
    /// The user has this app already.
    Skipped,
}

fn expected(
    mapping: &Mapping,
    secrets: Option<&Secrets>,
    user: &str,
    app: &Authenticator,
    replace: bool,
) -> Result<Expected, String> {
    let has_totp = match mapping.find(user) {
        Entry::Enrolled(person) => person.totp.is_some(),
        Entry::Absent => false,
        Entry::Shared(_) => return Err("is shared by several people".to_owned()),
        Entry::Invalid { message, .. } => return Err(message),
    };
    let present = secrets.and_then(|secrets| secrets.find(user).ok());
    match present {
        Some(present) if present.is_same_as(app) && has_totp => Ok(Expected::Skipped),
        Some(present) if !present.is_same_as(app) && !replace => {
            Err("has another secret already; --replace replaces it".to_owned())
        }
        _ => Ok(Expected::Enrolled),
    }
}

/// Writes the secrets, the entries, and then what lasts of each person, whose entry was `before`.
fn write(
    global: &Global,
    new: &[(AppRow, ImportedApp)],
    before: impl Fn(&str) -> Entry,
    replace: bool,
    summary: &mut AppSummary,
) -> Result<(), CommandError> {
    let named: Vec<_> = new
        .iter()
        .map(|(row, app)| (row.user.as_str(), &app.app))
        .collect();
    let stored = write::set_all(&totp::path(&global.users), &named, replace)?;
    let mut rest = Vec::new();
    for ((row, app), outcome) in new.iter().zip(stored) {
        match outcome {
            Ok(_) => rest.push((row, app)),
            Err(error) => summary.fail(row, error.to_string()),
        }
    }
    let names: Vec<_> = rest.iter().map(|(row, _)| row.user.clone()).collect();
    let added = users::add_totp(&global.users, &names)?;
    for ((row, app), outcome) in rest.into_iter().zip(added) {
        if let Err(error) = outcome {
            summary.fail(row, error.to_string());
            continue;
        }
        summary.count_enrolled(row);
        // The files of new people are made at their first login.
        let before = before(&row.user);
        if before != Entry::Absent
            && let Some(why) = lasting::follow(global, &row.user, &before)
        {
            summary.fail(row, why);
        }
        if let Err(why) = keep_emergency_codes(global, &row.user, &app.emergency) {
            let message = format!("the emergency codes were left out: {why}");
            summary.fail(row, message);
        }
    }
    Ok(())
}

/// Makes emergency codes the recovery codes of `user`.
fn keep_emergency_codes(
    global: &Global,
    user: &str,
    codes: &[RecoveryCode],
) -> Result<(), CommandError> {
    if codes.is_empty() {
        return Ok(());
    }
    let state = Config::load(&global.config)?.paths.state;
    let factors = entry(global, user)?.stored_ids();
    recovery::import(&state, user, factors, codes, shared_words::map)?;
    Ok(())
}

impl AppSummary {
    fn count_enrolled(&mut self, row: &AppRow) {
        self.enrolled += usize::from(!row.is_counted);
    }

    fn fail(&mut self, row: &AppRow, message: String) {
        self.failed.push(Failed {
            line: row.line,
            user: row.user.clone(),
            message,
        });
    }

    /// The lines and messages of what was left out, for a summary of lines.
    pub(super) fn into_failed_lines(self) -> Vec<(usize, String)> {
        let failed = self.failed.into_iter();
        failed
            .map(|failed| {
                let user = shown_name(&failed.user);
                let message = format!("{user}: {}", failed.message);
                (failed.line.unwrap_or_default(), message)
            })
            .collect()
    }
}

/// Returns the summary as the output of the command.
///
/// # Errors
/// No user is enrolled now: nothing came in.
pub(super) fn report(summary: AppSummary, dry_run: bool) -> Result<Output, CommandError> {
    let would = if dry_run { "would be " } else { "" };
    let (enrolled, skipped) = (summary.enrolled, summary.skipped);
    let count = format!(
        "{enrolled} {would}enrolled, {skipped} already enrolled, {} left out",
        summary.failed.len()
    );
    let mut lines: Vec<_> = summary.failed.iter().map(Failed::line).collect();
    let members = json!({
        "enrolled": enrolled,
        "skipped": skipped,
        "failed": summary.failed.iter().map(Failed::as_json).collect::<Vec<_>>(),
        "dry_run": dry_run,
    });
    if enrolled + skipped == 0 {
        let output = Output::new(lines, Value::Null);
        let message = format!("no user was enrolled: {count}");
        let error = CommandError::new(ErrorKind::Refused, message);
        return Err(error.with_members(members).after(output));
    }
    lines.push(count);
    Ok(Output::new(lines, members))
}

impl Failed {
    fn line(&self) -> String {
        let user = shown_name(&self.user);
        match self.line {
            Some(line) => format!("line {line}: {user}: {}", self.message),
            None => format!("{user}: {}", self.message),
        }
    }

    fn as_json(&self) -> Value {
        let mut object = json!({"user": self.user, "message": self.message});
        if let Some(line) = self.line {
            object["line"] = json!(line);
        }
        object
    }
}
