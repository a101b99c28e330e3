//! `doctor`: checks everything that a login needs, and what would lock somebody out or let somebody in.
//!
//! Each check is one line: ok, warning or problem, and what to do. A problem makes the exit status 1.

mod files;
mod finding;
mod leniency;
mod people;
mod rules;
mod service;
mod services;
mod sshd;
mod stack;
mod state;
mod sudo;
mod sudoers;

use std::path::Path;

use finding::{Check, Level, conclude};
use services::Protected;

pub(crate) use stack::{Factors, factors, is_sound};

use crate::cli::{DoctorArgs, Global};
use crate::error::CommandError;
use crate::output::Output;

pub(crate) fn doctor(global: &Global, args: &DoctorArgs) -> Result<Output, CommandError> {
    conclude(&examine(global, &args.pam_dir, None))
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
        checks.extend(service::service(config));
    }
    let protected = services::stacks(pam_dir, config.as_ref(), &mut checks);
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
    checks.extend(sudo::sudo(&protected, &sudoers, pam_dir, config));
    if let Some(mapping) = mapping {
        checks.extend(people::locked_out(&protected, config, mapping, &people));
    }
    checks
}
