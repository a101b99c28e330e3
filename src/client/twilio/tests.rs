//! What is sent to Twilio, and which lists and deletions count.

use super::scripted::{client, later, sid};
use super::*;

#[test]
fn a_request_has_the_key_and_a_form_in_which_plus_is_encoded() {
    let client = client(&[(200, "{}")]);
    let pairs = [("To", "+15551234567"), ("Channel", "sms")];
    client.post("/v2/x", &pairs, later()).unwrap();
    assert_eq!(
        client.asked(),
        ["Post https://verify.test/v2/x form To=%2B15551234567&Channel=sms"]
    );
    let expected = BASE64_STANDARD.encode(format!("{}:key-secret", sid("SK")));
    assert_eq!(client.credentials.expose(), format!("Basic {expected}"));
    assert!(!format!("{client:?}").contains(&expected));
}

#[test]
fn an_expired_deadline_sends_nothing() {
    let client = client(&[]);
    let expired = Deadline::after(Instant::now(), Duration::ZERO);
    let error = client.get("/x", &[], expired).unwrap_err();
    assert!(matches!(error, Error::Unavailable(Cause::NoConnection(_))));
    assert!(client.asked().is_empty());
}

#[test]
fn a_list_is_read_to_its_end_and_only_where_it_began() {
    let page =
        |next: &str| format!(r#"{{"rows":[{{"x":"1"}}],"meta":{{"next_page_url":{next}}}}}"#);
    let read = |next: &str| {
        let (first, last) = (page(next), page("null"));
        let client = client(&[(200, first.as_str()), (200, last.as_str())]);
        let rows = client.list("/v2/Rows", &[], "rows", later(), |row| {
            row.id::<String>("x")
        });
        (rows, client.asked())
    };
    let (rows, asked) = read(r#""https://verify.test/v2/Rows?PageSize=20&Page=1&PageToken=a""#);
    assert_eq!(rows.unwrap(), ["1", "1"]);
    assert_eq!(
        asked,
        [
            "Get https://verify.test/v2/Rows?PageSize=20",
            "Get https://verify.test/v2/Rows?PageSize=20&Page=1&PageToken=a",
        ]
    );
    let mut followed = vec![
        r#""https://evil.test/v2/Rows?Page=1""#,
        r#""https://verify.test.evil.test/v2/Rows?Page=1""#,
        r#""http://verify.test/v2/Rows?Page=1""#,
        r#""https://verify.test/v2/Others?Page=1""#,
        r#""https://verify.test/v2/Rows?Page=1 HTTP""#,
        "7",
    ];
    followed.retain(|next| {
        let (rows, asked) = read(next);
        rows.is_ok() || asked.len() != 1
    });
    assert!(followed.is_empty(), "{followed:?}");
}

#[test]
fn a_deletion_succeeds_by_204_alone() {
    let rows = [
        (204, "", true),
        (200, "{}", false),
        (404, r#"{"code":20404,"message":"x"}"#, false),
        (503, "", false),
    ];
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(status, body, expected)| {
            let client = client(&[(*status, body)]);
            client.delete("/x", later()).is_ok() != *expected
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
