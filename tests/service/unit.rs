//! The units of systemd: that systemd accepts them, and that every login works under their settings,
//! which are applied here without systemd.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::logins::run_by;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;

/// Settings that would break logins, each for the reason in the unit.
const NEVER: [&str; 5] = [
    "PrivateUsers=",
    "ProtectProc=",
    "ProcSubset=",
    "DynamicUser=",
    "PrivateNetwork=",
];

pub(crate) fn unit(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The values of a key, in their order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let of_key = |line: &'a str| line.strip_prefix(key)?.strip_prefix('=');
    unit.lines().filter_map(of_key).collect()
}

/// Runs a program as root with the settings of the unit, in a mount namespace of its own: `$0` is a
/// folder that stays writable.
pub(crate) fn wrapper(unit: &str, writable: &Path) -> Vec<String> {
    let capabilities: Vec<_> = values(unit, "CapabilityBoundingSet")
        .join(" ")
        .split_whitespace()
        .map(|name| format!("+{}", name.trim_start_matches("CAP_").to_lowercase()))
        .collect();
    let mounts = "mount --make-rprivate / && mount --bind \"$0\" \"$0\" && \
                  mount -o remount,bind,ro / && mount -o remount,bind,ro /sys/fs/cgroup; exec \"$@\"";
    let mut words: Vec<_> = ["unshare", "--mount", "sh", "-c", mounts]
        .map(str::to_owned)
        .into();
    words.push(writable.display().to_string());
    words.extend(["setpriv".into(), "--no-new-privs".into()]);
    let set = [&["-all".to_owned()][..], &capabilities].concat().join(",");
    words.push(format!("--bounding-set={set}"));
    words
}

#[test]
fn systemd_accepts_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "pam_authy.socket",
        "pam_authy-user.socket",
        "pam_authy.service",
        "pam_authy-sync.service",
        "pam_authy-sync.timer",
    ];
    for name in names {
        let text = unit(name).replace("/usr/libexec/pam_authy/pam_authyd", "/bin/true");
        let text = text.replace("/usr/sbin/authyctl", "/bin/true");
        // The manual pages are not installed here.
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("Documentation="));
        let text = lines.collect::<Vec<_>>().join("\n") + "\n";
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut verify = Command::new("systemd-analyze");
    verify
        .arg("verify")
        .args(names.map(|name| folder.path().join(name)));
    let output = verify.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("pam_authy"))
        .collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn a_restart_ends_no_login_and_nothing_hides_what_a_login_needs() {
    let service = unit("pam_authy.service");
    assert_eq!(values(&service, "KillMode"), ["process"]);
    assert_eq!(values(&service, "Restart"), ["always"]);
    assert_eq!(values(&service, "StartLimitIntervalSec"), ["0"]);
    let hidden: Vec<_> = (service.lines())
        .filter(|line| NEVER.iter().any(|key| line.starts_with(key)))
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
    assert_eq!(values(&unit("pam_authy.socket"), "SocketMode"), ["0600"]);
}

#[test]
#[ignore = "needs root"]
fn every_test_of_a_login_passes_by_the_service_under_the_settings_of_its_unit() {
    sandboxed!();
    let unit = unit("pam_authy.service");
    // The state, the log and the simulators of the tests are here.
    let wrapper = wrapper(&unit, Path::new("/tmp"));
    let words: Vec<_> = wrapper.iter().map(String::as_str).collect();
    run_by(&Service::activated_in(&words), "module::");
}

#[test]
#[ignore = "needs root"]
fn an_engine_makes_no_system_call_that_the_unit_forbids() {
    sandboxed!();
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("calls");
    // It traces from a process of its own, so that the listener is the one that is killed.
    let strace = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o"];
    let words = [&strace[..], &[trace.to_str().unwrap()]].concat();
    let service = Service::start_in(&words);
    // Not all: traced, they take too long for those that wait for a time.
    for tests in ["module::providers", "module::push", "module::factors"] {
        run_by(&service, tests);
    }
    drop(service);
    let trace = std::fs::read_to_string(trace).unwrap();
    let called: BTreeSet<_> = trace
        .lines()
        .filter_map(|line| line.split_once(' ')?.1.split_once('('))
        .map(|(name, _)| name.trim())
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    assert!(
        ["accept4", "clone", "recvfrom"]
            .iter()
            .all(|name| called.contains(name)),
        "{called:?}"
    );
    let allowed = allowed();
    let forbidden: Vec<_> = called
        .iter()
        .filter(|name| !allowed.contains(**name))
        .collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
    let unit = unit("pam_authy.service");
    let families = values(&unit, "RestrictAddressFamilies").join(" ");
    let made: BTreeSet<_> = trace
        .lines()
        .filter_map(|line| line.split_once(" socket(")?.1.split_once(','))
        .map(|(family, _)| family)
        .collect();
    let is_allowed = |family: &&str| families.split(' ').any(|allowed| allowed == *family);
    assert!(made.contains("AF_INET"), "{made:?}");
    assert!(made.iter().all(is_allowed), "{made:?}");
}

/// The system calls of the unit's filter.
fn allowed() -> BTreeSet<String> {
    let unit = unit("pam_authy.service");
    let mut open: Vec<_> = values(&unit, "SystemCallFilter")
        .join(" ")
        .split(' ')
        .map(str::to_owned)
        .collect();
    let mut calls = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !name.starts_with('@') {
            calls.insert(name);
            continue;
        }
        let output = Command::new("systemd-analyze")
            .args(["syscall-filter", &name])
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let below = text
            .lines()
            .skip(1)
            .map(str::trim)
            .filter(|line| !line.starts_with('#'));
        open.extend(below.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    calls
}
