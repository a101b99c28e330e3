//! `pam`: puts our module into the stack of a service and takes it out again, without fear.
//!
//! A change is shown, judged by `doctor` as it would be and once more as it is, and can be put back by
//! itself when nobody confirms it. `edit` knows the text, `host` the files, `pending` what waits.

mod edit;
mod host;
mod pending;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use self::host::{Candidate, Change, PAM_DIR};
use self::pending::{TARGETS, Waiting, name};
use super::doctor;
use crate::cli::{Command, Global, Pam, Target};
use crate::failure::{Failure, Kind};
use crate::output::Done;

/// How often the process that waits looks whether a change was confirmed.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) fn pam(global: &Global, what: &Pam) -> Result<Done, Failure> {
    match *what {
        Pam::Enable {
            service, with_key, ..
        } if with_key && service != Target::Sshd => Err(Failure::new(
            Kind::Usage,
            "--with-key is for sshd: nothing else checks a key",
        )),
        Pam::Enable {
            service,
            dry_run,
            with_key,
            rollback_after,
            force,
        } => {
            let changes = host::to_enable(service, with_key).map_err(by_hand)?;
            let enabling = Enabling {
                target: service,
                changes,
                force,
            };
            if dry_run {
                enabling.show(global)
            } else {
                enabling.make(global, rollback_after)
            }
        }
        Pam::Disable { service, dry_run } => disable(service, dry_run),
        Pam::Confirm => confirm(),
        Pam::Rollback {
            overdue,
            wait: true,
        } => Ok(wait(overdue)),
        Pam::Rollback {
            overdue,
            wait: false,
        } => rollback(overdue),
    }
}

/// Puts back what nobody confirmed in time. Every command does so first; costs three looks at a folder.
pub(crate) fn carry_out_overdue(command: &Command) {
    if matches!(command, Command::Pam(Pam::Rollback { .. })) {
        return;
    }
    for target in TARGETS {
        if pending::waiting(target).is_some_and(|waiting| waiting.left.is_zero()) {
            match put_back_when(target, |waiting| waiting.left.is_zero()) {
                Ok(true) => eprintln!(
                    "authyctl: {} is as it was: nobody confirmed the change",
                    name(target)
                ),
                Ok(false) => {}
                Err(failure) => eprintln!("authyctl: {}: {}", name(target), failure.message),
            }
        }
    }
}

fn local(why: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Local, why.to_string())
}

