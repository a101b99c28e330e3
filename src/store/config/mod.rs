//! config.toml as a checked value: every key is known, of its type and in its range, or it is an
//! error.
//!
//! The file is read only if `trusted_file` accepts it. A mistake in it denies every login, so
//! nothing here guesses: an unknown key, a repeated key or a truncated file refuses the whole file.
//! Used by the module and by `authyctl`; etc/config.toml lists the keys and their defaults.

mod directory;
mod key_value;
mod providers;
mod read;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::base::date::Date;
use crate::base::factor::Factor;
use crate::base::language::{Language, Texts};
use crate::base::secret::Secret;
use crate::host::address::Network;
use crate::host::toml_file::{self, Source};
use crate::host::trusted_file::{self, Access};

pub use crate::base::factor::SendMode;
pub use crate::host::toml_file::Error;
pub use directory::{Changes, Directory, DirectoryAttributes, DirectoryBind, DirectoryServer};
pub use providers::{Authy, Provider, SERVICE_URL, Twilio, service_url};

/// The path of config.toml without the argument `config=`.
pub use crate::base::arguments::CONFIG as DEFAULT_PATH;

/// All of config.toml.
#[derive(Debug)]
pub struct Config {
    /// How to reach the Authy service, where this host uses it.
    pub authy: Option<Authy>,
    /// How to reach Twilio Verify, where this host uses it.
    pub twilio: Option<Twilio>,
    /// The paths on this host.
    pub paths: Paths,
    /// Who needs no second factor.
    pub exempt: Exempt,
    /// What is limited across calls of the module.
    pub limits: Limits,
    /// How long a login is remembered.
    pub remember: Remember,
    /// Which services accept recovery codes.
    pub recovery: Recovery,
    /// Whether plain users' programs may ask for a login.
    pub lockers: Lockers,
    /// The directory from which `authyctl sync` reads people.
    pub directory: Option<Directory>,
    /// The administrator's own texts.
    pub messages: Texts,
    login: Login,
    services: BTreeMap<String, Login>,
    /// The line of every key of `[login]`, `[service.X]` and the optional tables, by full name.
    lines: BTreeMap<String, usize>,
    /// The SHA-256 of the text of the file. A remembered login counts only under the same digest.
    pub digest: [u8; 32],
}

/// The table `[paths]`.
#[derive(Debug)]
pub struct Paths {
    /// The folder of everything that must survive a reboot.
    pub state: PathBuf,
    /// The datagram socket of the log, where the file names one; `None`: journald's own socket with
    /// its fields, or else /dev/log.
    pub log: Option<PathBuf>,
}

/// The table `[login]`, for one PAM service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The factors that may be offered.
    pub factors: Vec<Factor>,
    /// Who is asked about a person who is at both; `None`: Authy.
    pub provider: Option<Provider>,
    /// When an SMS is sent.
    pub sms: SendMode,
    /// When a push is sent.
    pub push: SendMode,
    /// How many attempts one call of the module has, 1 to 10.
    pub attempts: u32,
    /// How long the whole call may take, 5 to 600 seconds.
    pub deadline: Duration,
    /// The shortest time from Enter to a refusal, 0 to 10 seconds.
    pub refusal: Duration,
    /// Whether the code is shown while it is typed.
    pub echo: bool,
    /// How many digits the codes of the unenrolled seem to have, 3 to 12.
    pub code_digits: u8,
    /// What an unenrolled user needs.
    pub unenrolled: Fallback,
    /// The last day on which an unenrolled account needs no second factor, whatever `unenrolled`
    /// says.
    pub enroll_by: Option<Date>,
    /// What happens when the provider gives no usable answer. `login::policy::OutageQuery` decides
    /// where it applies.
    pub when_unavailable: Fallback,
    /// What Enter alone does at the prompt.
    pub enter: Enter,
    /// How long a push can be answered, 10 to 300 seconds.
    pub push_wait: Duration,
    /// Whether the push shows a code, which the prompt asks for after the approval.
    pub push_code: bool,
    /// Whether the person types password and code in one reply.
    pub token_in_password: bool,
    /// Whose factor is required.
    pub whose: Subject,
    /// Where notices are shown; `None`: the default.
    pub notices: Option<Notices>,
    /// The PAM services of sshd: where root runs them, what they say of an SSH connection is
    /// believed.
    pub ssh_services: Vec<String>,
    /// Whether sshd offers a person to enroll an app at the prompt.
    pub enroll_totp: EnrollTotp,
    /// How long such an app is enrolled before it counts, 0 to 30 days.
    pub enroll_hold: Duration,
    /// The language of the texts, SMS and calls; `None`: English texts, and SMS and calls in the
    /// language that the provider chooses.
    pub language: Option<Language>,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            factors: vec![Factor::Push, Factor::Token, Factor::Sms, Factor::Call],
            provider: None,
            sms: SendMode::OnRequest,
            push: SendMode::OnRequest,
            attempts: 3,
            deadline: Duration::from_secs(90),
            refusal: Duration::from_secs(2),
            echo: true,
            code_digits: 6,
            unenrolled: Fallback::Deny,
            enroll_by: None,
            when_unavailable: Fallback::Deny,
            enter: Enter::Refuse,
            push_wait: Duration::from_secs(40),
            push_code: false,
            token_in_password: false,
            whose: Subject::User,
            notices: None,
            ssh_services: vec!["sshd".to_owned()],
            enroll_totp: EnrollTotp::Never,
            enroll_hold: Duration::from_secs(24 * 60 * 60),
            language: None,
        }
    }
}

