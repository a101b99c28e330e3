//! Remembered logins for automation: the real ansible-playbook (`scripts/peers.sh ansible`), which
//! opens a session for each task, with the settings of docs/ssh.md.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::sshd::{NAME, Sshd, USER, is_inside};
use super::METHODS;
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;
use crate::packaging::guides::blocks;

const TASKS: usize = 5;

/// Runs a playbook of five tasks without ControlMaster; returns what it printed.
fn play(sshd: &Sshd, token: &str) -> String {
    let folder = sshd.folder.join("ansible");
    fs::create_dir_all(&folder).unwrap();
    let tasks: String = (1..=TASKS)
        .map(|number| {
            format!("    - name: task {number}\n      ansible.builtin.raw: echo {number}\n")
        })
        .collect();
    let book = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
    fs::write(folder.join("book.yml"), book).unwrap();
    let host = format!(
        "127.0.0.1 ansible_port={} ansible_user={USER} ansible_ssh_private_key_file={}\n",
        sshd.port,
        sshd.folder.join("user").display()
    );
    fs::write(folder.join("hosts"), host).unwrap();
    let [settings] = blocks("docs/ssh.md", "ini").try_into().unwrap();
    fs::write(folder.join("ansible.cfg"), settings).unwrap();
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/ansible");
    let program = peers.join("bin/ansible-playbook");
    assert!(program.exists(), "run: scripts/peers.sh ansible");
    // Writes the answers, too.
    let _ = sshd.client("ssh", "", &[token]);
    let output = Command::new("timeout")
        .args(["300", "python3"])
        .arg(program)
        .args(["-i", "hosts", "book.yml"])
        .current_dir(&folder)
        .env("PYTHONPATH", &peers)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ANSIBLE_HOME", folder.join("home"))
        .env("ANSIBLE_HOST_KEY_CHECKING", "False")
        .env("ANSIBLE_NOCOLOR", "1")
        .env(
            "ANSIBLE_SSH_COMMON_ARGS",
            "-F none -o UserKnownHostsFile=/dev/null",
        )
        .env("SSH_ASKPASS", sshd.folder.join("askpass"))
        .env("SSH_ASKPASS_REQUIRE", "force")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text.into_owned()
}

#[test]
#[ignore = "needs root and ansible-core: scripts/peers.sh ansible"]
fn a_playbook_of_five_tasks_is_asked_once() {
    sandboxed!();
    let mut blocks = blocks("docs/ssh.md", "toml").into_iter();
    let remember = blocks.find(|block| block.contains("[remember]")).unwrap();
    let remember = remember.replace("\"sshd\"", &format!("\"{NAME}\""));
    let host = Host::with(&format!(
        "[login]\nrefusal_seconds = 0\nattempts = 1\n{remember}"
    ));
    let sshd = Sshd::start(host, "", METHODS);

    let said = play(&sshd, &sshd.token());

    let counts = format!("ok={TASKS} ");
    assert!(said.contains(&counts), "{said}");
    assert_eq!(sshd.asked().lines().count(), 1, "{}", sshd.asked());
    let audit = sshd.host.audit();
    let with = |reason: &str| audit.iter().filter(|line| line.contains(reason)).count();
    let both = (with("reason=code_accepted"), with("reason=remembered"));
    assert_eq!((audit.len(), both), (TASKS, (1, TASKS - 1)), "{audit:#?}");
    // Another key of the same account is asked again.
    sshd.make_keys(&["other"]);
    sshd.authorize(&["user", "other"]);
    sshd.use_key("other");
    assert!(!is_inside(&sshd.ssh(USER, "", &["0000000"])));
}

#[test]
#[ignore = "needs root"]
fn by_key_a_login_by_a_password_is_not_remembered() {
    sandboxed!();
    use super::super::sshd::{PASSWORD, PASSWORD_FIRST};
    let remember = format!("[remember]\nseconds = 300\nby = \"key\"\nservices = [\"{NAME}\"]\n");
    let host = Host::with(&format!(
        "[login]\nrefusal_seconds = 0\nattempts = 1\n{remember}"
    ));
    let sshd = Sshd::start(host, PASSWORD_FIRST, "keyboard-interactive");
    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[&sshd.token()])));

    assert!(!is_inside(&sshd.ssh(USER, PASSWORD, &["0000000"])));
    sshd.host.replace("by = \"key\"", "by = \"login\"");
    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[&sshd.token()])));
    assert!(is_inside(&sshd.ssh(USER, PASSWORD, &[])));
}
