//! Features that last across calls of the module, in real sshd and real sudo: pushes, remembered
//! logins, exemptions, limits, recovery codes, the code behind the password.

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

/// Runs authyctl with the files of this host; it must succeed.
fn authyctl(host: &Host, arguments: &[&str]) -> Output {
    let mut authyctl = Command::new(env!("CARGO_BIN_EXE_authyctl"));
    authyctl.args(arguments);
    authyctl.arg("--config").arg(&host.config);
    authyctl.arg("--users").arg(&host.users);
    let output = authyctl.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
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
fn a_second_ssh_login_is_remembered_until_it_is_forgotten() {
    sandboxed!();
    let sshd = start("[remember]\nseconds = 300\nservices = [\"sshd-under-test\"]\n");
    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[&sshd.token()])));

    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[])), "not asked again");
    assert!(sshd.host.audit_of(2)[1].starts_with("verdict=accepted reason=remembered"));
    assert!(
        !is_inside(&sshd.ssh(USER, "wrong horse", &[])),
        "the password is still asked for"
    );

    authyctl(&sshd.host, &["forget", USER]);
    assert!(!is_inside(&sshd.ssh(USER, PASSWORD, &["1", "1", "1"])));
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
fn refused_codes_pause_a_user_until_authyctl_unlocks() {
    sandboxed!();
    let sshd = start("[limits]\nrefused_tokens = 3\n");
    assert!(!is_inside(&sshd.ssh(
        USER,
        PASSWORD,
        &["1111111", "2222222", "3333333"]
    )));
    let sent = sshd.host.sim.count("/verify/");

    let output = sshd.ssh(
        USER,
        PASSWORD,
        &[&sshd.token(), &sshd.token(), &sshd.token()],
    );
    assert!(!is_inside(&output), "a right token does not end a pause");
    assert_eq!(
        sshd.host.sim.count("/verify/"),
        sent,
        "nothing is sent in a pause"
    );
    assert!(
        sshd.asked().contains("Too many wrong codes"),
        "{}",
        sshd.asked()
    );
    let last = sshd.host.audit_of(6).pop().unwrap();
    assert!(last.contains("reason=limited"), "{last}");

    authyctl(&sshd.host, &["unlock", USER]);
    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[&sshd.token()])));
}

#[test]
#[ignore = "needs root"]
fn a_recovery_code_lets_in_once_while_the_service_is_down() {
    sandboxed!();
    let sshd = start("");
    let made = authyctl(&sshd.host, &["recovery", "generate", USER, "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let code = made["codes"][0].as_str().unwrap();
    sshd.host
        .sim
        .fault(&json!({"listener": "silent", "times": 0}));

    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[code])));
    assert!(
        !is_inside(&sshd.ssh(USER, PASSWORD, &[code, code, code])),
        "it works once"
    );

    let audit = sshd.host.audit();
    assert!(
        audit[0].starts_with("verdict=accepted reason=recovery_code factor=recovery"),
        "{audit:?}"
    );
    assert!(
        sshd.host.log().contains("9 are left"),
        "{}",
        sshd.host.log()
    );
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
