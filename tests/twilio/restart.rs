//! A simulated Twilio that is killed, and starts again with its folder: logins go on where they
//! were, and no cap or window begins anew.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use pam_authy::base::factor::twilio::VerificationSid;
use pam_authy::client::twilio::challenges::Decision;
use serde_json::{Value, json};

use super::simulator::{IDENTITY, app, check, last_code, other, refused, start};
use super::{change, client_with, deadline, request, sent};
use crate::authyctl::run_json;
use crate::common::sim::Sim;
use crate::common::totp::{SECRET, oathtool};

/// Two programs of the host, between which Twilio starts again.
#[test]
fn a_login_by_sms_that_has_begun_goes_on_after_a_restart() {
    let mut sim = Sim::start();
    let entry = "[users]\ncarol = { phone = \"+15551234567\" }\n";
    fs::write(sim.path("users.toml"), entry).unwrap();
    let use_twilio = |sim: &Sim| fs::copy(sim.path("twilio.toml"), sim.path("config.toml"));
    use_twilio(&sim).unwrap();
    assert_eq!(run_json(&sim, &["sms", "carol"], "").0, 0);
    let code = last_code(&sim);
    let wrong = ["verify", "carol", &other(&code)];
    assert_eq!(run_json(&sim, &wrong, "").0, 1);
    let before = sim.get("/phone/twilio");

    sim.restart(&[]);

    use_twilio(&sim).unwrap();
    assert_eq!(sim.get("/phone/twilio"), before);
    let (status, answer) = run_json(&sim, &["verify", "carol", &code], "");
    assert_eq!(status, 0, "{answer}");

    sim.restart(&[]);

    use_twilio(&sim).unwrap();
    assert_eq!(run_json(&sim, &["verify", "carol", &code], "").0, 1);
    let last = sent(&sim).pop().unwrap();
    assert_eq!(
        (&last["status"], &last["checks"]),
        (&json!("approved"), &json!(2))
    );
}

#[test]
fn a_login_by_an_app_that_has_begun_goes_on_after_a_restart() {
    let mut sim = Sim::start();
    let identity = IDENTITY.parse().unwrap();
    let client = client_with(&sim, "main");
    let calls = client.factors();
    let new = calls.create_app(&identity, "alice@web1", None, deadline());
    let new = new.unwrap();
    let code = || oathtool(new.secret.expose(), 0).parse().unwrap();

    sim.restart(&[]);
    let client = client_with(&sim, "main");
    let factors = client.factors();
    factors
        .verify(&identity, &new.sid, &code(), deadline())
        .unwrap();
    let wrong = other(&oathtool(new.secret.expose(), 0)).parse().unwrap();
    let calls = client.challenges();
    let pending = calls
        .create(&identity, &new.sid, &wrong, deadline())
        .unwrap();
    assert_eq!(pending.decision, Decision::Pending);

    sim.restart(&[]);
    let client = client_with(&sim, "main");
    let calls = client.challenges();
    let answered = calls.update(&pending.sid, &identity, &new.sid, &code(), deadline());
    assert_eq!(answered.unwrap().decision, Decision::Approved);

    sim.restart(&[]);
    let client = client_with(&sim, "host");
    let read = client
        .challenges()
        .fetch(&pending.sid, &identity, &new.sid, deadline());
    assert_eq!(read.unwrap().decision, Decision::Approved);
}

