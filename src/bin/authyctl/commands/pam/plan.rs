//! Which files change when our module is added to a service or removed from it, and what they
//! become.
//!
//! Only the service's own file and one file of sshd's settings are edited here; the files that
//! pam-auth-update writes are changed by running it.

use std::collections::BTreeSet;
use std::path::Path;

use super::edit;
use super::file::{FileEdit, read};
use super::rule::protect;
use super::{pending, profile, sshd};
use crate::cli::Target;
use crate::commands::stack::{self, Files, Handler, hash, is_our_module, sources};
use crate::commands::sudoers::{SUDOERS, Sudoers};

/// Services of one program that has another one for `-i` or `-l`.
const PAIRS: [(&str, &str); 3] = [("sudo", "sudo-i"), ("su", "su-l"), ("runuser", "runuser-l")];

/// What `pam enable` would do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The edits, in the order in which they are written.
    pub(super) edits: Vec<FileEdit>,
    /// What an administrator should know about them.
    pub(super) remarks: Vec<String>,
}

/// Returns the edits that add our module to a service.
///
/// # Errors
/// Why they cannot be made, with file and line, or the program.
pub(super) fn to_enable(files: &Files, target: &Target, with_key: bool) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let name = match target {
        Target::All => {
            refuse_twice(files)?;
            plan.edits = profile::edit_common_auth(files)?;
            return Ok(plan);
        }
        Target::Service(name) => name.as_str(),
    };
    if target.is_sshd() {
        // The settings come first: sshd reads them only when it is reloaded, and the stack at every
        // login.
        plan.edits.push(sshd::add_drop_in(files, with_key)?);
        plan.edit_stack(files, &sshd::service_name(files), with_key)?;
        plan.refuse_repeated(files)?;
        let sentence = if with_key {
            "people who log in by key still do, and type a code after it; people without a key cannot log in any more"
        } else {
            "people who log in by key alone today need password and code from now on; with --with-key, key and code"
        };
        plan.remarks.push(sentence.to_owned());
        return Ok(plan);
    }
    plan.edit_stack(files, name, with_key)?;
    plan.refuse_repeated(files)?;
    for (_, other) in PAIRS.iter().filter(|(first, _)| *first == name) {
        // A service that includes the other one has our line already.
        let changed = plan
            .edits
            .iter()
            .map(|edit| (edit.path.clone(), edit.new.clone()));
        let files = files.clone().with(changed);
        if files.of_service(other).is_some() && !uses_us(&files, other) {
            plan.edit_stack(&files, other, with_key)?;
        }
    }
    if name == "sudo" && files.is_host() {
        plan.edit_stacks_of_sudoers(files, with_key)?;
    }
    Ok(plan)
}

/// Returns the edits that remove our module from a service, the stack first; none when it is not
/// there.
///
/// # Errors
/// A file cannot be read, or our marks in it were edited and there is no backup.
pub(super) fn to_disable(files: &Files, target: &Target) -> Result<Vec<FileEdit>, String> {
    let mut edits = Vec::new();
    for name in stacks_of(target) {
        let path = files.own(&name);
        let Some(old) = read(files, &path)?.filter(|content| edit::is_marked(content)) else {
            continue;
        };
        let new = match edit::remove(&old) {
            Ok(new) => Some(new).filter(|new| !is_untouched_copy(&old, new)),
            Err(why) if files.is_host() => match pending::backup(target, &path) {
                Some(backup) => Some(backup),
                None if sources(&old).iter().any(|source| source.is_copy) => None,
                None => return Err(format!("{}: {why}", path.display())),
            },
            Err(why) => return Err(format!("{}: {why}", path.display())),
        };
        edits.push(FileEdit {
            path,
            old: Some(old),
            new,
        });
    }
    if target.is_sshd() {
        edits.extend(sshd::remove_drop_in(files)?);
    }
    Ok(edits)
}

