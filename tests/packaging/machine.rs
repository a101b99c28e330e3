//! A Debian machine in the sandbox: one sudoer, real sshd under its usual name, real sudo,
//! authy-sim.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{AUTHYCTL, stdout_of};
use crate::common::sim::Sim;
use crate::common::{install, install_engine, pipe, product};

pub(super) const USER: &str = "pat";
pub(super) const PASSWORD: &str = "right horse";

pub(super) struct Machine {
    pub(super) sim: Sim,
    sshd: Child,
    client: Client,
}

/// The ssh of the sudoer, to one port of this machine.
pub(super) struct Client {
    pub(super) port: u16,
    /// The root folder of the system whose ssh it is.
    root: PathBuf,
    /// The folder below it with what the client types.
    folder: PathBuf,
    /// Whether the client ends once a prompt comes and no code is left, which costs no time for the
    /// refusals of empty codes.
    hangs_up: bool,
}

impl Client {
    /// A client to a port where no server listens yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self::of(Path::new("/"), folder)
    }

    /// The same with the ssh of the system below `root`.
    pub(super) fn of(root: &Path, folder: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let root = root.to_owned();
        Self {
            port,
            root,
            folder,
            hangs_up: false,
        }
    }

    /// Logs in with the password and, at each prompt for a code, with the next one of `codes`.
    pub(super) fn log_in(&self, codes: &[&str]) -> Output {
        self.log_in_with(USER, codes, &["PubkeyAuthentication=no"])
    }

    pub(super) fn log_in_with(&self, user: &str, codes: &[&str], options: &[&str]) -> Output {
        let askpass = self.folder.join("askpass");
        fs::write(self.folder.join("tokens"), codes.join("\n") + "\n").unwrap();
        fs::write(self.folder.join("password"), PASSWORD).unwrap();
        let end = if self.hangs_up { "kill $PPID" } else { "true" };
        let script = format!(
            "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\necho \"$1\" >>asked\ncase $1 in\n\
             *erification*) [ -s tokens ] || {end}; head -n 1 tokens; sed -i 1d tokens ;;\n\
             *) cat password ;;\nesac\n"
        );
        fs::write(&askpass, script).unwrap();
        fs::set_permissions(&askpass, fs::Permissions::from_mode(0o755)).unwrap();
        let askpass = Path::new("/").join(askpass.strip_prefix(&self.root).unwrap());
        let mut ssh = Command::new("chroot");
        ssh.arg(&self.root).args(["timeout", "30", "ssh"]);
        ssh.args(["-F", "none", "-p", &self.port.to_string()])
            .env("SSH_ASKPASS", &askpass)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null());
        for option in [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "NumberOfPasswordPrompts=1",
        ]
        .iter()
        .chain(options)
        {
            ssh.args(["-o", option]);
        }
        ssh.args([&format!("{user}@127.0.0.1"), "echo", "inside"]);
        ssh.output().unwrap()
    }

    /// Waits until sshd, which is reading its settings again, accepts connections.
    pub(super) fn wait_for_sshd(&self) {
        std::thread::sleep(Duration::from_millis(300));
        wait_for(|| TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }
}

