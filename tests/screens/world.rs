//! A sandbox in which a person uses real ssh, sudo and su in a real terminal, with a simulated
//! phone.
//!
//! pat has a shell, and the passwords of pat and root are the same. `ssh gate` logs in to this host
//! itself, by a configuration in pat's home.

use std::cell::Cell;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pam_authy::base::utc;
use serde_json::json;

use crate::common::host::Host;
use crate::common::terminal::Terminal;
use crate::common::totp::{SECRET, oathtool};
use crate::common::{install_engine, pipe, wait_for_server};

/// The person at the terminal.
pub(super) const USER: &str = "pat";
/// The password of pat, and of root.
pub(super) const PASSWORD: &str = "right horse";

/// The stacks as the guides show them, with a password that needs no pause after a mistake.
const FIRST: &str = "auth requisite pam_unix.so nodelay\n";
const REST: &str =
    "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n";

/// The sandbox of one test.
pub(super) struct World {
    pub(super) host: Host,
    /// The configuration of a host without settings of its own.
    plain_config: String,
    server: Child,
    /// The Authy id of the person, who is another one after each [`World::begin`].
    person: Cell<u64>,
}

impl World {
    /// Makes the user, the stacks and a running sshd. In a sandbox only.
    pub(super) fn set_up() -> Self {
        let host = Host::with("");
        let plain_config = fs::read_to_string(&host.config).unwrap();
        run(Command::new("useradd").args(["--create-home", "--shell", "/bin/sh", USER]));
        let passwords = format!("{USER}:{PASSWORD}\nroot:{PASSWORD}\n");
        pipe(&mut Command::new("chpasswd"), &passwords);
        let rules = format!("{USER} ALL=(ALL) ALL\nDefaults timestamp_timeout=0, lecture=never\n");
        fs::write("/etc/sudoers", rules).unwrap();
        // Without this, su waits after each refusal.
        host.append("/etc/login.defs".as_ref(), "\nFAIL_DELAY 0\n");
        let server = start_sshd(&host.sim.path("sshd"));
        Self {
            host,
            plain_config,
            server,
            person: Cell::new(2000),
        }
    }

    /// Makes everything new for the next login: the configuration, with these texts in `[login]`
    /// and after it, a mapping of a new person without the app, and no counts.
    pub(super) fn begin(&self, login: &str, tables: &str) {
        self.person.set(self.person.get() + 1);
        let id = self.person.get();
        self.host.sim.forget_faults();
        self.host.sim.post("/phone/users", &json!({"authy_id": id}));
        let config = format!(
            "{}[login]\nrefusal_seconds = 0\n{login}{tables}",
            self.plain_config
        );
        fs::write(&self.host.config, config).unwrap();
        self.map(&format!("{USER} = {id}\nroot = {id}\n"));
        // That of the login before, if it had one.
        let _ = fs::remove_file(self.host.users.with_file_name("totp.toml"));
        let state = self.host.sim.path("state");
        fs::remove_dir_all(&state).unwrap();
        fs::create_dir(&state).unwrap();
        self.host.chmod(&state, 0o700);
        for service in ["su", "sudo", "sshd"] {
            let module = self.host.installed_line("required");
            write_stack(service, &format!("{FIRST}{module}\n"));
        }
        install_engine();
    }

    /// Gives a service a stack of the module, with this control, and the line after it.
    pub(super) fn stack(&self, service: &str, control: &str, after: &str) {
        let module = self.host.installed_line(control);
        write_stack(service, &format!("{module}\n{after}"));
    }

    /// Writes these lines as the mapping.
    pub(super) fn map(&self, lines: &str) {
        fs::write(&self.host.users, format!("[users]\n{lines}")).unwrap();
    }

    /// Takes the person out of the mapping, as if they had never been there, and lets accounts
    /// without a factor in for thirty days more.
    pub(super) fn lets_in_for_thirty_days(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let day = utc::written(now.as_secs() + 30 * 24 * 60 * 60);
        let line = format!("enroll_by = {}\n", &day[.."2026-12-27".len()]);
        self.host.append(&self.host.config, &line);
        self.map("");
    }

    /// The Authy id of the person.
    pub(super) fn person(&self) -> u64 {
        self.person.get()
    }

    /// Gives the person the Authy app.
    pub(super) fn with_app(&self) {
        let registered = json!({"registered": true});
        self.host.sim.change(self.person(), &registered);
    }

    /// Takes every service out of the configuration, and gives pat and root an app that this host
    /// checks.
    pub(super) fn app_here(&self) {
        self.no_service();
        self.map(&format!(
            "{USER} = {{ totp = true }}\nroot = {{ totp = true }}\n"
        ));
        let secret = format!("{{ secret = \"{SECRET}\" }}");
        let secrets = format!("[totp]\n{USER} = {secret}\nroot = {secret}\n");
        let path = self.host.users.with_file_name("totp.toml");
        fs::write(&path, secrets).unwrap();
        self.host.chmod(&path, 0o600);
    }

