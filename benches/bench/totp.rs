//! The second section of the table: a login by the code of an app that the host itself checks, by
//! pam_authy and by pam_google_authenticator.
//!
//! Both accept a code once. So that each login has a code that was not used, both forget the last
//! one before it, outside of what is measured: `authyctl totp reset` sets the step to zero in its
//! file, and the file of the other module is written again without a used step.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Error;
use crate::files::find_module;
use crate::report::Report;
use crate::rows::login;
use crate::testbed::Testbed;

/// The secret of both, 20 bytes `A`, in base32.
pub(crate) const SECRET: &str = "IFAUCQKBIFAUCQKBIFAUCQKBIFAUCQKB";

/// The rows: the id, the stack, and the label.
const ROWS: [(&str, &str, &str); 3] = [
    ("app-permit", "permit", "pam_permit in the same place"),
    ("app-google", "google", "pam_google_authenticator"),
    ("app-totp", "totp", "pam_authy, TOTP on this host"),
];

/// Measures the rows in turns. Without pam_google_authenticator its row is left out.
///
/// # Errors
/// If a login does not end with PAM_SUCCESS.
pub(crate) fn logins(testbed: &Testbed, rounds: usize, report: &mut Report) -> Result<(), Error> {
    report.section(
        "An app on this host",
        "as above, without any service: /google: what of it is above pam_permit's, that of \
         pam_google_authenticator with DISALLOW_REUSE = 1.",
    );
    let has_google = find_module("pam_google_authenticator.so").is_some();
    let rows: Vec<_> = ROWS
        .into_iter()
        .filter(|(_, service, _)| *service != "google" || has_google)
        .collect();
    let mut costs = vec![Vec::new(); rows.len()];
    // The first round fills the caches and does not count.
    for round in 0..=rounds {
        for ((_, service, _), costs) in rows.iter().zip(&mut costs) {
            forget_last(testbed, service)?;
            let cost = login(testbed, service, &code()?, Duration::ZERO)?;
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    for ((id, _, label), costs) in rows.iter().zip(&costs) {
        report.add_process(id, label, costs);
    }
    report.print_processes("app-permit", ("app-google", "google"));
    Ok(())
}

/// Makes the module of this stack forget the last code.
fn forget_last(testbed: &Testbed, service: &str) -> Result<(), Error> {
    match service {
        "google" => write_google_file(testbed),
        "totp" => {
            let status = Command::new(env!("CARGO_BIN_EXE_authyctl"))
                .arg("--config")
                .arg(testbed.path("totp.config"))
                .arg("--users")
                .arg(testbed.path("app/users.toml"))
                .args(["totp", "reset", "alice"])
                .stdout(Stdio::null())
                .status()?;
            let failed = || "authyctl totp reset failed".into();
            status.success().then_some(()).ok_or_else(failed)
        }
        _ => Ok(()),
    }
}

/// Writes the file of pam_google_authenticator as its own program does with `-D`.
fn write_google_file(testbed: &Testbed) -> Result<(), Error> {
    let (path, new) = (testbed.path("google.secret"), testbed.path("google.new"));
    let text = format!("{SECRET}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n");
    fs::write(&new, text)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o400))?;
    Ok(fs::rename(new, path)?)
}

/// Returns the code that the app shows now (RFC 6238, 30 s, 6 digits).
fn code() -> Result<String, Error> {
    let step = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 30;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[b'A'; 20]);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", number % 1_000_000))
}
