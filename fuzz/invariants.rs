//! Invariants of the code that parses untrusted input. Each function takes one input and panics if
//! an invariant is violated.
//!
//! The fuzz targets run them under libFuzzer, and tests/fuzzed.rs runs them over the corpus, over
//! random edits of it and over random bytes. docs/fuzzing.md lists the invariants.

#![allow(dead_code, reason = "each fuzz target uses only one function")]

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::base::text;
use pam_authy::client::authy::callback::{Callback, Params};
use pam_authy::client::authy::tokens::VerifyOptions;
use pam_authy::client::authy::types::{AuthyId, Cellphone, CountryCode, Token, Uuid};
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::{self, Request, Response, Transport};
use pam_authy::host::ssh_key::accepted_keys;
use pam_authy::protocol::{FromEngine, FromModule};
use pam_authy::store::config::Config;
use pam_authy::store::directory::Directory;
use pam_authy::store::totp::{Authenticator, Secrets};
use pam_authy::store::users::{Entry, Mapping};
use serde_json::{Map, Value};

/// The API key of the corpus; no error may quote it.
pub(crate) const KEY: &str = "d57d919d11e6b221c9bf6f7c882028f9";

/// config.toml: accepted values are within their ranges, and an error is one line that does not
/// quote the API key.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Config::parse(text, Path::new("/etc/pam_authy/config.toml")) {
        Ok(config) => {
            if let Some(authy) = &config.authy {
                let key = authy.key.expose();
                assert!((1..=60).contains(&authy.timeout.as_secs()));
                assert!(authy.url.starts_with("https://") && !authy.url.ends_with('/'));
                assert!(!key.is_empty() && !text::has_control(key));
                // Another value may be equal to a key by chance, but not to the key of the corpus.
                let given_once = key == KEY && text.matches(KEY).count() == 1;
                assert!(!given_once || !format!("{config:?}").contains(KEY));
                assert_eq!(format!("{:?}", authy.key), "[redacted]");
            }
            for service in ["sshd", "sudo", ""] {
                let login = config.login(service);
                assert!((1..=10).contains(&login.attempts));
                assert!((5..=600).contains(&login.deadline.as_secs()));
                assert!(login.refusal.as_secs() <= 10);
            }
        }
        Err(error) => {
            let message = error.to_string();
            // An error quotes the name of an unknown key, and the input may contain the API key as
            // a name.
            let name_has_key = |line: &str| {
                line.split('=')
                    .next()
                    .unwrap_or_default()
                    .contains(&KEY[..8])
            };
            let may_quote_key = text.lines().any(name_has_key) || text.contains('{');
            assert!(may_quote_key || !message.contains(&KEY[..8]), "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}

/// users.toml: the file is valid or refused as a whole; each entry is a person or has an error
/// message.
pub(crate) fn users(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let path = Path::new("/etc/pam_authy/users.toml");
    match Mapping::parse(text, path) {
        Ok(mapping) => {
            for (name, entry) in mapping.iter() {
                assert_eq!(mapping.find(name), *entry);
                match entry {
                    Entry::Enrolled(person) => {
                        assert!(!person.is_empty());
                    }
                    Entry::Shared(shared) => {
                        assert!(!shared.keys.is_empty());
                        assert!(
                            shared.person(&[]).is_err(),
                            "a login without an SSH key has no person"
                        );
                    }
                    Entry::Invalid { message, .. } => {
                        assert!(!message.chars().any(char::is_control), "{message:?}");
                    }
                    Entry::Removed { .. } => panic!("{name:?} is in users.toml and removed"),
                    Entry::Absent => panic!("{name:?} is listed and absent"),
                }
            }
            for tail in ["\n=", "\n[users", "\n\"", "\n[groups]\n"] {
                let broken = format!("{text}{tail}");
                assert!(Mapping::parse(&broken, path).is_err(), "{broken:?}");
            }
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}

/// directory.toml: the file is valid or refused as a whole; each name is a person without an app of
/// this host, was removed, or has an error message, and what is held is of a name that is known.
pub(crate) fn directory(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let is_clean = |message: &str| !message.chars().any(char::is_control);
    let path = Path::new("/var/lib/pam_authy/directory.toml");
    match Directory::parse(text, path) {
        Ok(directory) => {
            for (name, entry) in directory.iter() {
                assert_eq!(directory.entry(name), entry);
                match entry {
                    Entry::Enrolled(person) => {
                        assert!(!person.is_empty());
                        assert!(person.totp.is_none() && person.push.is_none(), "{name:?}");
                    }
                    Entry::Invalid { message, .. } => assert!(is_clean(&message), "{message:?}"),
                    Entry::Removed { .. } => {}
                    Entry::Shared(_) | Entry::Absent => panic!("{name:?}: {entry:?}"),
                }
            }
            for held in directory.held() {
                assert_ne!(directory.entry(&held.name), Entry::Absent);
                assert!(held.listed.is_err() || held.listed.is_ok_and(|one| !one.is_empty()));
            }
            for tail in ["\n=", "\n[users", "\n\"", "\n[groups]\n"] {
                let broken = format!("{text}{tail}");
                assert!(Directory::parse(&broken, path).is_err(), "{broken:?}");
            }
        }
        Err(error) => assert!(is_clean(&error.to_string()), "{error}"),
    }
}

/// totp.toml: the file is valid or refused as a whole; each entry is an app within the ranges or has an
/// error message, and neither quotes the secret of the corpus.
pub(crate) fn totp(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // As a name or a key, a secret may be shown.
    let may_quote = |line: &str| {
        line.split('=')
            .next()
            .is_some_and(|name| name.contains(&TOTP_SECRET[..8]))
    };
    let may_quote = text.lines().any(may_quote) || text.matches(&TOTP_SECRET[..8]).count() > 1;
    let check = |message: &str| {
        assert!(!message.chars().any(char::is_control), "{message:?}");
        assert!(
            may_quote || !message.contains(&TOTP_SECRET[..8]),
            "{message}"
        );
    };
    match Secrets::parse(text, Path::new("/etc/pam_authy/totp.toml")) {
        Ok(secrets) => {
            for (name, entry) in secrets.iter() {
                if let Some(app) = entry.app() {
                    assert!((10..=128).contains(&app.secret().as_bytes().len()));
                    assert!((6..=8).contains(&app.digits()) && (15..=120).contains(&app.period()));
                    let again = Authenticator::from_base32(&app.to_base32()).unwrap();
                    assert_eq!(again.id(), app.id());
                } else {
                    check(&secrets.find(name).map(drop).unwrap_err().to_string());
                }
            }
        }
        Err(error) => check(&error.to_string()),
    }
}

/// The secret of the corpus.
const TOTP_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A transport that answers every request with the same response, and records the requested URLs.
struct Scripted {
    status: u16,
    body: Vec<u8>,
    requested_urls: RefCell<Vec<String>>,
}

impl Transport for Scripted {
    fn send(&self, request: &Request<'_>) -> Result<Response, http::Error> {
        self.requested_urls
            .borrow_mut()
            .push(request.url.expose().to_owned());
        Ok(Response::new(self.status, self.body.clone()))
    }
}

fn client(status: u16, body: &[u8]) -> Client<Scripted> {
    let transport = Scripted {
        status,
        body: body.to_vec(),
        requested_urls: RefCell::default(),
    };
    let timeout = Duration::from_secs(60);
    Client::new(
        transport,
        "https://authy.test",
        Secret::new(KEY.into()),
        timeout,
    )
}

fn later() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(600))
}

/// Replies: the first three bytes of the input are the status, the rest is the body. A reply
/// accepts a code only if it is HTTP 200 and a JSON object without repeated members whose `token` is
/// exactly `is valid` and whose `success` is not false; any other object with 2xx, and any answer
/// with 4xx, is a refusal. The text of an error cannot harm a terminal or a log.
pub(crate) fn reply(data: &[u8]) {
    let Some((status, body)) = data.split_at_checked(3) else {
        return;
    };
    let Some(status) = std::str::from_utf8(status)
        .ok()
        .and_then(|text| text.parse().ok())
    else {
        return;
    };
    let (id, token): (AuthyId, Token) = ("1635".parse().unwrap(), "1234567".parse().unwrap());
    let client = client(status, body);
    let result = client
        .tokens()
        .verify(id, &token, &VerifyOptions::default(), later());
    assert_eq!(result.is_ok(), accepts(status, body), "{result:?}");
    if is_never_an_outage(status, body) {
        let is_outage = result.as_ref().is_err_and(Error::is_unavailable);
        assert!(!is_outage, "{result:?}");
    }
    let errors = [
        client.tokens().sms(id, &Default::default(), later()).err(),
        client.users().status(id, later()).err(),
        client.app().details(later()).err(),
        client
            .approvals()
            .find(&"a-b".parse().unwrap(), later())
            .err(),
        result.err(),
    ];
    for error in errors.into_iter().flatten() {
        let text = error.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.chars().count() < 1000, "{text:?}");
    }
}

/// A second implementation of the rule for an accepted code, independent of the client's.
fn accepts(status: u16, body: &[u8]) -> bool {
    let Some(object) = unrepeated(body) else {
        return false;
    };
    let success = match object.get("success") {
        None => true,
        Some(value) => *value == Value::Bool(true) || *value == "true",
    };
    let is_ours = match object.get("authy_id") {
        None | Some(Value::Null) => true,
        Some(Value::String(digits)) => digits.trim_start_matches('0') == "1635",
        Some(id) => *id == 1635,
    };
    status == 200
        && success
        && is_ours
        && object
            .get("token")
            .is_some_and(|token| *token == "is valid")
}

/// Whether `when_unavailable` may not be asked, again independently of the client.
fn is_never_an_outage(status: u16, body: &[u8]) -> bool {
    match status {
        200..=299 => unrepeated(body).is_some(),
        400..=499 => true,
        _ => false,
    }
}

/// The object that is all of `body`, if no member of it is repeated. Every member has one colon
/// outside of texts, and serde_json keeps one of several members of the same name.
fn unrepeated(body: &[u8]) -> Option<Map<String, Value>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let (mut colons, mut in_text, mut escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b':' if !in_text => colons += 1,
            _ => {}
        }
    }
    match value {
        Value::Object(object) if members(&object) == colons => Some(object),
        _ => None,
    }
}