impl Machine {
    /// Sets the machine up without our programs and files.
    pub(super) fn new() -> Self {
        let sim = Sim::start();
        let folder = sim.path("ssh");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        // Otherwise dpkg rebuilds the index of all manual pages at each step.
        let _ = fs::remove_file("/var/lib/man-db/auto-update");
        add_user(USER);
        fs::write(
            "/etc/sudoers.d/pat",
            format!(
                "{USER} ALL=(ALL) ALL\nDefaults:{USER} timestamp_timeout=0, lecture=never, !use_pty\n"
            ),
        )
        .unwrap();
        fs::set_permissions("/etc/sudoers.d/pat", fs::Permissions::from_mode(0o440)).unwrap();
        stdout_of(Command::new("ssh-keygen").arg("-A"));
        stdout_of(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.join("key")),
        );
        let client = Client {
            hangs_up: true,
            ..Client::new(folder)
        };
        let sshd = start_sshd(&mut Command::new("/usr/sbin/sshd"), &client);
        Self { sim, sshd, client }
    }

    /// Sets the machine up with module, engine and authyctl where `make install` puts them, a key
    /// and one enrolled sudoer.
    pub(super) fn installed() -> Self {
        let machine = Self::new();
        install_programs();
        fs::create_dir_all("/etc/pam_authy").unwrap();
        machine.set_up("[login]\nrefusal_seconds = 0\nattempts = 1\n");
        machine
    }

    /// Writes config.toml for the simulator, with `more`, and enrolls the sudoer.
    pub(super) fn set_up(&self, more: &str) {
        let config = fs::read_to_string(self.sim.path("config.toml")).unwrap();
        fs::write("/etc/pam_authy/config.toml", format!("{config}\n{more}")).unwrap();
        fs::set_permissions(
            "/etc/pam_authy/config.toml",
            fs::Permissions::from_mode(0o600),
        )
        .unwrap();
        stdout_of(Command::new("/usr/sbin/authyctl").args(["enroll", USER, "--authy-id", "1635"]));
    }

    pub(super) fn token(&self) -> String {
        self.sim.token(1635)
    }

    /// Logs in over ssh with the password and, at each prompt for a code, with the next one of
    /// `tokens`.
    pub(super) fn ssh(&self, tokens: &[&str]) -> Output {
        self.ssh_as(USER, tokens)
    }

    /// The same for another user who has the same password.
    pub(super) fn ssh_as(&self, user: &str, tokens: &[&str]) -> Output {
        let options = ["PubkeyAuthentication=no"];
        self.client.log_in_with(user, tokens, &options)
    }

    /// Logs in with these options of ssh.
    pub(super) fn log_in_with(&self, user: &str, tokens: &[&str], options: &[&str]) -> Output {
        self.client.log_in_with(user, tokens, options)
    }

    /// The same with the key instead of the password.
    pub(super) fn ssh_by_key(&self, tokens: &[&str]) -> Output {
        self.put_key();
        let key = format!("IdentityFile={}", self.client.folder.join("key").display());
        self.client.log_in_with(USER, tokens, &[&key])
    }

    /// Puts the sudoer's key where sshd looks for it.
    pub(super) fn put_key(&self) {
        let folder = &self.client.folder;
        let home = Path::new("/home").join(USER).join(".ssh");
        fs::create_dir_all(&home).unwrap();
        fs::copy(folder.join("key.pub"), home.join("authorized_keys")).unwrap();
        stdout_of(Command::new("chown").args(["-R", USER]).arg(&home));
    }

    /// Returns whether `sudo id -u` works with these lines on its standard input.
    pub(super) fn sudo(&self, lines: &[&str]) -> bool {
        let mut sudo = Command::new("timeout");
        sudo.args([
            "30", "runuser", "-u", USER, "--", "sudo", "-S", "-k", "id", "-u",
        ]);
        let mut child = sudo
            .current_dir("/")
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
        let output = child.wait_with_output().unwrap();
        output.status.success() && output.stdout == b"0\n"
    }

    /// The port of its sshd.
    pub(super) fn port(&self) -> u16 {
        self.client.port
    }

    /// Waits until sshd, which is reading its settings again, accepts connections.
    pub(super) fn wait_for_sshd(&self) {
        self.client.wait_for_sshd();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

/// Adds a user with a home and the password.
pub(super) fn add_user(name: &str) {
    stdout_of(Command::new("useradd").args(["--create-home", "--shell", "/bin/sh", name]));
    pipe(
        &mut Command::new("chpasswd"),
        &format!("{name}:{PASSWORD}\n"),
    );
}

/// Puts module, engine and authyctl where `make install` puts them.
pub(super) fn install_programs() {
    let folder = stdout_of(&mut Command::new(super::root().join("scripts/pamdir.sh")));
    let module = Path::new(folder.trim()).join("pam_authy.so");
    install(&product(), &module, 0o644);
    install_engine();
    install(Path::new(AUTHYCTL), Path::new("/usr/sbin/authyctl"), 0o755);
}

/// Lines for sudo, which then remembers the sudoer's password everywhere.
pub(super) const SUDO_REMEMBERS: &str =
    "Defaults:pat timestamp_timeout=60, timestamp_type=global, lecture=never\n";

/// Makes sudo remember the sudoer's password, as on a terminal where it was typed once.
pub(super) fn let_sudo_remember() {
    fs::write(
        "/etc/sudoers.d/pat",
        format!("{USER} ALL=(ALL) ALL\n{SUDO_REMEMBERS}"),
    )
    .unwrap();
    pipe(
        Command::new("runuser").args(["-u", USER, "--", "sudo", "-S", "-v", "-p", ""]),
        &format!("{PASSWORD}\n"),
    );
}

/// Starts sshd on the client's port; `program` is the command that does so, without options.
pub(super) fn start_sshd(program: &mut Command, client: &Client) -> Child {
    let server = program
        .args(["-D", "-p", &client.port.to_string()])
        .args(["-o", "ListenAddress=127.0.0.1", "-o", "UseDNS=no"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(|| TcpStream::connect(("127.0.0.1", client.port)).is_ok());
    server
}

/// Waits until `condition` is true; fails after ten seconds.
pub(super) fn wait_for(condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < until, "waited in vain");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(super) fn is_inside(output: &Output) -> bool {
    output.status.success() && output.stdout == b"inside\n"
}

/// A file with its mode, its owner, its group and its content.
pub(super) type Owned = (PathBuf, u32, u32, u32, Vec<u8>);

/// Returns every stack and every file of sshd's settings, sorted.
pub(super) fn stacks() -> Vec<Owned> {
    let mut found = Vec::new();
    for folder in ["/etc/pam.d", "/etc/ssh/sshd_config.d"] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let status = entry.metadata().unwrap();
            let content = fs::read(entry.path()).unwrap();
            found.push((
                entry.path(),
                status.mode(),
                status.uid(),
                status.gid(),
                content,
            ));
        }
    }
    found.sort();
    found
}
