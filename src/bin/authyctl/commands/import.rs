//! `import`: many people at once, from CSV or from an authy-ssh configuration.
//!
//! Every row stands for itself: one that fails is reported with its line and the others go on. Rows that
//! are enrolled already are skipped, so the same command, run again, continues where it was ended: by
//! Ctrl-C, which lets a row be finished, or by something that would fail every further row alike.

mod progress;
mod rows;
mod tally;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use pam_authy::client::Client;
use pam_authy::client::phones::Phone;
use pam_authy::client::transport::Https;
use pam_authy::client::types::AuthyId;
use pam_authy::client::users::NewUser;
use pam_authy::deadline::Deadline;
use pam_authy::users::{Entry, Mapping, write};
use progress::Progress;
use rows::{Row, Who};
use tally::{Fate, RowError, Tally};

use super::client;
use crate::cli::Global;
use crate::failure::{Failure, Kind};
use crate::output::Done;

/// The largest file that is read, in bytes.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// The time of one row; a request's own time-out is shorter or the same.
const ROW_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn import(
    global: &Global,
    file: &Path,
    dry_run: bool,
    replace: bool,
) -> Result<Done, Failure> {
    let rows = rows::read(&read(file)?)
        .map_err(|why| Failure::new(Kind::Usage, format!("{}: {why}", file.display())))?;
    let mapping = match Mapping::load(&global.users) {
        Ok(mapping) => mapping,
        Err(error) if error.is_missing() => Mapping::default(),
        Err(error) => return Err(error.into()),
    };
    // Made here: without a configuration no row of a new person can do anything.
    let service = Service::new(
        global,
        !dry_run && rows.iter().any(|(_, row)| row_asks(row)),
    )?;
    let interrupts = Interrupts::hold();
    let progress = Progress::start(global, rows.len(), dry_run);
    let mut tally = Tally::default();
    for (line, row) in rows {
        if interrupts.arrived() {
            tally.stopped = Some((Kind::Refused, "stopped by a signal".to_owned()));
        }
        if tally.stopped.is_some() {
            break;
        }
        let name = row.as_ref().map(|row| row.user.clone()).unwrap_or_default();
        let fate = row.map_err(RowError::from).and_then(|row| {
            if dry_run {
                Ok(check(&mapping, &row, replace)?)
            } else {
                carry_out(&service, &mapping, &row, replace)
            }
        });
        progress.row(line, &name, &fate);
        tally.count(line, fate);
    }
    progress.finish();
    tally::conclude(file, tally, dry_run)
}

fn row_asks(row: &Result<Row, String>) -> bool {
    matches!(
        row,
        Ok(Row {
            who: Who::New { .. },
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

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: io::Error| Failure::new(Kind::Local, format!("{}: {error}", file.display()));
    let mut bytes = Vec::new();
    File::open(file)
        .map_err(failed)?
        .take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(Failure::new(
            Kind::Usage,
            format!("{}: is larger than 16 MiB", file.display()),
        )
        .hint("split it; people who are enrolled already are skipped"));
    }
    Ok(bytes)
}

/// What would become of a row, as far as that can be known without changing anything.
fn check(mapping: &Mapping, row: &Row, replace: bool) -> Result<Fate, String> {
    match (mapping.find(&row.user), &row.who) {
        (Entry::Enrolled(present), Who::Id(id)) if present == *id => Ok(Fate::Skipped),
        (Entry::Enrolled(_), Who::New { .. }) if !replace => Ok(Fate::Skipped),
        (Entry::Enrolled(present), Who::Id(_)) if !replace => Err(format!(
            "{} is enrolled with another authy id, {present}",
            pam_authy::text::clean_to(&row.user, 64)
        )),
        _ => Ok(Fate::Enrolled),
    }
}

fn carry_out(
    service: &Service<'_>,
    mapping: &Mapping,
    row: &Row,
    replace: bool,
) -> Result<Fate, RowError> {
    if let Fate::Skipped = check(mapping, row, replace)? {
        return Ok(Fate::Skipped);
    }
    let id = match &row.who {
        Who::Id(id) => *id,
        Who::New { email, phone } => service.create(email, phone)?,
    };
    let change = write::enroll(&service.global.users, &row.user, id, replace)?;
    Ok(if change.changed {
        Fate::Enrolled
    } else {
        Fate::Skipped
    })
}

/// The client, where there is somebody to create: a file of ids needs neither configuration nor network.
struct Service<'a> {
    global: &'a Global,
    client: Option<Client<Https>>,
}

impl<'a> Service<'a> {
    fn new(global: &'a Global, is_needed: bool) -> Result<Self, Failure> {
        let client = match is_needed {
            true => Some(client(global)?.0),
            false => None,
        };
        Ok(Self { global, client })
    }

    fn create(&self, email: &str, phone: &Phone) -> Result<AuthyId, RowError> {
        let Some(client) = &self.client else {
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
