//! `pam`: puts our module into the stack of a service and takes it out again, without fear.
//!
//! A change is shown, judged by `doctor` as it would be and once more as it is, and can be put back by
//! itself when nobody confirms it. `edit` knows the text, `host` the files, `pending` what waits,
//! `back` the way back.

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

pub(crate) use self::rollback::carry_out_overdue;

pub(crate) fn pam(global: &Global, command: &PamCommand) -> Result<Output, CommandError> {
    match command {
        PamCommand::Enable(args) => enable::enable(global, args),
        PamCommand::Disable(args) => disable::disable(args),
        PamCommand::Confirm => rollback::confirm(),
        PamCommand::Rollback(args) => rollback::rollback(args),
    }
}

fn by_hand(why: String) -> CommandError {
    CommandError::local(why)
        .hint("nothing is changed; the stacks to write by hand are in README.md")
}

/// The diffs of some files, for people and scripts.
fn said(target: Target, changes: &[FileEdit], changed: bool) -> Output {
    let diff: Vec<String> = changes.iter().flat_map(FileEdit::diff).collect();
    let files: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
    let members = json!({
        "service": name(target), "changed": changed, "files": files, "diff": diff.join("\n"),
    });
    Output::new(diff, members)
}
