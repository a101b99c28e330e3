//! Clients that nobody here wrote, against authy-sim: a Python package, and a browser.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::common::browser::Browser;
use crate::common::sim::Sim;

/// Where scripts/peers.sh puts the package.
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

/// Runs authyctl with the simulator's files: whether it ended with 0, and what it said.
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

/// The page's text once it holds `words`.
fn text_with(browser: &mut Browser, words: &str) -> String {
    for _ in 0..200 {
        let text = browser.value("document.body.innerText");
        let text = text.as_str().unwrap_or_default().to_owned();
        if text.contains(words) {
            return text;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the page never said {words:?}");
}

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn a_browser_shows_the_phone_where_an_sms_is_read_and_a_click_decides_a_push() {
    let sim = Sim::start();
    sim.change(1635, &json!({"registered": true}));
    let mut browser = Browser::open(&format!("{}/phone", sim.control()));
    text_with(&mut browser, "alice@example.com");

    let (sent, said) = authyctl(&sim, &["sms", "--authy-id", "1635", "--force"]);
    assert!(sent, "{said}");
    let text = text_with(&mut browser, "Your Authy token is ");
    let token = text.split("Your Authy token is ").nth(1).unwrap();
    let token: String = token.chars().take_while(char::is_ascii_digit).collect();
    let (right, said) = authyctl(&sim, &["verify", "--authy-id", "1635", &token]);
    assert!(right, "{said}");

    for (button, approves, message) in [
        ("approve", true, "Log in to server1?"),
        ("deny", false, "Restart the database?"),
    ] {
        let detail = "From=192.0.2.7";
        let how = [
            "push",
            "--authy-id",
            "1635",
            "--detail",
            detail,
            "--message",
            message,
        ];
        let (approved, said) = thread::scope(|scope| {
            let waiting = scope.spawn(|| authyctl(&sim, &how));
            text_with(&mut browser, message);
            fs::write(sim.path("phone.png"), browser.picture()).unwrap();
            browser.click(&format!("button.{button}"));
            waiting.join().unwrap()
        });
        assert_eq!(approved, approves, "{said}");
        text_with(&mut browser, if approves { "APPROVED" } else { "DENIED" });
    }
    if let Some(path) = std::env::var_os("PAM_AUTHY_PICTURE") {
        fs::copy(sim.path("phone.png"), path).unwrap();
    }
}
