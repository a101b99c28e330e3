//! What is sent for tokens, and what is read.

use super::super::scripted::{client, later};
use super::*;

fn id() -> AuthyId {
    "1635".parse().unwrap()
}

#[test]
fn verify_sets_force_by_default() {
    let yes = r#"{"token":"is valid","success":"true"}"#;
    let client = client(&[(200, yes), (200, yes)]);
    let token = "0123456".parse().unwrap();
    client
        .tokens()
        .verify(id(), &token, &VerifyOptions::default(), later())
        .unwrap();
    let options = VerifyOptions {
        force: false,
        action: Some("log in"),
    };
    client
        .tokens()
        .verify(id(), &token, &options, later())
        .unwrap();
    assert_eq!(
        client.asked(),
        [
            "Get https://authy.test/protected/json/verify/0123456/1635?force=true",
            "Get https://authy.test/protected/json/verify/0123456/1635?action=log%20in",
        ]
    );
}

#[test]
fn an_sms_answer_does_not_verify_a_token() {
    let sms = r#"{"success":true,"message":"SMS token was sent","cellphone":"+1-XXX-XXX-XX67"}"#;
    let client = client(&[(200, sms)]);
    let token = "0123456".parse().unwrap();
    let answer = client
        .tokens()
        .verify(id(), &token, &VerifyOptions::default(), later());
    assert!(matches!(answer, Err(Error::Unexpected(_))), "{answer:?}");
}

#[test]
fn an_ignored_sms_is_distinguished_from_a_sent_one() {
    let sent = r#"{"success":true,"message":"SMS token was sent","cellphone":"+351-XXX-XXX-XX67"}"#;
    let ignored = r#"{"message":"Ignored: …","device":"iphone","ignored":"true","success":true}"#;
    let not_ignored = r#"{"message":"sent","ignored":null,"success":"true"}"#;
    let client = client(&[(200, sent), (200, ignored), (200, not_ignored)]);
    let sms = || {
        client
            .tokens()
            .sms(id(), &SendOptions::default(), later())
            .unwrap()
    };
    let first = sms();
    assert!(!first.ignored);
    assert_eq!(first.cellphone.as_deref(), Some("+351-XXX-XXX-XX67"));
    let second = sms();
    assert!(second.ignored);
    assert_eq!(second.device.as_deref(), Some("iphone"));
    assert!(!sms().ignored);
}

#[test]
fn an_sms_answer_without_success_is_an_error() {
    let mut accepted = vec!["{}", r#"{"success":false,"message":"no"}"#];
    accepted.retain(|body| {
        let client = client(&[(200, body)]);
        let delivery = client.tokens().sms(id(), &SendOptions::default(), later());
        delivery.is_ok()
    });
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn a_call_request_contains_all_options() {
    let started = r#"{"success":true,"message":"Call started...","cellphone":"+1-XXX-XXX-XX99"}"#;
    let client = client(&[(200, started)]);
    let options = SendOptions {
        force: true,
        action: Some("pay"),
        action_message: Some("Pay 5 €"),
        locale: Some("pt-BR"),
    };
    client.tokens().call(id(), &options, later()).unwrap();
    assert_eq!(
        client.asked(),
        [
            "Get https://authy.test/protected/json/call/1635?force=true&action=pay\
             &action_message=Pay%205%20%E2%82%AC&locale=pt-BR"
        ]
    );
}

#[test]
fn an_action_of_invalid_length_is_not_sent() {
    let client = client(&[]);
    let long = "x".repeat(256);
    let mut failed = vec!["", long.as_str()];
    failed.retain(|action| {
        let options = SendOptions {
            action: Some(action),
            ..SendOptions::default()
        };
        let error = client.tokens().sms(id(), &options, later()).unwrap_err();
        error.to_string() != "action: must be 1 to 255 characters"
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn an_e_mail_token_is_requested_by_post() {
    let sent = r#"{"success":true,"message":"Email token was sent","email":"a@b.test"}"#;
    let client = client(&[(200, sent)]);
    let email = client.tokens().email(id(), later()).unwrap();
    assert_eq!(email.as_deref(), Some("a@b.test"));
    assert_eq!(
        client.asked(),
        ["Post https://authy.test/protected/json/email/1635 {}"]
    );
}
