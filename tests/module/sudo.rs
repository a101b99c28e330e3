//! Real sudo as an unprivileged user, with its own PAM service, in the sandbox.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::host::Host;
use crate::common::hostile::Trap;
use crate::common::install_engine;
use crate::common::pipe;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::terminal::Terminal;

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
        install_engine();
        let module = host.installed_line("required");
        let stack = format!(
            "auth requisite pam_unix.so nodelay\n{module}\nauth required pam_permit.so\n\
             account required pam_permit.so\nsession required pam_permit.so\n"
        );
        fs::write(format!("/etc/pam.d/{SERVICE}"), stack).unwrap();
        let rules = format!(
            "{USER} ALL=(ALL) ALL\nDefaults:{USER} pam_service={SERVICE}, pam_login_service={SERVICE}, \
             timestamp_timeout=0, !use_pty, lecture=never, !env_reset\n"
        );
        fs::write("/etc/sudoers.d/under-test", rules).unwrap();
        fs::set_permissions(
            "/etc/sudoers.d/under-test",
            fs::Permissions::from_mode(0o440),
        )
        .unwrap();
        Self { host }
    }

    /// Runs `sudo id -u` as the user, with these lines on its standard input.
    pub(super) fn run(&self, lines: &[&str], environment: &[(&str, &str)]) -> Output {
        self.run_command(&["id", "-u"], lines, environment)
    }

    fn run_command(&self, words: &[&str], lines: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut sudo = Command::new("timeout");
        sudo.args(["60", "runuser", "-u", USER, "--", "sudo", "-S", "-k"]);
        sudo.args(words);
        sudo.envs(environment.iter().copied()).current_dir("/");
        let mut child = sudo
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // sudo may end before it has read everything.
        let _ = child
            .stdin
            .take()
            .unwrap()
            .write_all((lines.join("\n") + "\n").as_bytes());
        child.wait_with_output().unwrap()
    }
}

pub(super) fn became_root(output: &Output) -> bool {
    output.status.success() && output.stdout == b"0\n"
}

#[test]
#[ignore = "needs root"]
fn sudo_runs_the_command_after_password_and_code() {
    sandboxed!();
    let sudo = Sudo::set_up("");

    let output = sudo.run(&[PASSWORD, &sudo.host.sim.token(1635)], &[]);

    assert!(became_root(&output), "{output:?}");
    let audit = sudo.host.audit();
    assert!(
        audit[0].starts_with("verdict=accepted reason=code_accepted"),
        "{audit:?}"
    );
    assert!(audit[0].ends_with(&format!("user=\"{USER}\"")), "{audit:?}");
}

