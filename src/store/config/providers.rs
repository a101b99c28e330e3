//! The tables `[authy]` and `[twilio]` of config.toml, and how they are read, key by key.
//!
//! Called by `read`. A key never gets into an error.

use std::path::PathBuf;
use std::time::Duration;

use super::Error;
use super::key_value::KeyValue;
use crate::base::factor::twilio::{KeySid, ServiceSid};
use crate::base::secret::Secret;
use crate::host::toml_file;
use crate::host::trusted_file::{self, Access};

/// The longest key, in characters. Those of both providers have 32.
const MAX_KEY_LENGTH: usize = 200;
/// The longest unique name of a rate limit, in characters; Twilio documents none.
const MAX_RATE_LIMIT: usize = 64;
/// What `check_key` says of an empty key.
const AUTHY_KEY: &str = "the API key of your Authy application";
const TWILIO_KEY: &str = "the secret of your API key at Twilio";

/// The table `[authy]`.
#[derive(Debug, Clone)]
pub struct Authy {
    /// The application's API key.
    pub key: Secret,
    /// The URL of the service, `https` and without a slash at its end.
    pub url: String,
    /// The file of trusted CA certificates; `None`: the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy, `http://host:port`; `None`: no proxy. The environment is never used.
    pub proxy: Option<String>,
    /// How long one request may take, 1 to 60 seconds.
    pub timeout: Duration,
    /// Whether a connection is opened while the person reads the prompt.
    pub warm_up: bool,
}

/// The table `[twilio]`.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// The Verify service.
    pub service: ServiceSid,
    /// The API key.
    pub key_sid: KeySid,
    /// Its secret.
    pub key_secret: Secret,
    /// The URL of Twilio Verify, `https`, without `/v2` and without a slash at its end.
    pub url: String,
    /// The file of trusted CA certificates; `None`: the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy, `http://host:port`; `None`: no proxy. The environment is never used.
    pub proxy: Option<String>,
    /// How long one request may take, 1 to 60 seconds.
    pub timeout: Duration,
    /// Which rate limits of the service a code that is sent counts for.
    pub rate_limits: RateLimits,
}

/// The unique names of rate limits of the Verify service, by what each counts.
#[derive(Debug, Clone, Default)]
pub struct RateLimits {
    /// Counts by the user's name.
    pub user: Option<String>,
    /// Counts by the remote address.
    pub rhost: Option<String>,
}

/// A provider: a service that checks factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Authy.
    Authy,
    /// Twilio Verify.
    Twilio,
}

impl Provider {
    /// The word in config.toml and in the audit line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authy => "authy",
            Self::Twilio => "twilio",
        }
    }
}

pub(super) fn authy(table: &KeyValue<'_>) -> Result<Authy, Error> {
    let mut key = None;
    let mut url = "https://api.authy.com".to_owned();
    let (mut ca_file, mut proxy, mut timeout) = (None, None, Duration::from_secs(8));
    let mut warm_up = true;
    for entry in table.table()? {
        match entry.key {
            "key" | "key_file" if key.is_some() => {
                return Err(entry.error("cannot be combined: set either key or key_file"));
            }
            "key" => key = Some(text_key(&entry, AUTHY_KEY)?),
            "key_file" => key = Some(read_key_file(&entry, AUTHY_KEY)?),
            "url" => url = check_url(&entry)?,
            "ca_file" => ca_file = Some(entry.path()?),
            "proxy" => proxy = Some(check_proxy(&entry)?),
            "timeout_seconds" => timeout = entry.seconds(1..=60)?,
            "warm_up" => warm_up = entry.flag()?,
            _ => return Err(entry.unknown()),
        }
    }
    let key = key.ok_or_else(|| table.error("key is missing"))?;
    Ok(Authy {
        key,
        url,
        ca_file,
        proxy,
        timeout,
        warm_up,
    })
}

