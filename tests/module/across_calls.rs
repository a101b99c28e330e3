//! Features that last across calls of the module, in real sshd and real sudo: pushes, remembered
//! logins of sudo, exemptions, the code behind the password.

use std::process::{Command, Output};

use serde_json::json;

use super::sshd::{self, PASSWORD, PASSWORD_FIRST, Sshd, USER, is_inside};
use super::sudo::{self, Sudo};
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;

fn start(more: &str) -> Sshd {
    let host = Host::with(&format!("[login]\nrefusal_seconds = 0\n{more}"));
    Sshd::start(host, PASSWORD_FIRST, "keyboard-interactive")
}

/// Logs in over ssh while the phone approves or denies the push.
fn ssh_while(sshd: &Sshd, approve: bool, replies: &[&str]) -> Output {
    sshd.host.sim.change(1635, &json!({"registered": true}));
    std::thread::scope(|scope| {
        scope.spawn(|| sshd.host.sim.decide(1635, approve));
        sshd.ssh(USER, PASSWORD, replies)
    })
}

#[test]
#[ignore = "needs root"]
fn sshd_logs_in_after_an_automatic_push_is_approved() {
    sandboxed!();
    let sshd = start("push = \"auto\"\n");

    let output = ssh_while(&sshd, true, &[]);

    assert!(is_inside(&output), "{output:?}");
    assert!(sshd.host.audit()[0].contains("reason=push_approved factor=push"));
}

#[test]
#[ignore = "needs root"]
fn sshd_refuses_after_the_push_is_denied() {
    sandboxed!();
    let sshd = start("push = \"auto\"\n");

    let output = ssh_while(&sshd, false, &[]);

    assert!(!is_inside(&output), "{output:?}");
    assert!(sshd.host.audit()[0].contains("reason=push_denied factor=push"));
}

#[test]
#[ignore = "needs root"]
fn sshd_shows_a_waiting_push_and_accepts_a_code_after_it_expired() {
    sandboxed!();
    let sshd = start("push = \"auto\"\npush_seconds = 15\n");
    sshd.host.sim.change(1635, &json!({"registered": true}));

    let output = sshd.ssh(USER, PASSWORD, &["", "", &sshd.token()]);

    assert!(is_inside(&output), "{output:?}");
    let asked = sshd.asked();
    assert!(asked.contains("A push was sent to your phone."), "{asked}");
    assert!(asked.contains("Not approved yet."), "{asked}");
    assert!(
        asked.contains("Verification code (or approve the push and press Enter)"),
        "{asked}"
    );
    assert!(
        asked.contains("The push was not answered in time."),
        "{asked}"
    );
}

#[test]
#[ignore = "needs root"]
fn an_exempt_network_is_asked_for_the_password_alone() {
    sandboxed!();
    let sshd = start("[exempt]\nnetworks = [\"127.0.0.0/8\"]\n");

    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[])));
    assert!(!is_inside(&sshd.ssh(USER, "wrong horse", &[])));

    assert!(sshd.host.audit()[0].starts_with("verdict=ignored reason=exempt"));
    assert!(sshd.host.sim.requests().is_empty());
}

#[test]
#[ignore = "needs root"]
fn a_code_behind_the_password_logs_in_where_there_is_one_field() {
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\ntoken_in_password = true\n");
    let sshd = Sshd::start(host, "", "keyboard-interactive");
    let module = sshd.host.installed_line("requisite");
    let stack = format!(
        "{module}\nauth required pam_unix.so try_first_pass\naccount required pam_permit.so\n\
         session required pam_permit.so\n"
    );
    std::fs::write(format!("/etc/pam.d/{}", sshd::NAME), stack).unwrap();
    let both = |password: &str| format!("{password}{}", sshd.token());

    assert!(is_inside(&sshd.ssh(USER, "", &[&both(PASSWORD)])));
    assert!(
        !is_inside(&sshd.ssh(USER, "", &[&both("wrong horse")])),
        "pam_unix gets the password"
    );
    assert!(!is_inside(&sshd.ssh(
        USER,
        "",
        &[&format!("{PASSWORD}1111111")]
    )));
    assert!(!sshd.host.log().contains(PASSWORD));
}

#[test]
#[ignore = "needs root"]
fn sudo_accepts_a_push_and_says_that_it_was_sent() {
    sandboxed!();
    let sudo = Sudo::set_up("push = \"auto\"\n");
    sudo.host.sim.change(1635, &json!({"registered": true}));

    let (output, shown) = std::thread::scope(|scope| {
        let phone = scope.spawn(|| sudo.host.sim.decide(1635, true));
        (sudo.run(&[sudo::PASSWORD], &[]), phone.join().unwrap())
    });

    // sudo shows an error message on the terminal, or without one on its standard error.
    assert!(sudo::became_root(&output), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("A push was sent to your phone."), "{said}");
    let details = shown["details"].to_string();
    assert!(details.contains("Caller"), "{details}");
}

#[test]
#[ignore = "needs root"]
fn sudo_is_remembered_in_the_same_session_and_nowhere_else() {
    sandboxed!();
    let sudo = Sudo::set_up("[remember]\nseconds = 300\n");
    // In the user's home, so that the user can read it.
    let typed = std::path::Path::new("/home").join(sudo::USER).join("typed");
    // A new terminal, which sudo names to the module; the shell in it leads the session.
    let twice = format!(
        "sudo -S -k id -u <{0}; printf '%s\\n' '{1}' | sudo -S -k id -u",
        typed.display(),
        sudo::PASSWORD
    );
    let in_terminal = |script: &str, first: &str| {
        std::fs::write(&typed, format!("{}\n{first}\n", sudo::PASSWORD)).unwrap();
        let command = format!("runuser -u {} -- sh -c \"{script}\"", sudo::USER);
        let mut terminal = Command::new("timeout");
        terminal
            .args(["60", "script", "-qec", &command, "/dev/null"])
            .current_dir("/");
        let output = terminal
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.matches(": 0\r\n").count()
    };

    let token = sudo.host.sim.token(1635);
    let became = in_terminal(&twice, &token);

    let audit = sudo.host.audit();
    assert_eq!(became, 2, "{audit:?}");
    assert!(audit[0].contains("reason=code_accepted"), "{audit:?}");
    assert!(audit[1].contains("reason=remembered"), "{audit:?}");
    // Another terminal is another session: the code is asked for again.
    let once = format!("sudo -S -k id -u <{}", typed.display());
    assert_eq!(in_terminal(&once, "1111111"), 0);
}
