//! `metrics`: figures about this host, in the text format of Prometheus.
//!
//! Everything comes from the files of this host; no provider and no directory is asked, so that it can
//! run every minute. What cannot be read is missing, `pam_authy_…_valid` says so, and the command
//! fails after it has printed the rest.

mod certificate;
mod directory;
mod state;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use pam_authy::host::trusted_file::{self, Access};
use pam_authy::store::config::Config;
use pam_authy::store::totp::{self, Secrets};
use pam_authy::store::users::{Entry, Mapping};
use serde_json::json;

use self::text::Text;
use super::totp::at_prompt::{AtPrompt, Standing};
use super::{load_mapping, load_people, pam};
use crate::cli::{Global, MetricsArgs};
use crate::error::CommandError;
use crate::output::Output;
use crate::replace_file::{NewFile, replace_file};

/// The factors of an entry, as `list` names them.
const FACTORS: [&str; 5] = ["authy", "phone", "twilio", "totp", "security_key"];

pub(crate) fn metrics(global: &Global, args: &MetricsArgs) -> Result<Output, CommandError> {
    let (text, errors) = collect(global);
    let output = match &args.output {
        Some(path) => {
            let new = NewFile {
                prefix: ".pam_authy-new-",
                mode: 0o644,
                owner: None,
            };
            // The link would be replaced: of /dev/stdout, for every program of the host.
            if path.is_symlink() {
                let message = format!("{}: a symbolic link", path.display());
                return Err(CommandError::local(message).hint("name the file itself"));
            }
            let written = replace_file(path, text.as_bytes(), &new);
            written.map_err(|error| CommandError::file(path, &error))?;
            let line = format!("{} is written", path.display());
            Output::new(vec![line], json!({"path": path}))
        }
        None => {
            let lines = text.lines().map(str::to_owned).collect();
            Output::new(lines, json!({"metrics": text}))
        }
    };
    let members = output.members.clone();
    match errors.into_iter().next() {
        None => Ok(output),
        Some(error) => Err(error.with_members(members.into()).after(output)),
    }
}

/// The text, and what could not be read.
fn collect(global: &Global) -> (String, Vec<CommandError>) {
    let (mut text, mut errors) = (Text::default(), Vec::new());
    let version = env!("CARGO_PKG_VERSION");
    text.gauges(
        "build_info",
        "The version of authyctl.",
        &[(vec![("version", version)], 1)],
    );
    let services = pam::rolled_back().len();
    text.gauge(
        "rolled_back_services",
        "PAM services whose change was rolled back since the last authyctl pam command.",
        services as u64,
    );
    let config = Config::load(&global.config).map_err(|error| errors.push(error.into()));
    let mapping = load_mapping(global).map_err(|error| errors.push(error));
    let (config, mapping) = (config.ok(), mapping.ok());
    for (name, help, is_valid) in [
        (
            "config_valid",
            "Whether config.toml can be used; without it every login is refused.",
            config.is_some(),
        ),
        (
            "users_valid",
            "Whether users.toml can be used; without it every login is refused.",
            mapping.is_some(),
        ),
    ] {
        text.gauge(name, help, is_valid.into());
    }
    if let Some(mapping) = &mapping {
        entries(&mut text, mapping);
    }
    // An error of directory.toml is that of its own figures.
    let all = load_people(global).map(|(all, _)| all).ok();
    if let Some(all) = &all {
        people(&mut text, all);
    }
    if let Some(config) = &config {
        directory::add(&mut text, &mut errors, config);
        state::add(&mut text, &mut errors, config);
        certificates(&mut text, &mut errors, config);
        if let Some(all) = &all {
            let result = at_prompt(&mut text, global, config, all);
            errors.extend(result.err());
        }
    }
    (text.finish(), errors)
}