    /// Adds an app to pat as if at the prompt, which counts only in the year 2100.
    pub(super) fn add_app(&self) {
        let path = self.host.sim.path("state/enrolled.toml");
        let text =
            format!("[totp]\n{USER} = {{ secret = \"{SECRET}\", since = 2099-12-31T12:00:00Z }}\n");
        fs::write(&path, text).unwrap();
        self.host.chmod(&path, 0o600);
    }

    /// Takes every service out of the configuration.
    pub(super) fn no_service(&self) {
        let config = fs::read_to_string(&self.host.config).unwrap();
        let (_, rest) = config.split_once("[paths]").unwrap();
        fs::write(&self.host.config, format!("[paths]{rest}")).unwrap();
    }

    /// Has the code of the app used up in another login, and the one after it.
    pub(super) fn use_codes_up(&self) {
        let login = self.host.login(USER, &[&oathtool(SECRET, 30)]);
        assert_eq!(login.code, "PAM_SUCCESS");
    }

    /// Takes the service away.
    pub(super) fn without_service(&self) {
        self.host
            .replace(&self.host.sim.url(), "https://127.0.0.1:1");
    }

    /// Has that many codes of pat refused, in logins of one prompt.
    pub(super) fn refuse_codes(&self, count: usize) {
        for _ in 0..count {
            self.host.login(USER, &["7654321"]);
        }
    }

    /// Waits until a push is on the person's phone.
    pub(super) fn wait_for_push(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.host.sim.pending_push(self.person()).is_none() {
            assert!(Instant::now() < until, "no push arrived");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs authyctl with the files of this host; it must succeed. Returns its JSON.
    pub(super) fn authyctl(&self, arguments: &[&str]) -> serde_json::Value {
        let mut authyctl = Command::new(env!("CARGO_BIN_EXE_authyctl"));
        authyctl.args(arguments).arg("--json");
        authyctl.arg("--config").arg(&self.host.config);
        authyctl.arg("--users").arg(&self.host.users);
        let output = authyctl.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Opens pat's shell in a terminal of as many columns, with these further variables.
    pub(super) fn shell(&self, columns: u32, variables: &str) -> Terminal {
        assert!(self.host.config.exists());
        let terminal = Terminal::sized(
            &format!(
                "cd /home/{USER}; runuser -u {USER} -- env -i HOME=/home/{USER} USER={USER} \
                 PATH=/usr/bin:/bin:/usr/sbin TERM=$TERM PS1='$ ' {variables} sh -i"
            ),
            columns,
        );
        terminal.settle("shell", |text| text == "$");
        terminal
    }

    /// Opens a shell of root in the same way, whose `authyctl` has the files of this host.
    pub(super) fn root_shell(&self, columns: u32) -> Terminal {
        let file = self.host.sim.path("profile");
        let program = env!("CARGO_BIN_EXE_authyctl");
        let (config, users) = (self.host.config.display(), self.host.users.display());
        let text = format!(
            "authyctl() {{ {program} --config {config} --users {users} \"$@\"; }}\nPS1='# '\n"
        );
        fs::write(&file, text).unwrap();
        let terminal = Terminal::sized(&format!("ENV={} sh -i", file.display()), columns);
        terminal.settle("shell", |text| text == "#");
        terminal
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Starts sshd, and makes `ssh gate` of pat reach it.
fn start_sshd(folder: &Path) -> Child {
    fs::create_dir_all(folder).unwrap();
    fs::create_dir_all("/run/sshd").unwrap();
    let key = folder.join("key");
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let config = folder.join("sshd_config");
    let text = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM yes\nUseDNS no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication yes\nPrintLastLog no\n\
         PrintMotd no\nAuthenticationMethods keyboard-interactive\n",
        key.display()
    );
    fs::write(&config, text).unwrap();
    let home = Path::new("/home").join(USER);
    fs::create_dir_all(home.join(".ssh")).unwrap();
    let host_key = fs::read_to_string(key.with_extension("pub")).unwrap();
    let client = format!("Host gate\nHostName 127.0.0.1\nPort {port}\nHostKeyAlias gate\n");
    fs::write(home.join(".ssh/config"), client).unwrap();
    fs::write(home.join(".ssh/known_hosts"), format!("gate {host_key}")).unwrap();
    fs::write(home.join(".profile"), "PS1='gate$ '\n").unwrap();
    fs::set_permissions(home.join(".ssh/config"), fs::Permissions::from_mode(0o644)).unwrap();
    let server = Command::new("/usr/sbin/sshd")
        .arg("-D")
        .arg("-f")
        .arg(&config)
        .arg("-E")
        .arg(folder.join("log"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_server(port);
    server
}

fn write_stack(service: &str, lines: &str) {
    fs::write(format!("/etc/pam.d/{service}"), format!("{lines}{REST}")).unwrap();
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
