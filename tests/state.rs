//! The state folder, used by several processes at once that are killed, stopped or limited, and on
//! a full disk.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pam_authy::store::state::{FileChange, Folder};

use crate::common::child::{as_child, child, ends_well, signal, wait_for_go};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::{disk, mount, rounds, test_name};

fn temporary() -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("state");
    (above, path)
}

/// Replaces the content of the file `f`.
fn write(folder: &Folder, text: &[u8]) -> Result<(), pam_authy::store::state::Error> {
    folder.update("f", |_| ((), FileChange::Write(text.to_vec())))
}

#[test]
fn a_writer_that_is_killed_leaves_the_old_file_or_the_new_one() {
    const LENGTH: usize = 100_000;
    if let Some(path) = as_child() {
        let folder = Folder::open(&path).unwrap();
        println!("go");
        for letter in (b'a'..=b'z').cycle() {
            write(&folder, &vec![letter; LENGTH]).unwrap();
        }
    }
    let name = test_name!();
    let (_above, path) = temporary();
    let folder = Folder::open(&path).unwrap();
    let mut incomplete = 0;
    // A busy machine may kill none of the first writers in the middle of its work.
    for round in 0..rounds(1000) {
        if round >= rounds(30) && incomplete > 0 {
            break;
        }
        let mut child = child("", name, &path);
        wait_for_go(&mut child);
        std::thread::sleep(Duration::from_micros(500) + Duration::from_micros(137) * (round % 30));
        signal(&child, Signal::SIGKILL);
        child.wait().unwrap();
        incomplete += usize::from(path.join("f.new").exists());
        if let Some(bytes) = folder.read("f").unwrap() {
            let whole = bytes.len() == LENGTH && bytes.iter().all(|byte| *byte == bytes[0]);
            assert!(whole, "round {round}: {} bytes", bytes.len());
        }
        // What the killed process left behind does not disturb the next writer.
        write(&folder, &[b'-'; LENGTH]).unwrap();
    }
    assert!(
        incomplete > 0,
        "no writer was killed in the middle of a change"
    );
}

#[test]
fn a_stopped_holder_of_a_lock_costs_others_a_second_and_a_killed_one_nothing() {
    if let Some(path) = as_child() {
        let hold = |_: Option<&[u8]>| {
            println!("go");
            std::thread::sleep(Duration::from_secs(30));
            ((), FileChange::Keep)
        };
        return Folder::open(&path).unwrap().update("f", hold).unwrap();
    }
    let name = test_name!();
    let (_above, path) = temporary();
    let folder = Folder::open(&path).unwrap();
    let mut child = child("", name, &path);
    wait_for_go(&mut child);
    signal(&child, Signal::SIGSTOP);
    let start = Instant::now();
    let error = write(&folder, b"x").unwrap_err();
    assert!(error.to_string().contains("holds its lock"), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    // Other files are not locked.
    folder.update("g", |_| ((), FileChange::Keep)).unwrap();
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    write(&folder, b"x").unwrap();
}

#[test]
fn a_size_limit_of_the_caller_is_an_error_and_neither_kills_nor_leaves_a_signal() {
    let signals = || {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = |line: &&str| {
            ["SigPnd", "ShdPnd", "SigBlk"]
                .iter()
                .any(|s| line.starts_with(s))
        };
        status
            .lines()
            .filter(line)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    if let Some(path) = as_child() {
        let folder = Folder::open(&path).unwrap();
        let before = signals();
        let error = write(&folder, b"new").unwrap_err();
        assert!(error.is_process() && !error.is_disk(), "{error}");
        assert_eq!(signals(), before);
        assert_eq!(folder.read("f").unwrap().unwrap(), b"old");
        assert!(!path.join("f.new").exists());
        return;
    }
    let name = test_name!();
    let (_above, path) = temporary();
    write(&Folder::open(&path).unwrap(), b"old").unwrap();
    ends_well(child("ulimit -f 0", name, &path));
    ends_well(child("ulimit -f 0; trap '' XFSZ", name, &path));
}

#[test]
fn running_out_of_descriptors_is_an_error_of_the_process() {
    if let Some(path) = as_child() {
        let folder = Folder::open(&path).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
        let errors = [
            write(&folder, b"new").unwrap_err(),
            Folder::open(&path).unwrap_err(),
        ];
        drop(all);
        assert!(errors.iter().all(|error| error.is_process()), "{errors:?}");
        assert_eq!(folder.read("f").unwrap().unwrap(), b"old");
        return;
    }
    let name = test_name!();
    let (_above, path) = temporary();
    write(&Folder::open(&path).unwrap(), b"old").unwrap();
    ends_well(child("ulimit -n 40", name, &path));
}

#[test]
fn the_umask_of_the_caller_does_not_matter() {
    if let Some(path) = as_child() {
        let folder = Folder::open(&path).unwrap();
        return write(&folder, b"new").unwrap();
    }
    let name = test_name!();
    check_rows(["000", "077"], |mask| {
        let (_above, path) = temporary();
        ends_well(child(&format!("umask {mask}"), name, &path));
        let folder = Folder::open(&path).unwrap();
        assert_eq!(folder.read("f").unwrap().unwrap(), b"new");
    });
}

#[test]
#[ignore = "needs root"]
fn a_full_or_read_only_disk_is_a_disk_error_and_the_old_file_stays() {
    sandboxed!();
    let disk = disk("64k");
    let folder = Folder::open(&disk.join("state")).unwrap();
    write(&folder, b"old").unwrap();
    let _ = fs::write(disk.join("full"), vec![0; 100_000]);
    let full = write(&folder, b"new").unwrap_err();
    assert!(full.is_disk() && !full.is_process(), "{full}");
    assert_eq!(folder.read("f").unwrap().unwrap(), b"old");
    fs::remove_file(disk.join("full")).unwrap();
    write(&folder, b"new").unwrap();
    mount(&["-o", "remount,ro"], &disk);
    let read_only = write(&folder, b"newer").unwrap_err();
    assert!(read_only.is_disk(), "{read_only}");
    assert!(
        folder
            .update("g", |_| ((), FileChange::Keep))
            .unwrap_err()
            .is_disk()
    );
    assert!(folder.sub("h").unwrap_err().is_disk());
    assert_eq!(folder.read("f").unwrap().unwrap(), b"new");
}