/// How many members an object has, with those of the objects within it.
fn members(object: &Map<String, Value>) -> usize {
    fn within(value: &Value) -> usize {
        match value {
            Value::Object(object) => members(object),
            Value::Array(array) => array.iter().map(within).sum(),
            _ => 0,
        }
    }
    object.len() + object.values().map(within).sum::<usize>()
}

/// Text that a person types for a code, an id or a phone number: only digits can become part of a
/// URL, and no error quotes a code.
pub(crate) fn typed(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else {
        return;
    };
    let digits = typed.bytes().all(|b| b.is_ascii_digit());
    let token: Result<Token, _> = typed.parse();
    assert_eq!(
        token.is_ok(),
        digits && (6..=12).contains(&typed.len()),
        "{typed:?}"
    );
    if let Ok(token) = token {
        let id: AuthyId = "1635".parse().unwrap();
        let client = client(500, b"");
        let error = client
            .tokens()
            .verify(id, &token, &VerifyOptions::default(), later())
            .unwrap_err();
        assert!(!format!("{error} {error:?} {token:?}").contains(typed));
    }
    if let Ok(id) = typed.parse::<AuthyId>() {
        assert!(
            digits && (1..=i64::MAX as u64).contains(&id.number()),
            "{typed:?}"
        );
    }
    if let Ok(uuid) = typed.parse::<Uuid>() {
        let shown = uuid.to_string();
        assert!(
            shown
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            "{shown:?}"
        );
    }
    if let Ok(phone) = typed.parse::<Cellphone>() {
        assert!(phone.digits().bytes().all(|b| b.is_ascii_digit()));
        assert!((5..=15).contains(&phone.digits().len()));
    }
    if let Ok(code) = typed.parse::<CountryCode>() {
        assert!((1..=9999).contains(&code.number()));
    }
}

