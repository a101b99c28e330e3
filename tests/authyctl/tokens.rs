//! The commands about one person at Authy: `status`, `verify`, `sms`, `call`, `qr`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{enrolled, run, run_json, text};
use crate::common::rows::check_rows;

#[test]
fn status_shows_what_authy_knows() {
    let sim = enrolled();
    let (status, object) = run_json(&sim, &["status", "alice"], "");
    assert_eq!(status, 0);
    let table = [
        ("ok", json!(true)),
        ("authy_id", json!(1635)),
        ("confirmed", json!(false)),
        ("registered", json!(false)),
        ("country_code", json!(1)),
        ("phone_number", json!("XXX-XXX-0199")),
        ("devices", json!(["sms"])),
    ];
    check_rows(table, |(name, value)| {
        assert_eq!(object[name], value, "{name}");
    });
    let people = text(&run(&sim, &["status", "--authy-id", "1635"], "").stdout);
    assert!(
        people.contains("cellphone       XXX-XXX-0199\n"),
        "{people}"
    );
}

#[test]
fn verify_reads_the_code_from_command_line_and_standard_input() {
    let sim = enrolled();
    let yes = json!({"ok": true, "token": "is valid", "authy_id": 1635});
    assert_eq!(
        run_json(&sim, &["verify", "alice", &sim.token(1635)], ""),
        (0, yes.clone())
    );
    assert_eq!(
        run_json(
            &sim,
            &["verify", "alice"],
            &format!("{}\n", sim.token(1635))
        ),
        (0, yes.clone())
    );
    assert_eq!(
        run_json(&sim, &["verify", "alice", "-"], &sim.token(1635)),
        (0, yes.clone())
    );
    let by_id = ["verify", "--authy-id", "1635", &sim.token(1635)];
    assert_eq!(run_json(&sim, &by_id, ""), (0, yes));
}

#[test]
fn a_wrong_code_is_refused_with_authys_error_code() {
    let sim = enrolled();
    let (status, object) = run_json(&sim, &["verify", "alice", "1111111"], "");
    assert_eq!(status, 1);
    assert_eq!(object["ok"], false);
    assert_eq!(object["error"]["kind"], "refused");
    assert_eq!(object["error"]["status"], 401);
    assert_eq!(object["error"]["code"], 60020);
}

#[test]
fn with_no_force_authy_accepts_any_code_of_an_unconfirmed_person() {
    let sim = enrolled();
    assert_eq!(
        run_json(&sim, &["verify", "alice", "1111111", "--no-force"], "").0,
        0
    );
}

#[test]
fn sms_distinguishes_sent_from_ignored() {
    let sim = enrolled();
    let (status, sent) = run_json(&sim, &["sms", "alice"], "");
    assert_eq!(
        (status, &sent["ignored"], &sent["device"]),
        (0, &json!(false), &Value::Null)
    );
    assert_eq!(sent["cellphone"], "+1-XXX-XXX-XX99");
    sim.change(1635, &json!({"registered": true}));
    let (_, ignored) = run_json(&sim, &["sms", "alice"], "");
    assert_eq!(
        (&ignored["ignored"], &ignored["device"]),
        (&json!(true), &json!("iphone"))
    );
    let (_, forced) = run_json(&sim, &["sms", "alice", "--force"], "");
    assert_eq!(forced["ignored"], false);
}

#[test]
fn a_call_and_an_action_reach_the_service() {
    let sim = enrolled();
    let (status, answer) = run_json(&sim, &["call", "alice", "--action", "pay"], "");
    assert_eq!((status, &answer["ignored"]), (0, &json!(false)));
    let token = sim.last_sms(1635).unwrap();
    let (status, _) = run_json(&sim, &["verify", "alice", &token], "");
    assert_eq!(
        status, 1,
        "a token for an action is right for that action only"
    );
    let (status, _) = run_json(&sim, &["verify", "alice", &token, "--action", "pay"], "");
    assert_eq!(status, 0);
}

#[test]
fn the_code_for_another_app_is_drawn_and_written_for_its_owner_only() {
    let sim = enrolled();
    let drawn = run(&sim, &["qr", "alice", "--label", "demo"], "");
    assert!(text(&drawn.stdout).contains('█'), "{}", text(&drawn.stderr));
    let path = sim.path("code.png");
    let how = ["qr", "alice", "--output", path.to_str().unwrap()];
    let (status, answer) = run_json(&sim, &how, "");
    assert_eq!((status, &answer["issuer"]), (0, &json!("authy-sim")));
    assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let requests = sim.get("/requests.json").to_string();
    assert!(
        !requests.contains("/qr/"),
        "the image is no call of the API"
    );
    let (status, _) = run_json(&sim, &how, "");
    assert_eq!(status, 4, "a file that exists is not written over");
}
