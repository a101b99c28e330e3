//! Runs the examples of the client's documentation against authy-sim. The tests include the same
//! files that the documentation shows.

use std::thread;
use std::time::Duration;

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::client::authy::Client;
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::http::Https;
use serde_json::json;

use super::check_code;
use crate::common::sim::Sim;

/// Includes each file as a module.
macro_rules! examples {
    ($($name:ident)*) => {
        $(#[expect(unreachable_pub, reason = "documentation shows public functions")]
        mod $name {
            include!(concat!("../../src/client/authy/examples/", stringify!($name), ".rs"));
        })*
    };
}

examples! { app approvals devices phones tokens users }

fn client(sim: &Sim) -> Client<Https> {
    let transport = Https::new(sim.roots(), None);
    let timeout = Duration::from_secs(5);
    Client::new(transport, &sim.url(), Secret::new(sim.key()), timeout)
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(20))
}

fn alice() -> AuthyId {
    "1635".parse().unwrap()
}

#[test]
fn the_examples_of_app_users_and_devices_work() {
    let sim = Sim::start();
    let client = client(&sim);
    assert_eq!(app::name(&client, soon()).unwrap(), "authy-sim");
    sim.fault(&json!({"status": 200, "body": r#"{"app":{},"success":true}"#}));
    assert_eq!(app::name(&client, soon()).unwrap(), "?");
    let id = users::create(&client, soon()).unwrap();
    assert_eq!(users::create(&client, soon()).unwrap(), id);
    sim.change(1635, &json!({"sdk_devices": [77]}));
    assert!(devices::delete(&client, soon()).unwrap());
    assert!(!devices::delete(&client, soon()).unwrap());
}

#[test]
fn the_example_of_tokens_accepts_a_token_only_once() {
    let sim = Sim::start();
    let client = client(&sim);
    let token = sim.token(1635).parse().unwrap();
    assert!(tokens::is_valid(&client, alice(), &token, soon()).unwrap());
    assert!(!tokens::is_valid(&client, alice(), &token, soon()).unwrap());
}

#[test]
fn the_examples_of_phones_send_a_code_and_accept_no_other() {
    let sim = Sim::start();
    let client = client(&sim);
    let phone = Phone {
        country_code: "351".parse().unwrap(),
        cellphone: "912 345 678".parse().unwrap(),
    };
    phones::send(&client, &phone, soon()).unwrap();
    let code = sim.get("/phone.json")["verifications"][0]["code"].clone();
    let code = code.as_str().unwrap();
    let other = if code == "000000" { "111111" } else { "000000" };
    let is_right = |code: &str| phones::is_right(&client, &phone, &code.parse().unwrap(), soon());
    assert!(!is_right(other).unwrap());
    assert!(is_right(code).unwrap());
}

/// Answers the first push to arrive on the phone, within 4 seconds.
fn answer_push(sim: &Sim, approve: bool) {
    for _ in 0..200 {
        let phones = sim.get("/phone.json");
        if let Some(uuid) = phones["users"][0]["approvals"][0]["uuid"].as_str() {
            let path = format!("/phone/approvals/{uuid}");
            sim.post(&path, &json!({"approve": approve}));
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_example_of_approvals_returns_the_decision_of_the_person() {
    let mut failed = vec![true, false];
    failed.retain(|approve| {
        let sim = Sim::start();
        sim.change(1635, &json!({"registered": true}));
        let client = client(&sim);
        let answer = thread::scope(|scope| {
            scope.spawn(|| answer_push(&sim, *approve));
            approvals::ask(&client, alice(), soon())
        });
        answer.ok() != Some(*approve)
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn the_example_program_checks_codes_of_both_providers() {
    let sim = Sim::start();
    let setting = |name: &str| match name {
        "CA_FILE" => Some(sim.path("ca.pem").display().to_string()),
        "AUTHY_URL" | "TWILIO_URL" => Some(sim.url()),
        "AUTHY_API_KEY" => Some(sim.key()),
        name => Some(sim.twilio(name)),
    };
    let run = |provider: &str, person: &str, code: &dyn Fn() -> String| {
        let words = [provider.to_owned(), person.to_owned()];
        check_code::run(&words, &setting, &|| Ok(code() + "\n")).map_err(|error| error.to_string())
    };
    let newest = || {
        let sent = sim.get("/phone/twilio")["verifications"].clone();
        sent.as_array().unwrap().last().unwrap()["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(run("authy", "1635", &|| sim.token(1635)), Ok(true));
    assert_eq!(run("authy", "1635", &|| "1111111".to_owned()), Ok(false));
    let number = "+15551234567";
    let other = || {
        if newest() == "000000" {
            "111111"
        } else {
            "000000"
        }
        .to_owned()
    };
    assert_eq!(run("twilio", number, &other), Ok(false));
    assert_eq!(run("twilio", number, &newest), Ok(true));
    assert!(
        run("other", "1635", &newest)
            .unwrap_err()
            .starts_with("usage: ")
    );
}
