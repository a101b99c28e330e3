//! Reads `[authy]`, `[paths]`, `[login]` and `[service.NAME]` of config.toml, key by key.
//!
//! Called by [`Config::parse`]. An unknown key or a bad value refuses the whole file; the API key
//! never gets into an error.

use std::collections::BTreeMap;
use std::time::Duration;

use super::key_value::{KeyValue, entries, is_service};
use super::tables::Tables;
use super::{Authy, Config, Enter, Error, Fallback, Login, Notices, Paths, SendMode, Subject};
use crate::base::factor::Factor;
use crate::base::language::Language;
use crate::base::secret::Secret;
use crate::host::toml_file::{self, Source};
use crate::host::trusted_file::{self, Access};

/// The longest API key, in characters. Keys of Authy have 32.
const MAX_KEY_LENGTH: usize = 200;

/// Reads the whole file. The digest is left for [`Config::parse`] to set.
pub(super) fn config(source: Source<'_>) -> Result<Config, Error> {
    let file = source.parse()?;
    // More likely a file that was cut off than a decision.
    if file.is_empty() {
        return Err(source.error(
            0..0,
            "the file is empty: it needs one table, such as [login]",
        ));
    }
    let mut authy = None;
    let mut tables = Tables::default();
    let mut paths = Paths {
        state: "/var/lib/pam_authy".into(),
        log: "/dev/log".into(),
    };
    let mut login = Login::default();
    let mut lines = BTreeMap::new();
    for entry in entries(source, "", &file) {
        match entry.name.as_str() {
            "authy" => authy = Some(read_authy(&entry)?),
            "paths" => read_paths(&entry, &mut paths)?,
            "login" => read_login(&entry, &mut login, &mut lines)?,
            // Read below, because it is based on [login], which may come later in the file.
            "service" => {}
            _ => tables.read(&entry, &mut lines)?,
        }
    }
    let services = read_services(source, &file, &login, &mut lines)?;
    Ok(Config {
        authy,
        paths,
        exempt: tables.exempt,
        limits: tables.limits,
        remember: tables.remember,
        recovery: tables.recovery,
        lockers: tables.lockers,
        messages: tables.messages,
        login,
        services,
        lines,
        digest: [0; 32],
    })
}

/// Reads the tables `[service.NAME]`, each over the rules of `[login]`.
fn read_services(
    source: Source<'_>,
    file: &toml::de::DeTable<'_>,
    login: &Login,
    lines: &mut BTreeMap<String, usize>,
) -> Result<BTreeMap<String, Login>, Error> {
    let mut services = BTreeMap::new();
    for entry in entries(source, "", file).filter(|entry| entry.name == "service") {
        for service in entry.table()? {
            if !is_service(service.key) {
                return Err(service.error("must be in lower case, as PAM names its services"));
            }
            let mut own = login.clone();
            read_login(&service, &mut own, lines)?;
            services.insert(service.key.to_owned(), own);
        }
    }
    Ok(services)
}

