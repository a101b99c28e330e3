//! Commands about Twilio Verify: `init twilio`, `enroll --phone` and `--twilio-app`, `status`,
//! `unenroll --remote`, `phone info`.

use std::fs;

use serde_json::{Value, json};

use super::{run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::totp::{SECRET, oathtool};

pub(super) const NUMBER: &str = "+15551234567";

/// A host whose config.toml is this file of the simulator: `twilio.toml` has the host's restricted
/// key, `twilio-admin.toml` the main one.
pub(super) fn host(file: &str) -> Sim {
    let sim = Sim::start();
    fs::copy(sim.path(file), sim.path("config.toml")).unwrap();
    sim
}

fn users(sim: &Sim) -> String {
    fs::read_to_string(sim.path("users.toml")).unwrap()
}

/// The apps that Twilio has.
fn apps(sim: &Sim) -> Vec<Value> {
    let phones = sim.get("/phone/twilio");
    phones["factors"].as_array().unwrap().clone()
}

/// Enrolls carol with an app whose secret is `SECRET`.
fn enroll_app(sim: &Sim, secret: &str, more: &[&str]) -> (i32, Value) {
    let input = format!("{secret}\n{}\n", oathtool(secret, 0));
    let arguments = ["enroll", "carol", "--twilio-app", "--secret", "-"];
    run_json(sim, &[&arguments, more].concat(), &input)
}

#[test]
fn init_twilio_writes_a_key_that_twilio_accepts_and_keeps_the_rest() {
    let sim = Sim::start();
    let config = sim.path("config.toml");
    let before = "# ours\n[login]\nattempts = 2 # few\n[lockers]\n# no\n#allow = false\n";
    fs::write(&config, before).unwrap();
    let service = sim.twilio("TWILIO_VERIFY_SERVICE");
    fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let secret = sim.twilio("TWILIO_HOST_SECRET");

    let (status, answer) = init(&sim, "TWILIO_HOST_KEY", "wrong", &[]);
    assert_eq!((status, &answer["error"]["code"]), (1, &json!(20003)));
    assert_eq!(fs::read_to_string(&config).unwrap(), before);

    let (status, answer) = init(&sim, "TWILIO_HOST_KEY", &secret, &[]);
    assert_eq!(
        (status, &answer["restricted"]),
        (0, &json!(true)),
        "{answer}"
    );
    assert!(answer.get("warning").is_none(), "{answer}");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.starts_with(before), "{text}");
    assert!(text.contains(&format!("service = \"{service}\"")), "{text}");

    let (status, answer) = init(&sim, "TWILIO_API_KEY", "x", &[]);
    assert_eq!(status, 4, "{answer}");
    let main = sim.twilio("TWILIO_API_SECRET");
    let (status, answer) = init(&sim, "TWILIO_API_KEY", &main, &["--force"]);
    assert_eq!(
        (status, &answer["restricted"]),
        (0, &json!(false)),
        "{answer}"
    );
    let warning = answer["warning"].as_str().unwrap();
    assert!(
        warning.contains("use a restricted key on a host"),
        "{warning}"
    );
    assert!(!fs::read_to_string(&config).unwrap().contains(&secret));
}

/// Runs `init twilio` with the key of this name in twilio.env.
fn init(sim: &Sim, key: &str, secret: &str, more: &[&str]) -> (i32, Value) {
    let config = fs::read_to_string(sim.path("twilio.toml")).unwrap();
    let line = config.lines().find(|line| line.starts_with("url = "));
    let url = line.unwrap().split('"').nth(1).unwrap().to_owned();
    let (service, key) = (sim.twilio("TWILIO_VERIFY_SERVICE"), sim.twilio(key));
    let ca = sim.path("ca.pem");
    let arguments = [
        "init",
        "twilio",
        "--service",
        &service,
        "--key-sid",
        &key,
        "--url",
        &url,
        "--ca-file",
        ca.to_str().unwrap(),
    ];
    run_json(sim, &[&arguments[..], more].concat(), secret)
}

