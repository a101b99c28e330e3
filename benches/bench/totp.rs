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

/// The key of both.
pub(crate) const KEY: [u8; 20] = [b'A'; 20];

/// The rows: the id, the stack, and the label.
const ROWS: [(&str, &str, &str); 4] = [
    ("app-permit", "permit", "pam_permit in the same place"),
    ("app-google", "google", "pam_google_authenticator"),
    ("app-totp", "totp", "pam_authy, TOTP on this host"),
    ("app-served", "served-totp", "the same by the service"),
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
    let is_there = |service: &str| match service {
        "google" => find_module("pam_google_authenticator.so").is_some(),
        "served-totp" => testbed.service.is_some(),
        _ => true,
    };
    let rows: Vec<_> = ROWS
        .into_iter()
        .filter(|(_, service, _)| is_there(service))
        .collect();
    let mut costs = vec![Vec::new(); rows.len()];
    // The first round fills the caches and does not count.
    for round in 0..=rounds {
        for ((_, service, _), costs) in rows.iter().zip(&mut costs) {
            forget_last(testbed, service)?;
            let cost = login(testbed, service, &code(&KEY)?, Duration::ZERO)?;
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
        "totp" | "served-totp" => {
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
    let text = format!("{}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n", base32(&KEY));
    fs::write(&new, text)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o400))?;
    Ok(fs::rename(new, path)?)
}

/// Returns the code that an app with this key shows now (RFC 6238, 30 s, 6 digits).
///
/// # Errors
/// If the clock is wrong.
pub(crate) fn code(key: &[u8; 20]) -> Result<String, Error> {
    let step = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 30;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", number % 1_000_000))
}

/// Returns a key as it is written in files (RFC 4648, base 32).
pub(crate) fn base32(key: &[u8; 20]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // Five bytes are eight digits.
    let digits = key.chunks(5).flat_map(|bytes| {
        let bits = bytes
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        (0..8).map(move |at| char::from(DIGITS[(bits >> (35 - 5 * at) & 31) as usize]))
    });
    digits.collect()
}
