//! Codes of authenticator apps: a step is used up once, by many processes at once, and before the
//! login succeeds; what cannot be recorded is not accepted.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use pam_authy::base::factor::TotpId;
use pam_authy::engine::shared_words;
use pam_authy::store::state::Failure;
use pam_authy::store::totp::{Recorded, Steps};

use crate::common::child::{as_child, child, ends_well, signal, wait_for_go};
use crate::common::sandbox::sandboxed;
use crate::common::{disk, mount, test_name};

fn bob() -> TotpId {
    TotpId::new(&[1; 16])
}

fn steps(state: &Path) -> Steps {
    Steps::new(state, shared_words::map)
}

fn record(state: &Path, id: TotpId, time: u64) -> Result<Recorded, Failure> {
    steps(state).record(id, &[time])
}

fn is_disk(result: &Result<Recorded, Failure>) -> bool {
    matches!(result, Err(Failure::Disk(_)))
}

#[test]
fn of_sixty_four_processes_with_one_code_one_wins() {
    if let Some(path) = as_child() {
        println!("go");
        while !path.join("start").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("outcome {:?}", record(&path.join("state"), bob(), 60));
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
        (count("outcome Ok(New)"), count("outcome Ok(Used(60))")),
        (1, 63),
        "{said:?}"
    );
}

#[test]
fn a_process_that_is_killed_after_the_check_has_used_the_code_up() {
    if let Some(path) = as_child() {
        let recorded = record(&path.join("state"), bob(), 60);
        assert_eq!(recorded, Ok(Recorded::New));
        println!("go");
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    let mut child = child("", name, folder.path());
    wait_for_go(&mut child);
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    let again = record(&folder.path().join("state"), bob(), 60);
    assert_eq!(again, Ok(Recorded::Used(60)));
}

#[test]
fn a_size_limit_of_the_process_accepts_no_code_without_a_file() {
    if let Some(path) = as_child() {
        let state = path.join("state");
        // The file of bob is there, and is changed in place.
        assert_eq!(record(&state, bob(), 60), Ok(Recorded::New));
        let other = record(&state, TotpId::new(&[2; 16]), 60);
        assert!(matches!(other, Err(Failure::Process(_))), "{other:?}");
        return;
    }
    let name = test_name!();
    let folder = tempfile::tempdir().unwrap();
    steps(&folder.path().join("state")).prepare(bob()).unwrap();
    ends_well(child("ulimit -f 0", name, folder.path()));
}

#[test]
#[ignore = "needs root"]
fn on_a_full_disk_a_code_counts_in_place_and_on_a_read_only_one_none_is_accepted() {
    sandboxed!();
    let disk = disk("64k");
    let state = disk.join("state");
    steps(&state).prepare(bob()).unwrap();
    let _ = fs::write(disk.join("full"), vec![0; 100_000]);
    assert_eq!(record(&state, bob(), 60), Ok(Recorded::New));
    assert_eq!(record(&state, bob(), 60), Ok(Recorded::Used(60)));
    let other = record(&state, TotpId::new(&[2; 16]), 60);
    assert!(is_disk(&other), "{other:?}");
    assert!(steps(&state).reset(bob()).unwrap());
    assert_eq!(record(&state, bob(), 30), Ok(Recorded::New));
    mount(&["-o", "remount,ro"], &disk);
    let refused = record(&state, bob(), 90);
    assert!(is_disk(&refused), "{refused:?}");
}

#[test]
#[ignore = "needs root"]
fn on_a_disk_without_a_free_inode_no_code_of_a_new_secret_is_accepted() {
    sandboxed!();
    let disk = disk("256k");
    mount(&["-o", "remount,nr_inodes=40"], &disk);
    let state = disk.join("state");
    steps(&state).prepare(bob()).unwrap();
    let made = (0..100).take_while(|number| File::create(disk.join(number.to_string())).is_ok());
    assert!(made.count() < 50, "there are inodes left");
    assert_eq!(record(&state, bob(), 60), Ok(Recorded::New));
    let other = record(&state, TotpId::new(&[2; 16]), 60);
    assert!(is_disk(&other), "{other:?}");
}
