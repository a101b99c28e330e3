//! `pam enable`: shows a change, has doctor check it, makes it, and undoes it when something went
//! wrong.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use super::ask::ask;
use super::candidate::Candidate;
use super::plan::Plan;
use super::{files, pending, plan, profile, rollback, show, sshd, trace};
use crate::cli::{Global, PamEnableArgs, Target};
use crate::commands::doctor;
use crate::commands::missing;
use crate::commands::stack::Files;
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

/// How long a change that was made on a terminal waits for "yes", in seconds.
const TIME_FOR_YES: u32 = 300;

pub(super) fn enable(global: &Global, args: &PamEnableArgs) -> Result<Output, CommandError> {
    let is_kept = args.now || args.root.is_some();
    // A question would be no JSON.
    let on_terminal = io::stdin().is_terminal() && !global.json;
    if args.with_key && !args.service.is_sshd() {
        return Err(CommandError::new(
            ErrorKind::Usage,
            "--with-key is for sshd: nothing else checks a key",
        ));
    }
    if !(args.dry_run || args.print || is_kept || args.rollback_after.is_some() || on_terminal) {
        let message = "without a terminal, or with --json, say --now, \
                       or --rollback-after SECONDS and `pam confirm`";
        return Err(CommandError::new(ErrorKind::Usage, message));
    }
    let files = files(args.root.as_deref());
    let plan = plan::to_enable(&files, &args.service, args.with_key)
        .map_err(|why| cannot_be_planned(why, args))?;
    let enablement = Enablement {
        target: &args.service,
        plan,
        force: args.force,
        files,
    };
    if args.print {
        return enablement.print(global);
    }
    if args.dry_run {
        return enablement.preview(global);
    }
    let asks = on_terminal && !is_kept && args.rollback_after.is_none();
    let rollback_after = args.rollback_after.or(asks.then_some(TIME_FOR_YES));
    let mut output = enablement.make(global, rollback_after)?;
    let name = args.service.name();
    match rollback_after {
        Some(seconds) if asks => {
            output.lines.push(format!(
                "without a \"yes\", the change of {name} is undone in {seconds} s"
            ));
            if !global.quiet {
                println!("{}", output.lines.join("\n"));
            }
            output.lines = ask(&args.service, &enablement.plan.edits, &enablement.files)?;
        }
        Some(seconds) => output.lines.push(format!(
            "the change of {name} is undone in {seconds} s; authyctl pam confirm keeps it"
        )),
        None => {}
    }
    Ok(output)
}

/// The error of a change that cannot be made, or that was made before.
fn cannot_be_planned(why: String, args: &PamEnableArgs) -> CommandError {
    let name = args.service.name();
    let is_waiting = args.root.is_none() && pending::find(&args.service).is_some();
    let hint = if is_waiting {
        "nothing was changed; the earlier change waits: authyctl pam confirm keeps it, authyctl pam rollback undoes it"
            .to_owned()
    } else if why.contains(" already") {
        format!("nothing was changed; authyctl pam disable {name} takes the module out")
    } else {
        "nothing was changed; docs/stacks.md has the stacks to write by hand".to_owned()
    };
    CommandError::local(why).hint(hint)
}

/// The change that adds our module to a service.
struct Enablement<'a> {
    target: &'a Target,
    plan: Plan,
    /// Make it even when doctor finds a problem.
    force: bool,
    files: Files,
}

impl Enablement<'_> {
    /// Writes the new files to standard output, byte for byte, each below a line with its path
    /// where there are several.
    fn print(&self, global: &Global) -> Result<Output, CommandError> {
        self.check_candidate(global)?;
        if global.json {
            return Ok(self.show(false));
        }
        let mut text = Vec::new();
        for edit in &self.plan.edits {
            if self.plan.edits.len() > 1 {
                text.extend(format!("==> {} <==\n", edit.path.display()).into_bytes());
            }
            text.extend_from_slice(edit.new.as_deref().unwrap_or_default());
        }
        let written = io::stdout().write_all(&text);
        written.map_err(CommandError::local)?;
        Ok(Output::default())
    }

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
        if !self.files.is_host() {
            self.write()?;
            return Ok(self.show(true));
        }
        let lock = pending::lock()?;
        self.check_candidate(global)?;
        for edit in &self.plan.edits {
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
        if self.target.is_sshd() {
            output.lines.push(sshd::reload());
        }
        if self.target.is_sshd() || *self.target == Target::All {
            output.lines.extend(missing::refused_now(global));
        }
        drop(lock);
        // What doctor says of an earlier roll-back is over.
        let _ = trace::forget();
        if let Some(seconds) = rollback_after {
            if let Err(error) = rollback::start_waiting(seconds) {
                rollback::roll_back_if(self.target, |_| true)?;
                return Err(CommandError::local(error));
            }
            output
                .members
                .insert("rollback_after".into(), seconds.into());
        }
        Ok(output)
    }

    fn write(&self) -> Result<(), CommandError> {
        if *self.target == Target::All && self.files.is_host() {
            return profile::switch(true).map_err(CommandError::local);
        }
        let was_accepted = self.files.is_host() && sshd::accepts_config();
        for edit in &self.plan.edits {
            edit.write(&self.files)
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
        if !self.files.is_host() {
            return Ok(());
        }
        let candidate = Candidate::new(&self.plan.edits).map_err(CommandError::local)?;
        let changes = self.plan.edits.iter();
        let changes = changes.map(|edit| (edit.path.clone(), edit.new.clone()));
        let files = self.files.clone().with(changes);
        let problems = doctor::problems(global, &files, candidate.sshd_settings());
        let problems = problems.iter().map(|problem| candidate.named(problem));
        let mut problems: Vec<_> = problems.collect();
        if self.target.is_sshd() && problems.is_empty() {
            // doctor cannot tell then, and sshd could not check the new settings either.
            problems.extend(sshd::refusal());
        }
        self.refuse(problems)
    }

    /// Refuses the change when doctor finds a problem with the files as they are now.
    fn check_result(&self, global: &Global) -> Result<(), CommandError> {
        self.refuse(doctor::problems(global, &self.files, None))
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
            self.target.name()
        );
        Err(CommandError::new(ErrorKind::Refused, message)
            .hint("fix it, or use --force")
            .with_members(members)
            .after(output))
    }

    fn show(&self, changed: bool) -> Output {
        let mut output = show(self.target, &self.plan.edits, changed);
        output.lines.extend(self.plan.remarks.iter().cloned());
        output
    }
}
