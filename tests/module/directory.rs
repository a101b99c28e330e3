//! Logins of people of a directory: users.toml, then directory.toml, and what neither has.

use std::fs;

use pam_authy::store::directory;
use serde_json::json;

use super::enroll::{Libpam, OFFERS, enrolled_file, plant};
use super::sshd::{PASSWORD, PASSWORD_FIRST, Sshd, USER, is_inside};
use crate::authyctl::run_json;
use crate::common::directory::{TABLE, write};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::totp::{SECRET, oathtool, own_name};
use crate::service::names::install_name_service;

/// Everything that could let a user in who is not enrolled.
const LENIENT: &str = "unenrolled = \"ignore\"\nenroll_by = 9999-12-30\n";

/// A host with a directory, and these lines in `[login]`; users.toml has alice.
fn host(rules: &str) -> Host {
    let host = Host::with(&format!("[login]\nrefusal_seconds = 0\n{rules}\n{TABLE}"));
    for id in [1640, 1641] {
        host.sim.post("/phone/users", &json!({"authy_id": id}));
    }
    host
}

fn removed(user: &str) -> String {
    format!(
        "[users]\n\"bob\" = {{ authy_id = 1641 }}\n[removed]\n\"{user}\" = {{ removed = \
         2026-11-26T12:00:00Z, authy_id = 1640 }}\n"
    )
}

/// The directory.toml with one line for `user`.
fn with(user: &str, value: &str) -> String {
    format!("[users]\n\"{user}\" = {value}\n")
}

/// How many lines of the log have this text.
fn lines_with(host: &Host, text: &str) -> usize {
    let lines = host.sim.log(|line| line.contains(text));
    lines.iter().filter(|line| line.contains(text)).count()
}

fn wrong(host: &Host, user: &str) -> (&'static str, usize) {
    let login = host.login(user, &["0000000"; 3]);
    (login.code, login.prompts())
}

#[test]
fn a_person_of_the_directory_logs_in_and_users_toml_wins_over_it() {
    let host = host("");
    let own = own_name();
    let text = format!("[users]\nalice = 1640\n\"{own}\" = {{ authy_id = 1641 }}\n");
    write(&host.sim, &text);
    let logins = || {
        let code = |user: &str, id| host.login(user, &[&host.sim.token(id)]).code;
        [code(&own, 1641), code("alice", 1635), code("alice", 1640)]
    };
    let expected = ["PAM_SUCCESS", "PAM_SUCCESS", "PAM_CONV_ERR"];
    assert_eq!(logins(), expected);
    directory::index(&host.sim.path("state")).unwrap();
    assert!(directory::is_indexed(&host.sim.path("state")));
    assert_eq!(logins(), expected, "by the index");
    assert_eq!(wrong(&host, "no-such-account"), ("PAM_MAXTRIES", 3));
}

#[test]
fn a_name_that_neither_file_has_is_unenrolled() {
    let host = host("unenrolled = \"ignore\"");
    write(&host.sim, &with("bob", "1641"));
    let login = host.login(&own_name(), &[]);
    // libpam denies where every module answers IGNORE.
    assert_eq!((login.code, login.prompts()), ("PAM_PERM_DENIED", 0));
    let audit = host.audit();
    assert!(
        audit[0].starts_with("verdict=ignored reason=unenrolled"),
        "{audit:?}"
    );
}

/// The engine must not take a file that is not there for one without people.
#[test]
fn a_directory_toml_that_cannot_be_used_refuses_every_name_that_users_toml_does_not_have() {
    let own = own_name();
    type Spoil = fn(&Host);
    let rows: [(&str, Spoil); 5] = [
        ("missing", |_| ()),
        ("no TOML", |host| drop(write(&host.sim, "[users\n"))),
        ("an unknown key", |host| {
            drop(write(&host.sim, &with("bob", "{ x = 1 }")))
        }),
        ("cut within", |host| {
            drop(write(&host.sim, "[users]\nbob = { authy_id"))
        }),
        ("readable by others", |host| {
            let path = write(&host.sim, &with("bob", "1641"));
            host.chmod(&path, 0o644);
        }),
    ];
    check_rows(rows, |(what, spoil)| {
        let host = host(LENIENT);
        spoil(&host);
        for user in [own.as_str(), "bob", "no-such-account"] {
            let login = host.login(user, &[]);
            assert_eq!(
                (login.code, login.prompts()),
                ("PAM_SERVICE_ERR", 0),
                "{what}"
            );
        }
        let audit = host.audit().join("\n");
        assert!(
            audit.contains("verdict=error reason=mapping"),
            "{what}: {audit}"
        );
        assert!(!audit.contains("ignored"), "{what}: {audit}");
        let alice = host.login("alice", &[&host.sim.token(1635)]);
        assert_eq!(alice.code, "PAM_SUCCESS", "{what}");
    });
}

