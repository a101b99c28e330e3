//! `pam`: puts our module into the stack of a service and takes it out again, without fear.
//!
//! A change is shown, judged by `doctor` as it would be and once more as it is, and can be put back by
//! itself when nobody confirms it. `edit` knows the text, `host` the files, `pending` what waits,
//! `back` the way back.

mod back;
mod edit;
mod host;
mod pending;
mod sshd;

use std::path::Path;

use serde_json::json;

use self::host::{Candidate, Change, PAM_DIR};
use self::pending::{TARGETS, name};
use super::doctor;
use crate::cli::{
    Command, Global, PamCommand, PamDisableArgs, PamEnableArgs, PamRollbackArgs, Target,
};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

pub(crate) fn pam(global: &Global, command: &PamCommand) -> Result<Output, CommandError> {
    match command {
        PamCommand::Enable(args) => enable(global, args),
        PamCommand::Disable(args) => disable(args),
        PamCommand::Confirm => confirm(),
        PamCommand::Rollback(args) => rollback(args),
    }
}

fn enable(global: &Global, args: &PamEnableArgs) -> Result<Output, CommandError> {
    if args.with_key && args.service != Target::Sshd {
        return Err(CommandError::new(
            ErrorKind::Usage,
            "--with-key is for sshd: nothing else checks a key",
        ));
    }
    let enabling = Enabling {
        target: args.service,
        changes: host::to_enable(args.service, args.with_key).map_err(by_hand)?,
        force: args.force,
    };
    if args.dry_run {
        enabling.show(global)
    } else {
        enabling.make(global, args.rollback_after)
    }
}

/// Puts back what nobody confirmed in time. Every command does so first; costs three looks at a folder.
pub(crate) fn carry_out_overdue(command: &Command) {
    if matches!(command, Command::Pam(PamCommand::Rollback(_))) {
        return;
    }
    for target in TARGETS {
        if pending::waiting(target).is_some_and(|waiting| waiting.left.is_zero()) {
            match back::put_back_when(target, |waiting| waiting.left.is_zero()) {
                Ok(true) => eprintln!(
                    "authyctl: {} is as it was: nobody confirmed the change",
                    name(target)
                ),
                Ok(false) => {}
                Err(error) => eprintln!("authyctl: {}: {}", name(target), error.message),
            }
        }
    }
}

fn local(why: impl std::fmt::Display) -> CommandError {
    CommandError::new(ErrorKind::Local, why.to_string())
}

fn by_hand(why: String) -> CommandError {
    local(why).hint("nothing is changed; the stacks to write by hand are in README.md")
}

/// A change that puts our module in.
struct Enabling {
    target: Target,
    changes: Vec<Change>,
    force: bool,
}

impl Enabling {
    /// Shows the change, and says what doctor thinks of it.
    fn show(&self, global: &Global) -> Result<Output, CommandError> {
        self.check(global)?;
        let mut done = self.done(false);
        done.lines.push("nothing is changed: --dry-run".to_owned());
        Ok(done)
    }

    fn make(&self, global: &Global, rollback_after: Option<u32>) -> Result<Output, CommandError> {
        let lock = pending::lock()?;
        self.check(global)?;
        for change in &self.changes {
            pending::keep(self.target, &change.path).map_err(local)?;
        }
        if let Some(seconds) = rollback_after {
            // Before the change: a fall in between is put back too.
            pending::begin(self.target, seconds).map_err(local)?;
        }
        let made = self.write().and_then(|()| self.judge_made(global));
        if let Err(error) = made {
            back::put_back(self.target)?;
            return Err(error);
        }
        let mut done = self.done(true);
        if self.target == Target::Sshd {
            done.lines.push(sshd::reload());
        }
        drop(lock);
        if let Some(seconds) = rollback_after {
            if let Err(error) = back::start_waiting(seconds) {
                back::put_back_when(self.target, |_| true)?;
                return Err(local(error));
            }
            done.lines.push(format!(
                "{} is put back in {seconds} s; to keep the change: authyctl pam confirm",
                name(self.target)
            ));
            done.members.insert("rollback_after".into(), seconds.into());
        }
        Ok(done)
    }

