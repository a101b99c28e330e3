//! `import`: many people at once, from CSV or from an authy-ssh configuration.
//!
//! Every row stands for itself: one that fails is reported with its line and the others go on. Rows that
//! are enrolled already are skipped, so the same command, run again, continues where it was ended. A
//! small mapping is written after every row or two; a large one, which takes longer to write, less
//! often. A person who was created and not yet written when the command was killed is created again,
//! and Authy gives the same cellphone the same id.

mod rows;

use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pam_authy::client::Client;
use pam_authy::client::phones::Phone;
use pam_authy::client::transport::Https;
use pam_authy::client::types::AuthyId;
use pam_authy::client::users::NewUser;
use pam_authy::deadline::Deadline;
use pam_authy::users::write::{self, Enrolment};
use pam_authy::users::{Entry, Mapping};
use rows::{Row, Who};
use serde_json::json;

use super::client;
use crate::cli::Global;
use crate::failure::{Failure, Kind};
use crate::output::Done;

/// The largest file that is read, in bytes.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// The time of one row; a request's own time-out is shorter or the same.
const ROW_LIMIT: Duration = Duration::from_secs(60);
/// Between two writes of the mapping passes this many times what a write takes.
const REST: u32 = 4;

/// What has become of the rows so far.
#[derive(Default)]
struct Tally {
    enrolled: usize,
    skipped: usize,
    failed: Vec<(usize, String)>,
}

/// What became of one row.
enum Fate {
    Enrolled,
    Skipped,
}

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
    let service = Service::new(global);
    let progress = Progress::start(global, rows.len(), dry_run);
    let mut batch = Batch::new(&global.users, replace);
    let mut tally = Tally::default();
    for (line, row) in rows {
        let name = row.as_ref().map(|row| row.user.clone()).unwrap_or_default();
        let step = row.and_then(|row| {
            let fate = check(&mapping, &row, replace)?;
            if dry_run || matches!(fate, Fate::Skipped) {
                return Ok(Step::Over(fate));
            }
            service.person(&row).map(Step::Write)
        });
        match step {
            Ok(Step::Write(id)) => batch.add(line, name, id),
            Ok(Step::Over(fate)) => tally.count(&progress, line, &name, Ok(fate)),
            Err(why) => tally.count(&progress, line, &name, Err(why)),
        }
        if batch.is_due() {
            batch.write(&progress, &mut tally);
        }
    }
    batch.write(&progress, &mut tally);
    progress.finish();
    tally.failed.sort();
    conclude(file, tally, dry_run)
}

impl Tally {
    fn count(&mut self, progress: &Progress, line: usize, user: &str, fate: Result<Fate, String>) {
        progress.row(line, user, &fate);
        match fate {
            Ok(Fate::Enrolled) => self.enrolled += 1,
            Ok(Fate::Skipped) => self.skipped += 1,
            Err(why) => self.failed.push((line, why)),
        }
    }
}

/// What comes next for a row.
enum Step {
    /// Its line in the mapping.
    Write(AuthyId),
    /// Nothing.
    Over(Fate),
}

/// Rows on their way into the mapping.
struct Batch<'a> {
    users: &'a Path,
    replace: bool,
    rows: Vec<(usize, Enrolment)>,
    last: Instant,
    cost: Duration,
}

