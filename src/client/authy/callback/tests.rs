//! Which callbacks are accepted.

use super::canonical::{decode, encode};
use super::*;
use proptest::prelude::*;
use serde_json::json;

const KEY: &str = "test-api-key-0001";
const HOST: &str = "https://vpn.example.test/authy/cb";
const V1: &str =
    r#"{"authy_id":1635,"status":"approved","callback_action":"approval_request_status"}"#;
const V1_SIGNATURE: &str = "+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNto=";
const V2: &str = r#"{"status":"denied","approval_request":{"transaction":{"details":{"Process ID":"42/7","to":"a+b@c.example"},"device_details":{},"flagged":false,"hidden_details":null,"message":"Log in? 50% off & more"},"logos":null},"uuid":"00000000-0000-0135-0000-000000000001"}"#;
const V3: &str = r#"{"approval_request":{"logos":[{"res":"low","url":"https://e.example/l.png"},{"res":"default","url":"https://e.example/d.png"}]},"device":{"enabled_unlock_methods":["pin","fingerprint"],"multidevice_enabled":true}}"#;

fn verify(key: &str, callback: Callback<'_>) -> Result<Answer, Invalid> {
    callback.verify(&Secret::new(key.into()))
}

fn post<'a>(url: &'a str, nonce: &'a str, body: &'a str, signature: &'a str) -> Callback<'a> {
    Callback {
        url,
        nonce,
        signature,
        params: Params::Post(body.as_bytes()),
    }
}

fn get<'a>(nonce: &'a str, query: &'a str, signature: &'a str) -> Callback<'a> {
    Callback {
        url: HOST,
        nonce,
        signature,
        params: Params::Get(query),
    }
}

fn sign(key: &str, nonce: &str, method: &str, url: &str, params: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    STANDARD.encode(hmac::sign(
        &key,
        format!("{nonce}|{method}|{url}|{params}").as_bytes(),
    ))
}

