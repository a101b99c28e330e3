//! What `pam enable` refuses, naming file and line, and what it changes when it is only to show.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Output;

use super::{System, contents};
use crate::common::rows::check_rows;

const COMMON_AUTH: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\tpam_deny.so\nauth\trequired\tpam_permit.so\n";

fn system(files: &[(&str, &str)]) -> System {
    let system = System::new(true);
    for (name, text) in [("etc/pam.d/common-auth", COMMON_AUTH)].iter().chain(files) {
        let path = system.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    system
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_cannot_be_had_is_refused_with_file_and_line_and_nothing_is_changed() {
    // the stack of the service `x`, the file that it includes, the message
    let table = [
        (
            "auth required pam_unix.so\nauth required pam_authy.so\n",
            "",
            "/etc/pam.d/x:2: this stack has pam_authy.so already",
        ),
        (
            "@include common-auth\nauth include inner\n",
            "# ours\nauth required pam_authy.so nullok\n",
            "/etc/pam.d/inner:2: this stack has pam_authy.so already",
        ),
        (
            "auth required pam_unix.so\nauth required pam_deny.so\n",
            "",
            "/etc/pam.d/x:2: nobody gets in through this stack as it is",
        ),
        (
            "auth required pam_unix.so\n  debug\n",
            "",
            "/etc/pam.d/x:2: it has no control field: libpam refuses the login there",
        ),
        (
            "auth required pam_unix.so\r\nauth required pam_permit.so \\\n",
            "",
            "/etc/pam.d/x:2: the line continues, and the file ends",
        ),
        (
            "auth required pam_env.so\nauth substack inner\n",
            "auth required pam_unix.so\nauth [success=ok default=reset] pam_ldap.so\n",
            "/etc/pam.d/inner:2: `reset` in a substack cannot be taken over",
        ),
        (
            "auth required pam_unix.so\n@include nowhere\n",
            "",
            "/etc/pam.d/x:2: /etc/pam.d/nowhere: No such file",
        ),
        (
            "auth required pam_unix.so\nauth include nowhere\n",
            "",
            "/etc/pam.d/x:2: /etc/pam.d/nowhere: No such file",
        ),
        (
            "account required pam_unix.so\n",
            "",
            "/etc/pam.d/x: has no auth line: libpam uses those of /etc/pam.d/other",
        ),
    ];
    check_rows(table, |(stack, inner, message)| {
        let system = system(&[("etc/pam.d/x", stack), ("etc/pam.d/inner", inner)]);
        let before = contents(&system.path("etc"));
        let output = system.pam(&["enable", "x"]);
        assert_eq!(output.status.code(), Some(4), "{}", said(&output));
        assert!(said(&output).contains(message), "{}", said(&output));
        assert!(
            contents(&system.path("etc")) == before,
            "nothing is changed"
        );
    });
}

#[test]
fn a_service_that_is_missing_linked_or_badly_named_is_refused() {
    let system = system(&[("etc/pam.d/x", COMMON_AUTH)]);
    symlink("x", system.path("etc/pam.d/linked")).unwrap();
    let table = [
        (
            &["enable", "nowhere"][..],
            4,
            "nowhere: there is no such service",
        ),
        (
            &["enable", "linked"],
            4,
            "/etc/pam.d/linked: is a symbolic link",
        ),
        (&["enable", "../x"], 2, "lower-case letters only"),
        (&["enable", "Sshd"], 2, "lower-case letters only"),
        (&["enable", "x", "--with-key"], 2, "--with-key is for sshd"),
    ];
    check_rows(table, |(arguments, status, message)| {
        let output = system.pam(arguments);
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        assert!(said(&output).contains(message), "{}", said(&output));
    });
}

#[test]
fn without_a_terminal_it_must_be_said_whether_the_change_is_kept() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["pam", "enable", "sshd"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("say --now, or --rollback-after"),
        "{}",
        said(&output)
    );
}

#[test]
fn all_services_are_refused_where_one_is_enabled_already() {
    let system = system(&[
        ("etc/pam.d/sudo", "@include common-auth\n"),
        ("usr/share/pam-configs/authy", "Name: Authy\n"),
    ]);
    assert!(system.pam(&["enable", "sudo"]).status.success());

    let output = system.pam(&["enable", "all"]);

    assert_eq!(output.status.code(), Some(4));
    let message = "sudo is enabled already, and would be asked twice: authyctl pam disable sudo";
    assert!(said(&output).contains(message), "{}", said(&output));
}

#[test]
fn print_writes_the_new_file_byte_for_byte_and_changes_nothing() {
    let stack = "# ge\u{e4}ndert\n@include common-auth\n";
    let system = system(&[("etc/pam.d/x", stack)]);
    let mut latin1 = stack.as_bytes().to_vec();
    latin1.remove(5);
    fs::write(system.path("etc/pam.d/x"), &latin1).unwrap();
    let before = contents(&system.path("etc"));

    let printed = system.pam(&["enable", "x", "--print"]);
    let dry = system.pam(&["enable", "x", "--dry-run"]);

    assert!(dry.status.success(), "{}", said(&dry));
    assert!(contents(&system.path("etc")) == before);
    assert!(system.pam(&["enable", "x"]).status.success());
    assert!(fs::read(system.path("etc/pam.d/x")).unwrap() == printed.stdout);
    assert!(printed.stdout.starts_with(&latin1));
}

#[test]
fn a_setting_of_sshd_that_would_win_over_ours_is_named_before_anything_is_changed() {
    let hardening = "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxAuthTries 3\n";
    let table = [
        (
            "etc/ssh/sshd_config.d/01-hardening.conf",
            hardening,
            "/etc/ssh/sshd_config.d/01-hardening.conf:2: `KbdInteractiveAuthentication no`",
        ),
        ("etc/ssh/sshd_config.d/99-late.conf", hardening, ""),
        (
            "etc/ssh/sshd_config.d/01-block.conf",
            "Match User x\nKbdInteractiveAuthentication no\n",
            "",
        ),
        (
            "etc/ssh/sshd_config",
            "UsePAM no\nInclude /etc/ssh/sshd_config.d/*.conf\n",
            "/etc/ssh/sshd_config:1: `UsePAM no`",
        ),
        (
            "etc/ssh/sshd_config",
            "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM no\n",
            "",
        ),
        (
            "etc/ssh/sshd_config",
            "Port 22\n",
            "/etc/ssh/sshd_config: add `Include",
        ),
        // Files that are included elsewhere, or by others; every pattern that names ours.
        (
            "etc/ssh/sshd_config",
            "Include /etc/ssh/site/*.conf\nInclude sshd_config.d/*.conf\n",
            "/etc/ssh/inner.conf:2: `UsePAM no`",
        ),
        (
            "etc/ssh/sshd_config",
            "Include sshd_config.d/*.conf /etc/ssh/site/*.conf\n",
            "",
        ),
        (
            "etc/ssh/sshd_config",
            "Include \"/etc/ssh/sshd_config.d/*\"\nUsePAM no\n",
            "",
        ),
        (
            "etc/ssh/sshd_config",
            "Match User x\nInclude /etc/ssh/sshd_config.d/*.conf\n",
            "/etc/ssh/sshd_config: add `Include",
        ),
    ];
    check_rows(table, |(file, text, message)| {
        let system = system(&[
            ("etc/pam.d/sshd", "@include common-auth\n"),
            ("etc/ssh/site/a.conf", "Include inner.conf\n"),
            (
                "etc/ssh/inner.conf",
                "# site\nUsePAM = no\nMatch User x\nKbdInteractiveAuthentication no\n",
            ),
            (file, text),
        ]);
        for mode in ["--dry-run", "--print"] {
            let output = system.pam(&["enable", "sshd", mode]);
            assert_eq!(
                output.status.success(),
                message.is_empty(),
                "{}",
                said(&output)
            );
            assert!(said(&output).contains(message), "{}", said(&output));
        }
    });
}

#[test]
fn sudo_and_su_are_changed_together_with_their_login_shells() {
    let table = [
        ("sudo", "sudo-i", "@include common-auth\n", true),
        ("sudo", "sudo-i", "auth include sudo\n", false),
        ("su", "su-l", "auth include su\n", false),
    ];
    check_rows(table, |(service, other, stack, is_changed)| {
        let (own, pair) = (format!("etc/pam.d/{service}"), format!("etc/pam.d/{other}"));
        let system = system(&[
            (own.as_str(), "@include common-auth\n"),
            (pair.as_str(), stack),
        ]);
        let output = system.pam(&["enable", service]);
        assert!(output.status.success(), "{}", said(&output));
        let new = fs::read_to_string(system.path(&pair)).unwrap();
        assert_eq!(new.contains("pam_authy.so"), is_changed, "{new}");
        assert!(system.pam(&["disable", service]).status.success());
        assert_eq!(fs::read_to_string(system.path(&pair)).unwrap(), stack);
    });
}