impl<'a> Batch<'a> {
    fn new(users: &'a Path, replace: bool) -> Self {
        Self {
            users,
            replace,
            rows: Vec::new(),
            last: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    fn add(&mut self, line: usize, user: String, id: AuthyId) {
        let key = None;
        self.rows.push((line, Enrolment { user, key, id }));
    }

    fn is_due(&self) -> bool {
        self.last.elapsed() >= self.cost * REST
    }

    /// Writes the rows that are waiting, and says of each what became of it.
    fn write(&mut self, progress: &Progress, tally: &mut Tally) {
        if self.rows.is_empty() {
            return;
        }
        let start = Instant::now();
        let (lines, rows): (Vec<_>, Vec<_>) = self.rows.drain(..).unzip();
        let fates: Vec<_> = match write::enroll_all(self.users, &rows, self.replace) {
            Ok(changes) => changes.into_iter().map(fate).collect(),
            Err(error) => rows.iter().map(|_| Err(error.to_string())).collect(),
        };
        for ((line, row), fate) in lines.into_iter().zip(&rows).zip(fates) {
            tally.count(progress, line, &row.user, fate);
        }
        self.last = Instant::now();
        self.cost = self.last.duration_since(start);
    }
}

fn fate(change: Result<write::Change, write::Error>) -> Result<Fate, String> {
    match change {
        Ok(change) if change.changed => Ok(Fate::Enrolled),
        Ok(_) => Ok(Fate::Skipped),
        Err(error) => Err(error.to_string()),
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
        (Entry::Enrolled(present), Who::Id(id)) if present.id == *id => Ok(Fate::Skipped),
        (Entry::Enrolled(_), Who::New { .. }) if !replace => Ok(Fate::Skipped),
        (Entry::Shared(_), _) => Err(format!(
            "{} is shared by several people; enroll each with --ssh-key",
            pam_authy::text::clean_to(&row.user, 64)
        )),
        (Entry::Enrolled(present), Who::Id(_)) if !replace => Err(format!(
            "{} is enrolled with another authy id, {}",
            pam_authy::text::clean_to(&row.user, 64),
            present.id
        )),
        _ => Ok(Fate::Enrolled),
    }
}

/// The client, made when the first row needs it: a file of ids needs neither configuration nor network.
struct Service<'a> {
    global: &'a Global,
    client: OnceCell<Client<Https>>,
}

impl<'a> Service<'a> {
    fn new(global: &'a Global) -> Self {
        Self {
            global,
            client: OnceCell::new(),
        }
    }

    /// Whom a row means; somebody new is created.
    fn person(&self, row: &Row) -> Result<AuthyId, String> {
        match &row.who {
            Who::Id(id) => Ok(*id),
            Who::New { email, phone } => self.create(email, phone).map_err(|f| f.message),
        }
    }

    fn create(&self, email: &str, phone: &Phone) -> Result<AuthyId, Failure> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let (client, _) = client(self.global)?;
                self.client.get_or_init(|| client)
            }
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

/// A bar on a terminal, a line for each row elsewhere, nothing for scripts.
struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    done: &'static str,
}

impl Progress {
    fn start(global: &Global, rows: usize, dry_run: bool) -> Self {
        let silent = global.json || global.quiet;
        let on_terminal = io::stderr().is_terminal();
        let bar = (!silent && on_terminal).then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(rows as u64).with_style(style)
        });
        Self {
            bar,
            lines: !silent && !on_terminal,
            done: if dry_run {
                "would be enrolled"
            } else {
                "enrolled"
            },
        }
    }

    fn row(&self, line: usize, user: &str, fate: &Result<Fate, String>) {
        let user = pam_authy::text::clean_to(user, 64);
        if let Some(bar) = &self.bar {
            if let Err(why) = fate {
                bar.println(format!("line {line}: {why}"));
            }
            bar.set_message(user);
            bar.inc(1);
        } else if self.lines {
            match fate {
                Ok(Fate::Enrolled) => eprintln!("line {line}: {user}: {}", self.done),
                Ok(Fate::Skipped) => eprintln!("line {line}: {user}: enrolled already"),
                Err(why) => eprintln!("line {line}: {why}"),
            }
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn conclude(file: &Path, tally: Tally, dry_run: bool) -> Result<Done, Failure> {
    let failed: Vec<_> = tally
        .failed
        .iter()
        .map(|(line, message)| json!({"line": line, "message": message}))
        .collect();
    let members = json!({
        "enrolled": tally.enrolled,
        "skipped": tally.skipped,
        "failed": failed,
        "dry_run": dry_run,
    });
    let would = if dry_run { "would be " } else { "" };
    let line = format!(
        "{} {would}enrolled, {} already enrolled, {} failed",
        tally.enrolled,
        tally.skipped,
        tally.failed.len()
    );
    if tally.failed.is_empty() {
        return Ok(Done::new(vec![line], members));
    }
    let failure = Failure::new(Kind::Refused, format!("{}: {line}", file.display()));
    Err(failure
        .with_members(members)
        .hint("mend these lines and run the same command again"))
}
