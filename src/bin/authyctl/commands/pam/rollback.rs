//! The way back: a process that waits for a change to be confirmed, and putting a service back.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::pending::{self, PendingChange, TARGETS, name};
use super::{file, plan, profile, sshd};
use crate::cli::{Command, PamCommand, PamRollbackArgs, Target};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

/// How often the process that waits looks whether a change was confirmed.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn confirm() -> Result<Output, CommandError> {
    let nothing = || CommandError::new(ErrorKind::Refused, "nothing waits to be confirmed");
    if !TARGETS
        .into_iter()
        .any(|target| pending::find(target).is_some())
    {
        return Err(nothing());
    }
    // Whoever puts a change back right now is let finish: then there is nothing to confirm.
    let _lock = pending::lock()?;
    let mut lines = Vec::new();
    for target in TARGETS {
        if pending::find(target).is_some() {
            pending::end(target).map_err(CommandError::local)?;
            lines.push(format!("{} stays as it is", name(target)));
        }
    }
    if lines.is_empty() {
        return Err(nothing());
    }
    Ok(Output::new(lines, json!({"changed": true})))
}

pub(super) fn rollback(args: &PamRollbackArgs) -> Result<Output, CommandError> {
    if args.wait {
        return Ok(wait(args.overdue));
    }
    let mut lines = Vec::new();
    for target in TARGETS {
        if put_back_when(target, |waiting| !args.overdue || waiting.left.is_zero())? {
            lines.push(format!("{} is as it was", name(target)));
        }
    }
    let changed = !lines.is_empty();
    if !changed {
        lines.push("nothing waits to be confirmed".to_owned());
    }
    Ok(Output::new(lines, json!({"changed": changed})))
}

/// Puts back what nobody confirmed in time. Every command does so first; costs three looks at a folder.
pub(crate) fn carry_out_overdue(command: &Command) {
    if matches!(command, Command::Pam(PamCommand::Rollback(_))) {
        return;
    }
    for target in TARGETS {
        if pending::find(target).is_some_and(|waiting| waiting.left.is_zero()) {
            match put_back_when(target, |waiting| waiting.left.is_zero()) {
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

/// Waits until each change that waits now is confirmed or overdue. Counts the time itself as well, so
/// that a clock that is set back does not make it longer.
fn wait(only_overdue: bool) -> Output {
    let start = Instant::now();
    let mut open: Vec<_> = TARGETS
        .into_iter()
        .filter_map(|target| Some((target, pending::find(target)?)))
        .collect();
    while only_overdue && !open.is_empty() {
        std::thread::sleep(LOOK);
        open.retain(|(target, first)| {
            let same = |waiting: &PendingChange| waiting.due == first.due;
            let Some(waiting) = pending::find(*target).filter(same) else {
                return false;
            };
            let is_due = waiting.left.is_zero() || start.elapsed() >= first.left;
            // What could not be put back is tried again.
            !is_due || put_back_when(*target, |waiting| same(&waiting)).is_err()
        });
    }
    Output::default()
}

/// Starts a process that outlives this one, its terminal and its session's process group.
pub(super) fn start_waiting(seconds: u32) -> std::io::Result<()> {
    let program = std::env::current_exe()?;
    if Path::new("/run/systemd/system").exists() {
        // A session that ends may take all its processes along; a timer of systemd is none of them.
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

/// Puts a service back when its change still waits and `wanted` says so, once nobody else is at it.
pub(super) fn put_back_when(
    target: Target,
    wanted: impl Fn(PendingChange) -> bool,
) -> Result<bool, CommandError> {
    if pending::find(target).is_none() {
        return Ok(false);
    }
    let _lock = pending::lock()?;
    if !pending::find(target).is_some_and(wanted) {
        return Ok(false);
    }
    put_back(target)?;
    Ok(true)
}

/// Takes our module out of a service; says what else was done. The lock is held.
pub(super) fn put_back(target: Target) -> Result<Option<String>, CommandError> {
    let changes = plan::to_disable(target).map_err(CommandError::local)?;
    // The stack first: sshd looks at its settings only when it is told to.
    for change in changes.iter() {
        file::write(&change.path, change.new.as_deref())
            .map_err(|error| CommandError::file(&change.path, &error))?;
    }
    if target == Target::All && profile::is_on() {
        profile::switch(false).map_err(CommandError::local)?;
    }
    pending::end(target).map_err(CommandError::local)?;
    pending::forget(target).map_err(CommandError::local)?;
    Ok((target == Target::Sshd && !changes.is_empty()).then(sshd::reload))
}
