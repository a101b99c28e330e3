//! Hostile callers of sudo and su: limits, signals, local ports, and a process that is killed.
//!
//! `when_unavailable` and `unenrolled` are `ignore` in all of them: nothing that the caller does
//! may count as an outage.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use serde_json::json;

use crate::common::application::{Running, Said, command, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;

pub(super) const SUCCESS: i32 = 0;
pub(super) const MAXTRIES: i32 = 11;
const SERVICE_ERR: i32 = 3;
/// PAM_PERM_DENIED: libpam denies where every module answers IGNORE.
pub(super) const IGNORE: i32 = 6;

pub(super) fn lenient() -> Host {
    Host::impatient(
        "[login]\nrefusal_seconds = 0\nattempts = 1\n[service.sshd]\nwhen_unavailable = \"ignore\"\nunenrolled = \"ignore\"\n",
    )
}

/// Checks that a wrong code neither logged in nor counted as an outage; the process may also have
/// been killed.
pub(super) fn is_denied(host: &Host, said: &Said) {
    let audit = host.audit();
    for code in said.codes() {
        assert!(code != SUCCESS && code != IGNORE, "{said:?} {audit:?}");
    }
    let denied =
        |line: &String| line.starts_with("verdict=refused") || line.starts_with("verdict=error");
    assert!(audit.iter().all(denied), "{audit:?}");
}

/// From no descriptor at all up to enough of them; the application's own have numbers from 100 on.
#[test]
fn too_few_descriptors_are_no_outage() {
    let (host, right_host) = (lenient(), lenient());
    // A host name: its lookup fails differently from a connection.
    let named = lenient();
    named.replace("//127.0.0.1:", "//localhost:");
    let mut succeeded = 0;
    // Downwards, since without a descriptor for the log there is no line to wait for.
    check_rows((3..=20).rev(), |count| {
        let limit = format!("nofile={count}");
        let options = ["-l", limit.as_str()];
        for host in [&host, &named] {
            let said = run(command(host, "alice", &[], &options), &["1111111"]);
            is_denied(host, &said);
        }
        let token = right_host.sim.token(1635);
        let right = run(command(&right_host, "alice", &[], &options), &[&token]);
        succeeded += i32::from(right.codes() == [SUCCESS]);
        assert_ne!(right.codes(), [IGNORE], "{count}: {right:?}");
    });
    assert!(succeeded > 0, "the highest limit is enough");
}

/// From too little memory to load the module up to enough. The process may abort, which denies.
#[test]
fn too_little_memory_is_no_outage() {
    let host = lenient();
    let mut ended = Vec::new();
    check_rows((4..=64).rev().step_by(4), |megabytes| {
        let limit = format!("as={}", megabytes << 20);
        let said = run(command(&host, "alice", &[], &["-l", &limit]), &["1111111"]);
        is_denied(&host, &said);
        ended.extend(said.codes());
    });
    assert!(
        ended.contains(&MAXTRIES),
        "the highest limit is enough: {ended:?}"
    );
}

#[test]
fn low_limits_of_time_file_size_and_stack_are_no_outage() {
    let table = [
        &["-l", "cpu=1"][..],
        &["-l", "cpu=0"],
        &["-l", "fsize=0"],
        &["-l", "stack=65536"],
        &["-l", "core=0"],
        &["-l", "cpu=1", "-l", "fsize=0", "-b", "-i"],
    ];
    check_rows(table, |limits| {
        let host = lenient();
        is_denied(
            &host,
            &run(command(&host, "alice", &[], limits), &["1111111"]),
        );
    });
    // The engine has limits of its own.
    let host = lenient();
    let said = run(
        command(&host, "alice", &[], &["-l", "fsize=0"]),
        &[&host.sim.token(1635)],
    );
    assert_eq!(said.codes(), [SUCCESS]);
}

/// A signal with a handler (SIGWINCH, SIGTSTP, SIGALRM in many applications) interrupts each
/// blocking call. It neither ends the request nor counts as an outage, nor does it extend the
/// time-out.
#[test]
fn a_signal_that_interrupts_the_request_is_no_outage() {
    let table = [
        (json!({"delay_ms": 600, "times": 0}), true),
        (json!({"delay_ms": 600, "times": 0}), false),
        (
            json!({"drip": {"bytes": 8, "every_ms": 10}, "times": 0}),
            true,
        ),
    ];
    check_rows(table, |(fault, right)| {
        let host = lenient();
        host.sim.fault(&fault);
        let token = if right {
            host.sim.token(1635)
        } else {
            "1111111".to_owned()
        };
        let mut running = Running::start(command(&host, "alice", &[], &["-h"]));
        running.wait_for("prompt");
        let pid = running.pid();
        running.reply(&token);
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(5));
            let _ = kill(pid, Signal::SIGUSR1);
        }
        let said = running.finish();
        let code = if right { SUCCESS } else { MAXTRIES };
        assert_eq!(said.codes(), [code], "{fault}: {:?}", host.log());
        assert!(said.is_unchanged(), "{said:?}");
    });
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_nothing_that_stops_the_next_login() {
    let host = lenient();
    host.sim.fault(&json!({"delay_ms": 100, "times": 7}));
    check_rows([0, 1, 5, 20, 50, 100, 150], |after| {
        let mut running = Running::start(command(&host, "alice", &[], &[]));
        running.wait_for("prompt");
        let pid = running.pid();
        running.reply("1111111");
        std::thread::sleep(Duration::from_millis(after));
        kill(pid, Signal::SIGKILL).ok();
        is_denied(&host, &running.finish());
    });
    host.sim.post("/faults", &json!([]));
    let said = run(command(&host, "alice", &[], &[]), &[&host.sim.token(1635)]);
    assert_eq!(said.codes(), [SUCCESS]);
}

