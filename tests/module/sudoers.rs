//! What doctor says of the services of sudo, with real sudo: which stack applies to which user, and
//! sudo-rs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::doctor::{checks, host, said};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

/// Rules of sudo, parts of what doctor says, or that it says nothing.
type Row = (&'static str, &'static [&'static str]);

const NO_SUDO_I: &str = "\"problem\": \"`sudo -i` requires no second factor: its stack is sudo-i";
const ROWS: [Row; 12] = [
    ("root ALL=(ALL) ALL\n", &[NO_SUDO_I]),
    // Only for one user is it another stack.
    ("Defaults:pat pam_login_service=sudo\n", &[NO_SUDO_I]),
    ("Defaults pam_login_service=sudo\n", &[]),
    ("Defaults pam_service=sudo, pam_login_service=sudo\n", &[]),
    (
        "Defaults pam_login_service=sudo, pam_service=sudo-i\n",
        &[
            "\"problem\": \"/etc/sudoers.d/case:1: pam_service=sudo-i: `sudo` uses the stack sudo-i, which requires no",
        ],
    ),
    (
        "Defaults pam_login_service=sudo, pam_askpass_service=open\n",
        &[
            "\"problem\": \"/etc/sudoers.d/case:1: pam_askpass_service=open: `sudo -A` uses the stack open",
        ],
    ),
    (
        "Defaults pam_login_service=sudo, pam_askpass_service=sudo\n",
        &[],
    ),
    // libpam lowers the name, and a line for other hosts does not count here.
    (
        "Defaults pam_login_service=sudo, pam_service=Open\n",
        &[
            "\"problem\": \"/etc/sudoers.d/case:1: pam_service=open: `sudo` uses the stack open, which requires no",
        ],
    ),
    (
        "Defaults pam_login_service=sudo\nDefaults@elsewhere pam_service=open\n",
        &[],
    ),
    (
        "Defaults pam_login_service=sudo\nDefaults>pat pam_service=open\n",
        &[
            "\"problem\": \"/etc/sudoers.d/case:2: pam_service=open: `sudo` uses the stack open, which requires no",
        ],
    ),
    (
        "Defaults pam_login_service=sudo, pam_askpass_service=sshd\n",
        &[
            "\"warning\": \"/etc/sudoers.d/case:1: pam_askpass_service=sshd: `sudo -A` uses the stack sshd, and not",
        ],
    ),
    (
        "Defaults pam_login_service=sudo, pam_askpass_service=shut\n",
        &[
            "\"problem\": \"/etc/sudoers.d/case:1: pam_askpass_service=shut: `sudo -A` uses the stack shut, which lets nobody in",
        ],
    ),
];

fn allow(path: &str, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
#[ignore = "needs root"]
fn doctor_knows_which_stack_answers_for_sudo() {
    sandboxed!();
    let sim = host("PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n");
    fs::copy("/etc/pam.d/sshd", "/etc/pam.d/sudo").unwrap();
    for service in ["sudo-i", "open"] {
        let path = Path::new("/etc/pam.d").join(service);
        fs::write(path, "auth required pam_unix.so\n").unwrap();
    }
    fs::write("/etc/pam.d/shut", "auth required pam_deny.so\n").unwrap();
    let sudo = |rules: &str| {
        fs::write("/etc/sudoers.d/case", rules).unwrap();
        allow("/etc/sudoers.d/case", 0o440);
        let said = said(&checks(&sim, &[]), "sudo");
        // What is in order is not counted.
        let wrong = said.lines().filter(|line| !line.starts_with("\"ok\""));
        wrong.map(|line| format!("{line}\n")).collect::<String>()
    };
    check_rows(ROWS, |(rules, expected)| {
        let said = sudo(rules);
        assert_eq!(said.lines().count(), expected.len(), "{said}");
        for part in expected {
            assert!(said.contains(part), "{said}");
        }
    });

    // As Ubuntu has it from 25.10 on, with the tools of the other sudo or without them.
    fs::write("/usr/bin/sudo", "#!/bin/sh\necho sudo-rs 0.2.8\n").unwrap();
    allow("/usr/bin/sudo", 0o755);
    fs::copy("/etc/pam.d/sshd", "/etc/pam.d/sudo-i").unwrap();
    let with_parser = sudo("Defaults pam_service=open\n");
    assert_eq!(with_parser, "", "sudo-rs skips the setting");
    fs::remove_file("/usr/bin/cvtsudoers").unwrap();
    let without = sudo("Defaults pam_service=open\n");
    let expected = "\"unknown\": \"cannot tell what sudo asks of whom: sudo is sudo-rs, which has no cvtsudoers";
    assert!(without.contains(expected), "{without}");
}
