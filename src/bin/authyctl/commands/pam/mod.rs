//! `pam`: adds our module to the stack of a service and removes it, so that a mistake locks no one
//! out.
//!
//! `plan` says which files change; `rule` where our line goes in a stack, with `takeover` where the
//! lines have to be written anew, and `edit` puts the result into the bytes of a file. Before
//! `enable` writes, doctor checks the files as they would be; afterwards it checks the real ones.
//! `pending` records a change that is not confirmed yet, `ask` has it confirmed on a terminal,
//! `rollback` undoes it in time, and `trace` says so afterwards.

mod ask;
mod candidate;
mod diff;
mod disable;
mod edit;
mod enable;
mod file;
mod pending;
mod plan;
mod profile;
mod refresh;
mod rollback;
mod rule;
mod sshd;
mod sshd_config;
mod takeover;
mod trace;
mod with_key;

use std::path::Path;

use serde_json::json;

use self::file::FileEdit;
use crate::cli::{Global, PamCommand, Target};
use crate::commands::stack::Files;
use crate::error::CommandError;
use crate::output::Output;

pub(crate) use self::rollback::{roll_back_overdue, waiting};
pub(crate) use self::trace::rolled_back;

pub(crate) fn pam(global: &Global, command: &PamCommand) -> Result<Output, CommandError> {
    let done = run(global, command)?;
    // A plain user, who can only look, leaves the record.
    if !matches!(command, PamCommand::Rollback(_)) {
        let _ = trace::forget();
    }
    Ok(done)
}

fn run(global: &Global, command: &PamCommand) -> Result<Output, CommandError> {
    match command {
        PamCommand::Enable(args) => enable::enable(global, args),
        PamCommand::Disable(args) => disable::disable(args),
        PamCommand::Refresh(args) => refresh::refresh(args),
        PamCommand::Confirm => rollback::confirm(),
        PamCommand::Rollback(args) => rollback::rollback(args),
    }
}

/// Returns the files of this host, or of the system below `root`.
fn files(root: Option<&Path>) -> Files {
    Files::below(root.unwrap_or(Path::new("/")))
}

/// Returns the differences that some edits make, for people and scripts.
fn show(target: &Target, edits: &[FileEdit], changed: bool) -> Output {
    let diff: Vec<String> = edits.iter().flat_map(FileEdit::diff).collect();
    let files: Vec<_> = edits.iter().map(|edit| edit.path.clone()).collect();
    let members = json!({
        "service": target.name(), "changed": changed, "files": files, "diff": diff.join("\n"),
    });
    Output::new(diff, members)
}
