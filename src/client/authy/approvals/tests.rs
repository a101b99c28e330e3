//! What is sent for an approval, and which answers are one.

use super::super::scripted::{client, later};
use super::*;

const UUID: &str = "00000000-1111-0135-2222-333333333333";

fn id() -> AuthyId {
    "1635".parse().unwrap()
}

fn status(body: &str) -> Result<Status, Error> {
    client(&[(200, body)])
        .approvals()
        .find(&UUID.parse().unwrap(), later())
}

#[test]
fn a_request_contains_only_the_given_members() {
    let body =
        r#"{"approval_request":{"uuid":"00000000-1111-0135-2222-333333333333"},"success":true}"#;
    let client = client(&[(200, body), (200, body)]);
    let bare = Request {
        message: "Log in?",
        ..Request::default()
    };
    client.approvals().create(id(), &bare, later()).unwrap();
    let full = Request {
        details: &[("User".into(), "alice".into())],
        hidden_details: &[("n".into(), String::new())],
        logos: &[Logo {
            resolution: Resolution::Default,
            url: "https://x.test/l.png",
        }],
        seconds_to_expire: Some(40),
        ..bare
    };
    let uuid = client.approvals().create(id(), &full, later()).unwrap();
    assert_eq!(uuid.to_string(), UUID);
    assert_eq!(
        client.asked(),
        [
            "Post https://authy.test/onetouch/json/users/1635/approval_requests {\"message\":\"Log in?\"}",
            "Post https://authy.test/onetouch/json/users/1635/approval_requests \
             {\"details\":{\"User\":\"alice\"},\"hidden_details\":{\"n\":\"\"},\
             \"logos\":[{\"res\":\"default\",\"url\":\"https://x.test/l.png\"}],\
             \"message\":\"Log in?\",\"seconds_to_expire\":40}",
        ]
    );
}

#[test]
fn limits_are_checked_before_anything_is_sent() {
    let long = "é".repeat(201);
    let twice = [("a".into(), "1".into()), ("a".into(), "2".into())];
    let wide = [("x".repeat(21), String::new())];
    let low = [Logo {
        resolution: Resolution::Low,
        url: "https://x.test",
    }];
    let ok = Request {
        message: "m",
        ..Request::default()
    };
    let with_message = |message| Request {
        message,
        ..Request::default()
    };
    let bad = [
        with_message(""),
        with_message(&long),
        Request {
            details: &twice,
            ..ok.clone()
        },
        Request {
            hidden_details: &wide,
            ..ok.clone()
        },
        Request { logos: &low, ..ok },
    ];
    let is_invalid = |request: &Request<'_>| {
        let created = client(&[]).approvals().create(id(), request, later());
        matches!(created, Err(Error::Invalid { .. }))
    };
    let failed: Vec<_> = bad.iter().filter(|row| !is_invalid(row)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn only_the_status_approved_is_an_approval() {
    let mut failed = vec![
        ("approved", Decision::Approved),
        ("denied", Decision::Denied),
        ("pending", Decision::Pending),
        ("expired", Decision::Expired),
        ("Approved", Decision::Expired),
        ("approved ", Decision::Expired),
        ("", Decision::Expired),
    ];
    failed.retain(|(text, decision)| {
        let body = format!(r#"{{"approval_request":{{"status":"{text}"}},"success":true}}"#);
        !matches!(status(&body), Ok(status) if status.decision == *decision)
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn an_approval_without_success_or_of_another_request_is_an_error() {
    let mut accepted = vec![
        "{}",
        r#"{"success":true}"#,
        r#"{"success":true,"status":"approved"}"#,
        r#"{"success":true,"approval_request":{}}"#,
        r#"{"success":true,"approval_request":{"status":true}}"#,
        r#"{"success":false,"approval_request":{"status":"approved"}}"#,
        r#"{"approval_request":{"status":"approved"}}"#,
        r#"{"success":true,"approval_request":{"status":"approved","uuid":"another"}}"#,
        r#"{"success":true,"approval_request":{"status":"approved","_authy_id":"x"}}"#,
        r#"{"success":false,"success":true,"approval_request":{"status":"approved"}}"#,
        r#"{"success":true,"approval_request":{"status":"denied","status":"approved"}}"#,
        r#"{"success":true,"approval_request":{},"approval_request":{"status":"approved"}}"#,
    ];
    accepted.retain(|body| status(body).is_ok());
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn an_approval_of_another_person_or_request_is_an_error() {
    let answer = |id: &str, uuid: &str| {
        format!(
            r#"{{"approval_request":{{"status":"approved","_authy_id":{id},"uuid":"{uuid}"}},"success":true}}"#
        )
    };
    let rows = [
        (answer("1635", UUID), true),
        (answer("\"1635\"", UUID), true),
        (answer("null", UUID), true),
        (answer("7", UUID), false),
        (answer("\"7\"", UUID), false),
        (
            answer("1635", "00000000-1111-0135-2222-333333333334"),
            false,
        ),
    ];
    let mut wrong = Vec::new();
    for (body, is_ours) in &rows {
        let client = client(&[(200, body), (200, body)]);
        let (approvals, uuid) = (client.approvals(), UUID.parse().unwrap());
        let status = approvals.status(id(), &uuid, later());
        let deadline = Deadline::within(Duration::from_millis(500));
        let waited = approvals.wait(id(), &uuid, deadline, &mut |_| {});
        for found in [status, waited] {
            let is_bound = match &found {
                Ok(status) => *is_ours && status.decision == Decision::Approved,
                Err(Error::Unexpected(_)) => !is_ours,
                Err(_) => false,
            };
            if !is_bound {
                wrong.push((body, found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn wait_ends_with_a_decision_or_a_refusal() {
    let denied = r#"{"approval_request":{"status":"denied","_authy_id":"1635"},"success":true}"#;
    let unknown = r#"{"message":"Approval request not found","success":false,"errors":{},"error_code":"60049"}"#;
    let client = client(&[(503, ""), (200, denied), (404, unknown)]);
    let uuid = UUID.parse().unwrap();
    let status = client
        .approvals()
        .wait(id(), &uuid, later(), &mut |_| {})
        .unwrap();
    assert_eq!(status.decision, Decision::Denied);
    let answer = client.approvals().wait(id(), &uuid, later(), &mut |_| {});
    assert!(matches!(answer, Err(Error::NotFound(_))));
}
