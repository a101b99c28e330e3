//! `check`: whether config.toml, users.toml and the totp.toml of its folder are valid, before they
//! are put in place; and enrolled.toml and directory.toml of this host, where they can be read. It
//! needs no root and no network, and ignores owners and modes: doctor checks those where the files
//! are installed.

use std::fs;
use std::io;
use std::path::Path;

use pam_authy::base::arguments::{CONFIG, USERS};
use pam_authy::factor::connect;
use pam_authy::store::config::Config;
use pam_authy::store::directory::{self, Directory};
use pam_authy::store::totp::{self, Secrets, enrolled};
use pam_authy::store::users::{Entry, Mapping};
use serde_json::{Value, json};

use super::doctor::secrets;
use super::totp::at_prompt;
use crate::cli::Global;
use crate::error::{CommandError, without_numbers};
use crate::output::{Output, shown_name};

/// What is wrong with a file; no problem for a valid one.
#[derive(Default)]
struct Checked {
    file: String,
    problems: Vec<String>,
    warnings: Vec<String>,
}

/// Checks these files. A missing default file is skipped when the other file is named.
///
/// # Errors
/// A file cannot be read or has a mistake; all mistakes are among the members.
pub(crate) fn check(global: &Global) -> Result<Output, CommandError> {
    let is_default = |path: &Path, default: &str| path == Path::new(default) && !path.exists();
    let skips_config = is_default(&global.config, CONFIG) && global.users != Path::new(USERS);
    let skips_users = is_default(&global.users, USERS) && global.config != Path::new(CONFIG);
    let mut checked = Vec::new();
    let mut config = None;
    if !skips_config {
        let (file, parsed) = check_config(&global.config);
        config = parsed;
        checked.push(file);
    }
    if !skips_users {
        checked.extend(check_users(&global.users, config.as_ref()));
    }
    if let Some(config) = &config {
        let state = &config.paths.state;
        checked.extend(
            config
                .directory
                .as_ref()
                .and_then(|_| check_directory(&directory::path(state))),
        );
        checked.extend(check_enrolled(&enrolled::path(state)));
    }
    report(&checked)
}

fn check_config(path: &Path) -> (Checked, Option<Config>) {
    let parsed = read(path).and_then(|text| {
        Config::parse(&without_key_files(&text), path).map_err(|error| error.to_string())
    });
    let (config, problems) = match parsed {
        Ok(config) => (Some(config), Vec::new()),
        Err(why) => (None, vec![why]),
    };
    let file = Checked {
        file: path.display().to_string(),
        problems,
        ..Checked::default()
    };
    (file, config)
}

/// Checks every entry, and the secrets of their people. `config` says which factors the host can
/// check, where that is known.
fn check_users(path: &Path, config: Option<&Config>) -> Vec<Checked> {
    let file = path.display().to_string();
    let mapping =
        read(path).and_then(|text| Mapping::parse(&text, path).map_err(|error| error.to_string()));
    let mut mapping = match mapping {
        Ok(mapping) => mapping,
        Err(why) => {
            let why = if path.exists() {
                why
            } else {
                let why = without_numbers(&why);
                format!("{why}: no one is enrolled yet, and authyctl enroll creates it")
            };
            return vec![Checked {
                file,
                problems: vec![why],
                ..Checked::default()
            }];
        }
    };
    let of_secrets = check_secrets(&totp::path(path), &mapping);
    if let Some(config) = config {
        at_prompt::include(&mut mapping, path, config);
    }
    let providers = config.map(|config| connect::providers(config, &config.login("sshd")));
    let is_unsupported = |entry: &Entry| {
        providers.is_some_and(|providers| match entry {
            Entry::Enrolled(person) => !person.has_supported(providers),
            Entry::Shared(shared) => !shared.keys.values().all(|p| p.has_supported(providers)),
            Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => false,
        })
    };
    let problem = |(user, entry): (&str, &Entry)| match entry {
        Entry::Invalid { line, message } => Some(format!("{file}:{line}: {message}")),
        entry if is_unsupported(entry) => {
            let user = shown_name(user);
            Some(format!(
                "{file}: {user}: this host could check no factor of the entry"
            ))
        }
        _ => None,
    };
    let problems = mapping.iter().filter_map(problem).collect();
    let checked = Checked {
        file,
        problems,
        ..Checked::default()
    };
    [checked].into_iter().chain(of_secrets).collect()
}

