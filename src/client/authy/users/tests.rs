//! What is sent about people, and what is read.

use super::super::scripted::{client, later};
use super::*;

#[test]
fn sparse_and_modern_status_answers_are_read() {
    let sparse = r#"{"message":"User status.","success":true,"status":{"authy_id":"1635","confirmed":true,
        "registered":false,"country_code":"1","phone_number":"XXX-XXX-9302","devices":["sms"]}}"#;
    let modern = r#"{"message":"User status.","success":true,"status":{"authy_id":1635,"confirmed":true,
        "registered":true,"country_code":351,"phone_number":"XXX-XXX-9302","devices":["iphone","ipad"],
        "has_hard_token":false,"account_disabled":true,"detailed_devices":[{"device_id":1}]}}"#;
    let client = client(&[(200, sparse), (200, modern)]);
    let id = "1635".parse().unwrap();
    let first = client.users().status(id, later()).unwrap();
    assert_eq!((first.country_code, first.registered), (Some(1), false));
    let second = client.users().status(id, later()).unwrap();
    assert_eq!(second.devices, ["iphone", "ipad"]);
    assert!(second.account_disabled && second.all.contains_key("detailed_devices"));
}

#[test]
fn an_unknown_person_is_not_found() {
    let body = r#"{"error_code":"60026","message":"User not found.","errors":{},"success":false}"#;
    let client = client(&[(404, body)]);
    let answer = client.users().status("5".parse().unwrap(), later());
    assert!(matches!(answer, Err(Error::NotFound(_))));
}

fn id() -> AuthyId {
    "1635".parse().unwrap()
}

fn create(answers: &[(u16, &str)], email: &str) -> (Result<AuthyId, Error>, Vec<String>) {
    let client = client(answers);
    let person = NewUser {
        email,
        cellphone: &"405-342-5699".parse().unwrap(),
        country_code: CountryCode::default(),
        send_install_link: false,
    };
    (client.users().create(&person, later()), client.asked())
}

#[test]
fn a_person_is_created_and_the_install_link_is_always_set() {
    let expected = "Post https://authy.test/protected/json/users/new \
         {\"send_install_link_via_sms\":false,\"user\":{\"cellphone\":\"4053425699\",\
         \"country_code\":1,\"email\":\"a@b.test\"}}";
    let mut failed = vec![
        r#"{"message":"User created successfully.","user":{"id":1635},"success":true}"#,
        r#"{"user":{"id":"1635"},"success":"true"}"#,
    ];
    failed.retain(|body| {
        let (created, asked) = create(&[(200, body)], "a@b.test");
        created.ok() != Some(id()) || asked != [expected]
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn field_errors_are_kept_by_name() {
    let body = r#"{"message":"User was not valid","success":false,"errors":{"email":"is invalid",
        "message":"User was not valid"},"email":"is invalid","error_code":"60027"}"#;
    let (created, _) = create(&[(400, body)], "a@b.test");
    let Err(Error::Refused(refusal)) = created else {
        unreachable!()
    };
    assert_eq!(refusal.code, Some(60027));
    assert_eq!(refusal.fields["email"], "is invalid");
}

#[test]
fn an_invalid_e_mail_address_is_not_sent() {
    let mut failed = vec!["", "a", "@", "a@", "@b", "a@b\nc"];
    failed.retain(|email| {
        let (created, asked) = create(&[], email);
        let error = created.map_err(|error| error.to_string());
        error != Err("email: is not an e-mail address".to_owned()) || !asked.is_empty()
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn an_answer_without_a_valid_id_is_unexpected() {
    let mut failed = vec![
        r#"{"success":true}"#,
        r#"{"user":{},"success":true}"#,
        r#"{"user":{"id":0},"success":true}"#,
        r#"{"user":{"id":"../1"},"success":true}"#,
    ];
    failed.retain(|body| {
        let (created, _) = create(&[(200, body)], "a@b.test");
        !matches!(created, Err(Error::Unexpected(_)))
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_deletion_without_success_is_doubtful() {
    let client = client(&[
        (
            200,
            r#"{"message":"User was added to remove.","success":true}"#,
        ),
        (
            200,
            r#"{"message":"User removed from application","success":false}"#,
        ),
    ]);
    assert!(!client.users().delete(id(), later()).unwrap().doubtful);
    assert!(client.users().delete(id(), later()).unwrap().doubtful);
    assert_eq!(
        client.asked()[0],
        "Post https://authy.test/protected/json/users/1635/remove {}"
    );
}

#[test]
fn a_qr_code_is_requested_with_size_and_label_and_not_printed() {
    let client = client(&[
        (
            200,
            r#"{"qr_code":"https://x.test/qr?secret=ABC","label":"l","issuer":"i"}"#,
        ),
        (200, r#"{"success":true}"#),
    ]);
    let options = QrOptions {
        qr_size: Some(300),
        label: Some("alice"),
    };
    let code = client.users().secret(id(), &options, later()).unwrap();
    assert!(!format!("{code:?}").contains("ABC"));
    assert_eq!(
        client.asked(),
        ["Post https://authy.test/protected/json/users/1635/secret \
             {\"label\":\"alice\",\"qr_size\":300}"]
    );
    assert!(
        client
            .users()
            .secret(id(), &QrOptions::default(), later())
            .is_err()
    );
}
