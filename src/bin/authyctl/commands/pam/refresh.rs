//! `pam refresh`: takes over again a file that our lines were made from, after the distribution has
//! changed it.

use serde_json::json;

use super::file::{FileEdit, read};
use super::{edit, files, pending, plan, rule, with_key};
use crate::cli::PamRefreshArgs;
use crate::commands::stack::{Files, hash, sources};
use crate::error::CommandError;
use crate::output::Output;

pub(super) fn refresh(args: &PamRefreshArgs) -> Result<Output, CommandError> {
    let files = files(args.root.as_deref());
    let _lock = if files.is_host() && !args.dry_run {
        Some(pending::lock()?)
    } else {
        None
    };
    let mut edits = Vec::new();
    for target in plan::enabled(&files) {
        let edit = refreshed(&files, target.name()).map_err(|why| {
            CommandError::local(why)
                .hint("nothing was changed; `authyctl pam disable` gives back the old stack")
        })?;
        edits.extend(edit);
    }
    let mut lines: Vec<String> = edits.iter().flat_map(FileEdit::diff).collect();
    let paths: Vec<_> = edits.iter().map(|edit| edit.path.clone()).collect();
    let changed = !edits.is_empty() && !args.dry_run;
    if edits.is_empty() {
        lines.push("no file that was taken over has changed".to_owned());
    } else if args.dry_run {
        lines.push("nothing was changed: --dry-run".to_owned());
    }
    if changed {
        for edit in &edits {
            edit.write(&files)
                .map_err(|error| CommandError::file(&edit.path, &error))?;
        }
    }
    Ok(Output::new(
        lines,
        json!({"changed": changed, "files": paths}),
    ))
}

/// Returns the new content of a service's stack; `None` where it stays as it is.
///
/// # Errors
/// Why our line cannot be had in the stack as it is now, with file and line.
fn refreshed(files: &Files, service: &str) -> Result<Option<FileEdit>, String> {
    let path = files.own(service);
    let Some(old) = read(files, &path)?.filter(|content| edit::is_marked(content)) else {
        return Ok(None);
    };
    let plain = edit::remove(&old).map_err(|why| format!("{}: {why}", path.display()))?;
    let copied = sources(&old).into_iter().find(|source| source.is_copy);
    // A copy that was never edited follows the file of the distribution.
    let follows = copied.is_some_and(|source| source.hash == hash(&plain));
    let without = files
        .clone()
        .with([(path.clone(), Some(plain).filter(|_| !follows))]);
    let with_key = is_with_key(&old);
    let new = rule::protect(&without, service, with_key)?.content;
    Ok((new != old).then_some(FileEdit {
        path,
        old: Some(old),
        new: Some(new),
    }))
}

/// Whether our lines were made for logins after sshd has checked a key.
fn is_with_key(content: &[u8]) -> bool {
    let mut rows = content.split(|byte| *byte == b'\n');
    rows.any(|row| row == with_key::MARK)
}
