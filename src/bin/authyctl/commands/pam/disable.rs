//! `pam disable`: takes our module out of the stacks.

use super::pending::{self, TARGETS};
use super::{plan, profile, rollback, said};
use crate::cli::{PamDisableArgs, Target};
use crate::error::CommandError;
use crate::output::Output;

pub(super) fn disable(args: &PamDisableArgs) -> Result<Output, CommandError> {
    let (service, dry_run) = (args.service, args.dry_run);
    let targets: Vec<_> = service.map_or(TARGETS.to_vec(), |target| vec![target]);
    let mut changes = Vec::new();
    for target in &targets {
        changes.extend(plan::to_disable(*target).map_err(CommandError::local)?);
    }
    let profile = targets.contains(&Target::All) && profile::is_on();
    let mut done = said(service.unwrap_or(Target::All), &changes, !dry_run);
    if service.is_none() {
        done.members.remove("service");
    }
    if profile {
        done.lines
            .push("pam-auth-update takes the profile authy out".to_owned());
    }
    if changes.is_empty() && !profile {
        done.lines.push("no stack has lines of authyctl".to_owned());
        done.members.insert("changed".into(), false.into());
        return Ok(done);
    }
    if dry_run {
        done.lines.push("nothing is changed: --dry-run".to_owned());
        return Ok(done);
    }
    let _lock = pending::lock()?;
    for target in targets {
        done.lines.extend(rollback::put_back(target)?);
    }
    Ok(done)
}
