//! The service in a sandbox: the product's engine, listening where the module of the product looks
//! for it.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::{engine, install, sandbox};

/// The folder of the service's sockets.
pub(crate) const FOLDER: &str = "/run/pam_authy";
/// Set where logins of `Host` go by the service.
const WAY: &str = "PAM_AUTHY_TEST_WAY";

/// Whether logins of `Host` go by the service, which is started already.
pub(crate) fn is_the_way() -> bool {
    std::env::var(WAY).is_ok_and(|way| way == "service")
}

/// A running service, which ends when dropped. In a sandbox only.
pub(crate) struct Service {
    pub(crate) child: Child,
}

impl Service {
    /// Starts the listener, which makes its socket itself.
    pub(crate) fn start() -> Self {
        Self::start_in(&["env"])
    }

    /// The same, started through `wrapper`.
    pub(crate) fn start_in(wrapper: &[&str]) -> Self {
        let program = Self::program();
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(program);
        let service = Self::run(command.args(["--listen", FOLDER]));
        wait_for_service();
        service
    }

    /// Starts it through `wrapper` by socket activation, as systemd does.
    pub(crate) fn activated_in(wrapper: &[&str]) -> Self {
        let program = Self::program();
        fs::create_dir_all(FOLDER).unwrap();
        let mut activate = Command::new("systemd-socket-activate");
        activate.args(["-l", &format!("{FOLDER}/socket")]);
        let activate = activate.args(wrapper).arg(program);
        let service = Self::run(activate.args(["--listen", FOLDER]));
        wait_for_service();
        service
    }

    /// The processes of the logins under way.
    pub(crate) fn logins(&self) -> Vec<Pid> {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = fs::read_to_string(path).unwrap();
        let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
        pids.map(Pid::from_raw).collect()
    }

    /// Waits until this many logins are under way.
    pub(crate) fn wait_for_logins(&self, count: usize) {
        let begun = Instant::now();
        while self.logins().len() != count {
            let found = self.logins();
            assert!(begun.elapsed() < Duration::from_secs(30), "{found:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many descriptors the listener has.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        fs::read_dir(folder).unwrap().count()
    }

    /// The listener's own memory in KiB, without that of its files.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let size = line.and_then(|line| line.split_whitespace().next());
        size.unwrap().parse().unwrap()
    }

    /// Installs the program, where no module looks for an engine to start.
    fn program() -> &'static Path {
        assert!(sandbox::is_inside(), "only in a sandbox");
        let program = Path::new("/opt/pam_authyd");
        install(&engine(), program, 0o755);
        program
    }

    fn run(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        Self { child }
    }

    /// Marks a command so that its `Host` uses the service.
    pub(crate) fn mark(command: &mut Command) -> &mut Command {
        command.env(WAY, "service")
    }
}

/// Waits until the service listens.
pub(crate) fn wait_for_service() {
    let path = Path::new(FOLDER).join("socket");
    let begun = Instant::now();
    while UnixStream::connect(&path).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no service");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
