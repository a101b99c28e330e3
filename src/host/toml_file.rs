//! A TOML file as text with line numbers: what config.toml and users.toml have in common.
//!
//! Errors name file, line and key and never quote the file, since the API key may be in it: only
//! the message and the position of the parser's errors are used, and wrong values are named by
//! type.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::{Datetime, Offset};

use crate::base::utc::Utc;
use crate::host::trusted_file::{self, Access};

/// Why a file cannot be used: `PATH:LINE: why`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or trusted.
    #[error(transparent)]
    File(#[from] trusted_file::Error),
    /// Its content is wrong.
    #[error("{}:{line}: {message}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there, without any value.
        message: String,
    },
}

impl Error {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::File(error) if error.is_missing())
    }
}

/// The text of a TOML file and the file's path.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// The text of the file at `path`.
    #[must_use]
    pub fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text }
    }

    /// The file's path.
    #[must_use]
    pub fn path(self) -> &'a Path {
        self.path
    }

    /// Parses the whole text.
    ///
    /// # Errors
    /// It is not TOML, or has a key twice.
    pub fn parse(self) -> Result<DeTable<'a>, Error> {
        DeTable::parse(self.text)
            .map(Spanned::into_inner)
            .map_err(|error| {
                let at = error.span().unwrap_or(self.text.len()..self.text.len());
                match self.repeated_table(at.clone()) {
                    Some(message) => self.error(at, message),
                    // The parser's messages name types and, for a repeated key, nothing from the file.
                    None => self.error(at, error.message()),
                }
            })
    }

    /// What is wrong where the line at this position is the heading of a table that the file has
    /// already.
    fn repeated_table(self, at: Range<usize>) -> Option<String> {
        let heading = |line: &'a str| {
            let line = line.split('#').next().unwrap_or_default().trim();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "[]._-".contains(c);
            (line.starts_with('[') && line.chars().all(is_plain)).then_some(line)
        };
        let line = self.line(at);
        let mut lines = self.text.lines();
        let table = heading(lines.nth(line.checked_sub(1)?)?)?;
        let mut before = self.text.lines().take(line - 1);
        let first = before.position(|line| heading(line) == Some(table))? + 1;
        Some(format!(
            "{table} is here a second time: put its keys below line {first}"
        ))
    }

    /// An error at a position in the text.
    pub fn error(self, at: Range<usize>, message: impl Into<String>) -> Error {
        self.error_in_line(self.line(at), message)
    }

    /// An error in a line of the text, counted from 1.
    pub fn error_in_line(self, line: usize, message: impl Into<String>) -> Error {
        Error::Text {
            path: self.path.to_owned(),
            line,
            message: message.into(),
        }
    }

    /// The line of a position, counted from 1.
    #[must_use]
    pub fn line(self, at: Range<usize>) -> usize {
        let before = self
            .text
            .as_bytes()
            .get(..at.start.min(self.text.len()))
            .unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// The text at a position.
    #[must_use]
    pub fn text_at(self, at: Range<usize>) -> &'a str {
        self.text.get(at).unwrap_or_default()
    }

    /// Whether the text at a position begins with `character`.
    #[must_use]
    pub fn starts_with(self, at: Range<usize>, character: char) -> bool {
        self.text
            .get(at.start..)
            .is_some_and(|rest| rest.starts_with(character))
    }
}

/// Where the lines of a text end, for many look-ups of a line.
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(ends.map(|(at, _)| at).collect())
    }

    /// The line of a position, counted from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

/// Reads the file at `path` as text.
///
/// # Errors
/// The file cannot be read or trusted, or is not UTF-8.
pub fn read(path: &Path, access: Access, limit: u64) -> Result<String, Error> {
    text(trusted_file::read(path, access, limit)?, path)
}

/// Converts the content of the file at `path` to text.
///
/// # Errors
/// It is not UTF-8.
pub fn text(bytes: Vec<u8>, path: &Path) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::Text {
            path: path.to_owned(),
            line,
            message: "not UTF-8".to_owned(),
        }
    })
}

/// Returns a value as an integer of 64 bits; it may be written in any base that TOML has.
#[must_use]
pub fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The seconds since 1970 of a time in UTC.
#[must_use]
pub fn seconds(time: &Datetime) -> Option<u64> {
    let (date, of_day) = (time.date?, time.time?);
    if !matches!(time.offset, Some(Offset::Z | Offset::Custom { minutes: 0 })) {
        return None;
    }
    let utc = Utc {
        year: date.year.into(),
        month: date.month.into(),
        day: date.day.into(),
        time: [
            of_day.hour.into(),
            of_day.minute.into(),
            of_day.second.unwrap_or_default().into(),
        ],
    };
    utc.seconds()
}
