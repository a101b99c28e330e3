//! `pam enable --root`: paths and settings of an image, and never those of this host.

use std::fs;
use std::os::unix::fs::symlink;

use super::{System, contents};
use crate::common::rows::check_rows;

const STACK: &str = "auth requisite pam_unix.so\nauth required pam_permit.so\n";

fn write(system: &System, name: &str, text: &str) {
    let path = system.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A folder that is an absolute link in an image, as on systems with a writable /persist.
#[test]
fn a_folder_that_is_a_link_of_the_image_is_found_below_its_root() {
    let system = System::new(true);
    let outside = tempfile::tempdir().unwrap();
    let shown = outside.path().display().to_string();
    fs::create_dir_all(outside.path().join("pam.d")).unwrap();
    fs::write(
        outside.path().join("pam.d/x"),
        "auth required pam_unix.so\n",
    )
    .unwrap();
    fs::remove_dir(system.path("etc/pam.d")).unwrap();
    symlink(format!("{shown}/pam.d"), system.path("etc/pam.d")).unwrap();
    write(&system, &format!(".{shown}/pam.d/x"), STACK);
    let before = contents(outside.path());

    let output = system.pam(&["enable", "x"]);

    assert!(output.status.success(), "{output:?}");
    assert!(contents(outside.path()) == before, "the host's file stays");
    let inside = system.path(&format!(".{shown}/pam.d/x"));
    let new = fs::read_to_string(inside).unwrap();
    assert!(
        new.starts_with(STACK) && new.contains("pam_authy.so"),
        "{new}"
    );
}

#[test]
fn the_stack_that_pam_service_name_names_in_the_image_is_changed() {
    let table = [
        (
            "etc/ssh/sshd_config.d/50-own.conf",
            "PAMServiceName Sshd-Key # own\n",
            "sshd-key",
        ),
        (
            "etc/ssh/sshd_config.d/50-own.conf",
            "Match User x\nPAMServiceName y\n",
            "sshd",
        ),
        (
            "etc/ssh/sshd_config",
            "Include sshd_config.d/*.conf\nPAMServiceName=sshd-key\n",
            "sshd-key",
        ),
    ];
    check_rows(table, |(file, text, service)| {
        let system = System::new(true);
        for name in ["sshd", "sshd-key", "y"] {
            write(&system, &format!("etc/pam.d/{name}"), STACK);
        }
        write(&system, file, text);
        let output = system.pam(&["enable", "sshd"]);
        assert!(output.status.success(), "{output:?}");
        for name in ["sshd", "sshd-key", "y"] {
            let stack = fs::read_to_string(system.path("etc/pam.d").join(name)).unwrap();
            assert_eq!(
                stack.contains("pam_authy.so"),
                name == service,
                "{name}: {stack}"
            );
        }
        assert!(system.pam(&["disable"]).status.success());
        let stack = fs::read_to_string(system.path("etc/pam.d").join(service)).unwrap();
        assert_eq!(stack, STACK);
    });
}

/// openSUSE has sshd_config in /usr/etc, as long as the administrator has none.
#[test]
fn an_sshd_config_of_the_distribution_is_read_where_there_is_no_other() {
    let system = System::new(false);
    write(&system, "etc/pam.d/sshd", STACK);
    fs::remove_file(system.path("etc/ssh/sshd_config")).unwrap();
    let vendor = "usr/etc/ssh/sshd_config";
    write(
        &system,
        vendor,
        "UsePAM no\nInclude /etc/ssh/sshd_config.d/*.conf\n",
    );
    let output = system.pam(&["enable", "sshd"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("/usr/etc/ssh/sshd_config:1: `UsePAM no`"),
        "{said}"
    );
    write(
        &system,
        vendor,
        "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n",
    );
    let output = system.pam(&["enable", "sshd"]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        system
            .path("etc/ssh/sshd_config.d/10-pam_authy.conf")
            .exists()
    );
}

#[test]
fn one_sentence_after_the_diff_says_what_changes_for_who_logs_in_by_key() {
    let table = [
        (
            &["enable", "sshd", "--dry-run"][..],
            "people who log in by key alone today need password and code from now on",
        ),
        (
            &["enable", "sshd", "--with-key", "--dry-run"],
            "people who log in by key still do, and type a code after it; people without a key cannot",
        ),
    ];
    check_rows(table, |(arguments, sentence)| {
        let system = System::new(true);
        write(&system, "etc/pam.d/sshd", STACK);
        let output = system.pam(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Vec<_> = said.lines().collect();
        let at = lines.iter().position(|line| line.starts_with(sentence));
        let last_of_diff = lines
            .iter()
            .rposition(|line| line.starts_with(['+', '-', ' ']));
        assert!(at.is_some() && at > last_of_diff, "{said}");
        assert_eq!(
            said.matches("people who log in by key").count(),
            1,
            "{said}"
        );
    });
}

#[test]
fn with_key_names_each_module_that_is_not_called_any_more() {
    let system = System::new(false);
    let stack = "auth required pam_env.so\nauth sufficient pam_u2f.so cue\nauth substack inner\n";
    write(&system, "etc/pam.d/sshd", stack);
    let inner = "auth required pam_faillock.so preauth\nauth sufficient pam_unix.so\nauth required pam_deny.so\n";
    write(&system, "etc/pam.d/inner", inner);

    let output = system.pam(&["enable", "sshd", "--with-key"]);

    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = "not called any more: pam_faillock.so, pam_u2f.so, pam_unix.so\n";
    assert!(said.contains(expected), "{said}");
    let new = fs::read_to_string(system.path("etc/pam.d/sshd")).unwrap();
    assert!(new.contains("auth  required  pam_env.so"), "{new}");
}

/// An image without os-release has a libpam that is not known to be Debian's, and a broken line may
/// have been meant to refuse: neither is left out.
#[test]
fn with_key_refuses_a_stack_with_a_line_that_libpam_cannot_use() {
    let table = [
        (
            "auth required pam_env.so\n@include common-auth\n",
            "/etc/pam.d/sshd:2: `@include` is no type of line",
        ),
        (
            "auth required pam_env.so\nauth include nowhere\n",
            "/etc/pam.d/sshd:2: /etc/pam.d/nowhere: No such file",
        ),
        (
            "auth include inner\n",
            "/etc/pam.d/inner:2: `auht` is no type of line",
        ),
        (
            "auth required\nauth required pam_unix.so\n",
            "/etc/pam.d/sshd:1: it names no module",
        ),
    ];
    check_rows(table, |(stack, message)| {
        let system = System::new(false);
        fs::remove_file(system.path("etc/os-release")).unwrap();
        write(&system, "etc/pam.d/sshd", stack);
        write(&system, "etc/pam.d/common-auth", STACK);
        let inner = "auth required pam_unix.so\nauht required pam_access.so\n";
        write(&system, "etc/pam.d/inner", inner);
        let before = contents(&system.path("etc"));
        for arguments in [&["enable", "sshd", "--with-key"][..], &["enable", "sshd"]] {
            let output = system.pam(arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(4), "{said}");
            assert!(said.contains(message), "{said}");
            assert!(contents(&system.path("etc")) == before);
        }
    });
}

/// A line that closes the host must not become unconditional: such a stack is refused.
#[test]
fn with_key_refuses_a_stack_in_which_a_line_that_goes_leads_past_one_that_closes_the_host() {
    let skips = "is not called for every user: /etc/pam.d/";
    let table = [
        (
            "auth required pam_access.so\nauth required pam_unix.so\n",
            "",
        ),
        (
            "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_access.so\n",
            "",
        ),
        ("auth substack inner\nauth required pam_access.so\n", ""),
        (
            "auth [success=1 default=ignore] pam_succeed_if.so uid = 0\nauth optional pam_access.so\nauth required pam_unix.so\n",
            "",
        ),
        (
            "auth [success=1 default=ignore] pam_succeed_if.so uid = 0\nauth required pam_access.so\nauth required pam_unix.so\n",
            skips,
        ),
        ("auth include inner\nauth required pam_nologin.so\n", skips),
        (
            "auth sufficient pam_unix.so\nauth required pam_env.so\nauth required pam_sss.so\n",
            "",
        ),
    ];
    check_rows(table, |(stack, message)| {
        let system = System::new(false);
        write(&system, "etc/pam.d/sshd", stack);
        write(
            &system,
            "etc/pam.d/inner",
            "auth sufficient pam_unix.so\nauth required pam_deny.so\n",
        );
        let output = system.pam(&["enable", "sshd", "--with-key", "--dry-run"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), message.is_empty(), "{said}");
        assert!(said.contains(message), "{said}");
    });
}

/// A service that includes the changed stack, and has our line already.
#[test]
fn nobody_is_asked_twice_through_an_include() {
    let system = System::new(true);
    write(&system, "etc/pam.d/su", STACK);
    write(&system, "etc/pam.d/su-l", "auth include su\n");
    assert!(system.pam(&["enable", "su-l"]).status.success());
    let before = contents(&system.path("etc"));

    let output = system.pam(&["enable", "su"]);

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("/etc/pam.d/su-l:") && said.contains("would be asked twice"),
        "{said}"
    );
    assert!(contents(&system.path("etc")) == before);
}

#[test]
fn settings_of_sshd_by_their_old_names_and_with_comments_are_understood() {
    let table = [
        (
            "ChallengeResponseAuthentication no\n",
            "01-old.conf:1: `ChallengeResponse",
        ),
        ("KbdInteractiveAuthentication yes # for codes\n", ""),
        ("kbdinteractiveauthentication=YES\n", ""),
        ("# KbdInteractiveAuthentication no\n", ""),
    ];
    check_rows(table, |(text, message)| {
        let system = System::new(true);
        write(&system, "etc/pam.d/sshd", STACK);
        write(&system, "etc/ssh/sshd_config.d/01-old.conf", text);
        let output = system.pam(&["enable", "sshd", "--print"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), message.is_empty(), "{said}");
        assert!(said.contains(message), "{said}");
    });
}
