//! A real engine takes over nothing of its caller: /proc says so while it waits at a prompt.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use nix::unistd::Pid;

use super::process::wait_for_one;
use super::{SERVICE_ERR, SUCCESS};
use crate::common::application::{Running, command, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::{engine, install_engine};

/// Reads a file of /proc/`pid`.
fn read(pid: Pid, name: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap()
}

/// The value of `Name:` in /proc/`pid`/status.
fn status(pid: Pid, name: &str) -> String {
    let text = read(pid, "status");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim_start_matches(':').trim().to_owned()
}

/// What each descriptor leads to, without the standard streams.
fn descriptors(pid: Pid) -> Vec<String> {
    let folder = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let target = |path: std::path::PathBuf| {
        fs::read_link(path)
            .ok()?
            .into_os_string()
            .into_string()
            .ok()
    };
    folder
        .filter_map(|entry| target(entry.unwrap().path()))
        .collect()
}

/// Checks the engine `pid` of the application `caller`.
fn check(pid: Pid, caller: Pid) {
    let number = |name: &str| u64::from_str_radix(&status(pid, name), 16).unwrap();
    assert_eq!(status(pid, "Uid"), "0\t0\t0\t0");
    assert_eq!(status(pid, "Gid"), "0\t0\t0\t0");
    assert_eq!(status(pid, "Groups"), "");
    assert_eq!(status(pid, "Umask"), "0077");
    assert_eq!(number("SigBlk"), 0);
    // By Rust's runtime: SIGPIPE is ignored, SIGBUS and SIGSEGV are caught. libc keeps 32 and 33.
    assert_eq!(number("SigIgn"), 1 << 12, "ignored");
    assert_eq!(number("SigCgt") & !(3 << 31), 1 << 6 | 1 << 10, "caught");
    let all = status(Pid::this(), "Cpus_allowed_list");
    assert_eq!(status(pid, "Cpus_allowed_list"), all);
    check_stat(pid);
    check_limits(pid);
    assert_eq!(read(pid, "oom_score_adj").trim(), "0");
    assert_eq!(read(pid, "timerslack_ns").trim(), "50000");
    assert_eq!(read(pid, "environ"), "");
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/cwd")).unwrap(),
        Path::new("/")
    );
    let ionice = Command::new("ionice")
        .args(["-p", &pid.to_string()])
        .output()
        .unwrap();
    let ionice = String::from_utf8(ionice.stdout).unwrap();
    assert!(
        ionice.starts_with("none") || ionice.starts_with("best-effort: prio 4"),
        "{ionice}"
    );
    for stream in 0..3 {
        let target = fs::read_link(format!("/proc/{pid}/fd/{stream}")).unwrap();
        assert_eq!(target, Path::new("/dev/null"));
    }
    let of_caller = descriptors(caller);
    let shared: Vec<_> = descriptors(pid)
        .into_iter()
        .filter(|target| of_caller.contains(target) && target != "/dev/null")
        .collect();
    assert!(shared.is_empty(), "{shared:?}");
}

/// Session, terminal, priority and policy.
fn check_stat(pid: Pid) {
    let stat = read(pid, "stat");
    let rest = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<_> = rest.split_whitespace().collect();
    // proc_pid_stat(5); field 3 is the first here.
    let field = |number: usize| fields[number - 3];
    let own = pid.to_string();
    let facts = [
        field(5),
        field(6),
        field(7),
        field(19),
        field(40),
        field(41),
    ];
    assert_eq!(
        facts,
        [&own, &own, "0", "0", "0", "0"],
        "group, session, terminal, nice, real-time priority, policy"
    );
}

/// Each soft limit is what the engine wants, or the hard one where root could not raise that.
fn check_limits(pid: Pid) {
    let text = read(pid, "limits");
    for line in text.lines().skip(1) {
        let (name, values) = line.split_at(26);
        let mut values = values.split_whitespace();
        let (soft, hard) = (values.next().unwrap(), values.next().unwrap());
        let wanted = match name.trim() {
            "Max core file size" | "Max nice priority" | "Max realtime priority" => "0",
            "Max stack size" => "8388608",
            "Max open files" => "1024",
            _ => hard,
        };
        assert_eq!(soft, wanted, "{line}");
    }
}

/// Runs the rest in a shell that has done `before`.
fn after<'a>(before: &'a str, shell: &'a mut String) -> Vec<&'a str> {
    *shell = format!("{before}; exec \"$0\" \"$@\"");
    vec!["sh", "-c", shell]
}

