//! Applications with children of their own: they hear nothing of the processes that start an engine.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{SERVICE_ERR, SUCCESS};
use crate::common::application::{Running, run};
use crate::common::fake_engine::{ACCEPTS, FakeEngine};
use crate::common::rounds;
use crate::common::rows::check_rows;

#[test]
#[ignore = "needs root"]
fn an_application_hears_of_no_child_of_ours() {
    let table = [
        &["-k", "ignore"][..],
        &["-k", "handle"],
        &["-k", "wait"],
        &["-k", "handle", "-b"],
        &["-i", "-k", "wait"],
    ];
    let accepting = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    let broken = FakeEngine::new("exit");
    let missing = FakeEngine::new("");
    fs::write(missing.path("pam_authyd"), "no program").unwrap();
    check_rows(table, |options| {
        let options = [options, &["-r", "30"]].concat();
        for (fake, code) in [
            (&accepting, SUCCESS),
            (&broken, SERVICE_ERR),
            (&missing, SERVICE_ERR),
        ] {
            let said = run(fake.command("alice", &options), &[]);
            assert_eq!(said.codes(), [code; 30], "{said:?}");
            assert!(said.is_unchanged(), "{said:?}");
            assert_eq!(said.children(), 0, "{said:?}");
        }
    });
}

/// The kernel hands it the engine's end (docs/behaviour.md): that breaks nothing.
#[test]
#[ignore = "needs root"]
fn an_application_that_adopts_orphans_still_logs_in() {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    let said = run(fake.command("alice", &["-k", "adopt", "-r", "30"]), &[]);
    assert_eq!(said.codes(), [SUCCESS; 30], "{said:?}");
}

/// The caller of su can kill the process that starts the engine, at least through a control group
/// of their own, while the engine's process still uses the application's memory.
#[test]
#[ignore = "needs root"]
fn an_application_survives_the_death_of_the_process_that_starts_an_engine() {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    let count = rounds(400);
    let running = Running::start(fake.command("alice", &["-r", &count.to_string()]));
    let pid = running.pid();
    let killed = kill_children(pid);
    let said = running.finish();
    assert_eq!(said.status, Some(0), "{said:?}");
    let codes = said.codes();
    assert_eq!(codes.len(), count as usize);
    let refused = codes.iter().filter(|code| **code == SERVICE_ERR).count();
    let accepted = codes.iter().filter(|code| **code == SUCCESS).count();
    assert_eq!(refused + accepted, codes.len(), "{codes:?}");
    assert!(
        killed > 0 && refused > 0,
        "{killed} killed, {refused} refused"
    );
    assert!(said.is_unchanged(), "{}", said.text);
}

/// Kills each child of `pid` as soon as it is seen, until that process ends.
fn kill_children(pid: Pid) -> u32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut killed = 0;
    while let Ok(children) = fs::read_to_string(&path) {
        for child in children.split_whitespace() {
            let child = Pid::from_raw(child.parse().unwrap());
            killed += u32::from(kill(child, Signal::SIGKILL).is_ok());
        }
        assert!(Instant::now() < deadline, "{pid} does not end");
    }
    killed
}
