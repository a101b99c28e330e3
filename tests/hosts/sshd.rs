//! A real sshd in a network of its own, and logins to it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::accounts::{Person, run};
use super::askpass::Askpass;
use super::login::{Given, Outcome, Through, forget};

const LOG: &str = "/run/sshd.log";
/// The addresses of the network: all that a login comes from, or a connection is tried from.
const NETWORK: &str = "ip link set lo up; ip addr add 10.0.0.1/8 dev lo; \
                       ip addr add 192.0.2.1/24 dev lo; echo ready; exec sleep infinity";
const OPTIONS: [&str; 6] = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    "NumberOfPasswordPrompts=1",
    "KexAlgorithms=curve25519-sha256",
    "IdentitiesOnly=yes",
];
/// How a login goes over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) address: String,
    to: &'static str,
    port: &'static str,
}

impl Connection {
    /// A login from `address`; `block` is the Match line that is to apply to it.
    pub(super) fn new(address: &str, block: &str) -> Self {
        let own = if address.contains(':') {
            "::1"
        } else {
            "127.0.0.1"
        };
        let is_other = block.contains("LocalAddress 192.0.2.9");
        let is_second = block.contains("LocalPort 2222");
        Self {
            address: address.to_owned(),
            to: if is_other { "192.0.2.9" } else { own },
            port: if is_second { "2222" } else { "22" },
        }
    }
}

/// An sshd in a network namespace that has every address of the tests on its loopback.
pub(super) struct Server {
    network: Child,
    sshd: Option<Child>,
    folder: TempDir,
}

impl Server {
    /// Makes the network, the keys of the host and the key of a client. In a sandbox only.
    pub(super) fn new() -> Self {
        fs::create_dir_all("/run/sshd").unwrap();
        run(&["ssh-keygen", "-A"]);
        let mut network = Command::new("unshare")
            .args(["--net", "--", "sh", "-ec", NETWORK])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut stdout = BufReader::new(network.stdout.take().unwrap());
        stdout.read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        let folder = tempfile::tempdir().unwrap();
        let server = Self {
            network,
            sshd: None,
            folder,
        };
        let key = server.key();
        run(&[
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-f",
            key.to_str().unwrap(),
        ]);
        server
    }

    /// Returns the path of the client's private key.
    pub(super) fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// Starts sshd anew; it then has the settings that are written. Returns whether it starts.
    pub(super) fn restart(&mut self) -> bool {
        self.stop();
        let _ = fs::remove_file(LOG);
        let mut sshd = self.inside("/usr/sbin/sshd");
        let sshd = sshd.args(["-D", "-E", LOG]).stderr(Stdio::null());
        let mut sshd = sshd.spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while log().matches("Server listening on :: port").count() < 2 {
            if sshd.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < until, "sshd does not start: {}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.sshd = Some(sshd);
        true
    }

    fn stop(&mut self) {
        if let Some(mut sshd) = self.sshd.take() {
            let _ = sshd.kill();
            let _ = sshd.wait();
        }
    }

    /// A command in the network.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.network.id()));
        command.arg(program).stdin(Stdio::null());
        command
    }

    /// Logs in over ssh.
    pub(super) fn log_in(
        &self,
        person: &'static Person,
        given: Given,
        connection: &Connection,
    ) -> Outcome {
        forget();
        let how = format!("ssh, {connection:?}");
        let mut outcome = Outcome::new(Through::Sshd, person, given, how);
        outcome.connection = Some(connection.clone());
        outcome.service = Some("sshd".to_owned());
        let before = log().len();
        let mut ssh = self.inside("timeout");
        ssh.args(["20", "ssh", "-F", "none", "-p", connection.port])
            .args(["-b", &connection.address]);
        let askpass = Askpass::new(&mut ssh, given);
        let key = if given.key {
            format!("IdentityFile={}", self.key().display())
        } else {
            "PubkeyAuthentication=no".to_owned()
        };
        for option in OPTIONS.iter().chain(&[key.as_str()]) {
            ssh.args(["-o", option]);
        }
        ssh.args(["-l", person.name, connection.to, "echo inside"]);
        let output = ssh.output().unwrap();
        outcome.is_in = output.stdout == b"inside\n";
        (outcome.codes, outcome.others) = askpass.counts();
        let log = log().split_off(before);
        outcome.methods = methods(&log);
        outcome.is_barred = log.contains(" not allowed because");
        if outcome.is_in != log.contains("Starting session") {
            outcome.how = format!("{} {log}{output:?}", outcome.how);
        }
        outcome
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = self.network.kill();
        let _ = self.network.wait();
    }
}

fn log() -> String {
    fs::read_to_string(LOG).unwrap_or_default()
}

/// Returns the methods that sshd accepted, those that were not enough as well.
fn methods(log: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in log.lines() {
        for verb in ["Accepted ", "Partial "] {
            let rest = line
                .strip_prefix(verb)
                .filter(|rest| rest.contains(" for "));
            if let Some(method) = rest.and_then(|rest| rest.split(' ').next()) {
                found.push(method.to_owned());
            }
        }
    }
    found.retain(|method| method != "key");
    found
}
