//! Programs of others with the service: screen lockers, which run as their user, and servers that
//! have one field for password and code. scripts/peers.sh fetches their packages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::host::Host;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;

pub(super) const PASSWORD: &str = "secret";
const DISPLAY: &str = ":99";

/// Runs a line of shell as root, which must succeed. Returns its output.
pub(super) fn shell(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\n{text}");
    text.into_owned()
}

/// Waits for 20 s until `is_so`.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A program that is killed when dropped.
struct Program(Child);

impl Program {
    fn start(line: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A host with the packages that the program needs, the user alice, and a stack for `service`:
/// password and code in one field, or in two.
fn host(service: &str, in_one_field: bool, rules: &str) -> (Host, Service) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/programs");
    assert!(folder.exists(), "run: scripts/peers.sh programs");
    fs::write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n").unwrap();
    fs::set_permissions("/usr/sbin/policy-rc.d", fs::Permissions::from_mode(0o755)).unwrap();
    let packages = match service {
        "vsftpd" => "vsftpd_*.deb",
        "dovecot" => "dovecot-*.deb liblua*.deb libexttextcat-*.deb",
        _ => "[!dv]*.deb",
    };
    let folder = folder.display();
    shell(&format!(
        "cd {folder} && DEBIAN_FRONTEND=noninteractive dpkg -i {packages}"
    ));
    host_of(service, in_one_field, rules)
}

/// The same without these programs.
pub(super) fn host_of(service: &str, in_one_field: bool, rules: &str) -> (Host, Service) {
    shell(&format!(
        "useradd -m alice && echo alice:{PASSWORD} | chpasswd"
    ));
    let more = format!("[login]\nrefusal_seconds = 0\n[lockers]\nallow = true\n{rules}");
    let host = Host::with(&more).by_service();
    super::lockers::place(&host);
    shell("install -m 0644 \"$PAM_AUTHY_SO\" /lib/$(uname -m)-linux-gnu/security/pam_authy.so");
    let stack = if in_one_field {
        "auth required pam_authy.so\nauth required pam_unix.so try_first_pass\n"
    } else {
        "auth requisite pam_unix.so\nauth required pam_authy.so\n"
    };
    let account = "account required pam_unix.so\nsession required pam_permit.so\n";
    fs::write(
        Path::new("/etc/pam.d").join(service),
        format!("{stack}{account}"),
    )
    .unwrap();
    (host, Service::start())
}

/// Starts an X server of alice's.
fn display() -> Program {
    let server = Program::start(&format!(
        "runuser -u alice -- Xvfb {DISPLAY} -screen 0 800x600x24"
    ));
    wait_until("no X server", || {
        let probe = format!("DISPLAY={DISPLAY} runuser -u alice -- xdotool getdisplaygeometry");
        Command::new("sh")
            .args(["-c", &probe])
            .output()
            .unwrap()
            .status
            .success()
    });
    server
}

/// Types a line and Enter at the display.
fn type_line(text: &str) {
    shell(&format!(
        "DISPLAY={DISPLAY} runuser -u alice -- xdotool type --delay 60 '{text}'"
    ));
    shell(&format!(
        "DISPLAY={DISPLAY} runuser -u alice -- xdotool key Return"
    ));
}

/// Whether curl gets in with this password of alice's.
fn fetch(url: &str, password: &str) -> bool {
    let mut curl = Command::new("curl");
    curl.args(["-s", "--max-time", "20", "--user"]);
    let status = curl
        .arg(format!("alice:{password}"))
        .arg(url)
        .stdout(Stdio::null())
        .status();
    status.unwrap().success()
}

/// How many logins have ended with this verdict.
fn verdicts(host: &Host, verdict: &str) -> usize {
    host.log().matches(&format!("verdict={verdict}")).count()
}

#[test]
#[ignore = "needs root and i3lock: scripts/peers.sh programs"]
fn i3lock_unlocks_by_password_and_code_in_its_one_field() {
    sandboxed!();
    let rules = "[service.locker]\ntoken_in_password = true\n";
    let (host, _service) = host("i3lock", true, rules);
    let _display = display();
    let line = format!("env DISPLAY={DISPLAY} runuser -u alice -- i3lock --nofork");
    let mut locker = Program::start(&line);
    wait_until("no i3lock", || {
        shell("pgrep -c -u alice i3lock || true").trim() != "0"
    });
    std::thread::sleep(Duration::from_secs(1));
    type_line(&format!("{PASSWORD},0000000"));
    wait_until("no refusal", || verdicts(&host, "refused") == 1);
    assert!(!locker.has_ended(), "a wrong code unlocks");
    // It ignores keys for a moment after a refusal.
    std::thread::sleep(Duration::from_secs(3));
    type_line(&format!("{PASSWORD},{}", host.sim.token(1635)));
    wait_until(&host.log(), || locker.has_ended());
    assert_eq!(verdicts(&host, "accepted"), 1, "{}", host.log());
}

#[test]
#[ignore = "needs root and xscreensaver: scripts/peers.sh programs"]
fn xscreensaver_unlocks_by_a_code_asked_for_behind_the_password() {
    sandboxed!();
    let (host, _service) = host("xscreensaver", false, "");
    let settings = "lock: True\nmode: blank\nsplash: False\nfade: False\nunfade: False\n";
    fs::write("/home/alice/.xscreensaver", settings).unwrap();
    let _display = display();
    let as_alice = format!("env DISPLAY={DISPLAY} HOME=/home/alice runuser -u alice --");
    let _daemon = Program::start(&format!("{as_alice} xscreensaver --no-splash"));
    let is_locked =
        || shell(&format!("{as_alice} xscreensaver-command -time; true")).contains("locked");
    wait_until("no xscreensaver", || {
        shell(&format!("{as_alice} xscreensaver-command -lock 2>&1; true"));
        is_locked()
    });
    let dialog = || !shell("pgrep -f ^xscreensaver-auth; true").is_empty();
    wait_until("its start does not end", || !dialog());
    // The first key shows the dialog, but for a moment after the screen was locked.
    wait_until("no dialog", || {
        std::thread::sleep(Duration::from_millis(500));
        shell(&format!("{as_alice} xdotool key BackSpace"));
        dialog()
    });
    // It shows each notice until Enter.
    for line in [PASSWORD, "0000000", "", &host.sim.token(1635), ""] {
        assert!(is_locked(), "before {line}");
        std::thread::sleep(Duration::from_secs(2));
        type_line(line);
    }
    wait_until(&host.log(), || !is_locked());
    assert_eq!(verdicts(&host, "refused"), 1, "{}", host.log());
    assert_eq!(verdicts(&host, "accepted"), 1, "{}", host.log());
}

#[test]
#[ignore = "needs root and vsftpd: scripts/peers.sh programs"]
fn vsftpd_takes_password_and_code_in_its_one_field() {
    sandboxed!();
    let rules = "[service.vsftpd]\ntoken_in_password = true\n";
    let (host, _service) = host("vsftpd", true, rules);
    let config = "listen=YES\nlisten_address=127.0.0.1\nlisten_port=2121\nlocal_enable=YES\n\
                  background=NO\nanonymous_enable=NO\npam_service_name=vsftpd\nsecure_chroot_dir=/var/run/vsftpd/empty\n";
    fs::write("/etc/vsftpd.test", config).unwrap();
    fs::create_dir_all("/var/run/vsftpd/empty").unwrap();
    let _server = Program::start("vsftpd /etc/vsftpd.test");
    let log_in = |password: &str| fetch("ftp://127.0.0.1:2121/", password);
    wait_until("no vsftpd", || {
        std::net::TcpStream::connect("127.0.0.1:2121").is_ok()
    });
    assert!(!log_in(PASSWORD));
    assert!(!log_in(&format!("{PASSWORD},0000000")));
    let right = format!("{PASSWORD},{}", host.sim.token(1635));
    assert!(log_in(&right), "{}", host.log());
    assert!(!log_in(&right), "a code that was used");
}

#[test]
#[ignore = "needs root and dovecot: scripts/peers.sh programs"]
fn dovecot_takes_password_and_code_in_its_one_field() {
    sandboxed!();
    let rules = "[service.dovecot]\ntoken_in_password = true\n";
    let (host, _service) = host("dovecot", true, rules);
    let config = "protocols = imap\nlisten = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\n\
                  mail_location = maildir:~/Maildir\nlog_path = /tmp/dovecot.log\n\
                  passdb {\n  driver = pam\n}\nuserdb {\n  driver = passwd\n}\n\
                  service imap-login {\n  inet_listener imap {\n    port = 2143\n  }\n}\n";
    fs::write("/etc/dovecot.test", config).unwrap();
    let _server = Program::start("dovecot -F -c /etc/dovecot.test");
    wait_until("no dovecot", || {
        std::net::TcpStream::connect("127.0.0.1:2143").is_ok()
    });
    let log_in = |password: &str| fetch("imap://127.0.0.1:2143/", password);
    assert!(!log_in(PASSWORD));
    let right = format!("{PASSWORD},{}", host.sim.token(1635));
    assert!(log_in(&right), "{}", host.log());
}
