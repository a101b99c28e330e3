//! The client against authy-sim over real TLS, and against faulty servers.

mod examples;

use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::client::authy::tokens::{SendOptions, VerifyOptions};
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::{Cause, Client, Error};
use pam_authy::client::http::Https;
use serde_json::json;

use crate::common::rows::check_rows;
use crate::common::sim::Sim;

fn client(sim: &Sim) -> Client<Https> {
    let transport = Https::new(Some(sim.path("ca.pem")), None);
    let timeout = Duration::from_secs(1);
    Client::new(transport, &sim.url(), Secret::new(sim.key()), timeout)
}

fn soon() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(10))
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
    assert_eq!(all["handshakes"], 1, "one connection serves them all");
    check_rows(all["requests"].as_array().unwrap(), |request| {
        assert_eq!(request["has_key"], true);
        assert!(
            request["user_agent"]
                .as_str()
                .unwrap()
                .starts_with("AuthyPAM/")
        );
        assert!(!request["query"].to_string().contains("api_key"));
    });
}

#[test]
fn a_used_code_is_refused_with_its_error_code() {
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
fn a_silent_server_costs_the_time_of_one_request() {
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
fn a_wrong_name_and_a_wrong_ca_are_an_untrusted_server() {
    let sim = Sim::start();
    let table = ["wrong-name", "wrong-ca", "expired", "self-signed"];
    check_rows(table, |name| {
        sim.fault(&json!({"certificate": name}));
        let error = client(&sim).users().status(alice(), soon()).unwrap_err();
        assert!(
            matches!(error, Error::UntrustedServer(_)),
            "{name}: {error:?}"
        );
    });
    assert!(sim.requests().is_empty());
}
