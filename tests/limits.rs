//! Limits across processes: exact counts, also on a full disk and under hostile callers.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use pam_authy::store::config;
use pam_authy::store::limits::{Costly, Error, FileLimits, Limits, Listing, list};
use pam_authy::store::state::Failure;

use crate::common::child::{CHILD, as_child, child, ends_well, signal, wait_for_go};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::{disk, mount, test_name};

fn rules() -> config::Limits {
    let mut rules = config::Limits::default();
    rules.per_user.sms = 40;
    rules.per_user.calls = 1000;
    rules.per_address.calls = 1000;
    rules.refused_tokens = 100;
    rules
}

fn alice(state: &Path) -> FileLimits {
    FileLimits::new(state, rules(), "alice", true, None, SystemTime::now)
}

fn listing(state: &Path) -> Listing {
    list(state, &rules(), SystemTime::now()).unwrap()
}

#[test]
fn sixty_four_processes_at_once_count_exactly() {
    if let Some(path) = as_child() {
        println!("go");
        while !path.join("start").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut alice = alice(&path.join("state"));
        let sent = alice.acquire(Costly::Sms);
        let counted = alice.acquire_code();
        println!("outcome {sent:?} {counted:?}");
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let mut children: Vec<_> = (0..64).map(|_| child("", name, folder.path())).collect();
    children.iter_mut().for_each(wait_for_go);
    fs::write(folder.path().join("start"), "").unwrap();
    let outputs = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap());
    let said: Vec<_> = outputs
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .collect();
    let count = |text: &str| said.iter().filter(|said| said.contains(text)).count();
    assert_eq!(
        (count("outcome Ok(()) "), count("outcome Err(Limit")),
        (40, 24),
        "{said:?}"
    );
    assert_eq!(count(" Ok(())\n"), 64, "{said:?}");
    let listing = listing(&folder.path().join("state"));
    assert_eq!((listing.users[0].sms, listing.users[0].refused), (40, 64));
    assert_eq!(listing.addresses[0].sms, 40);
}

#[test]
fn a_killed_process_loses_no_count() {
    if let Some(path) = as_child() {
        let mut alice = alice(&path.join("state"));
        let mut done = File::options()
            .append(true)
            .open(path.join("done"))
            .unwrap();
        println!("go");
        loop {
            alice.acquire(Costly::Call).unwrap();
            done.write_all(b".").unwrap();
        }
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    fs::write(&done, "").unwrap();
    for round in 0..10_u64 {
        let mut child = child("", name, folder.path());
        wait_for_go(&mut child);
        std::thread::sleep(Duration::from_millis(1 + round));
        signal(&child, Signal::SIGKILL);
        child.wait().unwrap();
        let listing = listing(&folder.path().join("state"));
        let counted = listing.users.first().map_or(0, |row| row.calls) as u64;
        let done = fs::metadata(&done).unwrap().len();
        // A process may be killed after it counted and before it wrote its mark.
        assert!(
            (done..=done + round + 1).contains(&counted),
            "{counted} of {done}"
        );
    }
    assert!(fs::metadata(&done).unwrap().len() > 0);
}

#[test]
fn a_size_limit_of_the_caller_denies_what_costs_money_and_codes() {
    if let Some(path) = as_child() {
        let mut alice = alice(&path);
        let error = [alice.acquire(Costly::Sms), alice.acquire_code()];
        assert!(
            error
                .iter()
                .all(|error| matches!(error, Err(Error::State(Failure::Process(_))))),
            "{error:?}"
        );
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    ends_well(child("ulimit -f 0", name, &state));
    assert!(listing(&state).users.is_empty());
}

#[test]
#[ignore = "needs root"]
fn a_full_or_read_only_disk_denies_what_costs_money_and_no_code() {
    sandboxed!();
    let disk = disk("64k");
    let mut rules = rules();
    rules.refused_tokens = 3;
    let state = disk.join("state");
    let login = |user| FileLimits::new(&state, rules, user, true, None, SystemTime::now);
    for _ in 0..3 {
        login("paused").acquire_code().unwrap();
    }
    login("seen").acquire_code().unwrap();
    let _ = fs::write(disk.join("full"), vec![0; 100_000]);
    let check = |what: &str| {
        check_rows(["seen", "new"], |user| {
            let costly = login(user).acquire(Costly::Sms);
            assert!(
                matches!(costly, Err(Error::State(Failure::Disk(_)))),
                "{what}: {costly:?}"
            );
            for _ in 0..5 {
                login(user).acquire_code().unwrap();
            }
        });
        // A pause that is on the disk stays in force.
        let paused = login("paused").acquire_code();
        assert!(
            matches!(paused, Err(Error::Limit { .. })),
            "{what}: {paused:?}"
        );
    };
    check("full");
    mount(&["-o", "remount,ro"], &disk);
    check("read-only");
    let missing = FileLimits::new(
        &disk.join("none"),
        rules,
        "alice",
        true,
        None,
        SystemTime::now,
    )
    .acquire_code();
    assert_eq!(missing, Ok(()));
}

#[test]
#[ignore = "needs root"]
fn counts_owned_by_another_user_deny() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    alice(&state).acquire_code().unwrap();
    check_rows(["limits/users", "limits", ""], |name| {
        chown(state.join(name), Some(12345), None).unwrap();
        let error = [
            alice(&state).acquire(Costly::Sms),
            alice(&state).acquire_code(),
        ];
        assert!(
            error
                .iter()
                .all(|error| matches!(error, Err(Error::State(Failure::State(_))))),
            "{name}: {error:?}"
        );
        chown(state.join(name), Some(0), None).unwrap();
    });
}

#[test]
#[ignore = "needs root"]
fn a_process_that_is_not_root_has_no_counts_and_no_pause() {
    if let Some(path) = as_child() {
        let mut alice = alice(&path);
        assert_eq!(alice.acquire_code(), Ok(()));
        assert!(matches!(
            alice.acquire(Costly::Push),
            Err(Error::State(Failure::Disk(_)))
        ));
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    // That user must be able to start the test program. `cp` copies it, since a process that
    // another test forks here would inherit the open file, and nothing can start a program that is
    // open for writing.
    let program = folder.path().join("program");
    let copied = Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let state = folder.path().join("state");
    alice(&state).acquire_code().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let status = Command::new("setpriv")
        .args(["--reuid", "65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", name, "--include-ignored"])
        .env(CHILD, &state)
        .status()
        .unwrap();
    assert!(status.success());
}