/// A callback: four lines (signature, nonce, address, query) and a body. The input cannot be signed
/// without the key, so no callback is accepted.
pub(crate) fn callback(data: &[u8]) {
    let mut parts = data.splitn(5, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(parts.next().unwrap_or_default()).unwrap_or_default();
    let (signature, nonce, url, query) = (line(), line(), line(), line());
    let body = parts.next().unwrap_or_default();
    let key = Secret::new(KEY.into());
    for params in [Params::Post(body), Params::Get(query)] {
        let callback = Callback {
            url,
            nonce,
            signature,
            params,
        };
        assert!(callback.verify(&key).is_err());
    }
}

/// Text that is shown to a person: it is one line of bounded length without control or
/// bidirectional characters, and its quotes are closed.
pub(crate) fn text(data: &[u8]) {
    let input = String::from_utf8_lossy(data);
    let shown = text::sanitize(&input);
    assert!(shown.chars().count() <= text::SHOWN + 1);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let bidirectional = [
        '\u{202e}', '\u{202a}', '\u{2066}', '\u{2069}', '\u{200f}', '\u{2028}', '\u{feff}',
    ];
    assert!(!shown.contains(bidirectional), "{shown:?}");
    if input.chars().count() <= text::SHOWN {
        assert_eq!(text::sanitize(&shown), shown);
    }
    let quoted = text::quoted(&input);
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap();
    let mut escaped = false;
    for c in inner.chars() {
        assert!(escaped || c != '"', "{quoted}");
        escaped = !escaped && c == '\\';
    }
    assert!(!escaped, "{quoted}");
    assert_eq!(
        text::has_control(&input),
        input.chars().any(char::is_control)
    );
}

/// SSH_AUTH_INFO_0: each fingerprint that is found parses back to itself, only `publickey` lines
/// have one, an additional line never removes one, and a security key has its type in its line.
pub(crate) fn ssh_auth(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let found = accepted_keys(text);
    for key in &found {
        assert_eq!(key.fingerprint.to_string().parse(), Ok(key.fingerprint));
    }
    let typed = text.matches("publickey sk-").count();
    assert!(found.iter().filter(|key| key.is_security_key).count() <= typed);
    assert!(found.len() <= text.matches("publickey").count());
    let with_another_line = accepted_keys(&format!("{text}\npassword"));
    assert_eq!(found, with_another_line);
}

/// A message between module and engine: what is understood says the same when it is sent on, and no
/// verdict comes from bytes that do not name it.
pub(crate) fn protocol(data: &[u8]) {
    if let Ok(message) = FromEngine::decode(data) {
        assert_eq!(FromEngine::decode(&message.encode()), Ok(message.clone()));
        if let FromEngine::Verdict { verdict, .. } = message {
            let name = format!("{verdict:?}").to_lowercase();
            let text = String::from_utf8_lossy(data).replace('_', "");
            assert!(text.starts_with("verdict\0") && text.contains(&format!("\0verdict={name}\0")));
        }
    }
    if let Ok(message) = FromModule::decode(data) {
        let bytes = message.encode();
        let again = FromModule::decode(&bytes).unwrap();
        // The text of a reply is in the bytes only.
        assert_eq!(again.encode(), bytes);
        assert_eq!(format!("{again:?}"), format!("{message:?}"));
        assert!(
            FromEngine::decode(&bytes).is_err(),
            "each side has its own kinds"
        );
    }
}
