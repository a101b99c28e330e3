//! Applications with children of their own: they hear nothing of the processes that start an engine.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::process::wait_for;
use super::{SERVICE_ERR, SUCCESS};
use crate::common::application::{Running, command, run};
use crate::common::fake_engine::{ACCEPTS, FakeEngine};
use crate::common::host::Host;
use crate::common::rounds;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

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

/// The kernel hands it the engine's end: that breaks nothing.
#[test]
#[ignore = "needs root"]
fn an_application_that_adopts_orphans_still_logs_in() {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    let said = run(fake.command("alice", &["-k", "adopt", "-r", "30"]), &[]);
    assert_eq!(said.codes(), [SUCCESS; 30], "{said:?}");
}

/// The caller of su can be the parent of all orphans below it, and reap none: what is left of the
/// engines must count among the caller's processes, not among root's.
#[test]
#[ignore = "needs root"]
fn an_engine_that_nobody_reaps_counts_for_the_user_who_does_not() {
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n").installed();
    let (su, adopts) = (["setpriv", "--ruid", "12345"], ["-k", "adopt", "-r", "3"]);
    let mut running = Running::start(command(&host, "alice", &su, &adopts));
    for _ in 0..2 {
        running.wait_for("prompt");
        running.reply("1111111");
    }
    running.wait_for("prompt");
    let pid = running.pid();
    let ended = || -> Vec<String> {
        let children = children(pid).unwrap_or_default().into_iter();
        children.filter_map(uids_of_ended).collect()
    };
    wait_for("two engines that have ended", || ended().len() == 2);
    assert_eq!(ended(), ["12345\t0\t0\t0"; 2]);
    running.finish();
}

/// The caller kills su while the engine starts, which strace delays here.
#[test]
#[ignore = "needs root"]
fn the_process_that_starts_an_engine_counts_for_the_caller_who_does_not_reap_it() {
    sandboxed!();
    let host = Host::new().installed();
    let delayed = "inject=prlimit64:delay_enter=400000:when=1";
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null"];
    let wrapper = [
        &strace[..],
        &["-e", "trace=prlimit64", "-e", delayed],
        &["setpriv", "--ruid", "12345"],
    ];
    let running = Running::start(command(&host, "alice", &wrapper.concat(), &[]));
    let application = wait_for_child(running.pid());
    let middle = wait_for_child(application);
    wait_for_child(middle);
    kill(application, Signal::SIGKILL).unwrap();
    // The test is the first process of the sandbox, and reaps no orphan.
    wait_for("its end", || uids_of_ended(middle).is_some());
    assert_eq!(uids_of_ended(middle).unwrap(), "12345\t0\t0\t0");
    running.finish();
}

/// The uids of a process that has ended and was not reaped; `None` if it runs.
fn uids_of_ended(pid: Pid) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    field("State:\tZ")
        .and_then(|_| field("Uid:\t"))
        .map(str::to_owned)
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

/// Its process is in the application's memory until its exec, which strace delays here. Were the
/// first login to end before, the module would be unloaded and the second would use its memory.
#[test]
#[ignore = "needs root"]
fn an_application_waits_for_an_engine_that_still_uses_its_memory() {
    let fake = FakeEngine::new(&format!("mark\n{}", ACCEPTS.replace("USER", "alice")));
    fake.open_to_all();
    let delayed = "inject=prlimit64:delay_enter=400000:when=1";
    let trace = fake.path("trace").display().to_string();
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        &trace,
        "-e",
        "trace=prlimit64",
        "-e",
        delayed,
    ];
    let running = Running::start(fake.wrapped(&strace, "alice", &["-r", "2"]));
    let application = wait_for_child(running.pid());
    let middle = wait_for_child(application);
    wait_for_child(middle);
    kill(middle, Signal::SIGKILL).unwrap();
    let said = running.finish();
    assert_eq!(said.codes(), [SERVICE_ERR, SUCCESS], "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
    let ran = fs::read_to_string(fake.path("pam_authyd.ran")).unwrap();
    let trace = fs::read_to_string(trace).unwrap();
    assert_eq!(ran, "..", "strace waits for both engines: {trace}");
}

/// Returns a child of `pid` that is the application, or was cloned by it. Waits up to 10 s for it;
/// strace has other children at its start.
fn wait_for_child(pid: Pid) -> Pid {
    let is_application = |child: &Pid| {
        let name = fs::read_to_string(format!("/proc/{child}/comm"));
        name.is_ok_and(|name| name == "application\n")
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let all = children(pid).unwrap_or_default();
        if let Some(child) = all.into_iter().find(is_application) {
            return child;
        }
        assert!(Instant::now() < deadline, "{pid} has no child");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the children of the first thread of `pid`; `None` if that has ended.
fn children(pid: Pid) -> Option<Vec<Pid>> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let pids = text.split_whitespace();
    Some(
        pids.map(|child| Pid::from_raw(child.parse().unwrap()))
            .collect(),
    )
}

/// Kills each child of `pid` as soon as it is seen, until that process ends.
fn kill_children(pid: Pid) -> u32 {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut killed = 0;
    while let Some(children) = children(pid) {
        for child in children {
            killed += u32::from(kill(child, Signal::SIGKILL).is_ok());
        }
        assert!(Instant::now() < deadline, "{pid} does not end");
    }
    killed
}

/// Before it is, the caller of su can stop or trace it while it uses su's memory.
#[test]
#[ignore = "needs strace"]
fn the_process_that_starts_an_engine_is_root_before_it_does() {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    let log = fake.path("strace.log");
    let calls = "trace=clone,setgroups,setresgid,setresuid";
    let strace = ["strace", "-f", "-qq", "-e", calls, "-o"];
    let strace = [&strace[..], &[log.to_str().unwrap()]].concat();
    fake.open_to_all();
    let said = run(fake.wrapped(&strace, "alice", &[]), &[]);
    assert_eq!(said.codes(), [SUCCESS], "{said:?}");
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = text.lines().filter_map(|l| l.split_once(' ')).collect();
    let starts =
        |(_, call): &&(&str, &str)| call.contains("CLONE_VFORK") && call.contains("|SIGCHLD");
    let (process, _) = lines.iter().find(starts).unwrap();
    let of_it = lines.iter().filter(|(pid, _)| pid == process);
    let names: Vec<_> = of_it
        .filter_map(|(_, call)| call.trim().split('(').next())
        .take(4)
        .collect();
    assert_eq!(names, ["setgroups", "setresgid", "setresuid", "clone"]);
}
