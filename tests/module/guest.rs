//! The module is a guest in another program's process: what it changes there, and what it could
//! change.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::caller::{IGNORE, MAXTRIES, SUCCESS, is_denied, lenient};
use crate::common::application::{Running, command, run};
use crate::common::host::Host;
use crate::common::product;
use crate::common::rows::check_rows;

/// The application compares signals and mask, ids, umask, folder, locale, environment, limits,
/// descriptors and threads.
#[test]
fn a_login_leaves_its_process_as_it_was() {
    let table = [
        &[][..],
        &["-b"],
        &["-i"],
        &["-b", "-i"],
        &["-c"],
        &["-l", "cpu=60"],
    ];
    check_rows(table, |options| {
        let host = lenient();
        let token = host.sim.token(1635);
        let said = run(command(&host, "alice", &[], options), &[&token]);
        assert_eq!(said.codes(), [SUCCESS], "{options:?}: {said:?}");
        assert!(said.is_unchanged(), "{options:?}: {said:?}");

        let said = run(command(&host, "alice", &[], options), &["1111111"]);
        assert_eq!(said.codes(), [MAXTRIES], "{options:?}: {said:?}");
        assert!(said.is_unchanged(), "{options:?}: {said:?}");
    });
}

/// The engine's change of group, made in the shared memory, makes the kernel forbid core dumps.
#[test]
#[ignore = "needs root"]
fn a_login_in_a_process_of_roots_with_another_group_leaves_core_dumps_as_they_were() {
    let host = lenient();
    let wrapper = ["setpriv", "--regid", "65534", "--clear-groups"];
    let token = host.sim.token(1635);
    let said = run(command(&host, "alice", &wrapper, &[]), &[&token]);
    assert_eq!(said.codes(), [SUCCESS], "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
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
    check_rows(breaks.into_iter().enumerate(), |(number, act)| {
        let host = lenient();
        act(&host);
        let said = run(command(&host, "alice", &[], &["-b"]), &["1111111"]);
        assert_ne!(said.codes(), [SUCCESS], "{number}");
        assert!(said.is_unchanged(), "{number}: {said:?}");
    });
}

/// A program that the application starts at the prompt must inherit none of our descriptors.
#[test]
fn every_descriptor_of_a_login_is_closed_on_exec() {
    let host = lenient();
    let mut running = Running::start(command(&host, "alice", &[], &[]));
    running.wait_for("prompt");
    let pid = running.pid();
    let mut sockets = 0;
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        let path = entry.unwrap().path();
        let target = std::fs::read_link(&path).unwrap();
        if target.to_string_lossy().starts_with("socket:") {
            sockets += 1;
            let info = path.display().to_string().replace("/fd/", "/fdinfo/");
            let info = std::fs::read_to_string(info).unwrap();
            let flags = info
                .lines()
                .find_map(|line| line.strip_prefix("flags:"))
                .unwrap();
            let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
            assert!(flags & 0o2_000_000 != 0, "{}: {info}", target.display());
        }
    }
    assert_eq!(sockets, 1, "the channel to the engine");
    running.reply("1111111");
    is_denied(&host, &running.finish());
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

#[test]
fn a_full_log_socket_or_a_missing_one_delays_no_login() {
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

/// A function that the product does not link it cannot call: none that changes the process. What
/// src/pam/spawn.rs changes by system calls, it changes in a process of its own.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_product_links_no_function_that_changes_its_process() {
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
