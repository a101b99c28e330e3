//! Reads the table `[directory]`, key by key. Called by `config::read`; an unknown key or a bad value
//! refuses the whole file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::Error;
use super::super::key_value::KeyValue;
use super::super::providers::host_and_port;
use super::{Changes, Directory, DirectoryAttributes, DirectoryBind, DirectoryServer};
use crate::base::text;

/// The longest filter, name in the directory or attribute, in bytes.
const MAX_LENGTH: usize = 1000;

/// What a kind of directory has by default.
#[derive(Debug, Clone, Copy)]
struct Preset {
    filter: &'static str,
    user: &'static str,
    folds_case: bool,
}

const PRESETS: [(&str, Preset); 3] = [
    (
        "inetorgperson",
        Preset {
            filter: "(objectClass=inetOrgPerson)",
            user: "uid",
            folds_case: false,
        },
    ),
    (
        "freeipa",
        Preset {
            filter: "(objectClass=posixAccount)",
            user: "uid",
            folds_case: false,
        },
    ),
    (
        "activedirectory",
        Preset {
            filter: "(&(objectCategory=person)(objectClass=user))",
            user: "sAMAccountName",
            folds_case: true,
        },
    ),
];

const CHANGES: [(&str, Changes); 2] = [("hold", Changes::Hold), ("apply", Changes::Apply)];

/// The keys as they are in the file.
#[derive(Default)]
struct Keys {
    servers: Option<Vec<DirectoryServer>>,
    ca_file: Option<PathBuf>,
    base: Option<String>,
    filter: Option<String>,
    user: Option<String>,
    bind_dn: Option<String>,
    password_file: Option<PathBuf>,
    preset: Option<Preset>,
    attributes: Option<DirectoryAttributes>,
    default_country: Option<String>,
    max_removed_percent: Option<u8>,
    changes: Changes,
    timeout: Option<Duration>,
}

/// Reads the table.
pub(in super::super) fn directory(table: &KeyValue<'_>) -> Result<Directory, Error> {
    let mut keys = Keys::default();
    for entry in table.table()? {
        keys.read(&entry)?;
    }
    keys.complete(table)
}

impl Keys {
    fn read(&mut self, entry: &KeyValue<'_>) -> Result<(), Error> {
        match entry.key {
            "url" => self.servers = Some(read_servers(entry)?),
            "ca_file" => self.ca_file = Some(entry.path()?),
            "base" => self.base = Some(plain(entry)?),
            "filter" => self.filter = Some(read_filter(entry)?),
            "user_attribute" => self.user = Some(read_attribute(entry)?),
            "bind_dn" => self.bind_dn = Some(plain(entry)?),
            "password_file" => self.password_file = Some(entry.path()?),
            "preset" => self.preset = Some(entry.choice(&PRESETS)?),
            "attributes" => self.attributes = Some(read_attributes(entry)?),
            "default_country" => self.default_country = Some(read_country(entry)?),
            "max_removed_percent" => {
                // The range is within u8.
                self.max_removed_percent = u8::try_from(entry.number(0..=100)?).ok();
            }
            "changes" => self.changes = entry.choice(&CHANGES)?,
            "timeout_seconds" => self.timeout = Some(entry.seconds(1..=300)?),
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }

    /// Adds the defaults, and checks what one key alone cannot say.
    fn complete(self, table: &KeyValue<'_>) -> Result<Directory, Error> {
        let missing = |key: &str| table.error(&format!("{key} is missing"));
        let or_preset = |key: &str| table.error(&format!("{key} is missing: set it, or preset"));
        let servers = self.servers.ok_or_else(|| missing("url"))?;
        let attributes = self.attributes.ok_or_else(|| missing("attributes"))?;
        let preset = self.preset;
        let filter = self.filter.or(preset.map(|preset| preset.filter.into()));
        let user = self.user.or(preset.map(|preset| preset.user.into()));
        let is_local = |server: &DirectoryServer| matches!(server, DirectoryServer::Ldapi(_));
        let bind = match (self.bind_dn, self.password_file) {
            (Some(dn), Some(password_file)) => DirectoryBind::Simple { dn, password_file },
            (None, None) if servers.iter().all(is_local) => DirectoryBind::External,
            (None, None) => {
                let why = "bind_dn is missing: without it only ldapi:// is read, as this user";
                return Err(table.error(why));
            }
            _ => return Err(table.error("bind_dn and password_file need each other")),
        };
        Ok(Directory {
            servers,
            ca_file: self.ca_file,
            base: self.base.ok_or_else(|| missing("base"))?,
            filter: filter.ok_or_else(|| or_preset("filter"))?,
            bind,
            attributes: DirectoryAttributes {
                user: user.ok_or_else(|| or_preset("user_attribute"))?,
                ..attributes
            },
            default_country: self.default_country,
            max_removed_percent: self.max_removed_percent.unwrap_or(10),
            changes: self.changes,
            timeout: self.timeout.unwrap_or(Duration::from_secs(30)),
            folds_case: preset.is_some_and(|preset| preset.folds_case),
        })
    }
}

/// Reads one URL, or a list of them.
fn read_servers(entry: &KeyValue<'_>) -> Result<Vec<DirectoryServer>, Error> {
    let wrong = || {
        let forms = "ldaps://host[:port], ldap://host[:port] (StartTLS) or ldapi:///path";
        entry.error(&format!("must be {forms}, or a list of these"))
    };
    if entry.value.as_str().is_some() {
        return Ok(vec![read_server(entry.text()?).ok_or_else(wrong)?]);
    }
    let servers = entry.list("URLs", read_server).map_err(|_| wrong())?;
    if servers.is_empty() {
        return Err(wrong());
    }
    Ok(servers)
}

fn read_server(url: &str) -> Option<DirectoryServer> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme == "ldapi" {
        return read_socket(rest).map(DirectoryServer::Ldapi);
    }
    let (host, port) = host_and_port(rest.strip_suffix('/').unwrap_or(rest))?;
    match scheme {
        "ldaps" => Some(DirectoryServer::Ldaps {
            host,
            port: port.unwrap_or(636),
        }),
        "ldap" => Some(DirectoryServer::StartTls {
            host,
            port: port.unwrap_or(389),
        }),
        _ => None,
    }
}

