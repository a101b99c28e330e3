//! scripts/demo.sh: what it shows with and without a terminal, and what it leaves behind.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{AUTHY_SIM, AUTHYCTL, listing, root};
use crate::common::rows::check_rows;
use crate::common::terminal::Terminal;
use crate::common::{engine, install, product};

/// Runs the demo of the product without a terminal, with its temporary files in `folder`.
fn demo(folder: &Path, faults: Option<&str>) -> (Output, String) {
    demo_of([product(), engine()], folder, faults)
}

/// Runs the demo of this module and engine.
fn demo_of(programs: [PathBuf; 2], folder: &Path, faults: Option<&str>) -> (Output, String) {
    let mut demo = Command::new(root().join("scripts/demo.sh"));
    demo.args(programs)
        .args([AUTHYCTL, AUTHY_SIM])
        .env("TMPDIR", folder)
        .env_remove("DEMO_FAULTS")
        .stdin(Stdio::null());
    if let Some(faults) = faults {
        demo.env("DEMO_FAULTS", faults);
    }
    let output = demo.output().expect("the demo starts");
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output, String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_demo_shows_each_step_of_both_logins_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();

    let (output, text) = demo(folder.path(), None);

    assert_eq!(output.status.code(), Some(0), "{text}");
    let module = format!("The module: {}", product().display());
    let engine = format!("Its engine: {}", engine().display());
    // Both are installed in the demo's own folder first.
    let stack_line = format!("auth required {}/pam_authy-demo.", folder.path().display());
    let table = [
        &module,
        &engine,
        &stack_line,
        "prompt: Verification code: ",
        "verdict=accepted reason=code_accepted factor=token provider=totp",
        "prompt: Verification code (or type push, sms or call): ",
        "verdict=accepted reason=push_approved factor=push provider=authy authy_id=1635",
        "PAM_SUCCESS",
        "From the start of make demo in the clone to the first login: ",
    ];
    check_rows(table, |shown| {
        assert!(text.contains(shown), "{shown} is missing in:\n{text}");
    });
    assert_eq!(listing(folder.path()), BTreeSet::new());
}

#[test]
fn the_demo_exits_1_and_says_why_when_authy_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = r#"{"match":{"path":"/onetouch"},"status":401,
        "body":"{\"success\":false,\"message\":\"Invalid API key\",\"error_code\":\"60001\"}"}"#;

    let (output, text) = demo(folder.path(), Some(refusal));

    assert_eq!(output.status.code(), Some(1), "{text}");
    let shown = [
        "Not logged in: the login by a push failed.",
        "  no push: the API key is refused: Invalid API key (HTTP 401, code 60001)",
        "why: conversation (PAM_CONV_ERR): the application could not ask the person",
        "docs/troubleshooting.md",
    ];
    check_rows(shown, |shown| {
        assert!(text.contains(shown), "{shown} is missing in:\n{text}");
    });
    assert_eq!(text.matches("Logged in.").count(), 1, "{text}");
    assert_eq!(listing(folder.path()), BTreeSet::new());
}

/// As in a checkout that was made and built with umask 002.
#[test]
fn the_demo_logs_in_though_others_can_write_where_it_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("built");
    let programs = ["pam_authy.so", "pam_authyd"].map(|name| built.join(name));
    fs::create_dir(&built).unwrap();
    install(&product(), &programs[0], 0o664);
    install(&engine(), &programs[1], 0o775);
    fs::set_permissions(&built, fs::Permissions::from_mode(0o775)).unwrap();

    let (output, text) = demo_of(programs, folder.path(), None);

    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches("verdict=accepted").count(), 2, "{text}");
}

/// Runs scripts/phone.sh for the phone at this address.
fn phone(address: &str, arguments: &[&str]) -> String {
    let mut phone = Command::new(root().join("scripts/phone.sh"));
    let output = phone.arg(address).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn on_a_terminal_the_demo_waits_for_the_person_who_has_the_phone_in_another_one() {
    let script = root().join("scripts/demo.sh");
    let programs = [product(), engine(), AUTHYCTL.into(), AUTHY_SIM.into()];
    let arguments = programs.map(|program| program.display().to_string());
    let arguments = arguments.each_ref().map(String::as_str);
    let terminal = Terminal::run(&script, &arguments, "");

    let screen = terminal.settle("prompt", |text| text.ends_with("Verification code:"));
    let (_, after) = screen.split_once("scripts/phone.sh ").expect("the command");
    let address = after.lines().next().unwrap();
    terminal.press(&[phone(address, &["code"]).trim(), "Enter"]);
    terminal.settle("second prompt", |text| text.ends_with("sms or call):"));
    terminal.press(&["sms", "Enter"]);
    terminal.settle("third prompt", |text| {
        text.contains("An SMS with a code was sent") && text.ends_with("sms or call):")
    });
    assert!(phone(address, &[]).contains("Your Authy code is"));
    terminal.press(&["push", "Enter"]);
    phone(address, &["approve"]);
    let screen = terminal.settle("end", |text| text.contains("ended with"));

    assert!(screen.ends_with("ended with 0"), "{screen}");
    assert!(screen.contains("reason=push_approved"), "{screen}");
}
