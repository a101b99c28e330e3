//! Writes to the log: an audit line for each refused code and for the end of a call, and
//! explanations for the administrator. A log that cannot be written never changes the outcome, and
//! may lose lines.
//!
//! There is one log: the socket that config.toml names, as text; else journald, with the fields of the
//! line besides its text; else /dev/log, as text (`host::journal`, `host::journald`). Called by
//! `session`. The text of an audit line is made by `base::audit_line`.

use std::path::Path;
use std::time::Duration;

use syslog::Severity;

use crate::base::attempt::{Attempt, Note, Outcome, Reason, Verdict};
use crate::base::{audit_line, text};
use crate::host::journal::{DEFAULT_LOG, Journal};
use crate::host::journald::{JOURNALD, Journald};

/// How long an engine lives after its last line. An idle journald needs below a millisecond.
const LAST_LINE: Duration = Duration::from_millis(50);

/// Writes the lines of one call of the module.
#[derive(Debug)]
pub struct Audit(Log);

/// Where the lines go.
#[derive(Debug)]
enum Log {
    Text(Journal),
    Fields(Journald),
}

/// Where a log may be, other than where config.toml says.
struct Places<'a> {
    journald: &'a Path,
    text: &'a Path,
}

impl Audit {
    /// Opens the log of the PAM service `service`, over the datagram socket at `log` where config.toml
    /// names one. Does not fail: without a usable socket the lines are lost, and the login goes on.
    #[must_use]
    pub fn open(service: &str, log: Option<&Path>) -> Self {
        Self(Log::open(Some(service), log, &Places::default()))
    }

    /// The same for a login over the user socket.
    #[must_use]
    pub fn of_lockers(log: Option<&Path>) -> Self {
        Self(Log::open(None, log, &Places::default()))
    }

    /// Writes the detail of `outcome`, the audit line of `attempt`, then the notes of `outcome`;
    /// these alone where the outcome is recorded already. Blocks up to 200 ms where the log
    /// is full.
    pub fn record(&self, attempt: &Attempt, outcome: &Outcome) {
        if !outcome.is_recorded {
            self.line(attempt, outcome);
        }
        // Last, so that they never cost the audit line where the log is full.
        for note in &outcome.notes {
            match note {
                Note::Text(text) => self.0.write(Severity::LOG_WARNING, text),
                Note::Line(line) => self.0.write_line(Severity::LOG_WARNING, line),
            }
        }
    }

    fn line(&self, attempt: &Attempt, outcome: &Outcome) {
        let severity = severity(outcome);
        if let Some(detail) = &outcome.detail {
            self.0.write(severity, detail);
        }
        let line = audit_line::format(attempt, outcome);
        self.0.write_line(severity, &line);
    }

    /// Writes a line for debugging (the module argument `debug`).
    pub fn debug(&self, message: &str) {
        self.0.write(Severity::LOG_DEBUG, message);
    }
}

/// Keeps this process for a moment after its last line, where that went to journald: journald looks up
/// which program a process is when it reads the entry, and `authyctl audit` believes no entry of a
/// process that had ended by then. The application has its verdict already.
pub fn outlive_last_line(log: Option<&Path>) {
    if log.is_none() && Path::new(JOURNALD).exists() {
        std::thread::sleep(LAST_LINE);
    }
}

impl Default for Places<'_> {
    fn default() -> Self {
        Self {
            journald: Path::new(JOURNALD),
            text: Path::new(DEFAULT_LOG),
        }
    }
}

impl Log {
    /// Opens the log of a PAM service, or of plain users' programs (`None`).
    fn open(service: Option<&str>, set: Option<&Path>, places: &Places<'_>) -> Self {
        if set.is_none()
            && let Some(journald) = Journald::open(service, places.journald)
        {
            return Self::Fields(journald);
        }
        let path = set.unwrap_or(places.text);
        Self::Text(match service {
            Some(service) => Journal::open(service, path),
            None => Journal::of_lockers(path),
        })
    }

    /// Writes an explanation.
    fn write(&self, severity: Severity, message: &str) {
        let (severity, message) = (severity as u8, text::sanitize_to(message, 1000));
        match self {
            Self::Text(journal) => journal.write(severity, &message),
            Self::Fields(journald) => journald.write(severity, &message, &[]),
        }
    }

    /// Writes a line of `base::audit_line`.
    fn write_line(&self, severity: Severity, line: &str) {
        let severity = severity as u8;
        match self {
            Self::Text(journal) => journal.write(severity, line),
            Self::Fields(journald) => journald.write(severity, line, &fields(line)),
        }
    }
}

/// The fields of an audit line as journald names them: `PAM_AUTHY_VERDICT` and so on.
fn fields(line: &str) -> Vec<(String, String)> {
    let fields = audit_line::parse(line).unwrap_or_default();
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (format!("PAM_AUTHY_{}", name.to_ascii_uppercase()), value))
        .collect()
}

