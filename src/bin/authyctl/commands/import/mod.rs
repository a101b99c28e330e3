//! `import`: many people at once, from CSV or from an authy-ssh configuration.
//!
//! Every row stands for itself: one that fails is reported with its line and the others go on. Rows that
//! are enrolled already are skipped, so the same command, run again, continues where it was ended: by
//! Ctrl-C, which lets a row be finished, or by something that would fail every further row alike. A person
//! who was created and not yet written when the command was killed is created again, and Authy gives the
//! same cellphone the same id.

mod batch;
mod progress;
mod rows;
mod summary;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use batch::Batch;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::Client;
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::users::NewUser;
use pam_authy::client::http::Https;
use pam_authy::store::users::{Entry, Mapping};
use progress::Progress;
use rows::{ImportRow, RowPerson};
use summary::{ImportSummary, RowError, RowOutcome};

use super::{client, load_mapping};
use crate::cli::{Global, ImportArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

/// The largest file that is read, in bytes.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// The time of one row; a request's own time-out is shorter or the same.
const ROW_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn import(global: &Global, args: &ImportArgs) -> Result<Output, CommandError> {
    let (file, dry_run, replace) = (args.file.as_path(), args.dry_run, args.replace);
    let rows = rows::read(&read(file)?)
        .map_err(|why| CommandError::new(ErrorKind::Usage, format!("{}: {why}", file.display())))?;
    let mapping = load_mapping(global)?;
    // Made here: without a configuration no row of a new person can do anything.
    let service = PersonCreator::new(
        global,
        !dry_run && rows.iter().any(|(_, row)| row_asks(row)),
    )?;
    let interrupts = Interrupts::hold();
    let progress = Progress::start(global, rows.len(), dry_run);
    let mut batch = Batch::new(&global.users, replace);
    let mut summary = ImportSummary::default();
    for (line, row) in rows {
        if interrupts.arrived() {
            summary.stopped = Some((ErrorKind::Refused, "stopped by a signal".to_owned()));
        }
        if summary.stopped.is_some() {
            break;
        }
        let name = row.as_ref().map(|row| row.user.clone()).unwrap_or_default();
        let step = row.map_err(RowError::from).and_then(|row| {
            let outcome = check(&mapping, &row, replace)?;
            if dry_run || matches!(outcome, RowOutcome::Skipped) {
                return Ok(Step::Over(outcome));
            }
            service.person(&row).map(Step::Write)
        });
        match step {
            Ok(Step::Write(id)) => batch.add(line, name, id),
            Ok(Step::Over(outcome)) => summary.count(&progress, line, &name, Ok(outcome)),
            Err(error) => summary.count(&progress, line, &name, Err(error)),
        }
        if batch.is_due() {
            batch.write(&progress, &mut summary);
        }
    }
    batch.write(&progress, &mut summary);
    progress.finish();
    summary::conclude(file, summary, dry_run)
}

/// What comes next for a row.
enum Step {
    /// Its line in the mapping.
    Write(AuthyId),
    /// Nothing.
    Over(RowOutcome),
}

fn row_asks(row: &Result<ImportRow, String>) -> bool {
    matches!(
        row,
        Ok(ImportRow {
            who: RowPerson::New { .. },
            ..
        })
    )
}

/// SIGINT and SIGTERM, held back so that a person who was created is mapped too.
struct Interrupts(Option<SignalFd>);

impl Interrupts {
    fn hold() -> Self {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
        let held = signals
            .thread_block()
            .and_then(|()| SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK));
        Self(held.ok())
    }

    fn arrived(&self) -> bool {
        let next = self.0.as_ref().map(SignalFd::read_signal);
        matches!(next, Some(Ok(Some(_))))
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
        .hint("split it; people who are enrolled already are skipped"));
    }
    Ok(bytes)
}

/// What would become of a row, as far as that can be known without changing anything.
fn check(mapping: &Mapping, row: &ImportRow, replace: bool) -> Result<RowOutcome, String> {
    match (mapping.find(&row.user), &row.who) {
        (Entry::Enrolled(present), RowPerson::Id(id)) if present.id == *id => {
            Ok(RowOutcome::Skipped)
        }
        (Entry::Enrolled(_), RowPerson::New { .. }) if !replace => Ok(RowOutcome::Skipped),
        (Entry::Shared(_), _) => Err(format!(
            "{} is shared by several people; enroll each with --ssh-key",
            shown_name(&row.user)
        )),
        (Entry::Enrolled(present), RowPerson::Id(_)) if !replace => Err(format!(
            "{} is enrolled with another authy id, {}",
            shown_name(&row.user),
            present.id
        )),
        _ => Ok(RowOutcome::Enrolled),
    }
}

/// The client, where there is somebody to create: a file of ids needs neither configuration nor network.
struct PersonCreator(Option<Client<Https>>);

impl PersonCreator {
    fn new(global: &Global, is_needed: bool) -> Result<Self, CommandError> {
        let client = match is_needed {
            true => Some(client(global)?.0),
            false => None,
        };
        Ok(Self(client))
    }

    /// Whom a row means; somebody new is created.
    fn person(&self, row: &ImportRow) -> Result<AuthyId, RowError> {
        match &row.who {
            RowPerson::Id(id) => Ok(*id),
            RowPerson::New { email, phone } => self.create(email, phone),
        }
    }

    fn create(&self, email: &str, phone: &Phone) -> Result<AuthyId, RowError> {
        let Some(client) = &self.0 else {
            return Err(RowError::from("nobody can be created".to_owned()));
        };
        let person = NewUser {
            email,
            cellphone: &phone.cellphone,
            country_code: phone.country_code,
            send_install_link: false,
        };
        let deadline = Deadline::after(Instant::now(), ROW_LIMIT);
        Ok(client.users().create(&person, deadline)?)
    }
}
