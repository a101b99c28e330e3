//! `pam enable`: shows a change, has doctor check it, makes it, and undoes it when something went
//! wrong.

use std::path::Path;

use serde_json::{Value, json};

use super::candidate::Candidate;
use super::file::{self, FileEdit};
use super::pending::{self, name};
use super::plan::PAM_DIR;
use super::{plan, profile, rollback, show, sshd};
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
    let edits = plan::to_enable(args.service, args.with_key).map_err(|why| {
        CommandError::local(why)
            .hint("nothing was changed; README.md has the stacks to write by hand")
    })?;
    let enablement = Enablement {
        target: args.service,
        edits,
        force: args.force,
    };
    if args.dry_run {
        enablement.preview(global)
    } else {
        enablement.make(global, args.rollback_after)
    }
}

/// The change that adds our module to a service.
struct Enablement {
    target: Target,
    edits: Vec<FileEdit>,
    /// Make it even when doctor finds a problem.
    force: bool,
}

impl Enablement {
    /// Shows the change after doctor has checked it.
    fn preview(&self, global: &Global) -> Result<Output, CommandError> {
        self.check_candidate(global)?;
        let mut output = self.show(false);
        output
            .lines
            .push("nothing was changed: --dry-run".to_owned());
        Ok(output)
    }

    /// Makes the change. Undoes it when a file cannot be written or doctor finds a problem
    /// afterwards.
    fn make(&self, global: &Global, rollback_after: Option<u32>) -> Result<Output, CommandError> {
        let lock = pending::lock()?;
        self.check_candidate(global)?;
        for edit in &self.edits {
            pending::back_up(self.target, &edit.path).map_err(CommandError::local)?;
        }
        if let Some(seconds) = rollback_after {
            // Recorded before the change, so that a crash in between is rolled back too.
            pending::begin(self.target, seconds).map_err(CommandError::local)?;
        }
        if let Err(error) = self.write().and_then(|()| self.check_result(global)) {
            rollback::undo(self.target)?;
            return Err(error);
        }
        let mut output = self.show(true);
        if self.target == Target::Sshd {
            output.lines.push(sshd::reload());
        }
        drop(lock);
        if let Some(seconds) = rollback_after {
            self.wait_for_confirmation(seconds, &mut output)?;
        }
        Ok(output)
    }

    fn wait_for_confirmation(&self, seconds: u32, output: &mut Output) -> Result<(), CommandError> {
        if let Err(error) = rollback::start_waiting(seconds) {
            rollback::roll_back_if(self.target, |_| true)?;
            return Err(CommandError::local(error));
        }
        output.lines.push(format!(
            "{} is rolled back in {seconds} s; to keep the change: authyctl pam confirm",
            name(self.target)
        ));
        output
            .members
            .insert("rollback_after".into(), seconds.into());
        Ok(())
    }

    fn write(&self) -> Result<(), CommandError> {
        if self.target == Target::All {
            return profile::switch(true).map_err(CommandError::local);
        }
        let was_accepted = sshd::accepts_config();
        for edit in &self.edits {
            file::write(&edit.path, edit.new.as_deref())
                .map_err(|error| CommandError::file(&edit.path, &error))?;
            if was_accepted && !sshd::accepts_config() {
                return Err(CommandError::new(
                    ErrorKind::Refused,
                    "sshd does not accept these settings",
                ));
            }
        }
        Ok(())
    }

    /// Refuses the change when doctor finds a problem with the files as they would be.
    fn check_candidate(&self, global: &Global) -> Result<(), CommandError> {
        let candidate = Candidate::new(&self.edits).map_err(CommandError::local)?;
        let folder = candidate.pam_dir();
        let shown = folder.display().to_string();
        let problems = doctor::problems(global, folder, candidate.sshd_settings.as_deref());
        let problems = problems.iter().map(|text| text.replace(&shown, PAM_DIR));
        self.refuse(problems.collect())
    }

    /// Refuses the change when doctor finds a problem with the files as they are now.
    fn check_result(&self, global: &Global) -> Result<(), CommandError> {
        self.refuse(doctor::problems(global, Path::new(PAM_DIR), None))
    }

    fn refuse(&self, problems: Vec<String>) -> Result<(), CommandError> {
        if problems.is_empty() || self.force {
            return Ok(());
        }
        let mut output = self.show(false);
        let lines = problems.iter().map(|problem| format!("problem  {problem}"));
        output.lines.extend(lines);
        output.members.insert("problems".into(), json!(problems));
        let members = Value::Object(output.members.clone());
        let message = format!(
            "{} is not enabled: doctor finds a problem",
            name(self.target)
        );
        Err(CommandError::new(ErrorKind::Refused, message)
            .hint("fix it, or use --force")
            .with_members(members)
            .after(output))
    }

    fn show(&self, changed: bool) -> Output {
        show(self.target, &self.edits, changed)
    }
}