/// Returns the targets that `pam enable` has changed, by the marks in their files.
pub(super) fn enabled(files: &Files) -> BTreeSet<Target> {
    let services = files.services().into_iter();
    let is_marked = |name: &String| {
        let content = read(files, &files.own(name)).ok().flatten();
        content.is_some_and(|content| edit::is_marked(&content))
    };
    let mut found: BTreeSet<_> = services.filter(is_marked).map(Target::Service).collect();
    if sshd::remove_drop_in(files).is_ok_and(|edit| edit.is_some()) {
        found.insert(Target::Service("sshd".to_owned()));
    }
    found
}

/// Whether a file without our lines equals the file of the distribution that it was copied from.
fn is_untouched_copy(old: &[u8], left: &[u8]) -> bool {
    let mut copies = sources(old).into_iter().filter(|source| source.is_copy);
    copies.any(|source| source.hash == hash(left))
}

/// Returns the services with a stack that a target changes.
fn stacks_of(target: &Target) -> BTreeSet<String> {
    let Target::Service(name) = target else {
        return BTreeSet::new();
    };
    let mut names = BTreeSet::from([name.clone()]);
    let pair = PAIRS.iter().filter(|(first, _)| first == name);
    names.extend(pair.map(|(_, other)| (*other).to_owned()));
    names.extend(pending::saved_stacks(target));
    names
}

/// Every service would be asked twice if common-auth had our line as well.
fn refuse_twice(files: &Files) -> Result<(), String> {
    match enabled(files).first() {
        Some(target) => Err(format!(
            "{} is enabled already, and would be asked twice: authyctl pam disable {}",
            target.name(),
            target.name()
        )),
        None => Ok(()),
    }
}

/// Whether the stack of a service has our module.
pub(super) fn uses_us(files: &Files, service: &str) -> bool {
    !our_lines(files, service).is_empty()
}

/// Returns the lines of our module in the stack of a service.
fn our_lines(files: &Files, service: &str) -> Vec<Handler> {
    let handlers = stack::read(files, service).unwrap_or_default().handlers;
    let is_ours = |handler: &Handler| handler.module().is_some_and(is_our_module);
    handlers.into_iter().filter(is_ours).collect()
}

impl Plan {
    /// Refuses where another service has our line already and includes a stack that is to get it.
    fn refuse_repeated(&self, files: &Files) -> Result<(), String> {
        let changed = self.edits.iter();
        let changed = changed.map(|edit| (edit.path.clone(), edit.new.clone()));
        let after = files.clone().with(changed);
        for service in files.services() {
            let (old, new) = (our_lines(files, &service), our_lines(&after, &service));
            if let Some(first) = old.first()
                && new.len() > old.len()
            {
                return Err(format!(
                    "{}: {service} has pam_authy.so already, and would be asked twice",
                    first.place
                ));
            }
        }
        Ok(())
    }

    /// sudoers can name other stacks for sudo than its own.
    fn edit_stacks_of_sudoers(&mut self, files: &Files, with_key: bool) -> Result<(), String> {
        let sudoers = Sudoers::read(Path::new(SUDOERS));
        let settings = ["pam_service", "pam_login_service", "pam_askpass_service"];
        for setting in settings.iter().flat_map(|name| sudoers.settings(name)) {
            let service = setting.value.unwrap_or_default();
            let changed = self
                .edits
                .iter()
                .map(|edit| (edit.path.clone(), edit.new.clone()));
            let files = files.clone().with(changed);
            if files.of_service(&service).is_some() && !uses_us(&files, &service) {
                self.edit_stack(&files, &service, with_key)?;
                let place = setting.place;
                let remark = format!(
                    "{place}: {}={service}: that stack is changed as well",
                    setting.name
                );
                self.remarks.push(remark);
            }
        }
        Ok(())
    }

    fn edit_stack(&mut self, files: &Files, name: &str, with_key: bool) -> Result<(), String> {
        let own = files.own(name);
        let shown = own.display();
        if files.is_link(&own) {
            return Err(format!(
                "{shown}: is a symbolic link; edit its target by hand"
            ));
        }
        let protected = protect(files, name, with_key)?;
        self.remarks.extend(protected.remarks);
        self.edits.push(FileEdit {
            old: read(files, Path::new(&own))?,
            path: own,
            new: Some(protected.content),
        });
        Ok(())
    }
}
