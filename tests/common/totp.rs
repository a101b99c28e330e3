//! Codes of authenticator apps, as the real oathtool computes them, and files of the real
//! google-authenticator.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::unistd::{User, geteuid};

/// A secret of 20 bytes.
pub(crate) const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Returns the code of a base-32 secret in `ahead` seconds. Waits where the present step has less
/// than 5 s left, so that the code is still one of this step when it is used.
pub(crate) fn oathtool(secret: &str, ahead: i64) -> String {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let left = 30 - now().as_secs() % 30;
    if left < 5 {
        std::thread::sleep(Duration::from_secs(left));
    }
    code_at(secret, now().as_secs().saturating_add_signed(ahead))
}

/// Returns the code of a base-32 secret at a time in seconds since 1970.
pub(crate) fn code_at(secret: &str, time: u64) -> String {
    let output = Command::new("oathtool")
        .args(["--totp", "--base32", &format!("--now=@{time}"), secret])
        .output()
        .expect("oathtool is installed: scripts/prerequisites.sh check");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// Makes a file of the real google-authenticator in `home`, and returns its path.
pub(crate) fn google_authenticator(home: &Path, kind: &str) -> PathBuf {
    let status = Command::new("google-authenticator")
        .args([kind, "-f", "-q", "-C", "-Q", "NONE", "-w", "3", "-e", "5"])
        .args(if kind == "-t" { &["-D"][..] } else { &[] })
        .args(["-r", "3", "-R", "30"])
        .env("HOME", home)
        .status()
        .expect("google-authenticator is installed: scripts/prerequisites.sh check");
    assert!(status.success());
    home.join(".google_authenticator")
}

/// The name of the user who runs the tests.
pub(crate) fn own_name() -> String {
    User::from_uid(geteuid()).unwrap().unwrap().name
}
