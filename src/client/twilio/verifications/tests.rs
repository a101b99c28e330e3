//! What is sent for a verification, and which answers are a yes.

use super::super::scripted::{client, later, other_sid, sid, with};
use super::*;
use crate::client::http::{self, Cause};

const NUMBER: &str = "+15551234567";

fn to() -> Phone {
    NUMBER.parse().unwrap()
}

fn started() -> VerificationSid {
    sid("VE").parse().unwrap()
}

/// An answer of Twilio about the verification, with other members in place of its own.
fn answer(other: &[(&str, serde_json::Value)]) -> String {
    let mut body = serde_json::json!({
        "sid": sid("VE"), "service_sid": sid("VA"), "account_sid": sid("AC"), "to": NUMBER,
        "channel": "sms", "status": "approved", "valid": true, "amount": null, "payee": null,
        "sna_attempts_error_codes": [], "date_created": "2026-11-23T09:00:00Z",
        "date_updated": "2026-11-23T09:00:00Z", "new_member": {"a": [1]},
    });
    for (name, value) in other {
        body[*name] = value.clone();
    }
    body.to_string()
}

fn check(status: u16, body: &str) -> Result<(), Error> {
    let client = client(&[(status, body)]);
    let code = "123456".parse().unwrap();
    let checked = client
        .verifications()
        .check(&started(), &to(), &code, later());
    let expected = format!(
        "Post https://verify.test/v2/Services/{}/VerificationCheck form VerificationSid={}&Code=123456",
        sid("VA"),
        sid("VE")
    );
    assert_eq!(client.asked(), [expected]);
    checked
}

fn class(checked: &Result<(), Error>) -> String {
    match checked {
        Ok(()) => "approved".to_owned(),
        Err(error) => {
            let name = format!("{error:?}");
            let end = name.find(['(', ' ']).unwrap_or(name.len());
            let code = error.code().map(|code| format!(" {code}"));
            format!("{}{}", &name[..end], code.unwrap_or_default())
        }
    }
}

