//! Which answers are a yes, and which count as an outage.

use super::*;

fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        body: body.as_bytes().to_vec(),
        retry_after_seconds: None,
        date: None,
    }
}

fn verify(status: u16, body: &str) -> Result<(), Error> {
    Reply::read(&response(status, body)).and_then(|reply| reply.require_valid_token())
}

#[test]
fn the_recorded_answers_are_a_yes() {
    let mut refused = vec![
        r#"{"message":"Token is valid.","token":"is valid","success":"true"}"#,
        r#"{"message":"Token is valid.","token":"is valid","success":true,"device":{"id":null}}"#,
        r#"{"token": "is valid"}"#,
    ];
    refused.retain(|body| verify(200, body).is_err());
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn no_other_answer_is_a_yes() {
    let mut accepted = vec![
        "",
        "{}",
        "[]",
        "null",
        "true",
        "\"is valid\"",
        "<html>is valid</html>",
        "token is valid",
        r#"{"success":true}"#,
        r#"{"success":true,"message":"Token is valid."}"#,
        r#"{"token":"is invalid","success":true}"#,
        r#"{"token":"Is valid","success":true}"#,
        r#"{"token":"is valid ","success":true}"#,
        r#"{"token":true,"success":true}"#,
        r#"{"token":"","success":true}"#,
        r#"{"token":"is valid","success":false}"#,
        r#"{"token":"is valid","success":"false"}"#,
        r#"{"token":"is valid","success":null}"#,
        r#"{"token":"is valid","success":1}"#,
        r#"{"reply":{"token":"is valid"},"success":true}"#,
        r#"[{"token":"is valid","success":true}]"#,
        r#"{"token":"is valid","success":true"#,
        r#"{"token":"is valid","success":true}{"x":1}"#,
        r#"{"token":"is invalid","token":"is valid","success":true}"#,
        r#"{"token":"is valid","success":true,"success":true}"#,
        r#"{"token":"is valid","success":true,"device":{"id":1,"id":1}}"#,
    ];
    accepted.retain(|body| verify(200, body).is_ok());
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn a_yes_with_another_status_is_an_error() {
    let yes = r#"{"message":"Token is valid.","token":"is valid","success":"true"}"#;
    let mut accepted: Vec<u16> = (201..600).chain([100, 199, 999]).collect();
    accepted.retain(|status| verify(*status, yes).is_ok());
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn a_wrong_token_is_refused_with_its_code() {
    let body = r#"{"message":"Token is invalid","token":"is invalid","success":false,
        "errors":{"message":"Token is invalid"},"error_code":"60020"}"#;
    let Err(Error::Refused(refusal)) = verify(401, body) else {
        unreachable!()
    };
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (Some(60020), "Token is invalid")
    );
    let older = r#"{"errors":{"token":"is invalid"},"success":false}"#;
    let Err(Error::Refused(refusal)) = verify(401, older) else {
        unreachable!()
    };
    assert_eq!(refusal.message, "token: is invalid");
}

#[test]
fn an_answer_that_is_only_invalid_key_is_a_refused_key() {
    assert!(matches!(
        verify(401, "invalid key"),
        Err(Error::KeyRefused(_))
    ));
    assert!(matches!(
        verify(401, r#"{"error_code":60001,"success":false}"#),
        Err(Error::KeyRefused(_))
    ));
}

#[test]
fn hostile_text_is_made_safe_to_show() {
    let body = r#"{"message":"a\u001b[2J\nb","success":false,"error_code":"60020"}"#;
    let Err(Error::Refused(refusal)) = verify(401, body) else {
        unreachable!()
    };
    assert_eq!(refusal.message, "a?[2J?b");
}

/// Everything that is no yes denies, but only these answers may count as an outage.
#[test]
fn an_answer_is_unavailable_only_if_it_is_5xx_or_cannot_be_read() {
    let no = r#"{"token":"no","success":true}"#;
    let twice = r#"{"token":"is valid","token":"is valid"}"#;
    let rows = [
        (502, "<html>bad gateway</html>", true),
        (503, r#"{"token":"is valid","success":true}"#, true),
        (503, twice, true),
        (200, "", true),
        (200, "<html>is valid</html>", true),
        (200, twice, true),
        (204, "", true),
        (302, no, true),
        (100, no, true),
        (600, no, true),
        (200, "{}", false),
        (200, no, false),
        (200, r#"{"success":"unsure"}"#, false),
        (201, no, false),
        (299, "{}", false),
        (400, "", false),
        (400, twice, false),
        (401, "<html>who are you</html>", false),
        (403, "", false),
        (404, "<html>not here</html>", false),
        (404, r#"{"x":1}"#, false),
        (408, "", false),
        (429, "", false),
        (499, "[]", false),
    ];
    let wrong: Vec<_> = rows
        .into_iter()
        .map(|(status, body, expected)| (status, body, verify(status, body), expected))
        .filter(|(.., answer, expected)| {
            answer.as_ref().map_err(Error::is_unavailable) != Err(*expected)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_error_keeps_what_the_service_or_a_proxy_answered() {
    let rows = [
        (
            503,
            r#"{"message":"Down","error_code":"60052"}"#,
            "Down (HTTP 503, code 60052)",
        ),
        (502, "upstream timed out", "upstream timed out (HTTP 502)"),
        (
            400,
            "bad request line",
            "no error of Authy's API: bad request line (HTTP 400)",
        ),
        (
            201,
            r#"{"token":"is valid"}"#,
            "a status that Authy's API does not have (HTTP 201)",
        ),
        (200, r#"{"token":"no"}"#, "no valid token (HTTP 200)"),
        (503, "<html>", ": HTTP 503"),
        (404, "", "no error of Authy's API (HTTP 404)"),
        (204, "", "no answer of Authy's API (HTTP 204)"),
    ];
    let wrong: Vec<_> = rows
        .iter()
        .map(|(status, body, expected)| (verify(*status, body).unwrap_err(), *status, *expected))
        .filter(|(error, status, expected)| {
            !error.to_string().ends_with(expected) || error.status() != Some(*status)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
