//! Answers of the service: each status with and without a body that says yes, the causes of a
//! refusal, redirects, and every kind of `Retry-After`.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Class, POLICIES, Row, YES, host, prove, row};
use crate::common::host::Host;
use crate::common::rows::check_rows;

fn answer(status: u16, body: &str) -> Value {
    json!({"match": {"path": "/verify/"}, "times": 0, "status": status, "body": body})
}

/// The first row shows that the others can fail: the same body is a yes with 200, and only with
/// 200.
#[test]
fn a_yes_counts_with_status_200_and_with_no_other() {
    let mut rows = vec![row(answer(200, YES), Class::Yes)];
    for status in [201, 202, 203, 206, 207, 226, 299] {
        rows.push(row(answer(status, YES), Class::Wrong));
    }
    for status in [300, 301, 302, 303, 304, 305, 307, 308, 399] {
        rows.push(row(answer(status, YES), Class::Outage));
    }
    for status in [
        400, 401, 402, 405, 406, 408, 409, 410, 413, 418, 422, 451, 499,
    ] {
        rows.push(row(answer(status, YES), Class::Wrong));
    }
    for status in [500, 501, 502, 503, 504, 507, 511, 520, 599] {
        rows.push(row(answer(status, YES), Class::Outage));
    }
    rows.push(row(answer(403, YES), Class::Application));
    rows.push(row(answer(404, YES), Class::Unknown));
    rows.push(row(answer(429, YES), Class::RateLimited));
    prove(&rows);
}

#[test]
fn without_a_usable_body_2xx_and_5xx_are_an_outage_and_4xx_is_a_refusal() {
    let mut rows = Vec::new();
    for body in ["", "<html>is valid</html>", "token is valid", "[]", "null"] {
        for status in [200, 204, 500, 502, 503, 504] {
            rows.push(row(answer(status, body), Class::Outage));
        }
        for status in [400, 401, 404, 408, 451] {
            rows.push(row(answer(status, body), Class::Wrong));
        }
        rows.push(row(answer(403, body), Class::Application));
        rows.push(row(answer(429, body), Class::RateLimited));
    }
    prove(&rows);
}

#[test]
fn a_body_that_nearly_says_yes_is_not_accepted() {
    let huge = format!(
        r#"{{"token":"is valid","success":true,"x":"{}"}}"#,
        "x".repeat(1 << 20)
    );
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let outages = [
        r#"{"token":"is valid","token":"is valid"}"#,
        r#"{"token":"is invalid","token":"is valid","success":true}"#,
        r#"{"token":"is valid","success":false,"success":true}"#,
        r#"{"token":"is valid","\u0074oken":"is valid","success":true}"#,
        r#"{"token":"is valid","success":true,"device":{"id":1,"id":2}}"#,
        r#"[{"token":"is valid","success":true}]"#,
        r#"{"token":"is valid","success":tru"#,
        r#"{"token":"is valid","success":true} x"#,
        &huge,
        &deep,
    ];
    let refusals = [
        "{}",
        r#"{"success":true}"#,
        r#"{"token":"Is Valid","success":true}"#,
        r#"{"token":"is valid ","success":true}"#,
        r#"{"token":"is valid\u0000","success":true}"#,
        r#"{"token":["is valid"],"success":true}"#,
        r#"{"token":true,"success":true}"#,
        r#"{"Token":"is valid","success":true}"#,
        r#"{"user":{"token":"is valid"},"success":true}"#,
        r#"{"token":"is invalid","success":true}"#,
        r#"{"token":"is valid","success":false}"#,
        r#"{"token":"is valid","success":"no"}"#,
        r#"{"token":"is valid","success":"True"}"#,
        r#"{"token":"is valid","success":null}"#,
        r#"{"token":"is valid","success":1}"#,
        r#"{"token":"is valid","success":{}}"#,
    ];
    let rows: Vec<Row> = outages
        .iter()
        .map(|body| row(answer(200, body), Class::Outage))
        .chain(
            refusals
                .iter()
                .map(|body| row(answer(200, body), Class::Wrong)),
        )
        .collect();
    prove(&rows);
}

