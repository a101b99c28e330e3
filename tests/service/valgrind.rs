//! Valgrind's memcheck over the engine as a service, and over the module in a real sshd: no invalid
//! access, and no block that is lost for certain.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::application::{command, run};
use crate::common::child::signal;
use crate::common::compiled::compile;
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;
use crate::common::totp::{SECRET, oathtool};
use crate::module::sshd::{NAME, PASSWORD, PASSWORD_FIRST, Sshd, USER, is_inside};
use crate::module::totp::app_alone;

/// Where each process of a run has its log.
struct Logs(PathBuf);

impl Logs {
    fn new(name: &str) -> Self {
        let folder = Path::new("/opt/memcheck").join(name);
        fs::create_dir_all(&folder).unwrap();
        // sshd's child for the network is another user, and has its log.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777)).unwrap();
        Self(folder)
    }

    /// The command to start a program by. "Possibly lost" is the standard library's handle of the main
    /// thread, 48 bytes, made once.
    fn memcheck(&self, more: &[&str]) -> Vec<String> {
        let log = format!("--log-file={}/%p", self.0.display());
        let always = [
            "valgrind",
            "--verbose",
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect",
            &log,
        ];
        let all = always.iter().chain(more);
        all.map(|argument| (*argument).to_owned()).collect()
    }

    /// The logs of all processes, once the last of them has ended. In a sandbox no others run.
    fn read(&self) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(20);
        while runs_memcheck() {
            assert!(Instant::now() < until, "a process has not ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        let files = fs::read_dir(&self.0).unwrap().map(Result::unwrap);
        let logs = files.map(|file| fs::read(file.path()).unwrap());
        logs.map(|log| String::from_utf8_lossy(&log).into_owned())
            .collect()
    }
}

/// Whether a process runs under memcheck. One that has ended has no program.
fn runs_memcheck() -> bool {
    let processes = fs::read_dir("/proc").unwrap().map(Result::unwrap);
    let programs = processes.flat_map(|process| fs::read_link(process.path().join("exe")));
    let mut names = programs.map(|program| program.display().to_string());
    names.any(|name| name.contains("/memcheck-"))
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

/// The reports of a log, each with its lines of the stack.
fn reports(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.starts_with("=="));
    let texts: Vec<_> = lines
        .map(|line| line.rsplit("== ").next().unwrap())
        .collect();
    let reports = texts.split(|text| text.starts_with("==") || text.is_empty());
    reports.map(|report| report.join("\n")).collect()
}

/// Logs this user in by a service under memcheck. Returns the logs of the listener, of the connection
/// that waited for it, and of the login.
fn log_in(name: &str, host: &Host, user: &str, code: &str, more: &[&str]) -> Vec<String> {
    let logs = Logs::new(name);
    let mut service = Service::start_in(&words(&logs.memcheck(more)));
    let said = run(command(host, user, &[], &[]), &[code]);
    assert_eq!(said.names(), ["PAM_SUCCESS"], "{}", said.text);
    service.wait_for_logins(0);
    signal(&service.child, Signal::SIGTERM);
    service.child.wait().unwrap();
    logs.read()
}

/// In a login by Authy, undefined values are left out: ring encrypts in assembler whose instructions
/// memcheck does not follow, so every byte that is sent counts as undefined.
#[test]
#[ignore = "needs root"]
fn memcheck_finds_no_error_and_no_leak_in_listener_and_logins() {
    sandboxed!();
    check_rows(["totp", "authy"], |factor| {
        let logs = if factor == "totp" {
            let host = app_alone("").by_service();
            log_in(factor, &host, "bob", &oathtool(SECRET, 0), &[])
        } else {
            let host = Host::new().by_service();
            let code = host.sim.token(1635);
            log_in(factor, &host, "alice", &code, &["--undef-value-errors=no"])
        };
        assert!(logs.len() >= 3, "{}", logs.len());
        for log in logs {
            assert!(log.contains("ERROR SUMMARY: 0 errors "), "{log}");
        }
    });
}

/// What sshd and its libraries leave behind is no error of ours: a report counts if the module is in
/// its stack, and sshd has unloaded it by then.
#[test]
#[ignore = "needs root"]
fn memcheck_finds_no_error_and_no_leak_of_the_module_in_sshd() {
    sandboxed!();
    let logs = Logs::new("sshd");
    let library = compile("unconfined", &["-shared", "-fPIC"]);
    let preload = format!("LD_PRELOAD={}", library.display());
    let memcheck = logs.memcheck(&[
        "--keep-debuginfo=yes",
        "--trace-children=yes",
        "--trace-children-skip=/bin/sh",
    ]);
    let wrapper = [&["env", &preload][..], &words(&memcheck)].concat();
    let _service = Service::start();
    let host = Host::new().by_service();
    let sshd = Sshd::start_under(&wrapper, NAME, host, PASSWORD_FIRST, "keyboard-interactive");

    let output = sshd.ssh(USER, PASSWORD, &[&sshd.token()]);

    assert!(is_inside(&output), "{output:?}");
    drop(sshd);
    let logs = logs.read();
    let loads = |line: &str| line.starts_with("--") && line.ends_with("/pam_authy.so");
    let is_checked = |log: &String| log.lines().any(loads) && log.contains("ERROR SUMMARY: ");
    assert!(logs.iter().any(is_checked), "{}", logs.join("\n"));
    let all = logs.iter().flat_map(|log| reports(log));
    let ours: Vec<_> = all.filter(|text| text.contains("pam_authy.so")).collect();
    assert!(ours.is_empty(), "{}", ours.join("\n\n"));
}
