//! One key of config.toml with its value, and how a value of each type is read or refused.
//!
//! The file is trusted, but a mistake in it must not be guessed away: every function returns the
//! checked value or an error that names line and key. Called by `read` and `tables`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Error;
use crate::base::date::Date;
use crate::base::text;
use crate::host::toml_file::{Source, integer};

/// One key with its value and its full name, such as `login.attempts`.
pub(super) struct KeyValue<'a> {
    pub(super) source: Source<'a>,
    pub(super) name: String,
    pub(super) key: &'a str,
    /// The place of the key in the file.
    pub(super) span: std::ops::Range<usize>,
    pub(super) value: &'a DeValue<'a>,
}

/// Whether PAM can have a service of this name: libpam converts every name to lower case.
///
/// Source: libpam, `pam_start` in `pam_start.c`.
pub(super) fn is_service(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Returns the keys of `table`, which has the full name `parent` (empty for the whole file).
pub(super) fn entries<'a>(
    source: Source<'a>,
    parent: &str,
    table: &'a DeTable<'a>,
) -> impl Iterator<Item = KeyValue<'a>> {
    let prefix = if parent.is_empty() {
        String::new()
    } else {
        format!("{parent}.")
    };
    table
        .iter()
        .map(move |(key, value): (&Spanned<_>, &Spanned<_>)| KeyValue {
            source,
            name: format!("{prefix}{}", text::sanitize_to(key.get_ref(), 64)),
            key: key.get_ref(),
            span: key.span(),
            value: value.get_ref(),
        })
}

impl<'a> KeyValue<'a> {
    pub(super) fn error(&self, message: &str) -> Error {
        self.source
            .error(self.span.clone(), format!("{} {message}", self.name))
    }

    pub(super) fn unknown(&self) -> Error {
        self.source
            .error(self.span.clone(), format!("unknown key {}", self.name))
    }

    pub(super) fn table(&self) -> Result<impl Iterator<Item = KeyValue<'a>>, Error> {
        let table = self
            .value
            .as_table()
            .ok_or_else(|| self.error("must be a table"))?;
        Ok(entries(self.source, &self.name, table))
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        self.value
            .as_str()
            .ok_or_else(|| self.error("must be a text in quotes"))
    }

    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        let path = Path::new(self.text()?);
        if path.is_absolute() && !self.text()?.contains('\0') {
            Ok(path.to_owned())
        } else {
            Err(self.error("must be an absolute path"))
        }
    }

    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Result<u32, Error> {
        integer(self.value)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                self.error(&format!(
                    "must be a number from {} to {}",
                    range.start(),
                    range.end()
                ))
            })
    }

    pub(super) fn seconds(&self, range: RangeInclusive<u32>) -> Result<Duration, Error> {
        self.number(range)
            .map(|seconds| Duration::from_secs(seconds.into()))
    }

    pub(super) fn flag(&self) -> Result<bool, Error> {
        self.value
            .as_bool()
            .ok_or_else(|| self.error("must be true or false"))
    }

    /// Reads a day. A time of day would leave open which time zone it has.
    pub(super) fn date(&self) -> Result<Date, Error> {
        let day = match self.value.as_datetime() {
            Some(value) if value.time.is_none() && value.offset.is_none() => value.date,
            _ => None,
        };
        day.and_then(|day| Date::new(day.year, day.month, day.day))
            .ok_or_else(|| self.error("must be a day such as 2027-01-31, without quotes and time"))
    }

    /// Reads one of the given words, and returns the value that belongs to it.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Error> {
        let found = self
            .value
            .as_str()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let quoted: Vec<_> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            let (last, rest) = quoted.split_last().map_or(("", &[][..]), |(l, r)| (l, r));
            self.error(&format!("must be {} or {last}", rest.join(", ")))
        })
    }

    /// Reads a list of names, none of them empty.
    pub(super) fn names(&self) -> Result<Vec<String>, Error> {
        self.list("names in quotes", |text| {
            (!text.is_empty() && !text::has_control(text)).then(|| text.to_owned())
        })
    }

    /// Reads a list of names of PAM services.
    pub(super) fn services(&self) -> Result<Vec<String>, Error> {
        let services = self.names()?;
        if services.iter().all(|name| is_service(name)) {
            Ok(services)
        } else {
            Err(self.error("must be in lower case, as PAM names its services"))
        }
    }

    /// Reads a list of texts, each with `read`. `of` names the items in the error.
    pub(super) fn list<T>(
        &self,
        of: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let wrong = || self.error(&format!("must be a list of {of}"));
        let items = self.value.as_array().ok_or_else(wrong)?;
        items
            .iter()
            .map(|item| item.get_ref().as_str().and_then(&read).ok_or_else(wrong))
            .collect()
    }
}