pub(super) fn twilio(table: &KeyValue<'_>) -> Result<Twilio, Error> {
    let (mut service, mut key_sid, mut key_secret) = (None, None, None);
    let mut url = "https://verify.twilio.com".to_owned();
    let (mut ca_file, mut proxy, mut timeout) = (None, None, Duration::from_secs(8));
    let mut rate_limits = RateLimits::default();
    for entry in table.table()? {
        match entry.key {
            "service" => {
                let sid = entry.text()?.parse();
                let wrong = |_| entry.error("must be VA and 32 hexadecimal digits");
                service = Some(sid.map_err(wrong)?);
            }
            "key_sid" => {
                let sid = entry.text()?.parse();
                let wrong = |_| entry.error("must be SK and 32 hexadecimal digits");
                key_sid = Some(sid.map_err(wrong)?);
            }
            "key_secret" | "key_secret_file" if key_secret.is_some() => {
                let why = "cannot be combined: set either key_secret or key_secret_file";
                return Err(entry.error(why));
            }
            "key_secret" => key_secret = Some(text_key(&entry, TWILIO_KEY)?),
            "key_secret_file" => key_secret = Some(read_key_file(&entry, TWILIO_KEY)?),
            "url" => {
                url = check_url(&entry)?;
                if url.ends_with("/v2") {
                    return Err(entry.error("must be without /v2, which the client adds"));
                }
            }
            "ca_file" => ca_file = Some(entry.path()?),
            "proxy" => proxy = Some(check_proxy(&entry)?),
            "timeout_seconds" => timeout = entry.seconds(1..=60)?,
            "rate_limits" => rate_limits = read_rate_limits(&entry)?,
            _ => return Err(entry.unknown()),
        }
    }
    let missing = |key: &str| table.error(&format!("{key} is missing"));
    Ok(Twilio {
        service: service.ok_or_else(|| missing("service"))?,
        key_sid: key_sid.ok_or_else(|| missing("key_sid"))?,
        key_secret: key_secret.ok_or_else(|| missing("key_secret"))?,
        url,
        ca_file,
        proxy,
        timeout,
        rate_limits,
    })
}

/// Reads `rate_limits = { user = "NAME", rhost = "NAME" }`.
fn read_rate_limits(table: &KeyValue<'_>) -> Result<RateLimits, Error> {
    let mut limits = RateLimits::default();
    for entry in table.table()? {
        let name = match entry.key {
            "user" => &mut limits.user,
            "rhost" => &mut limits.rhost,
            _ => return Err(entry.unknown()),
        };
        let text = entry.text()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=MAX_RATE_LIMIT).contains(&text.len()) || !text.bytes().all(is_plain) {
            let why = "must be the unique name of a rate limit: letters, digits, -, _ and .";
            return Err(entry.error(why));
        }
        *name = Some(text.to_owned());
    }
    if limits.user.is_some() && limits.user == limits.rhost {
        return Err(table.error("must name two rate limits, since each counts one thing"));
    }
    Ok(limits)
}

/// Reads a key in the file itself; `what` names it.
fn text_key(entry: &KeyValue<'_>, what: &str) -> Result<Secret, Error> {
    check_key(entry, Secret::new(entry.text()?.to_owned()), what)
}

fn read_key_file(entry: &KeyValue<'_>, what: &str) -> Result<Secret, Error> {
    let path = entry.path()?;
    let text = Secret::new(toml_file::read(
        &path,
        Access::OwnerOnly,
        trusted_file::LIMIT,
    )?);
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    let key = Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned());
    check_key(entry, key, what)
}

/// Checks an API key. It is sent in an HTTP header, so only visible ASCII is allowed.
fn check_key(entry: &KeyValue<'_>, key: Secret, what: &str) -> Result<Secret, Error> {
    let text = key.expose();
    if text.is_empty() {
        return Err(entry.error(&format!("is empty: put {what} there")));
    }
    if text.len() > MAX_KEY_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(entry.error("is not an API key: a key is up to 200 visible ASCII characters"));
    }
    Ok(key)
}

fn check_url(entry: &KeyValue<'_>) -> Result<String, Error> {
    let url = entry.text()?;
    service_url(url).ok_or_else(|| entry.error(&format!("must be {SERVICE_URL}")))
}

/// What the address of a provider looks like.
pub const SERVICE_URL: &str = "https://host[:port][/path]";

/// Returns the address of a provider without trailing slashes; `None` where it does not look like
/// [`SERVICE_URL`].
#[must_use]
pub fn service_url(text: &str) -> Option<String> {
    let url = text.trim_end_matches('/');
    let rest = url.strip_prefix("https://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let is_right = is_host_and_port(host) && path.bytes().all(is_plain) && !path.contains("..");
    is_right.then(|| url.to_owned())
}

/// Checks a proxy of the form `http://host:port`.
fn check_proxy(entry: &KeyValue<'_>) -> Result<String, Error> {
    let url = entry.text()?;
    let host = url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if is_host_and_port(host) && host.contains(':') => Ok(url.to_owned()),
        _ => Err(entry.error("must be http://host:port")),
    }
}

/// Whether the text is a name, an IPv4 address or an IPv6 address in brackets, with or without a
/// port.
fn is_host_and_port(text: &str) -> bool {
    host_and_port(text).is_some()
}

/// Splits such a text into the host, without brackets, and the port.
pub(super) fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, port)
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            (!host.is_empty() && host.bytes().all(is_plain)).then_some(())?;
            (host, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(number.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
        None => port.is_empty().then_some(None)?,
    };
    Some((host.to_owned(), port))
}
