//! Writes to the log: an audit line for each refused code and for the end of a call, and
//! explanations for the administrator. `host::journal` sends the lines; a log that cannot be
//! written never changes the outcome, and may lose lines.
//!
//! Called by `session`. The text of an audit line is made by `base::audit_line`.

use std::path::Path;

use syslog::Severity;

use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::{audit_line, text};
use crate::host::journal::Journal;

/// Writes the lines of one call of the module.
#[derive(Debug)]
pub struct Audit(Journal);

impl Audit {
    /// Opens the log of the PAM service `service`, over the datagram socket at `log`. Does not
    /// fail: without a usable socket the lines are lost, and the login goes on.
    #[must_use]
    pub fn open(service: &str, log: &Path) -> Self {
        Self(Journal::open(service, log))
    }

    /// The same for a login over the user socket.
    #[must_use]
    pub fn of_lockers(log: &Path) -> Self {
        Self(Journal::of_lockers(log))
    }

    /// Writes the detail of `outcome`, the audit line of `attempt`, then the notes of `outcome`;
    /// the notes alone where the outcome is recorded already. Blocks up to 200 ms where the log is
    /// full.
    pub fn record(&self, attempt: &Attempt, outcome: &Outcome) {
        if !outcome.is_recorded {
            self.line(attempt, outcome);
        }
        // Last, so that they never cost the audit line where the log is full.
        for note in &outcome.notes {
            self.0
                .write(Severity::LOG_WARNING as u8, &text::sanitize_to(note, 1000));
        }
    }

    fn line(&self, attempt: &Attempt, outcome: &Outcome) {
        let severity = severity(outcome) as u8;
        if let Some(detail) = &outcome.detail {
            self.0.write(severity, &text::sanitize_to(detail, 1000));
        }
        self.0
            .write(severity, &audit_line::format(attempt, outcome));
    }

    /// Writes a line for debugging (the module argument `debug`).
    pub fn debug(&self, message: &str) {
        self.0
            .write(Severity::LOG_DEBUG as u8, &text::sanitize_to(message, 1000));
    }
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
        Audit::open("ss\nhd", &path).record(
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
}