#[test]
#[ignore = "needs root"]
fn sudo_refuses_wrong_codes_however_often_it_asks() {
    sandboxed!();
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
fn sudo_sends_nothing_after_a_wrong_password() {
    sandboxed!();
    let sudo = Sudo::set_up("sms = \"auto\"\n");

    assert!(!became_root(&sudo.run(&["wrong", "wrong", "wrong"], &[])));

    assert!(sudo.host.sim.requests().is_empty());
}

#[test]
#[ignore = "needs root"]
fn sudo_takes_nothing_from_the_callers_environment() {
    sandboxed!();
    let sudo =
        Sudo::set_up("[service.sudo-under-test]\nwhen_unavailable = \"ignore\"\nattempts = 1\n");
    let trap = Trap::new(&sudo.host.sim.path("ca.pem"));
    let variables = trap.variables();
    let hostile: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();

    let wrong = sudo.run(
        &[
            PASSWORD, "1111111", PASSWORD, "1111111", PASSWORD, "1111111",
        ],
        &hostile,
    );
    assert!(!became_root(&wrong), "{wrong:?}");
    let right = sudo.run(&[PASSWORD, &sudo.host.sim.token(1635)], &hostile);
    assert!(became_root(&right), "{right:?}");
    // The caller names the CA of the server, the configuration another CA.
    let other = Host::new();
    fs::copy(other.sim.path("ca.pem"), sudo.host.sim.path("other.pem")).unwrap();
    sudo.host.replace("ca.pem", "other.pem");
    let trusting = sudo.run(&[PASSWORD, &sudo.host.sim.token(1635)], &hostile);
    assert!(!became_root(&trusting), "{trusting:?}");
    trap.assert_untouched();
}

#[test]
#[ignore = "needs root"]
fn limits_of_the_caller_are_no_outage() {
    sandboxed!();
    let sudo =
        Sudo::set_up("[service.sudo-under-test]\nwhen_unavailable = \"ignore\"\nattempts = 1\n");
    let table = [
        "ulimit -n 12",
        "ulimit -n 10",
        "ulimit -n 8",
        "ulimit -n 6",
        "ulimit -v 60000",
        "ulimit -v 40000",
        "ulimit -v 25000",
        "ulimit -f 0",
        "ulimit -t 0",
        "ulimit -s 64",
        "ulimit -u 1",
        "umask 0",
        "exec 1>&-",
        "exec 2>&-",
        "trap '' HUP INT QUIT PIPE ALRM TERM CHLD USR1",
    ];
    check_rows(table, |limit| {
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
    });
    let audit = sudo.host.audit();
    assert!(
        audit
            .iter()
            .all(|line| !line.starts_with("verdict=ignored")),
        "{audit:?}"
    );
}

/// Starts sudo on a terminal and waits for the prompt for the code.
fn sudo_at_the_code_prompt() -> Terminal {
    let terminal = Terminal::start(&format!(
        "timeout --foreground 60 runuser -u {USER} -- sudo -k id -u"
    ));
    terminal.wait_for("assword");
    terminal.press(&[PASSWORD, "Enter"]);
    terminal.wait_for("Verification code");
    terminal
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_at_the_prompt_ends_sudo_without_root() {
    sandboxed!();
    let sudo = Sudo::set_up(
        "[service.sudo-under-test]\nwhen_unavailable = \"ignore\"\nunenrolled = \"ignore\"\n",
    );
    let terminal = sudo_at_the_code_prompt();

    terminal.press(&["C-c"]);

    terminal.wait_for("ended with 1");
    let audit = sudo.host.audit();
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert!(
        audit[0].starts_with("verdict=error reason=conversation"),
        "{audit:?}"
    );
    assert!(sudo.host.sim.requests().is_empty());
}

/// sudo delays Ctrl-C until the request has ended, its time-out at most.
#[test]
#[ignore = "needs root"]
fn ctrl_c_during_the_request_is_no_outage() {
    sandboxed!();
    let sudo =
        Sudo::set_up("[service.sudo-under-test]\nwhen_unavailable = \"ignore\"\nattempts = 1\n");
    sudo.host
        .sim
        .fault(&json!({"match": {"path": "/verify/"}, "times": 0, "delay_ms": 1500}));
    let terminal = sudo_at_the_code_prompt();

    terminal.press(&["1111111", "Enter"]);
    let until = Instant::now() + Duration::from_secs(5);
    while sudo.host.sim.requests().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    terminal.press(&["C-c"]);

    terminal.wait_for("ended with 1");
    let audit = sudo.host.audit();
    assert!(
        audit
            .iter()
            .all(|line| !line.starts_with("verdict=ignored")),
        "{audit:?}"
    );
    assert_eq!(sudo.host.sim.count("/verify/"), 1);
}

/// pam_env reads a file of the user where the administrator configures it. It does so when
/// credentials are set and when the session opens: while the factor is asked, nothing of it is in
/// the PAM environment.
#[test]
#[ignore = "needs root"]
fn sudo_takes_no_address_from_the_users_pam_environment() {
    sandboxed!();
    let sudo = Sudo::set_up("attempts = 1\n[exempt]\nnetworks = [\"10.0.0.0/8\"]\n");
    let path = format!("/etc/pam.d/{SERVICE}");
    let stack = fs::read_to_string(&path).unwrap();
    let reads = "pam_env.so readenv=1 user_readenv=1";
    let stack = format!("auth required {reads}\n{stack}session required {reads}\n");
    fs::write(&path, stack).unwrap();
    for home in ["/root".to_owned(), format!("/home/{USER}")] {
        let line = "SSH_CONNECTION DEFAULT=\"10.0.0.1 1 10.0.0.2 22\"\n";
        fs::write(format!("{home}/.pam_environment"), line).unwrap();
    }

    let wrong = [
        PASSWORD, "1111111", PASSWORD, "1111111", PASSWORD, "1111111",
    ];
    let output = sudo.run(&wrong, &[]);

    assert!(!became_root(&output), "{output:?}");
    let audit = sudo.host.audit();
    let refused = |line: &String| line.starts_with("verdict=refused reason=wrong_code");
    assert!(audit.len() == 3 && audit.iter().all(refused), "{audit:?}");
    // The file is read nevertheless, later on.
    let right = [PASSWORD, &sudo.host.sim.token(1635)];
    let seen = sudo.run_command(&["printenv", "SSH_CONNECTION"], &right, &[]);
    assert_eq!(seen.stdout, b"10.0.0.1 1 10.0.0.2 22\n", "{seen:?}");
}
