//! Finds out what a written path names, over all files: through imports, renames, globs, re-exports
//! and exported macros, as the compiler would.
//!
//! Where the compiler would know better (two functions of a module that import different things
//! under one name), every possible meaning counts.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Import, MacroRules, Usage, Written};
use super::source::Name;

/// All modules, and what is known in each.
pub(super) struct Modules<'a> {
    known: BTreeSet<Name>,
    types: BTreeSet<&'a Name>,
    imports: BTreeMap<&'a Name, Vec<&'a Import>>,
    macros: Vec<&'a MacroRules>,
    /// (crate, name) → the crate that the name means there.
    crates: BTreeMap<(&'a str, &'a str), &'a str>,
}

/// What one search has seen.
#[derive(Default)]
struct Trace {
    /// The names that are being looked up, so that imports in a circle end.
    busy: Vec<(Name, String)>,
    /// The re-exports that the path leads through.
    passed: BTreeSet<Name>,
}

impl<'a> Modules<'a> {
    /// The modules in `all`, and those that the rules name, whether they have a file or not.
    pub(super) fn new(all: &'a [Facts], in_rules: impl IntoIterator<Item = Name>) -> Self {
        let mut imports: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for import in all.iter().flat_map(|facts| &facts.imports) {
            imports.entry(&import.path.module).or_default().push(import);
        }
        let crates = all.iter().flat_map(|facts| &facts.crates);
        Self {
            known: all
                .iter()
                .flat_map(|facts| facts.modules.iter().cloned())
                .chain(in_rules)
                .collect(),
            types: all.iter().flat_map(|facts| &facts.types).collect(),
            imports,
            macros: all.iter().flat_map(|facts| &facts.macros).collect(),
            crates: crates
                .map(|(own, name, target)| ((own.as_str(), name.as_str()), target.as_str()))
                .collect(),
        }
    }

    /// The longest part of `name` that is a module.
    pub(super) fn module_in(&self, name: &[String]) -> Name {
        let is_known = |length: &usize| self.known.contains(&name[..*length]);
        let length = (1..=name.len()).rev().find(is_known).unwrap_or(1);
        name[..length].to_vec()
    }

    /// Everything of ours that a path names: what it ends at, and each re-export on the way.
    pub(super) fn named_by(&self, written: &Written) -> BTreeSet<Name> {
        let mut trace = Trace::default();
        let mut ends: BTreeSet<Name> = self.resolve(written, &mut trace).into_iter().collect();
        ends.append(&mut trace.passed);
        let [single] = written.segments.as_slice() else {
            return ends;
        };
        match written.usage {
            Usage::Import | Usage::Open => ends,
            // A variable may have the name of a module; alone, no module can be meant. `crate`
            // alone is `pub(crate)`.
            Usage::Item if ["crate", "self", "super"].contains(&single.as_str()) => BTreeSet::new(),
            Usage::Item => {
                ends.retain(|name| !self.known.contains(name));
                ends
            }
            Usage::Macro if ends.is_empty() => self.macros_in_scope(&written.module, single),
            Usage::Macro => ends,
        }
    }

    /// The macros that a bare name can mean: those of the module itself, or else any of the
    /// crate's, by `#[macro_use]`.
    fn macros_in_scope(&self, module: &Name, name: &str) -> BTreeSet<Name> {
        let found: BTreeSet<Name> = self
            .macros
            .iter()
            .filter(|rules| rules.name == name)
            .map(|rules| [&rules.module[..], &[name.to_owned()]].concat())
            .filter(|found| found[0] == module[0] || found[0] == "lib")
            .collect();
        let own = |found: &&Name| module.starts_with(&found[..found.len() - 1]);
        match found.iter().find(own) {
            Some(own) => BTreeSet::from([own.clone()]),
            None => found,
        }
    }

    /// What a path ends at.
    fn resolve(&self, written: &Written, trace: &mut Trace) -> Vec<Name> {
        let module = &written.module;
        let mut rest = written.segments.as_slice();
        let mut starts = Vec::new();
        if let Some((first, behind)) = rest.split_first() {
            starts = match first.as_str() {
                _ if written.is_global => self.crate_named(&module[0], first),
                "crate" => vec![module[..1].to_vec()],
                "self" => vec![module.clone()],
                "super" => vec![parent(module)],
                name => self.find(module, name, trace),
            };
            rest = behind;
        }
        while let Some((_, behind)) = rest.split_first().filter(|(next, _)| *next == "super") {
            starts = starts.iter().map(parent).collect();
            rest = behind;
        }
        for segment in rest {
            let step = |start: &Name| {
                let found = self.inside(start, segment, trace).0;
                match found.is_empty() {
                    true => vec![child(start, segment)],
                    false => found,
                }
            };
            starts = starts.iter().flat_map(step).collect();
        }
        starts
    }

    /// What the first name of a path means in a module.
    fn find(&self, module: &Name, name: &str, trace: &mut Trace) -> Vec<Name> {
        let (mut found, is_settled) = self.inside(module, name, trace);
        if !is_settled {
            found.extend(self.crate_named(&module[0], name));
        }
        found
    }

    /// One of our crates, by the name that `own` knows it by.
    fn crate_named(&self, own: &str, name: &str) -> Vec<Name> {
        let renamed = self.crates.get(&(own, name)).copied();
        let found = renamed.or((name == "pam_authy").then_some("lib"));
        found
            .map(|found| vec![found.to_owned()])
            .into_iter()
            .collect()
    }

    /// What `name` means as a member of `module`, and whether that is settled: that no glob and no
    /// crate can be meant instead.
    fn inside(&self, module: &Name, name: &str, trace: &mut Trace) -> (Vec<Name>, bool) {
        let key = (module.clone(), name.to_owned());
        if trace.busy.contains(&key) {
            return (Vec::new(), false);
        }
        trace.busy.push(key);
        let own = child(module, name);
        let mut found = Vec::new();
        let mut is_settled = self.known.contains(&own) || self.types.contains(&own);
        if is_settled {
            found.push(own.clone());
        }
        let imports = self.imports.get(module).map_or(&[][..], Vec::as_slice);
        for import in imports
            .iter()
            .filter(|import| import.name.as_deref() == Some(name))
        {
            let ends = self.resolve(&import.path, trace);
            if !ends.is_empty() {
                trace.passed.insert(own.clone());
            }
            found.extend(ends);
            is_settled |= !import.is_local;
        }
        if module.len() == 1 {
            let exported = |rules: &&&MacroRules| {
                rules.is_exported && rules.name == name && rules.module[0] == module[0]
            };
            let macros = self.macros.iter().filter(exported);
            found.extend(macros.map(|rules| child(&rules.module, name)));
        }
        if !is_settled {
            for glob in imports.iter().filter(|import| import.name.is_none()) {
                for target in self.resolve(&glob.path, trace) {
                    found.extend(self.inside(&target, name, trace).0);
                }
            }
        }
        trace.busy.pop();
        (found, is_settled)
    }
}

fn child(module: &Name, name: &str) -> Name {
    [module, &[name.to_owned()][..]].concat()
}

/// The module around; that of a crate's root is the root.
fn parent(module: &Name) -> Name {
    module[..(module.len() - 1).max(1)].to_vec()
}