#[test]
fn the_known_vectors_of_post_are_accepted() {
    let foo = "https://foo.bar/";
    let mut refused = vec![
        (KEY, HOST, "1700000001", V1, V1_SIGNATURE),
        (
            KEY,
            HOST,
            "1700000002",
            V2,
            "hL0JlvkPp1/tWc9HQfZTkVUu1MjVuplqf4tXhPqJYOI=",
        ),
        (
            KEY,
            HOST,
            "1700000003",
            V3,
            "oIUQ2XdlIFN0igRrihJvhU9A/WG5NUzHi+0ljZ1bEfY=",
        ),
        (
            "foo",
            foo,
            "1455825429",
            r#"{"foo":{"bar":{"biz":"foo"}},"qux":"net"}"#,
            "uq/wB8AR1Acvn0wFcjm7mmBJyR11nuuMhMy6semsAO8=",
        ),
        (
            "foo",
            foo,
            "1455825429",
            r#"{"foo":{"bar":{"biz":"foo bar"}},"qux":"net"}"#,
            "+fyGys+d5yNJx9SpeKZdf+N77od1t1cC/fVSWDW2+kY=",
        ),
    ];
    refused.retain(|(key, url, nonce, body, signature)| {
        // They are signed, although some do not name the person and the request.
        let answer = verify(key, post(url, nonce, body, signature));
        !matches!(answer, Ok(_) | Err(Invalid::Ids))
    });
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_signature_over_sorted_array_elements_is_refused() {
    let sorted = post(
        HOST,
        "1700000003",
        V3,
        "rZgVQL7KcIV+xaV4ftHTo0ppwhzpvTAcuFRQ2uaYvkU=",
    );
    assert_eq!(verify(KEY, sorted).unwrap_err(), Invalid::Signature);
}

#[test]
fn a_callback_that_differs_from_the_signed_one_is_refused() {
    let good = post(HOST, "1700000001", V1, V1_SIGNATURE);
    assert_eq!(verify(KEY, good).unwrap_err(), Invalid::Ids);
    assert!(verify("another-key", good).is_err());
    let changed = V1.replace("1635", "1636");
    let with_signature = |signature| Callback { signature, ..good };
    let with_params = |params| Callback { params, ..good };
    let mut failed = vec![
        Callback {
            nonce: "1700000002",
            ..good
        },
        Callback {
            url: "https://vpn.example.test/authy/cb/",
            ..good
        },
        with_signature(""),
        with_signature("+x+I7L3i+qc32xMvxRS3ZpiHApkDLb7905q2BNdPNt"),
        with_signature("AAAA"),
        with_params(Params::Post(changed.as_bytes())),
        with_params(Params::Get("")),
    ];
    failed.retain(|callback| verify(KEY, *callback).err() != Some(Invalid::Signature));
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_body_that_is_not_a_json_object_is_refused() {
    let mut failed = vec!["", "[]", "true", "{"];
    failed.retain(|body| {
        let callback = post(HOST, "1700000001", body, V1_SIGNATURE);
        verify(KEY, callback).err() != Some(Invalid::Body)
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn arrays_longer_than_ten_keep_their_order() {
    let numbers: Vec<_> = (0..12).collect();
    let object = json!({"n": numbers});
    let form = canonical_object("", object.as_object().unwrap(), b"-_.");
    let expected: Vec<_> = (0..12).map(|n| format!("n%5B%5D={n}")).collect();
    assert_eq!(form, expected.join("&"));
}

#[test]
fn a_get_is_accepted_as_received_or_in_canonical_form() {
    let canonical = "authy_id=1635&status=approved&uuid=a-b";
    let signature = sign("key", "17.5", "GET", HOST, canonical);
    let mut failed = vec![canonical, "uuid=a%2Db&status=approved&authy_id=1635"];
    failed.retain(|query| {
        let answer = verify("key", get("17.5", query, &signature));
        let read = answer.map(|answer| (answer.decision, answer.signed_at, answer.authy_id));
        read != Ok((Decision::Approved, Some(17), "1635".parse().unwrap()))
    });
    assert!(failed.is_empty(), "{failed:?}");
}

/// Returns the answer to a POST of `body` that is signed by its canonical text.
fn signed_post(body: &str) -> Result<Answer, Invalid> {
    let object: Value = serde_json::from_str(body).unwrap();
    let form = canonical_object("", object.as_object().unwrap(), b"-_.");
    let signature = sign("key", "1", "POST", HOST, &form);
    verify("key", post(HOST, "1", body, &signature))
}

/// Returns the answer to a GET of `query` that is signed as it is.
fn signed_get(query: &str) -> Result<Answer, Invalid> {
    let signature = sign("key", "1", "GET", HOST, query);
    verify("key", get("1", query, &signature))
}

/// What Authy signed: the inner status denies.
const DENIED: &str = r#"{"authy_id":1635,"uuid":"a-b","status":"approved",
    "approval_request":{"transaction":{"status":"denied"},"logos":["x"]}}"#;

#[test]
fn contradictory_decisions_are_a_denial() {
    assert_eq!(signed_post(DENIED).unwrap().decision, Decision::Denied);
    let query = "authy_id=1&uuid=a&status=approved&approval_request[transaction][status]=";
    let decision = |inner: &str| signed_get(&format!("{query}{inner}")).unwrap().decision;
    assert_eq!(decision("denied"), Decision::Denied);
    assert_eq!(decision("approved"), Decision::Approved);
}

#[test]
fn a_signed_post_whose_structure_was_moved_is_refused() {
    let text = |body: &str| {
        let object: Value = serde_json::from_str(body).unwrap();
        canonical_object("", object.as_object().unwrap(), b"-_.")
    };
    let forged = [
        r#""approval_request[transaction]":{"status":"denied"},"approval_request":{"logos":["x"]}"#,
        r#""approval_request[transaction][status]":"denied","approval_request":{"logos":["x"]}"#,
        r#""approval_request":{"transaction":{"status":"denied"},"logos":{"":"x"}}"#,
        r#""approval_request":{"transaction":{"status":"denied"}},"approval_request[logos][]":"x""#,
    ];
    let mut wrong = Vec::new();
    for members in forged {
        let body = format!(r#"{{"authy_id":1635,"uuid":"a-b","status":"approved",{members}}}"#);
        assert_eq!(
            text(&body),
            text(DENIED),
            "{body}: another text is no forgery"
        );
        let answer = signed_post(&body);
        if answer.as_ref().err() != Some(&Invalid::Names) {
            wrong.push((body, answer));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_signed_get_whose_names_have_two_readings_is_refused() {
    let mut accepted = vec![
        "status=denied",
        "approval_request=x&approval_request[transaction][status]=denied",
        "a[b]=1&a[b]=2",
        "a[]=1&a=2",
        "a[b]=1&a[]=2",
        "a[]=1&a[b]=2",
        "=1",
        "[a]=1",
        "[]=1",
        "a]=1",
        "a[b=1",
        "a[b]c=1",
        "a[[b]]=1",
        "a%5B=1",
        "",
    ];
    accepted.retain(|more| {
        let answer = signed_get(&format!("authy_id=1635&uuid=a-b&status=approved&{more}"));
        answer.err() != Some(Invalid::Names)
    });
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn a_get_is_read_as_the_tree_that_it_is() {
    let query =
        "authy_id=1635&uuid=a-b&status=approved&a%5Bb%5D%5Bc%5D=1&a[d][]=2&a[d][]=3&logos[][res]=x";
    let answer = signed_get(query).unwrap();
    assert_eq!(answer.all["a"], json!({"b": {"c": "1"}, "d": ["2", "3"]}));
    assert_eq!(answer.all["logos"], json!([]));
}

#[test]
fn a_callback_without_both_ids_or_about_others_is_refused() {
    let mut accepted = vec![
        r#"{"status":"approved","authy_id":1635}"#,
        r#"{"status":"approved","uuid":"a-b"}"#,
        r#"{"status":"approved","authy_id":null,"uuid":"a-b"}"#,
        r#"{"status":"approved","authy_id":0,"uuid":"a-b"}"#,
        r#"{"status":"approved","authy_id":1635,"uuid":""}"#,
        r#"{"status":"approved","authy_id":1635,"uuid":7}"#,
    ];
    accepted.retain(|body| signed_post(body).err() != Some(Invalid::Ids));
    assert!(accepted.is_empty(), "{accepted:#?}");
    for query in ["status=approved&authy_id=1635", "status=approved&uuid=a-b"] {
        assert_eq!(signed_get(query).unwrap_err(), Invalid::Ids);
    }
    let ours = |id: &str, uuid: &str| {
        let answer = signed_post(r#"{"status":"approved","authy_id":1635,"uuid":"a-b"}"#).unwrap();
        let (id, uuid) = (id.parse().unwrap(), uuid.parse().unwrap());
        answer.belonging_to(id, &uuid).map(|answer| answer.decision)
    };
    assert_eq!(ours("1635", "a-b"), Ok(Decision::Approved));
    assert_eq!(ours("1636", "a-b"), Err(Invalid::Another));
    assert_eq!(ours("1635", "a-c"), Err(Invalid::Another));
}

#[test]
fn a_repeated_member_or_a_nonce_with_a_bar_is_refused() {
    let body = r#"{"authy_id":1,"uuid":"a","status":"denied","status":"approved"}"#;
    assert_eq!(signed_post(body).unwrap_err(), Invalid::Body);
    let query = "authy_id=1&uuid=a&status=approved";
    let signature = sign("key", "1|2", "GET", HOST, query);
    let answer = verify("key", get("1|2", query, &signature));
    assert_eq!(answer.unwrap_err(), Invalid::Signature);
}

proptest! {
    #[test]
    fn decoding_reverses_encoding(text in any::<String>()) {
        prop_assert_eq!(decode(&encode(&text, b"-_.")), text);
    }

    #[test]
    fn arbitrary_input_is_refused_without_a_panic(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        text in any::<String>(),
    ) {
        for params in [Params::Post(&body), Params::Get(&text)] {
            let callback = Callback { url: &text, nonce: &text, signature: &text, params };
            prop_assert!(verify("key", callback).is_err());
        }
    }
}
