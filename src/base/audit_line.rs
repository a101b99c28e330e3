//! The text of an audit line: one for each call of the module.
//!
//! Texts from the caller come last and in quotes, so that they cannot forge a field. Written by
//! `engine::audit`, and by `pam::log` where no engine could be reached.

use super::attempt::{Attempt, Outcome};
use super::factor::Identity;
use super::text;

/// Formats the audit line, without fields without a value: `verdict=… reason=… factor=…
/// provider=… code=… authy_id=… attempts=… delivered=no pid=… uid=… peer=… rhost="…" tty="…"
/// user="…"`.
#[must_use]
pub fn format(attempt: &Attempt, outcome: &Outcome) -> String {
    let identity = outcome.identity.as_ref();
    let process = attempt.process;
    let peer = if process.effective_uid == 0 {
        "root"
    } else {
        "user"
    };
    let fields = [
        ("verdict", Some(outcome.verdict.as_str().to_owned())),
        ("reason", Some(outcome.reason.as_str().to_owned())),
        (
            "factor",
            outcome.factor.map(|factor| factor.as_str().to_owned()),
        ),
        (
            "provider",
            identity.map(|identity| identity.provider().to_owned()),
        ),
        ("code", outcome.code.map(|code| code.to_string())),
        (
            "authy_id",
            identity.map(|Identity::Authy(id)| id.to_string()),
        ),
        (
            "attempts",
            (outcome.attempts > 0).then(|| outcome.attempts.to_string()),
        ),
        ("delivered", outcome.undelivered.then(|| "no".to_owned())),
        ("pid", Some(process.pid.to_string())),
        ("uid", Some(process.uid.to_string())),
        ("peer", Some(peer.to_owned())),
        ("rhost", attempt.rhost.as_deref().map(text::quoted)),
        ("tty", attempt.tty.as_deref().map(text::quoted)),
        ("user", Some(text::quoted(&attempt.user))),
    ];
    let mut line = String::new();
    for (name, value) in fields {
        let Some(value) = value else { continue };
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(name);
        line.push('=');
        line.push_str(&value);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::attempt::{Process, Reason, Verdict};
    use crate::base::factor::Factor;

    fn attempt() -> Attempt {
        Attempt {
            user: "alice".into(),
            service: "sshd".into(),
            rhost: Some("192.0.2.7".into()),
            tty: Some("ssh".into()),
            process: Process {
                pid: 812,
                ..Process::default()
            },
            ..Attempt::default()
        }
    }

    #[test]
    fn the_fields_of_the_audit_line_are_in_the_documented_order() {
        let outcome = Outcome {
            factor: Some(Factor::Token),
            code: Some(60020),
            identity: Some(Identity::Authy("1635".parse().unwrap())),
            attempts: 2,
            undelivered: true,
            ..Outcome::new(Verdict::AttemptsExhausted, Reason::WrongCode)
        };
        assert_eq!(
            format(&attempt(), &outcome),
            "verdict=refused reason=wrong_code factor=token provider=authy code=60020 authy_id=1635 attempts=2 \
             delivered=no pid=812 uid=0 peer=root rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        );
    }

    #[test]
    fn unknown_fields_are_left_out() {
        let attempt = Attempt {
            rhost: None,
            tty: None,
            process: Process {
                pid: 1,
                uid: 1000,
                effective_uid: 1000,
                ..Process::default()
            },
            ..attempt()
        };
        let outcome = Outcome::new(Verdict::Failed, Reason::Configuration);
        assert_eq!(
            format(&attempt, &outcome),
            "verdict=error reason=configuration pid=1 uid=1000 peer=user user=\"alice\""
        );
    }

    #[test]
    fn a_name_cannot_forge_a_line_or_a_field() {
        let attempt = Attempt {
            user: "x\" verdict=accepted\nfoo\x1b[2J".into(),
            ..attempt()
        };
        let line = format(
            &attempt,
            &Outcome::new(Verdict::Refused, Reason::BadUserName),
        );
        assert!(
            line.ends_with(r#"user="x\" verdict=accepted?foo?[2J""#),
            "{line}"
        );
    }
}
