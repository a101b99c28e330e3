//! Writes the outcome of a login to the log: one audit line per call of the module, and
//! explanations for the administrator. `host::journal` sends the lines; a log that cannot be
//! written never changes the outcome, and may lose lines.
//!
//! In the audit line, texts from the caller come last and in quotes, so that they cannot forge a
//! field. Called by `pam::module`.

use std::path::Path;

use syslog::Severity;

use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::factor::Identity;
use crate::base::text;
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

    /// Writes the detail of `outcome`, the audit line of `attempt`, then the notes of `outcome`.
    /// Blocks up to 200 ms where the log is full.
    pub fn record(&self, attempt: &Attempt, outcome: &Outcome) {
        if let Some(detail) = &outcome.detail {
            self.0
                .write(severity(outcome), &text::sanitize_to(detail, 1000));
        }
        self.0.write(severity(outcome), &line(attempt, outcome));
        // Last, so that they never cost the audit line where the log is full.
        for note in &outcome.notes {
            self.0
                .write(Severity::LOG_WARNING, &text::sanitize_to(note, 1000));
        }
    }

    /// Writes a line for debugging (the module argument `debug`).
    pub fn debug(&self, message: &str) {
        self.0
            .write(Severity::LOG_DEBUG, &text::sanitize_to(message, 1000));
    }
}

/// Formats the audit line, without fields without a value: `verdict=… reason=… factor=…
/// provider=… code=… authy_id=… attempts=… rhost="…" tty="…" user="…"`.
#[must_use]
pub fn line(attempt: &Attempt, outcome: &Outcome) -> String {
    let mut line = format!(
        "verdict={} reason={}",
        outcome.verdict.as_str(),
        outcome.reason.as_str()
    );
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            line.push_str(&value);
        }
    };
    field(
        "factor",
        outcome.factor.map(|factor| factor.as_str().to_owned()),
    );
    let identity = outcome.identity.as_ref();
    field(
        "provider",
        identity.map(|identity| identity.provider().to_owned()),
    );
    field("code", outcome.code.map(|code| code.to_string()));
    field(
        "authy_id",
        identity.map(|Identity::Authy(id)| id.to_string()),
    );
    field(
        "attempts",
        (outcome.attempts > 0).then(|| outcome.attempts.to_string()),
    );
    field("rhost", attempt.rhost.as_deref().map(text::quoted));
    field("tty", attempt.tty.as_deref().map(text::quoted));
    field("user", Some(text::quoted(&attempt.user)));
    line
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
    use crate::base::factor::Factor;

    fn attempt() -> Attempt {
        Attempt {
            user: "alice".into(),
            service: "sshd".into(),
            rhost: Some("192.0.2.7".into()),
            tty: Some("ssh".into()),
            ruser: None,
            address: None,
            ssh_auth: None,
            password: None,
        }
    }

    #[test]
    fn the_fields_of_the_audit_line_are_in_the_documented_order() {
        let outcome = Outcome {
            factor: Some(Factor::Token),
            code: Some(60020),
            identity: Some(Identity::Authy("1635".parse().unwrap())),
            attempts: 2,
            ..Outcome::new(Verdict::AttemptsExhausted, Reason::WrongCode)
        };
        assert_eq!(
            line(&attempt(), &outcome),
            "verdict=refused reason=wrong_code factor=token provider=authy code=60020 authy_id=1635 attempts=2 \
             rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        );
    }

    #[test]
    fn unknown_fields_are_left_out() {
        let attempt = Attempt {
            rhost: None,
            tty: None,
            ..attempt()
        };
        let outcome = Outcome::new(Verdict::Failed, Reason::Configuration);
        assert_eq!(
            line(&attempt, &outcome),
            "verdict=error reason=configuration user=\"alice\""
        );
    }

    #[test]
    fn a_name_cannot_forge_a_line_or_a_field() {
        let attempt = Attempt {
            user: "x\" verdict=accepted\nfoo\x1b[2J".into(),
            ..attempt()
        };
        let line = line(
            &attempt,
            &Outcome::new(Verdict::Refused, Reason::BadUserName),
        );
        assert!(
            line.ends_with(r#"user="x\" verdict=accepted?foo?[2J""#),
            "{line}"
        );
    }

    #[test]
    fn a_datagram_has_facility_severity_and_tag() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let attempt = attempt();
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
            "verdict=error reason=mapping rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        ));
    }
}
