//! An application that may start no engine, or cannot: the login is denied and nothing else happens.

use std::fs;

use super::{SERVICE_ERR, SUCCESS};
use crate::common::application::run;
use crate::common::fake_engine::{ACCEPTS, FakeEngine};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::syslog::Syslog;

/// Every row has an account of its own in the log.
fn fake(user: &str) -> FakeEngine {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", user));
    fake.open_to_all();
    fake
}

/// Checks that the login was denied with this detail in the log, and left no trace.
fn check_denied(log: &Syslog, user: &str, command: std::process::Command, why: &str) {
    let said = run(command, &[]);
    assert_eq!(said.codes(), [SERVICE_ERR], "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
    let user = format!("user=\"{user}\"");
    let lines = log.lines(&user);
    assert!(
        lines.len() == 1 && lines[0].contains("reason=engine"),
        "{lines:?}"
    );
    let detail = log.line_before(&user);
    assert!(detail.contains(why), "{detail}");
}

const PLAIN: [&str; 4] = ["setpriv", "--reuid", "12345", "--clear-groups"];
const SU: [&str; 4] = ["setpriv", "--ruid", "12345", "--clear-groups"];
const DAEMON: [&str; 4] = ["setpriv", "--euid", "12345", "--clear-groups"];

#[test]
#[ignore = "needs root"]
fn an_engine_is_started_only_for_whom_it_may_be() {
    sandboxed!();
    let log = Syslog::start();
    let differ = "engine= is refused where real and effective user differ";
    let table: [(&[&str], bool, bool, &str); 7] = [
        // Wrapper, whether the stack names an engine, whether there is a service, the detail.
        (&SU, true, false, differ),
        (&DAEMON, true, false, differ),
        (
            &PLAIN,
            false,
            false,
            "no engine for a process that is not root's",
        ),
        (
            &DAEMON,
            false,
            false,
            "no engine for a process that is not root's",
        ),
        (&SU, false, true, "/run/pam_authy exists"),
        (
            &SU,
            false,
            false,
            "the engine /usr/libexec/pam_authy/pam_authyd: No such file",
        ),
        (
            &[],
            false,
            true,
            "the engine /usr/libexec/pam_authy/pam_authyd: No such file",
        ),
    ];
    check_rows(
        table.into_iter().enumerate(),
        |(number, (wrapper, named, service, why))| {
            let user = format!("user{number}");
            let fake = fake(&user);
            if !named {
                fake.arguments("");
            }
            let _ = fs::remove_dir("/run/pam_authy");
            if service {
                fs::create_dir("/run/pam_authy").unwrap();
            }
            check_denied(&log, &user, fake.wrapped(wrapper, &user, &[]), why);
        },
    );
}

#[test]
#[ignore = "needs root"]
fn a_plain_user_may_name_an_engine() {
    sandboxed!();
    let fake = fake("alice");
    let said = run(fake.wrapped(&PLAIN, "alice", &[]), &[]);
    assert_eq!(said.codes(), [SUCCESS], "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
}

/// The first clone fails, and the second one.
#[test]
#[ignore = "needs root"]
fn an_engine_that_cannot_be_cloned_denies_the_login() {
    sandboxed!();
    let log = Syslog::start();
    // Of no other test, whose processes would count too.
    let plain = ["setpriv", "--reuid", "23456", "--clear-groups"];
    check_rows(["nproc=1", "nproc=2"], |limit| {
        let user = limit.replace('=', "");
        let fake = fake(&user);
        let command = fake.wrapped(&plain, &user, &["-l", limit]);
        check_denied(&log, &user, command, "Resource temporarily unavailable");
    });
    let fake = fake("alice");
    let said = run(fake.wrapped(&plain, "alice", &["-l", "nproc=3"]), &[]);
    assert_eq!(said.codes(), [SUCCESS], "three are enough: {said:?}");
}

/// Without any descriptor libpam cannot load the module; with one more in each row the login gets
/// further.
#[test]
#[ignore = "needs root"]
fn a_lack_of_descriptors_denies_the_login_and_changes_nothing() {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    let mut succeeded = 0;
    check_rows(3..=16, |count| {
        let limit = format!("nofile={count}");
        for options in [&["-l", limit.as_str()][..], &["-c", "-l", &limit]] {
            let said = run(fake.command("alice", options), &[]);
            let codes = said.codes();
            // Below, libpam fails by itself.
            assert!(
                count < 6 || codes == [SERVICE_ERR] || codes == [SUCCESS],
                "{said:?}"
            );
            assert!(codes.len() == 1 && said.is_unchanged(), "{said:?}");
            succeeded += i32::from(codes == [SUCCESS]);
        }
    });
    assert!(succeeded > 0, "the highest limit is enough");
}

/// Too little memory for the application is not too little for an engine.
#[test]
#[ignore = "needs root"]
fn a_lack_of_memory_in_the_application_changes_nothing_there() {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    let mut codes = Vec::new();
    check_rows((0..40).map(|step| 3_000_000 + step * 100_000), |bytes| {
        let limit = format!("as={bytes}");
        let said = run(fake.command("alice", &["-l", &limit]), &[]);
        // Rust's allocator ends the process where there is no memory.
        if said.status == Some(0) {
            assert!(said.is_unchanged(), "{said:?}");
        }
        codes.extend(said.codes());
    });
    codes.dedup();
    // In between, libpam cannot load the module.
    assert!(
        codes.len() > 1 && codes.last() == Some(&SUCCESS),
        "{codes:?}"
    );
}
