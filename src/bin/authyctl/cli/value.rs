//! Parsers for the values of arguments that clap cannot parse by their type.

use std::ffi::OsString;
use std::io;
use std::path::{self, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser, ValueParser};
use pam_authy::store::config;

/// Parses a path; a relative one starts at the working directory.
pub(super) fn absolute() -> ValueParser {
    let parse = |path: OsString| -> io::Result<PathBuf> { path::absolute(path) };
    OsStringValueParser::new().try_map(parse).into()
}

/// Like [`absolute`]; `-` is standard input.
pub(super) fn absolute_or_standard_input() -> ValueParser {
    let parse = |path: OsString| -> io::Result<PathBuf> {
        if path == "-" {
            return Ok(PathBuf::from("/dev/stdin"));
        }
        path::absolute(path)
    };
    OsStringValueParser::new().try_map(parse).into()
}

pub(super) fn user_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("no account can have this name".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses the name of a PAM service, which is also the name of a file in a folder of stacks.
pub(super) fn service_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if text.is_empty() || text.len() > 64 || text.starts_with('.') || !text.chars().all(plain) {
        return Err("a service is up to 64 letters, digits and -_.@".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

/// Parses the address of a provider.
pub(super) fn service_url(text: &str) -> Result<String, String> {
    config::service_url(text).ok_or_else(|| format!("an address is {}", config::SERVICE_URL))
}

/// Parses a language tag as the web writes it: letters, digits and dashes.
pub(super) fn locale(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if (2..=16).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("a language is written like en or pt-BR".to_owned())
    }
}

/// Parses `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is written NAME=VALUE".to_owned()),
    }
}
