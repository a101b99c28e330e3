//! The files that a line of our module names instead of the usual ones.

use std::path::Path;

use pam_authy::store::config::Config;
use pam_authy::store::people::People;
use pam_authy::store::users::Mapping;

use crate::cli::Global;
use crate::commands::stack::Handler;

/// The files that a line names with `config=` and `users=` instead of the usual ones.
#[derive(Default)]
pub(super) struct OwnFiles {
    pub(super) config: Option<Config>,
    pub(super) mapping: Option<Mapping>,
}

/// Returns the files that the first of these lines names, where they can be used;
/// `files::arguments` says why others cannot.
pub(super) fn own(lines: &[&Handler], global: &Global) -> OwnFiles {
    let named = |name: &str, usual: &Path| {
        let mut modules = lines.iter().filter_map(|line| line.module());
        let named = modules.find_map(|module| module.path_of(name));
        named.filter(|path| path != usual)
    };
    let (config, users) = (
        named("config=", &global.config),
        named("users=", &global.users),
    );
    if config.is_none() && users.is_none() {
        return OwnFiles::default();
    }
    let is_usual = config.is_none();
    let config = config.unwrap_or_else(|| global.config.clone());
    let config = Config::load(&config).ok();
    let users = users.as_ref().unwrap_or(&global.users);
    let people = match &config {
        Some(config) => People::new(users, config),
        None => People::without_directory(users),
    };
    OwnFiles {
        mapping: people.load().ok().map(|(mapping, _)| mapping),
        config: config.filter(|_| !is_usual),
    }
}
