//! sshd's settings for one connection, as `sshd -T -C user=…,host=…,addr=…` prints them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use pam_authy::base::text;

/// sshd's settings for one connection, by their names in small letters.
pub(super) type Settings = BTreeMap<String, String>;
pub(super) fn ask(
    program: &str,
    user: &str,
    host: &str,
    address: &str,
    settings_file: Option<&Path>,
) -> Result<Settings, String> {
    // A comma would begin another condition.
    if user.contains([',', '=']) {
        return Ok(Settings::new());
    }
    let output = Command::new(program)
        .args(["-T", "-C"])
        .arg(format!("user={user},host={host},addr={address}"))
        .args(settings_file.map(|_| "-f"))
        .args(settings_file)
        .env_clear()
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        let line = text::sanitize(error.lines().next().unwrap_or("failed"));
        return Err(format!("sshd -T: {line}"));
    }
    Ok(settings(&String::from_utf8_lossy(&output.stdout)))
}

pub(super) fn settings(text: &str) -> Settings {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect()
}
