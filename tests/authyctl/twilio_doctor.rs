//! `doctor` about Twilio Verify, and what it and others do when Twilio asks to wait.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

use super::twilio::{NUMBER, host};
use super::{run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Returns the findings of doctor about Twilio: result and message.
fn findings(sim: &Sim) -> Vec<(String, String)> {
    let (_, answer) = run_json(sim, &["doctor", "--pam-dir", "/nonexistent"], "");
    let checks = answer["checks"].as_array().unwrap();
    let ours = checks.iter().filter(|check| check["name"] == "twilio");
    let text = |check: &Value, member: &str| check[member].as_str().unwrap().to_owned();
    ours.map(|check| (text(check, "result"), text(check, "message")))
        .collect()
}

/// Asserts that doctor has such a finding about Twilio.
fn has(sim: &Sim, result: &str, part: &str) {
    let all = findings(sim);
    let found = all
        .iter()
        .any(|(of, message)| of == result && message.contains(part));
    assert!(found, "{result} {part}: {all:#?}");
}

#[test]
fn doctor_says_what_a_restricted_key_may_do_and_what_it_cannot_tell() {
    let restricted = host("twilio.toml");
    has(
        &restricted,
        "ok",
        "accepts the key, which may not read the service",
    );
    has(&restricted, "unknown", "as is right on a host");
    has(
        &restricted,
        "ok",
        "the key may not approve and cancel codes",
    );
    has(&restricted, "ok", "the key may not read the apps of people");
    let create = "whether the key may enrol apps or change the service";
    has(&restricted, "unknown", create);
    for permission in ["verification/update", "factor/list"] {
        let permissions = [format!("/twilio/verify/{permission}")];
        restricted.post("/phone/twilio", &json!({"permissions": permissions}));
        let what = match permission {
            "factor/list" => "read the apps of people",
            _ => "approve and cancel codes that were sent",
        };
        has(
            &restricted,
            "warning",
            &format!("Twilio does not refuse the key to {what}"),
        );
    }
    restricted.fault(&json!({"match": {"path": "/Verifications/VE"}, "status": 503}));
    has(
        &restricted,
        "unknown",
        "whether the key may approve and cancel codes",
    );
}

#[test]
fn doctor_says_what_the_key_may_do_and_what_the_service_would_do_to_logins() {
    let main = host("twilio-admin.toml");
    has(&main, "ok", "accepts the key for the service Example");
    has(&main, "warning", "can do more than log people in");
    has(
        &main,
        "warning",
        "Twilio does not refuse the key to approve and cancel codes",
    );
    has(
        &main,
        "warning",
        "Twilio does not refuse the key to read the apps of people",
    );
    let service = main.twilio("TWILIO_VERIFY_SERVICE");
    let key = ["TWILIO_API_KEY", "TWILIO_API_SECRET"].map(|name| main.twilio(name));
    let path = format!("/v2/Services/{service}");
    let form = [
        ("CustomCodeEnabled", "true"),
        ("Psd2Enabled", "true"),
        ("CodeLength", "4"),
    ];
    let (status, body) = crate::twilio::request(&main, "POST", &path, &key, &form);
    assert_eq!(status, 200, "{body}");
    has(&main, "problem", "PSD2");
    has(&main, "warning", "choose the code that is sent");
    has(&main, "warning", "fewer than six digits");

    let closed = host("twilio.toml");
    closed.post("/phone/twilio", &json!({"closed": true}));
    has(
        &closed,
        "problem",
        "the key is refused: the account is suspended or closed",
    );

    let without = Sim::start();
    run_json(&without, &["enroll", "carol", "--phone", NUMBER], "");
    has(&without, "problem", "config.toml has no table [twilio]");
}

#[test]
fn doctor_compares_the_rate_limits_where_the_key_may_read_them() {
    let with_limits = |file: &str| {
        let sim = host(file);
        let config = fs::read_to_string(sim.path("config.toml")).unwrap();
        let table = "[twilio]\nrate_limits = { user = \"end_user\", rhost = \"end_ip\" }\n";
        fs::write(sim.path("config.toml"), config.replace("[twilio]\n", table)).unwrap();
        sim.post("/phone/twilio", &json!({"rate_limits": {"end_user": 5}}));
        sim
    };
    let limits = |sim: &Sim| {
        let all = findings(sim);
        let of_limits = |(_, message): &&(String, String)| message.contains("rate limit");
        let found: Vec<_> = all.iter().filter(of_limits).cloned().collect();
        found
    };
    let main = with_limits("twilio-admin.toml");
    let missing = "the service has no rate limit end_ip, so no SMS is sent and no call made";
    assert_eq!(limits(&main), [("problem".to_owned(), missing.to_owned())]);
    main.post(
        "/phone/twilio",
        &json!({"rate_limits": {"end_user": 5, "end_ip": 5}}),
    );
    let found = limits(&main);
    assert_eq!(found[0].0, "ok", "{found:?}");

    let restricted = with_limits("twilio.toml");
    let found = limits(&restricted);
    assert_eq!(found[0].0, "unknown", "{found:?}");
    run_json(&restricted, &["enroll", "carol", "--phone", NUMBER], "");
    assert_eq!(run_json(&restricted, &["sms", "carol"], "").0, 0);
    let sent = restricted.get("/phone/twilio")["verifications"][0].clone();
    assert_eq!(sent["rate_limits"], json!({"end_user": "carol"}));
    assert!(
        limits(&host("twilio-admin.toml")).is_empty(),
        "none is configured"
    );
}

#[test]
fn doctor_asks_again_where_the_provider_names_a_short_wait() {
    let rows = [
        ("1", "ok", 1),
        ("3600", "problem", 0),
        ("abc", "problem", 0),
    ];
    check_rows(rows, |(wait, result, seconds)| {
        for (file, name) in [("twilio.toml", "twilio"), ("config.toml", "service")] {
            let sim = Sim::start();
            if file != "config.toml" {
                fs::copy(sim.path(file), sim.path("config.toml")).unwrap();
            }
            sim.fault(&json!({"times": 1, "status": 429, "headers": {"Retry-After": wait}}));
            let begun = Instant::now();
            let (_, answer) = run_json(&sim, &["doctor", "--pam-dir", "/nonexistent"], "");
            let took = begun.elapsed().as_secs();
            let checks = answer["checks"].as_array().unwrap();
            let first = checks.iter().find(|check| check["name"] == name).unwrap();
            assert_eq!(first["result"], result, "{name}: {first}");
            assert!(took >= seconds && took < seconds + 5, "{name}: {took} s");
        }
    });
}

#[test]
fn a_refusal_for_too_many_requests_says_when_to_try_again() {
    let rows = [("1", json!(1)), ("3600", json!(3600)), ("abc", json!(null))];
    check_rows(rows, |(wait, expected)| {
        let sim = host("twilio-admin.toml");
        run_json(&sim, &["enroll", "carol", "--phone", NUMBER], "");
        sim.fault(&json!({"times": 0, "status": 429, "headers": {"Retry-After": wait}}));
        for arguments in [&["sms", "carol"][..], &["phone", "info", NUMBER]] {
            let (status, answer) = run_json(&sim, arguments, "");
            assert_eq!(status, 1, "{answer}");
            assert_eq!(answer["error"]["retry_after_seconds"], expected, "{answer}");
            let hint = text(&run(&sim, arguments, "").stderr);
            let is_named = hint.contains(&format!("hint: try again in {wait} s"));
            assert_eq!(is_named, !expected.is_null(), "{hint}");
        }
    });
}
