//! config.toml as a checked value: every key known, of its type and in its range, or an error.
//!
//! Trusts only what `trusted_file` lets through. A fault in this file always denies, so nothing here
//! guesses: an unknown key, a repeat or a half-written file refuses the whole. Used by the module and
//! by `authyctl`; the keys and their defaults are shown in etc/config.toml.

mod read;

use std::path::{Path, PathBuf};
use std::time::Duration;

use std::collections::BTreeMap;

use crate::attempt::Factor;
use crate::secret::Secret;
use crate::toml_file::{self, Source};
use crate::trusted_file::{self, Holds};

pub use crate::toml_file::Error;

/// Where config.toml is when nothing else is said.
pub const DEFAULT_PATH: &str = "/etc/pam_authy/config.toml";

/// All of config.toml.
#[derive(Debug)]
pub struct Config {
    /// How to reach Authy.
    pub api: Api,
    /// Where things are on this host.
    pub paths: Paths,
    login: Login,
    services: BTreeMap<String, Login>,
    /// The line of every key of `[login]` and `[service.X]`, by full name.
    lines: BTreeMap<String, usize>,
}

/// The table `[api]`.
#[derive(Debug)]
pub struct Api {
    /// The application's API key.
    pub key: Secret,
    /// The service, without a slash at its end; https only.
    pub url: String,
    /// The CA certificates to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// `http://host:port`; none when absent, whatever the environment says.
    pub proxy: Option<String>,
    /// How long one request may take, 1 to 60 seconds.
    pub timeout: Duration,
    /// Whether a connection is opened while the person reads the prompt.
    pub warm_up: bool,
}

/// The table `[paths]`.
#[derive(Debug)]
pub struct Paths {
    /// What must survive a reboot.
    pub state: PathBuf,
    /// The datagram socket of the log.
    pub log: PathBuf,
}

/// The table `[login]`, for one PAM service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// What may be offered.
    pub factors: Vec<Factor>,
    /// When an SMS is sent.
    pub sms: When,
    /// When a push is sent.
    pub push: When,
    /// Replies in one call of the module, 1 to 10.
    pub attempts: u32,
    /// The time of the whole call, 5 to 600 seconds.
    pub deadline: Duration,
    /// A refusal leaves no sooner than this after Enter, 0 to 10 seconds.
    pub refusal: Duration,
    /// Whether the token is shown while it is typed.
    pub echo: bool,
    /// What becomes of somebody who is not enrolled.
    pub unenrolled: Otherwise,
    /// What becomes of a login when Authy could not be asked.
    pub when_unavailable: Otherwise,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            factors: vec![Factor::Push, Factor::Token, Factor::Sms, Factor::Call],
            sms: When::OnRequest,
            push: When::OnRequest,
            attempts: 3,
            deadline: Duration::from_secs(90),
            refusal: Duration::from_secs(2),
            echo: true,
            unenrolled: Otherwise::Deny,
            when_unavailable: Otherwise::Deny,
        }
    }
}

/// When something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the prompt.
    Auto,
    /// When the person asks for it.
    OnRequest,
    /// Not at all.
    Never,
}

/// What becomes of a login that the second factor does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// It is refused.
    Deny,
    /// It passes without a second factor.
    Ignore,
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file, or one that it names as `key_file`, cannot be trusted or read, or says something
    /// wrong; the error names file, line and key, and never quotes the file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = Secret::new(toml_file::read(path, Holds::Secret, trusted_file::LIMIT)?);
        Self::parse(text.expose(), path)
    }

    /// Reads `text`, which came from `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        read::config(Source::new(path, text))
    }

    /// The rules for a PAM service: `[login]` with `[service.NAME]` over it.
    #[must_use]
    pub fn login(&self, service: &str) -> Login {
        self.services.get(service).unwrap_or(&self.login).clone()
    }

    /// The line that sets `key` for a PAM service: of `[service.NAME]`, else of `[login]`; `None` when
    /// the default holds. Counted from 1.
    #[must_use]
    pub fn line(&self, service: &str, key: &str) -> Option<usize> {
        let own = self.lines.get(&format!("service.{service}.{key}"));
        own.or_else(|| self.lines.get(&format!("login.{key}")))
            .copied()
    }
}

#[cfg(test)]
mod tests;
