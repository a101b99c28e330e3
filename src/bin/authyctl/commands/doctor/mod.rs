//! `doctor`: checks everything that a login needs, and what would lock somebody out or let somebody in.
//!
//! Each check is one line: ok, warning or problem, and what to do. A problem makes the exit status 1.

mod evaluate;
mod files;
mod host;
mod people;
mod rules;
mod sshd;
mod stack;
mod state;
mod sudoers;
mod verdict;

use std::path::Path;

use pam_authy::store::config::{Config, Fallback, Login};
use serde_json::{Value, json};
use stack::Module;
use verdict::Stack;

use crate::cli::{DoctorArgs, Global};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Colour, Output, paint};

/// What one check found.
#[derive(Debug)]
struct Check {
    name: String,
    level: Level,
    message: String,
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Ok,
    Warning,
    Problem,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    fn colour(self) -> Colour {
        match self {
            Self::Ok => Colour::Green,
            Self::Warning => Colour::Yellow,
            Self::Problem => Colour::Red,
        }
    }
}

impl Check {
    fn new(name: &str, level: Level, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            level,
            message: message.into(),
            hint: None,
        }
    }

    fn ok(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Ok, message)
    }

    fn warning(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Warning, message)
    }

    fn problem(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Problem, message)
    }

    fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    fn as_json(&self) -> Value {
        json!({
            "name": self.name,
            "result": self.level.word(),
            "message": self.message,
            "hint": self.hint,
        })
    }
}

/// A PAM service whose stack holds our module.
struct Protected {
    service: String,
    /// Somebody who is not enrolled passes without a factor.
    passes_unenrolled: bool,
    /// A password is asked for before us.
    has_first_factor: bool,
}

impl Protected {
    /// The service of sshd itself; another one may be named in its configuration.
    fn is_sshd(&self) -> bool {
        self.service == "sshd"
    }
}

pub(crate) fn doctor(global: &Global, args: &DoctorArgs) -> Result<Output, CommandError> {
    conclude(&examine(global, &args.pam_dir, None))
}

/// What the lines of a stack ask for.
#[derive(Debug, Default)]
pub(crate) struct Factors {
    /// Modules that check a password or what stands for one, in their order.
    pub(crate) modules: Vec<String>,
    /// Our module is among the lines.
    pub(crate) has_ours: bool,
}

/// What `text`, lines of a stack in `folder`, asks for, through includes too.
pub(crate) fn factors(folder: &Path, text: &str) -> Result<Factors, String> {
    let entries = stack::parse(folder, folder, text, 0)?;
    let all = stack::modules(&entries);
    let asking = all
        .iter()
        .filter(|(_, module)| verdict::is_first_factor(module));
    Ok(Factors {
        modules: asking.map(|(_, module)| module.name.clone()).collect(),
        has_ours: all.iter().any(|(_, module)| module.is_ours()),
    })
}

/// Whether `text`, a stack in `folder`, needs password and token, goes on to the token only after a right
/// password, and passes where we answer ignore.
pub(crate) fn is_sound(folder: &Path, text: &str) -> bool {
    stack::parse(folder, folder, text, 0).is_ok_and(|entries| {
        let checks = Stack::new("stack", &entries, true).checks();
        checks.iter().all(|check| check.level == Level::Ok)
    })
}

/// What would lock somebody out or let somebody in, with these stacks and these settings of sshd.
pub(crate) fn problems(
    global: &Global,
    pam_dir: &Path,
    sshd_settings: Option<&Path>,
) -> Vec<String> {
    let checks = examine(global, pam_dir, sshd_settings);
    let problems = checks
        .into_iter()
        .filter(|check| check.level == Level::Problem);
    problems.map(|check| check.message).collect()
}

fn examine(global: &Global, pam_dir: &Path, sshd_settings: Option<&Path>) -> Vec<Check> {
    let (mut checks, config, mapping) = files::files(global);
    if let Some(config) = &config {
        checks.extend(state::state(config, mapping.as_ref()));
        checks.extend(rules::exempt(&config.exempt, pam_dir));
        checks.extend(host::service(config));
    }
    let protected = stacks(pam_dir, config.as_ref(), &mut checks);
    let sudoers = sudoers::Sudoers::read(Path::new("/etc/sudoers"));
    let people = people::People::find(&sudoers);
    let (config, mapping) = (config.as_ref(), mapping.as_ref());
    checks.extend(sshd::sshd(
        &protected,
        config,
        mapping,
        &people,
        sshd_settings,
    ));
    checks.extend(host::sudo(&protected, &sudoers, pam_dir, config));
    if let Some(mapping) = mapping {
        checks.extend(people::locked_out(&protected, config, mapping, &people));
    }
    checks
}