/// Every row of what Twilio documents of a check, and every answer that must not be a yes.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn only_an_approved_check_of_this_start_number_and_service_is_a_yes() {
    use serde_json::json;
    let error = |code| format!(r#"{{"code":{code},"message":"x","status":400}}"#);
    let repeated = answer(&[]).replacen('{', r#"{"status":"pending","#, 1);
    let rows = [
        (200, answer(&[]), "approved"),
        (201, answer(&[]), "approved"),
        (202, answer(&[]), "Unexpected"),
        (
            201,
            answer(&[("status", json!("pending")), ("valid", json!(false))]),
            "Refused",
        ),
        (200, answer(&[("status", json!("pending"))]), "Refused"),
        (
            200,
            answer(&[("status", json!("max_attempts_reached"))]),
            "Refused",
        ),
        (200, answer(&[("status", json!("canceled"))]), "Refused"),
        (200, answer(&[("status", json!("expired"))]), "Refused"),
        (200, answer(&[("status", json!("Approved"))]), "Unexpected"),
        (200, answer(&[("status", json!(null))]), "Unexpected"),
        (200, answer(&[("valid", json!(false))]), "Unexpected"),
        (200, answer(&[("valid", json!(null))]), "Unexpected"),
        (200, answer(&[("valid", json!("true"))]), "Unexpected"),
        (
            200,
            answer(&[("sid", json!(other_sid("VE")))]),
            "Unexpected",
        ),
        (200, answer(&[("sid", json!(null))]), "Unexpected"),
        (200, answer(&[("to", json!("+15551234568"))]), "Unexpected"),
        (200, answer(&[("to", json!("15551234567"))]), "Unexpected"),
        (
            200,
            answer(&[("service_sid", json!(other_sid("VA")))]),
            "Unexpected",
        ),
        (200, repeated, "Unavailable"),
        (200, String::new(), "Unavailable"),
        (200, "<html>approved</html>".to_owned(), "Unavailable"),
        (200, answer(&[])[..100].to_owned(), "Unavailable"),
        (200, format!("[{}]", answer(&[])), "Unavailable"),
        (404, error(20404), "NotFound 20404"),
        (404, answer(&[]), "Unexpected"),
        (400, error(60200), "Refused 60200"),
        (400, error(60221), "Refused 60221"),
        (429, error(60202), "RateLimited 60202"),
        (429, error(20429), "RateLimited 20429"),
        (401, error(20003), "KeyRefused 20003"),
        (401, error(70051), "KeyRefused 70051"),
        (403, error(70051), "KeyRefused 70051"),
        (403, error(20008), "KeyRefused 20008"),
        (403, error(20403), "KeyRefused 20403"),
        (403, error(60204), "NotAllowed 60204"),
        (500, error(20500), "ServerError 20500"),
        (503, String::new(), "ServerError"),
    ];
    let mut wrong = Vec::new();
    for (status, body, expected) in rows {
        let found = class(&check(status, &body));
        if found != expected {
            wrong.push(format!("{status} {body}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_check_whose_answer_is_lost_is_not_sent_again() {
    let lost = http::Error::Unavailable(Cause::Connection("broke".into()));
    let client = with(vec![Err(lost)]);
    let code = "123456".parse().unwrap();
    let checked = client
        .verifications()
        .check(&started(), &to(), &code, later());
    assert!(checked.unwrap_err().is_unavailable());
    assert_eq!(client.asked().len(), 1);
}

#[test]
fn a_code_that_twilio_cannot_have_sent_costs_no_check() {
    let client = client(&[]);
    for digits in ["123", "12345678901", "123456789012"] {
        let code = digits.parse().unwrap();
        let checked = client
            .verifications()
            .check(&started(), &to(), &code, later());
        assert!(matches!(checked, Err(Error::Invalid { .. })), "{digits}");
    }
    assert!(client.asked().is_empty());
}

#[test]
fn a_start_names_number_channel_and_language_and_returns_its_sid() {
    use serde_json::json;
    let attempts = json!([{"channel": "SMS"}, {"channel": "CALL"}]);
    let body = answer(&[
        ("status", json!("pending")),
        ("valid", json!(false)),
        ("send_code_attempts", attempts),
    ]);
    let client = client(&[(201, body.as_str()), (201, body.as_str())]);
    let calls = client.verifications();
    let none = StartOptions::default();
    let found = calls.start(&to(), Channel::Sms, &none, later()).unwrap();
    assert_eq!((found.sid, found.sends), (started(), 2));
    let options = StartOptions {
        locale: Some("de"),
        rate_limits: &[
            ("end_user".to_owned(), "carol\"".to_owned()),
            ("ip".to_owned(), "192.0.2.7".to_owned()),
        ],
    };
    calls
        .start(&to(), Channel::Call, &options, later())
        .unwrap();
    let start = format!(
        "Post https://verify.test/v2/Services/{}/Verifications form To=%2B15551234567&Channel=",
        sid("VA")
    );
    // {"end_user":"carol\"","ip":"192.0.2.7"}
    let limits = "%7B%22end_user%22%3A%22carol%5C%22%22%2C%22ip%22%3A%22192.0.2.7%22%7D";
    assert_eq!(
        client.asked(),
        [
            format!("{start}sms"),
            format!("{start}call&Locale=de&RateLimits={limits}"),
        ]
    );
}

#[test]
fn a_start_that_is_refused_or_about_another_number_has_no_sid() {
    use serde_json::json;
    let pending = ("status", json!("pending"));
    let error = |code| format!(r#"{{"code":{code},"message":"x"}}"#);
    let rows = [
        (201, answer(&[("status", json!("approved"))])),
        (
            201,
            answer(&[pending.clone(), ("to", json!("+15551234568"))]),
        ),
        (
            201,
            answer(&[pending.clone(), ("service_sid", json!(other_sid("VA")))]),
        ),
        (201, answer(&[pending.clone(), ("sid", json!("VE/../.."))])),
        (201, answer(&[pending, ("sid", json!(other_sid("YC")))])),
        (429, error(60203)),
        (429, error(60212)),
        (403, error(60205)),
        (403, error(60410)),
        (400, error(60200)),
        (404, error(20404)),
        (201, String::new()),
    ];
    let mut accepted = Vec::new();
    for (status, body) in rows {
        let client = client(&[(status, body.as_str())]);
        let started =
            client
                .verifications()
                .start(&to(), Channel::Sms, &StartOptions::default(), later());
        if started.is_ok() {
            accepted.push(body);
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn a_verification_is_fetched_and_cancelled_by_its_sid() {
    use serde_json::json;
    let canceled = answer(&[("status", json!("canceled"))]);
    let other = answer(&[
        ("status", json!("canceled")),
        ("sid", json!(other_sid("VE"))),
    ]);
    let pending = answer(&[("status", json!("pending"))]);
    let elsewhere = ("service_sid", json!(other_sid("VA")));
    let fetched = answer(&[("status", json!("pending")), elsewhere.clone()]);
    let cancelled = answer(&[("status", json!("canceled")), elsewhere]);
    let bodies = [&pending, &canceled, &pending, &other, &fetched, &cancelled];
    let answers = bodies.map(|body| (200, body.as_str()));
    let client = client(&answers);
    let calls = client.verifications();
    assert_eq!(calls.fetch(&started(), later()).unwrap().status, "pending");
    calls.cancel(&started(), later()).unwrap();
    assert!(calls.cancel(&started(), later()).is_err(), "still pending");
    assert!(calls.cancel(&started(), later()).is_err(), "another one");
    assert!(calls.fetch(&started(), later()).is_err(), "another service");
    assert!(
        calls.cancel(&started(), later()).is_err(),
        "another service"
    );
    let path = format!(
        "https://verify.test/v2/Services/{}/Verifications/{}",
        sid("VA"),
        sid("VE")
    );
    let asked = client.asked();
    assert_eq!(
        asked[..2],
        [
            format!("Get {path}"),
            format!("Post {path} form Status=canceled")
        ]
    );
}
