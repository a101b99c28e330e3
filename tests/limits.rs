//! Limits across processes: exact counts, also on a full disk, with processes that are stopped or
//! killed at any instant, and under hostile callers.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::Signal;
use pam_authy::engine::shared_words;
use pam_authy::pam_app::Item;
use pam_authy::store::config;
use pam_authy::store::limits::{
    Costly, Error, FileLimits, LimitedLogin, Limits, Listing, list, of_user,
};
use pam_authy::store::state::Failure;

use crate::common::application::{command, run};
use crate::common::child::{CHILD, as_child, child, ends_well, signal, wait_for_go};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::{disk, mount, rounds, test_name};

fn rules() -> config::Limits {
    let mut rules = config::Limits::default();
    rules.per_user.sms = 40;
    rules.per_user.calls = 60_000;
    rules.per_address.calls = 60_000;
    rules.refused_tokens = 100;
    rules.sms_per_host = 1000;
    rules
}

fn login(state: &Path, rules: config::Limits, user: &str) -> FileLimits {
    let login = LimitedLogin {
        user,
        enrolled: true,
        receives: true,
        factors: vec!["authy_id=1635".to_owned()],
        address: None,
        uid: 1000,
    };
    FileLimits::new(state, rules, login, shared_words::map, SystemTime::now)
}

fn alice(state: &Path) -> FileLimits {
    login(state, rules(), "alice")
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
    assert_eq!(
        (listing.addresses[0].sms, listing.addresses[0].who.as_str()),
        (40, "uid:1000")
    );
    let factor = ["authy_id=1635".to_owned()];
    let state = folder.path().join("state");
    let of_factor = of_user(&state, &rules(), "other", &factor, SystemTime::now());
    assert_eq!(of_factor.unwrap().map(|row| row.refused), Some(64));
}

