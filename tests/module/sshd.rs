//! Real sshd in the sandbox: a copy under another name, which sshd then uses as its PAM service.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::User;
use serde_json::json;

use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::{install_engine, pipe, wait_for_server};

/// The name of the copy of sshd, and so of its PAM service.
pub(crate) const NAME: &str = "sshd-under-test";
pub(crate) const USER: &str = "pat";
pub(crate) const PASSWORD: &str = "right horse";

/// The password as first factor: a wrong one ends the stack before our module.
pub(crate) const PASSWORD_FIRST: &str = "auth requisite pam_unix.so\n";
const REST: &str =
    "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n";

pub(crate) struct Sshd {
    pub(crate) host: Host,
    server: Child,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
}

impl Sshd {
    /// Starts sshd with a stack of `first`, our line as the documentation shows it, and pam_permit.
    pub(crate) fn start(host: Host, first: &str, methods: &str) -> Self {
        Self::start_as(NAME, host, first, methods)
    }

    /// As [`Sshd::start`], for the PAM service `name`.
    pub(crate) fn start_as(name: &str, host: Host, first: &str, methods: &str) -> Self {
        Self::start_under(&["env"], name, host, first, methods)
    }

    /// As [`Sshd::start_as`], started through `wrapper`.
    pub(crate) fn start_under(
        wrapper: &[&str],
        name: &str,
        host: Host,
        first: &str,
        methods: &str,
    ) -> Self {
        name_service(&host, name);
        let folder = host.sim.folder().join("ssh");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        // A test may start one sshd after another.
        if User::from_name(USER).unwrap().is_none() {
            run(Command::new("useradd").args(["--create-home", "--shell", "/bin/sh", USER]));
        }
        for user in [USER, "root"] {
            pipe(
                &mut Command::new("chpasswd"),
                &format!("{user}:{PASSWORD}\n"),
            );
            host.append(&host.users, &format!("{user} = 1635\n"));
        }
        let program = PathBuf::from(format!("/usr/sbin/{name}"));
        if !program.exists() {
            fs::copy("/usr/sbin/sshd", &program).unwrap();
        }
        install_engine();
        let module = host.installed_line("required");
        fs::write(
            format!("/etc/pam.d/{name}"),
            format!("{first}{module}\n{REST}"),
        )
        .unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        make_keys(&folder, &["host", "user"]);
        authorize(&folder, &["user"]);
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {dir}/host\nPidFile none\nUsePAM yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication yes\nStrictModes no\n\
             AuthenticationMethods {methods}\nSubsystem sftp internal-sftp\nUseDNS no\n",
            dir = folder.display()
        );
        fs::write(folder.join("sshd_config"), config).unwrap();
        let server = Command::new(wrapper[0])
            .args(&wrapper[1..])
            .arg(&program)
            .args(["-D", "-f"])
            .arg(folder.join("sshd_config"))
            .arg("-E")
            .arg(folder.join("sshd.log"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        wait_for_server(port);
        Self {
            host,
            server,
            port,
            folder,
        }
    }

    /// Returns a client program that answers password prompts with `password` and code prompts with
    /// `tokens` in turn, and is killed after 30 s.
    pub(crate) fn client(&self, program: &str, password: &str, tokens: &[&str]) -> Command {
        let askpass = self.folder.join("askpass");
        fs::write(self.folder.join("tokens"), tokens.join("\n") + "\n").unwrap();
        fs::write(self.folder.join("password"), password).unwrap();
        let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\necho \"$1\" >>asked\ncase $1 in\n\
                      *erification*) head -n 1 tokens; sed -i 1d tokens ;;\n*) cat password ;;\nesac\n";
        fs::write(&askpass, script).unwrap();
        fs::set_permissions(&askpass, fs::Permissions::from_mode(0o755)).unwrap();
        let mut client = Command::new("timeout");
        client
            .args(["30", program, "-F", "none"])
            .env("SSH_ASKPASS", &askpass);
        client
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null());
        for option in [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "NumberOfPasswordPrompts=1",
            &format!("IdentityFile={}", self.folder.join("user").display()),
        ] {
            client.args(["-o", option]);
        }
        client
    }

    pub(crate) fn ssh(&self, user: &str, password: &str, tokens: &[&str]) -> Output {
        let mut ssh = self.client("ssh", password, tokens);
        ssh.args([
            "-p",
            &self.port.to_string(),
            &format!("{user}@127.0.0.1"),
            "echo",
            "inside",
        ]);
        ssh.output().unwrap()
    }

