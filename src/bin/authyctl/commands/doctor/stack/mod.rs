//! The `auth` lines of a PAM stack: `parse` reads them, `evaluate` does what libpam does with them,
//! `simulate` tries every answer of their modules, and `verdict` says what is wrong.

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
pub(crate) use simulate::Stack;

/// A line of a stack.
#[derive(Debug, Clone)]
pub(crate) enum Entry<M> {
    Module(Control, M),
    /// `substack`: what ends inside does not end the rest.
    Substack(Vec<Entry<M>>),
}

/// A module in a stack.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    /// The file's name: `pam_unix.so`.
    pub(crate) name: String,
    /// The whole path, as it is written.
    pub(crate) path: String,
    pub(crate) arguments: Vec<String>,
    /// File and line.
    pub(crate) place: String,
}

impl Module {
    pub(crate) fn is_ours(&self) -> bool {
        self.name == "pam_authy.so"
    }

    pub(crate) fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|given| given == argument)
    }
}

/// All modules, those of substacks too.
pub(crate) fn modules(stack: &[Entry<Module>]) -> Vec<(&Control, &Module)> {
    let mut found = Vec::new();
    for entry in stack {
        match entry {
            Entry::Module(control, module) => found.push((control, module)),
            Entry::Substack(inner) => found.extend(modules(inner)),
        }
    }
    found
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
    let entries = parse::parse(folder, folder, text, 0)?;
    let all = modules(&entries);
    let asking = all.iter().filter(|(_, module)| is_first_factor(module));
    Ok(Factors {
        modules: asking.map(|(_, module)| module.name.clone()).collect(),
        has_ours: all.iter().any(|(_, module)| module.is_ours()),
    })
}

/// Whether `text`, a stack in `folder`, needs password and token, goes on to the token only after a right
/// password, and passes where we answer ignore.
pub(crate) fn is_sound(folder: &Path, text: &str) -> bool {
    parse::parse(folder, folder, text, 0).is_ok_and(|entries| {
        let checks = Stack::new("stack", &entries, true).checks();
        checks.iter().all(|check| check.level == Level::Ok)
    })
}
