//! The simulator's phone page in a real Chromium (scripts/peers.sh chromium): by mouse, by keyboard
//! alone, and as a screen reader gets it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::browser::{Browser, Key};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Longer than the page takes from one update to the next.
const TWO_UPDATES: Duration = Duration::from_millis(2500);

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
        wait_for_text(&mut browser, if approves { "Approved" } else { "Denied" });
    }
    if let Some(path) = std::env::var_os("PAM_AUTHY_PICTURE") {
        fs::copy(sim.path("phone.png"), path).unwrap();
    }
}

/// Opens the page of a simulator where alice has the app.
fn open(sim: &Sim) -> Browser {
    sim.change(1635, &json!({"registered": true}));
    let mut browser = Browser::open(&format!("{}/phone", sim.control()));
    wait_for_text(&mut browser, "alice@example.com");
    browser
}

/// Sends a push to alice and returns its uuid, without waiting for the decision.
fn push(sim: &Sim, message: &str) -> String {
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
    let top = text.find("First").unwrap();
    assert!(top < text.find("authy id 1635").unwrap(), "{text}");
    let left = "document.querySelector('.left').textContent";
    let before = browser.value(left);
    assert!(before.as_str().unwrap().ends_with(" s left"), "{before}");

    browser.tab_to("button.approve");
    thread::sleep(TWO_UPDATES);
    assert_ne!(browser.value(left), before, "the seconds go on");
    browser.hold(Key::Space);
    let second = push(&sim, "Second");
    wait_for_text(&mut browser, "2 pushes wait");
    thread::sleep(TWO_UPDATES);
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
    thread::sleep(TWO_UPDATES);
    assert_eq!(browser.value(selection), selected);

    browser.press_mouse("button.deny");
    let second = push(&sim, "Second");
    wait_for_text(&mut browser, "2 pushes wait");
    thread::sleep(TWO_UPDATES);
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
    thread::sleep(Duration::from_millis(300));
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

/// Makes everything that the page can show.
fn show_everything(sim: &Sim) {
    for (id, change) in [
        (1636, json!({"suspended": true})),
        (1637, json!({"deleted": true})),
    ] {
        let cellphone = format!("555010{id}");
        let email = format!("p{id}@example.com");
        let person = json!({"authy_id": id, "email": email, "cellphone": cellphone});
        sim.post("/phone/users", &person);
        sim.change(id, &change);
    }
    let app = json!({"name": "gate", "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"});
    sim.post("/phone/apps", &app);
    for approve in [true, false] {
        let uuid = push(sim, "Decided");
        sim.post(
            &format!("/phone/approvals/{uuid}"),
            &json!({"approve": approve}),
        );
    }
    push(sim, "Waiting");
    let (sent, output) = authyctl(sim, &["sms", "--authy-id", "1635", "--force"]);
    assert!(sent, "{output}");
    let arguments = ["phone", "start", "405-342-5699"];
    let (started, output) = authyctl(sim, &arguments);
    assert!(started, "{output}");
}

/// Lists the texts with a contrast below 4.5, and the controls whose edge has one below 3 with the
/// ground (WCAG 2.2, 1.4.3 and 1.4.11, level AA).
const LOW_CONTRAST: &str = r"(() => {
    const numbers = (color) => color.match(/[\d.]+/g).map(Number);
    const light = (color) => {
        const [red, green, blue] = numbers(color).map((part) => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const ground = (node) => {
        const color = node ? getComputedStyle(node).backgroundColor : 'rgb(255, 255, 255)';
        return node && numbers(color)[3] === 0 ? ground(node.parentElement) : color;
    };
    const found = [];
    let texts = 0;
    for (const node of document.body.querySelectorAll('*')) {
        const style = getComputedStyle(node);
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        if (own && node.getClientRects().length) {
            texts += 1;
            const ratio = contrast(style.color, ground(node));
            if (ratio < 4.5) found.push(`${node.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`);
        }
        if (node.matches('button, input:not([type=checkbox])')) {
            const ratio = contrast(style.borderTopColor, ground(node.parentElement));
            if (ratio < 3) found.push(`edge of ${node.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`);
        }
    }
    return { found, texts };
})()";

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn each_text_and_edge_of_the_phone_has_the_contrast_of_level_aa_in_both_schemes() {
    let sim = Sim::start();
    let mut browser = open(&sim);
    show_everything(&sim);
    for text in [
        "1 push waits",
        "suspended",
        "deleted",
        "Denied",
        "gate",
        "Pending",
    ] {
        wait_for_text(&mut browser, text);
    }
    check_rows(["light", "dark"], |scheme| {
        browser.prefer(scheme);
        let judged = browser.value(LOW_CONTRAST);
        assert_eq!(judged["found"], json!([]));
        assert!(judged["texts"].as_u64().unwrap() > 30, "{judged}");
    });
    // A colour means one thing, and approving is not the colour of danger.
    let color = |browser: &mut Browser, selector: &str| {
        browser.value(&format!(
            "getComputedStyle(document.querySelector('{selector}')).backgroundColor.match(/\\d+/g).map(Number)"
        ))
    };
    browser.prefer("light");
    let approve = color(&mut browser, "button.approve");
    assert!(approve[1].as_u64() > approve[0].as_u64(), "{approve}");
    let deny = color(&mut browser, "button.deny");
    assert!(deny[0].as_u64() > deny[1].as_u64(), "{deny}");
}

#[test]
#[ignore = "needs chromium (scripts/peers.sh)"]
fn a_screen_reader_gets_a_name_of_its_own_for_each_control_of_the_phone() {
    let sim = Sim::start();
    let mut browser = open(&sim);
    show_everything(&sim);
    wait_for_text(&mut browser, "1 push waits");
    wait_for_text(&mut browser, "gate");

    let all = browser.names();

    let controls = ["button", "textbox", "checkbox"];
    let controls: Vec<_> = all
        .iter()
        .filter(|(role, _)| controls.contains(&role.as_str()))
        .collect();
    let names: BTreeSet<_> = controls.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(
        names.len(),
        controls.len(),
        "a name is there twice: {controls:?}"
    );
    check_rows(
        [
            ("button", "Approve: Waiting, for alice@example.com"),
            ("button", "Deny: Waiting, for alice@example.com"),
            ("button", "Copy the code of alice@example.com"),
            ("textbox", "E-mail"),
            ("textbox", "Country code"),
            ("textbox", "Phone number"),
            ("checkbox", "has the app"),
            ("button", "Add person"),
            ("heading", "1 push waits"),
            ("heading", "People"),
            ("article", "Waiting"),
            ("list", "Messages and pushes of alice@example.com"),
        ],
        |(role, name)| {
            let wanted = (role.to_owned(), name.to_owned());
            assert!(all.contains(&wanted), "{role} {name}: {all:?}");
        },
    );
    assert!(!names.contains(""), "{controls:?}");
}