#[test]
fn no_cap_and_no_window_begins_anew_after_a_restart() {
    let mut sim = Sim::start();
    let client = client_with(&sim, "host");
    let settings = json!({"refuses_used_codes": true, "verification_seconds": 900});
    change(&sim, &settings);
    let sid = start(&client).unwrap();
    (0..4).for_each(|_| assert_eq!(start(&client).unwrap(), sid));
    let code = last_code(&sim);
    for _ in 0..5 {
        let _ = check(&client, &sid, &other(&code)).unwrap_err();
    }
    let (identity, factor) = app(&sim);
    let right = oathtool(SECRET, 0).parse().unwrap();
    let wrong = "123".parse().unwrap();
    let create = |client: &pam_authy::client::twilio::Client<_>, code| {
        client
            .challenges()
            .create(&identity, &factor, code, deadline())
    };
    for _ in 0..49 {
        assert_eq!(create(&client, &wrong).unwrap().decision, Decision::Pending);
    }
    assert_eq!(
        create(&client, &right).unwrap().decision,
        Decision::Approved
    );

    sim.restart(&[]);

    let client = client_with(&sim, "host");
    assert_eq!(refused(start(&client)), (429, 60203));
    assert_eq!(refused(check(&client, &sid, &code)), (429, 60202));
    assert_eq!(refused(create(&client, &wrong)), (429, 60312));
    let attempts = client_with(&sim, "main")
        .attempts()
        .list(None, None, deadline());
    let of: Vec<Option<VerificationSid>> = attempts
        .unwrap()
        .into_iter()
        .map(|one| one.verification)
        .collect();
    assert_eq!(of, vec![Some(sid.clone()); 5]);
    let later = json!({"refuses_used_codes": true, "ahead_seconds": 899});
    change(&sim, &later);

    sim.restart(&[]);

    let client = client_with(&sim, "host");
    assert_ne!(start(&client).unwrap(), sid, "the clock is still ahead");
}

#[test]
fn services_and_people_that_were_deleted_stay_deleted() {
    let mut sim = Sim::start();
    let key = ["TWILIO_API_KEY", "TWILIO_API_SECRET"].map(|name| sim.twilio(name));
    let own = format!("/v2/Services/{}", sim.twilio("TWILIO_VERIFY_SERVICE"));
    let ask = |sim: &Sim, method: &str, path: &str, form: &[(&str, &str)]| {
        let (status, body) = request(sim, method, path, &key, form);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    };
    let name = [
        ("FriendlyName", "Gate"),
        ("CodeLength", "8"),
        ("LookupEnabled", "true"),
    ];
    let (_, gate) = ask(&sim, "POST", "/v2/Services", &name);
    let gate = format!("/v2/Services/{}", gate["sid"].as_str().unwrap());
    app(&sim);
    let person = format!("{own}/Entities/{IDENTITY}");
    assert_eq!(ask(&sim, "DELETE", &person, &[]).0, 204);

    sim.restart(&[]);
    assert_eq!(ask(&sim, "GET", &person, &[]).0, 404);
    let (_, found) = ask(&sim, "GET", &gate, &[]);
    let kept = ["friendly_name", "code_length", "lookup_enabled"].map(|name| found[name].clone());
    assert_eq!(kept, [json!("Gate"), json!(8), json!(true)]);
    assert_eq!(ask(&sim, "DELETE", &own, &[]).0, 204);

    sim.restart(&[]);
    assert_eq!(ask(&sim, "GET", &own, &[]).0, 404);
    assert_eq!(ask(&sim, "GET", &gate, &[]).0, 200);
}

/// As after a kill in the middle of a write, whose request got no answer.
#[test]
fn a_torn_last_line_loses_no_code_that_was_answered() {
    let mut sim = Sim::start();
    let client = client_with(&sim, "host");
    let sid = start(&client).unwrap();
    let code = last_code(&sim);
    let state = sim.path("state.jsonl");
    let mode = fs::metadata(&state).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it has codes and secrets");
    let text = fs::read_to_string(&state).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains(sid.as_str()))
        .unwrap();
    let torn = line.replace(&code, "999999");
    let mut file = fs::OpenOptions::new().append(true).open(&state).unwrap();
    file.write_all(&torn.as_bytes()[..torn.len() - 1]).unwrap();

    sim.restart(&[]);

    let client = client_with(&sim, "host");
    check(&client, &sid, &code).unwrap();
}
