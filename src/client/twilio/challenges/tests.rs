//! Which challenges of an app are a yes, and what is sent.

use serde_json::{Value, json};

use super::super::scripted::{Scripted, client, later, other_sid, sid, with};
use super::*;
use crate::client::http::{self, Cause};

const IDENTITY: &str = "ff483d1f-0000";

fn answer(other: &[(&str, Value)]) -> String {
    let mut body = json!({
        "sid": sid("YC"), "account_sid": sid("AC"), "service_sid": sid("VA"),
        "entity_sid": sid("YE"), "identity": IDENTITY, "factor_sid": sid("YF"),
        "factor_type": "totp", "status": "approved", "responded_reason": "none",
        "details": null, "hidden_details": null, "metadata": null, "url": "x", "links": {},
    });
    for (name, value) in other {
        body[*name] = value.clone();
    }
    body.to_string()
}

fn ask<R>(
    client: &Client<Scripted>,
    ask: impl Fn(Challenges<'_, Scripted>, &TwilioIdentity, &TwilioFactor, &Code) -> R,
) -> R {
    let (identity, factor) = (IDENTITY.parse().unwrap(), sid("YF").parse().unwrap());
    ask(
        client.challenges(),
        &identity,
        &factor,
        &"123456".parse().unwrap(),
    )
}

fn create(client: &Client<Scripted>) -> Result<Challenge, Error> {
    ask(client, |calls, identity, factor, code| {
        calls.create(identity, factor, code, later())
    })
}

fn update(client: &Client<Scripted>) -> Result<Challenge, Error> {
    ask(client, |calls, identity, factor, code| {
        let sid = sid("YC").parse().unwrap();
        calls.update(&sid, identity, factor, code, later())
    })
}

fn class(found: Result<Challenge, Error>) -> String {
    match found.map(|challenge| challenge.decision) {
        Ok(decision) => format!("{decision:?}"),
        Err(error) => {
            let name = format!("{error:?}");
            let end = name.find(['(', ' ']).unwrap_or(name.len());
            let code = error.code().map(|code| format!(" {code}"));
            format!("{}{}", &name[..end], code.unwrap_or_default())
        }
    }
}

/// Every row of what Twilio documents of a login by an app.
#[test]
fn only_an_approved_challenge_of_this_person_app_and_service_is_a_yes() {
    let error = |code| format!(r#"{{"code":{code},"message":"x"}}"#);
    let repeated = answer(&[]).replacen('{', r#"{"status":"pending","#, 1);
    let rows = [
        (201, answer(&[]), "Approved"),
        (200, answer(&[]), "Approved"),
        (201, answer(&[("status", json!("pending"))]), "Pending"),
        (201, answer(&[("status", json!("denied"))]), "Denied"),
        (201, answer(&[("status", json!("expired"))]), "Expired"),
        (201, answer(&[("status", json!("APPROVED"))]), "Unexpected"),
        (201, answer(&[("status", json!(null))]), "Unexpected"),
        (
            201,
            answer(&[("factor_sid", json!(other_sid("YF")))]),
            "Unexpected",
        ),
        (
            201,
            answer(&[("identity", json!("ff483d1f-0001"))]),
            "Unexpected",
        ),
        (201, answer(&[("factor_type", json!("push"))]), "Unexpected"),
        (
            201,
            answer(&[("service_sid", json!(other_sid("VA")))]),
            "Unexpected",
        ),
        (
            201,
            answer(&[("sid", json!(other_sid("VE")))]),
            "Unexpected",
        ),
        (201, repeated, "Unavailable"),
        (201, String::new(), "Unavailable"),
        (204, String::new(), "Unavailable"),
        (400, error(60306), "Refused 60306"),
        (400, error(60300), "Refused 60300"),
        (403, error(60324), "Refused 60324"),
        (403, error(60318), "PersonRefused 60318"),
        (403, error(60322), "Refused 60322"),
        (403, error(60323), "Refused 60323"),
        (404, error(20404), "NotFound 20404"),
        (400, error(60390), "NotFound 60390"),
        (429, error(60308), "RateLimited 60308"),
        (429, error(60312), "RateLimited 60312"),
        (403, error(70051), "KeyRefused 70051"),
        (401, error(20003), "KeyRefused 20003"),
        (503, String::new(), "ServerError"),
    ];
    let mut wrong = Vec::new();
    for (status, body, expected) in rows {
        for call in [create, update] {
            let found = class(call(&client(&[(status, body.as_str())])));
            if found != expected {
                wrong.push(format!("{status} {body}: {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_answer_about_another_challenge_is_no_answer_to_an_update() {
    let other = answer(&[("sid", json!(other_sid("YC")))]);
    assert_eq!(class(create(&client(&[(201, other.as_str())]))), "Approved");
    assert_eq!(
        class(update(&client(&[(200, other.as_str())]))),
        "Unexpected"
    );
}

#[test]
fn a_challenge_is_created_updated_fetched_and_listed_under_the_person() {
    let body = answer(&[]);
    let list = format!(r#"{{"challenges":[{body}],"meta":{{"next_page_url":null}}}}"#);
    let answers = [&body, &body, &body, &list].map(|body| (200, body.as_str()));
    let client = client(&answers);
    create(&client).unwrap().require_approved().unwrap();
    update(&client).unwrap().require_approved().unwrap();
    let listed = ask(&client, |calls, identity, factor, _| {
        let sid = sid("YC").parse().unwrap();
        let _ = calls.fetch(&sid, identity, factor, later()).unwrap();
        calls.list(identity, factor, later()).unwrap()
    });
    assert_eq!(listed.len(), 1);
    let path = format!(
        "https://verify.test/v2/Services/{}/Entities/{IDENTITY}/Challenges",
        sid("VA")
    );
    let (factor, challenge) = (sid("YF"), sid("YC"));
    assert_eq!(
        client.asked(),
        [
            format!("Post {path} form FactorSid={factor}&AuthPayload=123456"),
            format!("Post {path}/{challenge} form AuthPayload=123456"),
            format!("Get {path}/{challenge}"),
            format!("Get {path}?PageSize=20&FactorSid={factor}&Order=desc"),
        ]
    );
}

#[test]
fn a_lost_answer_is_not_asked_for_again_and_a_pending_challenge_is_no_yes() {
    let lost = http::Error::Unavailable(Cause::TimedOut);
    let silent = with(vec![Err(lost)]);
    assert!(create(&silent).unwrap_err().is_unavailable());
    assert_eq!(silent.asked().len(), 1);
    let pending = answer(&[("status", json!("pending"))]);
    let pending = create(&client(&[(201, pending.as_str())])).unwrap();
    assert!(matches!(pending.require_approved(), Err(Error::Refused(_))));
}

#[test]
fn a_code_that_no_app_shows_costs_no_challenge() {
    let client = client(&[]);
    let (identity, factor) = (IDENTITY.parse().unwrap(), sid("YF").parse().unwrap());
    for digits in ["123456789", "123456789012"] {
        let code = digits.parse().unwrap();
        let created = client
            .challenges()
            .create(&identity, &factor, &code, later());
        assert!(matches!(created, Err(Error::Invalid { .. })), "{digits}");
    }
}
