//! The lines of enrolled.toml: one entry each, changed as text, so that the rest of the file stays
//! as it is. A change whose result is not valid, because the file was edited by hand, is none.
//! Called by [`super`].

use std::path::Path;

use super::{ENTRY_LENGTH, Error};
use crate::base::secret::Secret;
use crate::base::utc;
use crate::host::trusted_file::MAPPING_LIMIT;
use crate::store::totp::entry::Form;
use crate::store::totp::{Algorithm, Authenticator, Enrolled, Secrets};

/// The start of a new file.
const HEADER: &str = "# Apps that were enrolled at the prompt; see authyctl(8).\n[totp]\n";
/// The file is valid, but was not written by a login.
const FORM: &str = "change it by hand: it needs one entry a line under [totp]";

/// The present file.
pub(super) struct Present<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) secrets: Secrets,
}

impl Present<'_> {
    /// The text with this line for the name, or without the name.
    pub(super) fn with(&self, name: &str, line: Option<&Secret>) -> Result<Secret, Error> {
        let mut text = String::with_capacity(self.text.len() + ENTRY_LENGTH);
        let place = self
            .secrets
            .places
            .get(name)
            .map(|(place, _)| place.clone());
        let place = place.unwrap_or(self.text.len()..self.text.len());
        let (before, after) = (self.text.get(..place.start), self.text.get(place.end..));
        let (before, after) = before.zip(after).ok_or(self.wrong(FORM))?;
        // The whole line, with a comment behind it.
        let (start, rest) = match self.secrets.places.contains_key(name) {
            true => (
                before.rfind('\n').map_or(0, |at| at + 1),
                after
                    .find('\n')
                    .map_or("", |at| after.get(at + 1..).unwrap_or_default()),
            ),
            false => (before.len(), ""),
        };
        text.push_str(before.get(..start).unwrap_or_default());
        text.push_str(rest);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !text
            .lines()
            .any(|line| line.trim_start().starts_with("[totp]"))
        {
            text.push_str(HEADER);
        }
        text.push_str(line.map_or("", Secret::expose));
        self.check(&text, name, line.is_some())?;
        Ok(Secret::new(text))
    }

    /// Checks that the new text is valid and has the other names as before.
    fn check(&self, text: &str, name: &str, has_name: bool) -> Result<(), Error> {
        if text.len() as u64 > MAPPING_LIMIT {
            return Err(self.wrong("it would be too large"));
        }
        let new = Secrets::parse_some(text, self.path, Form::Enrolled, |_| false);
        let new = new.map_err(|_| self.wrong(FORM))?;
        let others = |secrets: &Secrets| {
            let names = secrets.places.keys().filter(|one| *one != name);
            names.cloned().collect::<Vec<_>>()
        };
        let is_expected =
            others(&new) == others(&self.secrets) && new.places.contains_key(name) == has_name;
        is_expected.then_some(()).ok_or(self.wrong(FORM))
    }

    fn wrong(&self, why: &'static str) -> Error {
        Error::Form {
            path: self.path.to_owned(),
            why,
        }
    }
}

/// The line of an entry.
pub(super) fn line(name: &str, app: &Authenticator, enrolled: &Enrolled) -> Secret {
    let factors: Vec<_> = enrolled.factors.iter().map(|one| quoted(one)).collect();
    // Every login writes the usual settings; a person at an editor may not have.
    let settings = match (app.digits(), app.period(), app.algorithm()) {
        (6, 30, Algorithm::Sha1) => String::new(),
        (digits, period, algorithm) => {
            format!("digits = {digits}, period = {period}, algorithm = \"{algorithm}\", ")
        }
    };
    let mut line = String::with_capacity(ENTRY_LENGTH);
    let secret = app.to_base32();
    let since = utc::written(enrolled.since);
    for part in [
        &quoted(name),
        " = { secret = \"",
        secret.as_str(),
        "\", ",
        &settings,
        "since = ",
        &since,
        ", factors = [",
        &factors.join(", "),
        "] }\n",
    ] {
        line.push_str(part);
    }
    Secret::new(line)
}

/// A text without control characters in quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