/// A refusal may be about the key, the application, the person or the code.
#[test]
fn a_refusal_of_key_application_person_or_code_is_never_an_outage() {
    let says = |code: u32, message: &str| {
        json!({"message": message, "success": false, "error_code": code.to_string()}).to_string()
    };
    let rows = [
        row(answer(401, &says(60001, "Invalid API key")), Class::Key),
        row(answer(401, "invalid key"), Class::Key),
        row(answer(401, &says(60020, "Token is invalid")), Class::Wrong),
        row(answer(401, &says(60019, "used")), Class::Wrong),
        row(answer(503, &says(60001, "Invalid API key")), Class::Key),
        row(
            answer(503, &says(60060, "suspended account")),
            Class::Application,
        ),
        row(answer(503, &says(60017, "suspended")), Class::Suspended),
        row(
            answer(
                503,
                r#"{"message":"User has been suspended.","success":false}"#,
            ),
            Class::Suspended,
        ),
        row(
            answer(
                500,
                r#"{"message":"User is to be deleted","success":"false"}"#,
            ),
            Class::Suspended,
        ),
        row(answer(404, &says(60026, "User not found.")), Class::Unknown),
        row(answer(503, &says(60003, "limit")), Class::RateLimited),
        row(answer(403, &says(60008, "not allowed")), Class::Application),
    ];
    prove(&rows);
}

#[test]
fn a_rate_limit_denies_at_once_whatever_its_retry_after_says() {
    let waits = [
        "0",
        "1",
        "30",
        "86400",
        "99999999999999999999999999",
        "-1",
        "1.5",
        "",
        "soon",
        "Wed, 21 Oct 2099 07:28:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "1, 2",
    ];
    let mut rows = vec![row(answer(429, ""), Class::RateLimited)];
    for status in [429, 503] {
        for wait in waits {
            let mut fault = answer(status, YES);
            fault["headers"] = json!({"retry-after": wait});
            let class = if status == 429 {
                Class::RateLimited
            } else {
                Class::Outage
            };
            rows.push(row(fault, class));
        }
    }
    prove(&rows);
    let host = host("ignore");
    let mut fault = answer(429, "");
    fault["headers"] = json!({"retry-after": "60"});
    host.sim.fault(&fault);
    assert!(
        host.login("alice", &["1234567"]).took < Duration::from_secs(3),
        "the login does not wait"
    );
}

#[test]
fn a_redirect_is_followed_neither_to_itself_nor_elsewhere() {
    let strange = TcpListener::bind("127.0.0.1:0").unwrap();
    strange.set_nonblocking(true).unwrap();
    let strange_url = format!("https://{}/", strange.local_addr().unwrap());
    let other = Host::new();
    let statuses = [301, 302, 303, 307, 308];
    let table = POLICIES.map(|policy| statuses.map(|status| (policy, status)));
    check_rows(table.as_flattened(), |(policy, status)| {
        let host = host(policy);
        let itself = format!("{}/protected/json/app/details", host.sim.url());
        let insecure = strange_url.replace("https", "http");
        let targets = [
            itself.as_str(),
            "/protected/json/verify/0000000/1635",
            "",
            strange_url.as_str(),
            insecure.as_str(),
            &other.sim.url(),
        ];
        check_rows(targets, |to| {
            let mut fault = answer(*status, YES);
            fault["redirect"] = json!(to);
            fault["times"] = json!(1);
            host.sim.fault(&fault);
            let before = host.sim.requests().len();
            let login = host.login("alice", &["1234567"]);
            let (code, _) = Class::Outage.outcome(policy);
            assert_eq!(login.code, code, "{:?}", host.audit());
            assert_eq!(host.sim.requests().len(), before + 1);
        });
    });
    assert!(strange.accept().is_err(), "the key stays with its host");
    assert_eq!(other.sim.get("/requests.json")["connections"], 0);
}
