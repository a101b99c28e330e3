//! Another release of Debian with the packages: what an administrator does there.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::Signal;

use super::super::bare::BareDebian;
use super::super::deb::{PACKAGES, Packages};
use super::super::machine::{PASSWORD, USER, wait_for};
use super::super::stdout_of;
use crate::common::child::signal;
use crate::common::terminal::Terminal;
use crate::common::totp::{SECRET, oathtool};
use crate::common::{install, pipe};

/// What a login goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Service,
    Spawn,
}

/// A user who may do nothing, and calls su.
pub(super) const CALLER: &str = "robin";

pub(super) struct OtherHost {
    pub(super) bare: BareDebian,
    service: Option<Child>,
    daemons: Vec<Child>,
    enrolled: Cell<usize>,
}

/// What Debian's package tools keep for themselves.
const OF_THE_TOOLS: [&str; 5] = [
    "/var/cache/apt/*pkgcache.bin",
    "/var/cache/debconf/*-old",
    "/var/lib/dpkg/*-old",
    "/var/log/apt/*",
    "/var/log/dpkg.log",
];

impl OtherHost {
    /// A host with a sudoer, whom doas knows too, and without our packages.
    pub(super) fn new() -> Self {
        let name = std::env::var("PAM_AUTHY_HOST").unwrap_or_else(|_| "debian-13".to_owned());
        let bare = BareDebian::of(&name, "Defaults lecture=never\n");
        let host = Self {
            bare,
            service: None,
            daemons: Vec::new(),
            enrolled: Cell::new(0),
        };
        host.shell(&format!("useradd --create-home --shell /bin/sh {CALLER}"));
        host.shell(&format!(
            "umask 077; echo 'permit {USER}' >/etc/doas.conf; chmod 0440 /etc/sudoers.d/*"
        ));
        host
    }

    /// The same with the packages, one enrolled sudoer, and every program protected.
    pub(super) fn protected(packages: &Packages, way: Way) -> Self {
        let mut host = Self::new();
        host.install(packages);
        if way == Way::Service {
            host.start_service();
        }
        host.set_up();
        host
    }

    /// Runs a script there, as root, and returns its output.
    #[track_caller]
    pub(super) fn shell(&self, script: &str) -> String {
        stdout_of(self.bare.command().args(["sh", "-ec", script]))
    }

    /// Installs or upgrades by apt, which checks that what we depend on is there.
    pub(super) fn install(&self, packages: &Packages) {
        let folder = self.bare.root().join("run/packages");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        for package in PACKAGES {
            let from = packages.path(package);
            fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
        }
        self.shell(
            "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
             /run/packages/*.deb 2>&1",
        );
    }

    /// Writes config.toml with one reply for each call of the module, enrolls the sudoer, and
    /// protects every service.
    pub(super) fn set_up(&self) {
        self.shell("authyctl init totp");
        self.shell(
            "sed -i 's/^#attempts = 3/attempts = 1/; s/^#refusal_seconds = 2/refusal_seconds = 0/' \
             /etc/pam_authy/config.toml; grep -q '^attempts = 1' /etc/pam_authy/config.toml",
        );
        self.enroll();
        for service in ["sshd", "sudo", "su", "login", "doas", "polkit-1"] {
            self.shell(&format!("authyctl pam enable {service} --now"));
        }
        self.bare.client.wait_for_sshd();
        let doctor = self.shell("authyctl doctor");
        assert!(!doctor.contains("problem"), "{doctor}");
    }

    /// Returns a code that has not been used: each works once, so the sudoer gets a new secret.
    pub(super) fn code(&self) -> String {
        oathtool(&self.enroll(), 0)
    }

    /// Gives the sudoer a new secret, and returns it.
    pub(super) fn enroll(&self) -> String {
        let turned = self.enrolled.get() % SECRET.len();
        self.enrolled.set(turned + 1);
        let secret = [&SECRET[turned..], &SECRET[..turned]].concat();
        let mut enroll = self.bare.command();
        enroll.args(["authyctl", "enroll", USER, "--totp", "--no-check"]);
        enroll.args(["--quiet", "--replace", "--secret", "-"]);
        pipe(&mut enroll, &format!("{secret}\n"));
        secret
    }

    /// Starts the service without systemd, as any supervisor does.
    pub(super) fn start_service(&mut self) {
        let mut program = self.bare.command();
        program.args([
            "/usr/libexec/pam_authy/pam_authyd",
            "--listen",
            "/run/pam_authy",
        ]);
        self.service = Some(program.stdin(Stdio::null()).spawn().unwrap());
        let socket = self.bare.root().join("run/pam_authy/socket");
        wait_for(|| UnixStream::connect(&socket).is_ok());
    }

    /// Ends the listener, and nothing else.
    pub(super) fn stop_service(&mut self) {
        if let Some(mut service) = self.service.take() {
            signal(&service, Signal::SIGTERM);
            service.wait().unwrap();
        }
    }

    /// A terminal on which a command runs there.
    pub(super) fn terminal(&self, command: &str) -> Terminal {
        let root = self.bare.root().display();
        Terminal::start(&format!("cd /; chroot {root} {command}"))
    }

    /// The command line of ssh, for a terminal, that logs in with the password.
    pub(super) fn ssh(&self, command: &str) -> String {
        let port = self.bare.client.port;
        format!(
            "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
             -o PubkeyAuthentication=no -p {port} {USER}@127.0.0.1 {command}"
        )
    }

    /// Types the password and `code` where they are asked for.
    pub(super) fn type_both(terminal: &Terminal, code: &str) {
        terminal.wait_for("assword");
        terminal.press(&[PASSWORD, "Enter"]);
        terminal.wait_for("erification code");
        terminal.press(&[code, "Enter"]);
    }

    /// Returns the audit line of what `act` does; there must be one.
    pub(super) fn audited(&self, act: impl FnOnce()) -> String {
        let count = || self.bare.log().len();
        let before = if self.bare.is_logged() { count() } else { 0 };
        act();
        wait_for(|| count() > before);
        let lines = self.bare.log();
        assert_eq!(lines.len(), before + 1, "{:?}", &lines[before..]);
        lines[before].clone()
    }

    /// Every path of /etc, /usr and /var with its mode, its owner, and the hash of a file.
    pub(super) fn listing(&self) -> BTreeSet<String> {
        let kept = OF_THE_TOOLS
            .map(|path| format!("-not -path '{path}'"))
            .join(" ");
        let find = format!("find /etc /usr /var -xdev {kept}");
        let found = self.shell(&format!(
            "{find} -printf '%M %U %G %p %l\\n'; {find} -type f -print0 | xargs -0 sha256sum"
        ));
        found.lines().map(str::to_owned).collect()
    }

    /// Whether the release has this file.
    pub(super) fn has(&self, path: &str) -> bool {
        self.bare.root().join(path.trim_start_matches('/')).exists()
    }

    /// Starts a program there, which runs until the host is dropped.
    pub(super) fn daemon(&mut self, wrapper: &[&str], program: &[&str]) {
        let mut command = self.bare.command();
        command.args(wrapper).args(program).stdin(Stdio::null());
        self.daemons.push(command.spawn().unwrap());
    }

    /// Copies a program of the tests into the host.
    pub(super) fn put(&self, from: &Path, to: &str) {
        let to = self.bare.root().join(to.trim_start_matches('/'));
        install(from, &to, 0o755);
    }
}

impl Drop for OtherHost {
    fn drop(&mut self) {
        self.stop_service();
        for daemon in &mut self.daemons {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