/// The entries of users.toml.
fn entries(text: &mut Text, mapping: &Mapping) {
    let mut kinds = [0; 3];
    for (_, entry) in mapping.iter() {
        let kind = match entry {
            Entry::Enrolled(_) => 0,
            Entry::Shared(_) => 1,
            Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => 2,
        };
        if let Some(number) = kinds.get_mut(kind) {
            *number += 1;
        }
    }
    let kinds: Vec<_> = ["person", "shared", "invalid"]
        .into_iter()
        .zip(kinds)
        .map(|(kind, number)| (vec![("kind", kind)], number))
        .collect();
    text.gauges("entries", "Entries of users.toml.", &kinds);
}

/// The people of users.toml and directory.toml by factor.
fn people(text: &mut Text, all: &Mapping) {
    let mut factors = BTreeMap::from(FACTORS.map(|name| (name, 0)));
    for (_, entry) in all.iter() {
        let people: Vec<_> = match entry {
            Entry::Enrolled(person) => vec![person],
            Entry::Shared(shared) => shared.keys.values().collect(),
            Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => vec![],
        };
        for name in people.iter().flat_map(|person| person.factor_names()) {
            *factors.entry(name).or_default() += 1;
        }
    }
    let factors: Vec<_> = (factors.into_iter())
        .map(|(factor, number)| (vec![("factor", factor)], number))
        .collect();
    text.gauges(
        "people",
        "People of users.toml and directory.toml who have this factor; one with several counts for each.",
        &factors,
    );
}

/// The apps of enrolled.toml; nothing where there is no such file.
fn at_prompt(
    text: &mut Text,
    global: &Global,
    config: &Config,
    mapping: &Mapping,
) -> Result<(), CommandError> {
    let Some(at_prompt) = AtPrompt::of(config)? else {
        return Ok(());
    };
    let own = Secrets::load(&totp::path(&global.users)).ok();
    let rows = at_prompt.rows(mapping, own.as_ref());
    let states = [
        ("counts", Standing::Counts),
        ("held", Standing::Held),
        ("unused", Standing::Unused),
    ];
    let samples: Vec<_> = (states.into_iter())
        .map(|(state, standing)| {
            let rows = rows.values().filter(|row| row.standing == standing);
            (vec![("state", state)], rows.count() as u64)
        })
        .collect();
    let help = "Apps that people have enrolled at the prompt; a held one does not count yet.";
    text.gauges("prompt_apps", help, &samples);
    Ok(())
}

/// When the first certificate of each `ca_file` ends. The system's own bundle is not looked at: there is
/// always one that ends soon, and the system replaces it.
fn certificates(text: &mut Text, errors: &mut Vec<CommandError>, config: &Config) {
    let authy = config
        .authy
        .as_ref()
        .and_then(|authy| authy.ca_file.as_deref());
    let twilio = config.twilio.as_ref();
    let twilio = twilio.and_then(|twilio| twilio.ca_file.as_deref());
    let mut samples = Vec::new();
    let directory = config.directory.as_ref();
    let directory = directory.and_then(|directory| directory.ca_file.as_deref());
    for (provider, path) in [
        ("authy", authy),
        ("directory", directory),
        ("twilio", twilio),
    ] {
        let Some(path) = path else { continue };
        match first_end(path) {
            Ok(end) => samples.push((vec![("provider", provider)], end)),
            Err(error) => errors.push(error),
        }
    }
    let help = "When the first CA certificate in ca_file ends, in seconds since 1970.";
    text.gauges("ca_end_timestamp_seconds", help, &samples);
}

fn first_end(path: &Path) -> Result<u64, CommandError> {
    let pem = trusted_file::read(path, Access::WorldReadable, trusted_file::LIMIT);
    let pem = pem.map_err(|error| CommandError::local(format!("{}: {error}", path.display())))?;
    certificate::first_end(&pem).ok_or_else(|| {
        let path = path.display();
        CommandError::local(format!("{path}: not a file of CA certificates in PEM form"))
    })
}
