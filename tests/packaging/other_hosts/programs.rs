//! Programs on a terminal: sudo, sudo-rs, doas, su, login, and pkexec, for which polkit's helper
//! asks.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::super::deb::Packages;
use super::super::machine::wait_for;
use super::host::{OtherHost, Way};
use crate::common::application;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::service::polkit::JAIL;

/// A program, the PAM service that it uses, the uid that calls it, and its word of refusal.
#[derive(Debug, Clone, Copy)]
struct Program {
    command: &'static str,
    service: &'static str,
    uid: u32,
    refusal: &'static str,
}

const fn program(
    command: &'static str,
    service: &'static str,
    uid: u32,
    refusal: &'static str,
) -> Program {
    Program {
        command,
        service,
        uid,
        refusal,
    }
}

/// login expects a session of its own, as from getty. It hangs the terminal up if it can, which
/// tmux takes for the end.
const PROGRAMS: [Program; 7] = [
    program(
        "runuser -u pat -- sudo -k echo inside",
        "sudo",
        1000,
        "try again",
    ),
    program(
        "runuser -u pat -- sudo-rs -k echo inside",
        "sudo",
        1000,
        "incorrect",
    ),
    program(
        "runuser -u pat -- doas echo inside",
        "doas",
        1000,
        "Authentication failed",
    ),
    program(
        "runuser -u robin -- su pat -c 'echo inside'",
        "su",
        1001,
        "maximum number of retries",
    ),
    program(
        "runuser -u robin -- su - pat -c 'echo inside'",
        "su-l",
        1001,
        "maximum number of retries",
    ),
    program(
        "setpriv --bounding-set=-sys_tty_config setsid --ctty login pat",
        "login",
        0,
        "Login incorrect",
    ),
    PKEXEC,
];

/// With an agent of its own: pkexec's runs as root, which the helper of polkit 127 and 128 does not
/// take for the user (polkit-org/polkit issue 686).
const PKEXEC: Program = program(
    "runuser -u pat -- sh -c '{ pkttyagent --process $$ --notify-fd 1 & } | cat; \
     pkexec --disable-internal-agent echo inside'",
    "polkit-1",
    1000,
    "AUTHENTICATION FAILED",
);

/// polkit's helper is started by this socket from version 127 on, and by root for every user.
const HELPER_SOCKET: &str = "/usr/lib/systemd/system/polkit-agent-helper.socket";
const HELPER: &str = "/usr/lib/polkit-1/polkit-agent-helper-1";

/// Starts polkit, and its helper as its unit does: without a network, new privileges and sockets
/// that are not Unix ones, on a read-only system.
fn start_polkit(host: &mut OtherHost) {
    host.shell("mkdir -p /run/dbus");
    host.daemon(&[], &["dbus-daemon", "--system", "--nofork", "--nosyslog"]);
    wait_for(|| host.has("/run/dbus/system_bus_socket"));
    host.daemon(&[], &["/usr/lib/polkit-1/polkitd", "--no-debug"]);
    if host.has(HELPER_SOCKET) {
        host.put(application::program(), "/run/application");
        host.shell("mkdir -p /run/polkit");
        let socket = "/run/polkit/agent-helper.socket";
        let listen = [
            "systemd-socket-activate",
            "--accept",
            "--inetd",
            "-l",
            socket,
        ];
        let helper = ["/run/application", "-x", "-e", HELPER, "--socket-activated"];
        host.daemon(&[&listen[..], &JAIL].concat(), &helper);
        wait_for(|| host.has(socket));
        let path = host.bare.root().join(&socket[1..]);
        fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    }
}

/// Whether the command ran; polkit shows it in its question, too.
fn is_inside(screen: &str) -> bool {
    screen.lines().any(|line| line == "inside")
}

impl Program {
    /// Logs in with the password and `code`, and returns the audit line.
    fn log_in(&self, host: &OtherHost, code: &str, is_let_in: bool) -> String {
        let terminal = host.terminal(self.command);
        let mut seen = String::new();
        let line = host.audited(|| {
            OtherHost::type_both(&terminal, code);
            if is_let_in && self.service == "login" {
                terminal.settle("prompt of the shell", |text| text.ends_with('$'));
                terminal.press(&["echo in''side", "Enter"]);
            }
            seen = terminal.settle("end of the login", |text| {
                is_inside(text) || text.contains(self.refusal)
            });
        });
        assert_eq!(is_inside(&seen), is_let_in, "{seen}");
        line
    }

    /// The uid that the engine sees: polkit's newer helper is root's for every user.
    fn uid(&self, host: &OtherHost) -> u32 {
        let is_of_root = self.service == PKEXEC.service && host.has(HELPER_SOCKET);
        if is_of_root { 0 } else { self.uid }
    }

    fn check_line(&self, host: &OtherHost, line: &str, verdict: &str) {
        let parts = [
            format!("pam_authy({}:auth)", self.service),
            verdict.to_owned(),
            format!("uid={} peer=root", self.uid(host)),
            "provider=totp".to_owned(),
            "user=\"pat\"".to_owned(),
        ];
        for part in parts {
            assert!(line.contains(&part), "{part} is missing in {line}");
        }
    }

    fn asks_for_a_code(&self, host: &OtherHost) {
        let line = self.log_in(host, "000000", false);
        self.check_line(host, &line, "verdict=refused reason=wrong_code");
        let line = self.log_in(host, &host.code(), true);
        self.check_line(host, &line, "verdict=accepted reason=code_accepted");
    }
}

#[test]
#[ignore = "needs root"]
fn every_program_of_another_debian_asks_the_service_for_a_code() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let mut host = OtherHost::protected(&packages, Way::Service);
    start_polkit(&mut host);

    check_rows(PROGRAMS, |program| program.asks_for_a_code(&host));
}

/// The engine is in the surroundings of its application, so polkit's newer helper refuses.
#[test]
#[ignore = "needs root"]
fn every_program_of_another_debian_starts_an_engine_where_there_is_no_service() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let mut host = OtherHost::protected(&packages, Way::Spawn);
    start_polkit(&mut host);

    check_rows(PROGRAMS, |program| {
        if program.service == PKEXEC.service && host.has(HELPER_SOCKET) {
            let line = program.log_in(&host, &host.code(), false);
            assert!(line.contains("verdict=error reason=state"), "{line}");
            return;
        }
        program.asks_for_a_code(&host);
    });
    assert!(!host.has("/run/pam_authy"), "a service was started");
}
