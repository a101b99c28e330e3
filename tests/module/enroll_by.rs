//! `enroll_by`: an account that never had an entry logs in without a factor until that day, and
//! nothing else does.

use std::fs;

use pam_authy::pam_app::Style;

use super::sshd::{PASSWORD, PASSWORD_FIRST, Sshd, USER, is_inside};
use crate::authyctl::run_json;
use crate::common::host::{Host, Login};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::totp::own_name;

/// A day that is not over while anyone runs these tests, and one that is.
const OPEN: &str = "enroll_by = 9999-12-30";
const OVER: &str = "enroll_by = 2026-01-31";

fn host(rules: &str) -> Host {
    Host::with(&format!("[login]\nrefusal_seconds = 0\n{rules}\n"))
}

/// The audit lines of logins of `user`.
fn refused(user: &str) -> Vec<String> {
    let line = |number: usize| {
        format!("verdict=refused reason=unenrolled attempts={number} user=\"{user}\"")
    };
    (1..=3).map(line).collect()
}

fn wrong_codes(host: &Host, user: &str) -> Login {
    host.login(user, &["0000000", "0000000", "0000000"])
}

#[test]
fn until_the_day_an_account_without_an_entry_is_ignored_and_reads_how_long_it_has() {
    let own = own_name();
    check_rows(
        [
            format!("[login]\n{OPEN}\n"),
            format!("[service.sshd]\n{OPEN}\n[login]\nunenrolled = \"deny\"\n"),
        ],
        |config| {
            let host = Host::with(&config);
            let login = host.login(&own, &[]);
            // libpam denies where every module answers IGNORE: it shows as PAM_PERM_DENIED.
            assert_eq!((login.code, login.prompts()), ("PAM_PERM_DENIED", 0));
            let [(Style::Error, notice)] = login.seen.as_slice() else {
                panic!("{:?}", login.seen);
            };
            let start = "You have no second factor yet. Without one you can log in until 9999-12-30 \
                         (UTC; days left: 29";
            assert!(notice.starts_with(start), "{notice}");
            let line = format!("verdict=ignored reason=enroll_by user=\"{own}\"");
            assert_eq!(host.audit(), [line]);
            assert!(host.sim.requests().is_empty());
        },
    );
}

#[test]
fn after_the_day_an_account_without_an_entry_is_asked_and_refused() {
    let (host, own) = (host(OVER), own_name());
    let login = wrong_codes(&host, &own);
    assert_eq!((login.code, login.prompts()), ("PAM_MAXTRIES", 3));
    assert_eq!(host.audit(), refused(&own));
}

#[test]
fn the_day_of_one_service_lets_no_one_in_by_another() {
    let own = own_name();
    let host = Host::with(&format!(
        "[login]\nrefusal_seconds = 0\n[service.sudo]\n{OPEN}\n"
    ));
    let replies = ["0000000", "0000000", "0000000"];
    assert_eq!(host.login(&own, &replies).code, "PAM_MAXTRIES");
    assert_eq!(
        host.login_as("sudo", &own, &[], &[]).code,
        "PAM_PERM_DENIED"
    );
}

#[test]
fn a_name_without_an_account_is_not_let_in_by_enroll_by() {
    let host = host(OPEN);
    let login = wrong_codes(&host, "no-such-account");
    assert_eq!(login.code, "PAM_MAXTRIES");
    assert_eq!(host.audit(), refused("no-such-account"));
}

#[test]
fn a_person_with_an_entry_is_asked_or_refused_until_the_day_as_after_it() {
    let own = own_name();
    // The entry, and what a login without replies and one with a wrong code come to.
    let rows = [
        ("1635", "PAM_CONV_ERR"),
        ("0", "PAM_SERVICE_ERR"),
        ("\"1635\"", "PAM_SERVICE_ERR"),
        ("{ totp = true }", "PAM_SERVICE_ERR"),
        ("{ phone = \"+15551234567\" }", "PAM_SERVICE_ERR"),
        ("{ phone = \"5551234567\" }", "PAM_SERVICE_ERR"),
        (
            "{ keys = { \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\" = 1635 } }",
            "PAM_AUTH_ERR",
        ),
    ];
    check_rows(rows, |(entry, code)| {
        let host = host(OPEN);
        host.set_line(&host.users, &own, entry);
        assert_eq!(host.login(&own, &[]).code, code);
        let audit = host.audit().join("\n");
        assert!(!audit.contains("ignored"), "{audit}");
    });
}

#[test]
fn a_mapping_that_cannot_be_used_lets_no_account_in_until_the_day() {
    let own = own_name();
    type Spoil = fn(&Host);
    let rows: [(&str, Spoil); 4] = [
        ("missing", |host| fs::remove_file(&host.users).unwrap()),
        ("writable by others", |host| host.chmod(&host.users, 0o666)),
        ("no TOML", |host| host.append(&host.users, "[users\n")),
        ("an unknown table", |host| {
            host.append(&host.users, "[other]\n")
        }),
    ];
    check_rows(rows, |(what, spoil)| {
        let host = host(OPEN);
        spoil(&host);
        let login = host.login(&own, &[]);
        assert_eq!(login.code, "PAM_SERVICE_ERR", "{what}");
        let audit = host.audit();
        let is_mapping = audit
            .iter()
            .any(|line| line.starts_with("verdict=error reason=mapping"));
        assert!(is_mapping, "{what}: {audit:?}");
    });
}

