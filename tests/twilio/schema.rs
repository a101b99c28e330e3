//! authy-sim's answers against Twilio's OpenAPI file: every member of a schema is there, of its type
//! and form, and no other. The file requires no member, so that a plain validator accepts `{}`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::request;
use crate::common::sim::Sim;

/// The trimmed copy of the file.
const FILE: &str = include_str!("verify-v2-openapi.json");

/// What is wrong with an answer.
struct Check<'a> {
    schemas: &'a Map<String, Value>,
    wrong: Vec<String>,
}

impl Check<'_> {
    /// Compares a value with a schema; `at` is its place.
    fn value(&mut self, at: &str, schema: &Value, value: &Value) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return self.value(at, &self.schemas[name].clone(), value);
        }
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        let is_type = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_u64(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !is_type {
            self.wrong.push(format!("{at}: {value} has another type"));
        }
        if let Some(text) = value.as_str() {
            self.text(at, schema, text);
        }
        if let Some(members) = schema["properties"].as_object() {
            self.members(at, members, value);
        }
    }

    fn text(&mut self, at: &str, schema: &Value, text: &str) {
        let has_form = match schema["pattern"].as_str() {
            Some(pattern) => is_sid(pattern, text),
            None => true,
        };
        let has_format = match schema["format"].as_str() {
            Some("date-time") => is_date(text),
            Some("uri") => text.starts_with("https://127.0.0.1:"),
            _ => true,
        };
        let options = schema["enum"].as_array();
        let is_option = options.is_none_or(|options| options.contains(&json!(text)));
        if !(has_form && has_format && is_option) {
            self.wrong.push(format!("{at}: {text:?} has another form"));
        }
    }

    fn members(&mut self, at: &str, schema: &Map<String, Value>, value: &Value) {
        let Some(members) = value.as_object() else {
            return;
        };
        for (name, schema) in schema {
            match members.get(name) {
                Some(value) => self.value(&format!("{at}.{name}"), schema, value),
                None => self.wrong.push(format!("{at}: no {name}")),
            }
        }
        let others = members.keys().filter(|name| !schema.contains_key(*name));
        self.wrong
            .extend(others.map(|name| format!("{at}: {name} is not in the file")));
    }
}

/// Whether the text has a pattern of the form `^XX[0-9a-fA-F]{32}$`.
fn is_sid(pattern: &str, text: &str) -> bool {
    let prefix = pattern
        .strip_prefix('^')
        .and_then(|pattern| pattern.strip_suffix("[0-9a-fA-F]{32}$"));
    let digits = text.strip_prefix(prefix.expect("every pattern is one of a SID"));
    digits.is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Whether the text is a time such as `2026-11-23T09:00:00Z`.
fn is_date(text: &str) -> bool {
    let form: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    form == "0000-00-00T00:00:00Z"
}

/// A session with the main key, which checks each answer.
struct Session<'a> {
    sim: &'a Sim,
    file: Value,
    seen: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Session<'_> {
    /// Makes a request and compares its answer with the file. `path` has the parameters of the
    /// file's paths in braces, and `values` has theirs in order.
    fn ask(&mut self, method: &str, path: &str, values: &[&str], form: &[(&str, &str)]) -> Value {
        let mut real = path.to_owned();
        for value in values {
            let (start, rest) = real.split_once('{').unwrap();
            let (_, end) = rest.split_once('}').unwrap();
            real = format!("{start}{value}{end}");
        }
        let key = ["TWILIO_API_KEY", "TWILIO_API_SECRET"].map(|name| self.sim.twilio(name));
        let (status, body) = request(self.sim, method, &real, &key, form);
        let answer = format!("{method} {path} {status}");
        let Some(expected) = self.file["answers"].get(&answer) else {
            self.wrong
                .push(format!("{answer} is not in the file: {body}"));
            return Value::Null;
        };
        let mut check = Check {
            schemas: self.file["schemas"].as_object().unwrap(),
            wrong: Vec::new(),
        };
        let schema = |name: &Value| json!({"$ref": format!("/{}", name.as_str().unwrap())});
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        if expected.is_null() {
            assert!(body.is_null(), "{answer} has no body");
        } else if let Some(list) = expected["list"].as_str() {
            let items = body[list].as_array().cloned().unwrap_or_default();
            assert!(!items.is_empty(), "{answer} has an item");
            for item in &items {
                check.value(list, &schema(&expected["of"]), item);
            }
            check.value("meta", &self.file["meta"], &body["meta"]);
            let members: BTreeSet<_> = body.as_object().unwrap().keys().cloned().collect();
            assert_eq!(
                members,
                BTreeSet::from([list.to_owned(), "meta".to_owned()])
            );
        } else {
            check.value("", &schema(&expected["object"]), &body);
        }
        let wrong = check.wrong;
        self.wrong
            .extend(wrong.iter().map(|why| format!("{answer} {why}")));
        self.seen.insert(answer);
        body
    }
}

const SERVICES: &str = "/v2/Services";
const SERVICE: &str = "/v2/Services/{Sid}";
const RATE_LIMITS: &str = "/v2/Services/{ServiceSid}/RateLimits";
const VERIFICATIONS: &str = "/v2/Services/{ServiceSid}/Verifications";
const VERIFICATION: &str = "/v2/Services/{ServiceSid}/Verifications/{Sid}";
const CHECK: &str = "/v2/Services/{ServiceSid}/VerificationCheck";
const ENTITIES: &str = "/v2/Services/{ServiceSid}/Entities";
const ENTITY: &str = "/v2/Services/{ServiceSid}/Entities/{Identity}";
const FACTORS: &str = "/v2/Services/{ServiceSid}/Entities/{Identity}/Factors";
const FACTOR: &str = "/v2/Services/{ServiceSid}/Entities/{Identity}/Factors/{Sid}";
const CHALLENGES: &str = "/v2/Services/{ServiceSid}/Entities/{Identity}/Challenges";
const CHALLENGE: &str = "/v2/Services/{ServiceSid}/Entities/{Identity}/Challenges/{Sid}";

