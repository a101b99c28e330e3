//! The text of an audit line: one for each refused code, and for the end of each call of the
//! module.
//!
//! Texts from the caller come last and in quotes, so that they cannot forge a field. Written by
//! `engine::audit`, and by `pam::log` where no engine could be reached; read by `engine::audit`, which
//! gives journald the fields, and by `authyctl audit`.

use super::attempt::{Attempt, Outcome, Reason};
use super::factor::Identity;
use super::{text, utc};

/// Formats the audit line, without fields without a value: `verdict=… reason=… factor=…
/// provider=… code=… authy_id=… (or `twilio="…"`, `totp="…"`, `security_key="…"`) attempts=…
/// delivered=no pid=… uid=… peer=… rhost="…" tty="…" user="…"`.
#[must_use]
pub fn format(attempt: &Attempt, outcome: &Outcome) -> String {
    let mut line = Line(String::new());
    line.add("verdict", outcome.verdict.as_str());
    line.add("reason", outcome.reason.as_str());
    if let Some(factor) = outcome.factor {
        line.add("factor", factor.as_str());
    }
    if let Some(provider) = outcome.identity.as_ref().and_then(Identity::provider) {
        line.add("provider", provider);
    }
    if let Some(code) = outcome.code {
        line.add_number("code", code);
    }
    if let Some(identity) = &outcome.identity {
        let (name, value) = match identity {
            Identity::Authy(id) => ("authy_id", id.to_string()),
            Identity::Twilio(id) => ("twilio", text::quoted(id)),
            Identity::Totp(name) => ("totp", text::quoted(name)),
            Identity::SecurityKey(key) => ("security_key", text::quoted(key)),
        };
        line.add(name, &value);
    }
    if outcome.attempts > 0 {
        line.add_number("attempts", outcome.attempts);
    }
    if outcome.undelivered {
        line.add("delivered", "no");
    }
    line.add_attempt(attempt);
    line.0
}

/// Formats the warning about an app that was enrolled at the prompt and does not count yet:
/// `reason=enrolled provider=totp totp="…" since=… until=… pid=… uid=… peer=… rhost="…" tty="…"
/// user="…"`. It has no verdict, since the audit line of the login has it.
#[must_use]
pub fn enrolled(attempt: &Attempt, name: &str, since: u64, until: u64) -> String {
    let mut line = Line(String::new());
    line.add("reason", Reason::Enrolled.as_str());
    line.add("provider", "totp");
    line.add_quoted("totp", name);
    line.add("since", &utc::written(since));
    line.add("until", &utc::written(until));
    line.add_attempt(attempt);
    line.0
}

/// Returns the fields of a line that [`fn@format`] or [`enrolled`] has written, in their order and
/// without quotes; `None` for any other text. A field inside a quoted text is none.
#[must_use]
pub fn parse(line: &str) -> Option<Vec<(&str, String)>> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !is_name || fields.iter().any(|(known, _)| *known == name) {
            return None;
        }
        let (value, after) = value(after)?;
        fields.push((name, value));
        rest = match after.strip_prefix(' ') {
            Some(next) if !next.is_empty() => next,
            _ if after.is_empty() => after,
            _ => return None,
        };
    }
    let is_first = match fields.first()?.0 {
        "verdict" => fields.get(1)?.0 == "reason",
        name => name == "reason",
    };
    (is_first && fields.last()?.0 == "user").then_some(fields)
}

