//! The client of Twilio Verify against authy-sim over TLS, and authy-sim against Twilio's own OpenAPI
//! file and Python library.

mod restart;
mod schema;
mod simulator;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::client::http::{Body, Https, Method, Request, Transport};
use pam_authy::client::twilio::Client;
use serde_json::{Value, json};

use crate::common::sim::Sim;

/// The folder where scripts/peers.sh installs Twilio's Python library.
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/twilio");

/// Returns a client with the key whose names in twilio.env begin with `key`.
fn client_with(sim: &Sim, key: &str) -> Client<Https> {
    let [user, secret] = match key {
        "main" => ["TWILIO_API_KEY", "TWILIO_API_SECRET"],
        _ => ["TWILIO_HOST_KEY", "TWILIO_HOST_SECRET"],
    };
    Client::new(
        Https::new(sim.roots(), None),
        &sim.url(),
        sim.twilio("TWILIO_VERIFY_SERVICE").parse().unwrap(),
        &sim.twilio(user).parse().unwrap(),
        &Secret::new(sim.twilio(secret)),
        Duration::from_secs(5),
    )
}

fn deadline() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(20))
}

/// Returns the codes that were sent, the newest one last.
fn sent(sim: &Sim) -> Vec<Value> {
    let phones = sim.get("/phone/twilio");
    phones["verifications"].as_array().unwrap().clone()
}

/// Makes a request of our own with user and password `key`; returns status and body of the answer.
pub(crate) fn request(
    sim: &Sim,
    method: &str,
    path: &str,
    key: &[String; 2],
    form: &[(&str, &str)],
) -> (u16, String) {
    let encoded = |text: &str| -> String {
        let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
        bytes.collect()
    };
    let pairs = form
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)));
    let form = Secret::new(pairs.collect::<Vec<_>>().join("&"));
    let pair = BASE64_STANDARD.encode(key.join(":"));
    let method = match method {
        "GET" => Method::Get,
        "DELETE" => Method::Delete,
        _ => Method::Post,
    };
    let url = Secret::new(format!("{}{path}", sim.url()));
    let credentials = Secret::new(format!("Basic {pair}"));
    let mut request = Request::new(method, &url, Duration::from_secs(5));
    request.body = Some(Body::Form(&form));
    request.credentials = Some(("Authorization", &credentials));
    let response = Https::new(sim.roots(), None).send(&request).unwrap();
    (response.status, String::from_utf8(response.body).unwrap())
}

/// Changes the simulated Twilio; what is not named has its default.
fn change(sim: &Sim, settings: &Value) {
    sim.post("/phone/twilio", settings);
}

#[test]
#[ignore = "needs the Python package twilio in target/peers (scripts/peers.sh)"]
fn every_call_of_twilios_python_library_works_against_the_simulator() {
    assert!(
        Path::new(PACKAGE).is_dir(),
        "run scripts/peers.sh twilio first: {PACKAGE} is missing"
    );
    let sim = Sim::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/twilio/twilio_python.py");
    let mut command = Command::new("python3");
    for line in fs::read_to_string(sim.path("twilio.env")).unwrap().lines() {
        let (name, value) = line.split_once('=').unwrap();
        command.env(name, value);
    }
    let output = command
        .arg(script)
        .args([sim.url(), sim.control().to_owned()])
        .env("PYTHONPATH", PACKAGE)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("REQUESTS_CA_BUNDLE", sim.path("ca.pem"))
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("all calls done"), "{text}");
    assert!(!sent(&sim).is_empty(), "{}", json!(sim.requests()));
}