    /// Makes keys, which are files of these names in the folder.
    pub(crate) fn make_keys(&self, keys: &[&str]) {
        make_keys(&self.folder, keys);
    }

    /// Makes the user's account accept these keys and no others.
    pub(crate) fn authorize(&self, keys: &[&str]) {
        authorize(&self.folder, keys);
    }

    /// Has the server read changed settings.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(&str) -> String) {
        let file = self.folder.join("sshd_config");
        let settings = fs::read_to_string(&file).unwrap();
        fs::write(&file, change(&settings)).unwrap();
        let pid = self.server.id().to_string();
        run(Command::new("kill").args(["-HUP", &pid]));
        // It closes its port, and opens it again.
        std::thread::sleep(Duration::from_millis(500));
        wait_for_server(self.port);
    }

    /// Gives the client another key from now on.
    pub(crate) fn use_key(&self, key: &str) {
        for end in ["", ".pub"] {
            let from = self.folder.join(format!("{key}{end}"));
            fs::copy(from, self.folder.join(format!("user{end}"))).unwrap();
        }
    }

    /// Returns the fingerprint as ssh-keygen shows it.
    pub(crate) fn fingerprint(&self, key: &str) -> String {
        let mut keygen = Command::new("ssh-keygen");
        let file = self.folder.join(format!("{key}.pub"));
        let output = keygen.arg("-lf").arg(file).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.split(' ').nth(1).unwrap().to_owned()
    }

    pub(crate) fn token(&self) -> String {
        self.host.sim.token(1635)
    }

    pub(crate) fn asked(&self) -> String {
        fs::read_to_string(self.folder.join("asked")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Has the module believe what sshd says under this name, unless the test says what it believes.
fn name_service(host: &Host, name: &str) {
    let text = fs::read_to_string(&host.config).unwrap();
    if text.contains("ssh_services") {
        return;
    }
    let line = format!("ssh_services = [\"{name}\"]\n");
    if text.contains("[login]\n") {
        host.replace("[login]\n", &format!("[login]\n{line}"));
    } else {
        host.append(&host.config, &format!("\n[login]\n{line}"));
    }
}

fn make_keys(folder: &Path, keys: &[&str]) {
    for key in keys {
        let mut keygen = Command::new("ssh-keygen");
        run(keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(folder.join(key)));
    }
}

fn authorize(folder: &Path, keys: &[&str]) {
    let ssh = Path::new("/home").join(USER).join(".ssh");
    fs::create_dir_all(&ssh).unwrap();
    let public = |key: &&str| fs::read_to_string(folder.join(format!("{key}.pub"))).unwrap();
    let lines: String = keys.iter().map(public).collect();
    fs::write(ssh.join("authorized_keys"), lines).unwrap();
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn is_inside(output: &Output) -> bool {
    output.status.success() && output.stdout == b"inside\n"
}

fn host() -> Host {
    Host::with("[login]\nrefusal_seconds = 0\nattempts = 3\n")
}

#[test]
#[ignore = "needs root"]
fn sshd_asks_for_password_and_code_and_logs_in() {
    sandboxed!();
    let sshd = Sshd::start(host(), PASSWORD_FIRST, "keyboard-interactive");

    let output = sshd.ssh(USER, PASSWORD, &[&sshd.token()]);

    assert!(is_inside(&output), "{output:?}");
    let audit = sshd.host.audit();
    assert_eq!(
        audit,
        [format!(
            "verdict=accepted reason=code_accepted factor=token provider=authy authy_id=1635 attempts=1 \
             rhost=\"127.0.0.1\" tty=\"ssh\" user=\"{USER}\""
        )]
    );
}

#[test]
#[ignore = "needs root"]
fn sshd_logs_in_after_a_wrong_code_and_a_right_one() {
    sandboxed!();
    let sshd = Sshd::start(host(), PASSWORD_FIRST, "keyboard-interactive");

    let output = sshd.ssh(USER, PASSWORD, &["1111111", &sshd.token()]);

    assert!(is_inside(&output), "{output:?}");
    assert!(
        sshd.asked().contains("That code was not accepted."),
        "{}",
        sshd.asked()
    );
}

#[test]
#[ignore = "needs root"]
fn sshd_refuses_after_three_wrong_codes() {
    sandboxed!();
    let sshd = Sshd::start(host(), PASSWORD_FIRST, "keyboard-interactive");

    let output = sshd.ssh(
        USER,
        PASSWORD,
        &["1111111", "2222222", "3333333", &sshd.token()],
    );

    assert!(!is_inside(&output));
    assert_eq!(sshd.host.sim.count("/verify/"), 3);
    assert!(
        sshd.host.audit()[0].contains("reason=wrong_code factor=token provider=authy code=60020")
    );
}

#[test]
#[ignore = "needs root"]
fn sshd_causes_no_sms_for_a_wrong_password() {
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\nsms = \"auto\"\n");
    let sshd = Sshd::start(host, PASSWORD_FIRST, "keyboard-interactive");

    assert!(!is_inside(&sshd.ssh(USER, "wrong horse", &["1111111"])));
    assert!(!is_inside(&sshd.ssh("nobody-here", PASSWORD, &["1111111"])));
    assert!(
        sshd.host.sim.requests().is_empty(),
        "{:?}",
        sshd.host.sim.requests()
    );

    let output = sshd.ssh(USER, PASSWORD, &["1111111", "1111111", "1111111"]);
    assert!(!is_inside(&output));
    assert_eq!(sshd.host.sim.count("/sms/"), 1, "a right one does cause it");
}

#[test]
#[ignore = "needs root"]
fn sshd_sends_nothing_for_its_dummy_password() {
    sandboxed!();
    // sshd refuses root by default, and replaces each of root's replies by its dummy password.
    let sshd = Sshd::start(host(), "", "keyboard-interactive");

    let output = sshd.ssh(
        "root",
        PASSWORD,
        &[&sshd.token(), &sshd.token(), &sshd.token()],
    );

    assert!(!is_inside(&output));
    assert_eq!(sshd.host.sim.count("/verify/"), 0);
    let last = sshd.host.audit().pop().unwrap();
    assert!(
        last.contains("reason=wrong_code provider=authy authy_id=1635 attempts=3"),
        "{last}"
    );
}

#[test]
#[ignore = "needs root"]
fn sshd_transfers_files_unchanged_after_key_and_code() {
    sandboxed!();
    let sshd = Sshd::start(host(), "", "publickey,keyboard-interactive");
    assert!(is_inside(&sshd.ssh(USER, "", &[&sshd.token()])));
    let bytes: Vec<u8> = (0..300_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    fs::write(sshd.folder.join("file"), &bytes).unwrap();
    let local = sshd.folder.join("file").display().to_string();

    check_rows([("scp", "-O"), ("scp", "-s")], |(program, flag)| {
        let mut scp = sshd.client(program, "", &[&sshd.token()]);
        let to = format!("{USER}@127.0.0.1:copy{flag}");
        let output = scp
            .args([flag, "-P", &sshd.port.to_string(), &local, &to])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(fs::read(format!("/home/{USER}/copy{flag}")).unwrap(), bytes);
    });
    let batch = sshd.folder.join("batch");
    fs::write(
        &batch,
        format!("get copy-s {}\n", sshd.folder.join("back").display()),
    )
    .unwrap();
    let mut sftp = sshd.client("sftp", "", &[&sshd.token()]);
    // Batch mode forbids prompts, so the commands come from standard input.
    sftp.stdin(fs::File::open(&batch).unwrap());
    let output = sftp
        .args(["-P", &sshd.port.to_string(), &format!("{USER}@127.0.0.1")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(sshd.folder.join("back")).unwrap(), bytes);
}

#[test]
#[ignore = "needs root"]
fn sshd_opens_no_channel_and_no_forward_before_the_code() {
    sandboxed!();
    let sshd = Sshd::start(host(), "", "publickey,keyboard-interactive");
    let inner = TcpListener::bind("127.0.0.1:0").unwrap();
    inner.set_nonblocking(true).unwrap();
    let target = inner.local_addr().unwrap().to_string();
    let port = sshd.port.to_string();
    let forward = |tokens: &[&str]| {
        let mut ssh = sshd.client("ssh", "", tokens);
        ssh.args(["-W", &target, "-p", &port, &format!("{USER}@127.0.0.1")]);
        ssh
    };

    assert!(
        !forward(&["1111111", "1111111", "1111111"])
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(
        inner.accept().is_err(),
        "nothing may get through without the code"
    );

    let mut child = forward(&[&sshd.token()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while inner.accept().is_err() {
        assert!(Instant::now() < until, "the code opens it");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(child.stdin.take());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
#[ignore = "needs root"]
fn sshd_shows_the_sms_with_its_prompt() {
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\nsms = \"auto\"\n");
    host.sim.change(1635, &json!({"registered": true}));
    let sshd = Sshd::start(host, PASSWORD_FIRST, "keyboard-interactive");

    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[&sshd.token()])));

    assert!(
        sshd.asked().contains("use the code shown in the Authy app"),
        "{}",
        sshd.asked()
    );
}
