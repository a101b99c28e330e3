//! authy-sim's answers against recordings of the real service, to the byte: member order, texts,
//! the encodings that clients use, and what a token does to a person.
//!
//! The requests are sent by curl, since the client under test accepts more than others do.

use std::process::Command;

use serde_json::{Value, json};

use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Sends a request to the API and returns the body as it came, whatever the status.
fn send(sim: &Sim, method: &str, path: &str, body: &str) -> String {
    send_as(sim, &sim.key(), method, path, body)
}

fn send_as(sim: &Sim, key: &str, method: &str, path: &str, body: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--globoff", "--max-time", "5"])
        .args(["--request", method, "--data", body, "--cacert"])
        .arg(sim.path("ca.pem"))
        .args(["--header", &format!("X-Authy-API-Key: {key}")])
        .arg(format!("{}{path}", sim.url()))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn object(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// Verifies a token of 1635; returns whether it was accepted.
fn is_accepted(sim: &Sim, token: &str, query: &str) -> bool {
    let path = format!("/protected/json/verify/{token}/1635{query}");
    object(&send(sim, "GET", &path, ""))["token"] == "is valid"
}

/// Returns the person 1635 as the phone shows them.
fn person(sim: &Sim) -> Value {
    sim.get("/phone.json")["users"][0].clone()
}

/// authy-ssh looks for `*success*sent*` in the text of an answer.
#[test]
fn answers_have_the_members_of_the_recordings_in_their_order() {
    let sim = Sim::start();
    let token = sim.token(1635);
    let verify = format!("/protected/json/verify/{token}/1635?force=true");
    let new = "/protected/json/users/new?send_install_link_via_sms=false&user[email]";
    let rows = [
        (
            "POST",
            &format!("{new}=bob@example.com&user[cellphone]=555-010-0142"),
            r#"{"message":"User created successfully.","user":{"id":1636},"success":true}"#,
        ),
        (
            "POST",
            &format!("{new}=bob&user[cellphone]=555-010-0142"),
            r#"{"message":"User was not valid","success":false,"errors":{"email":"is invalid","message":"User was not valid"},"email":"is invalid","error_code":"60027"}"#,
        ),
        (
            "GET",
            &"/protected/json/users/1635/status".to_owned(),
            r#"{"status":{"authy_id":1635,"confirmed":false,"registered":false,"country_code":1,"phone_number":"XXX-XXX-0199","devices":["sms"],"#,
        ),
        (
            "GET",
            &"/protected/json/sms/1635".to_owned(),
            r#"{"success":true,"message":"SMS token was sent","cellphone":"+1-XXX-XXX-XX99"}"#,
        ),
        (
            "GET",
            &verify,
            r#"{"message":"Token is valid.","token":"is valid","success":"true","device":{"#,
        ),
        (
            "GET",
            &"/protected/json/verify/1111111/1635?force=true".to_owned(),
            r#"{"message":"Token is invalid","token":"is invalid","success":false,"errors":{"message":"Token is invalid"},"error_code":"60020"}"#,
        ),
        (
            "GET",
            &"/protected/json/users/99/status".to_owned(),
            r#"{"error_code":"60026","message":"User not found.","errors":{"message":"User not found."},"success":false}"#,
        ),
        (
            "GET",
            &"/protected/json/app/details".to_owned(),
            r#"{"app":{"app_id":77,"name":"authy-sim","plan":"pay_as_you_go","sms_enabled":true,"onetouch_enabled":true},"message":"Application information.","success":true}"#,
        ),
        (
            "GET",
            &"/onetouch/json/approval_requests/1-2".to_owned(),
            r#"{"message":"Approval request not found: 1-2","success":false,"errors":{},"error_code":"60049"}"#,
        ),
    ];
    check_rows(rows, |(method, path, expected)| {
        let body = send(&sim, method, path, "");
        assert!(body.starts_with(expected), "{body}");
    });
}

#[test]
fn logos_of_forms_and_queries_are_arrays_in_each_spelling() {
    let sim = Sim::start();
    sim.change(1635, &json!({"registered": true}));
    let rest = "message=Hello&details[a b]=1&details[0]=x";
    let indexed = "logos[0][res]=default&logos[0][url]=u1&logos[1][res]=low&logos[1][url]=u2";
    let appended = "logos[][res]=default&logos[][url]=u1&logos[][res]=low&logos[][url]=u2";
    check_rows([indexed, appended], |logos| {
        for is_form in [true, false] {
            let parameters = format!("{logos}&{rest}").replace(' ', "%20");
            let path = "/onetouch/json/users/1635/approval_requests";
            let created = if is_form {
                send(&sim, "POST", path, &parameters)
            } else {
                send(&sim, "POST", &format!("{path}?{parameters}"), "")
            };

            let uuid = object(&created)["approval_request"]["uuid"].clone();
            let pushes = person(&sim)["approvals"].clone();
            let shown = pushes.as_array().unwrap().iter();
            let push = shown.clone().find(|push| push["uuid"] == uuid).unwrap();
            let expected = json!([
                {"res": "default", "url": "u1"}, {"res": "low", "url": "u2"}
            ]);
            assert_eq!(push["logos"], expected, "{push}");
            assert_eq!(push["details"], json!({"a b": "1", "0": "x"}));
        }
    });
}

#[test]
fn only_a_person_without_app_and_without_a_right_code_is_let_through_unforced() {
    let sim = Sim::start();
    assert!(is_accepted(&sim, "1111111", ""), "not yet registered");
    assert!(!is_accepted(&sim, "1111111", "?force=true"));
    assert!(!person(&sim)["confirmed"].as_bool().unwrap());

    sim.change(1635, &json!({"registered": true}));
    assert!(!is_accepted(&sim, "1111111", ""), "has the app");
}

#[test]
fn a_right_sms_code_confirms_the_person_and_is_used_up_even_unforced() {
    let sim = Sim::start();
    send(&sim, "GET", "/protected/json/sms/1635", "");
    let code = sim.last_sms(1635).unwrap();

    assert!(is_accepted(&sim, &code, ""));

    assert_eq!(person(&sim)["confirmed"], true);
    assert!(!is_accepted(&sim, &code, ""), "it is used up");
    assert!(
        !is_accepted(&sim, "1111111", ""),
        "and no other one is right"
    );
}

#[test]
fn a_code_of_an_unknown_person_is_refused_in_the_words_of_a_verification() {
    let sim = Sim::start();
    check_rows(["99", "x"], |id| {
        let path = format!("/protected/json/verify/1111111/{id}?force=true");
        let body = send(&sim, "GET", &path, "");
        assert_eq!(
            body,
            r#"{"error_code":"60016","message":"User doesn't exist","errors":{"message":"User doesn't exist"},"success":false}"#
        );
    });
}

#[test]
fn an_sms_has_the_text_of_its_action_in_the_language_that_was_asked_for() {
    let sim = Sim::start();
    let rows = [
        ("", "Your Authy code is CODE"),
        (
            "?action=pay&action_message=Pay%205%20EUR",
            "Pay 5 EUR: Your Authy code is CODE",
        ),
        ("?locale=de", "Ihr Authy-Code lautet CODE"),
        ("?locale=pt-BR", "O seu código Authy é CODE"),
        ("?locale=fr-CA", "Votre code Authy est CODE"),
        ("?locale=zh-cn", "[zh-CN] Your Authy code is CODE"),
        ("?locale=xx", "Your Authy code is CODE"),
    ];
    check_rows(rows, |(query, expected)| {
        send(&sim, "GET", &format!("/protected/json/sms/1635{query}"), "");
        let inbox = person(&sim)["inbox"].clone();
        let last = inbox.as_array().unwrap().last().unwrap();
        let code = last["token"].as_str().unwrap();
        assert_eq!(last["text"], expected.replace("CODE", code));
    });
}

/// What Authy's sandbox answered until it was shut down in 2021.
#[test]
fn the_sandbox_has_the_constants_of_authys_sandbox() {
    let sim = Sim::start_with(&["--sandbox"]);
    sim.change(1635, &json!({"registered": true}));
    let number = "country_code=1&phone_number=5550100142";
    let rows = [
        (
            "GET",
            "/protected/json/app/details".to_owned(),
            r#"{"app":{"app_id":77,"name":"Sandbox App 1","#,
        ),
        (
            "GET",
            "/protected/json/sms/1635?force=true".to_owned(),
            r#"{"success":true,"message":"SMS token was sent","cellphone":"+54-XXX-XXX-XX02"}"#,
        ),
        (
            "GET",
            "/protected/json/verify/0000000/1635?force=true".to_owned(),
            r#"{"message":"Token is valid.","#,
        ),
        (
            "GET",
            "/protected/json/verify/123456/1635?force=true".to_owned(),
            r#"{"message":"Token is invalid","#,
        ),
        (
            "POST",
            "/onetouch/json/users/1635/approval_requests?message=x".to_owned(),
            r#"{"error_code":"60065","#,
        ),
        (
            "POST",
            "/protected/json/users/1635/register_activity?type=banned".to_owned(),
            r#"{"error_code":"60029","#,
        ),
        (
            "GET",
            "/protected/json/phones/info?country_code=1&phone_number=x".to_owned(),
            r#"{"message":"Phone number information as of 2026-01-01 00:00:00 UTC","type":"landline","#,
        ),
        (
            "POST",
            format!("/protected/json/phones/verification/start?via=sms&{number}"),
            r#"{"carrier":"Google Voice","#,
        ),
        (
            "GET",
            format!("/protected/json/phones/verification/status?{number}"),
            r#"{"error_code":"60023","#,
        ),
    ];
    check_rows(rows, |(method, path, expected)| {
        for key in [&sim.key(), "bf12974d70818a08199d17d5e2bae630"] {
            let body = send_as(&sim, key, method, &path, "");
            assert!(body.starts_with(expected), "{body}");
        }
    });
}

#[test]
fn the_sandbox_has_the_public_key_and_starts_no_phone_verification() {
    let sim = Sim::start_with(&["--sandbox"]);
    let number = "country_code=1&phone_number=5550100142";
    let path = format!("/protected/json/phones/verification/start?via=call&{number}");
    let started = object(&send(&sim, "POST", &path, ""));
    assert_eq!(started["seconds_to_expire"], 0);
    assert!(started["uuid"].is_null(), "{started}");
    assert_eq!(sim.get("/phone.json")["verifications"], json!([]));
    assert_eq!(sim.key(), "bf12974d70818a08199d17d5e2bae630");
}
