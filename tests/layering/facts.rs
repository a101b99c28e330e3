//! What one file says about names, before anything is resolved.

use super::source::Name;

/// A path as it is written, such as `super::state::Folder`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// The module that it is written in.
    pub(super) module: Name,
    /// The names between the colons, without generic arguments.
    pub(super) segments: Vec<String>,
    /// Whether it begins with `::`, and so with the name of a crate.
    pub(super) is_global: bool,
    /// What it is written for.
    pub(super) usage: Usage,
    /// The line in the file.
    pub(super) line: usize,
}

/// What a path is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// An import. It may name a module.
    Import,
    /// An expression, a type, a pattern, an attribute: a single name here is never a module.
    Item,
    /// The name of a macro that is invoked.
    Macro,
    /// The known part of a path that a macro puts together, as in `crate::$layer::read`.
    Open,
}

/// A name that an import brings into a module.
pub(super) struct Import {
    /// The new name; `None` for a glob.
    pub(super) name: Option<String>,
    /// What it means.
    pub(super) path: Written,
    /// Whether it is in a function or a macro, and so known only to a part of the module.
    pub(super) is_local: bool,
}

/// A `macro_rules!`.
pub(super) struct MacroRules {
    pub(super) module: Name,
    pub(super) name: String,
    /// Whether it is exported, and so an item of the crate's root.
    pub(super) is_exported: bool,
}

/// What one file says about names.
#[derive(Default)]
pub(super) struct Facts {
    /// The path of the file.
    pub(super) path: String,
    pub(super) written: Vec<Written>,
    pub(super) imports: Vec<Import>,
    /// The modules that it is and declares.
    pub(super) modules: Vec<Name>,
    /// Structs, enums and other types: with modules they share one set of names.
    pub(super) types: Vec<Name>,
    pub(super) macros: Vec<MacroRules>,
    /// Other names for crates: (crate that knows the name, name, the crate it means).
    pub(super) crates: Vec<(String, String, String)>,
    /// Files that are modules elsewhere than by their place: (path, module).
    pub(super) mounts: Vec<(String, Name)>,
}
