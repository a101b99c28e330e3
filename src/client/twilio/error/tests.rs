//! The class and the text of each error.

use super::*;

fn refusal(status: u16, code: impl Into<Option<u32>>) -> Refusal {
    Refusal {
        status,
        code: code.into(),
        ..Refusal::default()
    }
}

fn class(error: &Error) -> &'static str {
    match error {
        Error::Refused(_) => "refused",
        Error::PersonRefused(_) => "person",
        Error::KeyRefused(_) => "key",
        Error::NotAllowed(_) => "not allowed",
        Error::NotFound(_) => "not found",
        Error::RateLimited(_) => "limited",
        Error::Exists(_) => "exists",
        Error::ServerError(_) => "server",
        _ => "other",
    }
}

/// Every row of Twilio's error dictionary that Verify can answer, with its documented status;
/// where none is documented, with those that are likely.
#[test]
fn every_documented_error_has_its_class() {
    let rows: [(&str, &[u16], &[u32]); 16] = [
        ("key", &[401], &[20003, 70051, 20008]),
        ("key", &[403], &[20003, 20008, 20403, 70051]),
        ("not found", &[404], &[20404, 60390, 60391, 60392, 60431]),
        ("not found", &[400, 403], &[60390, 60391, 60392, 60425]),
        ("limited", &[429], &[20429, 60202, 60203, 60212, 60308]),
        ("limited", &[429], &[60309, 60310, 60312, 60326, 60328]),
        ("limited", &[400, 403], &[60328, 60624, 60626, 60728]),
        ("exists", &[409], &[60301, 60304, 60317]),
        ("person", &[403], &[60205, 60318, 60410, 60605]),
        ("person", &[400, 403], &[60238, 60412, 60413]),
        ("not allowed", &[403], &[60204, 60313, 21608, 1]),
        ("not allowed", &[400], &[60206, 60214, 60217, 60220, 60223]),
        ("not allowed", &[400, 403], &[60001, 60250, 68008, 575_001]),
        ("refused", &[400], &[60200, 60221, 60300, 60306, 1]),
        ("refused", &[403], &[60311, 60322, 60323, 60324]),
        ("server", &[500, 502, 503], &[20500, 60200, 20003]),
    ];
    let mut wrong = Vec::new();
    for (expected, statuses, codes) in rows {
        for status in statuses {
            for code in codes {
                let found = class(&classify(refusal(*status, *code)));
                if found != expected {
                    wrong.push(format!("{status}/{code}: {found}, not {expected}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn without_a_code_the_status_decides() {
    let rows = [
        (400, "refused"),
        (401, "key"),
        (403, "not allowed"),
        (404, "not found"),
        (405, "refused"),
        (429, "limited"),
        (503, "server"),
    ];
    let found = rows.map(|(status, _)| class(&classify(refusal(status, None))));
    assert_eq!(found, rows.map(|(_, expected)| expected));
}

#[test]
fn an_error_shows_status_code_and_text_and_no_whole_number() {
    let shown = |code: Option<u32>| {
        let refusal = Refusal {
            message: "Invalid parameter `To`: +15551234567".into(),
            ..refusal(400, code)
        };
        let error = classify(refusal);
        assert!(error.refusal().unwrap().message.contains("+1555"));
        error.to_string()
    };
    assert_eq!(
        shown(Some(60200)),
        "refused by Twilio: a value is not accepted \
         (HTTP 400, code 60200: Invalid parameter `To`: +XXXXXXXXX67)"
    );
    assert_eq!(
        shown(Some(7)),
        "refused by Twilio: Invalid parameter `To`: +XXXXXXXXX67 (HTTP 400, code 7)"
    );
    let bare = classify(refusal(503, None));
    assert_eq!(bare.to_string(), "Twilio is unavailable: HTTP 503");
    assert_eq!((bare.status(), bare.code()), (Some(503), None));
}