fn by_hand(why: String) -> Failure {
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
    fn show(&self, global: &Global) -> Result<Done, Failure> {
        self.judge(global)?;
        let mut done = self.done(false);
        done.lines.push("nothing is changed: --dry-run".to_owned());
        Ok(done)
    }

    fn make(&self, global: &Global, rollback_after: Option<u32>) -> Result<Done, Failure> {
        let lock = pending::lock().map_err(local)?;
        self.judge(global)?;
        for change in &self.changes {
            pending::keep(self.target, &change.path).map_err(local)?;
        }
        if let Some(seconds) = rollback_after {
            // Before the change: a fall in between is put back too.
            pending::begin(self.target, seconds).map_err(local)?;
        }
        let made = self.write().and_then(|()| self.judge_made(global));
        if let Err(failure) = made {
            put_back(self.target)?;
            return Err(failure);
        }
        let mut done = self.done(true);
        if self.target == Target::Sshd {
            done.lines.push(host::reload_sshd());
        }
        drop(lock);
        if let Some(seconds) = rollback_after {
            start_waiting(seconds).map_err(local)?;
            done.lines.push(format!(
                "{} is put back in {seconds} s; to keep the change: authyctl pam confirm",
                name(self.target)
            ));
            done.members.insert("rollback_after".into(), seconds.into());
        }
        Ok(done)
    }

    fn write(&self) -> Result<(), Failure> {
        if self.target == Target::All {
            return host::switch_profile(true).map_err(local);
        }
        let was_content = host::sshd_is_content();
        for change in &self.changes {
            host::write(&change.path, change.new.as_deref())
                .map_err(|error| local(format!("{}: {error}", change.path.display())))?;
            if was_content && !host::sshd_is_content() {
                return Err(Failure::new(
                    Kind::Refused,
                    "sshd does not take its settings so",
                ));
            }
        }
        Ok(())
    }

    /// Refuses what doctor finds wrong with the files as they would be.
    fn judge(&self, global: &Global) -> Result<(), Failure> {
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
    fn judge_made(&self, global: &Global) -> Result<(), Failure> {
        self.refuse(doctor::problems(global, Path::new(PAM_DIR), None))
    }

    fn refuse(&self, problems: Vec<String>) -> Result<(), Failure> {
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
        Err(Failure::new(Kind::Refused, message)
            .hint("mend it, or say --force")
            .with_members(members)
            .after(done))
    }

    fn done(&self, changed: bool) -> Done {
        said(self.target, &self.changes, changed)
    }
}

/// The diffs of some files, for people and scripts.
fn said(target: Target, changes: &[Change], changed: bool) -> Done {
    let diff: Vec<String> = changes.iter().flat_map(Change::diff).collect();
    let files: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
    let members = json!({
        "service": name(target), "changed": changed, "files": files, "diff": diff.join("\n"),
    });
    Done::new(diff, members)
}

fn disable(service: Option<Target>, dry_run: bool) -> Result<Done, Failure> {
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
    let _lock = pending::lock().map_err(local)?;
    for target in targets {
        done.lines.extend(put_back(target)?);
    }
    Ok(done)
}

fn confirm() -> Result<Done, Failure> {
    let mut lines = Vec::new();
    for target in TARGETS {
        if pending::waiting(target).is_some() {
            pending::end(target).map_err(local)?;
            lines.push(format!("{} stays as it is", name(target)));
        }
    }
    if lines.is_empty() {
        return Err(Failure::new(Kind::Refused, "nothing waits to be confirmed"));
    }
    Ok(Done::new(lines, json!({"changed": true})))
}

fn rollback(only_overdue: bool) -> Result<Done, Failure> {
    let mut lines = Vec::new();
    for target in TARGETS {
        if put_back_when(target, |waiting| !only_overdue || waiting.left.is_zero())? {
            lines.push(format!("{} is as it was", name(target)));
        }
    }
    let changed = !lines.is_empty();
    if !changed {
        lines.push("nothing waits to be confirmed".to_owned());
    }
    Ok(Done::new(lines, json!({"changed": changed})))
}

/// Waits until each change that waits now is confirmed or overdue. Counts the time itself as well, so
/// that a clock that is set back does not make it longer.
fn wait(only_overdue: bool) -> Done {
    let start = Instant::now();
    let mut open: Vec<_> = TARGETS
        .into_iter()
        .filter_map(|target| Some((target, pending::waiting(target)?)))
        .collect();
    while only_overdue && !open.is_empty() {
        std::thread::sleep(LOOK);
        open.retain(|(target, first)| {
            let same = |waiting: &Waiting| waiting.due == first.due;
            let Some(waiting) = pending::waiting(*target).filter(same) else {
                return false;
            };
            let is_due = waiting.left.is_zero() || start.elapsed() >= first.left;
            // What could not be put back is tried again.
            !is_due || put_back_when(*target, |waiting| same(&waiting)).is_err()
        });
    }
    Done::default()
}

/// Starts a process that outlives this one, its terminal and its session's process group.
fn start_waiting(seconds: u32) -> std::io::Result<()> {
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
fn put_back_when(target: Target, wanted: impl Fn(Waiting) -> bool) -> Result<bool, Failure> {
    if pending::waiting(target).is_none() {
        return Ok(false);
    }
    let _lock = pending::lock().map_err(local)?;
    if !pending::waiting(target).is_some_and(wanted) {
        return Ok(false);
    }
    put_back(target)?;
    Ok(true)
}

/// Takes our module out of a service; says what else was done. The lock is held.
fn put_back(target: Target) -> Result<Option<String>, Failure> {
    let changes = host::to_disable(target).map_err(local)?;
    // The stack first: sshd looks at its settings only when it is told to.
    for change in changes.iter() {
        host::write(&change.path, change.new.as_deref())
            .map_err(|error| local(format!("{}: {error}", change.path.display())))?;
    }
    if target == Target::All && host::profile_is_on() {
        host::switch_profile(false).map_err(local)?;
    }
    pending::end(target).map_err(local)?;
    pending::forget(target).map_err(local)?;
    Ok((target == Target::Sshd && !changes.is_empty()).then(host::reload_sshd))
}
