//! The simulator's phone page in a real Chromium (scripts/peers.sh chromium), by mouse and by
//! keyboard alone.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::browser::{Browser, Key};
use crate::common::sim::Sim;

/// Updates the page twice, as it does itself once a second.
fn update(browser: &mut Browser) {
    let done = browser.value("refresh().then(refresh).then(() => 'done')");
    assert_eq!(done, "done");
}

/// Runs authyctl with the simulator's files; returns whether it succeeded, and its output.
pub(super) fn authyctl(sim: &Sim, arguments: &[&str]) -> (bool, String) {
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

/// Waits up to 10 s until the page's text contains `expected`, and returns that text. It does not
/// wait for the page's own next update.
pub(super) fn wait_for_text(browser: &mut Browser, expected: &str) -> String {
    for _ in 0..200 {
        let script =
            "(async () => { await globalThis.refresh?.(); return document.body.innerText })()";
        let text = browser.value(script);
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
        wait_for_text(&mut browser, if approves { "Approved" } else { "Denied" });
    }
    if let Some(path) = std::env::var_os("PAM_AUTHY_PICTURE") {
        fs::copy(sim.path("phone.png"), path).unwrap();
    }
}

/// Opens the page of a simulator where alice has the app.
pub(super) fn open(sim: &Sim) -> Browser {
    sim.change(1635, &json!({"registered": true}));
    let mut browser = Browser::open(&format!("{}/phone", sim.control()));
    wait_for_text(&mut browser, "alice@example.com");
    browser
}

/// Sends a push to alice and returns its uuid, without waiting for the decision.
pub(super) fn push(sim: &Sim, message: &str) -> String {
    let path = "onetouch/json/users/1635/approval_requests";
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "5", "--data"])
        .arg(format!("message={message}&seconds_to_expire=90"))
        .arg("--cacert")
        .arg(sim.path("ca.pem"))
        .args(["--header", &format!("X-Authy-API-Key: {}", sim.key())])
        .arg(format!("{}/{path}", sim.url()))
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["approval_request"]["uuid"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

/// Waits up to 10 s until a push is decided, and returns how.
fn decision(sim: &Sim, uuid: &str) -> String {
    for _ in 0..200 {
        let pushes = sim.get("/phone.json")["users"][0]["approvals"].clone();
        let found = pushes.as_array().unwrap().iter();
        let found = found.clone().find(|push| push["uuid"] == uuid).unwrap();
        if found["status"] != "pending" {
            return found["status"].as_str().unwrap().to_owned();
        }
        thread::sleep(Duration::from_millis(50));
    }
    "pending".to_owned()
}

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn the_phone_decides_a_push_by_keyboard_alone_and_keeps_focus_and_pressed_key_in_an_update() {
    let sim = Sim::start();
    let mut browser = open(&sim);
    let first = push(&sim, "First");
    let text = wait_for_text(&mut browser, "First");
    wait_for_news(&mut browser, "A push for alice@example.com: First");
    let top = text.find("First").unwrap();
    assert!(top < text.find("authy id 1635").unwrap(), "{text}");
    let left = "document.querySelector('.left').textContent";
    let before = browser.value(left);
    assert!(before.as_str().unwrap().ends_with(" s left"), "{before}");

    browser.tab_to("button.approve");
    wait_for(
        &mut browser,
        &format!("{left} !== '{}'", before.as_str().unwrap()),
    );
    browser.hold(Key::Space);
    let second = push(&sim, "Second");
    wait_for_text(&mut browser, "2 pushes wait");
    update(&mut browser);
    assert_eq!(browser.value("document.activeElement.className"), "approve");
    browser.release(Key::Space);

    assert_eq!(decision(&sim, &first), "approved");
    wait_for_text(&mut browser, "1 push waits");
    // Not on the button of the next push, which a second keystroke would press.
    assert_eq!(browser.value("document.activeElement.id"), "waiting-title");
    browser.tab_to("button.deny");
    browser.press(Key::Enter);
    assert_eq!(decision(&sim, &second), "denied");
    wait_for_text(&mut browser, "No push waits");
}

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn a_selection_and_a_pressed_button_survive_the_updates_of_the_phone() {
    let sim = Sim::start();
    let mut browser = open(&sim);
    let send_sms = || {
        let (sent, output) = authyctl(&sim, &["sms", "--authy-id", "1635", "--force"]);
        assert!(sent, "{output}");
    };
    send_sms();
    wait_for_text(&mut browser, "Your Authy code is ");
    browser.value("getSelection().selectAllChildren(document.querySelector('#people li'))");
    let selection = "getSelection().toString()";
    let selected = browser.value(selection);
    assert!(selected.as_str().unwrap().contains("code is"), "{selected}");

    send_sms();
    let first = push(&sim, "First");
    wait_for_text(&mut browser, "1 push waits");
    update(&mut browser);
    assert_eq!(browser.value(selection), selected);

    browser.press_mouse("button.deny");
    let second = push(&sim, "Second");
    wait_for_text(&mut browser, "2 pushes wait");
    update(&mut browser);
    browser.release_mouse();

    assert_eq!(decision(&sim, &first), "denied");
    let pending = sim.pending_push(1635).unwrap();
    assert_eq!(pending["uuid"], second);
}

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn a_person_is_added_to_the_phone_by_keyboard_and_a_bad_number_is_not() {
    let sim = Sim::start();
    let mut browser = open(&sim);

    browser.tab_to("#email");
    browser.type_text("bob@example.com");
    browser.tab_to("#country");
    browser.type_text("44");
    browser.tab_to("#number");
    browser.type_text("( ) - ");
    browser.press(Key::Enter);
    let said = "document.querySelector('#number').validationMessage";
    wait_for(
        &mut browser,
        &format!("{said} === 'This phone number is not valid'"),
    );
    assert_eq!(sim.get("/phone.json")["users"].as_array().unwrap().len(), 1);

    browser.tab_to("#number");
    browser.type_text("7700 900142");
    browser.tab_to("#registered");
    browser.press(Key::Space);
    browser.press(Key::Enter);
    wait_for_text(&mut browser, "+44 7700900142, has the app");

    let added = sim.get("/phone.json")["users"][1].clone();
    assert_eq!(added["email"], "bob@example.com");
    assert_eq!(added["registered"], true);
    let news = browser.value("document.querySelector('#news').textContent");
    assert_eq!(news, "Added: bob@example.com");
    assert_eq!(browser.value("document.activeElement.id"), "email");
    // And the code of a person can be taken from there.
    browser.tab_to("#people article:last-child button.copy");
    browser.press(Key::Enter);
    let copied = wait_for_news(&mut browser, "the code of bob@example.com");
    assert!(copied.starts_with("Copied") || copied.starts_with("Selected"));
}

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn a_message_of_an_application_is_shown_as_text_on_the_phone() {
    let sim = Sim::start();
    let mut browser = open(&sim);
    let message = "<img src=x onerror=document.body.remove()>";
    push(&sim, message);
    wait_for_text(&mut browser, message);
    assert_eq!(browser.value("document.querySelectorAll('img').length"), 0);
    // Its files are its own, and each was loaded.
    assert_eq!(
        browser.value("document.styleSheets[0].cssRules.length > 10"),
        true
    );
}

/// Waits up to 5 s until this is true without our doing.
fn wait_for(browser: &mut Browser, condition: &str) {
    for _ in 0..100 {
        if browser.value(condition) == true {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("it never becomes true: {condition}");
}

/// Waits up to 5 s until a screen reader is told this.
fn wait_for_news(browser: &mut Browser, expected: &str) -> String {
    for _ in 0..100 {
        let news = browser.value("document.querySelector('#news').textContent");
        let news = news.as_str().unwrap().to_owned();
        if news.contains(expected) {
            return news;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("it is never said: {expected}");
}
