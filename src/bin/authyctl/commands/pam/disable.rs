//! `pam disable`: removes our module from the stacks.

use super::pending::{self, TARGETS};
use super::{plan, profile, rollback, show};
use crate::cli::{PamDisableArgs, Target};
use crate::error::CommandError;
use crate::output::Output;

pub(super) fn disable(args: &PamDisableArgs) -> Result<Output, CommandError> {
    let targets: Vec<_> = args.service.map_or(TARGETS.to_vec(), |target| vec![target]);
    let mut edits = Vec::new();
    for target in &targets {
        edits.extend(plan::to_disable(*target).map_err(CommandError::local)?);
    }
    let has_profile = targets.contains(&Target::All) && profile::is_on();
    let mut output = show(args.service.unwrap_or(Target::All), &edits, !args.dry_run);
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
    let _lock = pending::lock()?;
    for target in targets {
        output.lines.extend(rollback::undo(target)?);
    }
    Ok(output)
}