#[test]
fn every_answer_has_each_member_of_twilios_openapi_file_and_no_other() {
    let sim = Sim::start();
    let mut session = Session {
        sim: &sim,
        file: serde_json::from_str(FILE).unwrap(),
        seen: BTreeSet::new(),
        wrong: Vec::new(),
    };
    services(&mut session);
    let service = sim.twilio("TWILIO_VERIFY_SERVICE");
    super::change(&sim, &json!({"rate_limits": {"end_user": 5}}));
    session.ask("GET", RATE_LIMITS, &[&service], &[]);
    verifications(&mut session, &service);
    apps(&mut session, &service);
    session.ask("GET", "/v2/Attempts", &[], &[]);
    session.ask("GET", "/v2/Attempts/Summary", &[], &[]);

    let Session {
        file, seen, wrong, ..
    } = session;
    assert!(wrong.is_empty(), "{wrong:#?}");
    let all: BTreeSet<_> = file["answers"].as_object().unwrap().keys().collect();
    let unseen: Vec<_> = all.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(unseen.is_empty(), "{unseen:#?}");
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn services(session: &mut Session<'_>) {
    let made = session.ask("POST", SERVICES, &[], &[("FriendlyName", "Other")]);
    let sid = text(&made["sid"]);
    session.ask("GET", SERVICES, &[], &[]);
    session.ask("GET", SERVICE, &[&sid], &[]);
    session.ask("POST", SERVICE, &[&sid], &[("CodeLength", "8")]);
    session.ask("DELETE", SERVICE, &[&sid], &[]);
}

fn verifications(session: &mut Session<'_>, service: &str) {
    let start = [("To", "+15551234567"), ("Channel", "sms")];
    let started = session.ask("POST", VERIFICATIONS, &[service], &start);
    let sid = text(&started["sid"]);
    session.ask("GET", VERIFICATION, &[service, &sid], &[]);
    let code = ("Code", "0000");
    let check = [("VerificationSid", sid.as_str()), code];
    session.ask("POST", CHECK, &[service], &check);
    super::change(session.sim, &json!({"check_status": 201}));
    session.ask("POST", CHECK, &[service], &check);
    session.ask(
        "POST",
        VERIFICATION,
        &[service, &sid],
        &[("Status", "approved")],
    );
}

fn apps(session: &mut Session<'_>, service: &str) {
    let name = "ff483d1f-f591";
    session.ask("POST", ENTITIES, &[service], &[("Identity", name)]);
    session.ask("GET", ENTITIES, &[service], &[]);
    session.ask("GET", ENTITY, &[service, name], &[]);
    let app = [("FactorType", "totp"), ("FriendlyName", "alice")];
    let made = session.ask("POST", FACTORS, &[service, name], &app);
    assert!(made["binding"]["secret"].is_string(), "{made}");
    let factor = text(&made["sid"]);
    let code_of_app = |sim: &Sim| text(&sim.get("/phone/twilio")["factors"][0]["code"]);
    let payload = code_of_app(session.sim);
    let first = [("AuthPayload", payload.as_str())];
    session.ask("POST", FACTOR, &[service, name, &factor], &first);
    session.ask("GET", FACTOR, &[service, name, &factor], &[]);
    session.ask("GET", FACTORS, &[service, name], &[]);
    let wrong = [("FactorSid", factor.as_str()), ("AuthPayload", "000")];
    let made = session.ask("POST", CHALLENGES, &[service, name], &wrong);
    let sid = text(&made["sid"]);
    session.ask("GET", CHALLENGE, &[service, name, &sid], &[]);
    let payload = code_of_app(session.sim);
    let right = [("AuthPayload", payload.as_str())];
    let answered = session.ask("POST", CHALLENGE, &[service, name, &sid], &right);
    assert_eq!(answered["status"], "approved");
    session.ask("GET", CHALLENGES, &[service, name], &[]);
    session.ask("DELETE", FACTOR, &[service, name, &factor], &[]);
    session.ask("DELETE", ENTITY, &[service, name], &[]);
}

#[test]
fn an_error_has_status_code_text_and_a_link() {
    let sim = Sim::start();
    let key = ["TWILIO_API_KEY", "TWILIO_API_SECRET"].map(|name| sim.twilio(name));
    let none = [String::new(), String::new()];
    let services = format!("/v2/Services/{}", sim.twilio("TWILIO_VERIFY_SERVICE"));
    let start = format!("{services}/Verifications");
    let rows = [
        ("GET", services.as_str(), &none, 401, 20003),
        ("GET", "/v2/Nowhere", &key, 404, 20404),
        ("POST", start.as_str(), &key, 400, 60200),
        ("DELETE", "/v2/Services", &key, 405, 20004),
    ];
    for (method, path, key, status, code) in rows {
        let (found, body) = request(&sim, method, path, key, &[]);
        let body: Value = serde_json::from_str(&body).unwrap();
        let expected = json!({
            "code": code,
            "message": body["message"].as_str().unwrap(),
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status,
        });
        assert_eq!((found, body), (status, expected), "{method} {path}");
    }
}
