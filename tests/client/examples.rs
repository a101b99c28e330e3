//! The examples of the client's documentation, included from the files that it shows, against
//! authy-sim.

use std::thread;
use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Https;
use serde_json::json;

use crate::common::rows::check_rows;
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
    let transport = Https::new(Some(sim.path("ca.pem")), None);
    let timeout = Duration::from_secs(5);
    Client::new(transport, &sim.url(), Secret::new(sim.key()), timeout)
}

fn soon() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(20))
}

fn alice() -> AuthyId {
    "1635".parse().unwrap()
}

#[test]
fn the_examples_of_app_users_and_devices_do_what_they_say() {
    let sim = Sim::start();
    let client = client(&sim);
    assert_eq!(app::name(&client, soon()).unwrap(), "authy-sim");
    let id = users::create(&client, soon()).unwrap();
    assert_eq!(users::create(&client, soon()).unwrap(), id);
    sim.change(1635, &json!({"sdk_devices": [77]}));
    assert!(devices::forget(&client, soon()).unwrap());
    assert!(!devices::forget(&client, soon()).unwrap());
}

#[test]
fn the_example_of_tokens_distinguishes_right_from_wrong() {
    let sim = Sim::start();
    let client = client(&sim);
    let token = sim.token(1635).parse().unwrap();
    assert!(tokens::is_right(&client, alice(), &token, soon()).unwrap());
    assert!(!tokens::is_right(&client, alice(), &token, soon()).unwrap());
}

#[test]
fn the_example_of_phones_sends_a_code_and_accepts_no_other() {
    let sim = Sim::start();
    let answer = phones::send(&client(&sim), soon());
    let code = sim.get("/phone.json")["verifications"][0]["code"].clone();
    let is_right = code == "1234";
    assert_eq!(answer.is_ok(), is_right, "{answer:?}");
    assert!(is_right || matches!(answer, Err(Error::Refused(_))));
}

#[test]
fn the_example_of_approvals_waits_for_the_person() {
    check_rows([true, false], |approve| {
        let sim = Sim::start();
        sim.change(1635, &json!({"registered": true}));
        let client = client(&sim);
        let said = thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..200 {
                    let phones = sim.get("/phone.json");
                    if let Some(uuid) = phones["users"][0]["approvals"][0]["uuid"].as_str() {
                        let path = format!("/phone/approvals/{uuid}");
                        sim.post(&path, &json!({"approve": approve}));
                        return;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
            approvals::ask(&client, alice(), soon()).unwrap()
        });
        assert_eq!(said, approve);
    });
}
