//! Tests the client against authy-sim over TLS, including the faults of a server.

#[path = "../../examples/check_code.rs"]
#[expect(dead_code, reason = "the test calls no main")]
mod check_code;
mod examples;
mod shared;

use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::client::authy::tokens::{SendOptions, VerifyOptions};
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::{Cause, Client, Error};
use pam_authy::client::http::Https;
use serde_json::{Value, json};

use crate::common::sim::Sim;

fn client(sim: &Sim) -> Client<Https> {
    let transport = Https::new(sim.roots(), None);
    let timeout = Duration::from_secs(1);
    Client::new(transport, &sim.url(), Secret::new(sim.key()), timeout)
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(10))
}

fn alice() -> AuthyId {
    "1635".parse().unwrap()
}

#[test]
fn verify_sms_and_status_work_over_one_client() {
    let sim = Sim::start();
    let client = client(&sim);

    let delivery = client
        .tokens()
        .sms(alice(), &SendOptions::default(), soon())
        .unwrap();
    assert!(!delivery.ignored);
    let token = sim.last_sms(1635).unwrap().parse().unwrap();
    client
        .tokens()
        .verify(alice(), &token, &VerifyOptions::default(), soon())
        .unwrap();
    assert!(client.users().status(alice(), soon()).unwrap().confirmed);

    let all = sim.get("/requests.json");
    assert_eq!(all["handshakes"], 1, "all requests use one connection");
    let is_correct = |request: &Value| {
        let user_agent = request["user_agent"].as_str().unwrap_or_default();
        request["has_key"] == true
            && user_agent.starts_with("AuthyPAM/")
            && !request["query"].to_string().contains("api_key")
    };
    let mut failed = all["requests"].as_array().unwrap().clone();
    failed.retain(|request| !is_correct(request));
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_used_token_is_refused_with_its_code() {
    let sim = Sim::start();
    let client = client(&sim);
    let token = sim.token(1635).parse().unwrap();
    let verify = || {
        client
            .tokens()
            .verify(alice(), &token, &VerifyOptions::default(), soon())
    };

    verify().unwrap();
    let Err(Error::Refused(refusal)) = verify() else {
        panic!("a used token was not refused")
    };
    assert_eq!(refusal.code, Some(60019));
}

#[test]
fn a_connection_that_the_server_closed_is_opened_again() {
    let sim = Sim::start();
    let client = client(&sim);
    client.users().status(alice(), soon()).unwrap();
    sim.fault(&json!({"headers": {"connection": "close"}, "status": 200, "body": "{}"}));
    let _ = client.users().status(alice(), soon());

    client.users().status(alice(), soon()).unwrap();
}

#[test]
fn a_silent_server_takes_the_time_of_one_request() {
    let sim = Sim::start();
    sim.fault(&json!({"silent": true}));
    let start = Instant::now();

    let error = client(&sim).users().status(alice(), soon()).unwrap_err();

    assert!(
        matches!(error, Error::Unavailable(Cause::TimedOut)),
        "{error:?}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn retry_after_is_kept() {
    let sim = Sim::start();
    sim.fault(&json!({"status": 429, "headers": {"Retry-After": "17"}}));

    let Err(Error::RateLimited(refusal)) = client(&sim).users().status(alice(), soon()) else {
        panic!("429 was not a rate limit")
    };
    assert_eq!(refusal.retry_after_seconds, Some(17));
}

#[test]
fn an_invalid_certificate_is_an_untrusted_server() {
    let sim = Sim::start();
    let mut failed = Vec::new();
    for name in ["wrong-name", "wrong-ca", "expired", "self-signed"] {
        sim.fault(&json!({"certificate": name}));
        let answer = client(&sim).users().status(alice(), soon());
        if !matches!(answer, Err(Error::UntrustedServer(_))) {
            failed.push((name, answer));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(sim.requests().is_empty());
}
