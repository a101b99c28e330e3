//! The file of the state, state.json, with which a simulator of the same folder continues.
//!
//! It contains the key, people with their secrets and used tokens, pushes, verifications and
//! settings. The middleware [`save`] writes it after each request and before the answer is sent, so
//! that a killed simulator has forgotten nothing that a client knows of.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;

use crate::approvals::Approvals;
use crate::apps::App;
use crate::folder;
use crate::service::SimState;
use crate::state::{People, Settings};
use crate::verifications::Verifications;

/// The content of the file. What an older one lacks is empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Saved {
    pub(crate) key: String,
    pub(crate) people: People,
    pub(crate) approvals: Approvals,
    pub(crate) apps: Vec<App>,
    pub(crate) verifications: Verifications,
    pub(crate) settings: Settings,
}

/// The file, and what was written to it last.
pub(crate) struct StateFile {
    path: PathBuf,
    written: String,
}

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            written: String::new(),
        }
    }

    /// Reads the file; a missing one is an empty state.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged. It is left as it is.
    pub(crate) fn read(&self) -> Result<Saved> {
        let name = || self.path.display().to_string();
        if !self.path.exists() {
            return Ok(Saved::default());
        }
        let text = fs::read_to_string(&self.path).with_context(name)?;
        serde_json::from_str(&text).with_context(name)
    }

    /// Writes the state unless the file has it already.
    pub(crate) fn write(&mut self, state: String) -> Result<()> {
        if state != self.written {
            folder::write(&self.path, &state, 0o600)?;
            self.written = state;
        }
        Ok(())
    }
}

/// Middleware that saves what a request has changed.
pub(crate) async fn save(State(sim): SimState, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    sim.save();
    answer
}
