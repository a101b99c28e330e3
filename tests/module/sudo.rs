//! Real sudo as an unprivileged user, with a PAM service of its own, in the sandbox.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use crate::common::host::Host;
use crate::common::sandbox;

const SERVICE: &str = "sudo-under-test";
pub(super) const USER: &str = "pat";
pub(super) const PASSWORD: &str = "right horse";

pub(super) struct Sudo {
    pub(super) host: Host,
}

impl Sudo {
    pub(super) fn set_up(more: &str) -> Self {
        let host = Host::with(&format!("[login]\nrefusal_seconds = 0\n{more}"));
        let status = Command::new("useradd")
            .args(["--create-home", USER])
            .status()
            .unwrap();
        assert!(status.success());
        pipe(
            &mut Command::new("chpasswd"),
            &format!("{USER}:{PASSWORD}\n"),
        );
        host.append(&host.users, &format!("{USER} = 1635\n"));
        let module = host
            .line()
            .replace("[success=ok ignore=ignore default=die]", "required");
        let stack = format!(
            "auth requisite pam_unix.so\n{module}\nauth required pam_permit.so\n\
             account required pam_permit.so\nsession required pam_permit.so\n"
        );
        fs::write(format!("/etc/pam.d/{SERVICE}"), stack).unwrap();
        let rules = format!(
            "{USER} ALL=(ALL) ALL\nDefaults:{USER} pam_service={SERVICE}, pam_login_service={SERVICE}, \
             timestamp_timeout=0, !use_pty, lecture=never, env_keep += \"HTTPS_PROXY ALL_PROXY \
             SSL_CERT_FILE\"\n"
        );
        fs::write("/etc/sudoers.d/under-test", rules).unwrap();
        fs::set_permissions(
            "/etc/sudoers.d/under-test",
            fs::Permissions::from_mode(0o440),
        )
        .unwrap();
        Self { host }
    }

    /// `sudo id -u` by the user, with these lines on its standard input.
    pub(super) fn run(&self, lines: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut sudo = Command::new("timeout");
        sudo.args([
            "60", "runuser", "-u", USER, "--", "sudo", "-S", "-k", "id", "-u",
        ]);
        sudo.envs(environment.iter().copied()).current_dir("/");
        let mut child = sudo
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // sudo may be gone before it has read everything.
        let _ = child
            .stdin
            .take()
            .unwrap()
            .write_all((lines.join("\n") + "\n").as_bytes());
        child.wait_with_output().unwrap()
    }
}

fn pipe(command: &mut Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}");
}

pub(super) fn became_root(output: &Output) -> bool {
    output.status.success() && output.stdout == b"0\n"
}

#[test]
#[ignore = "needs root"]
fn sudo_runs_the_command_after_password_and_token() {
    if !sandbox::enter("module::sudo::sudo_runs_the_command_after_password_and_token") {
        return;
    }
    let sudo = Sudo::set_up("");

    let output = sudo.run(&[PASSWORD, &sudo.host.sim.token(1635)], &[]);

    assert!(became_root(&output), "{output:?}");
    let audit = sudo.host.audit();
    assert!(
        audit[0].starts_with("verdict=accepted reason=token_accepted"),
        "{audit:?}"
    );
    assert!(audit[0].ends_with(&format!("user=\"{USER}\"")), "{audit:?}");
}

#[test]
#[ignore = "needs root"]
fn sudo_refuses_wrong_tokens_however_often_it_asks() {
    if !sandbox::enter("module::sudo::sudo_refuses_wrong_tokens_however_often_it_asks") {
        return;
    }
    let sudo = Sudo::set_up("attempts = 1\n");

    let call = [PASSWORD, "1111111"];
    let output = sudo.run(&[call, call, call, call].concat(), &[]);

    assert!(!became_root(&output), "{output:?}");
    assert_eq!(
        sudo.host.sim.count("/verify/"),
        3,
        "sudo calls the module three times"
    );
    assert!(
        sudo.host
            .audit()
            .iter()
            .all(|line| line.starts_with("verdict=refused"))
    );
}

#[test]
#[ignore = "needs root"]
fn sudo_asks_nobody_for_a_wrong_password() {
    if !sandbox::enter("module::sudo::sudo_asks_nobody_for_a_wrong_password") {
        return;
    }
    let sudo = Sudo::set_up("sms = \"auto\"\n");

    assert!(!became_root(&sudo.run(&["wrong", "wrong", "wrong"], &[])));

    assert!(sudo.host.sim.requests().is_empty());
}

#[test]
#[ignore = "needs root"]
fn sudo_takes_nothing_from_the_callers_environment() {
    if !sandbox::enter("module::sudo::sudo_takes_nothing_from_the_callers_environment") {
        return;
    }
    let sudo = Sudo::set_up("when_unavailable = \"ignore\"\nattempts = 1\n");
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let hostile = [
        ("HTTPS_PROXY", address.as_str()),
        ("https_proxy", &address),
        ("ALL_PROXY", &address),
        ("HTTP_PROXY", &address),
        ("SSL_CERT_FILE", "/dev/null"),
        ("SSL_CERT_DIR", "/nonexistent"),
        ("RES_OPTIONS", "timeout:0"),
        ("LOCALDOMAIN", "hostile.example"),
        ("HOSTALIASES", "/etc/passwd"),
        ("RUST_BACKTRACE", "full"),
        ("SSLKEYLOGFILE", "/tmp/keys"),
        ("XDG_CONFIG_HOME", "/tmp"),
        ("TZ", "../../../etc/passwd"),
    ];

    let wrong = sudo.run(
        &[
            PASSWORD, "1111111", PASSWORD, "1111111", PASSWORD, "1111111",
        ],
        &hostile,
    );
    assert!(!became_root(&wrong), "{wrong:?}");
    let right = sudo.run(&[PASSWORD, &sudo.host.sim.token(1635)], &hostile);
    assert!(became_root(&right), "{right:?}");
    assert!(
        proxy.accept().is_err(),
        "nothing went to the caller's proxy"
    );
    assert!(!std::path::Path::new("/tmp/keys").exists());
}

#[test]
#[ignore = "needs root"]
fn limits_of_the_caller_are_no_outage() {
    if !sandbox::enter("module::sudo::limits_of_the_caller_are_no_outage") {
        return;
    }
    let sudo = Sudo::set_up("when_unavailable = \"ignore\"\nattempts = 1\n");
    for limit in [
        "ulimit -n 8",
        "ulimit -n 6",
        "ulimit -v 60000",
        "ulimit -f 0",
    ] {
        let command = format!("{limit}; exec sudo -S -k id -u");
        let mut shell = Command::new("timeout");
        shell
            .args(["60", "runuser", "-u", USER, "--", "sh", "-c", &command])
            .current_dir("/");
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = format!("{PASSWORD}\n1111111\n").repeat(3);
        let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert!(!became_root(&output), "{limit}: {output:?}");
    }
    let audit = sudo.host.audit();
    assert!(
        audit
            .iter()
            .all(|line| !line.starts_with("verdict=ignored")),
        "{audit:?}"
    );
}
