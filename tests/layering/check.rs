//! The check itself: the same function for the real files and for the snippets that prove it.

use std::collections::{BTreeMap, BTreeSet};

use super::cycles::{Uses, cycles};
use super::facts::{Facts, Usage};
use super::marks::{MarkKind, marks};
use super::modules::Modules;
use super::rules::{LAYERS, NEGATED_FEATURES, SIBLINGS, UNSAFE_FILES};
use super::source::{Name, Source, read};

/// The rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A module uses what it may not.
    Edges,
    /// Modules use one another in a circle.
    Cycles,
    /// `unsafe` outside the files for it.
    Unsafe,
    /// A condition on a missing feature.
    Features,
    /// A module is not where the tree says.
    Layout,
}

/// What the check finds.
#[derive(Default)]
pub(super) struct Report {
    /// The violations: the rule, and a line for the reader.
    pub(super) found: Vec<(Rule, String)>,
    /// The exceptions that were needed, each by the name it has in the rules.
    pub(super) excused: BTreeSet<String>,
}

/// Checks `sources`.
pub(super) fn check(sources: &[Source]) -> Report {
    let mut report = Report::default();
    let (all, broken) = read(sources);
    report
        .found
        .extend(broken.into_iter().map(|line| (Rule::Edges, line)));
    check_edges(&all, &mut report);
    for source in sources {
        check_marks(source, &mut report);
        check_layout(source, sources, &mut report);
    }
    report
}

/// The names in the rules that are modules; a type begins with a capital letter.
fn modules_in_rules() -> BTreeSet<Name> {
    let layers = LAYERS.iter().flat_map(|(from, to)| to.iter().chain([from]));
    let siblings = SIBLINGS.iter().flat_map(|(from, to)| [from, to]);
    let names = layers
        .chain(siblings)
        .filter(|name| !name.starts_with("bin/"));
    let mut found = BTreeSet::new();
    for name in names {
        let parts = name
            .split("::")
            .take_while(|part| !part.starts_with(char::is_uppercase));
        let mut module = vec!["lib".to_owned()];
        for part in parts {
            module.push(part.to_owned());
            found.insert(module.clone());
        }
    }
    found
}

/// A name as the rules write it; the root of the library is empty.
fn shown(name: &[String]) -> String {
    let in_library = name.strip_prefix(&["lib".to_owned()]);
    in_library.unwrap_or(name).join("::")
}

/// The layer or the module directly below it that a module is part of; a program is one unit.
fn unit(module: &[String]) -> String {
    let length = if module[0] == "lib" { 3 } else { 1 };
    shown(&module[..length.min(module.len())])
}

fn layer(unit: &str) -> &str {
    unit.split("::").next().unwrap_or(unit)
}

/// Whether `name` is `rule` or in it.
fn is_in(name: &str, rule: &str) -> bool {
    name.strip_prefix(rule)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether the root of a layer and a module of that layer are meant.
fn is_root_and_member(one: &str, other: &str) -> bool {
    layer(one) == layer(other) && (layer(one) == one || layer(other) == other)
}

/// A use of one module by another, as it is found in a file.
struct Edge<'a> {
    file: &'a str,
    line: usize,
    from: &'a Name,
    /// What is used, and the module that it is in.
    to: Name,
    module: Name,
    /// Whether a macro puts the rest of the path together.
    is_open: bool,
}

impl Edge<'_> {
    /// Whether the rules allow it.
    fn is_allowed(&self) -> bool {
        let (from, to) = (shown(self.from), shown(&self.to));
        let (from_unit, to_unit) = (unit(self.from), unit(&self.module));
        if to_unit.is_empty() {
            // Through the root, or a name for it, everything can be reached.
            return false;
        }
        if is_root_and_member(&from_unit, &to_unit) {
            return !self.is_open;
        }
        let layers = LAYERS
            .iter()
            .flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
        let mut rules = layers.chain(SIBLINGS.iter().map(|(from, to)| (from, to)));
        rules.any(|(may, used)| is_in(&from, may) && is_in(&to, used))
    }
}

/// Every use of another unit in `all`.
fn edges<'a>(all: &'a [Facts], modules: &Modules) -> Vec<Edge<'a>> {
    let mut found = Vec::new();
    for facts in all {
        for written in &facts.written {
            let others = modules.named_by(written).into_iter().map(|to| Edge {
                file: &facts.path,
                line: written.line,
                from: &written.module,
                module: modules.module_in(&to),
                to,
                is_open: written.usage == Usage::Open,
            });
            found.extend(others.filter(|edge| unit(edge.from) != unit(&edge.module)));
        }
    }
    found
}

fn check_edges(all: &[Facts], report: &mut Report) {
    for facts in all {
        let own = unit(&facts.modules[0]);
        if !own.is_empty() && !LAYERS.iter().any(|(from, _)| *from == layer(&own)) {
            let line = format!("{}: {own} is in no layer", facts.path);
            report.found.push((Rule::Edges, line));
        }
    }
    let modules = Modules::new(all, modules_in_rules());
    let mut forbidden: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    let mut uses = Uses::default();
    for edge in edges(all, &modules) {
        let (from, to) = (unit(edge.from), unit(&edge.module));
        uses.add(&from, &to, format!("{}:{}", edge.file, edge.line));
        if !edge.is_allowed() {
            let lines = forbidden.entry((edge.file, from, to)).or_default();
            lines.insert(edge.line);
        }
    }
    for ((file, from, to), lines) in forbidden {
        let first: Vec<String> = lines.iter().take(3).map(usize::to_string).collect();
        let more = if lines.len() > 3 { ",…" } else { "" };
        let [from, to] = [from, to].map(|unit| match unit.is_empty() {
            true => "the root of the crate".to_owned(),
            false => unit,
        });
        let line = format!("{file}:{}{more}: {from} may not use {to}", first.join(","));
        report.found.push((Rule::Edges, line));
    }
    let circles = cycles(&uses).into_iter();
    report
        .found
        .extend(circles.map(|line| (Rule::Cycles, line)));
}

fn check_marks(source: &Source, report: &mut Report) {
    let Ok(tokens) = source.text.parse() else {
        return; // `read` has reported it.
    };
    let path = source.path.as_str();
    for mark in marks(tokens) {
        let (rule, is_excused) = match mark.kind {
            MarkKind::Unsafe => (Rule::Unsafe, UNSAFE_FILES.contains(&path)),
            MarkKind::NegatedFeature => {
                let known = NEGATED_FEATURES.contains(&(path, mark.text.as_str()));
                (Rule::Features, known)
            }
            MarkKind::Displaced => (Rule::Layout, false),
        };
        if is_excused {
            report.excused.insert(match rule {
                Rule::Features => format!("{path}: {}", mark.text),
                _ => path.to_owned(),
            });
        } else {
            let line = format!("{path}:{}: {}", mark.line, mark.text);
            report.found.push((rule, line));
        }
    }
}

/// A module with modules of its own is `x/mod.rs`, not `x.rs` beside `x/`.
fn check_layout(source: &Source, sources: &[Source], report: &mut Report) {
    let folder = source.path.trim_end_matches(".rs");
    let is_in_folder = |other: &Source| {
        let rest = other.path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    if sources.iter().any(is_in_folder) {
        let line = format!("{}: belongs into {folder}/mod.rs", source.path);
        report.found.push((Rule::Layout, line));
    }
}
