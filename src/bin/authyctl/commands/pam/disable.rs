//! `pam disable`: removes our module from the stacks.

use super::file::FileEdit;
use super::{files, pending, plan, profile, rollback, show};
use crate::cli::{PamDisableArgs, Target};
use crate::error::CommandError;
use crate::output::Output;

pub(super) fn disable(args: &PamDisableArgs) -> Result<Output, CommandError> {
    let files = files(args.root.as_deref());
    let targets: Vec<_> = match &args.service {
        Some(target) => vec![target.clone()],
        None => plan::enabled(&files)
            .into_iter()
            .chain([Target::All])
            .collect(),
    };
    let mut edits: Vec<FileEdit> = Vec::new();
    for target in &targets {
        let more = plan::to_disable(&files, target).map_err(CommandError::local)?;
        edits.extend(
            more.into_iter()
                .filter(|edit| edits.iter().all(|e| e.path != edit.path))
                .collect::<Vec<_>>(),
        );
    }
    let has_profile = files.is_host() && targets.contains(&Target::All) && profile::is_on(&files);
    let shown = args.service.as_ref().unwrap_or(&Target::All);
    let mut output = show(shown, &edits, !args.dry_run);
    if args.service.is_none() {
        output.members.remove("service");
    }
    if has_profile {
        output
            .lines
            .push("pam-auth-update removes the profile authy".to_owned());
    }
    if edits.is_empty() && !has_profile {
        output
            .lines
            .push("no stack has lines of authyctl".to_owned());
        output.members.insert("changed".into(), false.into());
        return Ok(output);
    }
    if args.dry_run {
        output
            .lines
            .push("nothing was changed: --dry-run".to_owned());
        return Ok(output);
    }
    if !files.is_host() {
        for edit in &edits {
            edit.write(&files)
                .map_err(|error| CommandError::file(&edit.path, &error))?;
        }
        return Ok(output);
    }
    let _lock = pending::lock()?;
    for target in targets {
        output.lines.extend(rollback::undo(&target)?);
    }
    Ok(output)
}
