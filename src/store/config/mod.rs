//! config.toml as a checked value: every key known, of its type and in its range, or an error.
//!
//! Trusts only what `trusted_file` lets through. A fault in this file always denies, so nothing here
//! guesses: an unknown key, a repeat or a half-written file refuses the whole. Used by the module and
//! by `authyctl`; the keys and their defaults are shown in etc/config.toml.

mod key_value;
mod read;
mod tables;

use std::path::{Path, PathBuf};
use std::time::Duration;

use std::collections::BTreeMap;

use crate::base::factor::Factor;
use crate::base::language::{Language, Texts};
use crate::base::secret::Secret;
use crate::host::address::Network;
use crate::host::toml_file::{self, Source};
use crate::host::trusted_file::{self, Access};

pub use crate::base::factor::SendMode;
pub use crate::host::toml_file::Error;

/// Where config.toml is when nothing else is said.
pub use crate::base::arguments::CONFIG as DEFAULT_PATH;

/// All of config.toml.
#[derive(Debug)]
pub struct Config {
    /// How to reach the Authy service, where this host uses it.
    pub authy: Option<Authy>,
    /// Where things are on this host.
    pub paths: Paths,
    /// Who is asked for no second factor.
    pub exempt: Exempt,
    /// What holds across calls of the module.
    pub limits: Limits,
    /// How long a proof counts for the same login.
    pub remember: Remember,
    /// Where recovery codes are taken.
    pub recovery: Recovery,
    /// The administrator's own texts.
    pub messages: Texts,
    login: Login,
    services: BTreeMap<String, Login>,
    /// The line of every key of `[login]`, `[service.X]` and `[exempt]`, by full name.
    lines: BTreeMap<String, usize>,
    /// The SHA-256 of the file's text: another one is another policy.
    pub digest: [u8; 32],
}

/// The table `[authy]`.
#[derive(Debug)]
pub struct Authy {
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
    pub sms: SendMode,
    /// When a push is sent.
    pub push: SendMode,
    /// Replies in one call of the module, 1 to 10.
    pub attempts: u32,
    /// The time of the whole call, 5 to 600 seconds.
    pub deadline: Duration,
    /// A refusal leaves no sooner than this after Enter, 0 to 10 seconds.
    pub refusal: Duration,
    /// Whether the token is shown while it is typed.
    pub echo: bool,
    /// What becomes of somebody who is not enrolled.
    pub unenrolled: Fallback,
    /// What becomes of a login when Authy could not be asked.
    pub when_unavailable: Fallback,
    /// What Enter alone does at the prompt.
    pub enter: Enter,
    /// How long a push can be answered, 10 to 300 seconds.
    pub push_wait: Duration,
    /// Whether the push shows a code that is asked for after it was approved.
    pub push_code: bool,
    /// Whether the token stands behind the password in one reply.
    pub token_in_password: bool,
    /// Whose factor is asked.
    pub whose: Subject,
    /// The language of the texts, and of SMS and calls; `None`: English, and what Authy finds right.
    pub language: Option<Language>,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            factors: vec![Factor::Push, Factor::Token, Factor::Sms, Factor::Call],
            sms: SendMode::OnRequest,
            push: SendMode::OnRequest,
            attempts: 3,
            deadline: Duration::from_secs(90),
            refusal: Duration::from_secs(2),
            echo: true,
            unenrolled: Fallback::Deny,
            when_unavailable: Fallback::Deny,
            enter: Enter::Refuse,
            push_wait: Duration::from_secs(40),
            push_code: false,
            token_in_password: false,
            whose: Subject::User,
            language: None,
        }
    }
}

/// What Enter alone does at the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enter {
    /// It is a refused reply.
    Refuse,
    /// It sends a push.
    Push,
}

/// Whose factor is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The one who is logged in: PAM_USER.
    User,
    /// The one who calls, for su and sudo: PAM_RUSER.
    Caller,
}

