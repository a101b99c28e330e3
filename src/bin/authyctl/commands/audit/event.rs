//! An event: an audit line, with when and where it was written.

use pam_authy::base::{audit_line, text};
use serde_json::{Map, Value, json};

use super::time;

/// The longest line that is shown, in characters.
const SHOWN: usize = 8192;

/// The fields that are numbers.
const NUMBERS: [&str; 5] = ["code", "authy_id", "attempts", "pid", "uid"];

/// An audit line that was found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// In milliseconds since 1970.
    pub(super) time: u64,
    /// The host that has written it, where the log says so.
    pub(super) host: Option<String>,
    /// The PAM service, or `locker`.
    pub(super) service: String,
    pub(super) line: String,
    fields: Vec<(String, String)>,
}

/// What a message of our tag is.
pub(super) enum Message {
    Line(Vec<(String, String)>),
    /// A text for the administrator.
    Text,
    /// The begin of an audit line, and no more.
    Cut,
}

impl Message {
    pub(super) fn parse(text: &str) -> Self {
        if let Some(fields) = audit_line::parse(text) {
            let fields = fields.into_iter();
            return Self::Line(
                fields
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            );
        }
        match text.starts_with("verdict=") || text.starts_with("reason=") {
            true => Self::Cut,
            false => Self::Text,
        }
    }
}

impl Event {
    pub(super) fn new(
        time: u64,
        host: Option<String>,
        service: String,
        line: &str,
        fields: Vec<(String, String)>,
    ) -> Self {
        Self {
            time,
            host,
            service,
            line: line.to_owned(),
            fields,
        }
    }

    /// The value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let field = fields.find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The value of a field that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }

    pub(super) fn as_text(&self) -> String {
        let host = self.host.as_deref().unwrap_or("-");
        let line = format!(
            "{} {host} {}: {}",
            time::written(self.time),
            self.service,
            self.line
        );
        text::sanitize_to(&line, SHOWN)
    }

    pub(super) fn as_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("time".into(), json!(time::written(self.time)));
        if let Some(host) = &self.host {
            object.insert("host".into(), json!(host));
        }
        object.insert("service".into(), json!(self.service));
        for (name, value) in &self.fields {
            let number = NUMBERS
                .contains(&name.as_str())
                .then(|| value.parse::<u64>());
            let value = match number {
                Some(Ok(number)) => json!(number),
                _ => json!(value),
            };
            // A field of a later version must not take the place of one of these.
            object.entry(name.as_str()).or_insert(value);
        }
        Value::Object(object)
    }
}

/// The PAM service of a tag, `locker` for plain users' programs; `None`: the tag is not ours.
pub(super) fn service_of(tag: &str) -> Option<&str> {
    let name = tag.strip_prefix("pam_authy(")?.strip_suffix(')')?;
    match name.strip_suffix(":auth") {
        Some(service) => Some(service),
        None => (name == "locker").then_some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_of_ours_have_a_service() {
        let rows = [
            ("pam_authy(sshd:auth)", Some("sshd")),
            ("pam_authy(locker)", Some("locker")),
            ("pam_authy(sshd)", None),
            ("pam_authy", None),
            ("sshd", None),
            ("pam_authy(sshd:auth)x", None),
            ("xpam_authy(sshd:auth)", None),
        ];
        let wrong: Vec<_> = (rows.iter().copied())
            .filter(|(tag, service)| service_of(tag) != *service)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn an_event_is_an_object_with_numbers_as_numbers() {
        let line = "verdict=accepted reason=code_accepted factor=token provider=authy authy_id=1635 attempts=1 pid=812 uid=0 peer=root user=\"a\\\"b\"";
        let Message::Line(fields) = Message::parse(line) else {
            panic!("no line");
        };
        let event = Event::new(1_795_780_800_123, None, "sshd".into(), line, fields);
        let expected = json!({
            "time": "2026-11-27T12:00:00.123Z", "service": "sshd", "verdict": "accepted",
            "reason": "code_accepted", "factor": "token", "provider": "authy", "authy_id": 1635,
            "attempts": 1, "pid": 812, "uid": 0, "peer": "root", "user": "a\"b",
        });
        assert_eq!(event.as_json(), expected);
        assert_eq!(
            event.as_text(),
            format!("2026-11-27T12:00:00.123Z - sshd: {line}")
        );
    }
}