#[test]
fn an_account_whose_entry_was_removed_is_not_let_in_by_enroll_by() {
    let own = own_name();
    let host = host(OPEN);
    assert_eq!(
        host.login(&own, &[]).code,
        "PAM_PERM_DENIED",
        "never enrolled"
    );
    let run = |arguments: &[&str]| {
        let (status, answer) = run_json(&host.sim, arguments, "");
        assert_eq!(status, 0, "{answer}");
        answer
    };
    run(&["enroll", &own, "--authy-id", "1636"]);
    run(&["unenroll", &own]);
    assert_eq!(wrong_codes(&host, &own).code, "PAM_MAXTRIES", "by authyctl");
    let explained = run(&["explain", &own]);
    assert_eq!(explained["required"], true, "{explained}");
    let reason = explained["reason"].as_str().unwrap();
    assert!(reason.contains("never were"), "{reason}");
    run(&["unlock", &own]);
    assert_eq!(wrong_codes(&host, &own).code, "PAM_MAXTRIES", "unlocked");
}

#[test]
fn an_account_whose_line_was_deleted_by_hand_after_a_login_is_not_let_in() {
    let own = own_name();
    let host = host(OPEN);
    host.sim
        .post("/phone/users", &serde_json::json!({"authy_id": 1640}));
    host.set_line(&host.users, &own, "1640");
    let login = host.login(&own, &[&host.sim.token(1640)]);
    assert_eq!(login.code, "PAM_SUCCESS");
    let text = fs::read_to_string(&host.users).unwrap();
    let kept = text.lines().filter(|line| !line.ends_with("1640"));
    let kept: Vec<_> = kept.collect();
    fs::write(&host.users, kept.join("\n") + "\n").unwrap();
    assert_eq!(wrong_codes(&host, &own).code, "PAM_MAXTRIES");
    // So is one in a mapping that was cut to nothing.
    fs::write(&host.users, "").unwrap();
    assert_eq!(wrong_codes(&host, &own).code, "PAM_MAXTRIES");
}

#[test]
fn a_state_folder_that_cannot_be_trusted_lets_no_account_in() {
    let own = own_name();
    let host = host(OPEN);
    let state = host.sim.path("state");
    fs::create_dir_all(state.join("unenrolled")).unwrap();
    host.chmod(&state, 0o700);
    host.chmod(&state.join("unenrolled"), 0o777);
    let login = host.login(&own, &[]);
    assert_eq!(login.code, "PAM_SERVICE_ERR");
    assert_eq!(
        host.audit(),
        [format!("verdict=error reason=state user=\"{own}\"")]
    );
}

#[test]
fn explain_names_the_day_and_its_line() {
    let own = own_name();
    let host = host(OPEN);
    let (_, answer) = run_json(&host.sim, &["explain", &own], "");
    assert_eq!(answer["required"], false, "{answer}");
    assert_eq!(
        answer["reason"],
        format!("{own} is not enrolled, and need not be until 9999-12-30 (enroll_by)")
    );
    let text = fs::read_to_string(&host.config).unwrap();
    let line = text.lines().position(|line| line == OPEN).unwrap() + 1;
    assert_eq!(answer["line"], line, "{answer}");
    assert!(answer["file"].as_str().unwrap().ends_with("config.toml"));
}

/// Real sshd: the account logs in by its password, and reads the notice on its terminal.
#[test]
#[ignore = "needs root"]
fn sshd_lets_an_account_without_an_entry_in_until_the_day_and_shows_the_notice() {
    sandboxed!();
    for (rules, is_in) in [(OPEN, true), (OVER, false)] {
        let sshd = Sshd::start(host(rules), PASSWORD_FIRST, "keyboard-interactive");
        fs::write(&sshd.host.users, "[users]\nalice = 1635\n").unwrap();
        let mut ssh = sshd.client("ssh", PASSWORD, &["1111111"; 3]);
        let exit = sshd.folder.join("exit");
        fs::write(&exit, "exit\n").unwrap();
        // sshd shows notices to a shell on a terminal.
        let (port, user) = (sshd.port.to_string(), format!("{USER}@127.0.0.1"));
        ssh.args(["-tt", "-p", &port, &user])
            .stdin(fs::File::open(exit).unwrap());
        let output = ssh.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
            + &sshd.asked();
        assert_eq!(
            output.status.success(),
            is_in,
            "{rules}: {said} {}",
            sshd.host.log()
        );
        let is_told =
            said.contains("You have no second factor yet. Without one you can log in until 9999");
        assert_eq!(is_told, is_in, "{rules}: {said}");
        assert_eq!(sshd.asked().contains("Verification code"), !is_in, "{said}");
        let wrong = sshd.ssh(USER, "wrong horse", &[]);
        assert!(!is_inside(&wrong), "the password is asked for as before");
        let audit = sshd.host.audit();
        let ignored = "verdict=ignored reason=enroll_by ";
        assert_eq!(
            audit.iter().any(|line| line.starts_with(ignored)),
            is_in,
            "{audit:?}"
        );
    }
}

#[test]
fn nullok_lets_in_whom_enroll_by_would_refuse_and_says_unenrolled() {
    let host = host(OPEN).arguments("nullok");
    let login = host.login("no-such-account", &[]);
    assert_eq!((login.code, login.seen.len()), ("PAM_PERM_DENIED", 0));
    assert_eq!(
        host.audit(),
        ["verdict=ignored reason=unenrolled user=\"no-such-account\""]
    );
}

#[test]
fn list_missing_says_how_long_an_account_without_a_factor_has() {
    let host = host(OPEN);
    let (status, answer) = run_json(&host.sim, &["list", "--missing"], "");
    assert_eq!(status, 0, "{answer}");
    assert_eq!(answer["enroll_by"], "9999-12-30", "{answer}");
    assert!(
        answer["days_left"].as_u64().unwrap() > 2_000_000,
        "{answer}"
    );
    let missing = answer["missing"].as_array().unwrap();
    assert!(missing.iter().all(|one| one["user"] != "alice"), "{answer}");
}
