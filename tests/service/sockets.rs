//! What the listener listens on.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Client, socket};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::{FOLDER, Service};
use crate::common::{engine, install};

/// What a listener says that cannot listen in the folder.
fn refusal() -> String {
    let program = Path::new("/opt/pam_authyd");
    install(&engine(), program, 0o755);
    let output = Command::new("timeout")
        .arg("5")
        .arg(program)
        .args(["--listen", FOLDER])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
#[ignore = "needs root"]
fn the_listener_makes_a_folder_for_all_and_a_socket_for_root() {
    sandboxed!();
    let _ = fs::remove_dir_all(FOLDER);
    let _service = Service::start();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    let socket = Path::new(FOLDER).join("socket");
    assert_eq!(mode(Path::new(FOLDER)), 0o755);
    assert_eq!(mode(&socket), 0o600);
    assert!(
        fs::symlink_metadata(socket)
            .unwrap()
            .file_type()
            .is_socket()
    );
}

#[test]
#[ignore = "needs root"]
fn a_second_listener_leaves_the_socket_to_the_first() {
    sandboxed!();
    let _service = Service::start();
    assert_eq!(
        refusal(),
        "pam_authyd: /run/pam_authy: another pam_authyd listens here\n"
    );
    assert!(Client::connect().is_some());
}

#[test]
#[ignore = "needs root"]
fn a_listener_takes_the_place_of_a_dead_one_and_of_nothing_else() {
    sandboxed!();
    let clear = || {
        let _ = fs::remove_dir_all(FOLDER);
        fs::create_dir(FOLDER).unwrap();
        fs::set_permissions(FOLDER, fs::Permissions::from_mode(0o755)).unwrap();
    };
    clear();
    drop(UnixListener::bind(socket()).unwrap());
    drop(Service::start());

    let rows: [(fn(), &str); 4] = [
        (
            || fs::write(socket(), "").unwrap(),
            "/socket: is there already, and is no socket",
        ),
        (
            || std::mem::forget(UnixListener::bind(socket()).unwrap()),
            "/socket: something listens here already",
        ),
        (
            || fs::set_permissions(FOLDER, fs::Permissions::from_mode(0o775)).unwrap(),
            "can be written by others (mode 0775)",
        ),
        (
            || chown(FOLDER, Some(12345), None).unwrap(),
            "belongs to uid 12345",
        ),
    ];
    check_rows(rows, |(prepare, expected)| {
        clear();
        prepare();
        let refusal = refusal();
        assert!(refusal.contains(expected), "{refusal}");
    });
}

#[test]
#[ignore = "needs root"]
fn a_passed_socket_counts_only_for_the_process_that_it_was_passed_to() {
    sandboxed!();
    let _ = fs::remove_dir_all(FOLDER);
    let program = Path::new("/opt/pam_authyd");
    install(&engine(), program, 0o755);
    let mut other = Command::new(program)
        .args(["--listen", FOLDER])
        .envs([("LISTEN_PID", "1"), ("LISTEN_FDS", "1")])
        .spawn()
        .unwrap();
    while Client::connect_if_there().is_none() {
        assert!(other.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    other.kill().unwrap();
    other.wait().unwrap();

    // The process that has this number is the shell, and then the engine.
    let script = "LISTEN_PID=$$ LISTEN_FDS=$0 exec /opt/pam_authyd --listen /run/other 3</dev/null";
    let rows = [
        ("1", "descriptor 3 is no listening Unix socket"),
        ("3", "LISTEN_FDS=3: one or two sockets are needed"),
    ];
    check_rows(rows, |(count, expected)| {
        let output = Command::new("sh")
            .args(["-c", script, count])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{text}");
    });
}
