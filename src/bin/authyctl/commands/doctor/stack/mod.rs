//! The `auth` lines of a PAM stack.
//!
//! `parse` reads them, `evaluate` computes libpam's answer from those of the modules, `simulate`
//! tries every answer that the modules can give, and `verdict` says what is wrong. `pam enable`
//! uses [`factors`] and [`is_sound`] to find the place for our line.

mod control;
mod evaluate;
mod known;
mod parse;
mod simulate;
mod verdict;

use std::path::Path;

use super::Level;
use control::Control;

pub(crate) use known::is_first_factor;
pub(crate) use parse::read;
pub(crate) use simulate::Simulation;
pub(crate) use verdict::findings;

/// A line of a stack.
#[derive(Debug, Clone)]
pub(crate) enum StackLine {
    Module(Control, Module),
    /// `substack`: an action that ends it does not end the lines after it.
    Substack(Vec<StackLine>),
}

/// A module in a stack.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    /// The name of the file: `pam_unix.so`.
    pub(crate) name: String,
    /// The path as it is written.
    pub(crate) path: String,
    pub(crate) arguments: Vec<String>,
    /// The file and line where it is written.
    pub(crate) place: String,
}

impl Module {
    pub(crate) fn is_ours(&self) -> bool {
        self.name == "pam_authy.so"
    }

    /// Whether the line has this argument.
    pub(crate) fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|given| given == argument)
    }
}

/// Returns all modules in their order, those of substacks too.
pub(crate) fn modules(stack: &[StackLine]) -> Vec<(&Control, &Module)> {
    let mut found = Vec::new();
    for line in stack {
        match line {
            StackLine::Module(control, module) => found.push((control, module)),
            StackLine::Substack(inner) => found.extend(modules(inner)),
        }
    }
    found
}

/// What some lines of a stack ask for.
#[derive(Debug, Default)]
pub(crate) struct Factors {
    /// The modules that check a password, or what replaces one, in their order.
    pub(crate) modules: Vec<String>,
    /// Our module is among the lines.
    pub(crate) has_ours: bool,
}

/// Returns what `text`, lines of a stack in `folder`, asks for. Follows includes.
///
/// # Errors
/// As for [`read`].
pub(crate) fn factors(folder: &Path, text: &str) -> Result<Factors, String> {
    let lines = parse::parse(folder, folder, text, 0)?;
    let all = modules(&lines);
    let first_factors = all.iter().filter(|(_, module)| is_first_factor(module));
    Ok(Factors {
        modules: first_factors
            .map(|(_, module)| module.name.clone())
            .collect(),
        has_ours: all.iter().any(|(_, module)| module.is_ours()),
    })
}

/// Whether `text`, a stack in `folder`, requires password and second factor, asks for the second
/// factor only after the right password, and succeeds when our module answers `ignore`.
pub(crate) fn is_sound(folder: &Path, text: &str) -> bool {
    parse::parse(folder, folder, text, 0).is_ok_and(|lines| {
        let findings = findings("stack", &Simulation::new(&lines, true));
        findings.iter().all(|finding| finding.level == Level::Ok)
    })
}
