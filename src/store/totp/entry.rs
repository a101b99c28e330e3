//! One entry of totp.toml: `bob = { secret = "BASE32", digits = 6, period = 30, algorithm = "SHA1"
//! }`. One of enrolled.toml says `since` too, and may say which `factors` the person had.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Authenticator, Error, InvalidTotp};
use crate::base::text;

use crate::host::toml_file::{self, Source, integer};

/// Which of the two files an entry is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// totp.toml, which administrators write.
    Totp,
    /// enrolled.toml, which logins write.
    Enrolled,
}

/// How an app was enrolled at the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// When, in seconds since 1970.
    pub since: u64,
    /// The factors by which the person is recognized, as they are stored; empty: it counts for the
    /// person that the mapping names.
    pub factors: Vec<String>,
}

/// The entry of a name.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A secret that can be used.
    Valid {
        /// The line of the entry, counted from 1.
        line: usize,
        /// The app.
        app: Authenticator,
        /// How it was enrolled; `None` in totp.toml.
        enrolled: Option<Enrolled>,
    },
    /// The entry is not valid.
    Invalid {
        /// The line of the entry, counted from 1.
        line: usize,
        /// What is wrong with it, without any value.
        message: String,
    },
}

impl Entry {
    /// The app, if the entry is valid.
    #[must_use]
    pub fn app(&self) -> Option<&Authenticator> {
        match self {
            Self::Valid { app, .. } => Some(app),
            Self::Invalid { .. } => None,
        }
    }

    /// How the app was enrolled, if the entry is valid and in enrolled.toml.
    #[must_use]
    pub fn enrolled(&self) -> Option<&Enrolled> {
        match self {
            Self::Valid { enrolled, .. } => enrolled.as_ref(),
            Self::Invalid { .. } => None,
        }
    }

    /// The line of the entry, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Valid { line, .. } | Self::Invalid { line, .. } => *line,
        }
    }
}

/// A key of the table `[totp]`, before its value is read.
pub(super) struct Row<'a> {
    pub(super) form: Form,
    pub(super) source: Source<'a>,
    /// The place of the name.
    pub(super) at: Range<usize>,
    /// The line of the name, counted from 1.
    pub(super) line: usize,
    pub(super) name: &'a str,
    /// The place of the value.
    pub(super) span: Range<usize>,
}

impl Row<'_> {
    /// Refuses a table that is not written in braces: it comes from a name with a dot, which needs
    /// quotes, and would otherwise be another person's entry.
    ///
    /// # Errors
    /// The whole file is not valid.
    pub(super) fn check_form(&self, value: &DeValue<'_>) -> Result<(), Error> {
        let Some(table) = value.as_table() else {
            return Ok(());
        };
        if self.source.starts_with(self.span.clone(), '{') {
            return Ok(());
        }
        let part = table.keys().next().map_or("", |key| key.get_ref());
        let name = text::sanitize_to(&format!("{}.{part}", self.name), 64);
        let message = format!("{name}: put the name in quotes, and its keys in braces");
        Err(self.source.error(self.at.clone(), message))
    }

    /// Reads the value.
    pub(super) fn read(&self, value: &DeValue<'_>) -> Entry {
        let line = self.line;
        match read(value, self.form) {
            Ok((app, enrolled)) => Entry::Valid {
                line,
                app,
                enrolled,
            },
            Err(why) => {
                let message = format!("{}: {why}", text::sanitize_to(self.name, 64));
                Entry::Invalid { line, message }
            }
        }
    }
}

fn read(value: &DeValue<'_>, form: Form) -> Result<(Authenticator, Option<Enrolled>), String> {
    let table = value
        .as_table()
        .ok_or("must be a table such as { secret = \"BASE32\" }")?;
    check_keys(table, form)?;
    let value = |key| table.get(key).map(toml::Spanned::get_ref);
    let text = |error: InvalidTotp| error.to_string();
    let secret = value("secret").ok_or("secret is missing")?;
    let secret = secret.as_str().ok_or("secret must be a text in quotes")?;
    let mut app = Authenticator::from_base32(secret).map_err(text)?;
    if let Some(digits) = value("digits") {
        // No integer of another type or size is one of the allowed numbers.
        app = app
            .with_digits(integer(digits).unwrap_or(-1))
            .map_err(text)?;
    }
    if let Some(period) = value("period") {
        app = app
            .with_period(integer(period).unwrap_or(-1))
            .map_err(text)?;
    }
    if let Some(word) = value("algorithm") {
        let algorithm = word.as_str().unwrap_or_default().parse().map_err(text)?;
        app = app.with_algorithm(algorithm);
    }
    match form {
        Form::Totp => Ok((app, None)),
        Form::Enrolled => Ok((app, Some(read_enrolled(table)?))),
    }
}

/// Reads when an app was enrolled, and the person's factors then.
fn read_enrolled(table: &DeTable<'_>) -> Result<Enrolled, String> {
    let value = |key| table.get(key).map(toml::Spanned::get_ref);
    let since = match value("since") {
        Some(DeValue::Datetime(time)) => toml_file::seconds(time),
        _ => None,
    };
    let since = since.ok_or("since must be a time in UTC such as 2026-11-27T12:00:00Z")?;
    let factors = match value("factors") {
        None => Some(Vec::new()),
        Some(list) => list.as_array().and_then(|list| {
            let texts = list.iter().map(|text| text.get_ref().as_str());
            texts.map(|text| text.map(str::to_owned)).collect()
        }),
    };
    let factors = factors.ok_or("factors must be a list of texts")?;
    Ok(Enrolled { since, factors })
}

fn check_keys(table: &DeTable<'_>, form: Form) -> Result<(), String> {
    let known: &[&str] = match form {
        Form::Totp => &["secret", "digits", "period", "algorithm"],
        Form::Enrolled => &[
            "secret",
            "digits",
            "period",
            "algorithm",
            "since",
            "factors",
        ],
    };
    if table
        .keys()
        .all(|key| known.contains(&key.get_ref().as_ref()))
    {
        return Ok(());
    }
    // Without the key: a secret that was written in the wrong place could be the key itself.
    let (last, first) = known.split_last().unwrap_or((&"", &[]));
    let first = first.join(", ");
    Err(format!(
        "has an unknown key; the keys are {first} and {last}"
    ))
}
