//! The commands about the application at Authy: `init`, `app`, `stats`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{authyctl, feed, run_json};
use crate::common::sim::Sim;

#[test]
fn the_application_is_shown_with_all_that_the_service_says() {
    let sim = Sim::start();
    let (status, answer) = run_json(&sim, &["app"], "");
    assert_eq!((status, &answer["app"]["name"]), (0, &json!("authy-sim")));
    let (status, answer) = run_json(&sim, &["stats"], "");
    assert_eq!((status, &answer["total_users"]), (0, &json!(1)));
    assert_eq!(answer["stats"][0]["month"], "January");
}

#[test]
fn init_checks_the_key_and_writes_a_configuration_that_works() {
    let sim = Sim::start();
    let config = sim.path("new/config.toml");
    let ca = sim.path("ca.pem");
    let init = |key: &str, more: &[&str]| {
        let mut command = authyctl();
        command.arg("--json").arg("--config").arg(&config);
        command
            .args(["init", "--url", &sim.url(), "--ca-file"])
            .arg(&ca)
            .args(more);
        let output = feed(command, key);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), answer)
    };

    let (status, answer) = init("wrong\n", &[]);
    assert_eq!((status, &answer["error"]["code"]), (1, &json!(60001)));
    assert!(!config.exists(), "a key that is refused is not written");
    let (status, _) = init("", &[]);
    assert_eq!(status, 2);

    let (status, answer) = init(&(sim.key() + "\n"), &[]);
    assert_eq!(
        (status, &answer["app"]["name"]),
        (0, &json!("authy-sim")),
        "{answer}"
    );
    assert_eq!(
        fs::metadata(&config).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = fs::read(&config).unwrap();
    let (status, _) = init(&sim.key(), &[]);
    assert_eq!(status, 4, "what exists is not written over");
    assert_eq!(fs::read(&config).unwrap(), before);
    assert_eq!(init(&sim.key(), &["--force"]).0, 0);

    let mut app = authyctl();
    app.arg("--config").arg(&config).args(["app", "--json"]);
    assert!(feed(app, "").status.success());
}
