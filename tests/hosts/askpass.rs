//! A program that answers the prompts of ssh and `sudo -A`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use super::accounts::write;
use super::login::{Given, codes, password};

const PROGRAM: &str = "/usr/local/bin/ask";
/// Writes down what was asked for, too.
const SCRIPT: &str = r#"#!/bin/sh
case $1 in
*erification*)
    echo code >>"$ASKED"
    if [ -e "$ASKED.1" ]; then echo "$CODE2"; else : >"$ASKED.1"; echo "$CODE1"; fi ;;
*) echo other >>"$ASKED"; echo "$PASSWORD" ;;
esac
"#;

/// The answers of one login.
pub(super) struct Askpass {
    folder: TempDir,
}

impl Askpass {
    /// Has a command use it for one login. Any user can.
    pub(super) fn new(command: &mut Command, given: Given) -> Self {
        write(PROGRAM, 0o755, SCRIPT);
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let [code, next] = codes(given);
        command
            .env("SSH_ASKPASS", PROGRAM)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("SUDO_ASKPASS", PROGRAM)
            .env("ASKED", folder.path().join("asked"))
            .env("PASSWORD", password(given))
            .env("CODE1", code)
            .env("CODE2", next);
        Self { folder }
    }

    /// Returns how often a code was asked for, and anything else.
    pub(super) fn counts(self) -> (usize, usize) {
        let asked = fs::read_to_string(self.folder.path().join("asked"));
        let asked = asked.unwrap_or_default();
        (
            asked.matches("code").count(),
            asked.matches("other").count(),
        )
    }
}
