//! The shipped playbook, run by the real ansible-playbook (scripts/peers.sh ansible) against real
//! sshd, as a robot that has a key and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::deb::Packages;
use super::machine::{Machine, is_inside, stacks};
use super::{root, stdout_of};
use crate::common::sandbox::sandboxed;
use crate::common::totp::{SECRET, oathtool};

const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-pam_authy.conf";

/// A folder with the playbook and the files that its administrator adds.
struct Playbook {
    folder: tempfile::TempDir,
    key: PathBuf,
    port: u16,
}

impl Playbook {
    /// Makes the robot's account on this machine, and an inventory with the machine.
    fn new(machine: &Machine, packages: &Packages) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = root().join("packaging/examples/ansible");
        stdout_of(
            Command::new("cp")
                .arg("-rT")
                .arg(&example)
                .arg(folder.path()),
        );
        let files = folder.path().join("files");
        fs::create_dir(&files).unwrap();
        for package in ["authyctl", "libpam-authy"] {
            let deb = packages.path(package);
            fs::copy(&deb, files.join(deb.file_name().unwrap())).unwrap();
        }
        fs::write(files.join("users.toml"), "[users]\npat = { totp = true }\n").unwrap();
        let secrets = format!("[totp]\npat = {{ secret = \"{SECRET}\" }}\n");
        fs::write(files.join("totp.toml"), secrets).unwrap();

        let key = folder.path().join("key");
        let made = "useradd --create-home --shell /bin/sh robot
            ssh-keygen -q -t ed25519 -N '' -f \"$1\"
            install -d -o robot -g robot -m 0700 ~robot/.ssh
            install -o robot -g robot -m 0600 \"$1.pub\" ~robot/.ssh/authorized_keys
            echo 'robot ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/robot
            chmod 0440 /etc/sudoers.d/robot";
        stdout_of(Command::new("sh").args(["-ec", made, "sh"]).arg(&key));
        let port = machine.port();
        let host = format!(
            "127.0.0.1 ansible_port={port} ansible_user=robot ansible_ssh_private_key_file={} \
             ansible_python_interpreter=/usr/bin/python3\n",
            key.display()
        );
        fs::write(folder.path().join("hosts"), host).unwrap();
        Self { folder, key, port }
    }

    fn run(&self) -> Output {
        let folder = self.folder.path();
        ansible(
            "ansible-playbook",
            &["-i", "hosts", "pam_authy.yml"],
            folder,
        )
    }

    /// Runs the playbook, which must succeed; returns its last line with the counts.
    #[track_caller]
    fn counts(&self) -> String {
        let output = self.run();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{errors}");
        let counts = said.lines().rfind(|line| line.contains("changed="));
        counts.unwrap().to_owned()
    }

    /// Logs in as the robot with the options of Ansible, by key alone.
    fn log_in_as_robot(&self) -> Output {
        let mut ssh = Command::new("timeout");
        ssh.args(["30", "ssh", "-F", "none", "-p", &self.port.to_string()]);
        for option in [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "KbdInteractiveAuthentication=no",
            "PasswordAuthentication=no",
            "PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey",
        ] {
            ssh.args(["-o", option]);
        }
        ssh.arg("-i").arg(&self.key);
        ssh.args(["robot@127.0.0.1", "echo", "inside"]);
        ssh.output().unwrap()
    }
}

/// Runs a program of Ansible in a folder, for 300 s at most.
fn ansible(program: &str, arguments: &[&str], folder: &Path) -> Output {
    let ansible = root().join("target/peers/ansible");
    let program = ansible.join("bin").join(program);
    assert!(program.exists(), "run: scripts/peers.sh ansible");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("timeout")
        .args(["300", "python3"])
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        // ansible-lint runs other programs of Ansible by their names.
        .env("PATH", format!("{}/bin:{path}", ansible.display()))
        .env("PYTHONPATH", &ansible)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ANSIBLE_HOME", folder.join("home"))
        .env("ANSIBLE_HOST_KEY_CHECKING", "False")
        .env("ANSIBLE_NOCOLOR", "1")
        .env("ANSIBLE_PIPELINING", "1")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

#[test]
#[ignore = "needs ansible-lint: scripts/peers.sh ansible"]
fn yamllint_and_ansible_lint_find_nothing_in_the_playbook() {
    let folder = tempfile::tempdir().unwrap();
    let example = root().join("packaging/examples/ansible");
    stdout_of(
        Command::new("cp")
            .arg("-rT")
            .arg(&example)
            .arg(folder.path()),
    );
    let playbook = "pam_authy.yml";
    for (program, arguments) in [
        ("yamllint", &["--strict", playbook][..]),
        (
            "ansible-lint",
            &["--offline", "--nocolor", "--profile=production", playbook],
        ),
    ] {
        let output = ansible(program, arguments, folder.path());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}{errors}");
    }
}

#[test]
#[ignore = "needs root and ansible-core: scripts/peers.sh ansible"]
fn the_playbook_protects_sshd_twice_the_same_and_its_robot_gets_in_by_key_alone() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    let playbook = Playbook::new(&machine, &packages);

    let first = playbook.counts();
    let second = playbook.counts();

    assert!(!first.contains("changed=0"), "{first}");
    assert!(second.contains("changed=0"), "{second}");
    assert!(Path::new(DROP_IN).exists());
    assert!(!Path::new("/var/lib/pam_authy/pam/sshd.pending").exists());
    let output = playbook.log_in_as_robot();
    assert!(is_inside(&output), "{output:?}");
    assert!(
        !is_inside(&machine.ssh(&[])),
        "a password without a code lets nobody in"
    );
    let output = machine.ssh(&[&oathtool(SECRET, 0)]);
    assert!(is_inside(&output), "{output:?}");
    assert!(
        !is_inside(&machine.ssh_by_key(&[])),
        "an administrator's key alone does not log in"
    );
    let said = stdout_of(Command::new("authyctl").arg("doctor"));
    let named = "ok       `publickey` alone is enough to log in, as exempt.users \"robot\" allows (robot from";
    assert!(said.contains(named), "{said}");
}

#[test]
#[ignore = "needs root and ansible-core: scripts/peers.sh ansible"]
fn the_playbook_puts_no_file_with_a_mistake_in_place() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    let playbook = Playbook::new(&machine, &packages);
    let users = playbook.folder.path().join("files/users.toml");
    fs::write(users, "[users]\npat = { totp = \"nobodys\" }\n").unwrap();
    let before = stacks();

    let output = playbook.run();

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("Check the files before they are used"),
        "{said}"
    );
    assert!(said.contains("pat: totp must be true"), "{said}");
    assert!(!Path::new("/etc/pam_authy/users.toml").exists());
    assert_eq!(stacks(), before);
    assert!(is_inside(&machine.ssh(&[])));
}
