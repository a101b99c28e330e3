//! `pam`: adds our module to the stack of a service and removes it, so that a mistake locks no one
//! out.
//!
//! `plan` says which files change, and `edit` how a stack changes. Before `enable` writes, doctor
//! checks a `candidate` with the changes made; afterwards it checks the real files. `pending`
//! records a change that is not confirmed yet, and `rollback` undoes it in time.

mod candidate;
mod diff;
mod disable;
mod edit;
mod enable;
mod file;
mod pending;
mod plan;
mod profile;
mod rollback;
mod sshd;

use serde_json::json;

use self::file::FileEdit;
use self::pending::name;
use crate::cli::{Global, PamCommand, Target};
use crate::error::CommandError;
use crate::output::Output;

pub(crate) use self::rollback::roll_back_overdue;

pub(crate) fn pam(global: &Global, command: &PamCommand) -> Result<Output, CommandError> {
    match command {
        PamCommand::Enable(args) => enable::enable(global, args),
        PamCommand::Disable(args) => disable::disable(args),
        PamCommand::Confirm => rollback::confirm(),
        PamCommand::Rollback(args) => rollback::rollback(args),
    }
}

/// Returns the differences that some edits make, for people and scripts.
fn show(target: Target, edits: &[FileEdit], changed: bool) -> Output {
    let diff: Vec<String> = edits.iter().flat_map(FileEdit::diff).collect();
    let files: Vec<_> = edits.iter().map(|edit| edit.path.clone()).collect();
    let members = json!({
        "service": name(target), "changed": changed, "files": files, "diff": diff.join("\n"),
    });
    Output::new(diff, members)
}