#[test]
fn a_mapping_that_cannot_be_used_refuses_people_of_the_directory_too() {
    let host = host(LENIENT);
    write(&host.sim, &with(&own_name(), "1640"));
    fs::remove_file(&host.users).unwrap();
    let login = host.login(&own_name(), &[&host.sim.token(1640)]);
    assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
}

#[test]
fn a_name_that_was_left_out_is_refused_whatever_lets_the_unenrolled_in() {
    let own = own_name();
    let host = host(LENIENT).arguments("nullok");
    let text = format!("[users]\n[left_out]\n\"{own}\" = {{ why = \"it has two phones\" }}\n");
    write(&host.sim, &text);
    for indexed in [false, true] {
        if indexed {
            directory::index(&host.sim.path("state")).unwrap();
        }
        let login = host.login(&own, &[]);
        assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
    }
    let why = "the entry in the directory cannot be used: it has two phones";
    assert_eq!(lines_with(&host, why), 2);
}

/// Seen with sssd's default for Active Directory: who may write entries adds one for `ALICE`, whose
/// factor would then count for the account alice.
#[test]
#[ignore = "needs root"]
fn another_spelling_of_an_account_is_no_second_entry_of_it() {
    sandboxed!();
    install_name_service("passwd: files standin\n");
    for rules in ["", LENIENT] {
        let host = host(rules);
        write(&host.sim, &with("ALICE", "1641"));
        let code = host.sim.token(1641);
        let login = host.login("ALICE", &[&code, &code, &code]);
        assert_eq!(
            (login.code, login.prompts()),
            ("PAM_MAXTRIES", 3),
            "{rules}"
        );
        assert_eq!(host.sim.count("/verify/"), 0, "{rules}");
        assert_eq!(lines_with(&host, "own name is spelled differently"), 1);
    }
}

#[test]
fn a_removed_name_is_asked_and_refused_whatever_lets_the_unenrolled_in() {
    let own = own_name();
    for (rules, arguments) in [
        ("", ""),
        (LENIENT, ""),
        ("enroll_by = 9999-12-30", "nullok"),
    ] {
        let host = host(rules).arguments(arguments);
        write(&host.sim, &removed(&own));
        for indexed in [false, true] {
            if indexed {
                directory::index(&host.sim.path("state")).unwrap();
            }
            let code = host.sim.token(1640);
            let login = host.login(&own, &[&code, &code, &code]);
            assert_eq!(
                (login.code, login.prompts()),
                ("PAM_MAXTRIES", 3),
                "{rules}"
            );
        }
        let audit = host.audit().join("\n");
        assert!(
            audit.contains("verdict=refused reason=unenrolled"),
            "{audit}"
        );
        assert_eq!(host.sim.count("/verify/"), 0);
        let note = "was removed from the directory on 2026-11-26";
        assert_eq!(lines_with(&host, note), 2);
        // In users.toml it is a person again.
        host.set_line(&host.users, &own, "1640");
        assert_eq!(
            host.login(&own, &[&host.sim.token(1640)]).code,
            "PAM_SUCCESS"
        );
    }
}

#[test]
fn an_entry_that_cannot_be_used_is_an_error_of_that_user_alone() {
    let own = own_name();
    for value in [
        "0",
        "{ totp = true }",
        "{ authy_id = 1640, push = \"auto\" }",
        "{}",
    ] {
        let host = host(LENIENT);
        write(&host.sim, &format!("{}bob = 1641\n", with(&own, value)));
        let login = host.login(&own, &[]);
        assert_eq!(
            (login.code, login.prompts()),
            ("PAM_SERVICE_ERR", 0),
            "{value}"
        );
        assert_eq!(
            host.login("bob", &[&host.sim.token(1641)]).code,
            "PAM_SUCCESS",
            "{value}"
        );
        assert_eq!(lines_with(&host, "directory.toml:2: "), 1, "{value}");
    }
}

