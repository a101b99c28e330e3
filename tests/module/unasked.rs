//! The users that sudo asks for nothing, by `authyctl explain` and doctor, compared with real sudo.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::doctor::{checks, host, said};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;

/// Rules of sudo, with HOST for the name of this host, and whether doctor names someone who is
/// asked for nothing.
const RULES: [(&str, bool); 24] = [
    ("", false),
    ("Defaults:%ops !authenticate\n", true),
    ("Defaults>www !authenticate\n", true),
    ("Defaults!/usr/bin/cat !authenticate\n", true),
    ("Defaults exempt_group=ops\n", true),
    ("Defaults:ALL,!pat !authenticate\n", true),
    ("pat ALL=(www) NOPASSWD: ALL\n", true),
    ("#4321 ALL=(ALL) NOPASSWD: ALL\n", true),
    ("%#4321 ALL=(ALL) NOPASSWD:SETENV: ALL\n", true),
    (
        "User_Alias OPS = pat, %ops\nOPS ALL=(ALL) \\\n NOPASSWD: \\\n ALL\n",
        true,
    ),
    ("pat ALL=(ALL) NOPASSWD: ALL\r\n", true),
    ("pat ALL=(ALL) PASSWD: ALL, NOPASSWD: /usr/bin/cat\n", true),
    ("@include /etc/sudoers.outer\n", true),
    // The last rule and the last setting count.
    ("pat ALL=(ALL) NOPASSWD: ALL\npat ALL=(ALL) ALL\n", false),
    (
        "pat ALL=(ALL) NOPASSWD: ALL\npat ALL=(ALL) PASSWD: ALL\n",
        false,
    ),
    (
        "pat ALL=(ALL) NOPASSWD: ALL\n%ops ALL=(ALL:ALL) ALL\n",
        true,
    ),
    ("%ops ALL=(ALL) NOPASSWD: ALL\nALL ALL=(ALL) ALL\n", false),
    (
        "pat ALL=(ALL) NOPASSWD: ALL\npat ALL=(ALL) /usr/bin/cat\n",
        true,
    ),
    ("pat ALL=(ALL) NOPASSWD: ALL\npat ALL=(www) ALL\n", true),
    ("pat ALL=(ALL) ALL\npat ALL=(ALL) NOPASSWD: ALL\n", true),
    ("Defaults !authenticate\nDefaults:sam authenticate\n", true),
    ("Defaults:pat !authenticate\nDefaults authenticate\n", false),
    // Rules for other hosts, as in a file for a fleet.
    (
        "Host_Alias WEB = web1, web2\npat WEB=(ALL) NOPASSWD: ALL\nDefaults@WEB !authenticate\n",
        false,
    ),
    ("pat 10.99.0.0/16, HOST=(ALL) NOPASSWD: ALL\n", true),
];

/// Runs explain for a user of sudo; returns whether sudo asks for nothing, by what it says.
fn is_said_to_be_unasked(sim: &Sim, user: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["explain", user, "--service", "sudo", "--config"])
        .arg(sim.path("config.toml"))
        .arg("--users")
        .arg(sim.path("users.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    said.contains(&format!("sudo asks {user} for nothing"))
}

/// Whether real sudo runs one of several commands of the user's without asking.
fn is_unasked(user: &str) -> bool {
    let commands = [&["true"][..], &["-u", "www", "true"], &["cat", "/dev/null"]];
    commands.iter().any(|command| {
        let mut sudo = Command::new("setpriv");
        sudo.args(["--reuid", user, "--regid", user, "--init-groups"]);
        sudo.args(["sudo", "-k", "-n"]).args(*command);
        sudo.output().unwrap().status.success()
    })
}

#[test]
#[ignore = "needs root"]
fn explain_and_doctor_name_the_users_that_sudo_asks_for_nothing() {
    sandboxed!();
    let sim = host("PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n");
    let rest = "account required pam_permit.so\nsession required pam_permit.so\n";
    let stack = fs::read_to_string("/etc/pam.d/sshd").unwrap() + rest;
    for service in ["sudo", "sudo-i"] {
        fs::write(format!("/etc/pam.d/{service}"), &stack).unwrap();
    }
    let made =
        "useradd -m pat; groupadd ops; usermod -aG ops pat; useradd -m -u 4321 -U sam; useradd www
        echo '@include /etc/sudoers.inner' >/etc/sudoers.outer
        printf '# x\\npat ALL=(ALL) NOPASSWD: ALL\\n' >/etc/sudoers.inner";
    let status = Command::new("sh").args(["-ec", made]).status().unwrap();
    assert!(status.success());
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    check_rows(RULES, |(rules, is_named)| {
        let rules = rules.replace("HOST", name.trim());
        let all = "root ALL=(ALL) ALL\npat ALL=(ALL) ALL\nsam ALL=(ALL) ALL\n";
        fs::write("/etc/sudoers", format!("{all}{rules}")).unwrap();
        fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440)).unwrap();
        for user in ["pat", "sam"] {
            assert_eq!(
                is_said_to_be_unasked(&sim, user),
                is_unasked(user),
                "{user}"
            );
        }
        let said = said(&checks(&sim, &[]), "sudo");
        assert_eq!(said.contains("is asked for nothing"), is_named, "{said}");
    });
}