/// The severity: `notice` for accepted, ignored and refused logins, `warning` for one that an
/// outage allowed, `err` for unavailable and errors. The detail has the same severity.
fn severity(outcome: &Outcome) -> Severity {
    match outcome.verdict {
        Verdict::Ignored if outcome.reason == Reason::Outage => Severity::LOG_WARNING,
        Verdict::Accepted | Verdict::Ignored | Verdict::AttemptsExhausted | Verdict::Refused => {
            Severity::LOG_NOTICE
        }
        Verdict::Unavailable
        | Verdict::Failed
        | Verdict::ConversationFailed
        | Verdict::Panicked => Severity::LOG_ERR,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use super::*;
    use crate::base::attempt::Process;

    #[test]
    fn a_datagram_has_facility_severity_and_tag() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let attempt = Attempt {
            user: "alice".into(),
            rhost: Some("192.0.2.7".into()),
            tty: Some("ssh".into()),
            process: Process {
                pid: 812,
                ..Process::default()
            },
            ..Attempt::default()
        };
        Audit::open("ss\nhd", Some(&path)).record(
            &attempt,
            &Outcome::new(Verdict::Failed, Reason::Mapping).with_detail("why"),
        );
        let mut buffer = [0; 2048];
        let mut next = || {
            let length = listener.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let (first, second) = (next(), next());
        // authpriv is 10, err is 3.
        assert!(
            first.starts_with("<83>") && first.ends_with(": why"),
            "{first}"
        );
        assert!(second.contains("pam_authy(ss?hd:auth)["), "{second}");
        assert!(second.ends_with(
            "verdict=error reason=mapping pid=812 uid=0 peer=root rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        ));
    }

    /// What journald receives for this login, where it is there.
    fn received(attempt: &Attempt, outcome: &Outcome) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixDatagram::bind(&path).unwrap();
        let places = Places {
            journald: &path,
            text: Path::new("/nonexistent"),
        };
        Audit(Log::open(Some("sshd"), None, &places)).record(attempt, outcome);
        listener.set_nonblocking(true).unwrap();
        let mut buffer = vec![0; 65_536];
        std::iter::from_fn(|| {
            let length = listener.recv(&mut buffer).ok()?;
            Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
        })
        .collect()
    }

    #[test]
    fn journald_gets_the_text_and_each_field_of_it() {
        let attempt = Attempt {
            user: "a\"b\n".into(),
            ..Attempt::default()
        };
        let warning = audit_line::enrolled(&attempt, "bob", 0, 60);
        let outcome = Outcome {
            notes: vec![Note::Line(warning.clone()), Note::Text("a note".to_owned())],
            ..Outcome::new(Verdict::Failed, Reason::Mapping).with_detail("why")
        };
        let pid = std::process::id();
        let head = |priority: u8, message: &str| {
            format!(
                "MESSAGE={message}\nPRIORITY={priority}\nSYSLOG_FACILITY=10\n\
                 SYSLOG_IDENTIFIER=pam_authy(sshd:auth)\nSYSLOG_PID={pid}\n"
            )
        };
        let process =
            "PAM_AUTHY_PID=0\nPAM_AUTHY_UID=0\nPAM_AUTHY_PEER=root\nPAM_AUTHY_USER=a\"b?\n";
        let expected = [
            head(3, "why"),
            head(3, &audit_line::format(&attempt, &outcome))
                + "PAM_AUTHY_VERDICT=error\nPAM_AUTHY_REASON=mapping\n"
                + process,
            head(4, &warning)
                + "PAM_AUTHY_REASON=enrolled\nPAM_AUTHY_PROVIDER=totp\nPAM_AUTHY_TOTP=bob\n\
                   PAM_AUTHY_SINCE=1970-01-01T00:00:00Z\nPAM_AUTHY_UNTIL=1970-01-01T00:01:00Z\n"
                + process,
            head(4, "a note"),
        ];
        assert_eq!(received(&attempt, &outcome), expected);
    }

    #[test]
    fn the_longest_texts_fit_into_an_entry() {
        let long = "\"".repeat(10_000) + &"\u{10ffff}".repeat(10_000);
        let attempt = Attempt {
            user: long.clone(),
            rhost: Some(long.clone()),
            tty: Some(long.clone()),
            ..Attempt::default()
        };
        let outcome = Outcome {
            identity: Some(crate::base::factor::Identity::Totp(long.clone())),
            notes: vec![
                Note::Line(audit_line::enrolled(&attempt, &long, 0, 60)),
                Note::Text(long.clone()),
            ],
            ..Outcome::new(Verdict::Failed, Reason::Mapping).with_detail(long)
        };
        let sizes: Vec<_> = received(&attempt, &outcome)
            .iter()
            .map(String::len)
            .collect();
        assert_eq!(sizes.len(), 4);
        assert!(sizes.iter().all(|size| *size < 16_384), "{sizes:?}");
    }

    #[test]
    fn a_log_that_config_toml_names_gets_text_though_journald_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, log) = (folder.path().join("socket"), folder.path().join("log"));
        let journald = UnixDatagram::bind(&socket).unwrap();
        let listener = UnixDatagram::bind(&log).unwrap();
        let places = Places {
            journald: &socket,
            text: Path::new("/nonexistent"),
        };
        Audit(Log::open(None, Some(&log), &places)).debug("a line");
        let timeout = listener.set_read_timeout(Some(Duration::from_secs(5)));
        timeout.unwrap();
        let mut buffer = [0; 2048];
        let length = listener.recv(&mut buffer).unwrap();
        let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(
            line.contains("pam_authy(locker)[") && line.ends_with(": a line"),
            "{line}"
        );
        journald.set_nonblocking(true).unwrap();
        assert!(journald.recv(&mut buffer).is_err());
    }

    #[test]
    fn without_journald_the_lines_are_text_in_the_log_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let listener = UnixDatagram::bind(&log).unwrap();
        let places = Places {
            journald: &folder.path().join("socket"),
            text: &log,
        };
        Audit(Log::open(Some("sshd"), None, &places)).debug("a line");
        let timeout = listener.set_read_timeout(Some(Duration::from_secs(5)));
        timeout.unwrap();
        let mut buffer = [0; 2048];
        let length = listener.recv(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(b"<87>"));
    }
}