/// Splits off the value at the begin of `text`, a word or a text in quotes.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end)?;
        return (!word.is_empty() && !word.contains(['"', '\\'])).then(|| (word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// A line of fields.
struct Line(String);

impl Line {
    fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(value);
    }

    fn add_number(&mut self, name: &str, number: u32) {
        self.add(name, &number.to_string());
    }

    fn add_quoted(&mut self, name: &str, value: &str) {
        self.add(name, &text::quoted(value));
    }

    /// Adds what is known of the application and its caller.
    fn add_attempt(&mut self, attempt: &Attempt) {
        let process = attempt.process;
        let peer = if process.effective_uid == 0 {
            "root"
        } else {
            "user"
        };
        self.add_number("pid", process.pid);
        self.add_number("uid", process.uid);
        self.add("peer", peer);
        if let Some(rhost) = &attempt.rhost {
            self.add_quoted("rhost", rhost);
        }
        if let Some(tty) = &attempt.tty {
            self.add_quoted("tty", tty);
        }
        self.add_quoted("user", &attempt.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::attempt::{Process, Verdict};
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
    fn an_app_that_this_host_checks_is_named_by_its_secret_in_quotes() {
        let outcome = Outcome {
            factor: Some(Factor::Token),
            identity: Some(Identity::Totp("bob\" user=\"x".into())),
            attempts: 1,
            ..Outcome::new(Verdict::Accepted, Reason::CodeAccepted)
        };
        assert_eq!(
            format(&attempt(), &outcome),
            "verdict=accepted reason=code_accepted factor=token provider=totp totp=\"bob\\\" user=\\\"x\" \
             attempts=1 pid=812 uid=0 peer=root rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        );
    }

    #[test]
    fn a_security_key_is_named_by_its_fingerprint_and_has_no_provider() {
        let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        let outcome = Outcome {
            factor: Some(Factor::SecurityKey),
            identity: Some(Identity::SecurityKey(key.into())),
            ..Outcome::new(Verdict::Accepted, Reason::SecurityKey)
        };
        let expected = format!(
            "verdict=accepted reason=security_key factor=security_key security_key=\"{key}\" \
             pid=812 uid=0 peer=root rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        );
        assert_eq!(format(&attempt(), &outcome), expected);
    }

    #[test]
    fn an_app_that_does_not_count_yet_has_a_line_without_a_verdict() {
        assert_eq!(
            enrolled(&attempt(), "alice", 1_795_780_800, 1_795_867_200),
            "reason=enrolled provider=totp totp=\"alice\" since=2026-11-27T12:00:00Z until=2026-11-28T12:00:00Z \
             pid=812 uid=0 peer=root rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\""
        );
    }

    #[test]
    fn what_is_parsed_is_what_was_written() {
        let outcome = Outcome {
            factor: Some(Factor::Token),
            identity: Some(Identity::Totp("b\\\" user=\"x".into())),
            attempts: 1,
            ..Outcome::new(Verdict::Refused, Reason::WrongCode)
        };
        let attempt = Attempt {
            user: "x\" verdict=accepted é".into(),
            ..attempt()
        };
        let line = format(&attempt, &outcome);
        let expected = [
            ("verdict", "refused"),
            ("reason", "wrong_code"),
            ("factor", "token"),
            ("provider", "totp"),
            ("totp", "b\\\" user=\"x"),
            ("attempts", "1"),
            ("pid", "812"),
            ("uid", "0"),
            ("peer", "root"),
            ("rhost", "192.0.2.7"),
            ("tty", "ssh"),
            ("user", "x\" verdict=accepted é"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        assert_eq!(parse(&line).unwrap(), expected);
        let warning = enrolled(&attempt, "alice", 1_795_780_800, 1_795_867_200);
        let fields = parse(&warning).unwrap();
        assert_eq!(fields[3], ("since", "2026-11-27T12:00:00Z".to_owned()));
    }

    #[test]
    fn a_text_that_is_no_audit_line_has_no_fields() {
        let rows = [
            "",
            "the code is wrong",
            "verdict=accepted",
            "verdict=accepted user=\"alice\"",
            "verdict=accepted reason=code_accepted user=\"alice\" ",
            "verdict=accepted reason=code_accepted  user=\"alice\"",
            "verdict=accepted reason=code_accepted user=\"alice",
            "verdict=accepted reason=code_accepted user=\"alice\\",
            "verdict=accepted reason=code_accepted user=\"alice\"x",
            "verdict=accepted reason=code_accepted user=\"alice\" more=1",
            "verdict=accepted reason=code_accepted reason=exempt user=\"alice\"",
            "x verdict=accepted reason=code_accepted user=\"alice\"",
            "VERDICT=accepted reason=code_accepted user=\"alice\"",
            "verdict= reason=code_accepted user=\"alice\"",
            "user=\"alice\"",
        ];
        let parsed: Vec<_> = rows.iter().filter(|row| parse(row).is_some()).collect();
        assert!(parsed.is_empty(), "{parsed:#?}");
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
