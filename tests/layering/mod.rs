//! Checks what the crate page promises: which module may use which, where `unsafe` may be, that
//! features only add, that folders have one layout, and which crates each feature set is built
//! from.
//!
//! `rules` is the list that a change to the layers edits, `crates.toml` the one for crates. `check`
//! is the check; `violations` and `harmless` show that it catches what it is there for. It parses
//! (`source`, `collect`, `tokens`, `marks`) and resolves names (`modules`) instead of searching
//! text, since a search misses grouped, renamed and relative imports and finds strings and
//! comments.

mod check;
mod collect;
mod crates;
mod cycles;
mod facts;
mod harmless;
mod marks;
mod modules;
mod mounts;
mod rules;
mod source;
mod tokens;
mod violations;

use std::sync::LazyLock;

use check::{Report, Rule, check};
use cycles::{Uses, cycles};
use rules::{LAYERS, NEGATED_FEATURES, SIBLINGS, UNSAFE_FILES};

/// The report on src.
static TREE: LazyLock<Report> = LazyLock::new(|| check(&source::tree()));

/// Fails with every violation of `rule` in src.
#[track_caller]
fn assert_kept(rule: Rule) {
    let found = TREE.found.iter().filter(|(broken, _)| *broken == rule);
    let lines: Vec<&str> = found.map(|(_, line)| line.as_str()).collect();
    assert!(
        lines.is_empty(),
        "{} violations:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn modules_use_only_what_the_rules_list() {
    assert_kept(Rule::Edges);
}

#[test]
fn modules_do_not_use_one_another_in_a_circle() {
    assert_kept(Rule::Cycles);
}

#[test]
fn unsafe_code_is_in_the_listed_files_only() {
    assert_kept(Rule::Unsafe);
}

#[test]
fn no_code_depends_on_a_missing_feature() {
    assert_kept(Rule::Features);
}

#[test]
fn modules_with_a_folder_are_its_mod_rs() {
    assert_kept(Rule::Layout);
}

#[test]
fn the_rules_allow_no_circle() {
    let layers = LAYERS
        .iter()
        .flat_map(|(from, to)| to.iter().map(|to| (*from, *to)));
    let mut uses = Uses::default();
    for (from, to) in layers.chain(SIBLINGS.iter().copied()) {
        uses.add(from, to, "rules.rs".to_owned());
    }
    let found = cycles(&uses);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_exception_in_the_rules_is_needed() {
    let excused = &TREE.excused;
    let files = UNSAFE_FILES
        .iter()
        .map(|file| ((*file).to_owned(), "it has unsafe code"));
    let features = NEGATED_FEATURES
        .iter()
        .map(|(file, condition)| (format!("{file}: {condition}"), "it is still there"));
    let unneeded: Vec<String> = files
        .chain(features)
        .filter(|(name, _)| !excused.contains(name))
        .map(|(name, reason)| format!("{name} (no longer true: {reason})"))
        .collect();
    assert!(
        unneeded.is_empty(),
        "delete from rules.rs:\n{}",
        unneeded.join("\n")
    );
}