#[test]
fn a_host_without_the_table_does_not_look_at_directory_toml() {
    let host = Host::new();
    write(&host.sim, &with("bob", "1641"));
    assert_eq!(wrong(&host, "bob"), ("PAM_MAXTRIES", 3));
    write(&host.sim, "[users\n");
    assert_eq!(wrong(&host, "bob"), ("PAM_MAXTRIES", 3));
}

#[test]
fn recovery_codes_are_those_of_the_person_and_not_of_the_name() {
    let own = own_name();
    let host = host("");
    write(
        &host.sim,
        &with(&own, "{ authy_id = 1640, phone = \"+15551234567\" }"),
    );
    let (status, made) = run_json(&host.sim, &["recovery", "generate", &own], "");
    assert_eq!(status, 0, "{made}");
    let code = |number: usize| made["codes"][number].as_str().unwrap().to_owned();
    let login = |code: &str| host.login(&own, &[code]).code;
    assert_eq!(login(&code(0)), "PAM_SUCCESS");
    // A factor was kept: it is the same person.
    write(&host.sim, &with(&own, "{ authy_id = 1640 }"));
    assert_eq!(login(&code(1)), "PAM_SUCCESS");
    // None was kept.
    write(&host.sim, &with(&own, "{ authy_id = 1641 }"));
    assert_eq!(login(&code(2)), "PAM_CONV_ERR");
}

#[test]
fn an_app_of_the_prompt_counts_for_a_person_of_the_directory_and_for_no_other() {
    let own = own_name();
    let host = host("");
    let login = |entry: &str, ahead| {
        write(&host.sim, &with(&own, entry));
        // It was added by the person with the number 1635.
        plant(&host, &own, SECRET, 90_000);
        host.login(&own, &[&oathtool(SECRET, ahead)]).code
    };
    assert_eq!(
        login("{ authy_id = 1640 }", 0),
        "PAM_CONV_ERR",
        "another person's"
    );
    assert_eq!(login("{ authy_id = 1635 }", 0), "PAM_SUCCESS");
    write(&host.sim, &removed(&own));
    let code = oathtool(SECRET, 30);
    assert_eq!(
        host.login(&own, &[&code, &code, &code]).code,
        "PAM_MAXTRIES"
    );
}

/// In a process that sshd could be.
#[test]
#[ignore = "needs root"]
fn a_person_of_the_directory_adds_an_app_at_the_prompt_and_one_who_is_removed_meanwhile_does_not() {
    sandboxed!();
    let host = Host::with(&format!("{OFFERS}{TABLE}"));
    host.sim.post("/phone/users", &json!({"authy_id": 1640}));
    let own = own_name();
    let listed = || drop(write(&host.sim, &with(&own, "{ authy_id = 1640 }")));
    let kept = || fs::read_to_string(enrolled_file(&host)).unwrap_or_default();
    listed();
    let lost = || drop(write(&host.sim, &removed(&own)));
    let said = Libpam::login_while(&host, &own, &host.sim.token(1640), "key", &lost);
    assert_eq!(said.prompts.len(), 3, "{:?}", said.prompts);
    assert!(!kept().contains(&said.secret.unwrap()), "{}", kept());
    listed();
    let said = Libpam::login(&host, &own, &host.sim.token(1640), "key");
    assert_eq!(
        (said.code, said.prompts.len()),
        ("PAM_SUCCESS", 3),
        "{}",
        host.log()
    );
    assert!(kept().contains(&said.secret.unwrap()), "{}", kept());
}

/// Real sshd, and the account of a person who is in the directory alone.
#[test]
#[ignore = "needs root"]
fn sshd_lets_a_person_of_the_directory_in_and_no_removed_one() {
    sandboxed!();
    let sshd = Sshd::start(host(LENIENT), PASSWORD_FIRST, "keyboard-interactive");
    fs::write(&sshd.host.users, "[users]\nalice = 1635\n").unwrap();
    let is_in = |text: &str| {
        write(&sshd.host.sim, text);
        let code = sshd.host.sim.token(1640);
        is_inside(&sshd.ssh(USER, PASSWORD, &[&code, &code, &code]))
    };
    assert!(is_in(&with(USER, "1640")));
    assert!(!is_in(&removed(USER)));
    assert!(!is_in("[users\n"));
    // Known to neither file, and `unenrolled = "ignore"`.
    assert!(is_in(&with("bob", "1641")));
}
