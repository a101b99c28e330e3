//! The caller's world: what a login does in a process whose limits, signals and descriptors a hostile
//! user has chosen, and what it leaves behind there. `when_unavailable` and `unenrolled` are `ignore`
//! throughout: nothing that the caller does may pass for an outage.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::common::application::{Running, Said, command, run};
use crate::common::host::Host;
use crate::common::product;

const SUCCESS: i32 = 0;
const MAXTRIES: i32 = 11;
/// A stack in which all modules ignore is a denial: IGNORE shows as PAM_PERM_DENIED.
const IGNORE: i32 = 6;

fn lenient() -> Host {
    Host::impatient(
        "[login]\nrefusal_seconds = 0\nattempts = 1\nwhen_unavailable = \"ignore\"\nunenrolled = \"ignore\"\n",
    )
}

/// A wrong token neither logs in nor passes for an outage, and the process may even be killed.
fn is_denied(host: &Host, said: &Said) {
    for code in said.codes() {
        assert!(code != SUCCESS && code != IGNORE, "{said:?}");
    }
    let audit = host.audit();
    assert!(
        audit
            .iter()
            .all(|line| line.starts_with("verdict=refused") || line.starts_with("verdict=error")),
        "{audit:?}"
    );
}

/// Signals and mask, ids, umask, folder, locale, environment, limits, descriptors and threads.
#[test]
fn a_login_leaves_its_process_as_it_was() {
    for options in [
        &[][..],
        &["-b"],
        &["-i"],
        &["-b", "-i"],
        &["-c"],
        &["-l", "cpu=60"],
    ] {
        let host = lenient();
        let token = host.sim.token(1635);
        let said = run(command(&host, "alice", &[], options), &[&token]);
        assert_eq!(said.codes(), [SUCCESS], "{options:?}: {said:?}");
        assert!(said.is_unchanged(), "{options:?}: {said:?}");

        let said = run(command(&host, "alice", &[], options), &["1111111"]);
        assert_eq!(said.codes(), [MAXTRIES], "{options:?}: {said:?}");
        assert!(said.is_unchanged(), "{options:?}: {said:?}");
    }
}

#[test]
fn a_login_that_fails_leaves_its_process_as_it_was() {
    type Break = fn(&Host);
    let breaks: [Break; 6] = [
        |host| host.sim.fault(&json!({"silent": true, "times": 0})),
        |host| host.sim.fault(&json!({"listener": "silent", "times": 0})),
        |host| {
            host.sim
                .fault(&json!({"certificate": "wrong-ca", "times": 0}))
        },
        |host| host.sim.fault(&json!({"garbage": true, "times": 0})),
        |host| host.append(&host.users, "broken"),
        |host| host.chmod(&host.config, 0o644),
    ];
    for (number, act) in breaks.into_iter().enumerate() {
        let host = lenient();
        act(&host);
        let said = run(command(&host, "alice", &[], &["-b"]), &["1111111"]);
        assert_ne!(said.codes(), [SUCCESS], "{number}");
        assert!(said.is_unchanged(), "{number}: {said:?}");
    }
}