/// Reads every stack of the folder, and judges those that hold our module.
fn stacks(folder: &Path, config: Option<&Config>, checks: &mut Vec<Check>) -> Vec<Protected> {
    let mut protected = Vec::new();
    let mut modules_seen: Vec<Module> = Vec::new();
    for service in services(folder) {
        let entries = match stack::read(folder, &service) {
            Ok(entries) => entries,
            Err(why) => {
                checks.push(Check::problem(&format!("pam {service}"), why).hint(
                    "libpam refuses every login of this service until its files can be read",
                ));
                continue;
            }
        };
        let all = stack::modules(&entries);
        let ours: Vec<_> = all
            .iter()
            .map(|(_, module)| *module)
            .filter(|m| m.is_ours())
            .collect();
        if ours.is_empty() {
            checks.extend(unprotected(&service));
            continue;
        }
        let rules = config.map(|config| config.login(&service));
        let exempts = config.and_then(|config| rules::exempts(config, &service));
        if let Some(rules) = &rules {
            checks.extend(rules::of_service(&service, rules, &entries));
        }
        let leniencies = leniencies(&service, &ours, rules.as_ref());
        let ignorable = exempts.is_some() || !leniencies.is_empty();
        checks.extend(exempts);
        let behind = rules.as_ref().is_some_and(|rules| rules.token_in_password);
        let stack = Stack::new(&service, &entries, ignorable).with_token_in_password(behind);
        checks.extend(stack.checks());
        checks.extend(host::runs_without_root(&service));
        modules_seen.extend(ours.into_iter().cloned());
        protected.push(Protected {
            has_first_factor: stack.has_first_factor(),
            passes_unenrolled: leniencies
                .iter()
                .any(|(which, _)| *which == Lenient::Unenrolled),
            service,
        });
        checks.extend(leniencies.into_iter().map(|(_, check)| check));
    }
    if protected.is_empty() {
        let message = format!("no service in {} uses pam_authy.so", folder.display());
        checks.push(
            Check::warning("pam", message).hint("authyctl pam enable sshd --rollback-after 300"),
        );
    }
    checks.extend(files::modules(&modules_seen));
    protected
}

/// To whom a login passes without a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lenient {
    Unenrolled,
    Outage,
}

/// What makes the factor optional in a service, with a line about each.
fn leniencies(service: &str, ours: &[&Module], rules: Option<&Login>) -> Vec<(Lenient, Check)> {
    let name = format!("pam {service}");
    let mut found = Vec::new();
    let says = |what: Option<Fallback>| what == Some(Fallback::Ignore);
    if let Some(module) = ours.iter().find(|module| module.has("nullok")) {
        let message = format!(
            "{}: nullok makes the factor optional: who is not enrolled passes without one",
            module.place
        );
        let check = Check::warning(&name, message).hint("take it out when all are enrolled");
        found.push((Lenient::Unenrolled, check));
    } else if says(rules.map(|rules| rules.unenrolled)) {
        let message = format!(
            "{service}: unenrolled = \"ignore\" makes the factor optional: who is not enrolled passes without one"
        );
        let check = Check::warning(&name, message).hint("set it to \"deny\" when all are enrolled");
        found.push((Lenient::Unenrolled, check));
    }
    if says(rules.map(|rules| rules.when_unavailable)) {
        let message = format!(
            "{service}: when_unavailable = \"ignore\": while Authy cannot be asked, nobody needs a factor"
        );
        let hint = "whoever can cut this host off from Authy switches the factor off";
        found.push((Lenient::Outage, Check::warning(&name, message).hint(hint)));
    }
    found
}

/// The services that people expect to be protected, when they are not.
fn unprotected(service: &str) -> Option<Check> {
    let expected = ["sshd", "sudo", "su", "su-l", "login"].contains(&service);
    let message = format!("{service} does not use pam_authy.so");
    expected.then(|| Check::ok(&format!("pam {service}"), message))
}

/// The services that a person logs in to: files that others only include are met there.
fn services(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.contains(['~', '.']) && !is_part(name))
        .collect();
    names.sort();
    names
}

/// Whether a file is made to be included by others.
fn is_part(name: &str) -> bool {
    name.starts_with("common-")
        || name.starts_with("system-")
        || [
            "password-auth",
            "fingerprint-auth",
            "smartcard-auth",
            "postlogin",
        ]
        .contains(&name)
}

fn conclude(checks: &[Check]) -> Result<Output, CommandError> {
    let mut lines = Vec::new();
    for check in checks {
        let word = format!("{:8}", check.level.word());
        let word = paint(&std::io::stdout(), check.level.colour(), &word);
        lines.push(format!("{word} {}", check.message));
        if let Some(hint) = check.hint.as_ref().filter(|_| check.level != Level::Ok) {
            lines.push(format!("{:8} hint: {hint}", ""));
        }
    }
    let members = json!({"checks": checks.iter().map(Check::as_json).collect::<Vec<_>>()});
    let problems = checks.iter().filter(|c| c.level == Level::Problem).count();
    let done = Output::new(lines, members.clone());
    match problems {
        0 => Ok(done),
        1 => Err(
            CommandError::new(ErrorKind::Refused, "there is one problem")
                .with_members(members)
                .after(done),
        ),
        count => Err(
            CommandError::new(ErrorKind::Refused, format!("there are {count} problems"))
                .with_members(members)
                .after(done),
        ),
    }
}
