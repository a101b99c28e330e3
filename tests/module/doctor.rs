//! doctor and the mapping on a real system: real sshd, real files, a disk that is full.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::sim::Sim;
use crate::common::{product, sandbox};

const GLOBAL: &str =
    "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\nLoginGraceTime 120\n";

/// A host with sshd, our line in its stack, and two enrolled people.
fn host(config: &str) -> Sim {
    let sim = Sim::start();
    fs::create_dir_all("/run/sshd").unwrap();
    assert!(
        Command::new("ssh-keygen")
            .arg("-A")
            .status()
            .unwrap()
            .success()
    );
    let stack = format!(
        "auth requisite pam_unix.so\nauth required {}\nauth required pam_permit.so\n",
        product().display()
    );
    fs::write("/etc/pam.d/sshd", stack).unwrap();
    fs::write("/etc/ssh/sshd_config", format!("{GLOBAL}{config}")).unwrap();
    fs::write(sim.path("users.toml"), "[users]\nroot = 1635\npat = 1635\n").unwrap();
    sim
}

/// What doctor says of sshd.
fn sshd(sim: &Sim) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["doctor", "--json", "--config"])
        .arg(sim.path("config.toml"))
        .arg("--users")
        .arg(sim.path("users.toml"))
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = answer["checks"].as_array().unwrap();
    let of_sshd = checks.iter().filter(|check| check["name"] == "sshd");
    of_sshd
        .map(|check| format!("{}: {}\n", check["result"], check["message"]))
        .collect()
}

#[test]
#[ignore = "needs root"]
fn doctor_is_content_with_the_sshd_of_the_readme() {
    if !sandbox::enter("module::doctor::doctor_is_content_with_the_sshd_of_the_readme") {
        return;
    }
    let sim = host("PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n");
    assert_eq!(
        sshd(&sim),
        "\"ok\": \"sshd asks everybody for the second factor\"\n"
    );
}

#[test]
#[ignore = "needs root"]
fn doctor_finds_the_match_block_that_goes_round_the_token() {
    if !sandbox::enter("module::doctor::doctor_finds_the_match_block_that_goes_round_the_token") {
        return;
    }
    let sim = host(
        "PermitRootLogin no\nAuthenticationMethods keyboard-interactive\n\
         Match User pat Address 192.0.2.0/24\nAuthenticationMethods publickey\n",
    );
    let said = sshd(&sim);
    assert!(said.contains("`publickey` alone lets in"), "{said}");
    assert!(said.contains("pat from 192.0.2.1"), "{said}");
    assert!(!said.contains("pat from 127.0.0.1"), "{said}");
}

#[test]
#[ignore = "needs root"]
fn doctor_finds_what_locks_root_out_of_sshd() {
    if !sandbox::enter("module::doctor::doctor_finds_what_locks_root_out_of_sshd") {
        return;
    }
    let sim = host(
        "PermitRootLogin prohibit-password\nAuthenticationMethods publickey,keyboard-interactive\n",
    );
    let said = sshd(&sim);
    assert!(said.contains("root's second factor always fails"), "{said}");
}

#[test]
#[ignore = "needs root"]
fn a_full_disk_leaves_the_mapping_as_it_was() {
    if !sandbox::enter("module::doctor::a_full_disk_leaves_the_mapping_as_it_was") {
        return;
    }
    let folder = Path::new("/srv/small");
    fs::create_dir_all(folder).unwrap();
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", "size=32k,mode=0755", "tmpfs"])
        .arg(folder);
    assert!(mount.status().unwrap().success());
    let users = folder.join("users.toml");
    let before = "# people\n[users]\nalice = 1635\n";
    fs::write(&users, before).unwrap();
    // Until there is no room for another byte.
    let _ = fs::write(folder.join("filler"), vec![0; 64 * 1024]);

    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["enroll", "bob", "--authy-id", "7", "--users"])
        .arg(&users)
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("No space left") && said.contains("users.toml"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&users).unwrap(), before);
}
