//! The command `migrate status`, and what doctor says of people on their way to another provider.

use std::fs;

use serde_json::json;

use super::{run, run_json, text};
use crate::common::sim::Sim;
use crate::common::totp::SECRET;

const USERS: &str = "[users]\nann = 1635\nben = { authy_id = 1636, phone = \"+15551234501\" }\n\
    cat = { phone = \"+15551234502\" }\neve = 0\n";

/// A simulator whose config.toml has both providers, and this in `[login]`.
fn both(login: &str) -> Sim {
    let sim = Sim::start();
    let of = |name: &str| fs::read_to_string(sim.path(name)).unwrap();
    let (authy, twilio) = (of("config.toml"), of("twilio.toml"));
    let twilio = twilio.split("[paths]").next().unwrap();
    let config = format!("{twilio}\n{authy}\n[login]\n{login}");
    fs::write(sim.path("config.toml"), config).unwrap();
    fs::write(sim.path("users.toml"), USERS).unwrap();
    sim
}

#[test]
fn migrate_status_says_who_has_what_and_whom_a_provider_would_lock_out() {
    let sim = both("");
    let (status, answer) = run_json(&sim, &["migrate", "status"], "");
    assert_eq!(status, 0, "{answer}");
    assert_eq!(answer["people"], 3);
    assert_eq!(
        answer["users"],
        json!([
            {"user": "ann", "factors": ["authy"], "asked": "authy"},
            {"user": "ben", "factors": ["authy", "phone"], "asked": "authy"},
            {"user": "cat", "factors": ["phone"], "asked": "twilio"},
        ])
    );
    assert_eq!(answer["now"]["locked_out"], json!(["eve"]));
    assert_eq!(
        answer["providers"]["twilio"],
        json!({"asked": 2, "others": ["ann"], "locked_out": []})
    );
    let without = |name: &str| answer["without"][name]["locked_out"].clone();
    assert_eq!(without("authy"), json!(["ann"]));
    assert_eq!(without("twilio"), json!(["cat"]));
    assert_eq!(without("both"), json!(["ann", "ben", "cat"]));
    assert!(sim.requests().is_empty(), "no provider is asked");

    let said = text(&run(&sim, &["migrate", "status"], "").stdout);
    let expected = "     1  authy
     1  authy phone
     1  phone
     1  an entry that cannot be used
     3  people in all
now: 1 is locked out: eve
login.provider = \"authy\": 2 are asked there, and 1 still elsewhere: cat; no one is locked out
login.provider = \"twilio\": 2 are asked there, and 1 still elsewhere: ann; no one is locked out
without [authy]: 1 is locked out: ann
without [twilio]: 1 is locked out: cat
without [authy] and [twilio]: 3 are locked out: ann, ben, cat
";
    assert_eq!(said, expected);
}

#[test]
fn migrate_status_knows_which_apps_on_the_host_can_be_used() {
    let sim = both("");
    let users = "[users]\nann = { authy_id = 1635, totp = true }\nben = 1636\nbob = { authy_id = 1637, totp = true }\n\
        cat = { authy_id = 1638, totp = true }\n";
    fs::write(sim.path("users.toml"), users).unwrap();
    let write = |name: &str, text: &str| {
        fs::create_dir_all(sim.path("state")).unwrap();
        fs::write(sim.path(name), text).unwrap();
        for (name, mode) in [("state", 0o700), (name, 0o600)] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(sim.path(name), mode).unwrap();
        }
    };
    // ann has no secret, and cat's cannot be used. The apps of ben and bob were added at the prompt
    // long ago.
    write("totp.toml", "[totp]\ncat = { secret = \"0189\" }\n");
    let app = |user: &str, id: u32| {
        format!(
            "{user} = {{ secret = \"{SECRET}\", since = 2026-01-01T00:00:00Z, factors = [\"authy_id={id}\"] }}\n"
        )
    };
    let apps = format!("[totp]\n{}{}", app("ben", 1636), app("bob", 1637));
    write("state/enrolled.toml", &apps);
    let locked_out = || {
        let (_, answer) = run_json(&sim, &["migrate", "status"], "");
        [&answer["now"], &answer["without"]["authy"]].map(|case| case["locked_out"].clone())
    };
    let unusable = json!(["ann", "cat"]);
    assert_eq!(locked_out(), [unusable.clone(), json!([])]);
    // One that does not count yet is no factor.
    let young = apps.replace("2026-01-01", "2126-01-01");
    write("state/enrolled.toml", &young);
    let all = json!(["ann", "bob", "cat"]);
    assert_eq!(locked_out(), [all.clone(), json!(["ben"])]);
    // Nor is one of a file that cannot be read.
    write("state/enrolled.toml", "[totp");
    assert_eq!(locked_out(), [all, json!(["ben"])]);
}

#[test]
fn doctor_names_who_depends_on_authy_alone_once_twilio_is_preferred() {
    let of_providers = |login: &str, users: &str| {
        let sim = both(login);
        fs::write(sim.path("users.toml"), users).unwrap();
        let (_, answer) = run_json(&sim, &["doctor"], "");
        let checks = answer["checks"].as_array().unwrap().clone();
        let found = checks
            .into_iter()
            .find(|check| check["name"] == "providers");
        found.map(|check| format!("{} {}", check["result"], check["message"]))
    };
    let twilio = "provider = \"twilio\"\n";
    assert_eq!(
        of_providers(twilio, USERS).unwrap(),
        "\"warning\" \"1 person depends on Authy alone, and would be locked out without it: ann\""
    );
    let without_ann = USERS.replace("ann = 1635\n", "");
    assert_eq!(
        of_providers(twilio, &without_ann).unwrap(),
        "\"ok\" \"no one depends on Authy alone\""
    );
    assert_eq!(
        of_providers("", USERS).unwrap(),
        "\"ok\" \"without Authy 1 of 3 people would be locked out, without Twilio 1\""
    );
}

#[test]
fn explain_and_status_of_a_person_at_both_say_who_is_asked_and_what_they_have() {
    for (login, who) in [
        ("", "Authy is asked (login.provider)"),
        (
            "provider = \"twilio\"\n",
            "Twilio is asked (login.provider)",
        ),
    ] {
        let sim = both(login);
        let said = text(&run(&sim, &["explain", "ben"], "").stdout);
        assert!(said.contains(who), "{said}");
        let said = text(&run(&sim, &["explain", "ann"], "").stdout);
        assert!(!said.contains("login.provider"), "{said}");
    }
    let sim = both("");
    let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    let users = format!(
        "[users]\nann = {{ authy_id = 1635, security_keys = [\"{key}\"] }}\n\
         cat = {{ phone = \"+15551234502\", security_keys = [\"{key}\"] }}\n"
    );
    fs::write(sim.path("users.toml"), users).unwrap();
    for user in ["ann", "cat"] {
        let (status, answer) = run_json(&sim, &["status", user], "");
        let keys = &answer["security_keys"];
        assert_eq!((status, keys), (0, &json!([key])), "{answer}");
        let has_factor = answer["factors"].to_string().contains("security_key");
        assert!(has_factor, "{answer}");
    }
}
