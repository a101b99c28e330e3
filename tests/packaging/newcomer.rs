//! A newcomer who has only the README: each line of "The first real login", typed unchanged, leads
//! from a fresh machine to a protected sshd.
//!
//! The test adds only what a person knows: the API key, the code, and the address of the service
//! (the simulator's instead of Authy's, as options of `init`). The programs that `make deb` would
//! compile are already built.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::docs::section;
use super::machine::{Machine, PASSWORD, USER, is_inside, stacks};
use super::{AUTHY_SIM, AUTHYCTL, root, stdout_of, text_of};
use crate::common::sandbox::sandboxed;
use crate::common::{engine, pipe, product};

/// Returns the commands of the section, in their order.
fn typed_lines() -> Vec<String> {
    let readme = text_of("README.md");
    let mut inside = false;
    let mut lines = Vec::new();
    for line in section(&readme, "The first real login").map(str::trim) {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

/// Runs a line in the checkout as the sudoer, with `answer` on standard input.
fn type_line(line: &str, answer: &str) -> Output {
    let mut shell = Command::new("timeout");
    shell
        .args(["300", "runuser", "-u", USER, "--", "sh", "-c", line])
        .current_dir(root())
        .env("USER", USER)
        .env(
            "PATH",
            "/opt/cargo:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .env("DEB_COMPRESSION", "gzip")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env_remove("PAM_AUTHY_SO")
        .env_remove("PAM_AUTHYD");
    for variable in [
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "CARGO",
        "CARGO_TARGET_DIR",
    ] {
        shell.env_remove(variable);
    }
    let folder = tempfile::tempdir().unwrap();
    let answers = folder.path().join("answers");
    fs::write(&answers, format!("{answer}\n")).unwrap();
    shell.stdin(Stdio::from(fs::File::open(answers).unwrap()));
    shell.output().unwrap()
}

/// Puts the programs that `make deb` would compile where it looks for them; on file systems of the
/// sandbox, so that nothing of it gets into the checkout.
fn put_what_is_built_in_place() {
    let target = root().join("target");
    let folders = ["release", "packages", "product"].map(|name| target.join(name));
    let copy = tempfile::tempdir().unwrap();
    // The mounts below hide the originals.
    let built = [(product(), "libpam_authy.so"), (engine(), "pam_authyd")];
    for (path, name) in &built {
        fs::copy(path, copy.path().join(name)).unwrap();
    }
    for folder in &folders {
        fs::create_dir_all(folder).unwrap();
        stdout_of(
            Command::new("mount")
                .args(["-t", "tmpfs", "tmpfs"])
                .arg(folder),
        );
    }
    for (name, path) in [("authyctl", AUTHYCTL), ("authy-sim", AUTHY_SIM)] {
        let place = target.join("release").join(name);
        stdout_of(Command::new("strip").arg("-o").arg(place).arg(path));
    }
    let release = target.join("product/release");
    fs::create_dir(&release).unwrap();
    for (_, name) in &built {
        fs::copy(copy.path().join(name), release.join(name)).unwrap();
    }
    for folder in &folders {
        stdout_of(Command::new("chown").args(["-R", USER]).arg(folder));
    }
    // A cargo is installed, as the README requires, and has nothing to do.
    fs::create_dir_all("/opt/cargo").unwrap();
    fs::write(
        "/opt/cargo/cargo",
        "#!/bin/sh\necho 'cargo 1.95.0 (f2d3ce0bd 2026-03-21)'\n",
    )
    .unwrap();
    stdout_of(Command::new("chmod").args(["0755", "/opt/cargo/cargo"]));
    // The sudoer must reach the checkout, which may be in root's home.
    let mut folder = root().parent();
    while let Some(above) = folder.filter(|above| *above != Path::new("/")) {
        stdout_of(Command::new("chmod").arg("o+x").arg(above));
        folder = above.parent();
    }
}

#[test]
#[ignore = "needs root"]
fn a_newcomer_gets_to_a_protected_sshd_by_typing_the_readme() {
    sandboxed!();
    let machine = Machine::new();
    put_what_is_built_in_place();
    // The password is typed once and sudo remembers it, as on a terminal.
    fs::write(
        "/etc/sudoers.d/pat",
        format!("{USER} ALL=(ALL) ALL\nDefaults:{USER} timestamp_timeout=60, timestamp_type=global, lecture=never\n"),
    )
    .unwrap();
    pipe(
        Command::new("runuser").args(["-u", USER, "--", "sudo", "-S", "-v", "-p", ""]),
        &format!("{PASSWORD}\n"),
    );
    let before = stacks();
    let lines = typed_lines();
    assert!(lines.len() >= 7, "{lines:?}");

    let mut confirmed = false;
    for line in &lines {
        let (mut typed, mut answer) = (line.clone(), String::new());
        if line.contains("authyctl init") {
            let ca = machine.sim.path("ca.pem");
            typed = format!(
                "{line} --url {} --ca-file {}",
                machine.sim.url(),
                ca.display()
            );
            answer = machine.sim.key();
        } else if line.contains("authyctl test") {
            answer = machine.token();
        } else if line.contains("pam confirm") {
            machine.wait_for_sshd();
            let output = machine.ssh(&[&machine.token()]);
            assert!(is_inside(&output), "{output:?}");
            confirmed = true;
        }
        let output = type_line(&typed, &answer);
        assert!(
            output.status.success(),
            "{line}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    assert!(confirmed, "the README ends with a confirmed change");
    assert_ne!(stacks(), before);
    assert!(is_inside(&machine.ssh(&[&machine.token()])));
    assert!(!is_inside(&machine.ssh(&["1111111", "1111111", "1111111"])));
}
