//! `import`: adds factors of many people, from a CSV file or from the files of authy-ssh,
//! google-authenticator, oath-toolkit and apps.
//!
//! Rows do not depend on each other: one that fails is reported with its line, and the others go
//! on. A row is done as a whole or not at all. What a user has already is skipped, so running the
//! same command again continues after Ctrl-C, which lets the current row finish, after a kill, or
//! after an error that would fail every further row alike. When the command was killed between
//! creating a person and writing the mapping, the next run creates the person again, and Authy
//! returns the same id for the same cellphone.

mod batch;
mod content;
mod google;
mod lists;
mod plan;
mod progress;
mod rows;
mod summary;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use batch::{Batch, Pending};
use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::users::NewUser;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Https;
use pam_authy::store::config::Config;
use pam_authy::store::users::write::{AtAuthy, check_writable};
use plan::{Change, Planned};
use progress::Progress;
use rows::{ImportRow, RowPerson};
use summary::{ImportSummary, RowError, RowOutcome, Source};
use zeroize::Zeroizing;

use super::signals::Signals;
use super::{authy, connect, load_mapping};
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
        return import_rows(global, args, Source::Apps, rows);
    }
    // The declarations of the arguments require one of the three.
    let file = args.file.as_deref().unwrap_or(Path::new(""));
    let bytes = Zeroizing::new(read(file)?);
    let unusable =
        |why: String| CommandError::new(ErrorKind::Usage, format!("{}: {why}", file.display()));
    let text = content::text(&bytes).map_err(unusable)?;
    if let Some(rows) = lists::read(text) {
        return import_rows(global, args, Source::Apps, rows);
    }
    let mut rows = rows::read(text).map_err(unusable)?;
    refuse_repeated(&mut rows);
    import_rows(global, args, Source::People(file), rows)
}

/// Authy, where people are created.
struct AtProvider {
    client: Client<Https>,
    url: String,
}

impl AtProvider {
    fn new(global: &Global) -> Result<Self, CommandError> {
        let config = Config::load(&global.config)?;
        let authy = authy(&config, &global.config)?;
        Ok(Self {
            client: connect(authy).0,
            url: authy.url.clone(),
        })
    }
}

/// Plans the rows, and carries the plan out unless this is a dry run.
fn import_rows(
    global: &Global,
    args: &ImportArgs,
    source: Source<'_>,
    rows: Vec<ImportRow>,
) -> Result<Output, CommandError> {
    let mapping = load_mapping(global)?;
    let planned = plan::plan(global, &mapping, rows, args.replace)?;
    // Without a configuration, no row of a new person can succeed, and a dry run says so too.
    let creates = |row: &Planned| matches!(&row.change, Ok(change) if change.creates);
    let provider = if planned.iter().any(creates) {
        Some(AtProvider::new(global)?)
    } else {
        None
    };
    let progress = Progress::start(global, source, planned.len(), args.dry_run);
    let mut summary = ImportSummary::default();
    if args.dry_run {
        for row in planned {
            foresee(row, &progress, &mut summary);
        }
    } else {
        if provider.is_some() {
            check_writable(&global.users)?;
        }
        let batch = Batch::new(global, &mapping, args.replace);
        carry_out(batch, provider.as_ref(), planned, &progress, &mut summary);
    }
    progress.finish();
    summary::report(source, summary, args.dry_run)
}

/// Counts what will come of a row.
fn foresee(row: Planned, progress: &Progress, summary: &mut ImportSummary) {
    let (line, user) = (row.line, row.user.as_str());
    match row.change {
        Ok(change) => {
            let outcome = if change.is_needed {
                RowOutcome::Enrolled
            } else {
                RowOutcome::Skipped
            };
            summary.count(progress, line, user, Ok(outcome));
            if let Some(why) = change.emergency_stays_out {
                summary.leave_out(
                    line,
                    user,
                    format!("the emergency codes were left out: {why}"),
                );
            }
        }
        Err(why) => summary.count(progress, line, user, Err(why.into())),
    }
}

/// Does what is planned, row by row.
fn carry_out(
    mut batch: Batch<'_>,
    provider: Option<&AtProvider>,
    planned: Vec<Planned>,
    progress: &Progress,
    summary: &mut ImportSummary,
) {
    let signals = Signals::block();
    for row in planned {
        if signals.arrived() {
            summary.stopped = Some((ErrorKind::Refused, "stopped by a signal".to_owned()));
        }
        if summary.stopped.is_some() {
            break;
        }
        let (line, user) = (row.line, row.user.as_str());
        let pending = match row.change {
            Ok(change) if change.is_needed => pending(provider, &signals, line, change),
            Ok(_) => {
                // An earlier run may have been killed before it got that far.
                let left = batch.record(user);
                summary.count(progress, line, user, Ok(RowOutcome::Skipped));
                left.into_iter()
                    .for_each(|why| summary.leave_out(line, user, why));
                continue;
            }
            Err(why) => Err(why.into()),
        };
        match pending {
            Ok(pending) => batch.add(pending),
            Err(error) => summary.count(progress, line, user, Err(error)),
        }
        if batch.is_due() {
            batch.write(progress, summary);
        }
    }
    batch.write(progress, summary);
}

/// Creates the person of a row where that is planned, and returns what is to be written.
fn pending(
    provider: Option<&AtProvider>,
    signals: &Signals,
    line: Option<usize>,
    change: Change,
) -> Result<Pending, RowError> {
    let mut addition = change.addition;
    addition.authy = match change.person {
        RowPerson::Unnamed => AtAuthy::Unnamed,
        RowPerson::Id(id) => AtAuthy::Id(id),
        RowPerson::New { .. } if !change.creates => AtAuthy::Unnamed,
        RowPerson::New { email, phone } => AtAuthy::Id(create(provider, signals, &email, &phone)?),
    };
    Ok(Pending {
        line,
        addition,
        app: change.app,
    })
}

/// Creates a person, and waits where Authy names a short time.
fn create(
    provider: Option<&AtProvider>,
    signals: &Signals,
    email: &str,
    phone: &Phone,
) -> Result<AuthyId, RowError> {
    let Some(AtProvider { client, url }) = provider else {
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
                if waits < WAITS && signals.waits(refusal.retry_after_seconds) =>
            {
                waits += 1;
            }
            created => return created.map_err(|error| RowError::of_request(error, url)),
        }
    }
}

/// Makes an error of each row for a user that has a row already: one user could become two people
/// at Authy.
fn refuse_repeated(rows: &mut [ImportRow]) {
    let mut lines: HashMap<String, usize> = HashMap::new();
    for row in rows {
        if row.factors.is_err() {
            continue;
        }
        match lines.get(&row.user) {
            Some(first) => {
                let user = shown_name(&row.user);
                row.factors = Err(format!("{user} is in line {first} already"));
            }
            None => {
                lines.insert(row.user.clone(), row.line.unwrap_or_default());
            }
        }
    }
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
