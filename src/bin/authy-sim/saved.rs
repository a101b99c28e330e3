//! The file of the state, state.jsonl, with which a simulator of the same folder continues.
//!
//! Each line is a part of the state, such as one person with their secrets and used tokens, and
//! replaces an earlier line of the same part. The middleware [`save`] adds what a request has
//! changed before the answer is sent, so that a killed simulator has forgotten nothing that a
//! client knows of. A start leaves one line for each part.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::approvals::Approvals;
use crate::apps::App;
use crate::folder;
use crate::service::SimState;
use crate::state::{People, Settings};
use crate::twilio;
use crate::verifications::Verifications;

/// The content of the file.
#[derive(Default)]
pub(crate) struct Saved {
    pub(crate) key: String,
    pub(crate) people: People,
    pub(crate) approvals: Approvals,
    pub(crate) apps: Vec<App>,
    pub(crate) verifications: Verifications,
    pub(crate) settings: Settings,
    pub(crate) twilio: twilio::Known,
}

impl Saved {
    /// Adds a part, whose line [`StateFile::add`] wrote under this name.
    fn read(&mut self, part: &str, line: &str) -> serde_json::Result<()> {
        match part.split_once(' ').unwrap_or((part, "")) {
            ("key", _) => self.key = value(line)?,
            ("person", _) => self.people.put(value(line)?),
            ("approval", _) => self.approvals.put(value(line)?),
            ("apps", _) => self.apps = value(line)?,
            ("verification", phone) => self.verifications.put(phone, value(line)?),
            ("settings", _) => self.settings = value(line)?,
            ("twilio", part) => self.twilio.read(part, line)?,
            // A later version may save more.
            _ => {}
        }
        Ok(())
    }
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line<'a, T> {
    part: &'a str,
    value: T,
}

/// Returns the value in a line.
pub(crate) fn value<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    serde_json::from_str(line).map(|line: Line<'_, T>| line.value)
}

/// The file, and its lines by their parts.
pub(crate) struct StateFile {
    file: File,
    lines: BTreeMap<String, String>,
    /// What is added by the next [`Self::flush`].
    new: String,
}

impl StateFile {
    /// Reads the file, and writes it anew with one line for each part; a missing file is an empty
    /// state. A last line without its end was never acknowledged, and is left out.
    ///
    /// # Errors
    /// The file is damaged, in which case it is left as it is, or cannot be read or written.
    pub(crate) fn open(path: &PathBuf) -> Result<(Self, Saved)> {
        let name = || path.display().to_string();
        let text = match path.exists() {
            true => fs::read_to_string(path).with_context(name)?,
            false => String::new(),
        };
        let (mut saved, mut lines) = (Saved::default(), BTreeMap::new());
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        for (at, text) in whole.enumerate() {
            let place = || format!("{}, line {}", path.display(), at + 1);
            let line: Line<'_, IgnoredAny> = serde_json::from_str(text).with_context(place)?;
            let part = line.part.to_owned();
            saved.read(&part, text).with_context(place)?;
            lines.insert(part, text.to_owned());
        }
        let all: String = lines.values().map(String::as_str).collect();
        folder::write(path, &all, 0o600)?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(name)?;
        let new = String::new();
        Ok((Self { file, lines, new }, saved))
    }

    /// Adds a part unless the file has it in the same state.
    pub(crate) fn add(&mut self, part: &str, value: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(&Line { part, value })? + "\n";
        if self.lines.get(part) != Some(&line) {
            self.new += &line;
            self.lines.insert(part.to_owned(), line);
        }
        Ok(())
    }

    /// Writes what was added, by one system call.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let new = std::mem::take(&mut self.new);
        if new.is_empty() {
            return Ok(());
        }
        self.file
            .write_all(new.as_bytes())
            .context("cannot save the state")
    }
}

/// Middleware that saves what a request has changed.
pub(crate) async fn save(State(sim): SimState, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    if let Err(error) = sim.save() {
        eprintln!("authy-sim: {error:#}");
    }
    answer
}
