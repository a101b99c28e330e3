//! One entry of totp.toml: `bob = { secret = "BASE32", digits = 6, period = 30, algorithm = "SHA1" }`.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Authenticator, Error, InvalidTotp};
use crate::base::text;
use crate::host::toml_file::{Source, integer};

/// The entry of a name.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A secret that can be used.
    Valid {
        /// The line of the entry, counted from 1.
        line: usize,
        /// The app.
        app: Authenticator,
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
        match read(value) {
            Ok(app) => Entry::Valid { line, app },
            Err(why) => {
                let message = format!("{}: {why}", text::sanitize_to(self.name, 64));
                Entry::Invalid { line, message }
            }
        }
    }
}

fn read(value: &DeValue<'_>) -> Result<Authenticator, String> {
    let table = value
        .as_table()
        .ok_or("must be a table such as { secret = \"BASE32\" }")?;
    check_keys(table)?;
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
    Ok(app)
}

fn check_keys(table: &DeTable<'_>) -> Result<(), String> {
    const KEYS: [&str; 4] = ["secret", "digits", "period", "algorithm"];
    let is_known = |key: &str| KEYS.contains(&key);
    if table.keys().all(|key| is_known(key.get_ref())) {
        return Ok(());
    }
    // Without the key: a secret that was written in the wrong place could be the key itself.
    Err("has an unknown key; the keys are secret, digits, period and algorithm".to_owned())
}
