//! docs/pictures: `NAME.txt` is a screen as a terminal has shown it, and `NAME.svg` is its picture,
//! which scripts/picture.py draws. With PAM_AUTHY_RECORD=1 the tests write the texts anew.
//!
//! A screen is recorded inside the sandbox and compared outside, where the file can be written.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::machine::{Machine, USER, install_programs, is_inside};
use super::{root, stdout_of, text_of};
use crate::common::terminal::Terminal;
use crate::common::totp::{SECRET, oathtool};
use crate::common::{pipe, sandbox, test_name};
use crate::screens::read_qr;

/// What begins the recorded screen in the output of the test in the sandbox.
const MARK: &str = "recorded screen: ";

/// What is typed at the prompt for the first code of an app; the right one differs each time.
const SHOWN_CODE: &str = "123456";

/// A machine without a service, as `init totp` sets it up.
fn machine() -> Machine {
    let machine = Machine::new();
    install_programs();
    stdout_of(Command::new("/usr/sbin/authyctl").args(["init", "totp"]));
    machine
}

/// Types a command in a shell of root.
fn type_as_root(command: &str) -> Terminal {
    let shell = "env -i TERM=$TERM HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin PS1='# ' sh -i";
    let terminal = Terminal::sized(&format!("cd /root; {shell}"), 120);
    terminal.settle("shell", |text| text == "#");
    terminal.press(&[command, "Enter"]);
    terminal
}

/// Returns the screen once the shell is back below this text.
fn end(terminal: &Terminal, last: &str) -> String {
    terminal.settle(last, |text| {
        text.contains(last) && text.lines().last() == Some("#")
    })
}

/// Protects sshd as the README does, logs in from another window, and answers yes.
fn record_enable() -> String {
    let machine = machine();
    let enroll = ["enroll", USER, "--totp", "--secret", "-"];
    let app = format!("{SECRET}\n{}\n", oathtool(SECRET, -30));
    pipe(Command::new("/usr/sbin/authyctl").args(enroll), &app);

    let terminal = type_as_root("authyctl pam enable sshd");
    terminal.wait_for("type \"yes\" to keep the change");
    machine.wait_for_sshd();
    assert!(!is_inside(&machine.ssh(&[])), "a code is asked for");
    assert!(is_inside(&machine.ssh(&[&oathtool(SECRET, 0)])));
    terminal.press(&["yes", "Enter"]);
    end(&terminal, "is kept")
}

/// Enrolls a person with an app, as the README does.
fn record_enroll() -> String {
    let _machine = machine();
    let terminal = type_as_root(&format!("authyctl enroll {USER} --totp"));
    let screen = terminal.wait_for("First code of the app:");
    let code = oathtool(&secret_on(&screen).replace(' ', ""), 0);
    terminal.press(&[&code, "Enter"]);
    end(&terminal, "is enrolled").replace(&code, SHOWN_CODE)
}

/// The secret that is shown on a screen, in its groups.
fn secret_on(screen: &str) -> String {
    let line = screen.lines().find(|line| line.starts_with("    "));
    line.expect("a secret").trim().to_owned()
}

fn is_drawn(line: &str) -> bool {
    line.contains(['█', '▀', '▄'])
}

/// The screen without what is another one each time: the secret, and the QR code of it.
fn without_secret(screen: &str) -> String {
    let secret = secret_on(screen);
    let lines = screen.lines();
    let lines = lines.map(|line| if is_drawn(line) { "(QR code)" } else { line });
    lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace(&secret, "(secret)")
}

/// Compares a screen with the file, or writes the file. `same` leaves out what differs each time.
fn compare(file: &str, test: &str, record: fn() -> String, same: fn(&str) -> String) {
    if sandbox::is_inside() {
        println!("\n{MARK}{}", json!(record()));
        return;
    }
    let printed = sandbox::run(test);
    let text = printed.as_ref().unwrap_or_else(|why| why);
    let line = text.lines().find_map(|line| line.strip_prefix(MARK));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    let screen: String = serde_json::from_str(line).unwrap();
    if std::env::var_os("PAM_AUTHY_RECORD").is_some_and(|value| value == "1") {
        fs::write(root().join(file), screen + "\n").unwrap();
        return;
    }
    assert_eq!(
        same(text_of(file).trim_end()),
        same(&screen),
        "PAM_AUTHY_RECORD=1 writes {file}, and scripts/picture.py draws it"
    );
}

#[test]
#[ignore = "needs root"]
fn pam_enable_shows_what_its_picture_shows() {
    let file = "docs/pictures/enable.txt";
    compare(file, test_name!(), record_enable, str::to_owned);
}

#[test]
#[ignore = "needs root"]
fn enroll_shows_what_its_picture_shows() {
    let file = "docs/pictures/enroll.txt";
    compare(file, test_name!(), record_enroll, without_secret);
}

#[test]
fn the_qr_code_of_the_picture_has_the_secret_that_the_picture_shows() {
    let screen = text_of("docs/pictures/enroll.txt");
    let drawn: Vec<_> = screen.lines().filter(|line| is_drawn(line)).collect();
    let address = read_qr(&drawn).expect("a QR code");
    let secret = secret_on(&screen).replace(' ', "");
    assert!(address.contains(&format!("?secret={secret}")), "{address}");
}