/// Any local user may bind all the ports of a host. A connection then fails at once, and a name
/// look-up finds nothing.
#[test]
#[ignore = "needs root"]
fn exhausted_local_ports_are_no_outage() {
    let urls = ["https://127.0.0.1:1", "https://api.authy.invalid"];
    check_rows([("tcp", urls[0]), ("udp", urls[1])], |(kind, url)| {
        let host = lenient().elsewhere(url);
        let login = |ports| run(command(&host, "alice", &[], &["-n", ports]), &["1111111"]);
        let free = login("none");
        assert_eq!(free.codes(), [IGNORE], "{url}: {free:?} {}", host.log());
        let held = login(kind);
        assert_eq!(
            held.codes(),
            [SERVICE_ERR],
            "{url}: {held:?} {}",
            host.log()
        );
    });
}

/// The service has sent the SMS; only its answer came too late, since the caller stopped the
/// process.
#[test]
fn an_sms_whose_answer_the_caller_blocks_stays_counted() {
    let host = Host::impatient("[login]\nrefusal_seconds = 0\n[limits]\nsms_per_user = 1\n");
    host.sim
        .fault(&json!({"match": {"path": "/sms/"}, "delay_ms": 600, "times": 1}));
    let mut running = Running::start(command(&host, "alice", &[], &[]));
    running.wait_for("prompt");
    running.reply("sms");
    std::thread::sleep(Duration::from_millis(300));
    kill(running.pid(), Signal::SIGSTOP).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    kill(running.pid(), Signal::SIGCONT).unwrap();
    running.wait_for("prompt");
    running.reply("sms");
    let said = running.finish();
    assert_eq!(host.sim.count("/sms/"), 1, "{said:?} {:?}", host.log());
}

/// Without a connection nothing was sent: an outage does not use up the limit of the hour.
#[test]
fn an_sms_that_reached_no_service_is_not_counted() {
    let host = lenient();
    host.replace("attempts = 1\n", "attempts = 2\n");
    host.append(&host.config, "[limits]\nsms_per_user = 1\n");
    let there = host.sim.url();
    host.replace(&there, "https://127.0.0.1:1");
    let said = run(command(&host, "alice", &[], &[]), &["sms", "sms", "x", "x"]);
    assert_eq!(said.codes(), [MAXTRIES], "{said:?}");
    host.replace("https://127.0.0.1:1", &there);
    let said = run(command(&host, "alice", &[], &[]), &["sms", "x", "x"]);
    assert_eq!(said.codes(), [MAXTRIES], "{said:?}");
    assert_eq!(host.sim.count("/sms/"), 1, "{}", host.log());
}