#[test]
#[ignore = "needs root"]
fn an_engine_takes_over_nothing_of_its_caller() {
    let table: [(&str, &[&str], &[&str]); 16] = [
        ("as it is", &[], &[]),
        ("signals blocked and ignored", &[], &["-b", "-i"]),
        ("a handler", &[], &["-h"]),
        ("without descriptors", &[], &["-c"]),
        (
            "soft limits",
            &[],
            &[
                "-l",
                "nofile=40",
                "-l",
                "fsize=0",
                "-l",
                "cpu=60",
                "-l",
                "stack=300000",
                "-l",
                "nproc=1",
            ],
        ),
        ("nice", &["nice", "-n", "19"], &[]),
        ("nicer than allowed", &["nice", "-n", "-5"], &[]),
        ("idle", &["chrt", "--idle", "0"], &[]),
        ("batch", &["chrt", "--batch", "0"], &[]),
        ("one processor", &["taskset", "-c", "0"], &[]),
        ("no I/O", &["ionice", "-c", "3"], &[]),
        ("its own session", &["setsid"], &[]),
        ("umask", &["umask 0777"], &[]),
        ("umask 0", &["umask 0"], &[]),
        (
            "killed first",
            &["echo 1000 > /proc/self/oom_score_adj"],
            &[],
        ),
        ("late", &["echo 5000000000 > /proc/self/timerslack_ns"], &[]),
    ];
    let host = Host::new();
    check_rows(table, |(_, wrapper, options)| {
        let mut shell = String::new();
        let wrapper = match wrapper {
            [before] if before.contains(' ') => after(before, &mut shell),
            wrapper => wrapper.to_vec(),
        };
        let token = host.sim.token(1635);
        let mut running = Running::start(command(&host, "alice", &wrapper, options));
        running.wait_for("prompt");
        check(wait_for_one(&host.engine()), running.pid());
        running.reply(&token);
        let said = running.finish();
        assert_eq!(said.codes(), [SUCCESS], "{said:?}");
        assert!(said.is_unchanged(), "{said:?}");
    });
}

/// The ids of su, with groups and real ids of its caller.
#[test]
#[ignore = "needs root"]
fn an_engine_of_a_set_user_id_program_is_wholly_roots() {
    sandboxed!();
    install_engine();
    let host = Host::new();
    // libpam reads this file; it names no engine.
    host.stack_folder();
    let line = host.installed_line("[success=ok default=die]");
    fs::write(host.stack_folder().join("sshd"), line.clone() + "\n").unwrap();
    let su = [
        "setpriv", "--ruid", "12345", "--rgid", "12345", "--egid", "54", "--groups", "54,55",
    ];
    let mut command = command(&host, "alice", &su, &[]);
    // `command` writes the usual stack.
    fs::write(host.module().with_file_name("sshd"), line + "\n").unwrap();
    command.env("SOME_VARIABLE", "of the caller");
    let mut running = Running::start(command);
    running.wait_for("prompt");
    check(
        wait_for_one(Path::new("/usr/libexec/pam_authy/pam_authyd")),
        running.pid(),
    );
    running.reply(&host.sim.token(1635));
    let said = running.finish();
    assert_eq!(said.codes(), [SUCCESS], "{said:?} {}", host.log());
    assert!(said.is_unchanged(), "{said:?}");
}

/// The files in /proc of a process that cannot be dumped are root's, also those of a plain user's.
#[test]
#[ignore = "needs root"]
fn the_memory_of_an_engine_is_never_dumped() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let user = "--reuid 12345 --regid 12345 --clear-groups";
    let script = format!("exec 3<&0; exec setpriv {user} \"$0\" --fd 3");
    let mut running = Command::new("sh")
        .args(["-c", &script])
        .arg(engine())
        .stdin(OwnedFd::from(theirs))
        .spawn()
        .unwrap();
    // Its first message comes after it has forbidden dumps.
    (&ours).read_exact(&mut [0]).unwrap();
    let status = fs::metadata(format!("/proc/{}/environ", running.id())).unwrap();
    drop(ours);
    running.wait().unwrap();
    assert_eq!(status.uid(), 0);
}

/// No process here may raise a hard limit, as in most containers.
#[test]
#[ignore = "needs root"]
fn hard_limits_that_are_too_low_for_an_engine_deny_the_login() {
    let without = [
        "setpriv",
        "--bounding-set=-sys_resource",
        "--inh-caps=-sys_resource",
    ];
    let table = [
        ["-L", "nofile=40"],
        ["-L", "as=90000000"],
        ["-L", "fsize=1000"],
        ["-L", "cpu=5"],
    ];
    check_rows(table, |options| {
        let host = Host::with("[login]\nwhen_unavailable = \"ignore\"\n");
        let said = run(
            command(&host, "alice", &without, &options),
            &[&host.sim.token(1635)],
        );
        assert_eq!(said.codes(), [SERVICE_ERR], "{said:?}");
        assert!(said.is_unchanged(), "{said:?}");
        assert_eq!(host.sim.count("/verify/"), 0);
        let audit = host.audit();
        assert!(
            audit.len() == 1 && audit[0].starts_with("verdict=error reason=process "),
            "{audit:?}"
        );
    });
}
