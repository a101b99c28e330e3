//! Real su, from an unprivileged user to root, in the sandbox. Its process keeps the caller's
//! environment, limits and signals; the code that it asks for is root's.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::common::host::Host;
use crate::common::hostile::Trap;
use crate::common::install_engine;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

pub(super) const USER: &str = "pat";
pub(super) const PASSWORD: &str = "right horse";

pub(crate) struct Su {
    pub(crate) host: Host,
}

impl Su {
    /// Outages are ignored here, so a fault that counted as one would let the user in.
    pub(crate) fn set_up() -> Self {
        let host = Host::impatient(
            "[login]\nrefusal_seconds = 0\nattempts = 1\n[service.su]\nwhen_unavailable = \"ignore\"\n\
             [limits]\nrefused_tokens = 100\n",
        );
        assert!(
            Command::new("useradd")
                .args(["--create-home", USER])
                .status()
                .unwrap()
                .success()
        );
        let mut chpasswd = Command::new("chpasswd")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let line = format!("root:{PASSWORD}\n");
        chpasswd
            .stdin
            .take()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
        assert!(chpasswd.wait().unwrap().success());
        host.append(&host.users, "root = 1635\n");
        install_engine();
        let module = host.installed_line("required");
        let stack = format!(
            "auth requisite pam_unix.so nodelay\n{module}\nauth required pam_permit.so\n\
             account required pam_permit.so\nsession required pam_permit.so\n"
        );
        fs::write("/etc/pam.d/su", stack).unwrap();
        // Without this, su waits after each refusal.
        host.append("/etc/login.defs".as_ref(), "\nFAIL_DELAY 0\n");
        Self { host }
    }

    /// Runs `su -c 'id -u'` as the user, after the shell commands `before`.
    pub(crate) fn run(
        &self,
        before: &str,
        token: &str,
        environment: &[(String, String)],
    ) -> Output {
        let shell = format!("{before}\nexec su -c 'id -u' root");
        let mut command = Command::new("timeout");
        // Not runuser: it stops itself when its child is stopped.
        command.args(["60", "setpriv", "--reuid", USER, "--regid", USER]);
        command.args(["--clear-groups", "env"]);
        command.args(
            environment
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        let mut child = command
            .args(["sh", "-c", &shell])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = format!("{PASSWORD}\n{token}\n");
        // su may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn right(&self) -> String {
        self.host.sim.token(1635)
    }

    fn nothing_was_ignored(&self) {
        let audit = self.host.audit();
        let ignored = |line: &String| line.starts_with("verdict=ignored");
        assert!(!audit.iter().any(ignored), "{audit:?}");
    }
}

fn became_root(output: &Output) -> bool {
    output.status.success() && output.stdout == b"0\n"
}

#[test]
#[ignore = "needs root"]
fn su_runs_the_command_after_password_and_code_and_not_without() {
    sandboxed!();
    let su = Su::set_up();

    let right = su.run("", &su.right(), &[]);
    assert!(became_root(&right), "{right:?}");
    let wrong = su.run("", "1111111", &[]);
    assert!(!became_root(&wrong), "{wrong:?}");
    assert_eq!(su.host.sim.count("/verify/"), 2);
}

#[test]
#[ignore = "needs root"]
fn su_takes_nothing_from_the_callers_environment() {
    sandboxed!();
    let su = Su::set_up();
    let trap = Trap::new(&su.host.sim.path("ca.pem"));

    let right = su.run("", &su.right(), &trap.variables());
    assert!(became_root(&right), "{right:?} {:?}", su.host.log());
    let wrong = su.run("", "1111111", &trap.variables());
    assert!(!became_root(&wrong), "{wrong:?}");
    assert_eq!(wrong.stdout, b"", "nothing is printed");
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(
        !said.contains("panicked") && !said.contains("/verify/"),
        "{said}"
    );

    // The caller names the CA of the server, the configuration another CA.
    let other = Host::new();
    fs::copy(other.sim.path("ca.pem"), su.host.sim.path("other.pem")).unwrap();
    su.host.replace("ca.pem", "other.pem");
    let trusting = su.run("", &su.right(), &trap.variables());
    assert!(!became_root(&trusting), "{trusting:?}");
    let last = su.host.audit_of(3).pop().unwrap();
    assert!(
        last.starts_with("verdict=unavailable reason=false_identity"),
        "{last}"
    );
    trap.assert_untouched();
    su.nothing_was_ignored();
}

#[test]
#[ignore = "needs root"]
fn su_under_limits_signals_and_descriptors_of_the_caller_is_denied() {
    sandboxed!();
    let su = Su::set_up();
    let descriptors = (3..14).map(|count| format!("ulimit -n {count}"));
    let memory = (1..12).map(|count| format!("ulimit -v {}", count * 5000));
    let others = [
        "ulimit -t 0",
        "ulimit -t 1",
        "ulimit -f 0",
        "ulimit -s 64",
        "ulimit -u 1",
        "ulimit -l 0",
        "umask 0",
        "exec >&-",
        "exec 2>&-",
        "exec >&- 2>&-",
        "trap '' HUP INT QUIT PIPE ALRM TERM CHLD USR1",
        "ulimit -n 10; ulimit -v 30000; ulimit -f 0; umask 0; trap '' CHLD PIPE ALRM",
    ];
    let table = descriptors.chain(memory).chain(others.map(str::to_owned));
    check_rows(table, |before| {
        let output = su.run(&before, "1111111", &[]);
        assert!(!became_root(&output), "{before}: {output:?}");
    });
    su.nothing_was_ignored();
    let table = ["umask 0", "trap '' HUP INT QUIT PIPE ALRM TERM USR1"];
    check_rows(table, |before| {
        let output = su.run(before, &su.right(), &[]);
        assert!(became_root(&output), "{before}: {output:?}");
    });
}

/// The caller may stop su while it waits, so that the request has timed out when it continues. What
/// `[login]` says about an outage is not for them.
#[test]
#[ignore = "needs root"]
fn su_that_its_caller_stops_during_the_request_is_denied() {
    sandboxed!();
    let su = Su::set_up();
    su.host.replace("[service.su]\n", "");
    su.host
        .sim
        .fault(&json!({"match": {"path": "/verify/"}, "times": 0, "delay_ms": 500}));
    check_rows(["0.05", "0.1", "0.2", "0.4"], |after| {
        let stopper = format!(
            "me=$$; (sleep {after}; kill -STOP $me; sleep 2; kill -CONT $me) </dev/null >/dev/null 2>&1 &"
        );
        let output = su.run(&stopper, "1111111", &[]);
        assert!(!became_root(&output), "{after}: {output:?}");
    });
    su.nothing_was_ignored();
}