#[test]
fn init_twilio_makes_a_missing_file_and_names_what_is_missing() {
    let sim = Sim::start();
    fs::remove_file(sim.path("config.toml")).unwrap();
    let service = sim.twilio("TWILIO_VERIFY_SERVICE");
    let rows: [(&[&str], &str); 3] = [
        (&["init", "twilio"], "--service is required"),
        (
            &["init", "twilio", "--service", &service],
            "--key-sid is required",
        ),
        (
            &["init", "authy", "--service", &service],
            "--service and --key-sid are for init twilio",
        ),
    ];
    check_rows(rows, |(arguments, why)| {
        let (status, answer) = run_json(&sim, arguments, "secret\n");
        assert_eq!((status, &answer["error"]["message"]), (2, &json!(why)));
    });
    let secret = sim.twilio("TWILIO_HOST_SECRET");
    let (status, answer) = init(&sim, "TWILIO_HOST_KEY", &secret, &[]);
    assert_eq!(status, 0, "{answer}");
    let (status, answer) = run_json(&sim, &["check"], "");
    assert_eq!(status, 0, "{answer}");
}

#[test]
fn a_number_is_enrolled_once_and_changed_with_replace_only() {
    let sim = host("twilio.toml");
    let enroll = |number: &str, more: &[&str]| {
        run_json(
            &sim,
            &[&["enroll", "carol", "--phone", number], more].concat(),
            "",
        )
    };
    let (status, answer) = enroll(NUMBER, &[]);
    assert_eq!((status, &answer["changed"]), (0, &json!(true)), "{answer}");
    assert_eq!(answer["phone"], NUMBER);
    assert_eq!(enroll(NUMBER, &[]).1["changed"], false);
    let (status, answer) = enroll("+15557654321", &[]);
    assert_eq!(status, 1, "{answer}");
    assert!(
        users(&sim).contains("carol = { phone = \"+15551234567\" }"),
        "{}",
        users(&sim)
    );
    assert_eq!(enroll("+15557654321", &["--replace"]).0, 0);
    assert!(users(&sim).contains("+15557654321"));
    for number in ["5551234567", "+0555123456", "x"] {
        assert_eq!(enroll(number, &[]).0, 2, "{number}");
    }
    assert_eq!(sim.requests().len(), 0, "nothing is sent");
    let (_, answer) = run_json(&sim, &["status", "carol"], "");
    assert_eq!(answer["phone"], "+*********21");

    let other = Sim::start();
    let (status, answer) = run_json(&other, &["enroll", "carol", "--phone", NUMBER], "");
    assert_eq!(status, 0);
    let warning = answer["warning"].as_str().unwrap();
    assert!(
        warning.contains("config.toml has no table [twilio]"),
        "{warning}"
    );
}

