//! fail2ban's own program with our filter: which addresses it finds. scripts/peers.sh unpacks it.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Returns the addresses that it finds in the text of a log, one for each line.
pub(crate) fn found_in_text(log: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.log");
    fs::write(&file, log).unwrap();
    found(&file.display().to_string())
}

/// Returns the addresses that it finds in the journal in `folder` by the filter's `journalmatch`.
pub(crate) fn found_in_journal(folder: &Path) -> Vec<String> {
    found(&format!(
        "systemd-journal[journalpath={}]",
        folder.display()
    ))
}

fn found(log: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fail2ban = root.join("target/peers/fail2ban");
    // The packages are for the distribution's Python.
    let mut regex = Command::new("/usr/bin/python3");
    regex
        .env("PYTHONPATH", fail2ban.join("usr/lib/python3/dist-packages"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(fail2ban.join("usr/bin/fail2ban-regex"))
        .arg("-c")
        .arg(fail2ban.join("etc/fail2ban"))
        .args(["-o", "ip", log])
        .arg(root.join("packaging/examples/fail2ban/pam_authy.conf"));
    let output = regex.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
