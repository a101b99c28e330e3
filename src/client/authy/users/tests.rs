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

#[test]
fn a_status_of_another_person_or_without_an_id_is_unexpected() {
    let mut accepted = vec![
        r#"{"success":true,"status":{"authy_id":1636,"registered":true}}"#,
        r#"{"success":true,"status":{"authy_id":"1636","registered":true}}"#,
        r#"{"success":true,"status":{"authy_id":"1635x","registered":true}}"#,
        r#"{"success":true,"status":{"authy_id":null,"registered":true}}"#,
        r#"{"success":true,"status":{"registered":true}}"#,
    ];
    accepted.retain(|body| {
        let found = client(&[(200, body)]).users().status(id(), later());
        !matches!(found, Err(Error::Unexpected(_)))
    });
    assert!(accepted.is_empty(), "{accepted:#?}");
}

/// An answer that is a success of each call about a person, and names this one.
fn answer_naming(id: &str) -> String {
    format!(
        r#"{{"success":true,"token":"is valid","message":"x","qr_code":"q","phone_number":"5",
            "email":"a@b.test","authy_id":{id}}}"#
    )
}

#[test]
fn an_answer_that_names_another_person_is_no_answer_to_any_call() {
    use crate::client::authy::activity::Activity;
    use crate::client::authy::tokens::{SendOptions, VerifyOptions};
    type Call = fn(&Client<super::super::scripted::Scripted>) -> Result<(), Error>;
    let calls: [(&str, Call); 9] = [
        ("verify", |client| {
            let token = "1234567".parse().unwrap();
            let options = VerifyOptions::default();
            client.tokens().verify(id(), &token, &options, later())
        }),
        ("sms", |client| {
            let options = SendOptions::default();
            client.tokens().sms(id(), &options, later()).map(drop)
        }),
        ("call", |client| {
            let options = SendOptions::default();
            client.tokens().call(id(), &options, later()).map(drop)
        }),
        ("email", |client| {
            client.tokens().email(id(), later()).map(drop)
        }),
        ("delete", |client| {
            client.users().delete(id(), later()).map(drop)
        }),
        ("update", |client| {
            client.users().update_email(id(), "a@b.test", later())
        }),
        ("secret", |client| {
            let options = QrOptions::default();
            client.users().secret(id(), &options, later()).map(drop)
        }),
        ("activity", |client| {
            let data = std::collections::BTreeMap::new();
            let kind = Activity::Banned;
            client
                .users()
                .register_activity(id(), kind, "192.0.2.1", &data, later())
        }),
        ("phone number", |client| {
            client.users().phone_number(id(), later()).map(drop)
        }),
    ];
    let mut wrong = Vec::new();
    for (name, call) in calls {
        for (named, is_ours) in [
            ("1635", true),
            ("\"1635\"", true),
            ("null", true),
            ("1636", false),
            ("\"x\"", false),
        ] {
            let body = answer_naming(named);
            let found = call(&client(&[(200, &body)]));
            if is_ours != found.is_ok() || (!is_ours && !matches!(found, Err(Error::Unexpected(_))))
            {
                wrong.push((name, named, found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