impl Login {
    /// Whether these rules allow a push.
    #[must_use]
    pub fn offers_push(&self) -> bool {
        self.push != SendMode::Never && self.factors.contains(&Factor::Push)
    }

    /// The day of `enroll_by`, until it is over.
    #[must_use]
    pub fn enroll_by(&self, now: SystemTime) -> Option<Date> {
        self.enroll_by.filter(|day| !day.is_over(now))
    }

    /// Where notices are shown. By default as messages, and with `token_in_password` nowhere: a
    /// program with a single field has no place for them.
    #[must_use]
    pub fn notices(&self) -> Notices {
        self.notices.unwrap_or(if self.token_in_password {
            Notices::None
        } else {
            Notices::Message
        })
    }
}

/// Where notices are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notices {
    /// As a message of its own (PAM_ERROR_MSG), directly before the prompt.
    Message,
    /// In front of the text of the prompt.
    Prompt,
    /// Nowhere.
    None,
}

/// Whether a person can enroll an app at the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrollTotp {
    /// Never.
    Never,
    /// sshd offers it after a push or an app code.
    Offer,
}

/// What Enter alone does at the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enter {
    /// It is a refused reply.
    Refuse,
    /// It sends a push.
    Push,
}

/// Whose factor is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The factor of the user who is logged in: PAM_USER.
    User,
    /// The factor of the calling user, for su and sudo: PAM_RUSER.
    Caller,
}

/// The table `[exempt]`. A login is exempt if one rule applies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exempt {
    /// Login names.
    pub users: Vec<String>,
    /// Groups of the account, compared by their numbers.
    pub groups: Vec<String>,
    /// PAM services.
    pub services: Vec<String>,
    /// Networks of the remote address.
    pub networks: Vec<Network>,
}

/// The table `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How much is sent for one user in one hour.
    pub per_user: Sends,
    /// How much is sent for one remote address in one hour. An IPv6 address counts by its first 64
    /// bits, and a login without an address by the real uid of its process.
    pub per_address: Sends,
    /// How many SMS this host sends in one hour, 0 to 1000.
    pub sms_per_host: u32,
    /// How many refused codes in a row a user may have before a pause, 3 to 100. Each further one
    /// makes the pause longer.
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
            sms_per_host: 100,
            refused_tokens: 20,
        }
    }
}

/// The table `[remember]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remember {
    /// How long a login is remembered, up to one day; zero: not at all.
    pub time: Duration,
    /// The PAM services whose logins are remembered; `None`: all.
    pub services: Option<Vec<String>>,
    /// What a login from another host must have for it.
    pub by: RememberBy,
}

/// What a login from another host must have to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RememberBy {
    /// Nothing more than the factor that it has proven.
    #[default]
    Login,
    /// An SSH key that sshd has accepted.
    Key,
}

