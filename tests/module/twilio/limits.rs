//! What Twilio limits, and what a code that is sent counts for.

use pam_authy::pam_app::Item;
use serde_json::{Value, json};

use super::{ONE_ATTEMPT, QUICK, change, host, sent, texts};
use crate::common::host::Host;
use crate::common::rows::check_rows;

const FAILED: &str = "The SMS could not be sent";

/// A host whose service has rate limits, each with the number of starts for one value.
fn host_with(limits: &Value) -> Host {
    let host = host(ONE_ATTEMPT);
    let table = "[twilio]\nrate_limits = { user = \"end_user\", rhost = \"end_ip\" }\n";
    host.replace("[twilio]\n", table);
    change(&host, &json!({"rate_limits": limits}));
    host
}

#[test]
fn a_code_that_is_sent_counts_for_the_rate_limits_of_the_service() {
    let host = host_with(&json!({"end_user": 3, "end_ip": 100}));
    let rows = [
        (
            Some("192.0.2.7"),
            json!({"end_user": "carol", "end_ip": "192.0.2.7"}),
        ),
        (
            Some("2001:db8::a:b:c:d"),
            json!({"end_user": "carol", "end_ip": "2001:db8::/64"}),
        ),
        (None, json!({"end_user": "carol"})),
    ];
    check_rows(rows, |(rhost, expected)| {
        let items: Vec<_> = rhost
            .map(|rhost| (Item::RHost, rhost))
            .into_iter()
            .collect();
        host.login_with("carol", &["sms"], &items);
        assert_eq!(sent(&host)[0]["rate_limits"], expected);
    });
    let login = host.login("carol", &["sms", "123456"]);
    let shown = texts(&login);
    assert!(shown[1].starts_with(FAILED), "{shown:?}");
    assert_eq!((login.code, login.prompts()), ("PAM_MAXTRIES", 2));
    assert_eq!(sent(&host)[0]["sends"], 3);
    let log = host.log();
    let line = "too many requests at once (HTTP 429, code 20429: Too many requests)";
    assert!(log.contains(line), "{log}");
}

#[test]
fn a_rate_limit_that_the_service_does_not_have_sends_nothing_and_is_named_in_the_log() {
    let host = host_with(&json!({"end_user": 3}));
    let items = [(Item::RHost, "192.0.2.7")];
    let login = host.login_with("carol", &["sms", "123456"], &items);
    let shown = texts(&login);
    assert!(shown[1].starts_with(FAILED), "{shown:?}");
    assert_eq!(login.code, "PAM_MAXTRIES");
    assert!(sent(&host).is_empty());
    let log = host.log();
    let line =
        "Rate limit end_ip was not found); does the service have the limits of twilio.rate_limits?";
    assert!(log.contains(line), "{log}");
    // A login without an address names the other limit alone.
    host.login("carol", &["sms"]);
    assert_eq!(sent(&host).len(), 1);
}

/// Each kind of HTTP 429 for a start: nothing is sent, and the login goes on.
#[test]
fn a_start_beyond_a_limit_of_twilio_leaves_no_code_and_the_login_goes_on() {
    let host = host(&format!("{QUICK}attempts = 2\n"));
    let body = |code: u32| json!({"code": code, "message": "x", "status": 429}).to_string();
    let rows = [body(20429), body(60203), body(60212), String::new()];
    check_rows(rows, |body| {
        host.sim.forget_faults();
        host.sim.fault(
            &json!({"match": {"path": "/Verifications"}, "times": 0, "status": 429, "body": body}),
        );
        let login = host.login("carol", &["sms", "123456", "123456"]);
        assert!(texts(&login)[1].starts_with(FAILED));
        assert_eq!((login.code, login.prompts()), ("PAM_MAXTRIES", 3));
        assert_eq!(host.sim.count("/VerificationCheck"), 0);
        let log = host.log();
        assert!(log.contains("no SMS: too many requests"), "{log}");
    });
}

#[test]
fn a_login_does_not_wait_for_the_time_that_twilio_names_and_logs_it() {
    let host = host(ONE_ATTEMPT);
    let (date, later) = (
        "Wed, 21 Oct 2026 07:28:00 GMT",
        "Wed, 21 Oct 2026 07:28:40 GMT",
    );
    let rows = [
        ("1", "; try again in 1 s"),
        ("3600", "; try again in 3600 s"),
        (later, "; try again in 40 s"),
        ("abc", ""),
    ];
    check_rows(rows, |(wait, logged)| {
        let body = json!({"code": 20429, "message": "x", "status": 429}).to_string();
        host.sim.forget_faults();
        host.sim.fault(&json!({
            "match": {"path": "/Challenges"}, "times": 0, "status": 429, "body": body,
            "headers": {"Retry-After": wait, "Date": date},
        }));
        let lines = host.log().len();
        let login = host.login("erin", &["123456"]);
        assert_eq!((login.code, login.prompts()), ("PAM_MAXTRIES", 1));
        assert!(login.took.as_secs_f32() < 0.9, "{:?}", login.took);
        let log = host.log()[lines..].to_owned();
        let line = format!("(HTTP 429, code 20429: x){logged}\n");
        assert!(log.contains(&line), "{log}");
    });
}

/// The message was sent, although nothing says so: a gateway's answer is no "no". Otherwise each
/// login could have sent one.
#[test]
fn a_message_stays_counted_unless_it_is_certain_that_none_was_sent() {
    let limits = "[limits]\nsms_per_user = 2\n";
    let rows = [
        (502, ""),
        (504, "<html>"),
        (200, ""),
        (201, "{}"),
        (302, ""),
    ];
    check_rows(rows, |(status, body)| {
        for (user, path) in [("carol", "/Verifications"), ("alice", "/sms/")] {
            let config = format!("{ONE_ATTEMPT}{limits}");
            let host = match user {
                "carol" => host(&config),
                _ => Host::with(&config),
            };
            host.sim.fault(&json!({
                "match": {"path": path}, "times": 0, "status": status, "body": body, "after": true,
            }));
            for _ in 0..4 {
                let login = host.login(user, &["sms"]);
                assert_eq!(login.prompts(), 2, "{user}");
            }
            assert_eq!(host.sim.count(path), 2, "{user}");
        }
    });
}
