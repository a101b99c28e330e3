//! sshd's settings for one connection, as `sshd -T -C user=…,host=…,addr=…` prints them (sshd(8)).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use pam_authy::base::text;

/// sshd's settings for one connection, by their names in lower case.
pub(super) type Settings = BTreeMap<String, String>;

/// A connection about which sshd is asked.
pub(super) struct Connection<'a> {
    pub(super) user: &'a str,
    pub(super) host: &'a str,
    pub(super) address: &'a str,
}

/// Has sshd print its settings for `connection`; blocks until it has, which takes some 10 ms.
///
/// # Errors
/// sshd cannot be run, or refuses its settings; the first line that it printed.
pub(super) fn ask(
    program: &str,
    connection: &Connection<'_>,
    settings_file: Option<&Path>,
) -> Result<Settings, String> {
    let Connection {
        user,
        host,
        address,
    } = connection;
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
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Parses lines of `name value`.
pub(super) fn parse(text: &str) -> Settings {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect()
}
