//! Undoing a change: `pam confirm`, `pam rollback`, and the process that waits for one of them.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::pending::{self, PendingChange};
use super::{files, plan, profile, sshd, trace};
use crate::cli::{Command, PamCommand, PamRollbackArgs, Target};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

/// How often the waiting process checks whether a change was confirmed.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

const NOTHING_PENDING: &str = "no change is waiting to be confirmed";

pub(super) fn confirm() -> Result<Output, CommandError> {
    if pending::visible_targets()?.is_empty() {
        return Err(nothing_to_confirm());
    }
    // Another process may be rolling the change back right now. This waits until it has, and then
    // there is nothing to confirm.
    let _lock = pending::lock()?;
    let mut lines = Vec::new();
    for target in pending::targets() {
        pending::end(&target).map_err(CommandError::local)?;
        lines.push(kept(&target));
    }
    if lines.is_empty() {
        return Err(nothing_to_confirm());
    }
    Ok(Output::new(lines, json!({"changed": true})))
}

/// Says what is true after a change was confirmed.
pub(super) fn kept(target: &Target) -> String {
    match target {
        Target::Service(name) => {
            format!("the change of {name} is kept: {name} asks for the second factor from now on")
        }
        Target::All => "the change of all services is kept: each asks for the second factor from \
                        now on"
            .to_owned(),
    }
}

/// Says what is true where no change is pending.
fn nothing_to_confirm() -> CommandError {
    let undone = trace::rolled_back();
    let Some(service) = undone.last() else {
        return CommandError::new(ErrorKind::Refused, NOTHING_PENDING)
            .hint("authyctl doctor shows which services ask for the second factor");
    };
    let message = format!(
        "{NOTHING_PENDING}: the change of {} was rolled back, and no second factor is asked for there",
        undone.join(", ")
    );
    CommandError::new(ErrorKind::Refused, message)
        .hint(format!("authyctl pam enable {service} makes it again"))
}

pub(super) fn rollback(args: &PamRollbackArgs) -> Result<Output, CommandError> {
    if args.wait {
        return Ok(wait());
    }
    let mut lines = Vec::new();
    for target in pending::visible_targets()? {
        if roll_back_if(&target, |change| !args.overdue || change.is_overdue())? {
            lines.push(format!("{} was rolled back", target.name()));
        }
    }
    let changed = !lines.is_empty();
    if !changed {
        lines.push(NOTHING_PENDING.to_owned());
    }
    Ok(Output::new(lines, json!({"changed": changed})))
}

/// Says of each pending change that it waits, and how it is kept or undone.
pub(crate) fn waiting() -> Vec<String> {
    let line = |target: Target| {
        let left = pending::find(&target)?.left.as_secs();
        Some(format!(
            "the change of {} waits for authyctl pam confirm, and is undone in {left} s",
            target.name()
        ))
    };
    pending::targets().into_iter().filter_map(line).collect()
}

/// Rolls back every change that was not confirmed in time. Each command does this first, except
/// `pam rollback` itself; it costs three look-ups in a folder.
pub(crate) fn roll_back_overdue(command: &Command) {
    if matches!(command, Command::Pam(PamCommand::Rollback(_))) {
        return;
    }
    for target in pending::targets() {
        match roll_back_if(&target, |change| change.is_overdue()) {
            Ok(true) => eprintln!(
                "authyctl: {} was rolled back: the change was not confirmed",
                target.name()
            ),
            Ok(false) => {}
            Err(error) => eprintln!("authyctl: {}: {}", target.name(), error.message),
        }
    }
}

/// Waits until each change that is pending now is confirmed, or overdue and rolled back. Measures
/// the time itself as well, so that a clock that is set back does not extend it.
fn wait() -> Output {
    let start = Instant::now();
    let targets = pending::targets().into_iter();
    let mut open: Vec<_> = targets
        .filter_map(|target| pending::find(&target).map(|change| (target, change)))
        .collect();
    while !open.is_empty() {
        std::thread::sleep(POLL_INTERVAL);
        open.retain(|(target, first)| {
            let is_same = |change: &PendingChange| change.due == first.due;
            let Some(change) = pending::find(target).filter(is_same) else {
                return false;
            };
            let is_due = change.is_overdue() || start.elapsed() >= first.left;
            // A rollback that failed is tried again.
            !is_due || roll_back_if(target, |change| is_same(&change)).is_err()
        });
    }
    Output::default()
}

/// Starts a process that rolls back after `seconds`, and that outlives this one, its terminal and
/// the process group of its session.
pub(super) fn start_waiting(seconds: u32) -> std::io::Result<()> {
    let program = std::env::current_exe()?;
    if Path::new("/run/systemd/system").exists() {
        // The end of a session may kill all its processes; a timer of systemd is not one of them.
        let timer = Process::new("/usr/bin/systemd-run")
            .args(["--quiet", "--collect", "--timer-property=AccuracySec=1s"])
            .arg(format!("--on-active={}", seconds.saturating_add(1)))
            .arg(&program)
            .args(["pam", "rollback", "--overdue"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if timer.is_ok_and(|status| status.success()) {
            return Ok(());
        }
    }
    Process::new(program)
        .args(["pam", "rollback", "--overdue", "--wait"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map(drop)
}

/// Rolls a pending change back when `is_wanted` agrees, now and again under the lock. Blocks while
/// another process changes stacks. Returns whether it was rolled back.
pub(super) fn roll_back_if(
    target: &Target,
    is_wanted: impl Fn(PendingChange) -> bool,
) -> Result<bool, CommandError> {
    if !pending::find(target).is_some_and(&is_wanted) {
        return Ok(false);
    }
    let _lock = pending::lock()?;
    if !pending::find(target).is_some_and(&is_wanted) {
        return Ok(false);
    }
    undo(target)?;
    trace::leave(target).map_err(CommandError::local)?;
    Ok(true)
}

/// Removes our module from a service; returns what else was done. The caller holds the lock.
pub(super) fn undo(target: &Target) -> Result<Option<String>, CommandError> {
    let files = files(None);
    let edits = plan::to_disable(&files, target).map_err(CommandError::local)?;
    // The stack comes first: sshd reads its settings only when it is reloaded.
    for edit in &edits {
        edit.write(&files)
            .map_err(|error| CommandError::file(&edit.path, &error))?;
    }
    if *target == Target::All && profile::is_on(&files) {
        profile::switch(false).map_err(CommandError::local)?;
    }
    pending::end(target).map_err(CommandError::local)?;
    pending::forget_backups(target).map_err(CommandError::local)?;
    Ok((target.is_sshd() && !edits.is_empty()).then(sshd::reload))
}
