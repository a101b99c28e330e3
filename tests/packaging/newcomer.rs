//! Newcomers who have only a page: each line of "Protect ssh" of the README and of
//! "The first login with Authy", typed unchanged, leads from a fresh machine to a protected sshd.
//!
//! The tests add only what a person knows: the API key, the code, and the address of the service
//! (the simulator's instead of Authy's, as options of `init`). The programs that `make deb` would
//! compile are already built.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::bare::BareDebian;
use super::docs::section;
use super::machine::{Machine, SUDO_REMEMBERS, USER, is_inside, let_sudo_remember, stacks};
use super::{AUTHY_SIM, AUTHYCTL, root, stdout_of, text_of};
use crate::common::sandbox::sandboxed;
use crate::common::terminal::Terminal;
use crate::common::totp::oathtool;
use crate::common::{engine, product};

/// Returns the commands of a section of a page, in their order.
pub(super) fn typed_lines(page: &str, heading: &str) -> Vec<String> {
    let page = text_of(page);
    let mut inside = false;
    let mut lines = Vec::new();
    for line in section(&page, heading).map(str::trim) {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

/// Makes `command`, which runs what follows as root, type a line as the sudoer.
fn type_into(command: &mut Command, line: &str) {
    command
        .args([
            "timeout",
            "--foreground",
            "300",
            "runuser",
            "-u",
            USER,
            "--",
            "sh",
            "-c",
            line,
        ])
        .env("USER", USER)
        .env(
            "PATH",
            "/opt/cargo:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .env("DEB_COMPRESSION", "none")
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
        command.env_remove(variable);
    }
}

/// Types a line in the checkout, on this machine, with `answer` on standard input.
pub(super) fn type_line(line: &str, answer: &str) -> Output {
    answered(&mut shell_here(line), answer)
}

pub(super) fn shell_here(line: &str) -> Command {
    let mut shell = Command::new("env");
    type_into(&mut shell, line);
    shell.current_dir(root());
    shell
}

/// Runs the command with `answer` as the only line of its standard input.
fn answered(command: &mut Command, answer: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let answers = folder.path().join("answers");
    fs::write(&answers, format!("{answer}\n")).unwrap();
    let answers = fs::File::open(answers).unwrap();
    command.stdin(Stdio::from(answers)).output().unwrap()
}

/// Runs the command, which protects a service, on a real terminal: does `try_it` while it waits, then
/// types "yes".
pub(super) fn confirmed(command: &Command, try_it: impl FnOnce()) {
    let quoted = |word: &OsStr| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
    let mut words = vec!["env".to_owned()];
    let variables: Vec<_> = command.get_envs().collect();
    let removed = variables.iter().filter(|(_, value)| value.is_none());
    words.extend(removed.map(|(name, _)| format!("-u {}", quoted(name))));
    let set = variables
        .iter()
        .filter_map(|(name, value)| Some((name, (*value)?)));
    words.extend(set.map(|(name, value)| format!("{}={}", name.to_string_lossy(), quoted(value))));
    words.push(quoted(command.get_program()));
    words.extend(command.get_args().map(quoted));
    let terminal = Terminal::start(&words.join(" "));
    terminal.wait_for("type \"yes\" to keep the change");
    try_it();
    terminal.press(&["yes", "Enter"]);
    terminal.wait_for(" is kept");
    terminal.wait_for("ended with 0");
}

#[track_caller]
pub(super) fn assert_done(line: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{line}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Puts the programs that `make deb` would compile where it looks for them; on file systems of the
/// sandbox, so that nothing of it gets into the checkout. They belong to the user `owner`. Below
/// `machine` there is a cargo, as the README requires, which has nothing to do.
pub(super) fn put_what_is_built_in_place(owner: &str, machine: &Path) {
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
        stdout_of(Command::new("chown").args(["-R", owner]).arg(folder));
    }
    let cargo = machine.join("opt/cargo");
    fs::create_dir_all(&cargo).unwrap();
    fs::write(
        cargo.join("cargo"),
        "#!/bin/sh\necho 'cargo 1.95.0 (f2d3ce0bd 2026-03-21)'\n",
    )
    .unwrap();
    stdout_of(Command::new("chmod").arg("0755").arg(cargo.join("cargo")));
    // The sudoer must reach the checkout, which may be in root's home.
    let mut folder = root().parent();
    while let Some(above) = folder.filter(|above| *above != Path::new("/")) {
        stdout_of(Command::new("chmod").arg("o+x").arg(above));
        folder = above.parent();
    }
}

#[test]
#[ignore = "needs root"]
fn a_newcomer_gets_to_a_protected_sshd_on_a_bare_debian_by_typing_the_readme() {
    sandboxed!();
    let bare = BareDebian::new(SUDO_REMEMBERS);
    put_what_is_built_in_place(BareDebian::OWNER, bare.root());
    bare.mount_checkout();
    let type_there = |line: &str| {
        let mut shell = bare.command();
        type_into(&mut shell, &format!("cd ~/pam_authy && {line}"));
        shell
    };
    let lines = typed_lines("README.md", "Protect ssh");
    assert!((5..=8).contains(&lines.len()), "{lines:?}");
    assert!(
        is_inside(&bare.client.log_in(&[])),
        "the password is enough"
    );

    let mut secret = String::new();
    for line in &lines {
        let mut shell = type_there(line);
        if line.contains("enroll") {
            secret = bare.enroll(&mut shell);
        } else if line.contains("pam enable") {
            confirmed(&shell, || {
                bare.client.wait_for_sshd();
                // The code that was typed at the enrolment is used up, and so is this one after it.
                let code = oathtool(&secret, 30);
                let first = bare.client.log_in(&[&code]);
                assert!(is_inside(&first), "{first:?} {:?}", bare.log());
                assert!(!is_inside(&bare.client.log_in(&[code.as_str(); 3])));
            });
        } else {
            // apt asks whether to continue.
            assert_done(line, &answered(&mut shell, "y"));
        }
    }

    let log = bare.log();
    assert!(
        log[0].contains("verdict=accepted") && log[0].contains("provider=totp totp=\"pat\""),
        "{log:?}"
    );
    assert!(log[1].contains("reason=wrong_code"), "{log:?}");
    let doctor = type_there("sudo authyctl doctor").output().unwrap();
    assert_done("doctor", &doctor);
}

#[test]
#[ignore = "needs root"]
fn an_administrator_with_a_key_gets_to_a_protected_sshd_by_typing_the_page() {
    sandboxed!();
    let machine = Machine::new();
    put_what_is_built_in_place(USER, Path::new("/"));
    let_sudo_remember();
    let before = stacks();
    let lines = typed_lines("docs/authy-service.md", "The first login with Authy");
    assert!(lines.len() >= 6, "{lines:?}");

    let mut is_confirmed = false;
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
        } else if line.contains("pam enable") {
            confirmed(&shell_here(line), || {
                machine.wait_for_sshd();
                let output = machine.ssh(&[&machine.token()]);
                assert!(is_inside(&output), "{output:?}");
            });
            is_confirmed = true;
            continue;
        }
        assert_done(line, &type_line(&typed, &answer));
    }

    assert!(is_confirmed, "the page ends with a confirmed change");
    assert_ne!(stacks(), before);
    assert!(is_inside(&machine.ssh(&[&machine.token()])));
    assert!(!is_inside(&machine.ssh(&["1111111", "1111111", "1111111"])));
}
