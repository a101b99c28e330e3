//! Recovery codes across processes: each is redeemed before it counts, whatever happens meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use pam_authy::store::recovery::{FileRecovery, Left, Recovery, generate, left};
use pam_authy::store::state::Failure;

use crate::common::child::{as_child, child, ends_well, signal, wait_for_go};
use crate::common::{disk, mount, sandbox};

fn redeem(state: &Path, code: &str) -> Result<Option<usize>, Failure> {
    FileRecovery::new(state, "alice").redeem(&code.parse().unwrap())
}

fn codes(state: &Path) -> Vec<String> {
    let codes = generate(state, "alice", true).unwrap();
    codes.iter().map(|code| code.to_string()).collect()
}

#[test]
fn a_process_that_is_killed_has_redeemed_every_code_that_counted() {
    const NAME: &str = "recovery::a_process_that_is_killed_has_redeemed_every_code_that_counted";
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
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut in_the_middle = 0;
    for round in 0..20 {
        let codes = codes(&state);
        fs::write(folder.path().join("codes"), codes.join("\n")).unwrap();
        let mut child = child("", NAME, folder.path());
        wait_for_go(&mut child);
        let marks = |codes: &[String]| {
            codes
                .iter()
                .filter(|code| folder.path().join(code).exists())
                .count()
        };
        while marks(&codes) < 1 + round % 5 {
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
        // The one that was being redeemed may be gone, and no other.
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
fn of_many_processes_with_one_code_one_succeeds() {
    const NAME: &str = "recovery::of_many_processes_with_one_code_one_succeeds";
    if let Some(path) = as_child() {
        let code = fs::read_to_string(path.join("code")).unwrap();
        println!("go");
        while !path.join("start").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("outcome {:?}", redeem(&path.join("state"), &code));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let code = codes(&folder.path().join("state")).remove(0);
    fs::write(folder.path().join("code"), code).unwrap();
    let mut children: Vec<_> = (0..16).map(|_| child("", NAME, folder.path())).collect();
    children.iter_mut().for_each(wait_for_go);
    fs::write(folder.path().join("start"), "").unwrap();
    let outputs = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap().stdout);
    let outputs: Vec<_> = outputs.map(|out| String::from_utf8(out).unwrap()).collect();
    let count = |text: &str| outputs.iter().filter(|out| out.contains(text)).count();
    assert_eq!(
        (count("Ok(Some(9))"), count("Ok(None)")),
        (1, 15),
        "{outputs:?}"
    );
}

#[test]
fn a_code_that_cannot_be_redeemed_is_refused_and_works_later() {
    const NAME: &str = "recovery::a_code_that_cannot_be_redeemed_is_refused_and_works_later";
    if let Some(path) = as_child() {
        let code = fs::read_to_string(path.join("code")).unwrap();
        let fault = redeem(&path.join("state"), &code);
        assert!(matches!(fault, Err(Failure::Process(_))), "{fault:?}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let code = codes(&state).remove(0);
    fs::write(folder.path().join("code"), &code).unwrap();
    ends_well(child("ulimit -f 0", NAME, folder.path()));
    assert_eq!(redeem(&state, &code), Ok(Some(9)));
}

#[test]
#[ignore = "needs root"]
fn on_a_full_or_read_only_disk_a_code_is_refused_and_works_later() {
    if !sandbox::enter("recovery::on_a_full_or_read_only_disk_a_code_is_refused_and_works_later") {
        return;
    }
    let disk = disk("64k");
    let state = disk.join("state");
    let codes = codes(&state);
    let _ = fs::write(disk.join("full"), vec![0; 100_000]);
    assert!(matches!(redeem(&state, &codes[0]), Err(Failure::Disk(_))));
    assert!(generate(&state, "alice", true).is_err());
    mount(&["-o", "remount,ro"], &disk);
    assert!(matches!(redeem(&state, &codes[0]), Err(Failure::Disk(_))));
    // For a user without codes nothing is written.
    let bob = FileRecovery::new(&state, "bob").redeem(&codes[0].parse().unwrap());
    assert_eq!(bob, Ok(None));
    mount(&["-o", "remount,rw"], &disk);
    fs::remove_file(disk.join("full")).unwrap();
    assert_eq!(redeem(&state, &codes[0]), Ok(Some(9)));
    assert_eq!(left(&state, "alice").unwrap(), Left::Of(9));
}
