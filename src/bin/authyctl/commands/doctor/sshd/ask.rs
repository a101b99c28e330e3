//! sshd's settings for one connection, as `sshd -T -C user=…,host=…,addr=…` prints them (sshd(8)).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use pam_authy::base::text;

use super::conditions::Connection;
use crate::commands::program;

/// sshd's settings for one connection, by their names in lower case. A setting that sshd prints in
/// several lines has its values joined by blanks.
pub(super) type Settings = BTreeMap<String, String>;

/// Has sshd print its settings for a login of `user` over `connection`, with every condition that a
/// Match block can name; blocks for about 10 ms, five seconds at most.
///
/// # Errors
/// sshd cannot be run, or refuses its settings; the first line that it printed.
pub(super) fn ask(
    program: &str,
    user: &str,
    connection: &Connection,
    settings_file: Option<&Path>,
) -> Result<Settings, String> {
    // A comma would begin another condition.
    if user.contains([',', '=']) {
        return Ok(Settings::new());
    }
    let Connection {
        host,
        address,
        local_address,
        local_port,
        routing_domain,
        ..
    } = connection;
    let conditions = format!(
        "user={user},host={host},addr={address},laddr={local_address},lport={local_port},rdomain={routing_domain}"
    );
    let mut command = Command::new(program);
    command
        .args(["-T", "-C", &conditions])
        .args(settings_file.map(|_| "-f"))
        .args(settings_file);
    let output = program::run(&mut command).map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        let line = text::sanitize(error.lines().next().unwrap_or("failed"));
        return Err(format!("sshd -T: {line}"));
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Parses lines of `name value`.
pub(super) fn parse(text: &str) -> Settings {
    let mut settings = Settings::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        let all = settings.entry(name.to_lowercase()).or_default();
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(value.trim());
    }
    settings
}