/// The table `[exempt]`: each rule alone is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exempt {
    /// Login names.
    pub users: Vec<String>,
    /// Groups of the account, compared by their number.
    pub groups: Vec<String>,
    /// PAM services.
    pub services: Vec<String>,
    /// Networks of the remote address.
    pub networks: Vec<Network>,
}

/// The table `[limits]`. The counts of what is sent hold for one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one user.
    pub per_user: Sends,
    /// For one remote address; an IPv6 address by its first 64 bits, and all logins without an address
    /// together.
    pub per_address: Sends,
    /// Refused tokens of one user before a pause, 3 to 100; each further one makes it longer.
    pub refused_tokens: u32,
}

/// How much is sent in one hour, each 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// SMS.
    pub sms: u32,
    /// Calls.
    pub calls: u32,
    /// Pushes.
    pub pushes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let sends = |sms, calls, pushes| Sends { sms, calls, pushes };
        Self {
            per_user: sends(10, 10, 30),
            per_address: sends(60, 60, 180),
            refused_tokens: 20,
        }
    }
}

/// The table `[remember]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remember {
    /// How long a proof counts for the same login, up to a day; zero: it does not.
    pub time: Duration,
    /// The PAM services for which it does; `None`: all.
    pub services: Option<Vec<String>>,
}

/// The table `[recovery]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// The PAM services that take recovery codes; `None`: all.
    pub services: Option<Vec<String>>,
}

impl Recovery {
    /// Whether `service` takes recovery codes.
    #[must_use]
    pub fn applies_to(&self, service: &str) -> bool {
        is_listed(self.services.as_ref(), service)
    }
}

impl Remember {
    /// Whether a proof for `service` counts for a while.
    #[must_use]
    pub fn applies_to(&self, service: &str) -> bool {
        !self.time.is_zero() && is_listed(self.services.as_ref(), service)
    }
}

/// Whether a list that may be left out names `service`.
fn is_listed(services: Option<&Vec<String>>, service: &str) -> bool {
    services.is_none_or(|services| services.iter().any(|listed| listed == service))
}

/// What becomes of a login that the second factor does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
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
        let text = Secret::new(toml_file::read(
            path,
            Access::OwnerOnly,
            trusted_file::LIMIT,
        )?);
        Self::parse(text.expose(), path)
    }

    /// Reads `text`, which came from `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let mut config = read::config(Source::new(path, text))?;
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        // A SHA-256 has these 32 bytes.
        config.digest = digest.as_ref().try_into().unwrap_or_default();
        Ok(config)
    }

    /// The rules for a PAM service: `[login]` with `[service.NAME]` over it. The table of `sudo` also
    /// rules `sudo-i`, and that of `su` rules `su-l`, unless they have their own.
    #[must_use]
    pub fn login(&self, service: &str) -> Login {
        let table = self.table_of(service);
        table
            .and_then(|name| self.services.get(name))
            .unwrap_or(&self.login)
            .clone()
    }

    /// The NAME of the table `[service.NAME]` that rules `service`.
    fn table_of<'a>(&self, service: &'a str) -> Option<&'a str> {
        let relative = match service {
            "sudo-i" => Some("sudo"),
            "su-l" => Some("su"),
            _ => None,
        };
        [Some(service), relative]
            .into_iter()
            .flatten()
            .find(|name| self.services.contains_key(*name))
    }

    /// The line that sets `key` of the table `table`; `None` when the default holds. Counted from 1.
    #[must_use]
    pub fn table_line(&self, table: &str, key: &str) -> Option<usize> {
        self.lines.get(&format!("{table}.{key}")).copied()
    }

    /// The line that sets `key` for a PAM service: of `[service.NAME]`, else of `[login]`; `None` when
    /// the default holds. Counted from 1.
    #[must_use]
    pub fn line(&self, service: &str, key: &str) -> Option<usize> {
        let table = self.table_of(service).unwrap_or(service);
        let own = self.lines.get(&format!("service.{table}.{key}"));
        own.or_else(|| self.lines.get(&format!("login.{key}")))
            .copied()
    }
}

#[cfg(test)]
mod tests;
