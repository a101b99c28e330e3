//! Third-party clients: the Python package `authy`, the npm packages `authy` and `authy-client` and a
//! browser against authy-sim, and SSH clients against sshd.
//!
//! The first ones show that authy-sim serves clients that were written for the real service.
//! scripts/peers.sh fetches them; scripts/check.sh skips these tests by name where one is not
//! available.

mod ssh_clients;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::common::browser::Browser;
use crate::common::sim::Sim;

/// The folder where scripts/peers.sh installs the package.
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/authy");

#[test]
#[ignore = "needs the Python package authy in target/peers (scripts/peers.sh)"]
fn every_call_of_the_python_client_works_against_the_simulator() {
    assert!(
        Path::new(PACKAGE).is_dir(),
        "run scripts/peers.sh first: {PACKAGE} is missing"
    );
    let sim = Sim::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/authy_python.py");
    let output = Command::new("python3")
        .arg(script)
        .args([sim.url(), sim.key(), sim.control().to_owned()])
        .env("PYTHONPATH", PACKAGE)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("REQUESTS_CA_BUNDLE", sim.path("ca.pem"))
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("all calls done"), "{text}");
}

/// Runs a script below tests/peers with node and the npm packages, against a new simulator.
fn runs_with_npm_package(script: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = root.join("target/peers/npm/node_modules");
    assert!(modules.is_dir(), "run scripts/peers.sh npm first");
    let sim = Sim::start();
    let output = Command::new("timeout")
        .args(["60", "node", "--no-deprecation"])
        .arg(root.join("tests/peers").join(script))
        .args([sim.url(), sim.key(), sim.control().to_owned()])
        .env("NODE_PATH", modules)
        .env("NODE_EXTRA_CA_CERTS", sim.path("ca.pem"))
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("all calls done"), "{text}");
}

#[test]
#[ignore = "needs npm packages in target/peers (scripts/peers.sh)"]
fn every_call_of_the_npm_package_authy_client_works_against_the_simulator() {
    runs_with_npm_package("authy_client.js");
}

#[test]
#[ignore = "needs npm packages in target/peers (scripts/peers.sh)"]
fn every_call_of_the_npm_package_authy_works_against_the_simulator() {
    runs_with_npm_package("authy_node.js");
}

/// Runs authyctl with the simulator's files; returns whether it succeeded, and its output.
fn authyctl(sim: &Sim, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .arg("--config")
        .arg(sim.path("config.toml"))
        .arg("--users")
        .arg(sim.path("users.toml"))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

/// Waits up to 10 s until the page's text contains `expected`, and returns that text.
fn wait_for_text(browser: &mut Browser, expected: &str) -> String {
    for _ in 0..200 {
        let text = browser.value("document.body.innerText");
        let text = text.as_str().unwrap_or_default().to_owned();
        if text.contains(expected) {
            return text;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the page never showed {expected:?}");
}

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn a_browser_shows_the_phone_where_an_sms_is_read_and_a_click_decides_a_push() {
    let sim = Sim::start();
    sim.change(1635, &json!({"registered": true}));
    let mut browser = Browser::open(&format!("{}/phone", sim.control()));
    wait_for_text(&mut browser, "alice@example.com");

    let (sent, output) = authyctl(&sim, &["sms", "--authy-id", "1635", "--force"]);
    assert!(sent, "{output}");
    let text = wait_for_text(&mut browser, "Your Authy code is ");
    let token = text.split("Your Authy code is ").nth(1).unwrap();
    let token: String = token.chars().take_while(char::is_ascii_digit).collect();
    let (accepted, output) = authyctl(&sim, &["verify", "--authy-id", "1635", &token]);
    assert!(accepted, "{output}");

    for (button, approves, message) in [
        ("approve", true, "Log in to server1?"),
        ("deny", false, "Restart the database?"),
    ] {
        let detail = "From=192.0.2.7";
        let arguments = [
            "push",
            "--authy-id",
            "1635",
            "--detail",
            detail,
            "--message",
            message,
        ];
        let (approved, output) = thread::scope(|scope| {
            let waiting = scope.spawn(|| authyctl(&sim, &arguments));
            wait_for_text(&mut browser, message);
            fs::write(sim.path("phone.png"), browser.screenshot()).unwrap();
            browser.click(&format!("button.{button}"));
            waiting.join().unwrap()
        });
        assert_eq!(approved, approves, "{output}");
        wait_for_text(&mut browser, if approves { "APPROVED" } else { "DENIED" });
    }
    if let Some(path) = std::env::var_os("PAM_AUTHY_PICTURE") {
        fs::copy(sim.path("phone.png"), path).unwrap();
    }
}