#[test]
fn an_app_is_made_at_twilio_proven_by_its_first_code_and_shown_by_status() {
    let sim = host("twilio-admin.toml");
    run_json(&sim, &["enroll", "carol", "--phone", NUMBER], "");
    let (status, answer) = enroll_app(&sim, SECRET, &[]);
    assert_eq!((status, &answer["secret"]), (0, &json!(SECRET)), "{answer}");
    let (identity, sid) = (&answer["twilio_identity"], &answer["twilio_factor"]);
    let entry =
        format!("phone = \"{NUMBER}\", twilio_identity = {identity}, twilio_factor = {sid}");
    assert!(users(&sim).contains(&entry), "{}", users(&sim));
    let known = apps(&sim);
    assert_eq!(
        (&known[0]["sid"], &known[0]["verified"]),
        (sid, &json!(true))
    );
    assert!(known[0]["name"].as_str().unwrap().starts_with("carol@"));

    let (status, answer) = run_json(&sim, &["status", "carol"], "");
    assert_eq!((status, &answer["verified"]), (0, &json!(true)), "{answer}");
    assert_eq!(
        (&answer["twilio_factor"], &answer["digits"]),
        (sid, &json!(6))
    );

    let (status, answer) = enroll_app(&sim, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", &[]);
    assert_eq!(status, 1, "{answer}");
    let (status, answer) = enroll_app(&sim, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", &["--replace"]);
    assert_eq!(
        (status, &answer["twilio_identity"]),
        (0, identity),
        "{answer}"
    );
    assert_eq!(apps(&sim).len(), 1, "the old app is deleted");

    let (status, answer) = run_json(&sim, &["unenroll", "carol", "--remote"], "");
    assert_eq!(status, 0, "{answer}");
    assert_eq!(apps(&sim).len(), 0);
    assert!(!users(&sim).contains("carol"));
}

#[test]
fn an_app_that_is_not_proven_is_deleted_and_nothing_is_written() {
    let sim = host("twilio-admin.toml");
    let arguments = ["enroll", "carol", "--twilio-app", "--secret", "-"];
    let input = format!("{SECRET}\n000000\n");
    let (status, answer) = run_json(&sim, &arguments, &input);
    assert_eq!(
        (status, &answer["error"]["message"]),
        (1, &json!("the code is wrong"))
    );
    assert_eq!((apps(&sim).len(), sim.count("/Factors/YF")), (0, 2));
    assert!(!users(&sim).contains("carol"));

    assert_eq!(
        run_json(&sim, &arguments[..3], "").0,
        2,
        "--json cannot ask"
    );

    let image = sim.path("carol.png");
    fs::write(&image, "of another person").unwrap();
    let to_image = ["--no-check", "--output", image.to_str().unwrap()];
    assert_eq!(
        run_json(&sim, &[&arguments[..3], &to_image].concat(), "").0,
        4
    );
    assert_eq!(fs::read_to_string(&image).unwrap(), "of another person");
    assert_eq!(apps(&sim).len(), 0);
}

#[test]
fn an_app_that_is_not_checked_at_its_enrolment_is_proven_by_verify() {
    let sim = host("twilio-admin.toml");
    let enroll = ["enroll", "carol", "--twilio-app", "--no-check"];
    let (status, answer) = run_json(&sim, &enroll, "");
    assert_eq!(status, 0, "{answer}");
    let warning = answer["warning"].as_str().unwrap();
    assert!(warning.contains("verify carol CODE"), "{warning}");
    let verified = || run_json(&sim, &["status", "carol"], "").1["verified"].clone();
    assert_eq!(verified(), false);

    let secret = answer["secret"].as_str().unwrap();
    let code = oathtool(secret, 0);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(run_json(&sim, &["verify", "carol", wrong], "").0, 1);
    assert_eq!(verified(), false);
    assert_eq!(run_json(&sim, &["verify", "carol", &code], "").0, 0);
    assert_eq!(verified(), true);
    let (status, answer) = run_json(&sim, &["verify", "carol", &code], "");
    assert_eq!(status, 1, "the first code is used up: {answer}");
}

#[test]
fn status_says_with_a_hosts_key_what_the_host_knows() {
    let sim = host("twilio-admin.toml");
    run_json(&sim, &["enroll", "carol", "--phone", NUMBER], "");
    assert_eq!(enroll_app(&sim, SECRET, &[]).0, 0);
    fs::copy(sim.path("twilio.toml"), sim.path("config.toml")).unwrap();
    let (status, answer) = run_json(&sim, &["status", "carol"], "");
    assert_eq!((status, &answer["phone"]), (0, &json!("+*********67")));
    assert!(answer["twilio_factor"].is_string() && answer.get("verified").is_none());
    let warning = answer["warning"].as_str().unwrap();
    assert!(warning.contains("an administrator's key"), "{warning}");
}

#[test]
fn a_restricted_key_makes_no_app_and_the_hint_names_another_configuration() {
    let sim = host("twilio.toml");
    let (status, answer) = enroll_app(&sim, SECRET, &[]);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (1, &json!(70051)),
        "{answer}"
    );
    let arguments = ["enroll", "carol", "--twilio-app", "--secret", "-"];
    let output = run(&sim, &arguments, &format!("{SECRET}\n000000\n"));
    let shown = text(&output.stderr);
    assert!(
        shown.contains("--config FILE names another config.toml"),
        "{shown}"
    );
}

#[test]
fn a_number_is_looked_up_where_twilio_is_the_provider() {
    let sim = host("twilio-admin.toml");
    let info = |number: &[&str]| run_json(&sim, &[&["phone", "info"], number].concat(), "");
    let (status, answer) = info(&["+1 555-123-4567"]);
    assert_eq!((status, &answer["type"]), (0, &json!("mobile")), "{answer}");
    assert_eq!(answer["phone"], NUMBER);
    let (_, answer) = info(&["555 123 4000", "--country-code", "1"]);
    assert_eq!(
        (&answer["type"], &answer["phone"]),
        (&json!("landline"), &json!("+15551234000"))
    );
    assert!(
        answer["warning"].as_str().unwrap().contains("no SMS"),
        "{answer}"
    );
    let (status, answer) = info(&["+1415"]);
    assert_eq!((status, &answer["errors"]), (0, &json!(["TOO_SHORT"])));
}

#[test]
fn sms_call_and_verify_work_by_the_rules_of_a_login() {
    let sim = host("twilio.toml");
    let app = json!({"identity": "ff483d1f-f591", "secret": SECRET});
    let made = sim.post("/phone/twilio/factors", &app);
    let sid = made["sid"].as_str().unwrap();
    let entries = format!(
        "[users]\ncarol = {{ phone = \"{NUMBER}\" }}\n\
         erin = {{ twilio_identity = \"ff483d1f-f591\", twilio_factor = \"{sid}\" }}\n"
    );
    fs::write(sim.path("users.toml"), entries).unwrap();

    let (status, answer) = run_json(&sim, &["verify", "carol", "123456"], "");
    let none = "no code was sent within ten minutes";
    assert_eq!((status, &answer["error"]["message"]), (1, &json!(none)));
    let (status, answer) = run_json(&sim, &["sms", "carol", "--locale", "de"], "");
    assert_eq!(
        (status, &answer["cellphone"]),
        (0, &json!("+*********67")),
        "{answer}"
    );
    assert_eq!(run_json(&sim, &["call", "carol"], "").0, 0);
    let sent = sim.get("/phone/twilio")["verifications"][0].clone();
    assert_eq!(
        (&sent["channel"], &sent["sends"]),
        (&json!("call"), &json!(2))
    );
    let code = sent["code"].as_str().unwrap();
    let (status, answer) = run_json(&sim, &["verify", "carol"], code);
    assert_eq!(
        (status, &answer["token"]),
        (0, &json!("is valid")),
        "{answer}"
    );
    assert_eq!(run_json(&sim, &["verify", "carol", code], "").0, 1);

    let code = oathtool(SECRET, 0);
    assert_eq!(run_json(&sim, &["verify", "erin", "000000"], "").0, 1);
    assert_eq!(run_json(&sim, &["verify", "erin", &code], "").0, 0);
    let (status, answer) = run_json(&sim, &["verify", "erin", &code], "");
    assert_eq!(
        (status, &answer["error"]["message"]),
        (1, &json!("the code was used"))
    );
    assert_eq!(
        run_json(&sim, &["sms", "erin"], "").0,
        4,
        "erin has no number"
    );
    assert_eq!(run_json(&sim, &["verify", "erin", "12"], "").0, 2);

    let mut used = fs::read_dir(sim.path("state/twilio-used")).unwrap();
    fs::write(used.next().unwrap().unwrap().path(), "x").unwrap();
    assert_eq!(run_json(&sim, &["verify", "erin", "000000"], "").0, 4);
    let (_, answer) = run_json(&sim, &["doctor", "--pam-dir", "/nonexistent"], "");
    let checks = answer["checks"].as_array().unwrap();
    let is_named = |check: &&Value| check["message"].to_string().contains("twilio-used");
    let named = checks.iter().find(is_named).expect("doctor names the file");
    assert_eq!(
        (&named["name"], &named["result"]),
        (&json!("state"), &json!("problem"))
    );
}
