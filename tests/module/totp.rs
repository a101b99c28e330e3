//! Codes of an app that this host checks, through the product, with codes of the real oathtool.

use std::fs;
use std::path::PathBuf;

use pam_authy::engine::shared_words;
use pam_authy::store::totp::{Authenticator, Steps};

use serde_json::json;

use crate::authyctl::run_json;
use crate::common::host::Host;
use crate::common::mount;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::totp::{SECRET, google_authenticator, oathtool, own_name};

/// Enrolls bob with an app.
pub(super) fn enroll_bob(host: &Host, entry: &str) {
    host.append(&host.users, entry);
    let secrets = format!("[totp]\nbob = {{ secret = \"{SECRET}\" }}\n");
    write_secrets(host, &secrets);
}

fn secrets_of(host: &Host) -> PathBuf {
    host.users.with_file_name("totp.toml")
}

fn write_secrets(host: &Host, text: &str) {
    let path = secrets_of(host);
    fs::write(&path, text).unwrap();
    host.chmod(&path, 0o600);
}

/// A host without any provider, where bob has an app.
pub(crate) fn app_alone(more: &str) -> Host {
    let host = Host::without_authy(&format!("[login]\nrefusal_seconds = 0\n{more}"));
    enroll_bob(&host, "bob = { totp = true }\n");
    host
}

#[test]
fn codes_of_the_steps_beside_this_one_are_accepted_and_no_others() {
    check_rows(
        [
            (-60, "PAM_MAXTRIES"),
            (-30, "PAM_SUCCESS"),
            (30, "PAM_SUCCESS"),
            (60, "PAM_MAXTRIES"),
        ],
        |(ahead, expected)| {
            let host = app_alone("attempts = 1\n");
            assert_eq!(
                host.login("bob", &[&oathtool(SECRET, ahead)]).code,
                expected
            );
        },
    );
}

#[test]
fn a_secret_that_cannot_be_used_denies_its_person_alone_and_the_log_says_where() {
    let host = Host::new();
    host.append(&host.users, "bob = { authy_id = 1635, totp = true }\n");
    let kim = format!("kim = {{ secret = \"{SECRET}\" }}\n");
    let rows = [
        ("no file", None, "totp.toml: No such file or directory"),
        (
            "no entry",
            Some(format!("[totp]\n{kim}")),
            "totp.toml: bob has no secret there",
        ),
        (
            "no base 32",
            Some(format!("[totp]\n{kim}bob = {{ secret = \"0189\" }}\n")),
            "totp.toml:3: bob: secret is not base32",
        ),
        (
            "unknown algorithm",
            Some(format!(
                "[totp]\nbob = {{ secret = \"{SECRET}\", algorithm = \"MD5\" }}\n"
            )),
            "totp.toml:2: bob: algorithm must be",
        ),
        (
            "no TOML",
            Some(format!("[totp]\nbob = {{ secret = \"{SECRET}\"\n")),
            "totp.toml:2: ",
        ),
    ];
    check_rows(rows, |(_, text, why)| {
        let _ = fs::remove_file(secrets_of(&host));
        if let Some(text) = text {
            write_secrets(&host, &text);
        }
        let login = host.login("bob", &[]);
        assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
        let log = host.log();
        let last = log.lines().rev().nth(1).unwrap();
        assert!(last.contains(why), "{log}");
        assert!(!log.contains(SECRET), "{log}");
        let token = host.sim.token(1635);
        assert_eq!(host.login("alice", &[&token]).code, "PAM_SUCCESS");
    });
    write_secrets(
        &host,
        &format!("[totp]\nbob = {{ secret = \"{SECRET}\" }}\n"),
    );
    host.chmod(&secrets_of(&host), 0o640);
    assert_eq!(host.login("bob", &[]).code, "PAM_SERVICE_ERR");
    assert!(
        host.log()
            .contains("totp.toml: it contains a secret, and group or others have access")
    );
}

