//! The control groups of a caller who may freeze, starve and kill what is in them. The engine leaves
//! them, or the login is refused.
//!
//! These tests make groups in /sys/fs/cgroup, and do nothing where a hierarchy is not mounted.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::lchown;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::group::Group;
use super::process::{wait_for, wait_for_one};
use super::{AUTH_ERR, SERVICE_ERR, SUCCESS};
use crate::common::application::{Running, command, run};
use crate::common::host::Host;
use crate::common::mount;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

/// Starts a login of alice in these groups.
fn start(host: &Host, groups: &[&Group], wrapper: &[&str]) -> Running {
    let enter: Vec<_> = groups.iter().map(|group| group.enter()).collect();
    let shell = format!("{} && exec \"$0\" \"$@\"", enter.join(" && "));
    let all = [&["sh", "-c", shell.as_str()], wrapper].concat();
    Running::start(command(host, "alice", &all, &[]))
}

#[test]
#[ignore = "needs root"]
fn an_engine_goes_on_while_the_groups_of_its_caller_are_frozen() {
    let groups = ["freezer", "unified"].map(Group::new);
    let groups: Vec<_> = groups.iter().flatten().collect();
    for group in &groups {
        // As systemd delegates one.
        lchown(&group.0, Some(12345), None).unwrap();
    }
    let host = Host::with("[login]\nrefusal_seconds = 0\ndeadline_seconds = 5\n");
    let mut running = start(&host, &groups, &[]);
    running.wait_for("prompt");
    let (application, engine) = (running.pid(), wait_for_one(&host.engine()));
    for group in &groups {
        assert!(
            group.has(application) && !group.has(engine),
            "{}",
            group.0.display()
        );
        let is_old = group.0.join("freezer.state").exists();
        let (file, text) = if is_old {
            ("freezer.state", "FROZEN")
        } else {
            ("cgroup.freeze", "1")
        };
        group.write(file, text);
    }
    // The deadline passes meanwhile.
    super::process::wait_for_none(&host.engine());
    assert!(
        host.audit()[0].contains("reason=deadline "),
        "{:?}",
        host.audit()
    );
    for group in &groups {
        let is_old = group.0.join("freezer.state").exists();
        let (file, text) = if is_old {
            ("freezer.state", "THAWED")
        } else {
            ("cgroup.freeze", "0")
        };
        group.write(file, text);
    }
    running.reply("1234567");
    let said = running.finish();
    assert_eq!(said.codes(), [AUTH_ERR], "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
}

/// systemd has delegated it to the caller, who need not wait for the first prompt.
#[test]
#[ignore = "needs root"]
fn a_group_that_others_can_change_is_left_before_the_first_prompt() {
    // Its owner has chosen the name.
    for (hierarchy, name) in [
        ("freezer", &b"a"[..]),
        ("unified", b"b"),
        ("unified", b"\xff"),
    ] {
        let Some(group) = Group::named(hierarchy, name) else {
            continue;
        };
        lchown(group.0.join("cgroup.procs"), Some(12345), None).unwrap();
        let host = Host::new();
        let mut running = start(&host, &[&group], &[]);
        running.wait_for("prompt");
        assert!(
            !group.has(wait_for_one(&host.engine())),
            "{hierarchy} {name:?}"
        );
        running.reply(&host.sim.token(1635));
        let said = running.finish();
        assert_eq!(said.codes(), [SUCCESS], "{said:?} {}", host.log());
    }
}

#[test]
#[ignore = "needs root"]
fn the_limits_of_a_callers_group_do_not_limit_the_engine() {
    let table: [(&str, &str, &[&str], &str); 3] = [
        // Hierarchy, limit, values, no limit.
        // The application alone.
        ("pids", "pids.max", &["1"], "max"),
        // The engine alone needs more than this.
        (
            "memory",
            "memory.limit_in_bytes",
            &["2500000", "3000000"],
            "-1",
        ),
        ("cpu", "cpu.cfs_quota_us", &["1000"], "-1"),
    ];
    for (hierarchy, file, values, none) in table {
        let Some(group) = Group::new(hierarchy) else {
            continue;
        };
        check_rows(values, |value| {
            let host = Host::new();
            let mut running = start(&host, &[&group], &[]);
            running.wait_for("prompt");
            let engine = wait_for_one(&host.engine());
            // It leaves a group of root's while the person reads the prompt.
            wait_for("the engine to leave", || !group.has(engine));
            group.write(file, value);
            running.reply(&host.sim.token(1635));
            let said = running.finish();
            group.write(file, none);
            assert_eq!(said.codes(), [SUCCESS], "{value}: {said:?} {}", host.log());
        });
    }
}

/// The caller could starve it there and so make an outage.
#[test]
#[ignore = "needs root"]
fn a_push_before_the_first_prompt_does_not_leave_from_a_callers_group() {
    let Some(group) = Group::new("cpu") else {
        return;
    };
    let host = Host::with("[login]\nrefusal_seconds = 0\npush = \"auto\"\nfactors = [\"push\"]\n");
    host.sim.change(1635, &json!({"registered": true}));
    let running = start(&host, &[&group], &[]);
    wait_for("push", || host.sim.pending_push(1635).is_some());
    assert!(!group.has(wait_for_one(&host.engine())));
    host.sim.decide(1635, true);
    let said = running.finish();
    assert_eq!(said.codes(), [SUCCESS], "{said:?}");
}

/// Without room for another process nothing starts.
#[test]
#[ignore = "needs root"]
fn a_group_without_room_for_an_engine_denies_the_login() {
    let Some(group) = Group::new("pids") else {
        return;
    };
    check_rows(["1", "2"], |most| {
        group.write("pids.max", most);
        let host = Host::new();
        let said = start(&host, &[&group], &[]).finish();
        assert_eq!(said.codes(), [SERVICE_ERR], "{said:?}");
        assert!(said.is_unchanged(), "{said:?}");
    });
}

/// Root's groups are read-only here, as in most containers.
#[test]
#[ignore = "needs root"]
fn a_group_that_cannot_be_left_is_refused_where_others_can_change_it() {
    sandboxed!();
    for hierarchy in ["freezer", "unified"] {
        let Some(group) = Group::new(hierarchy) else {
            continue;
        };
        let table: [(&str, Option<&str>, i32); 5] = [
            ("root's alone", None, SUCCESS),
            ("the folder", Some(""), SERVICE_ERR),
            ("its processes", Some("cgroup.procs"), SERVICE_ERR),
            ("its threads, old", Some("tasks"), SERVICE_ERR),
            ("its threads", Some("cgroup.threads"), SERVICE_ERR),
        ];
        let root = group.0.parent().unwrap().join("cgroup.procs");
        check_rows(table, |(_, changed, code)| {
            let path = group.0.join(changed.unwrap_or_default());
            if !path.exists() {
                return;
            }
            let host = Host::new();
            let mut running = start(
                &host,
                &[&group],
                &["sh", "-c", "read go; exec \"$0\" \"$@\""],
            );
            // It has entered its group before that can no more be done.
            let deadline = Instant::now() + Duration::from_secs(5);
            while fs::read_to_string(group.0.join("cgroup.procs"))
                .unwrap()
                .is_empty()
            {
                assert!(Instant::now() < deadline, "the group is empty");
            }
            mount(&["--bind", root.to_str().unwrap()], &root);
            mount(&["-o", "remount,bind,ro"], &root);
            if changed.is_some() {
                lchown(&path, Some(12345), None).unwrap();
            }
            running.reply("go");
            running.reply(&host.sim.token(1635));
            let said = running.finish();
            lchown(&path, Some(0), None).unwrap();
            let unmount = std::process::Command::new("umount").arg(&root).status();
            assert!(unmount.unwrap().success());
            assert_eq!(said.codes(), [code], "{said:?} {}", host.log());
            assert!(said.is_unchanged(), "{said:?}");
            if code == SERVICE_ERR {
                let audit = host.audit();
                assert!(
                    audit[0].starts_with("verdict=error reason=process "),
                    "{audit:?}"
                );
                assert!(host.log().contains("others can write"), "{}", host.log());
                assert_eq!(host.sim.count("/verify/"), 0);
            }
        });
    }
}

/// As in a chroot for a rescue: root gets in, and the caller of su, who may own the group, does not.
#[test]
#[ignore = "needs root"]
fn without_proc_the_caller_of_su_is_refused() {
    sandboxed!();
    let host = Host::new().installed();
    mount(&["-t", "tmpfs", "tmpfs"], Path::new("/proc"));
    let caller = ["setpriv", "--ruid", "12345", "--clear-groups"];
    for (wrapper, code) in [(&[][..], SUCCESS), (&caller, SERVICE_ERR)] {
        let token = host.sim.token(1635);
        let said = run(command(&host, "alice", wrapper, &[]), &[&token]);
        assert_eq!(said.codes(), [code], "{said:?} {}", host.log());
    }
    assert!(
        host.log().contains("/proc is not mounted"),
        "{}",
        host.log()
    );
}

/// Any user can mount something by fusermount, and chooses where.
#[test]
#[ignore = "needs root"]
fn a_mount_whose_name_is_no_text_refuses_nobody() {
    sandboxed!();
    let Some(group) = Group::new("freezer") else {
        return;
    };
    let folder = Path::new(OsStr::from_bytes(b"/tmp/\xff"));
    fs::create_dir(folder).unwrap();
    mount(&["-t", "tmpfs", "tmpfs"], folder);
    let host = Host::new().installed();
    let caller = ["setpriv", "--ruid", "12345", "--clear-groups"];
    let mut running = start(&host, &[&group], &caller);
    running.reply(&host.sim.token(1635));
    let said = running.finish();
    assert_eq!(said.codes(), [SUCCESS], "{said:?} {}", host.log());
}
