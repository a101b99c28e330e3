//! A bare Debian: a folder that debootstrap made (`scripts/peers.sh debian`), with sudo, sshd and a
//! sudoer, and nothing else of what the product needs. It is an overlay in the sandbox, so nothing
//! stays. Other releases are folders of the same kind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::machine::{Client, PASSWORD, USER, start_sshd};
use super::{root, stdout_of};
use crate::common::syslog::Syslog;
use crate::common::totp::oathtool;
use crate::common::{mount, pipe};

pub(super) struct BareDebian {
    root: PathBuf,
    sshd: Child,
    pub(super) client: Client,
    log: Syslog,
    /// Removed at the end.
    _folder: tempfile::TempDir,
}

impl BareDebian {
    /// The user id of the sudoer.
    pub(super) const OWNER: &str = "1000";

    /// Starts the release that runs here; the sudoer's password has been typed at sudo once.
    /// `sudoers` has more lines for sudo.
    pub(super) fn new(sudoers: &str) -> Self {
        let bare = Self::of("debian", sudoers);
        let mut sudo = bare.command();
        sudo.args(["runuser", "-u", USER, "--", "sudo", "-S", "-v", "-p", ""]);
        pipe(&mut sudo, &format!("{PASSWORD}\n"));
        bare
    }

    /// Starts sshd of the system that `scripts/peers.sh NAME` makes. `sudoers` has more lines for
    /// sudo.
    pub(super) fn of(name: &str, sudoers: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        mount(&["-t", "tmpfs", "tmpfs"], folder.path());
        let [upper, work, bare] = ["upper", "work", "bare"].map(|name| folder.path().join(name));
        for path in [&upper, &work, &bare] {
            fs::create_dir(path).unwrap();
        }
        let lower = root().join("target/peers").join(name);
        assert!(lower.exists(), "run: scripts/peers.sh {name}");
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.display(),
            upper.display(),
            work.display()
        );
        mount(&["-t", "overlay", "overlay", "-o", &layers], &bare);
        mount(&["-t", "proc", "proc"], &bare.join("proc"));
        mount(&["--rbind", "/sys"], &bare.join("sys"));
        mount(&["--rbind", "/dev"], &bare.join("dev"));
        mount(
            &["-t", "tmpfs", "-o", "mode=0755", "tmpfs"],
            &bare.join("run"),
        );
        let client = Client::of(&bare, bare.join("run/client"));
        for folder in ["run/sshd", "run/client"] {
            fs::create_dir(bare.join(folder)).unwrap();
        }

        let inside = |script: &str| {
            let mut shell = Command::new("chroot");
            stdout_of(shell.arg(&bare).args(["sh", "-ec", script]));
        };
        let id = Self::OWNER;
        inside(&format!("useradd -m -s /bin/sh -u {id} -G sudo {USER}"));
        fs::write(bare.join("etc/sudoers.d/pat"), sudoers).unwrap();
        // sudo looks the name of the host up.
        inside("echo \"127.0.0.1 localhost $(hostname)\" >/etc/hosts");
        let mut chpasswd = Command::new("chroot");
        pipe(
            chpasswd.arg(&bare).arg("chpasswd"),
            &format!("{USER}:{PASSWORD}\n"),
        );
        let log = Syslog::start();
        let mut program = Command::new("chroot");
        let sshd = start_sshd(program.arg(&bare).arg("/usr/sbin/sshd"), &client);
        Self {
            root: bare,
            sshd,
            client,
            log,
            _folder: folder,
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The audit lines so far.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.lines("verdict=")
    }

    /// Whether an audit line has come already.
    pub(super) fn is_logged(&self) -> bool {
        self.log.has("verdict=")
    }

    /// Puts the checkout, with what is mounted in it, into the home of the sudoer.
    pub(super) fn mount_checkout(&self) {
        let place = self.root.join("home").join(USER).join("pam_authy");
        fs::create_dir(&place).unwrap();
        let checkout = root().to_str().unwrap();
        mount(&["--rbind", checkout], &place);
    }

    /// A command that runs what follows there, as root.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.root);
        command
    }

    /// Runs `enroll --totp` as a person does: reads the secret from the screen, types it into an
    /// app, here oathtool, and types the app's first code. Returns the secret.
    pub(super) fn enroll(&self, shell: &mut Command) -> String {
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut screen = BufReader::new(child.stdout.take().unwrap());
        let mut seen = String::new();
        let secret = loop {
            let start = seen.len();
            let read = screen.read_line(&mut seen).unwrap();
            let line = seen[start..].trim();
            let is_base32 =
                |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c) || c == ' ';
            if line.len() >= 32 && line.chars().all(is_base32) {
                break line.replace(' ', "");
            }
            assert_ne!(read, 0, "no secret was shown:\n{seen}");
        };
        let code = oathtool(&secret, 0);
        let mut keyboard = child.stdin.take().unwrap();
        writeln!(keyboard, "{code}").unwrap();
        screen.read_to_string(&mut seen).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{seen}{output:?}");
        secret
    }
}

impl Drop for BareDebian {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}