#[test]
fn a_code_is_checked_here_first_and_then_by_the_provider() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 2\n");
    enroll_bob(&host, "bob = { authy_id = 1635, totp = true }\n");

    let here = host.login("bob", &[&oathtool(SECRET, 0)]).code;
    assert_eq!((here, host.sim.count("/verify/")), ("PAM_SUCCESS", 0));

    let token = host.sim.token(1635);
    let provider = host.login("bob", &["000000", &token]).code;
    assert_eq!((provider, host.sim.count("/verify/")), ("PAM_SUCCESS", 2));

    let audit = host.audit();
    let last = audit.last().unwrap();
    assert!(
        last.contains("factor=token provider=authy authy_id=1635 attempts=2"),
        "{audit:?}"
    );
}

#[test]
fn an_outage_neither_hinders_a_person_with_an_app_nor_lets_them_in() {
    let rules = "[login]\nrefusal_seconds = 0\nwhen_unavailable = \"ignore\"\n";
    let host = Host::impatient(rules).elsewhere("https://127.0.0.1:9");
    enroll_bob(&host, "bob = { authy_id = 1635, totp = true }\n");

    let wrong = host.login("bob", &["000000"]).code;
    let right = host.login("bob", &[&oathtool(SECRET, 0)]).code;

    assert_eq!((wrong, right), ("PAM_AUTHINFO_UNAVAIL", "PAM_SUCCESS"));
}

#[test]
fn fifty_refused_codes_within_a_day_pause_the_app_and_not_the_provider() {
    let host =
        Host::with("[login]\nrefusal_seconds = 0\nattempts = 10\n[limits]\nrefused_tokens = 100\n");
    enroll_bob(&host, "bob = { authy_id = 1635, totp = true }\n");
    host.append(&host.users, "kim = { totp = true }\n");
    let secrets = fs::read_to_string(secrets_of(&host)).unwrap();
    write_secrets(
        &host,
        &(secrets + "kim = { secret = \"GEZDGNBVGY3TQOJQ\" }\n"),
    );
    let wrong = ["000000"; 10];
    for _ in 0..5 {
        assert_eq!(host.login("bob", &wrong).code, "PAM_MAXTRIES");
        assert_eq!(host.login("kim", &wrong).code, "PAM_MAXTRIES");
    }

    let right = oathtool(SECRET, 0);
    let token = host.sim.token(1635);
    let bob = host.login("bob", &[&right, &token]).code;
    let of_kim = oathtool("GEZDGNBVGY3TQOJQ", 0);
    let kim = host.login("kim", &[of_kim.as_str(); 10]).code;

    assert_eq!((bob, kim), ("PAM_SUCCESS", "PAM_MAXTRIES"));
    let log = host.log();
    let pause = "no code of \"bob\" is checked on this host for";
    assert!(log.contains(pause), "{log}");
    let audit = host.audit();
    assert!(
        audit.last().unwrap().contains("reason=limited"),
        "{audit:?}"
    );
}

#[test]
fn a_last_step_ahead_of_the_clock_is_named_in_the_log() {
    let host = app_alone("attempts = 1\n");
    let app = Authenticator::from_base32(SECRET).unwrap();
    let steps = Steps::new(&host.sim.path("state"), shared_words::map);
    let hour = 4_000_000_000;
    steps.record(app.id(), &[hour]).unwrap();

    let refused = host.login("bob", &[&oathtool(SECRET, 0)]).code;

    assert_eq!(refused, "PAM_MAXTRIES");
    let log = host.log();
    assert!(
        log.contains("the last code accepted for totp=\"bob\" is") && log.contains("totp reset"),
        "{log}"
    );
    steps.forget(app.id()).unwrap();
    assert_eq!(
        host.login("bob", &[&oathtool(SECRET, 0)]).code,
        "PAM_SUCCESS"
    );
}

