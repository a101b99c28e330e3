//! A host that syncs: its configuration, mapping and state in a temporary folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::slapd::{BASE, PASSWORD, READER, Slapd};

/// The attributes of the schema of the docs.
pub(super) const ATTRIBUTES: &str = "[directory.attributes]\nauthy_id = \"pamAuthyId\"\n";

#[derive(Debug)]
pub(super) struct SyncHost {
    folder: TempDir,
}

impl SyncHost {
    /// A host that reads people and their Authy ids from `url`, as the reader.
    pub(super) fn of(slapd: &Slapd, url: &str) -> Self {
        Self::with(slapd, &format!("url = \"{url}\"\n"), ATTRIBUTES)
    }

    /// The same, with lines of `[directory]`, and what follows that table.
    pub(super) fn with(slapd: &Slapd, lines: &str, rest: &str) -> Self {
        let host = Self::bare();
        let path = |name: &str| host.path(name).display().to_string();
        host.write("password", &format!("{PASSWORD}\n"), 0o600);
        host.write("users.toml", "", 0o644);
        fs::copy(slapd.path("ca.pem"), host.path("ca.pem")).unwrap();
        let (password, ca) = (path("password"), path("ca.pem"));
        host.directory(&format!(
            "{lines}ca_file = \"{ca}\"\nbind_dn = \"{READER}\"\npassword_file = \"{password}\"\n\
             timeout_seconds = 30\n{rest}"
        ));
        host
    }

    /// A host that binds by SASL EXTERNAL.
    pub(super) fn external(url: &str) -> Self {
        let host = Self::bare();
        host.directory(&format!(
            "url = \"{url}\"\ntimeout_seconds = 30\n{ATTRIBUTES}"
        ));
        host
    }

    fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.path().join("state"), mode).unwrap();
        Self { folder }
    }

    /// Writes config.toml with this table `[directory]`.
    pub(super) fn directory(&self, table: &str) {
        let state = self.path("state").display().to_string();
        let text = format!(
            "[paths]\nstate = \"{state}\"\n\n[directory]\nbase = \"{BASE}\"\n\
             preset = \"inetorgperson\"\n{table}"
        );
        self.write("config.toml", &text, 0o600);
    }

    /// Replaces a part of config.toml.
    pub(super) fn replace(&self, old: &str, new: &str) {
        let config = fs::read_to_string(self.path("config.toml")).unwrap();
        assert!(config.contains(old), "{old} is not in {config}");
        self.write("config.toml", &config.replace(old, new), 0o600);
    }

    /// Gives each operation two seconds, for servers that say nothing.
    pub(super) fn impatient(self) -> Self {
        self.replace("timeout_seconds = 30", "timeout_seconds = 2");
        self
    }

    pub(super) fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authyctl"));
        command.arg("--config").arg(self.path("config.toml"));
        command.arg("--users").arg(self.path("users.toml"));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs `sync --json` with these arguments; returns the exit status and the object.
    pub(super) fn sync(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[&["sync", "--json"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let object = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        (output.status.code().unwrap(), object)
    }

    /// Syncs, which must succeed.
    pub(super) fn synced(&self) -> Value {
        let (status, object) = self.sync(&[]);
        assert_eq!(status, 0, "{object}");
        object
    }

    /// Syncs, which must fail with this status, a part of the message, and no change.
    pub(super) fn fails(&self, status: i32, part: &str) {
        let before = self.file();
        let (found, object) = self.sync(&[]);
        let message = object["error"]["message"].as_str().unwrap_or_default();
        assert!(
            found == status && message.contains(part),
            "not {status} and {part}: {object}"
        );
        assert_eq!(self.file(), before);
        assert_eq!(object["ok"], false);
    }

    /// What directory.toml says of a name in a table, as it is there; nothing where it is not.
    pub(super) fn row(&self, table: &str, name: &str) -> Option<String> {
        let file = self.file()?;
        let table = file
            .split("\n[")
            .find(|part| part.starts_with(&format!("{table}]")))?;
        let start = format!("\"{name}\" = ");
        let mut lines = table.lines();
        lines.find_map(|line| line.strip_prefix(&start).map(str::to_owned))
    }

    /// The content of directory.toml.
    pub(super) fn file(&self) -> Option<String> {
        fs::read_to_string(self.state().join("directory.toml")).ok()
    }

    pub(super) fn state(&self) -> PathBuf {
        Path::new(&self.path("state")).to_owned()
    }
}

/// The names of a member that is a list of names, or of objects with `user`.
pub(super) fn names(object: &Value, member: &str) -> Vec<String> {
    let list = object[member]
        .as_array()
        .unwrap_or_else(|| panic!("{member}: {object}"));
    let name = |item: &Value| {
        let name = item.as_str().or(item["user"].as_str());
        name.unwrap_or_default().to_owned()
    };
    list.iter().map(name).collect()
}