/// Reads the path of a socket: as it is, or with `%2F`, as programs of OpenLDAP write it.
fn read_socket(text: &str) -> Option<PathBuf> {
    let text = if text.starts_with('/') {
        text.to_owned()
    } else {
        let text = text.strip_suffix('/').unwrap_or(text);
        text.replace("%2F", "/").replace("%2f", "/")
    };
    let path = Path::new(&text);
    let is_plain = !text.contains('%') && !text.chars().any(char::is_control);
    (path.is_absolute() && path.file_name().is_some() && is_plain).then(|| path.to_owned())
}

/// Reads a text that is not empty and has no control characters.
fn plain(entry: &KeyValue<'_>) -> Result<String, Error> {
    let value = entry.text()?;
    if value.is_empty() || value.len() > MAX_LENGTH || text::has_control(value) {
        return Err(entry.error("must be a text without control characters, not empty"));
    }
    Ok(value.to_owned())
}

/// Reads a filter, as far as a mistake of the administrator can be told here.
fn read_filter(entry: &KeyValue<'_>) -> Result<String, Error> {
    let filter = plain(entry)?;
    let mut depth = 0_u32;
    let mut is_one = filter.starts_with('(');
    for (at, c) in filter.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                let left = depth.checked_sub(1);
                is_one &= left.is_some() && (left > Some(0) || at + 1 == filter.len());
                depth = left.unwrap_or_default();
            }
            _ => {}
        }
    }
    if is_one && depth == 0 {
        return Ok(filter);
    }
    Err(entry.error("must be a filter in parentheses, such as (objectClass=posixAccount)"))
}

/// Reads the name of an attribute, or its number (1.2.840.113556.1.4.221).
fn read_attribute(entry: &KeyValue<'_>) -> Result<String, Error> {
    let name = plain(entry)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_number = name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_name || is_number {
        return Ok(name);
    }
    Err(entry.error("must be the name of one attribute"))
}

/// Reads `[directory.attributes]`. `user` has a key of its own.
fn read_attributes(table: &KeyValue<'_>) -> Result<DirectoryAttributes, Error> {
    let mut attributes = DirectoryAttributes::default();
    for entry in table.table()? {
        let name = match entry.key {
            "authy_id" => &mut attributes.authy_id,
            "phone" => &mut attributes.phone,
            "twilio_identity" => &mut attributes.twilio_identity,
            "twilio_factor" => &mut attributes.twilio_factor,
            "security_keys" => &mut attributes.security_keys,
            _ => return Err(entry.unknown()),
        };
        *name = Some(read_attribute(&entry)?);
    }
    if attributes.twilio_identity.is_some() != attributes.twilio_factor.is_some() {
        return Err(table.error("twilio_identity and twilio_factor need each other"));
    }
    if attributes == DirectoryAttributes::default() {
        let why = "names no attribute: set authy_id, phone, twilio_identity and twilio_factor, or \
                   security_keys";
        return Err(table.error(why));
    }
    Ok(attributes)
}

fn read_country(entry: &KeyValue<'_>) -> Result<String, Error> {
    let country = entry.text()?;
    if country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(country.to_owned());
    }
    Err(entry.error("must be the two capital letters of a country, such as \"DE\""))
}
