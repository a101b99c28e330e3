//! What is sent about phone numbers, and what is read.

use super::super::scripted::{client, later};
use super::*;

fn phone() -> Phone {
    Phone {
        country_code: "1".parse().unwrap(),
        cellphone: "987-654-3210".parse().unwrap(),
    }
}

#[test]
fn a_start_always_contains_the_code_length() {
    let body = r#"{"carrier":null,"is_cellphone":"true","message":"Text message sent to +1 987-654-3210.",
        "seconds_to_expire":599,"uuid":null,"success":true}"#;
    let client = client(&[(200, body)]);
    let options = StartOptions {
        locale: Some("es"),
        ..StartOptions::default()
    };
    let started = client.phones().start(&phone(), &options, later()).unwrap();
    assert_eq!(
        (
            started.uuid,
            started.is_cellphone,
            started.seconds_to_expire
        ),
        (None, Some(true), Some(599))
    );
    assert_eq!(
        client.asked(),
        [
            "Post https://authy.test/protected/json/phones/verification/start \
             {\"code_length\":4,\"country_code\":1,\"locale\":\"es\",\"phone_number\":\"9876543210\",\"via\":\"sms\"}"
        ]
    );
}

#[test]
fn an_invalid_code_length_or_code_is_not_sent() {
    let client = client(&[]);
    let mut lengths = vec![3, 11];
    lengths.retain(|code_length| {
        let options = StartOptions {
            code_length: *code_length,
            ..StartOptions::default()
        };
        let started = client.phones().start(&phone(), &options, later());
        started.unwrap_err().to_string() != "code_length: must be 4 to 10"
    });
    let mut codes = vec!["", "123", "12345678901", "12a4", "../x"];
    codes.retain(|code| code.parse::<Code>().is_ok());
    assert!(
        lengths.is_empty() && codes.is_empty(),
        "{lengths:?} {codes:?}"
    );
}

#[test]
fn only_success_makes_a_code_valid() {
    let client = client(&[
        (
            200,
            r#"{"message":"Verification code is correct.","success":true}"#,
        ),
        (200, r#"{"message":"Verification code is correct."}"#),
        (
            401,
            r#"{"error_code":"60022","message":"Verification code is incorrect","success":false}"#,
        ),
        (
            404,
            r#"{"error_code":"60023","message":"No pending verifications","success":false}"#,
        ),
    ]);
    let check = || {
        client
            .phones()
            .check(&phone(), &"1234".parse().unwrap(), later())
    };
    assert!(check().is_ok());
    assert!(matches!(check(), Err(Error::Unexpected(_))));
    assert!(matches!(check(), Err(Error::Refused(_))));
    assert!(matches!(check(), Err(Error::NotFound(_))));
}

#[test]
fn info_and_status_accept_missing_members() {
    let client = client(&[
        (
            200,
            r#"{"message":"…","type":"voip","provider":null,"ported":false,"success":true}"#,
        ),
        (
            200,
            r#"{"status":"pending","seconds_to_expire":598,"success":true}"#,
        ),
    ]);
    let info = client.phones().info(&phone(), later()).unwrap();
    assert_eq!(
        (info.kind.as_deref(), info.provider, info.ported),
        (Some("voip"), None, Some(false))
    );
    assert_eq!(
        client.phones().status(&phone(), later()).unwrap().status,
        "pending"
    );
}

#[test]
fn a_custom_code_is_sent_and_a_status_is_read_by_uuid() {
    let done = r#"{"message":"sent","status":"verified","success":true}"#;
    let client = client(&[(200, done), (200, done)]);
    let code = "123456".parse().unwrap();
    let options = StartOptions {
        custom_code: Some(&code),
        custom_message: Some("Our code"),
        ..StartOptions::default()
    };
    client.phones().start(&phone(), &options, later()).unwrap();
    let uuid = "0000-a".parse().unwrap();
    let progress = client.phones().status_of(&uuid, later()).unwrap();
    assert_eq!(progress.status, "verified");
    let asked = client.asked();
    assert!(asked[0].contains(r#""custom_code":"123456","custom_message":"Our code""#));
    let path = "/protected/json/phones/verification/status?uuid=0000-a";
    assert_eq!(asked[1], format!("Get https://authy.test{path}"));
}

#[test]
fn a_status_that_names_another_verification_is_unexpected() {
    let answer = |uuid: &str| format!(r#"{{"success":true,"status":"verified","uuid":"{uuid}"}}"#);
    let (ours, other) = (answer("0000-a"), answer("0000-b"));
    let client = client(&[(200, ours.as_str()), (200, other.as_str())]);
    let uuid = "0000-a".parse().unwrap();
    client.phones().status_of(&uuid, later()).unwrap();
    let found = client.phones().status_of(&uuid, later());
    assert!(matches!(found, Err(Error::Unexpected(_))), "{found:?}");
}
