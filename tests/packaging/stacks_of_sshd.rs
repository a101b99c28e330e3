//! `authyctl pam enable sshd` where sshd uses another stack than `sshd`, and the names of files in
//! what it refuses, in the sandbox.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use super::machine::{Machine, stacks};
use crate::common::sandbox::sandboxed;

fn authyctl(arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new("/usr/sbin/authyctl");
    let output = command.args(arguments).output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    (output, String::from_utf8_lossy(&said).into_owned())
}

/// sshd 9.8 and later print PAMServiceName; an older one is made to here.
#[test]
#[ignore = "needs root"]
fn pam_enable_sshd_changes_the_stack_that_pam_service_name_names() {
    sandboxed!();
    let _machine = Machine::installed();
    fs::copy("/etc/pam.d/sshd", "/etc/pam.d/sshd-mfa").unwrap();
    fs::rename("/usr/sbin/sshd", "/usr/sbin/sshd.real").unwrap();
    let script = "#!/bin/sh\n/usr/sbin/sshd.real \"$@\" || exit\n\
                  case \"$*\" in *-T*) echo pamservicename Sshd-MFA ;; esac\n";
    fs::write("/usr/sbin/sshd", script).unwrap();
    fs::set_permissions("/usr/sbin/sshd", fs::Permissions::from_mode(0o755)).unwrap();
    let before = stacks();

    let (output, said) = authyctl(&["pam", "enable", "sshd", "--now"]);

    assert!(output.status.success(), "{said}");
    let has_ours = |service: &str| {
        let stack = fs::read_to_string(format!("/etc/pam.d/{service}")).unwrap();
        stack.contains("pam_authy.so")
    };
    assert!(has_ours("sshd-mfa") && !has_ours("sshd"), "{said}");
    let (_, explained) = authyctl(&["explain", "pat", "--service", "sshd"]);
    assert!(
        explained.contains("pat for sshd-mfa: required"),
        "{explained}"
    );
    let (output, said) = authyctl(&["pam", "disable", "sshd"]);
    assert!(output.status.success(), "{said}");
    assert_eq!(stacks(), before);
}

/// Doctor checks a copy of the settings, and no administrator knows the file names of the copy.
#[test]
#[ignore = "needs root"]
fn a_refusal_names_the_real_file_and_line_of_sshds_settings() {
    sandboxed!();
    let _machine = Machine::installed();
    let before = stacks();
    let block = "Match Address 10.0.0.0/8\nAuthenticationMethods publickey\n";
    let own = "/etc/ssh/sshd_config.d/20-own.conf";
    fs::write(own, block).unwrap();

    let (output, said) = authyctl(&["pam", "enable", "sshd", "--now"]);

    assert_eq!(output.status.code(), Some(1), "{said}");
    let place = format!("by {own}:1: Match Address 10.0.0.0/8");
    assert!(said.contains(&place), "{said}");
    fs::remove_file(own).unwrap();
    assert_eq!(stacks(), before);
}

/// As on a host where a socket starts sshd, and has not done so yet.
#[test]
#[ignore = "needs root"]
fn sshd_is_not_enabled_where_it_cannot_check_its_settings() {
    sandboxed!();
    let _machine = Machine::installed();
    let before = stacks();
    fs::rename("/run/sshd", "/run/sshd.moved").unwrap();

    let (output, said) = authyctl(&["pam", "enable", "sshd", "--now"]);

    assert_eq!(output.status.code(), Some(1), "{said}");
    let why = "sshd -t: Missing privilege separation directory: /run/sshd";
    assert!(said.contains(why), "{said}");
    assert_eq!(stacks(), before);
}
