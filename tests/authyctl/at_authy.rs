//! `email`, `events` and `person …`: what Authy has stored about people and the application.

use serde_json::{Value, json};

use super::{enrolled, run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Returns the error's code with the exit status.
fn refusal(sim: &Sim, arguments: &[&str]) -> (i32, Value) {
    let (status, object) = run_json(sim, arguments, "");
    (status, object["error"]["code"].clone())
}

#[test]
fn a_token_is_mailed_to_the_address_that_was_changed_before() {
    let sim = enrolled();
    let changed = ["person", "update", "alice", "--email", "new@example.com"];
    let expected = json!({"ok": true, "authy_id": 1635, "email": "new@example.com"});
    assert_eq!(run_json(&sim, &changed, ""), (0, expected.clone()));
    assert_eq!(
        run_json(&sim, &["email", "alice"], ""),
        (0, expected.clone())
    );
    let by_id = ["email", "--authy-id", "1635"];
    assert_eq!(run_json(&sim, &by_id, ""), (0, expected));
    let shown = text(&run(&sim, &["email", "alice"], "").stdout);
    assert_eq!(
        shown,
        "an e-mail with a token was sent to new@example.com\n"
    );
}

#[test]
fn an_activity_is_one_of_the_events_of_the_application() {
    let sim = enrolled();
    let none = text(&run(&sim, &["events"], "").stdout);
    assert_eq!(none, "no event\n");
    for kind in ["password-reset", "banned", "unbanned", "cookie-login"] {
        let arguments = [
            "person",
            "activity",
            "alice",
            "--kind",
            kind,
            "--ip",
            "192.0.2.7",
            "--data",
            "why=lost",
        ];
        let (status, object) = run_json(&sim, &arguments, "");
        assert_eq!(
            (status, &object["type"]),
            (0, &json!(kind.replace('-', "_")))
        );
    }
    let page = [
        "events",
        "--page",
        "2",
        "--per-page",
        "2",
        "--filter",
        "user_id=1635",
    ];
    let (status, object) = run_json(&sim, &page, "");
    let expected = json!([
        {"authy_id": 1635, "type": "unbanned"},
        {"authy_id": 1635, "type": "cookie_login"},
    ]);
    assert_eq!((status, &object["events"]), (0, &expected));
    let requests = sim.get("/requests.json").to_string();
    assert!(requests.contains("query%5Buser_id%5D=1635"), "{requests}");
    let shown = text(&run(&sim, &["events", "--per-page", "1"], "").stdout);
    assert_eq!(shown, "authy_id  type\n1635      password_reset\n");
}

#[test]
fn a_whole_number_is_shown_only_where_authy_allows_it() {
    let sim = enrolled();
    let number = ["person", "number", "alice"];
    assert_eq!(refusal(&sim, &number), (1, json!(60154)));
    sim.post("/phone/app", &json!({"export_enabled": true}));
    let (status, object) = run_json(&sim, &number, "");
    assert_eq!((status, &object["e164"]), (0, &json!("+15550100199")));
    assert_eq!(object["country_code"], 1);
    assert_eq!(text(&run(&sim, &number, "").stdout), "+15550100199\n");
}

#[test]
fn a_registration_is_found_by_the_name_of_the_application() {
    let sim = enrolled();
    let update = ["person", "update", "alice", "--email", "alice@example.com"];
    assert_eq!(run_json(&sim, &update, "").0, 0);
    let registration = ["person", "registration", "alice@example.com"];
    let pending = json!({"ok": true, "status": "pending", "authy_id": 1635});
    assert_eq!(run_json(&sim, &registration, ""), (0, pending));
    sim.change(1635, &json!({"registered": true}));
    let shown = text(&run(&sim, &registration, "").stdout);
    assert_eq!(shown, "status    completed\nauthy id  1635\n");
    let unknown = ["person", "registration", "nobody@example.com"];
    assert_eq!(refusal(&sim, &unknown), (1, json!(60035)));
}

#[test]
fn a_device_is_deleted_once() {
    let sim = enrolled();
    sim.change(1635, &json!({"sdk_devices": [77]}));
    let delete = ["person", "delete-device", "77"];
    let deleted = json!({"ok": true, "device_id": 77});
    assert_eq!(run_json(&sim, &delete, ""), (0, deleted));
    assert_eq!(refusal(&sim, &delete), (1, json!(60092)));
}

#[test]
fn what_cannot_be_asked_is_refused_without_a_request() {
    let sim = enrolled();
    let table: [(i32, &[&str]); 9] = [
        (2, &["person"]),
        (2, &["person", "update", "alice"]),
        (2, &["person", "update", "alice", "--email", "nobody"]),
        (
            2,
            &[
                "person",
                "activity",
                "alice",
                "--kind",
                "bored",
                "--ip",
                "192.0.2.7",
            ],
        ),
        (
            2,
            &[
                "person", "activity", "alice", "--kind", "banned", "--ip", "home",
            ],
        ),
        (2, &["person", "delete-device", "x"]),
        (2, &["events", "--page", "0"]),
        (2, &["events", "--per-page", "101"]),
        (4, &["email", "mallory"]),
    ];
    check_rows(table, |(expected, arguments)| {
        assert_eq!(run_json(&sim, arguments, "").0, expected, "{arguments:?}");
    });
    assert!(sim.requests().is_empty());
}
