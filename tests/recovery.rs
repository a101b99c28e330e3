//! Recovery codes across processes: a code is marked as used before it counts, even where the
//! process is killed or the disk is full.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pam_authy::engine::shared_words;
use pam_authy::store::recovery::{FileRecovery, Left, Recovery, generate, left};
use pam_authy::store::state::Failure;

use crate::common::child::{as_child, child, ends_well, signal, wait_for_go};
use crate::common::sandbox::sandboxed;
use crate::common::{disk, mount, rounds, test_name};

fn factors() -> Vec<String> {
    vec!["authy_id=1635".to_owned()]
}

fn redeem(state: &Path, code: &str) -> Result<Option<usize>, Failure> {
    FileRecovery::new(state, "alice", factors(), shared_words::map).redeem(&code.parse().unwrap())
}

fn codes(state: &Path) -> Vec<String> {
    let codes = generate(state, "alice", factors(), true, shared_words::map).unwrap();
    codes.iter().map(|code| code.to_string()).collect()
}

#[test]
fn a_process_that_is_killed_has_used_the_recovery_code_up_before_it_counts() {
    if let Some(path) = as_child() {
        let all = fs::read_to_string(path.join("codes")).unwrap();
        println!("go");
        for code in all.lines() {
            if redeem(&path.join("state"), code) != Ok(None) {
                fs::write(path.join(code), "").unwrap();
            }
        }
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut in_the_middle = 0;
    for round in 0..rounds(20) {
        let codes = codes(&state);
        fs::write(folder.path().join("codes"), codes.join("\n")).unwrap();
        let mut child = child("", name, folder.path());
        wait_for_go(&mut child);
        let marks = |codes: &[String]| {
            codes
                .iter()
                .filter(|code| folder.path().join(code).exists())
                .count()
        };
        while marks(&codes) < 1 + round as usize % 5 {
            std::thread::sleep(Duration::from_micros(50));
        }
        signal(&child, Signal::SIGKILL);
        child.wait().unwrap();
        let (counted, rest): (Vec<_>, Vec<_>) = codes
            .iter()
            .partition(|code| folder.path().join(code).exists());
        in_the_middle += usize::from(!counted.is_empty() && !rest.is_empty());
        for code in &counted {
            assert_eq!(redeem(&state, code), Ok(None), "{code} works twice");
        }
        // Only the code that was being redeemed may be lost.
        let works = rest
            .iter()
            .filter(|code| redeem(&state, code).unwrap().is_some());
        assert!(works.count() + 1 >= rest.len());
    }
    assert!(
        in_the_middle > 0,
        "no process was killed in the middle of the codes"
    );
}

#[test]
fn of_many_processes_with_one_code_one_wins() {
    if let Some(path) = as_child() {
        let code = fs::read_to_string(path.join("code")).unwrap();
        println!("go");
        while !path.join("start").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("outcome {:?}", redeem(&path.join("state"), &code));
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let code = codes(&folder.path().join("state")).remove(0);
    fs::write(folder.path().join("code"), code).unwrap();
    let mut children: Vec<_> = (0..64).map(|_| child("", name, folder.path())).collect();
    children.iter_mut().for_each(wait_for_go);
    fs::write(folder.path().join("start"), "").unwrap();
    let outputs = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap().stdout);
    let said: Vec<_> = outputs.map(|out| String::from_utf8(out).unwrap()).collect();
    let count = |text: &str| said.iter().filter(|said| said.contains(text)).count();
    assert_eq!(
        (count("Ok(Some(9))"), count("Ok(None)")),
        (1, 63),
        "{said:?}"
    );
}

#[test]
fn a_process_stopped_at_any_instant_delays_no_recovery_code_of_another() {
    if let Some(path) = as_child() {
        println!("go");
        for code in fs::read_to_string(path.join("codes")).unwrap().lines() {
            let _ = redeem(&path.join("state"), code);
        }
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    for round in 0..rounds(10) {
        let mut codes = codes(&state);
        let last = codes.pop().unwrap();
        fs::write(folder.path().join("codes"), codes.join("\n")).unwrap();
        let mut child = child("", name, folder.path());
        wait_for_go(&mut child);
        std::thread::sleep(Duration::from_micros(137 * u64::from(round)));
        signal(&child, Signal::SIGSTOP);
        let start = Instant::now();
        let redeemed = redeem(&state, &last);
        let took = start.elapsed();
        signal(&child, Signal::SIGKILL);
        child.wait().unwrap();
        assert!(matches!(redeemed, Ok(Some(_))), "{redeemed:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[test]
fn a_size_limit_of_the_caller_does_not_hinder_a_recovery_code() {
    if let Some(path) = as_child() {
        let code = fs::read_to_string(path.join("code")).unwrap();
        assert_eq!(redeem(&path.join("state"), &code), Ok(Some(9)));
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let code = codes(&state).remove(0);
    fs::write(folder.path().join("code"), &code).unwrap();
    ends_well(child("ulimit -f 0", name, folder.path()));
    assert_eq!(redeem(&state, &code), Ok(None));
}

#[test]
fn an_old_set_says_nothing_about_a_new_one_and_a_lost_file_of_used_codes_denies() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let old = codes(&state);
    assert_eq!(redeem(&state, &old[0]), Ok(Some(9)));
    let used = state.join("recovery-used");
    let files = || {
        fs::read_dir(&used)
            .unwrap()
            .map(|file| file.unwrap().path())
    };
    let first = files().next().unwrap();
    let content = fs::read(&first).unwrap();
    let new = codes(&state);
    assert_eq!(files().count(), 1);
    // An administrator puts the old file back: it marks no code of the new set.
    fs::write(&first, content).unwrap();
    fs::set_permissions(&first, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(redeem(&state, &new[0]), Ok(Some(9)));
    assert_eq!(redeem(&state, &old[1]), Ok(None));
    for file in files() {
        fs::remove_file(file).unwrap();
    }
    let lost = redeem(&state, &new[0]);
    assert!(matches!(lost, Err(Failure::State(_))), "{lost:?}");
    assert!(left(&state, "alice", &factors()).is_err());
    assert_eq!(redeem(&state, &codes(&state)[0]), Ok(Some(9)));
}

#[test]
#[ignore = "needs root"]
fn a_recovery_code_works_once_on_a_full_disk_and_not_on_a_read_only_one() {
    sandboxed!();
    let disk = disk("64k");
    let state = disk.join("state");
    let codes = codes(&state);
    let _ = fs::write(disk.join("full"), vec![0; 100_000]);
    assert_eq!(redeem(&state, &codes[0]), Ok(Some(9)));
    assert_eq!(redeem(&state, &codes[0]), Ok(None));
    assert!(generate(&state, "alice", factors(), true, shared_words::map).is_err());
    assert_eq!(redeem(&state, &codes[1]), Ok(Some(8)));
    mount(&["-o", "remount,ro"], &disk);
    assert!(matches!(redeem(&state, &codes[2]), Err(Failure::Disk(_))));
    // A user without codes needs no write to the disk.
    let mut bob = FileRecovery::new(&state, "bob", factors(), shared_words::map);
    assert_eq!(bob.redeem(&codes[2].parse().unwrap()), Ok(None));
    mount(&["-o", "remount,rw"], &disk);
    fs::remove_file(disk.join("full")).unwrap();
    assert_eq!(redeem(&state, &codes[2]), Ok(Some(7)));
    assert_eq!(left(&state, "alice", &factors()).unwrap(), Left::Of(7));
}
