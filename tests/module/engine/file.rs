//! The file of an engine: what is not root's alone, or no program, is not started.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{SERVICE_ERR, SUCCESS};
use crate::common::application::run;
use crate::common::fake_engine::{ACCEPTS, FakeEngine};
use crate::common::install;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::syslog::Syslog;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn give(path: &Path) {
    lchown(path, Some(12345), None).unwrap();
}

/// Puts other bytes into the place of the engine.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
    chmod(path, 0o755);
}

/// Puts a link there to the engine, which is moved into a folder of its own.
fn link(path: &Path) {
    let folder = path.with_extension("folder");
    fs::create_dir(&folder).unwrap();
    chmod(&folder, 0o755);
    install(path, &folder.join("engine"), 0o755);
    let script = path.with_extension("script");
    fs::copy(script, folder.join("engine.script")).unwrap();
    fs::remove_file(path).unwrap();
    symlink(folder.join("engine"), path).unwrap();
}

type Change = fn(&Path);

/// What the log says about each change of the engine's file.
const REFUSED: [(&str, Change, &str); 17] = [
    (
        "writable by its group",
        |path| chmod(path, 0o775),
        "can be written by others",
    ),
    (
        "writable by others",
        |path| chmod(path, 0o757),
        "can be written by others",
    ),
    ("another user's", give, "belongs to uid 12345"),
    (
        "in a folder that others can write",
        |path| chmod(path.parent().unwrap(), 0o777),
        "can be written by others",
    ),
    (
        "in another user's folder",
        |path| give(path.parent().unwrap()),
        "belongs to uid 12345",
    ),
    (
        "behind another user's link",
        |path| {
            link(path);
            give(path);
        },
        "belongs to uid 12345",
    ),
    (
        "behind a link, another user's",
        |path| {
            link(path);
            give(&path.with_extension("folder").join("engine"));
        },
        "belongs to uid 12345",
    ),
    (
        "behind a link, in a folder that others can write",
        |path| {
            link(path);
            chmod(&path.with_extension("folder"), 0o777);
        },
        "can be written by others",
    ),
    (
        "missing",
        |path| fs::remove_file(path).unwrap(),
        "No such file",
    ),
    (
        "a FIFO",
        |path| {
            fs::remove_file(path).unwrap();
            mkfifo(path, Mode::S_IRWXU).unwrap();
        },
        "not a regular file",
    ),
    (
        "a folder",
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        "not a regular file",
    ),
    (
        "a device",
        |path| {
            fs::remove_file(path).unwrap();
            symlink("/dev/zero", path).unwrap();
        },
        "not a regular file",
    ),
    (
        "a link to itself",
        |path| {
            fs::remove_file(path).unwrap();
            symlink(path, path).unwrap();
        },
        "too many links",
    ),
    (
        "not executable",
        |path| chmod(path, 0o644),
        "Permission denied",
    ),
    (
        "a script",
        |path| replace(path, b"#!/bin/sh\ntouch /tmp/engine-ran\n"),
        "No such file",
    ),
    ("empty", |path| replace(path, b""), "Exec format error"),
    (
        "cut",
        |path| {
            let bytes = fs::read(path).unwrap();
            replace(path, &bytes[..40]);
        },
        "Exec format error",
    ),
];

#[test]
#[ignore = "needs root"]
fn an_engine_that_is_not_roots_alone_or_no_program_is_not_started() {
    sandboxed!();
    let log = Syslog::start();
    check_rows(
        REFUSED.into_iter().enumerate(),
        |(number, (what, change, why))| {
            let user = format!("user{number}");
            let fake = FakeEngine::new(&ACCEPTS.replace("USER", &user));
            let path = fake.path("pam_authyd");
            change(&path);
            let said = run(fake.command(&user, &[]), &[]);
            assert_eq!(said.codes(), [SERVICE_ERR], "{what}: {said:?}");
            assert!(said.is_unchanged(), "{what}: {said:?}");
            let user = format!("user=\"{user}\"");
            let lines = log.lines(&user);
            assert!(
                lines.len() == 1 && lines[0].contains("reason=engine"),
                "{lines:?}"
            );
            let detail = log.line_before(&user);
            let names_it = detail.contains(&format!("the engine {}", path.display()));
            assert!(names_it && detail.contains(why), "{what}: {detail}");
        },
    );
    assert!(!Path::new("/tmp/engine-ran").exists());
}

#[test]
#[ignore = "needs root"]
fn an_engine_behind_a_link_of_roots_is_started() {
    let fake = FakeEngine::new(&ACCEPTS.replace("USER", "alice"));
    link(&fake.path("pam_authyd"));
    let said = run(fake.command("alice", &[]), &[]);
    assert_eq!(said.codes(), [SUCCESS], "{said:?}");
}