fn read_authy(table: &KeyValue<'_>) -> Result<Authy, Error> {
    let mut key = None;
    let mut url = "https://api.authy.com".to_owned();
    let (mut ca_file, mut proxy, mut timeout) = (None, None, Duration::from_secs(8));
    let mut warm_up = true;
    for entry in table.table()? {
        match entry.key {
            "key" | "key_file" if key.is_some() => {
                return Err(entry.error("cannot be combined: set either key or key_file"));
            }
            "key" => key = Some(check_key(&entry, Secret::new(entry.text()?.to_owned()))?),
            "key_file" => key = Some(read_key_file(&entry)?),
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

fn read_paths(table: &KeyValue<'_>, paths: &mut Paths) -> Result<(), Error> {
    for entry in table.table()? {
        match entry.key {
            "state" => paths.state = entry.path()?,
            "log" => paths.log = entry.path()?,
            _ => return Err(entry.unknown()),
        }
    }
    Ok(())
}

/// Reads the keys of the table into `login`, and their lines into `lines`.
fn read_login(
    table: &KeyValue<'_>,
    login: &mut Login,
    lines: &mut BTreeMap<String, usize>,
) -> Result<(), Error> {
    for entry in table.table()? {
        lines.insert(entry.name.clone(), entry.source.line(entry.span.clone()));
        match entry.key {
            "factors" => login.factors = read_factors(&entry)?,
            "sms" => login.sms = entry.choice(&send_modes())?,
            "push" => login.push = entry.choice(&send_modes())?,
            "attempts" => login.attempts = entry.number(1..=10)?,
            "deadline_seconds" => login.deadline = entry.seconds(5..=600)?,
            "refusal_seconds" => login.refusal = entry.seconds(0..=10)?,
            "echo" => login.echo = entry.flag()?,
            "code_digits" => {
                // The range of a code is within u8.
                login.code_digits = u8::try_from(entry.number(3..=12)?).unwrap_or(12);
            }
            "unenrolled" => login.unenrolled = entry.choice(&FALLBACK)?,
            "when_unavailable" => login.when_unavailable = entry.choice(&FALLBACK)?,
            "enter" => {
                login.enter = entry.choice(&[("refuse", Enter::Refuse), ("push", Enter::Push)])?;
            }
            "push_seconds" => login.push_wait = entry.seconds(10..=300)?,
            "push_code" => login.push_code = entry.flag()?,
            "token_in_password" => login.token_in_password = entry.flag()?,
            "whose" => {
                login.whose =
                    entry.choice(&[("user", Subject::User), ("caller", Subject::Caller)])?;
            }
            "notices" => login.notices = Some(entry.choice(&NOTICES)?),
            "language" => {
                let words = Language::ALL.map(|language| (language.as_str(), language));
                login.language = Some(entry.choice(&words)?);
            }
            _ => return Err(entry.unknown()),
        }
    }
    Ok(())
}

fn send_modes() -> [(&'static str, SendMode); 3] {
    SendMode::ALL.map(|mode| (mode.as_str(), mode))
}

const NOTICES: [(&str, Notices); 3] = [
    ("message", Notices::Message),
    ("prompt", Notices::Prompt),
    ("none", Notices::None),
];

const FALLBACK: [(&str, Fallback); 2] = [("deny", Fallback::Deny), ("ignore", Fallback::Ignore)];

fn read_factors(entry: &KeyValue<'_>) -> Result<Vec<Factor>, Error> {
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

fn read_key_file(entry: &KeyValue<'_>) -> Result<Secret, Error> {
    let path = entry.path()?;
    let text = Secret::new(toml_file::read(
        &path,
        Access::OwnerOnly,
        trusted_file::LIMIT,
    )?);
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    check_key(
        entry,
        Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned()),
    )
}

/// Checks an API key. It is sent in an HTTP header, so only visible ASCII is allowed.
fn check_key(entry: &KeyValue<'_>, key: Secret) -> Result<Secret, Error> {
    let text = key.expose();
    if text.is_empty() {
        return Err(entry.error("is empty: put the API key of your Authy application there"));
    }
    if text.len() > MAX_KEY_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(entry.error("is not an API key: a key is up to 200 visible ASCII characters"));
    }
    Ok(key)
}

/// Checks a URL of the form `https://host[:port][/path]`, and returns it without trailing slashes.
fn check_url(entry: &KeyValue<'_>) -> Result<String, Error> {
    let wrong = || entry.error("must be https://host[:port][/path]");
    let url = entry.text()?.trim_end_matches('/');
    let rest = url.strip_prefix("https://").ok_or_else(wrong)?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if is_host_and_port(host) && path.bytes().all(is_plain) && !path.contains("..") {
        Ok(url.to_owned())
    } else {
        Err(wrong())
    }
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
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", port),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_port = match port.strip_prefix(':') {
        Some(number) => {
            number.bytes().all(|byte| byte.is_ascii_digit())
                && number.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => port.is_empty(),
    };
    !host.is_empty() && host.bytes().all(is_plain) && is_port
}
