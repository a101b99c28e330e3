//! Reads `[paths]`, `[login]` and `[service.NAME]` of config.toml, key by key.
//!
//! Called by [`Config::parse`]. An unknown key or a bad value refuses the whole file. `providers`
//! reads `[authy]` and `[twilio]`, `directory` and `tables` the optional tables.

use std::collections::BTreeMap;

use super::directory;
use super::key_value::{KeyValue, entries, is_service};
use super::providers;
use super::tables::Tables;
use super::{
    Config, EnrollTotp, Enter, Error, Fallback, Login, Notices, Paths, Provider, SendMode, Subject,
};
use crate::base::factor::Factor;
use crate::base::language::Language;
use crate::host::toml_file::Source;

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
    let (mut authy, mut twilio, mut directory) = (None, None, None);
    let mut tables = Tables::default();
    let mut paths = Paths {
        state: "/var/lib/pam_authy".into(),
        log: None,
    };
    let mut login = Login::default();
    let mut lines = BTreeMap::new();
    for entry in entries(source, "", &file) {
        match entry.name.as_str() {
            "authy" => authy = Some(providers::authy(&entry)?),
            "twilio" => twilio = Some(providers::twilio(&entry)?),
            "directory" => {
                lines.extend(lines_of(&entry)?);
                directory = Some(directory::directory(&entry)?);
            }
            "paths" => read_paths(&entry, &mut paths)?,
            "login" => read_login(&entry, &mut login, &mut lines)?,
            // Read below, because it is based on [login], which may come later in the file.
            "service" => {}
            _ => tables.read(&entry, &mut lines)?,
        }
    }
    let services = read_services(source, &file, &login, &mut lines)?;
    let config = Config {
        authy,
        twilio,
        paths,
        exempt: tables.exempt,
        limits: tables.limits,
        remember: tables.remember,
        recovery: tables.recovery,
        lockers: tables.lockers,
        directory,
        messages: tables.messages,
        login,
        services,
        lines,
        digest: [0; 32],
    };
    check_provider(source, &config)?;
    Ok(config)
}

/// The line of each key of the table, by its full name.
fn lines_of(table: &KeyValue<'_>) -> Result<Vec<(String, usize)>, Error> {
    let line = |entry: KeyValue<'_>| (entry.name.clone(), entry.source.line(entry.span));
    Ok(table.table()?.map(line).collect())
}

/// Refuses a `provider` whose table is missing: it would have no effect.
fn check_provider(source: Source<'_>, config: &Config) -> Result<(), Error> {
    let tables = [("login".to_owned(), &config.login)].into_iter();
    let services = config.services.iter();
    let services = services.map(|(name, rules)| (format!("service.{name}"), rules));
    for (table, rules) in tables.chain(services) {
        let missing = match rules.provider {
            Some(Provider::Authy) if config.authy.is_none() => "authy",
            Some(Provider::Twilio) if config.twilio.is_none() => "twilio",
            _ => continue,
        };
        let name = format!("{table}.provider");
        let Some(line) = config.lines.get(&name) else {
            // It is inherited from [login], whose error is the same.
            continue;
        };
        let message = format!("{name} is \"{missing}\", and the table [{missing}] is missing");
        return Err(source.error_in_line(*line, message));
    }
    Ok(())
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

fn read_paths(table: &KeyValue<'_>, paths: &mut Paths) -> Result<(), Error> {
    for entry in table.table()? {
        match entry.key {
            "state" => paths.state = entry.path()?,
            "log" => paths.log = Some(entry.path()?),
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
            "enroll_by" => login.enroll_by = Some(entry.date()?),
            "when_unavailable" => login.when_unavailable = entry.choice(&FALLBACK)?,
            "enter" => {
                login.enter = entry.choice(&[("refuse", Enter::Refuse), ("push", Enter::Push)])?;
            }
            "push_seconds" => login.push_wait = entry.seconds(10..=300)?,
            "push_code" => login.push_code = entry.flag()?,
            "provider" => {
                let words = [Provider::Authy, Provider::Twilio].map(|one| (one.as_str(), one));
                login.provider = Some(entry.choice(&words)?);
            }
            "token_in_password" => login.token_in_password = entry.flag()?,
            "whose" => {
                login.whose =
                    entry.choice(&[("user", Subject::User), ("caller", Subject::Caller)])?;
            }
            "enroll_totp" => {
                let words = [("never", EnrollTotp::Never), ("offer", EnrollTotp::Offer)];
                login.enroll_totp = entry.choice(&words)?;
            }
            "enroll_hold_seconds" => login.enroll_hold = entry.seconds(0..=2_592_000)?,
            "notices" => login.notices = Some(entry.choice(&NOTICES)?),
            "ssh_services" => login.ssh_services = entry.services()?,
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
    let wrong =
        || entry.error("must be a list of push, token, sms, call and security-key, each once");
    let words = entry.value.as_array().ok_or_else(wrong)?;
    let mut factors = Vec::new();
    for word in words {
        let factor = match word.get_ref().as_str() {
            Some("push") => Factor::Push,
            Some("token") => Factor::Token,
            Some("sms") => Factor::Sms,
            Some("call") => Factor::Call,
            Some("security-key") => Factor::SecurityKey,
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
