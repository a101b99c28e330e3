//! `import`: enrolls many people from a CSV file, or from the files of authy-ssh,
//! google-authenticator, oath-toolkit and apps.
//!
//! Rows do not depend on each other: one that fails is reported with its line, and the others go
//! on. Rows that are already enrolled are skipped, so running the same command again continues
//! after Ctrl-C, which lets the current row finish, or after an error that would fail every further
//! row alike. When the command was killed between creating a person and writing the mapping, the
//! next run creates the person again, and Authy returns the same id for the same cellphone.

mod apps;
mod batch;
mod content;
mod google;
mod lists;
mod progress;
mod rows;
mod signals;
mod summary;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use apps::AppRow;
use batch::Batch;
use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::users::NewUser;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Https;
use pam_authy::store::users::{Entry, Mapping};
use progress::Progress;
use rows::{ImportRow, Numbered, RowPerson};
use signals::Signals;
use summary::{ImportSummary, RowError, RowOutcome};
use zeroize::Zeroizing;

use super::{client, load_mapping};
use crate::cli::{Global, ImportArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

/// The largest file that is read, in bytes.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// The time limit of one row; the time-out of a request is not longer.
const ROW_LIMIT: Duration = Duration::from_secs(60);
/// How often a row waits where Authy is busy and says for how long.
const WAITS: u32 = 3;

pub(crate) fn import(global: &Global, args: &ImportArgs) -> Result<Output, CommandError> {
    let of_google = match (&args.google_authenticator, args.homes) {
        (Some(path), _) => Some(google::one(path)?),
        (None, true) => Some(google::in_homes()?),
        (None, false) => None,
    };
    if let Some(rows) = of_google {
        return import_apps(global, rows, args);
    }
    // The declarations of the arguments require one of the three.
    let file = args.file.as_deref().unwrap_or(Path::new(""));
    let bytes = Zeroizing::new(read(file)?);
    let unusable =
        |why: String| CommandError::new(ErrorKind::Usage, format!("{}: {why}", file.display()));
    let text = content::text(&bytes).map_err(unusable)?;
    match lists::read(text) {
        Some(rows) => import_apps(global, rows, args),
        None => import_rows(global, args, file, rows::read(text).map_err(unusable)?),
    }
}

/// Enrolls people with the apps of another program.
fn import_apps(
    global: &Global,
    rows: Vec<AppRow>,
    args: &ImportArgs,
) -> Result<Output, CommandError> {
    let summary = apps::import(global, rows, args.replace, args.dry_run)?;
    apps::report(summary, args.dry_run)
}

/// Enrolls people of rows, at Authy and with their apps.
fn import_rows(
    global: &Global,
    args: &ImportArgs,
    file: &Path,
    mut rows: Vec<Numbered>,
) -> Result<Output, CommandError> {
    let dry_run = args.dry_run;
    refuse_repeated(&mut rows);
    let mut apps = take_apps(&mut rows);
    let mapping = load_mapping(global)?;
    // Created before the first row: without a configuration, no row of a new person can succeed.
    let creates = !dry_run && rows.iter().any(|(_, row)| is_new_person(row));
    let importer = Importer {
        mapping: &mapping,
        client: if creates {
            Some(client(global)?.0)
        } else {
            None
        },
        dry_run,
        replace: args.replace,
        signals: Signals::block(),
    };
    let progress = Progress::start(global, rows.len(), dry_run);
    let mut batch = Batch::new(global, &mapping, args.replace);
    let mut summary = ImportSummary::default();
    for (line, row) in rows {
        if importer.signals.arrived() {
            summary.stopped = Some((ErrorKind::Refused, "stopped by a signal".to_owned()));
        }
        if summary.stopped.is_some() {
            break;
        }
        let user = row.as_ref().map(|row| row.user.clone()).unwrap_or_default();
        match row
            .map_err(RowError::from)
            .and_then(|row| importer.step(&row))
        {
            Ok(Step::Write(id)) => batch.add(line, user, id),
            Ok(Step::Done(outcome)) => summary.count(&progress, line, &user, Ok(outcome)),
            Err(error) => summary.count(&progress, line, &user, Err(error)),
        }
        if batch.is_due() {
            batch.write(&progress, &mut summary);
        }
    }
    batch.write(&progress, &mut summary);
    // A row is done as a whole or not at all.
    apps.retain(|app| !app.line.is_some_and(|line| summary.has_failed(line)));
    if summary.stopped.is_none() && !apps.is_empty() {
        summary.add_apps(apps::import(global, apps, args.replace, dry_run)?);
    }
    progress.finish();
    summary::report(file, summary, dry_run)
}

/// Makes an error of each row for a user that has a row already: a dry run and the import would
/// otherwise differ, and one user could become two people at Authy.
fn refuse_repeated(rows: &mut [Numbered]) {
    let mut lines: HashMap<String, usize> = HashMap::new();
    for (line, row) in rows {
        let Ok(ImportRow { user, .. }) = row else {
            continue;
        };
        match lines.get(user) {
            Some(first) => *row = Err(format!("{} is in line {first} already", shown_name(user))),
            None => {
                lines.insert(user.clone(), *line);
            }
        }
    }
}

/// Takes the apps out of the rows, and the rows that say nothing else.
fn take_apps(rows: &mut Vec<Numbered>) -> Vec<AppRow> {
    let mut apps = Vec::new();
    for (line, row) in rows.iter_mut() {
        if let Ok(row) = row
            && let Some(app) = row.app.take()
        {
            apps.push(AppRow {
                line: Some(*line),
                user: row.user.clone(),
                app: Ok(app.into()),
                is_counted: !matches!(row.person, RowPerson::Unnamed),
            });
        }
    }
    rows.retain(|(_, row)| !matches!(row, Ok(row) if matches!(row.person, RowPerson::Unnamed)));
    apps
}

/// What remains to be done for a row.
enum Step {
    /// Writing this id into the mapping.
    Write(AuthyId),
    Done(RowOutcome),
}

/// Decides about each row, and creates new people at Authy.
struct Importer<'a> {
    mapping: &'a Mapping,
    /// `None` when no row needs it: a file of ids needs neither configuration nor network.
    client: Option<Client<Https>>,
    dry_run: bool,
    replace: bool,
    signals: Signals,
}

