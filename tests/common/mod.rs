//! Helpers that the integration tests share: a running authy-sim, a host with files and a PAM
//! stack, a root sandbox, a terminal and a browser.
//!
//! Helpers panic, and so fail the test, instead of returning errors.

pub(crate) mod application;
pub(crate) mod audit;
pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod compiled;
pub(crate) mod directory;
pub(crate) mod fail2ban;
pub(crate) mod fake_engine;
pub(crate) mod host;
pub(crate) mod hostile;
pub(crate) mod journald;
pub(crate) mod logins;
pub(crate) mod numbers;
pub(crate) mod provider;
pub(crate) mod relay;
pub(crate) mod rows;
pub(crate) mod sandbox;
pub(crate) mod service;
pub(crate) mod sim;
pub(crate) mod syslog;
pub(crate) mod terminal;
pub(crate) mod totp;
pub(crate) mod trace;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The full path of the test in whose body the macro stands, as libtest knows it (`module::name`).
/// It is for tests that start themselves again, and works in no closure.
macro_rules! test_name {
    () => {{
        fn here() {}
        $crate::common::name_of(here)
    }};
}
pub(crate) use test_name;

/// Returns the full path of the function in whose body the function `_here` is defined, without the
/// name of the crate.
pub(crate) fn name_of<T: Fn()>(_here: T) -> &'static str {
    let path = std::any::type_name::<T>();
    let (_crate, path) = path.split_once("::").unwrap();
    let (path, _here) = path.rsplit_once("::").unwrap();
    assert!(!path.contains('{'), "{path} is a closure and no test");
    path
}

/// Returns how often a test repeats what is random, or what is killed at another moment each time:
/// `count` times, and more often in `make check-long`, which sets `PAM_AUTHY_TEST_ROUNDS` to a
/// factor.
pub(crate) fn rounds(count: u32) -> u32 {
    let factor = std::env::var("PAM_AUTHY_TEST_ROUNDS");
    count
        * factor.map_or(1, |factor| {
            factor.parse().expect("PAM_AUTHY_TEST_ROUNDS is a number")
        })
}

/// Returns the path of the product: the file that is installed, not the library that is linked to
/// the tests.
pub(crate) fn product() -> PathBuf {
    let path = std::env::var_os("PAM_AUTHY_SO").map(PathBuf::from);
    path.expect("PAM_AUTHY_SO names the product: see CONTRIBUTING.md")
}

/// Returns the path of the product's engine.
pub(crate) fn engine() -> PathBuf {
    let path = std::env::var_os("PAM_AUTHYD").map(PathBuf::from);
    path.expect("PAM_AUTHYD names the product's engine: see CONTRIBUTING.md")
}

/// Installs the engine where the module of the product looks for it. In a sandbox only.
pub(crate) fn install_engine() {
    assert!(sandbox::is_inside(), "only in a sandbox");
    let folder = Path::new("/usr/libexec/pam_authy");
    fs::create_dir_all(folder).unwrap();
    install(&engine(), &folder.join("pam_authyd"), 0o755);
}

/// Copies a file and sets its mode. A checkout made with umask 002 is not trusted, and neither is
/// what is built in it. install(1) does it, because a process that another thread starts meanwhile
/// would have the copy open for writing, and a program that is open for writing cannot be started.
pub(crate) fn install(from: &Path, to: &Path, mode: u32) {
    let mut install = Command::new("install");
    let install = install.args(["-m", &format!("{mode:o}")]).arg(from).arg(to);
    assert!(install.status().unwrap().success(), "{install:?}");
}

/// Installs module and engine in `folder`, and returns their paths.
pub(crate) fn install_product(folder: &Path) -> (PathBuf, PathBuf) {
    let (module, program) = (folder.join("pam_authy.so"), folder.join("pam_authyd"));
    install(&product(), &module, 0o644);
    install(&engine(), &program, 0o755);
    (module, program)
}

/// Mounts a file system of `size` in memory, visible in this sandbox only, and returns its folder.
pub(crate) fn disk(size: &str) -> PathBuf {
    let path = PathBuf::from("/srv/pam_authy-disk");
    fs::create_dir_all(&path).unwrap();
    mount(
        &[
            "-t",
            "tmpfs",
            "-o",
            &format!("size={size},mode=0755"),
            "tmpfs",
        ],
        &path,
    );
    path
}

/// Runs mount(8).
pub(crate) fn mount(arguments: &[&str], path: &Path) {
    let status = Command::new("mount")
        .args(arguments)
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Runs a program with `input` on standard input; it must succeed.
pub(crate) fn pipe(command: &mut Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}");
}

/// Waits until a server listens at this port of 127.0.0.1; the test fails after half a minute.
pub(crate) fn wait_for_server(port: u16) {
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "no server listens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_name_of_a_test_is_the_one_that_libtest_gave_its_thread() {
        assert_eq!(std::thread::current().name(), Some(test_name!()));
    }
}