/// Checks the secrets of the people of this mapping; `None` where there is no totp.toml and no
/// person needs one.
fn check_secrets(path: &Path, mapping: &Mapping) -> Option<Checked> {
    let names = secrets::names(mapping);
    if names.is_empty() && !path.exists() {
        return None;
    }
    let mut checked = Checked {
        file: path.display().to_string(),
        ..Checked::default()
    };
    let parsed =
        read(path).and_then(|text| Secrets::parse(&text, path).map_err(|error| error.to_string()));
    match parsed {
        Ok(found) => {
            checked.problems = secrets::unusable(&found, &names).collect();
            let unused = secrets::unused(path, &found, &names);
            checked.warnings = unused.map(|(_, why)| why).collect();
        }
        Err(why) => checked.problems = vec![why],
    }
    Some(checked)
}

/// Checks the apps that were enrolled at the prompt; `None` where there are none, or only root can
/// read them.
fn check_enrolled(path: &Path) -> Option<Checked> {
    let text = fs::read_to_string(path).ok()?;
    let mut checked = Checked {
        file: path.display().to_string(),
        ..Checked::default()
    };
    match enrolled::parse(&text, path) {
        Ok(found) => {
            let invalid = found.iter().filter_map(|(_, entry)| match entry {
                totp::Entry::Invalid { line, message } => {
                    Some(format!("{}:{line}: {message}", path.display()))
                }
                totp::Entry::Valid { .. } => None,
            });
            checked.problems = invalid.collect();
        }
        Err(error) => checked.problems = vec![error.to_string()],
    }
    Some(checked)
}

/// Checks directory.toml in the state folder; `None` where it is missing or cannot be looked at:
/// it is the next sync's, and not a file to put in place.
fn check_directory(path: &Path) -> Option<Checked> {
    let text = fs::read_to_string(path).ok()?;
    let problems = match Directory::parse(&text, path) {
        Ok(known) => {
            let of_entry = |(_, entry)| match entry {
                Entry::Invalid { line, message } => {
                    Some(format!("{}:{line}: {message}", path.display()))
                }
                _ => None,
            };
            known.iter().filter_map(of_entry).collect()
        }
        Err(error) => vec![error.to_string()],
    };
    Some(Checked {
        file: path.display().to_string(),
        problems,
        ..Checked::default()
    })
}

fn report(checked: &[Checked]) -> Result<Output, CommandError> {
    let mut lines = Vec::new();
    let mut files = Vec::new();
    for Checked {
        file,
        problems,
        warnings,
    } in checked
    {
        if problems.is_empty() {
            lines.push(format!("{file} is valid"));
        }
        lines.extend(problems.iter().map(|problem| format!("problem  {problem}")));
        lines.extend(warnings.iter().map(|warning| format!("warning  {warning}")));
        files.push(json!({
            "file": file,
            "valid": problems.is_empty(),
            "problems": problems,
            "warnings": warnings,
        }));
    }
    let members = json!({"files": files});
    let output = Output::new(lines, members.clone());
    let count: usize = checked.iter().map(|file| file.problems.len()).sum();
    let message = match count {
        0 => return Ok(output),
        1 => "there is one problem".to_owned(),
        count => format!("there are {count} problems"),
    };
    Err(CommandError::local(message)
        .with_members(Value::Object(output.members.clone()))
        .after(output))
}

fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let content = fs::read(path).map_err(|error: io::Error| format!("{shown}: {error}"))?;
    String::from_utf8(content).map_err(|_| format!("{shown}: is not UTF-8"))
}

/// Replaces the files of keys, which lie on another host or are not for this user, by a key. Lines
/// keep their numbers.
fn without_key_files(text: &str) -> String {
    let replace = |line: &str| {
        let (name, _) = line.split_once('=')?;
        let key = name.trim().strip_suffix("_file")?;
        ["key", "key_secret"]
            .contains(&key)
            .then(|| format!("{key} = \"not-looked-at\"\n"))
    };
    let lines = text.split_inclusive('\n');
    lines
        .map(|line| replace(line).unwrap_or_else(|| line.to_owned()))
        .collect()
}
