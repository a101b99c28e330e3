//! An upgrade of the packages in the middle of a login, and programs that still have the old module.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use pam_authy::pam_app::write_stack;

use super::deb::Packages;
use super::machine::{Machine, USER};
use crate::common::application::{Running, command_in, run};
use crate::common::child::signal;
use crate::common::sandbox::sandboxed;
use crate::common::service::{FOLDER, wait_for_service};

/// Starts the service of the installed packages, as systemd does.
fn start() -> Child {
    let mut program = Command::new("/usr/libexec/pam_authy/pam_authyd");
    let child = program
        .args(["--listen", FOLDER])
        .stdin(Stdio::null())
        .spawn();
    let child = child.unwrap();
    wait_for_service();
    child
}

#[test]
#[ignore = "needs root"]
fn a_login_that_waits_while_the_packages_are_upgraded_ends_well() {
    let old = Packages::of("0.0.9-1");
    let new = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    old.install();
    machine.set_up("[login]\nrefusal_seconds = 0\n");
    let folder = tempfile::tempdir().unwrap();
    let stack = |module: &str| {
        let line = format!("auth [success=ok default=die] {module}");
        write_stack(folder.path(), "sshd", &[line]).unwrap();
    };
    let log_in = || command_in(folder.path(), USER, &[], &["-v"]);
    let arch = String::from_utf8(Command::new("uname").arg("-m").output().unwrap().stdout).unwrap();
    let module = format!("/usr/lib/{}-linux-gnu/security/pam_authy.so", arch.trim());
    let kept = folder.path().join("old.so");
    fs::copy(&module, &kept).unwrap();
    let mut service = start();
    stack("pam_authy.so");
    let mut waiting = Running::start(log_in());
    waiting.wait_for("prompt ");

    new.install();
    // What `systemctl restart` does with KillMode=process.
    signal(&service, Signal::SIGTERM);
    service.wait().unwrap();
    let mut service = start();

    waiting.reply(&machine.token());
    let said = waiting.finish();
    assert_eq!(said.names(), ["PAM_SUCCESS"], "{}", said.text);
    // A program that started before the upgrade has the old module.
    stack(Path::new(&kept).to_str().unwrap());
    let said = run(log_in(), &[&machine.token()]);
    assert_eq!(said.names(), ["PAM_SUCCESS"], "{}", said.text);
    service.kill().unwrap();
    service.wait().unwrap();
}
