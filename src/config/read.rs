//! Reads the tables of config.toml, key by key.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Api, Config, Error, Login, Otherwise, Paths, When};
use crate::attempt::Factor;
use crate::secret::Secret;
use crate::text;
use crate::toml_file::{self, Source, integer};
use crate::trusted_file::{self, Holds};

/// The longest API key, in characters; Authy's have 32.
const KEY_LENGTH: usize = 200;

pub(super) fn config(source: Source<'_>) -> Result<Config, Error> {
    let file = source.parse()?;
    let mut api = None;
    let mut paths = Paths {
        state: "/var/lib/pam_authy".into(),
        log: "/dev/log".into(),
    };
    let mut login = Login::default();
    let mut lines = BTreeMap::new();
    for entry in entries(source, "", &file) {
        match entry.name.as_str() {
            "api" => api = Some(read_api(&entry)?),
            "paths" => read_paths(&entry, &mut paths)?,
            "login" => read_login(&entry, &mut login, &mut lines)?,
            // Read below, since it stands on [login] wherever that is in the file.
            "service" => {}
            _ => return Err(entry.unknown()),
        }
    }
    let mut services = BTreeMap::new();
    for entry in entries(source, "", &file).filter(|entry| entry.name == "service") {
        for service in entry.table()? {
            let mut own = login.clone();
            read_login(&service, &mut own, &mut lines)?;
            services.insert(service.key.to_owned(), own);
        }
    }
    let api = api.ok_or_else(|| source.error(0..0, "api.key is missing"))?;
    Ok(Config {
        api,
        paths,
        login,
        services,
        lines,
    })
}

fn read_api(table: &Entry<'_>) -> Result<Api, Error> {
    let mut key = None;
    let mut url = "https://api.authy.com".to_owned();
    let (mut ca_file, mut proxy, mut timeout) = (None, None, Duration::from_secs(8));
    let mut warm_up = true;
    for entry in table.table()? {
        match entry.key {
            "key" | "key_file" if key.is_some() => {
                return Err(entry.error("one of key and key_file is enough"));
            }
            "key" => key = Some(check_key(&entry, Secret::new(entry.text()?.to_owned()))?),
            "key_file" => key = Some(read_key_file(&entry)?),
            "url" => url = check_url(&entry)?,
            "ca_file" => ca_file = Some(entry.path()?),
            "proxy" => proxy = Some(check_proxy(&entry)?),
            "timeout_seconds" => timeout = entry.seconds(1..=60)?,
            "warm_up" => warm_up = entry.truth()?,
            _ => return Err(entry.unknown()),
        }
    }
    let key = key.ok_or_else(|| table.error("key is missing"))?;
    Ok(Api {
        key,
        url,
        ca_file,
        proxy,
        timeout,
        warm_up,
    })
}

fn read_paths(table: &Entry<'_>, paths: &mut Paths) -> Result<(), Error> {
    for entry in table.table()? {
        match entry.key {
            "state" => paths.state = entry.path()?,
            "log" => paths.log = entry.path()?,
            _ => return Err(entry.unknown()),
        }
    }
    Ok(())
}

/// Reads the keys that are there over what `login` has, and remembers their lines.
fn read_login(
    table: &Entry<'_>,
    login: &mut Login,
    lines: &mut BTreeMap<String, usize>,
) -> Result<(), Error> {
    for entry in table.table()? {
        lines.insert(entry.name.clone(), entry.source.line(entry.at.clone()));
        match entry.key {
            "factors" => login.factors = read_factors(&entry)?,
            "sms" => login.sms = read_when(&entry)?,
            "push" => login.push = read_when(&entry)?,
            "attempts" => login.attempts = entry.number(1..=10)?,
            "deadline_seconds" => login.deadline = entry.seconds(5..=600)?,
            "refusal_seconds" => login.refusal = entry.seconds(0..=10)?,
            "echo" => login.echo = entry.truth()?,
            "unenrolled" => login.unenrolled = read_otherwise(&entry)?,
            "when_unavailable" => login.when_unavailable = read_otherwise(&entry)?,
            _ => return Err(entry.unknown()),
        }
    }
    Ok(())
}

fn read_factors(entry: &Entry<'_>) -> Result<Vec<Factor>, Error> {
    let wrong = || entry.error("must be a list of push, token, sms and call, each once");
    let words = entry.value.as_array().ok_or_else(wrong)?;
    let mut factors = Vec::new();
    for word in words {
        let factor = match word.get_ref().as_str() {
            Some("push") => Factor::Push,
            Some("token") => Factor::Token,
            Some("sms") => Factor::Sms,
            Some("call") => Factor::Call,
            _ => return Err(wrong()),
        };
        if factors.contains(&factor) {
            return Err(wrong());
        }
        factors.push(factor);
    }
    if factors.is_empty() {
        return Err(wrong());
    }
    Ok(factors)
}

