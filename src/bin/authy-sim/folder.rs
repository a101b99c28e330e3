//! The one folder that the simulator writes to: CA, config.toml, users.toml, control.url, log.
//!
//! config.toml directs `authyctl` and the PAM module to this simulator as Authy, twilio.toml to it as
//! Twilio Verify with a host's restricted key, and twilio-admin.toml the same with the main key. The log is a datagram
//! socket whose messages are appended to log.txt, so that a test or a person can read an audit line
//! without a syslog daemon.

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

    /// Writes config.toml, control.url and, if it is missing, users.toml. Returns the API key,
    /// which stays the same for one folder.
    pub(crate) fn write_files(&self, url: &str, control: SocketAddr) -> Result<String> {
        let key = self.existing_key().unwrap_or_else(random::hex);
        let config = format!(
            "[authy]\nkey = \"{key}\"\nurl = \"{url}\"\nca_file = {ca:?}\n\n[paths]\nstate = {state:?}\nlog = {log:?}\n",
            ca = self.path("ca.pem"),
            state = self.path("state"),
            log = self.path("log"),
        );
        write(&self.path("config.toml"), &config, 0o600)?;
        if !self.path("users.toml").exists() {
            write(&self.path("users.toml"), "[users]\n", 0o644)?;
        }
        write(
            &self.path("control.url"),
            &format!("http://{control}\n"),
            0o644,
        )?;
        Ok(key)
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
    fn existing_key(&self) -> Option<String> {
        let config = fs::read_to_string(self.path("config.toml")).ok()?;
        let key = config
            .lines()
            .find_map(|line| line.strip_prefix("key = \""))?;
        Some(key.trim_end_matches('"').to_owned()).filter(|key| key.len() == 32)
    }
}

/// Replaces a file. The new file has `mode` before its first byte is written.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let _ = fs::remove_file(path);
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
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
