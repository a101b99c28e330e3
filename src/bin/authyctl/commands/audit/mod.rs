//! `audit`: the audit lines of this host as events, from the journal or from a file that a syslog
//! daemon writes.
//!
//! `journal` and `syslog` read, each in its own place; `event` is what they find, `json` and `ocsf`
//! write it. Events are written as they come, since a log may be larger than memory. What looks like
//! an event and is none is counted, and named in a warning.

mod event;
mod journal;
mod ocsf;
mod syslog;
mod time;

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use pam_authy::base::text;
use serde_json::{Value, json};

use self::event::Event;
use crate::cli::{AuditArgs, EventFormat, Global};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, json_line};

/// Takes one event, and fails where it cannot be written.
type Sink<'a> = dyn FnMut(Event) -> io::Result<()> + 'a;

/// Why reading ended early.
#[derive(Debug)]
enum Stop {
    /// The events cannot be written.
    Output(io::Error),
    /// The log cannot be read.
    Input(CommandError),
}

/// What was no event, though it looks like one.
#[derive(Debug, Default)]
struct Skipped {
    /// How many lines or entries cannot be read.
    unreadable: u64,
    /// Where the first of these are.
    places: Vec<String>,
    /// How many entries of the journal may be another process's.
    untrusted: u64,
    /// What journalctl said.
    remark: Option<String>,
}

impl Skipped {
    /// How many places are named.
    const NAMED: usize = 3;

    fn add(&mut self, place: String) {
        self.unreadable += 1;
        if self.places.len() < Self::NAMED {
            self.places.push(place);
        }
    }

    fn warning(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.unreadable > 0 {
            let rest = self.unreadable - self.places.len() as u64;
            let more = if rest > 0 {
                format!(" and {rest} more")
            } else {
                String::new()
            };
            parts.push(format!(
                "not readable as an audit line: {}{more}",
                self.places.join(", ")
            ));
        }
        if self.untrusted > 0 {
            let entries = if self.untrusted == 1 {
                "entry"
            } else {
                "entries"
            };
            parts.push(format!(
                "left out: {} {entries} of the journal that any user could have written",
                self.untrusted
            ));
        }
        parts.extend(self.remark.clone());
        (!parts.is_empty()).then(|| parts.join("\n"))
    }
}

/// Which events are wanted.
struct Filter<'a> {
    /// In milliseconds since 1970.
    since: u64,
    /// As the audit line has it.
    user: Option<String>,
    verdict: Option<&'a str>,
}

impl Filter<'_> {
    fn wants(&self, event: &Event) -> bool {
        event.time >= self.since
            && (self.user.as_deref()).is_none_or(|user| event.field("user") == Some(user))
            && (self.verdict).is_none_or(|verdict| event.field("verdict") == Some(verdict))
    }
}

pub(crate) fn audit(global: &Global, args: &AuditArgs) -> Result<Output, CommandError> {
    if global.json && args.format.is_some() {
        let message = "--json prints one object with all events: leave out --format";
        return Err(CommandError::new(ErrorKind::Usage, message)
            .hint("--format json prints one object for each event"));
    }
    let since = args.since.as_deref().map(|text| {
        time::since(text, now_seconds()).ok_or_else(|| {
            let shown = text::sanitize_to(text, 64);
            CommandError::new(ErrorKind::Usage, format!("--since {shown}: not a time"))
                .hint("write 2h, 30m, 7d, today, yesterday, 2026-11-27 or 2026-11-27T12:00:00Z")
        })
    });
    let filter = Filter {
        since: since.transpose()?.unwrap_or(0) * 1000,
        user: args.user.as_deref().map(text::sanitize),
        verdict: args.verdict.map(crate::cli::VerdictWord::as_str),
    };
    if global.json {
        collect(&filter, args.file.as_deref())
    } else {
        let format = args.format.unwrap_or(EventFormat::Text);
        stream(&filter, args.file.as_deref(), format, global.quiet)
    }
}

fn now_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

/// Passes each event that is wanted to `sink`.
fn read(filter: &Filter<'_>, file: Option<&Path>, sink: &mut Sink<'_>) -> Result<Skipped, Stop> {
    let mut wanted = |event: Event| match filter.wants(&event) {
        true => sink(event),
        false => Ok(()),
    };
    match file {
        Some(path) => syslog::read(path, now_seconds(), &mut wanted),
        None => journal::read(filter.since / 1000, &mut wanted),
    }
}

/// One object with all events.
fn collect(filter: &Filter<'_>, file: Option<&Path>) -> Result<Output, CommandError> {
    let mut events = Vec::new();
    let read = read(filter, file, &mut |event| {
        events.push(event.as_json());
        Ok(())
    });
    let skipped = read.map_err(|stop| match stop {
        Stop::Input(error) => error,
        Stop::Output(error) => CommandError::local(error),
    })?;
    let members: Value = json!({
        "events": events, "unreadable": skipped.unreadable, "untrusted": skipped.untrusted,
    });
    Ok(Output {
        warning: skipped.warning(),
        ..Output::new(Vec::new(), members)
    })
}

/// One line for each event, as they come.
fn stream(
    filter: &Filter<'_>,
    file: Option<&Path>,
    format: EventFormat,
    quiet: bool,
) -> Result<Output, CommandError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let result = read(filter, file, &mut |event| {
        if quiet {
            return Ok(());
        }
        match format {
            EventFormat::Text => writeln!(out, "{}", event.as_text()),
            EventFormat::Json => writeln!(out, "{}", json_line(&event.as_json())),
            EventFormat::Ocsf => writeln!(out, "{}", json_line(&ocsf::event(&event))),
        }
    });
    let flushed = out.flush().map_err(Stop::Output);
    match result.and_then(|skipped| flushed.map(|()| skipped)) {
        Ok(skipped) => Ok(Output {
            warning: skipped.warning(),
            ..Output::default()
        }),
        Err(Stop::Input(error)) => Err(error),
        // Who reads has seen enough.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(Output::default())
        }
        Err(Stop::Output(error)) => Err(CommandError::local(format!("standard output: {error}"))),
    }
}
