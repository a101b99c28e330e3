//! `authyctl pam` and `authyctl key` on a machine with real sshd and real sudo, in the sandbox.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use super::machine::{Machine, Owned, PASSWORD, USER, is_inside, stacks, wait_for};
use crate::common::pipe;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::syslog::Syslog;
use crate::common::terminal::Terminal;

const PENDING: &str = "/var/lib/pam_authy/pam/sshd.pending";

fn authyctl(arguments: &[&str]) -> Output {
    Command::new("/usr/sbin/authyctl")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn succeeds(arguments: &[&str]) -> String {
    let output = authyctl(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    text(&output)
}

#[test]
#[ignore = "needs root"]
fn pam_enable_protects_sshd_and_disable_gives_back_every_byte() {
    sandboxed!();
    let machine = Machine::installed();
    let before = stacks();
    assert!(
        is_inside(&machine.ssh(&[])),
        "without the module the password is enough"
    );

    let dry = succeeds(&["pam", "enable", "sshd", "--dry-run"]);
    assert!(dry.contains("+auth  required   pam_authy.so"), "{dry}");
    assert_eq!(stacks(), before, "a dry run changes nothing");

    let said = succeeds(&["pam", "enable", "sshd", "--now"]);
    assert!(said.contains("has reloaded its settings"), "{said}");
    machine.wait_for_sshd();
    assert!(!is_inside(&machine.ssh(&["1111111"])));
    let output = machine.ssh(&[&machine.token()]);
    assert!(is_inside(&output), "{output:?}");
    assert!(
        !is_inside(&machine.ssh_by_key(&[])),
        "a key alone does not log in"
    );
    assert_eq!(
        authyctl(&["pam", "enable", "sshd", "--now"]).status.code(),
        Some(4),
        "it is enabled already"
    );

    succeeds(&["pam", "disable", "sshd"]);
    machine.wait_for_sshd();
    assert_eq!(stacks(), before);
    assert!(is_inside(&machine.ssh(&[])));
    assert!(succeeds(&["pam", "disable"]).contains("no stack"));
}

#[test]
#[ignore = "needs root"]
fn pam_enable_with_key_asks_for_key_and_code() {
    sandboxed!();
    let machine = Machine::installed();
    machine.put_key();

    succeeds(&["pam", "enable", "sshd", "--with-key", "--now"]);

    machine.wait_for_sshd();
    assert!(is_inside(&machine.ssh_by_key(&[&machine.token()])));
    assert!(!is_inside(&machine.ssh_by_key(&["1111111"])));
    assert!(
        !is_inside(&machine.ssh(&[&machine.token()])),
        "a code alone does not log in"
    );
}

#[test]
#[ignore = "needs root"]
fn pam_enable_protects_sudo_and_disable_gives_back_every_byte() {
    sandboxed!();
    let machine = Machine::installed();
    let before = stacks();
    assert!(machine.sudo(&[PASSWORD]));

    let answer: Value =
        serde_json::from_str(&succeeds(&["--json", "pam", "enable", "sudo", "--now"])).unwrap();

    assert_eq!(
        answer["files"],
        serde_json::json!(["/etc/pam.d/sudo", "/etc/pam.d/sudo-i"])
    );
    assert!(machine.sudo(&[PASSWORD, &machine.token()]));
    assert!(!machine.sudo(&[
        PASSWORD, "1111111", PASSWORD, "1111111", PASSWORD, "1111111"
    ]));
    succeeds(&["pam", "disable"]);
    assert_eq!(stacks(), before);
    assert!(machine.sudo(&[PASSWORD]));
}

#[test]
#[ignore = "needs root"]
fn pam_enable_refuses_what_would_lock_out_and_changes_nothing() {
    sandboxed!();
    let machine = Machine::installed();
    let before = stacks();
    let refused = |said: &str| {
        check_rows(["sshd", "sudo"], |service| {
            let output = authyctl(&["pam", "enable", service, "--now"]);
            assert_eq!(output.status.code(), Some(1), "{}", text(&output));
            assert!(text(&output).contains(said), "{said}: {}", text(&output));
            assert_eq!(stacks(), before);
        });
    };

    fs::write("/etc/pam_authy/users.toml", "[users]\nsomebody = 1635\n").unwrap();
    refused("no administrator of this host is enrolled");
    machine.set_up("[login]\nattempts = 99\n");
    fs::set_permissions(
        "/etc/pam_authy/config.toml",
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    refused("attempts must be");
    machine.set_up("");
    fs::set_permissions(
        "/etc/pam_authy/config.toml",
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    refused("group or others have access");
    machine.set_up("");
    fs::write(
        "/etc/ssh/sshd_config.d/20-own.conf",
        "Match User pat\nAuthenticationMethods publickey\n",
    )
    .unwrap();
    let output = authyctl(&["pam", "enable", "sshd", "--now"]);
    assert!(
        text(&output).contains("`publickey` alone is enough"),
        "{}",
        text(&output)
    );

    succeeds(&["pam", "enable", "sshd", "--force", "--now"]);
}

/// The administrator of a cloud image has a key and no password.
#[test]
#[ignore = "needs root"]
fn pam_enable_sshd_says_which_of_key_and_password_an_administrator_lacks() {
    sandboxed!();
    let machine = Machine::installed();
    let before = stacks();
    let refused = |more: &[&str], message: &str| {
        let output = authyctl(&[&["pam", "enable", "sshd", "--now"], more].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(message), "{}", text(&output));
        assert_eq!(stacks(), before);
    };

    refused(
        &["--with-key"],
        "has a password and no key, but a key is required (pat from",
    );
    machine.put_key();
    let lock = Command::new("usermod").args(["--lock", "pat"]).status();
    assert!(lock.unwrap().success());
    refused(
        &[],
        "has a key and no password, but is asked for a password (pat from",
    );

    succeeds(&["pam", "enable", "sshd", "--with-key", "--now"]);
    machine.wait_for_sshd();
    assert!(is_inside(&machine.ssh_by_key(&[&machine.token()])));
}

#[test]
#[ignore = "needs root"]
fn an_unconfirmed_change_is_rolled_back_though_the_processes_that_made_it_are_killed() {
    sandboxed!();
    let machine = Machine::installed();
    let before = stacks();
    let script = "authyctl pam enable sshd --rollback-after 10 && touch /run/made; sleep 60";
    let mut shell = Command::new("sh")
        .args(["-c", script])
        .process_group(0)
        .spawn()
        .unwrap();
    wait_for(|| fs::exists("/run/made").unwrap());

    let group = format!("-{}", shell.id());
    assert!(
        Command::new("kill")
            .args(["-KILL", "--", &group])
            .status()
            .unwrap()
            .success()
    );
    shell.wait().unwrap();
    assert_ne!(stacks(), before);
    machine.wait_for_sshd();
    assert!(!is_inside(&machine.ssh(&["1111111"])));

    std::thread::sleep(Duration::from_secs(5));
    wait_for(|| stacks() == before);
    machine.wait_for_sshd();
    assert!(
        is_inside(&machine.ssh(&[])),
        "the old settings are in force"
    );
    assert_eq!(
        authyctl(&["pam", "confirm"]).status.code(),
        Some(1),
        "it is too late"
    );
}

/// No administrator should believe that a host is still protected after a roll-back.
#[test]
#[ignore = "needs root"]
fn a_roll_back_is_in_the_log_and_doctors_first_line_until_the_next_pam_command() {
    sandboxed!();
    let log = Syslog::start();
    let _machine = Machine::installed();
    succeeds(&["pam", "enable", "sudo", "--rollback-after", "3600"]);
    succeeds(&["pam", "rollback"]);

    let lines = log.lines("the change of sudo was rolled back");
    assert!(
        lines[0].starts_with("<84>"),
        "a warning of authpriv: {lines:?}"
    );
    let first = || {
        let output = text(&authyctl(&["doctor"]));
        output.lines().next().unwrap().to_owned()
    };
    let said = first();
    assert!(
        said.contains("warning  the change of sudo was rolled back"),
        "{said}"
    );
    succeeds(&["pam", "disable"]);
    let said = first();
    assert!(!said.contains("rolled back"), "{said}");
}

#[test]
#[ignore = "needs root"]
fn pam_enable_sshd_names_who_is_refused_from_then_on_and_sudo_no_one() {
    sandboxed!();
    let _machine = Machine::installed();
    let mut shell = Command::new("sh");
    shell.args(["-ec", "useradd -m bob; echo bob:secret | chpasswd"]);
    assert!(shell.status().unwrap().success());
    let names = |said: &str| {
        let line = said
            .lines()
            .find(|line| line.contains(" no factor, and cannot log in"));
        line.unwrap_or_default().to_owned()
    };
    let said = succeeds(&["pam", "enable", "sudo", "--now"]);
    assert_eq!(names(&said), "", "{said}");
    let said = succeeds(&["pam", "enable", "sshd", "--now"]);
    let refused = names(&said);
    assert!(refused.contains("bob") && !refused.contains(USER), "{said}");
}

#[test]
#[ignore = "needs root"]
fn on_a_terminal_a_change_is_kept_by_typing_yes_and_by_nothing_else() {
    sandboxed!();
    let _machine = Machine::installed();
    let before = stacks();
    let command = "/usr/sbin/authyctl pam enable sudo";
    let terminal = Terminal::start(command);
    terminal.wait_for("type \"yes\" to keep the change");
    assert_ne!(stacks(), before, "another window can try it");
    terminal.press(&["maybe", "Enter"]);
    terminal.wait_for("still waiting");
    terminal.press(&["yes", "Enter"]);
    terminal.wait_for("the change of sudo is kept");
    terminal.wait_for("ended with 0");
    assert_eq!(authyctl(&["pam", "confirm"]).status.code(), Some(1));
    succeeds(&["pam", "disable"]);

    let terminal = Terminal::start(command);
    terminal.wait_for("type \"yes\" to keep the change");
    terminal.press(&["C-d"]);
    terminal.wait_for("the change is not confirmed, and is undone in");
    terminal.wait_for("ended with 1");
    let said = text(&authyctl(&["doctor"]));
    assert!(
        said.starts_with("warning  the change of sudo waits for"),
        "{said}"
    );
    succeeds(&["pam", "rollback"]);
    assert_eq!(stacks(), before);

    let terminal = Terminal::start(command);
    terminal.wait_for("run `sudo -k id` in another window now; type \"yes\" to keep the change");
    terminal.press(&["C-c"]);
    terminal.wait_for("hint: authyctl pam confirm keeps it, authyctl pam rollback undoes it now");
    assert_ne!(stacks(), before);
    let plain = Command::new("runuser")
        .args(["-u", USER, "--", "/usr/sbin/authyctl", "pam", "rollback"])
        .output()
        .unwrap();
    assert_eq!(plain.status.code(), Some(4), "{plain:?}");
    succeeds(&["pam", "rollback"]);
    assert_eq!(stacks(), before);

    let terminal = Terminal::start(command);
    terminal.wait_for("\"no\" to undo it at once");
    terminal.press(&["no", "Enter"]);
    terminal.wait_for("the change of sudo is undone");
    terminal.wait_for("ended with 1");
    assert_eq!(stacks(), before);
}

/// Otherwise the command waits for an answer that has no effect any more.
#[test]
#[ignore = "needs root"]
fn on_a_terminal_it_is_said_that_a_change_was_rolled_back_or_confirmed_elsewhere() {
    sandboxed!();
    let _machine = Machine::installed();
    let before = stacks();
    let command = "/usr/sbin/authyctl pam enable sudo";
    let terminal = Terminal::start(command);
    terminal.wait_for("type \"yes\" to keep the change");
    succeeds(&["pam", "rollback"]);
    terminal.wait_for("sudo was rolled back: the change was not confirmed");
    terminal.wait_for("ended with 1");
    assert_eq!(stacks(), before);

    let terminal = Terminal::start(command);
    terminal.wait_for("type \"yes\" to keep the change");
    succeeds(&["pam", "confirm"]);
    terminal.wait_for("the change of sudo is kept");
    terminal.wait_for("ended with 0");
    assert_ne!(stacks(), before);
}

/// With `--json` standard output is one object, so that no question can be asked.
#[test]
#[ignore = "needs root"]
fn on_a_terminal_json_needs_now_or_rollback_after_too() {
    sandboxed!();
    let _machine = Machine::installed();
    let before = stacks();
    let terminal = Terminal::start("/usr/sbin/authyctl --json pam enable sudo");
    terminal.wait_for("\"kind\":\"usage\"");
    terminal.wait_for("ended with 2");
    assert_eq!(stacks(), before);
}

#[test]
#[ignore = "needs root"]
fn pam_enable_sudo_changes_the_stack_that_sudoers_names_as_well() {
    sandboxed!();
    let machine = Machine::installed();
    fs::write(
        "/etc/pam.d/sudo-mfa",
        "@include common-auth\n@include common-account\n",
    )
    .unwrap();
    let rules = "pat ALL=(ALL) ALL\nDefaults:pat timestamp_timeout=0, lecture=never, !use_pty, pam_service=sudo-mfa\n";
    fs::write("/etc/sudoers.d/pat", rules).unwrap();
    let before = stacks();

    let said = succeeds(&["pam", "enable", "sudo", "--now"]);

    assert!(
        said.contains("/etc/sudoers.d/pat:2: pam_service=sudo-mfa: that stack is changed as well"),
        "{said}"
    );
    assert!(machine.sudo(&[PASSWORD, &machine.token()]));
    assert!(!machine.sudo(&[
        PASSWORD, "1111111", PASSWORD, "1111111", PASSWORD, "1111111"
    ]));
    succeeds(&["pam", "disable", "sudo"]);
    assert_eq!(stacks(), before);
}

#[test]
#[ignore = "needs root"]
fn a_host_that_is_not_set_up_is_told_the_next_step_and_a_plain_user_what_cannot_be_seen() {
    sandboxed!();
    let machine = Machine::installed();
    succeeds(&["pam", "enable", "sshd", "--now"]);
    let as_user = |arguments: &[&str]| {
        let output = Command::new("runuser")
            .args(["-u", "pat", "--", "/usr/sbin/authyctl"])
            .args(arguments)
            .output();
        text(&output.unwrap())
    };
    let said = as_user(&["doctor"]);
    assert!(
        said.contains("unknown  not root: cannot look at sshd's settings"),
        "{said}"
    );
    let hidden = "unknown  not root: cannot look at /etc/pam_authy/config.toml";
    assert!(said.contains(hidden) && !said.contains("problem"), "{said}");
    succeeds(&["pam", "disable"]);
    fs::remove_dir_all("/etc/pam_authy").unwrap();

    let said = succeeds(&["doctor"]);

    assert!(
        said.contains("unknown  not set up yet: /etc/pam_authy/config.toml does not exist"),
        "{said}"
    );
    assert!(said.contains("hint: authyctl init"), "{said}");
    drop(machine);
}

#[test]
#[ignore = "needs root"]
fn a_confirmed_change_stays() {
    sandboxed!();
    let _machine = Machine::installed();
    succeeds(&["pam", "enable", "sshd", "--rollback-after", "10"]);
    let enabled = stacks();

    succeeds(&["pam", "confirm"]);

    std::thread::sleep(Duration::from_secs(11));
    assert_eq!(stacks(), enabled);
}

/// A stack that only a group may read, with a byte that is no UTF-8, CRLF in a comment and no
/// newline at its end.
#[test]
#[ignore = "needs root"]
fn a_roll_back_gives_back_each_byte_and_mode_and_owner() {
    sandboxed!();
    let _machine = Machine::installed();
    let mut stack = b"# ge\xe4ndert\r\n@include common-account\n".to_vec();
    stack.extend_from_slice(
        b"auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n",
    );
    stack.extend_from_slice(b"auth sufficient pam_permit.so");
    fs::write("/etc/pam.d/sudo", stack).unwrap();
    fs::set_permissions("/etc/pam.d/sudo", fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown("/etc/pam.d/sudo", Some(0), Some(1)).unwrap();
    let before = stacks();

    succeeds(&["pam", "enable", "sudo", "--rollback-after", "3600"]);
    let changed = stacks();
    assert_ne!(changed, before);
    let essence = |files: &[Owned]| -> Vec<_> {
        let essence = |(path, mode, user, group, _): &Owned| (path.clone(), *mode, *user, *group);
        files.iter().map(essence).collect()
    };
    assert_eq!(essence(&changed), essence(&before), "while it waits, too");
    succeeds(&["pam", "rollback"]);

    assert_eq!(stacks(), before);
}

/// As after a reboot: the process that waited is gone, and the time has passed.
#[test]
#[ignore = "needs root"]
fn an_overdue_change_is_rolled_back_by_the_next_authyctl() {
    sandboxed!();
    let _machine = Machine::installed();
    let before = stacks();
    succeeds(&["pam", "enable", "sshd", "--rollback-after", "3600"]);
    fs::write(PENDING, "1\n").unwrap();
    // A broken configuration makes the module deny every login, and must not stop the roll-back.
    fs::write("/etc/pam_authy/config.toml", "broken").unwrap();

    let said = text(&authyctl(&["list"]));

    assert!(said.contains("sshd was rolled back"), "{said}");
    assert_eq!(stacks(), before);
    assert!(!fs::exists(PENDING).unwrap());
}

#[test]
#[ignore = "needs root"]
fn damaged_lines_are_restored_from_the_saved_file() {
    sandboxed!();
    let _machine = Machine::installed();
    let before = stacks();
    succeeds(&["pam", "enable", "sudo", "--now"]);
    let text = fs::read_to_string("/etc/pam.d/sudo").unwrap();
    fs::write("/etc/pam.d/sudo", text.replace("# pam_authy end\n", "")).unwrap();

    succeeds(&["pam", "disable", "sudo"]);

    assert_eq!(stacks(), before);
}

#[test]
#[ignore = "needs root"]
fn key_rotate_keeps_the_old_key_until_authy_takes_the_new_one() {
    sandboxed!();
    let machine = Machine::installed();
    let old = fs::read_to_string("/etc/pam_authy/config.toml").unwrap();
    let rotate = |key: &str| {
        fs::write("/root/new-key", format!("{key}\n")).unwrap();
        authyctl(&["key", "rotate", "--key-file", "/root/new-key"])
    };

    let refused = rotate("a-key-that-nobody-knows");
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("nothing was changed"));
    assert_eq!(
        fs::read_to_string("/etc/pam_authy/config.toml").unwrap(),
        old
    );

    // From here on the simulator's key is the new one; config.toml still has an old one.
    let key = machine.sim.key();
    let commented = old.replacen(&format!("\"{key}\""), "\"old\" # ours", 1);
    fs::write("/etc/pam_authy/config.toml", &commented).unwrap();
    let done = rotate(&key);
    assert!(done.status.success(), "{}", text(&done));
    let new = fs::read_to_string("/etc/pam_authy/config.toml").unwrap();
    assert_eq!(new, commented.replacen("\"old\"", &format!("\"{key}\""), 1));
    let mode = fs::metadata("/etc/pam_authy/config.toml")
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert!(!text(&done).contains(&key));

    // The same with `key_file`, and the new key on standard input.
    fs::write("/etc/pam_authy/api_key", "old\n").unwrap();
    fs::set_permissions("/etc/pam_authy/api_key", fs::Permissions::from_mode(0o600)).unwrap();
    let named = new.replacen(
        &format!("key = \"{key}\""),
        "key_file = \"/etc/pam_authy/api_key\"",
        1,
    );
    fs::write("/etc/pam_authy/config.toml", &named).unwrap();
    pipe(
        Command::new("/usr/sbin/authyctl").args(["--quiet", "key", "rotate"]),
        &key,
    );
    assert_eq!(
        fs::read_to_string("/etc/pam_authy/api_key").unwrap(),
        format!("{key}\n")
    );
    assert_eq!(
        fs::read_to_string("/etc/pam_authy/config.toml").unwrap(),
        named
    );
}

/// Installs the stacks of another distribution, without our lines.
fn lay_out(system: &str) {
    let fixtures = super::root().join("tests/fixtures/pam.d").join(system);
    for entry in fs::read_dir(fixtures).unwrap().map(Result::unwrap) {
        let text = fs::read_to_string(entry.path()).unwrap();
        let mut kept: String = text
            .lines()
            .filter(|line| !line.contains("pam_authy.so") && !line.contains("pam_permit.so"))
            .map(|line| format!("{line}\n"))
            .collect();
        if entry.file_name() == "sshd" {
            kept += "account required pam_permit.so\nsession required pam_permit.so\n";
        }
        fs::write(
            std::path::Path::new("/etc/pam.d").join(entry.file_name()),
            kept,
        )
        .unwrap();
    }
}

#[test]
#[ignore = "needs root"]
fn pam_enable_rewrites_fedoras_line_that_goes_on_after_a_wrong_password() {
    sandboxed!();
    let machine = Machine::installed();
    lay_out("fedora");
    let before = stacks();

    let said = succeeds(&["pam", "enable", "sshd", "--now"]);

    assert!(
        said.contains("#pam_authy was# auth       include      password-auth"),
        "{said}"
    );
    machine.wait_for_sshd();
    let output = machine.ssh(&[&machine.token()]);
    assert!(is_inside(&output), "{output:?}");
    assert!(!is_inside(&machine.ssh(&["1111111"])));
    succeeds(&["pam", "disable"]);
    assert_eq!(stacks(), before);
}

#[test]
#[ignore = "needs root"]
fn pam_enable_takes_over_archs_lines_with_every_module() {
    sandboxed!();
    let machine = Machine::installed();
    lay_out("arch");
    let before = stacks();

    let said = succeeds(&["pam", "enable", "sshd", "--now"]);

    for module in [
        "pam_nologin.so",
        "pam_faillock.so      preauth",
        "pam_systemd_home.so",
    ] {
        assert!(said.contains(module), "{module}: {said}");
    }
    machine.wait_for_sshd();
    let output = machine.ssh(&[&machine.token()]);
    assert!(is_inside(&output), "{output:?}");
    assert!(!is_inside(&machine.ssh(&["1111111"])));
    succeeds(&["pam", "disable"]);
    assert_eq!(stacks(), before);
}
