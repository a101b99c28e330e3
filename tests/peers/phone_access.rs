//! The simulator's phone page in a real Chromium: the contrast of its colours, and what a screen
//! reader gets.

use std::collections::BTreeSet;

use serde_json::json;

use super::phone::{authyctl, open, push, wait_for_text};
use crate::common::browser::Browser;
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::twilio::request;

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
    let key = ["TWILIO_HOST_KEY", "TWILIO_HOST_SECRET"].map(|name| sim.twilio(name));
    let path = format!(
        "/v2/Services/{}/Verifications",
        sim.twilio("TWILIO_VERIFY_SERVICE")
    );
    let start = [("To", "+15551234567"), ("Channel", "call")];
    assert_eq!(request(sim, "POST", &path, &key, &start).0, 201);
    let app = json!({"identity": "ff483d1f-f591", "secret": "GEZDGNBVGY3TQOJQ"});
    sim.post("/phone/twilio/factors", &app);
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
fn everything_on_the_phone_has_the_contrast_of_level_aa_and_each_control_a_name_of_its_own() {
    let sim = Sim::start();
    let mut browser = open(&sim);
    show_everything(&sim);
    for text in [
        "1 push waits",
        "suspended",
        "deleted",
        "Denied",
        "gate",
        "+15551234567: Your Example verification code is: ",
        "ff483d1f-f591, verified",
        "Pending",
    ] {
        wait_for_text(&mut browser, text);
    }
    check_contrast(&mut browser);
    check_names(&mut browser);
}

/// In both schemes.
fn check_contrast(browser: &mut Browser) {
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
    let approve = color(browser, "button.approve");
    assert!(approve[1].as_u64() > approve[0].as_u64(), "{approve}");
    let deny = color(browser, "button.deny");
    assert!(deny[0].as_u64() > deny[1].as_u64(), "{deny}");
}

/// As a screen reader gets them.
fn check_names(browser: &mut Browser) {
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
            ("button", "Copy the code of an app, ff483d1f-f591"),
            ("textbox", "E-mail"),
            ("textbox", "Country code"),
            ("textbox", "Phone number"),
            ("checkbox", "has the app"),
            ("button", "Add person"),
            ("heading", "1 push waits"),
            ("heading", "People"),
            ("heading", "SMS and calls of Twilio Verify"),
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