impl Importer<'_> {
    fn step(&self, row: &ImportRow) -> Result<Step, RowError> {
        let outcome = self.expected_outcome(row)?;
        if self.dry_run || matches!(outcome, RowOutcome::Skipped) {
            return Ok(Step::Done(outcome));
        }
        match &row.person {
            RowPerson::Id(id) => Ok(Step::Write(*id)),
            RowPerson::New { email, phone } => self.create(email, phone).map(Step::Write),
            RowPerson::Unnamed => Ok(Step::Done(outcome)),
        }
    }

    /// Returns the outcome of a row, as far as it can be known without changing anything.
    fn expected_outcome(&self, row: &ImportRow) -> Result<RowOutcome, String> {
        match (self.mapping.find(&row.user), &row.person) {
            (Entry::Enrolled(present), RowPerson::Id(id)) if present.authy_id == Some(*id) => {
                Ok(RowOutcome::Skipped)
            }
            (Entry::Enrolled(_), RowPerson::New { .. }) if !self.replace => Ok(RowOutcome::Skipped),
            (Entry::Shared(_), _) => Err(format!(
                "{} is shared by several people; enroll each with --ssh-key",
                shown_name(&row.user)
            )),
            (Entry::Enrolled(present), RowPerson::Id(_)) if !self.replace => match present.authy_id
            {
                Some(id) => Err(format!(
                    "{} is enrolled with another authy id, {id}",
                    shown_name(&row.user)
                )),
                None => Ok(RowOutcome::Enrolled),
            },
            _ => Ok(RowOutcome::Enrolled),
        }
    }

    fn create(&self, email: &str, phone: &Phone) -> Result<AuthyId, RowError> {
        let Some(client) = &self.client else {
            return Err(RowError::from(
                "there is no client to create people".to_owned(),
            ));
        };
        let person = NewUser::new(email, &phone.cellphone, phone.country_code);
        let mut waits = 0;
        loop {
            let deadline = Deadline::after(Instant::now(), ROW_LIMIT);
            match client.users().create(&person, deadline) {
                // What is refused by HTTP 429 was not done.
                Err(Error::RateLimited(refusal))
                    if waits < WAITS && self.signals.waits(refusal.retry_after_seconds) =>
                {
                    waits += 1;
                }
                created => return Ok(created?),
            }
        }
    }
}

fn is_new_person(row: &Result<ImportRow, String>) -> bool {
    let person = row.as_ref().map(|row| &row.person);
    matches!(person, Ok(RowPerson::New { .. }))
}

fn read(file: &Path) -> Result<Vec<u8>, CommandError> {
    let failed = |error: io::Error| CommandError::file(file, &error);
    let mut bytes = Vec::new();
    File::open(file)
        .map_err(failed)?
        .take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(CommandError::new(
            ErrorKind::Usage,
            format!("{}: is larger than 16 MiB", file.display()),
        )
        .hint("split it; people who are already enrolled are skipped"));
    }
    Ok(bytes)
}
