//! doas: the users that it does not ask for a password, according to doas.conf(5).

use std::fs;
use std::path::{Path, PathBuf};

use pam_authy::base::text::sanitize;

use super::{Finding, Protected};

const CHECK: &str = "doas";
const CONFIG: &str = "/etc/doas.conf";
/// Alpine's folder of further files, which end with `.conf`.
const FOLDER: &str = "/etc/doas.d";

/// Checks doas, when it is protected.
pub(super) fn check(protected: &[Protected]) -> Vec<Finding> {
    if !protected.iter().any(|stack| stack.service == "doas") {
        return Vec::new();
    }
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "conf"));
    files.sort();
    let files = [PathBuf::from(CONFIG)].into_iter().chain(files);
    files.flat_map(|path| of_file(&path)).collect()
}

fn of_file(path: &Path) -> Vec<Finding> {
    let text = fs::read(path).unwrap_or_default();
    let unasked = unasked(&String::from_utf8_lossy(&text));
    let finding = |(line, who): (usize, String)| {
        let message = format!(
            "{}:{line}: nopass: {} is asked for nothing by doas",
            path.display(),
            sanitize(&who)
        );
        Finding::warning(CHECK, message)
            .hint("doas does not call PAM there: remove it if a code is wanted")
    };
    unasked.into_iter().map(finding).collect()
}

/// Returns the lines of the rules with `nopass`, and the user or group of each.
fn unasked(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        if words.next() != Some("permit") {
            continue;
        }
        let mut is_unasked = false;
        let mut is_in_braces = false;
        let who = words.find(|word| {
            is_unasked |= *word == "nopass";
            let is_option = ["nopass", "nolog", "persist", "keepenv", "setenv"].contains(word);
            is_in_braces |= *word == "{";
            let is_name = !is_option && !is_in_braces;
            is_in_braces &= *word != "}";
            is_name
        });
        if let Some(who) = who.filter(|_| is_unasked) {
            found.push((at + 1, who.trim_matches('"').to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_without_a_password_are_found_with_whom_they_are_for() {
        let text = "# permit nopass x\npermit persist :wheel\npermit nopass keepenv alice as root\n\
                    permit setenv { A=b PATH } nopass :ops cmd reboot\ndeny nopass bob\n";
        let expected = [(3, "alice".to_owned()), (4, ":ops".to_owned())];
        assert_eq!(unasked(text), expected);
    }
}