#[test]
fn a_killed_process_loses_no_count() {
    if let Some(path) = as_child() {
        count_forever(&path);
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    fs::write(&done, "").unwrap();
    for round in 0..10_u64 {
        let mut child = counter(name, folder.path());
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

/// Starts a process that counts calls, and codes that are taken back, until it is killed. It adds
/// a byte to the file `done` for each call.
fn counter(name: &'static str, folder: &Path) -> Child {
    let mut child = child("", name, folder);
    wait_for_go(&mut child);
    child
}

fn count_forever(folder: &Path) -> ! {
    let mut alice = alice(&folder.join("state"));
    let done = File::options().append(true).open(folder.join("done"));
    let mut done = done.unwrap();
    println!("go");
    loop {
        alice.acquire(Costly::Call).unwrap();
        done.write_all(b".").unwrap();
        if alice.acquire_code().is_ok() {
            alice.release_code();
        }
    }
}

#[test]
fn a_process_stopped_at_any_instant_delays_no_other_and_loses_no_count() {
    if let Some(path) = as_child() {
        count_forever(&path);
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let (state, done) = (folder.path().join("state"), folder.path().join("done"));
    fs::write(&done, "").unwrap();
    let mut stopped = Vec::new();
    let mut counted = 0;
    for round in 0..rounds(20) {
        let child = counter(name, folder.path());
        std::thread::sleep(Duration::from_micros(500 + 137 * u64::from(round % 30)));
        signal(&child, Signal::SIGSTOP);
        stopped.push(child);
        // It delays no other process while it is stopped.
        let start = Instant::now();
        let mut other = alice(&state);
        other.acquire(Costly::Call).unwrap();
        other.acquire_code().unwrap();
        other.code_accepted(true);
        counted += 1;
        let took = start.elapsed();
        assert!(took < Duration::from_secs(1), "round {round}: {took:?}");
    }
    for child in &mut stopped {
        signal(child, Signal::SIGKILL);
        child.wait().unwrap();
    }
    let calls = listing(&state).users[0].calls as u64;
    let done = fs::metadata(&done).unwrap().len() + counted;
    let stopped = stopped.len() as u64;
    assert!(
        (done..=done + stopped).contains(&calls),
        "{calls} of {done}"
    );
}

/// In su and sudo the caller could stop the process while the answer to an accepted code waits, let
/// others guess, and let it go on: all their refused codes would be forgotten.
#[test]
fn a_stopped_process_takes_back_no_code_that_was_refused_later() {
    if let Some(path) = as_child() {
        let mut alice = alice(&path.join("state"));
        alice.acquire_code().unwrap();
        println!("go");
        while !path.join("accepted").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        alice.code_accepted(true);
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    alice(&state).acquire_code().unwrap();
    let mut child = child("", name, folder.path());
    wait_for_go(&mut child);
    signal(&child, Signal::SIGSTOP);
    for _ in 0..3 {
        alice(&state).acquire_code().unwrap();
    }
    fs::write(folder.path().join("accepted"), "").unwrap();
    signal(&child, Signal::SIGCONT);
    assert!(child.wait().unwrap().success());
    assert_eq!(listing(&state).users[0].refused, 3);
}

#[test]
fn a_size_limit_of_the_caller_refuses_what_has_no_file_of_counts_yet() {
    if let Some(path) = as_child() {
        let mut bob = login(&path, rules(), "bob");
        let error = [bob.acquire(Costly::Sms), bob.acquire_code()];
        assert!(
            error
                .iter()
                .all(|error| matches!(error, Err(Error::State(Failure::Process(_))))),
            "{error:?}"
        );
        return alice(&path).acquire_code().unwrap();
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    alice(&state).acquire_code().unwrap();
    ends_well(child("ulimit -f 0", name, &state));
    let users = listing(&state).users;
    assert_eq!((users.len(), users[0].refused), (1, 2));
}

fn is_disk(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::State(Failure::Disk(_))))
}

fn is_limit(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Limit { .. }))
}

#[test]
#[ignore = "needs root"]
fn a_full_disk_counts_in_place_and_a_read_only_one_refuses_everything() {
    sandboxed!();
    let disk = disk("256k");
    let mut rules = rules();
    rules.refused_tokens = 3;
    let state = disk.join("state");
    let alice = || login(&state, rules, "alice");
    alice().acquire(Costly::Sms).unwrap();
    let _ = fs::write(disk.join("full"), vec![0; 1_000_000]);
    assert!(fs::write(disk.join("more"), "x").is_err(), "it is not full");
    for _ in 0..3 {
        alice().acquire_code().unwrap();
    }
    assert!(is_limit(&alice().acquire_code()), "no pause was counted");
    alice().acquire(Costly::Sms).unwrap();
    let bob = login(&state, rules, "bob").acquire(Costly::Sms);
    assert!(is_disk(&bob), "{bob:?}");
    mount(&["-o", "remount,ro"], &disk);
    check_rows(["alice", "bob"], |user| {
        let mut login = login(&state, rules, user);
        let refused = [login.acquire(Costly::Sms), login.acquire_code()];
        assert!(refused.iter().all(is_disk), "{refused:?}");
    });
    let missing = login(&disk.join("none"), rules, "alice").acquire_code();
    assert!(is_disk(&missing), "{missing:?}");
}

#[test]
#[ignore = "needs root"]
fn on_a_disk_without_a_free_inode_a_new_user_is_refused_and_known_ones_are_counted() {
    sandboxed!();
    let disk = disk("256k");
    mount(&["-o", "remount,nr_inodes=40"], &disk);
    let state = disk.join("state");
    alice(&state).acquire(Costly::Sms).unwrap();
    alice(&state).acquire_code().unwrap();
    let made = (0..100).take_while(|number| File::create(disk.join(number.to_string())).is_ok());
    assert!(made.count() < 50, "there are inodes left");
    for _ in 0..5 {
        alice(&state).acquire_code().unwrap();
    }
    assert_eq!(listing(&state).users[0].refused, 6);
    let mut bob = login(&state, rules(), "bob");
    let refused = [bob.acquire(Costly::Sms), bob.acquire_code()];
    assert!(refused.iter().all(is_disk), "{refused:?}");
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
fn a_process_that_is_not_root_cannot_count_and_so_checks_nothing() {
    if let Some(path) = as_child() {
        let mut alice = alice(&path);
        let refused = [alice.acquire(Costly::Push), alice.acquire_code()];
        assert!(refused.iter().all(is_disk), "{refused:?}");
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

/// A full disk may neither give guesses that nothing counts nor lock out those who were there
/// before.
#[test]
#[ignore = "needs root"]
fn a_login_that_cannot_be_counted_is_refused_unsent_with_reason_state() {
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    host.append(&host.users, "bob = 1636\n");
    let state = host.sim.path("state");
    fs::create_dir_all(&state).unwrap();
    let options = "size=256k,nr_inodes=40,mode=0700";
    mount(&["-t", "tmpfs", "-o", options, "tmpfs"], &state);
    assert_eq!(host.login("alice", &["0000000"]).code, "PAM_MAXTRIES");
    let made = (0..100).take_while(|number| File::create(state.join(number.to_string())).is_ok());
    assert!(made.count() < 50, "there are inodes left");
    let sent = host.sim.count("/verify/");

    let bob = host.login("bob", &["0000000"]).code;
    assert_eq!((bob, host.sim.count("/verify/")), ("PAM_SERVICE_ERR", sent));
    let alice = host.login("alice", &["0000000"]).code;
    let token = host.sim.token(1635);
    let proven = host.login("alice", &[&token]).code;

    assert_eq!((alice, proven), ("PAM_MAXTRIES", "PAM_SUCCESS"));
    let audit = host.audit();
    assert!(audit[1].contains("verdict=error reason=state"), "{audit:?}");
}

#[test]
fn the_sms_of_the_host_are_limited_over_all_users_and_addresses() {
    let host = Host::with("[login]\nrefusal_seconds = 0\n[limits]\nsms_per_host = 2\n");
    host.append(&host.users, "bob = 1635\ncarol = 1635\n");
    let addresses = [
        ("alice", "192.0.2.1"),
        ("bob", "192.0.2.2"),
        ("carol", "192.0.2.3"),
    ];
    for (name, address) in addresses {
        let token = host.sim.token(1635);
        let items = [(Item::RHost, address)];
        assert_eq!(
            host.login_with(name, &["sms", &token], &items).code,
            "PAM_SUCCESS"
        );
    }
    assert_eq!(host.sim.count("/sms/"), 2);
}

#[test]
#[ignore = "needs root"]
fn messages_of_a_login_without_an_address_count_by_the_callers_uid() {
    sandboxed!();
    let rules = "[login]\nrefusal_seconds = 0\n[limits]\ncalls_per_address = 1\n";
    let host = Host::with(rules).installed();
    let caller = ["setpriv", "--ruid", "12345", "--clear-groups"];
    for wrapper in [&caller[..], &[], &caller] {
        run(command(&host, "alice", wrapper, &[]), &["call"]);
    }
    assert_eq!(host.sim.count("/call/"), 2, "{}", host.log());
    let who = "no more calls for logins of uid 12345 without an address";
    assert!(host.log().contains(who), "{}", host.log());
}