fn read_when(entry: &Entry<'_>) -> Result<When, Error> {
    match entry.value.as_str() {
        Some("auto") => Ok(When::Auto),
        Some("on-request") => Ok(When::OnRequest),
        Some("never") => Ok(When::Never),
        _ => Err(entry.error("must be \"auto\", \"on-request\" or \"never\"")),
    }
}

fn read_otherwise(entry: &Entry<'_>) -> Result<Otherwise, Error> {
    match entry.value.as_str() {
        Some("deny") => Ok(Otherwise::Deny),
        Some("ignore") => Ok(Otherwise::Ignore),
        _ => Err(entry.error("must be \"deny\" or \"ignore\"")),
    }
}

fn read_key_file(entry: &Entry<'_>) -> Result<Secret, Error> {
    let path = entry.path()?;
    let text = Secret::new(toml_file::read(&path, Holds::Secret, trusted_file::LIMIT)?);
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    check_key(
        entry,
        Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned()),
    )
}

/// A key goes into a header: visible ASCII only.
fn check_key(entry: &Entry<'_>, key: Secret) -> Result<Secret, Error> {
    let text = key.expose();
    if text.is_empty() {
        return Err(entry.error("is empty: put the API key of your Authy application there"));
    }
    if text.len() > KEY_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(entry.error("is no API key: a key is up to 200 visible ASCII characters"));
    }
    Ok(key)
}

/// `https://host[:port][/path]`, given back without a slash at its end.
fn check_url(entry: &Entry<'_>) -> Result<String, Error> {
    let wrong = || entry.error("must be https://host[:port][/path]");
    let url = entry.text()?.trim_end_matches('/');
    let rest = url.strip_prefix("https://").ok_or_else(wrong)?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if is_host_and_port(host) && path.bytes().all(plain) && !path.contains("..") {
        Ok(url.to_owned())
    } else {
        Err(wrong())
    }
}

/// `http://host:port`.
fn check_proxy(entry: &Entry<'_>) -> Result<String, Error> {
    let url = entry.text()?;
    let host = url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if is_host_and_port(host) && host.contains(':') => Ok(url.to_owned()),
        _ => Err(entry.error("must be http://host:port")),
    }
}

/// A name, an IPv4 address or an IPv6 address in brackets, with or without a port.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", port),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let port_fits = match port.strip_prefix(':') {
        Some(number) => {
            number.bytes().all(|byte| byte.is_ascii_digit())
                && number.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => port.is_empty(),
    };
    !host.is_empty() && host.bytes().all(plain) && port_fits
}

/// One key with its value and its full name, such as `login.attempts`.
struct Entry<'a> {
    source: Source<'a>,
    name: String,
    key: &'a str,
    at: std::ops::Range<usize>,
    value: &'a DeValue<'a>,
}

fn entries<'a>(
    source: Source<'a>,
    above: &str,
    table: &'a DeTable<'a>,
) -> impl Iterator<Item = Entry<'a>> {
    let above = if above.is_empty() {
        String::new()
    } else {
        format!("{above}.")
    };
    table
        .iter()
        .map(move |(key, value): (&Spanned<_>, &Spanned<_>)| Entry {
            source,
            name: format!("{above}{}", text::clean_to(key.get_ref(), 64)),
            key: key.get_ref(),
            at: key.span(),
            value: value.get_ref(),
        })
}

impl<'a> Entry<'a> {
    fn error(&self, message: &str) -> Error {
        self.source
            .error(self.at.clone(), format!("{} {message}", self.name))
    }

    fn unknown(&self) -> Error {
        self.source
            .error(self.at.clone(), format!("unknown key {}", self.name))
    }

    fn table(&self) -> Result<impl Iterator<Item = Entry<'a>>, Error> {
        let table = self
            .value
            .as_table()
            .ok_or_else(|| self.error("must be a table"))?;
        Ok(entries(self.source, &self.name, table))
    }

    fn text(&self) -> Result<&'a str, Error> {
        self.value
            .as_str()
            .ok_or_else(|| self.error("must be a text in quotes"))
    }

    fn truth(&self) -> Result<bool, Error> {
        self.value
            .as_bool()
            .ok_or_else(|| self.error("must be true or false"))
    }

    fn path(&self) -> Result<PathBuf, Error> {
        let path = Path::new(self.text()?);
        if path.is_absolute() && !self.text()?.contains('\0') {
            Ok(path.to_owned())
        } else {
            Err(self.error("must be an absolute path"))
        }
    }

    fn number(&self, range: RangeInclusive<u32>) -> Result<u32, Error> {
        integer(self.value)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.error(&format!("must be {}..={}", range.start(), range.end())))
    }

    fn seconds(&self, range: RangeInclusive<u32>) -> Result<Duration, Error> {
        self.number(range)
            .map(|seconds| Duration::from_secs(seconds.into()))
    }
}
