//! The one folder that the simulator writes to: CA, config.toml, users.toml, control.url,
//! state.jsonl, log.
//!
//! config.toml directs `authyctl` and the PAM module to this simulator as Authy, twilio.toml to it as
//! Twilio Verify with a host's restricted key, and twilio-admin.toml the same with the main key.
//! The log is a datagram socket whose messages are appended to log.txt, so that a test or a person
//! can read an audit line without a syslog daemon.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::net::UnixDatagram;

use crate::random;
use crate::twilio::Account;

/// The simulator's folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates `dir` with mode 0700 if it is missing, or a new private folder if `dir` is `None`.
    pub(crate) fn prepare(dir: Option<PathBuf>) -> Result<Self> {
        let dir = match dir {
            Some(dir) => std::path::absolute(dir)?,
            None => std::env::temp_dir().join(format!("authy-sim-{}", random::digits(12))),
        };
        create_private(&dir)?;
        create_private(&dir.join("state"))?;
        Ok(Self(dir))
    }

    /// Returns the path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes config.toml, users.toml and control.url. Of a config.toml that is there, only the URL
    /// of an earlier run is replaced; a users.toml that is there stays.
    pub(crate) fn write_files(&self, key: &str, url: &str, control: SocketAddr) -> Result<()> {
        let config = match fs::read_to_string(self.path("config.toml")) {
            Ok(config) => with_url(&config, url),
            Err(_) => format!(
                "[authy]\nkey = \"{key}\"\nurl = \"{url}\"\nca_file = {ca:?}\n\n[paths]\nstate = {state:?}\nlog = {log:?}\n",
                ca = self.path("ca.pem"),
                state = self.path("state"),
                log = self.path("log"),
            ),
        };
        write(&self.path("config.toml"), &config, 0o600)?;
        if !self.path("users.toml").exists() {
            write(&self.path("users.toml"), "[users]\n", 0o644)?;
        }
        let address = format!("http://{control}\n");
        write(&self.path("control.url"), &address, 0o644)
    }

    /// Writes twilio.env, twilio.toml and twilio-admin.toml. Returns the account at Twilio, which
    /// stays the same for one folder.
    pub(crate) fn write_twilio_files(&self, url: &str) -> Result<Account> {
        let path = self.path("twilio.env");
        let known = fs::read_to_string(&path).ok();
        let known = known.and_then(|text| Account::read(&text));
        let account = known.unwrap_or_else(Account::new);
        let lines = account
            .lines()
            .map(|(name, value)| format!("{name}={value}\n"));
        write(&path, &lines.concat(), 0o600)?;
        let keys = [
            ("twilio.toml", &account.host_key, &account.host_secret),
            ("twilio-admin.toml", &account.main_key, &account.main_secret),
        ];
        for (name, key, secret) in keys {
            let config = format!(
                "[twilio]\nservice = \"{}\"\nkey_sid = \"{key}\"\nkey_secret = \"{secret}\"\n\
                 url = \"{url}\"\nca_file = {ca:?}\n\n[paths]\nstate = {state:?}\nlog = {log:?}\n",
                account.service,
                ca = self.path("ca.pem"),
                state = self.path("state"),
                log = self.path("log"),
            );
            write(&self.path(name), &config, 0o600)?;
        }
        Ok(account)
    }

    /// Binds the log socket and starts a task that appends each datagram to log.txt as one line.
    pub(crate) fn start_log(&self) -> Result<()> {
        let path = self.path("log");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).with_context(|| path.display().to_string())?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(self.path("log.txt"))?;
        tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            while let Ok(length) = socket.recv(&mut buffer).await {
                let line = String::from_utf8_lossy(&buffer[..length]).replace('\n', "\\n");
                if writeln!(file, "{line}").is_err() {
                    break;
                }
            }
        });
        Ok(())
    }

    /// Reads the API key from the config.toml of an earlier run.
    pub(crate) fn existing_key(&self) -> Option<String> {
        let config = fs::read_to_string(self.path("config.toml")).ok()?;
        let key = config
            .lines()
            .find_map(|line| line.strip_prefix("key = \""))?;
        Some(key.trim_end_matches('"').to_owned()).filter(|key| key.len() == 32)
    }
}

/// Returns a config.toml with `url` in the table `[authy]`, where it has an address on loopback.
fn with_url(config: &str, url: &str) -> String {
    let mut table = "";
    let lines = config.split_inclusive('\n').map(|line| {
        if line.starts_with('[') {
            table = line.trim();
        }
        let old = line.strip_prefix("url = \"").unwrap_or_default();
        let is_own = ["https://127.", "https://[::1]:", "https://localhost:"]
            .iter()
            .any(|start| old.starts_with(start));
        match old.split_once('"') {
            Some((_, rest)) if is_own && table == "[authy]" => format!("url = \"{url}\"{rest}"),
            _ => line.to_owned(),
        }
    });
    lines.collect()
}

/// Replaces a file at once. The new file has `mode` before its first byte is written.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let _ = fs::remove_file(&new);
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| path.display().to_string())
}

/// Creates a folder with mode 0700; an existing folder keeps its mode.
fn create_private(dir: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| dir.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_an_earlier_run_is_replaced_in_config_toml() {
        let kept = "# mine\n[authy]\nkey = \"k\"\nurl = \"https://127.0.0.1:1\" # here\n[x]\nurl = \"https://127.0.0.1:2\"";
        let changed = kept.replace("127.0.0.1:1\" #", "[::1]:9\" #");
        assert_eq!(with_url(kept, "https://[::1]:9"), changed);
        let real = "[authy]\nurl = \"https://api.example.com\"\n";
        assert_eq!(with_url(real, "https://[::1]:9"), real);
    }
}
