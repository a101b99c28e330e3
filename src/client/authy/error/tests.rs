//! The class of each error.

use super::*;

fn refusal(status: u16, code: Option<u32>, message: &str) -> Refusal {
    Refusal {
        status,
        code,
        message: message.into(),
        ..Refusal::default()
    }
}

#[test]
fn the_error_code_takes_precedence_over_the_status() {
    assert!(matches!(
        classify(refusal(401, Some(60001), "")),
        Error::KeyRefused(_)
    ));
    assert!(matches!(
        classify(refusal(401, Some(60020), "")),
        Error::Refused(_)
    ));
    assert!(matches!(
        classify(refusal(503, Some(60017), "")),
        Error::PersonRefused(_)
    ));
    assert!(matches!(
        classify(refusal(503, Some(60060), "")),
        Error::NotAllowed(_)
    ));
    assert!(matches!(
        classify(refusal(404, Some(60026), "")),
        Error::NotFound(_)
    ));
}

#[test]
fn the_message_tells_a_suspended_person_from_an_outage() {
    let error = classify(refusal(503, None, "User has been suspended."));
    assert!(matches!(error, Error::PersonRefused(_)));
    let error = classify(refusal(503, None, "Service unavailable"));
    assert!(error.is_unavailable());
}

#[test]
fn the_message_tells_a_bad_key_from_a_wrong_token() {
    assert!(matches!(
        classify(refusal(401, None, "Invalid API key.")),
        Error::KeyRefused(_)
    ));
    assert!(matches!(
        classify(refusal(401, None, "Token is invalid")),
        Error::Refused(_)
    ));
}

#[test]
fn an_unknown_code_is_kept_and_classified_by_the_status() {
    let error = classify(refusal(400, Some(69999), "?"));
    assert_eq!(error.refusal().and_then(|r| r.code), Some(69999));
    assert!(classify(refusal(500, Some(69999), "?")).is_unavailable());
}

#[test]
fn the_statuses_403_and_429_are_never_an_outage() {
    let mut failed = vec!["", "Token is invalid", "something else"];
    failed.retain(|message| {
        let forbidden = classify(refusal(403, None, message));
        let too_many = classify(refusal(429, None, message));
        !matches!(
            (forbidden, too_many),
            (Error::NotAllowed(_), Error::RateLimited(_))
        )
    });
    assert!(failed.is_empty(), "{failed:?}");
}

fn class(code: u32) -> Option<&'static str> {
    match class_of_code(code) {
        Class::Refused => Some("Refused"),
        Class::Person => Some("PersonRefused"),
        Class::Key => Some("KeyRefused"),
        Class::Application => Some("NotAllowed"),
        Class::NotFound => Some("NotFound"),
        Class::RateLimited => Some("RateLimited"),
        Class::ByStatus => None,
    }
}

/// Returns the class of each code in the table of docs/api.md.
fn documented_classes() -> BTreeMap<u32, &'static str> {
    let page = include_str!("../../../../docs/api.md");
    let mut documented = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let numbers = cells[2].split(", ").filter(|part| part.starts_with("60"));
        for part in numbers {
            let (first, last) = part.split_once('–').unwrap_or((part, part));
            for code in first.parse::<u32>().unwrap()..=last.parse().unwrap() {
                documented.insert(code, cells[1].trim_matches('`'));
            }
        }
    }
    documented
}

#[test]
fn the_documented_class_of_each_code_is_the_real_one() {
    let documented = documented_classes();
    assert!(documented.len() > 70, "{documented:?}");
    let mut failed: Vec<_> = (60_000..60_200).collect();
    failed.retain(|code| class(*code) != documented.get(code).copied());
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn an_error_has_status_code_and_text_of_the_answer_and_shows_no_whole_number() {
    let fields = BTreeMap::from([("cellphone".to_owned(), "+15551234567 is invalid".to_owned())]);
    let with_fields = Refusal {
        fields,
        ..refusal(400, Some(60027), "User was not valid")
    };
    let pending = "No pending verifications for +1 321-345-1234 found.";
    let rows = [
        (
            classify(with_fields),
            "refused by Authy: User was not valid; cellphone: +XXXXXXXXX67 is invalid \
             (HTTP 400, code 60027)",
        ),
        (
            classify(refusal(404, Some(60023), pending)),
            "not found: No pending verifications for +X XXX-XXX-XX34 found. (HTTP 404, code 60023)",
        ),
        (
            classify(refusal(
                500,
                Some(60025),
                "Server error. Please try again later",
            )),
            "Authy is unavailable: Server error. Please try again later (HTTP 500, code 60025)",
        ),
        (
            classify(refusal(302, None, "x")),
            "Authy is unavailable: no answer of Authy's API (HTTP 302)",
        ),
    ];
    let shown = rows.each_ref().map(|(error, _)| error.to_string());
    assert_eq!(
        shown,
        rows.each_ref().map(|(_, expected)| (*expected).to_owned())
    );
    let answers = rows
        .each_ref()
        .map(|(error, _)| (error.status(), error.code()));
    assert_eq!(
        answers,
        [
            (Some(400), Some(60027)),
            (Some(404), Some(60023)),
            (Some(500), Some(60025)),
            (Some(302), None),
        ]
    );
}

#[test]
fn an_error_with_many_fields_is_shown_in_part() {
    let fields = (0..1000).map(|number| (format!("field{number}"), "is invalid".to_owned()));
    let refused = Refusal {
        fields: fields.collect(),
        ..refusal(400, Some(60027), "User was not valid")
    };
    let shown = classify(refused).to_string();
    assert!(shown.chars().count() < 500, "{shown}");
    assert!(shown.ends_with("… (HTTP 400, code 60027)"), "{shown}");
}
