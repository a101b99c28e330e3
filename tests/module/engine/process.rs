//! Finds the engine's process, and reads what /proc says about it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

/// Returns the processes that run `program`; one that has ended runs nothing.
pub(super) fn running(program: &Path) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").unwrap();
    let runs = |name: String| {
        let pid: i32 = name.parse().ok()?;
        let runs = fs::read_link(format!("/proc/{pid}/exe")).ok()? == program;
        runs.then_some(Pid::from_raw(pid))
    };
    processes
        .filter_map(|entry| runs(entry.ok()?.file_name().into_string().ok()?))
        .collect()
}

/// Waits up to 10 s until exactly one process runs `program`, and returns it.
pub(super) fn wait_for_one(program: &Path) -> Pid {
    match wait(program, |found| found.len() == 1).as_slice() {
        [pid] => *pid,
        found => panic!("{} runs as {found:?}", program.display()),
    }
}

/// Waits up to 10 s until no process runs `program`.
pub(super) fn wait_for_none(program: &Path) {
    let found = wait(program, <[Pid]>::is_empty);
    assert!(found.is_empty(), "{} runs as {found:?}", program.display());
}

fn wait(program: &Path, is_enough: impl Fn(&[Pid]) -> bool) -> Vec<Pid> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let found = running(program);
        if is_enough(&found) || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until `is_there` is true; the test fails after ten seconds without `what`.
pub(super) fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_there() {
        assert!(Instant::now() < deadline, "no {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
