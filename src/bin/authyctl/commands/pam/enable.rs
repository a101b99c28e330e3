//! `pam enable`: shows a change, has doctor judge it, makes it, and puts it back where it went wrong.

use std::path::Path;

use serde_json::json;

use super::candidate::Candidate;
use super::file::{self, FileEdit};
use super::pending::{self, name};
use super::plan::PAM_DIR;
use super::{by_hand, plan, profile, rollback, said, sshd};
use crate::cli::{Global, PamEnableArgs, Target};
use crate::commands::doctor;
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

pub(super) fn enable(global: &Global, args: &PamEnableArgs) -> Result<Output, CommandError> {
    if args.with_key && args.service != Target::Sshd {
        return Err(CommandError::new(
            ErrorKind::Usage,
            "--with-key is for sshd: nothing else checks a key",
        ));
    }
    let enabling = Enabling {
        target: args.service,
        changes: plan::to_enable(args.service, args.with_key).map_err(by_hand)?,
        force: args.force,
    };
    if args.dry_run {
        enabling.show(global)
    } else {
        enabling.make(global, args.rollback_after)
    }
}

/// A change that puts our module in.
struct Enabling {
    target: Target,
    changes: Vec<FileEdit>,
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
            pending::keep(self.target, &change.path).map_err(CommandError::local)?;
        }
        if let Some(seconds) = rollback_after {
            // Before the change: a fall in between is put back too.
            pending::begin(self.target, seconds).map_err(CommandError::local)?;
        }
        let made = self.write().and_then(|()| self.judge_made(global));
        if let Err(error) = made {
            rollback::put_back(self.target)?;
            return Err(error);
        }
        let mut done = self.done(true);
        if self.target == Target::Sshd {
            done.lines.push(sshd::reload());
        }
        drop(lock);
        if let Some(seconds) = rollback_after {
            if let Err(error) = rollback::start_waiting(seconds) {
                rollback::put_back_when(self.target, |_| true)?;
                return Err(CommandError::local(error));
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
            return profile::switch(true).map_err(CommandError::local);
        }
        let was_content = sshd::accepts_config();
        for change in &self.changes {
            file::write(&change.path, change.new.as_deref())
                .map_err(|error| CommandError::file(&change.path, &error))?;
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
        let candidate = Candidate::new(&self.changes).map_err(CommandError::local)?;
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