#[test]
fn a_login_under_umask_0_and_in_a_folder_of_the_caller_makes_no_file() {
    let host = lenient();
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(
        &host,
        "alice",
        &["sh", "-c", "umask 0; exec \"$@\"", "sh"],
        &[],
    );
    command.current_dir(folder.path());

    let said = run(command, &[&host.sim.token(1635)]);

    assert_eq!(said.codes(), [SUCCESS]);
    assert!(said.is_unchanged(), "{said:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// From too few for the configuration up to enough for everything.
#[test]
fn too_few_descriptors_are_no_outage() {
    let (host, right_host) = (lenient(), lenient());
    let mut succeeded = 0;
    for count in 103..=116 {
        let limit = format!("nofile={count}");
        let options = ["-l", limit.as_str()];
        is_denied(
            &host,
            &run(command(&host, "alice", &[], &options), &["1111111"]),
        );
        let few = format!("nofile={}", count - 100);
        is_denied(
            &host,
            &run(command(&host, "alice", &[], &["-l", &few]), &["1111111"]),
        );
        let token = right_host.sim.token(1635);
        let right = run(command(&right_host, "alice", &[], &options), &[&token]);
        succeeded += i32::from(right.codes() == [SUCCESS]);
        assert_ne!(right.codes(), [IGNORE], "{count}: {right:?}");
    }
    assert!(succeeded > 0, "the highest limit is enough");
}

/// From too little for the module itself up to enough; the process may abort, which is a denial.
#[test]
fn too_little_memory_is_no_outage() {
    let host = lenient();
    let mut ended = Vec::new();
    for megabytes in (4..=64).step_by(4) {
        let limit = format!("as={}", megabytes << 20);
        let said = run(command(&host, "alice", &[], &["-l", &limit]), &["1111111"]);
        is_denied(&host, &said);
        ended.extend(said.codes());
    }
    assert!(
        ended.contains(&MAXTRIES),
        "the highest limit is enough: {ended:?}"
    );
}

#[test]
fn low_limits_of_time_file_size_and_stack_are_no_outage() {
    for limits in [
        &["-l", "cpu=1"][..],
        &["-l", "cpu=0"],
        &["-l", "fsize=0"],
        &["-l", "stack=65536"],
        &["-l", "core=0"],
        &["-l", "cpu=1", "-l", "fsize=0", "-b", "-i"],
    ] {
        let host = lenient();
        is_denied(
            &host,
            &run(command(&host, "alice", &[], limits), &["1111111"]),
        );
    }
    let host = lenient();
    let said = run(
        command(&host, "alice", &[], &["-l", "fsize=0"]),
        &[&host.sim.token(1635)],
    );
    assert_eq!(said.codes(), [SUCCESS], "a login needs to write no file");
}

/// Pid of the application below `timeout`.
fn application_of(running: &Running) -> Pid {
    let path = format!("/proc/{0}/task/{0}/children", running.child.id());
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let children = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(Ok(pid)) = children.split_whitespace().next().map(str::parse) {
            return Pid::from_raw(pid);
        }
        assert!(Instant::now() < until, "no child");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The caller of sudo and su may stop them at any moment, until the time of the request is over.
#[test]
fn a_process_that_is_stopped_at_any_moment_makes_no_outage() {
    std::thread::scope(|scope| {
        for (index, after) in [0, 20, 50, 100, 200, 400, 800].into_iter().enumerate() {
            scope.spawn(move || {
                let host = lenient();
                host.sim.fault(&json!({"delay_ms": 600, "times": 0}));
                let mut running = Running::start(command(&host, "alice", &[], &[]));
                running.wait_for("prompt");
                let pid = application_of(&running);
                if index == 0 {
                    kill(pid, Signal::SIGSTOP).unwrap();
                }
                running.reply("1111111");
                std::thread::sleep(Duration::from_millis(after));
                // It may have its answer already.
                let _ = kill(pid, Signal::SIGSTOP);
                std::thread::sleep(Duration::from_millis(2500));
                let _ = kill(pid, Signal::SIGCONT);
                is_denied(&host, &running.finish());
            });
        }
    });
}

/// A signal with a handler (SIGWINCH, SIGTSTP, SIGALRM in many applications) interrupts each call that
/// waits: it neither ends the request nor passes for an outage, nor is the time of the request extended.
#[test]
fn a_signal_that_interrupts_the_request_is_no_outage() {
    for (fault, right) in [
        (json!({"delay_ms": 600, "times": 0}), true),
        (json!({"delay_ms": 600, "times": 0}), false),
        (
            json!({"drip": {"bytes": 8, "every_ms": 10}, "times": 0}),
            true,
        ),
    ] {
        let host = lenient();
        host.sim.fault(&fault);
        let token = if right {
            host.sim.token(1635)
        } else {
            "1111111".to_owned()
        };
        let mut running = Running::start(command(&host, "alice", &[], &["-h"]));
        running.wait_for("prompt");
        let pid = application_of(&running);
        running.reply(&token);
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(5));
            let _ = kill(pid, Signal::SIGUSR1);
        }
        let said = running.finish();
        let code = if right { SUCCESS } else { MAXTRIES };
        assert_eq!(said.codes(), [code], "{fault}: {:?}", host.log());
        assert!(said.is_unchanged(), "{said:?}");
    }
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_nothing_that_stops_the_next_login() {
    let host = lenient();
    host.sim.fault(&json!({"delay_ms": 100, "times": 7}));
    for after in [0, 1, 5, 20, 50, 100, 150] {
        let mut running = Running::start(command(&host, "alice", &[], &[]));
        running.wait_for("prompt");
        let pid = application_of(&running);
        running.reply("1111111");
        std::thread::sleep(Duration::from_millis(after));
        kill(pid, Signal::SIGKILL).ok();
        is_denied(&host, &running.finish());
    }
    host.sim.post("/faults", &json!([]));
    let said = run(command(&host, "alice", &[], &[]), &[&host.sim.token(1635)]);
    assert_eq!(said.codes(), [SUCCESS]);
}

#[test]
fn a_log_that_nobody_drains_and_one_that_is_missing_hold_nothing_up() {
    let host = lenient();
    let path = host.sim.path("undrained");
    let _nobody = UnixDatagram::bind(&path).unwrap();
    let log = host.sim.path("log").display().to_string();
    host.replace(&log, &path.display().to_string());

    let start = Instant::now();
    let said = run(command(&host, "mallory", &[], &["-r", "20"]), &[]);
    assert_eq!(said.codes(), [IGNORE; 20], "unenrolled");
    assert!(said.is_unchanged(), "{}", said.text.len());
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    let token = host.sim.token(1635);
    assert_eq!(
        run(command(&host, "alice", &[], &[]), &[&token]).codes(),
        [SUCCESS]
    );

    std::fs::remove_file(&path).unwrap();
    let token = host.sim.token(1635);
    assert_eq!(
        run(command(&host, "alice", &[], &[]), &[&token]).codes(),
        [SUCCESS]
    );
}

/// What it does not link it cannot do: no call that changes its process, and no program is started.
#[test]
fn the_product_has_no_way_to_change_its_process() {
    let mut nm = Command::new("nm");
    nm.args(["-D", "--undefined-only"]).arg(product());
    let table = String::from_utf8(nm.output().unwrap().stdout).unwrap();
    let names: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().last()?.split('@').next())
        .collect();
    assert!(names.contains(&"pam_get_item"), "{table}");
    let forbidden = [
        "setuid",
        "seteuid",
        "setreuid",
        "setresuid",
        "setgid",
        "setegid",
        "setregid",
        "setresgid",
        "setgroups",
        "initgroups",
        "setfsuid",
        "umask",
        "chdir",
        "fchdir",
        "chroot",
        "setlocale",
        "uselocale",
        "newlocale",
        "setenv",
        "putenv",
        "unsetenv",
        "clearenv",
        "signal",
        "sigaction",
        "sigprocmask",
        "setrlimit",
        "setpriority",
        "nice",
        "alarm",
        "setitimer",
        "exit",
        "_exit",
        "atexit",
        "on_exit",
        "fork",
        "vfork",
        "execv",
        "execve",
        "execvp",
        "posix_spawn",
        "posix_spawnp",
        "system",
        "popen",
        "dlopen",
        "openlog",
        "syslog",
        "closelog",
        "printf",
        "puts",
        "tmpfile",
        "mkstemp",
        "tmpnam",
        "kill",
        "raise",
        "prctl",
    ];
    let found: Vec<_> = names
        .iter()
        .filter(|name| forbidden.contains(name))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}