/// The table `[recovery]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// The PAM services that accept recovery codes; `None`: all.
    pub services: Option<Vec<String>>,
}

/// The table `[lockers]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockers {
    /// Whether the service serves screen lockers and other programs of plain users.
    pub allow: bool,
}

impl Recovery {
    /// Whether the prompts of `service` name recovery codes: where `services` lists it.
    #[must_use]
    pub fn is_named_for(&self, service: &str) -> bool {
        self.services.is_some() && self.applies_to(service)
    }

    /// Whether `service` accepts recovery codes.
    #[must_use]
    pub fn applies_to(&self, service: &str) -> bool {
        is_listed(self.services.as_ref(), service)
    }
}

impl Remember {
    /// Whether a login to `service` is remembered.
    #[must_use]
    pub fn applies_to(&self, service: &str) -> bool {
        !self.time.is_zero() && is_listed(self.services.as_ref(), service)
    }
}

/// Whether the list names `service`; without a list, every service counts as named.
fn is_listed(services: Option<&Vec<String>>, service: &str) -> bool {
    services.is_none_or(|services| services.iter().any(|listed| listed == service))
}

/// What happens to a login that no factor can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// It is refused.
    Deny,
    /// It needs no second factor.
    Ignore,
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file, or the one that it names as `key_file`, cannot be trusted or read, or has a
    /// mistake. The error names file, line and key, and never quotes the file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = Secret::new(toml_file::read(
            path,
            Access::OwnerOnly,
            trusted_file::LIMIT,
        )?);
        Self::parse(text.expose(), path)
    }

    /// Parses `text`, the content of the file at `path`.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let mut config = read::config(Source::new(path, text))?;
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        // A SHA-256 has these 32 bytes.
        config.digest = digest.as_ref().try_into().unwrap_or_default();
        Ok(config)
    }

    /// Returns the rules for a PAM service: `[service.NAME]` over `[login]`. The table of `sudo`
    /// also applies to `sudo-i`, and the table of `su` to `su-l`, unless they have their own.
    /// Without Authy there is no push, and without any provider no code is sent. Outside of
    /// `ssh_services` there is no security key.
    #[must_use]
    pub fn login(&self, service: &str) -> Login {
        let table = self.table_of(service);
        let mut login = table
            .and_then(|name| self.services.get(name))
            .unwrap_or(&self.login)
            .clone();
        let (authy, twilio) = (self.authy.is_some(), self.twilio.is_some());
        login.factors.retain(|factor| match factor {
            Factor::Push => authy,
            Factor::Sms | Factor::Call => authy || twilio,
            Factor::SecurityKey => login.ssh_services.iter().any(|listed| listed == service),
            Factor::Token | Factor::Recovery => true,
        });
        login
    }

    /// Returns the NAME of each table `[service.NAME]`.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    /// The PAM services that accept security keys.
    pub fn services_with_security_keys(&self) -> impl Iterator<Item = &str> {
        let tables = self.services.values().chain([&self.login]);
        let services: BTreeSet<&str> = tables
            .flat_map(|rules| &rules.ssh_services)
            .map(String::as_str)
            .collect();
        let accepts = |service: &&str| self.login(service).factors.contains(&Factor::SecurityKey);
        services.into_iter().filter(accepts)
    }

    /// The NAME of the table `[service.NAME]` that applies to `service`.
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

    /// Whether the table `[service.NAME]` that applies to `service` sets `key` itself, rather than
    /// inherit it from `[login]` or have the default.
    #[must_use]
    pub fn is_set_by_service(&self, service: &str, key: &str) -> bool {
        self.table_of(service)
            .is_some_and(|table| self.lines.contains_key(&format!("service.{table}.{key}")))
    }

    /// Returns the line that sets `key` of the table `table`, counted from 1; `None` for a default.
    #[must_use]
    pub fn table_line(&self, table: &str, key: &str) -> Option<usize> {
        self.lines.get(&format!("{table}.{key}")).copied()
    }

    /// Returns the line that sets `key` for a PAM service, in `[service.NAME]` or else in
    /// `[login]`, counted from 1; `None` for a default.
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
