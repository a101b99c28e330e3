//! What is sent about the apps of a person, and what is read.

use serde_json::json;

use super::super::scripted::{client, later, other_sid, sid};
use super::*;

const IDENTITY: &str = "abcd-0123";

fn identity() -> TwilioIdentity {
    IDENTITY.parse().unwrap()
}

fn factor() -> TwilioFactor {
    sid("YF").parse().unwrap()
}

fn answer(other: &[(&str, Value)]) -> String {
    let mut body = json!({
        "sid": sid("YF"), "account_sid": sid("AC"), "service_sid": sid("VA"),
        "entity_sid": sid("YE"), "identity": IDENTITY, "friendly_name": "alice@web1",
        "status": "unverified", "factor_type": "totp",
        "config": {"alg": "sha1", "skew": 1, "code_length": 6, "time_step": 30},
    });
    for (name, value) in other {
        body[*name] = value.clone();
    }
    body.to_string()
}

#[test]
fn a_new_app_has_a_secret_and_a_uri_that_are_not_printed() {
    let binding = json!({"secret": "GEZDGNBV", "uri": "otpauth://totp/x?secret=GEZDGNBV"});
    let body = answer(&[("binding", binding)]);
    let without = answer(&[]);
    let client = client(&[(201, body.as_str()), (201, &body), (201, &without)]);
    let calls = client.factors();
    let new = calls
        .create_app(&identity(), "alice@web1", None, later())
        .unwrap();
    assert_eq!(
        (new.sid.clone(), new.secret.expose()),
        (factor(), "GEZDGNBV")
    );
    assert!(new.uri.expose().starts_with("otpauth://"));
    assert!(!format!("{new:?}").contains("GEZD"));
    let secret = Secret::new("MFRGGZDF".into());
    let imported = calls.create_app(&identity(), "a", Some(&secret), later());
    assert!(imported.is_ok());
    assert!(calls.create_app(&identity(), "a", None, later()).is_err());
    let start = format!(
        "Post https://verify.test/v2/Services/{}/Entities/{IDENTITY}/Factors form FactorType=totp&",
        sid("VA")
    );
    let asked = client.asked();
    assert_eq!(asked[0], format!("{start}FriendlyName=alice%40web1"));
    assert_eq!(
        asked[1],
        format!(
            "{start}FriendlyName=a&Binding.Secret=MFRGGZDF&Config.Alg=sha1&Config.TimeStep=30\
             &Config.CodeLength=6"
        )
    );
}

#[test]
fn a_name_that_twilio_refuses_is_not_sent() {
    let client = client(&[]);
    let long = "x".repeat(65);
    for name in ["", "a\nb", &long] {
        let created = client
            .factors()
            .create_app(&identity(), name, None, later());
        assert!(matches!(created, Err(Error::Invalid { .. })), "{name}");
    }
}

#[test]
fn an_app_is_proven_only_by_the_status_verified_of_this_factor() {
    let verified = ("status", json!("verified"));
    let error = |code| format!(r#"{{"code":{code},"message":"x"}}"#);
    let rows = [
        (200, answer(std::slice::from_ref(&verified)), "yes"),
        (200, answer(&[]), "no"),
        (403, error(60311), "no"),
        (429, error(60310), "limited"),
        (200, answer(&[("status", json!("approved"))]), "no"),
        (
            200,
            answer(&[verified.clone(), ("sid", json!(other_sid("YF")))]),
            "other",
        ),
        (
            200,
            answer(&[verified, ("identity", json!("abcd-0124"))]),
            "other",
        ),
    ];
    let code = "123456".parse().unwrap();
    let mut wrong = Vec::new();
    for (status, body, expected) in rows {
        let client = client(&[(status, body.as_str())]);
        let found = match client
            .factors()
            .verify(&identity(), &factor(), &code, later())
        {
            Ok(()) => "yes",
            Err(Error::Refused(_)) => "no",
            Err(Error::RateLimited(_)) => "limited",
            Err(_) => "other",
        };
        if found != expected {
            wrong.push(format!("{body}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn factors_are_listed_fetched_and_deleted_below_their_person() {
    let push = answer(&[
        ("factor_type", json!("push")),
        ("status", json!("verified")),
        ("config", json!(null)),
    ]);
    let list = format!(r#"{{"factors":[{},{push}],"meta":{{}}}}"#, answer(&[]));
    let app = answer(&[]);
    let client = client(&[(200, list.as_str()), (200, &app), (204, "")]);
    let calls = client.factors();
    let found = calls.list(&identity(), later()).unwrap();
    let shown = |factor: &Factor| (factor.kind.clone(), factor.is_verified, factor.code_length);
    assert_eq!(shown(&found[0]), ("totp".to_owned(), false, Some(6)));
    assert_eq!(shown(&found[1]), ("push".to_owned(), true, None));
    calls.fetch(&identity(), &factor(), later()).unwrap();
    calls.delete(&identity(), &factor(), later()).unwrap();
    let expected = format!(
        "Delete https://verify.test/v2/Services/{}/Entities/{IDENTITY}/Factors/{}",
        sid("VA"),
        sid("YF")
    );
    assert_eq!(client.asked()[2], expected);
}