#[test]
#[ignore = "needs root"]
fn a_code_that_cannot_be_recorded_is_not_accepted() {
    sandboxed!();
    let host = app_alone("attempts = 1\n");
    let state = host.sim.path("state");
    fs::create_dir_all(&state).unwrap();
    let options = "size=64k,nr_inodes=40,mode=0700";
    mount(&["-t", "tmpfs", "-o", options, "tmpfs"], &state);
    // The counts have their files, and the step has none.
    assert_eq!(host.login("bob", &["000000"]).code, "PAM_MAXTRIES");
    let made =
        (0..100).take_while(|number| fs::File::create(state.join(number.to_string())).is_ok());
    assert!(made.count() < 50, "there are inodes left");
    let code = oathtool(SECRET, 0);

    let full = host.login("bob", &[&code]).code;
    mount(&["-o", "remount,ro"], &state);
    let read_only = host.login("bob", &[&code]).code;

    assert_eq!((full, read_only), ("PAM_SERVICE_ERR", "PAM_SERVICE_ERR"));
    let audit = host.audit();
    assert!(
        audit[1].starts_with("verdict=error reason=state"),
        "{audit:?}"
    );
    assert!(
        audit[2].starts_with("verdict=error reason=state"),
        "{audit:?}"
    );
}

#[test]
fn the_first_code_at_enrolment_is_used_up_and_the_next_one_logs_in() {
    let host = Host::without_authy("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    let code = oathtool(SECRET, 0);
    let input = format!("{SECRET}\n{code}\n");
    let enroll = ["enroll", "bob", "--totp", "--secret", "-"];
    let (status, answer) = run_json(&host.sim, &enroll, &input);
    assert_eq!(status, 0, "{answer}");

    let used = host.login("bob", &[&code]).code;
    let next = host.login("bob", &[&oathtool(SECRET, 30)]).code;

    assert_eq!((used, next), ("PAM_MAXTRIES", "PAM_SUCCESS"));
}

#[test]
fn a_rehearsal_asks_for_the_code_of_the_app() {
    let host = app_alone("");
    let (module, engine) = (host.module(), host.engine());
    let test = [
        "test",
        "bob",
        "--module",
        module.to_str().unwrap(),
        "--engine",
    ];
    let test = [&test[..], &[engine.to_str().unwrap()]].concat();
    let (status, answer) = run_json(&host.sim, &test, &(oathtool(SECRET, 0) + "\n"));
    assert_eq!(
        (status, &answer["pam_code"]),
        (0, &json!("PAM_SUCCESS")),
        "{answer}"
    );
}

#[test]
fn phone_and_paper_of_google_authenticator_work_after_an_import() {
    let host = Host::without_authy("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    let home = tempfile::tempdir().unwrap();
    let file = google_authenticator(home.path(), "-t");
    let text = fs::read_to_string(&file).unwrap();
    let (secret, emergency) = (text.lines().next().unwrap(), text.lines().last().unwrap());
    let import = ["import", "--google-authenticator", file.to_str().unwrap()];
    let (status, answer) = run_json(&host.sim, &import, "");
    assert_eq!(status, 0, "{answer}");
    let me = own_name();

    let phone = host.login(&me, &[&oathtool(secret, 0)]).code;
    let paper = host.login(&me, &[emergency]);
    let again = host.login(&me, &[emergency]).code;

    let codes = [phone, paper.code, again];
    assert_eq!(codes, ["PAM_SUCCESS", "PAM_SUCCESS", "PAM_MAXTRIES"]);
    let is_refusal = |(_, text): &(_, String)| text.contains("not accepted");
    assert!(!paper.seen.iter().any(is_refusal), "{:?}", paper.seen);
    let audit = host.audit();
    assert!(
        audit[1].starts_with("verdict=accepted reason=recovery_code factor=recovery"),
        "{audit:?}"
    );
}