    fn write(&self) -> Result<(), CommandError> {
        if self.target == Target::All {
            return host::switch_profile(true).map_err(local);
        }
        let was_content = sshd::accepts_config();
        for change in &self.changes {
            host::write(&change.path, change.new.as_deref())
                .map_err(|error| local(format!("{}: {error}", change.path.display())))?;
            if was_content && !sshd::accepts_config() {
                return Err(CommandError::new(
                    ErrorKind::Refused,
                    "sshd does not take its settings so",
                ));
            }
        }
        Ok(())
    }

    /// Refuses what doctor finds wrong with the files as they would be.
    fn check(&self, global: &Global) -> Result<(), CommandError> {
        let candidate = Candidate::new(&self.changes).map_err(local)?;
        let folder = candidate.pam_dir();
        let found = doctor::problems(global, folder, candidate.sshd_settings.as_deref());
        let shown = folder.display().to_string();
        self.refuse(
            found
                .iter()
                .map(|problem| problem.replace(&shown, PAM_DIR))
                .collect(),
        )
    }

    /// The same with the files as they are now.
    fn judge_made(&self, global: &Global) -> Result<(), CommandError> {
        self.refuse(doctor::problems(global, Path::new(PAM_DIR), None))
    }

    fn refuse(&self, problems: Vec<String>) -> Result<(), CommandError> {
        if problems.is_empty() || self.force {
            return Ok(());
        }
        let mut done = self.done(false);
        done.lines
            .extend(problems.iter().map(|problem| format!("problem  {problem}")));
        done.members.insert("problems".into(), json!(problems));
        let members = serde_json::Value::Object(done.members.clone());
        let message = format!(
            "{} is not enabled: doctor finds a problem",
            name(self.target)
        );
        Err(CommandError::new(ErrorKind::Refused, message)
            .hint("mend it, or say --force")
            .with_members(members)
            .after(done))
    }

    fn done(&self, changed: bool) -> Output {
        said(self.target, &self.changes, changed)
    }
}

/// The diffs of some files, for people and scripts.
fn said(target: Target, changes: &[Change], changed: bool) -> Output {
    let diff: Vec<String> = changes.iter().flat_map(Change::diff).collect();
    let files: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
    let members = json!({
        "service": name(target), "changed": changed, "files": files, "diff": diff.join("\n"),
    });
    Output::new(diff, members)
}

fn disable(args: &PamDisableArgs) -> Result<Output, CommandError> {
    let (service, dry_run) = (args.service, args.dry_run);
    let targets: Vec<_> = service.map_or(TARGETS.to_vec(), |target| vec![target]);
    let mut changes = Vec::new();
    for target in &targets {
        changes.extend(host::to_disable(*target).map_err(local)?);
    }
    let profile = targets.contains(&Target::All) && host::profile_is_on();
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
        done.lines.extend(back::put_back(target)?);
    }
    Ok(done)
}

fn confirm() -> Result<Output, CommandError> {
    let nothing = || CommandError::new(ErrorKind::Refused, "nothing waits to be confirmed");
    if !TARGETS
        .into_iter()
        .any(|target| pending::waiting(target).is_some())
    {
        return Err(nothing());
    }
    // Whoever puts a change back right now is let finish: then there is nothing to confirm.
    let _lock = pending::lock()?;
    let mut lines = Vec::new();
    for target in TARGETS {
        if pending::waiting(target).is_some() {
            pending::end(target).map_err(local)?;
            lines.push(format!("{} stays as it is", name(target)));
        }
    }
    if lines.is_empty() {
        return Err(nothing());
    }
    Ok(Output::new(lines, json!({"changed": true})))
}

fn rollback(args: &PamRollbackArgs) -> Result<Output, CommandError> {
    if args.wait {
        return Ok(back::wait(args.overdue));
    }
    let mut lines = Vec::new();
    for target in TARGETS {
        if back::put_back_when(target, |waiting| !args.overdue || waiting.left.is_zero())? {
            lines.push(format!("{} is as it was", name(target)));
        }
    }
    let changed = !lines.is_empty();
    if !changed {
        lines.push("nothing waits to be confirmed".to_owned());
    }
    Ok(Output::new(lines, json!({"changed": changed})))
}
