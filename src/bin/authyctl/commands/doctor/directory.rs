//! directory.toml: whether there was a pass, how old the last one is, and what is held, removed or
//! of no effect.

use std::path::Path;
use std::time::{Duration, SystemTime};

use pam_authy::base::factor::Providers;
use pam_authy::host::trusted_file::{self, Access};
use pam_authy::host::{ca_file, toml_file};
use pam_authy::store::config::{self, Config, DirectoryBind};
use pam_authy::store::directory::{self, Directory};
use pam_authy::store::users::{Entry, Mapping};

use super::{Finding, files};
use crate::output::{shorten, shown_name};

const CHECK: &str = "directory";
/// How old the last pass may be: the timer that is shipped runs once an hour.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// Checks the file of a host with this configuration; `users` are the people of users.toml alone.
pub(super) fn check(config: &Config, providers: Providers, users: &Mapping) -> Vec<Finding> {
    let state = config.paths.state.as_path();
    let path = directory::path(state);
    let Some(settings) = &config.directory else {
        return unused(&path).into_iter().collect();
    };
    let known = match Directory::load(state) {
        Ok(known) => known,
        Err(error) => {
            let refused = "until then everyone who is not in users.toml is refused";
            let problem = || {
                match error.is_missing() {
                true => {
                    let message = format!("{}: authyctl sync has never run", path.display());
                    Finding::problem(CHECK, message).hint(format!("authyctl sync; {refused}"))
                }
                false => Finding::problem(CHECK, error.to_string())
                    .hint(format!(
                        "restore the file, or move it away and run authyctl sync: then nothing is known any \
                         more; {refused}"
                    )),
            }
            };
            return vec![files::hidden(CHECK, &path).unwrap_or_else(problem)];
        }
    };
    let mut findings = vec![whole(&path, state, &known)];
    findings.extend(unreadable(settings));
    findings.extend(unusable(&path, &known, providers, users));
    findings.extend(held(&known));
    findings.extend(shadowed(&known, users));
    if known.iter().count() >= files::INDEX_THRESHOLD && !directory::is_indexed(state) {
        let message = format!(
            "{}: its index is missing or out of date: each login reads the whole file",
            path.display()
        );
        findings.push(Finding::warning(CHECK, message).hint("authyctl index"));
    }
    findings
}

/// The files of the table that a sync could not use.
fn unreadable(settings: &config::Directory) -> Vec<Finding> {
    let mut findings = Vec::new();
    let hint = "authyctl sync fails until then, and the last list stays in use";
    if let DirectoryBind::Simple { password_file, .. } = &settings.bind
        && let Err(error) = toml_file::read(password_file, Access::OwnerOnly, trusted_file::LIMIT)
    {
        let warning = || Finding::warning(CHECK, error.to_string()).hint(hint);
        findings.push(files::hidden(CHECK, password_file).unwrap_or_else(warning));
    }
    if let Some(path) = &settings.ca_file
        && let Err(error) = ca_file::read(Some(path))
    {
        findings.push(Finding::warning(CHECK, error.to_string()).hint(hint));
    }
    findings
}

/// A file that no login looks at.
fn unused(path: &Path) -> Option<Finding> {
    path.exists().then(|| {
        let message = format!(
            "{} counts for no login: config.toml has no table [directory]",
            path.display()
        );
        Finding::warning(CHECK, message).hint("remove the file, or add the table")
    })
}

/// The file as a whole: how many people it has, and when the last pass was.
fn whole(path: &Path, state: &Path, known: &Directory) -> Finding {
    let (people, removed) = (known.people(), known.removed().count());
    let file = path.display();
    let names = match (people, removed) {
        (1, 0) => "one person".to_owned(),
        (people, 0) => format!("{people} people"),
        (people, removed) => format!("{people} people, and {removed} removed and refused"),
    };
    let hint = "authyctl sync; systemctl status pam_authy-sync.timer";
    let last = match directory::last_pass(state) {
        Ok(Some(last)) => last,
        Ok(None) => {
            let message = format!("{file} has {names}; when the last pass was is not known");
            return Finding::warning(CHECK, message).hint(hint);
        }
        Err(error) => return Finding::warning(CHECK, error.to_string()).hint(hint),
    };
    let Ok(age) = SystemTime::now().duration_since(last) else {
        let message = format!("{file}: the last pass is in the future of this host's clock");
        return Finding::warning(CHECK, message).hint("is the clock right? then authyctl sync");
    };
    let message = format!(
        "{file} has {names}; the last pass was {} ago",
        in_words(age)
    );
    match age <= FRESH {
        true => Finding::ok(CHECK, message),
        false => Finding::warning(CHECK, message).hint(hint),
    }
}

/// A time in the largest unit that it has.
fn in_words(age: Duration) -> String {
    let (days, hours, minutes) = (
        age.as_secs() / 86_400,
        age.as_secs() / 3600,
        age.as_secs() / 60,
    );
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h"),
        (days, _) => format!("{days} d"),
    }
}

/// The first name whose entry refuses its user. What users.toml has, too, is of no effect.
fn unusable(
    path: &Path,
    known: &Directory,
    providers: Providers,
    users: &Mapping,
) -> Option<Finding> {
    let file = path.display();
    let mut counting = (known.iter()).filter(|(name, _)| users.find(name) == Entry::Absent);
    counting.find_map(|(name, entry)| match entry {
        Entry::Invalid { line, message } => {
            let message = format!("{file}:{line}: {message}");
            Some(
                Finding::problem(CHECK, message).hint(
                    "that user is refused until the entry is mended, and the next authyctl sync",
                ),
            )
        }
        Entry::Enrolled(person) if !person.has_supported(providers) => {
            let shown = shown_name(name);
            let message = format!("{file}: {shown}: this host could check no factor of the entry");
            let hint = "that user is refused, unless an app was enrolled at the prompt";
            Some(Finding::problem(CHECK, message).hint(hint))
        }
        Entry::Enrolled(_) | Entry::Shared(_) | Entry::Removed { .. } | Entry::Absent => None,
    })
}

/// The changes that wait for the administrator.
fn held(known: &Directory) -> Option<Finding> {
    let names: Vec<_> = known.held().map(|held| shown_name(&held.name)).collect();
    (!names.is_empty()).then(|| {
        let message = format!("changes in the directory are held: {}", shorten(&names));
        Finding::warning(CHECK, message).hint(
            "authyctl sync --dry-run shows them; ask each person, then authyctl sync --accept USER",
        )
    })
}

/// The names that users.toml has, too.
fn shadowed(known: &Directory, users: &Mapping) -> Option<Finding> {
    let names = users.iter().map(|(name, _)| name);
    let both = names.filter(|name| known.entry(name) != Entry::Absent);
    let both: Vec<_> = both.map(shown_name).collect();
    (!both.is_empty()).then(|| {
        let message = format!("users.toml wins over the directory: {}", shorten(&both));
        let hint = "authyctl unenroll USER leaves the entry of the directory";
        Finding::warning(CHECK, message).hint(hint)
    })
}
