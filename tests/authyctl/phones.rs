//! The command `phone`: verification of a phone number.

use serde_json::json;

use super::run_json;
use crate::common::sim::Sim;

#[test]
fn a_phone_is_verified_by_the_code_that_it_got() {
    let sim = Sim::start();
    let phone = "+1 405-342-5699";
    let (status, answer) = run_json(&sim, &["phone", "start", phone, "--code-length", "6"], "");
    assert_eq!((status, &answer["is_cellphone"]), (0, &json!(true)));
    let (status, _) = run_json(&sim, &["phone", "check", phone, "000000"], "");
    assert_eq!(status, 1);
    let code = sim.get("/phone.json")["verifications"][0]["code"].clone();
    let (status, _) = run_json(&sim, &["phone", "check", phone], code.as_str().unwrap());
    assert_eq!(status, 0);
    let (status, answer) = run_json(&sim, &["phone", "status", phone], "");
    assert_eq!((status, &answer["status"]), (0, &json!("verified")));
    let (status, answer) = run_json(&sim, &["phone", "info", phone], "");
    assert_eq!((status, &answer["type"]), (0, &json!("cellphone")));
    let (status, _) = run_json(&sim, &["phone", "start", phone, "--country-code", "57"], "");
    assert_eq!(status, 2);
}
