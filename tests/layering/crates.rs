//! Compares the crates of each feature set with the list in crates.toml.
//!
//! Every crate in the module is attack surface in sshd and sudo, and a feature can bring one in
//! unnoticed; so the list has to name each, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// Crate → the feature sets that it is in.
type Crates = BTreeMap<String, BTreeSet<String>>;

/// crates.toml.
#[derive(Deserialize)]
struct List {
    /// Feature set → its features, as `--features` takes them.
    sets: BTreeMap<String, String>,
    crates: Crates,
}

fn list() -> List {
    toml::from_str(include_str!("crates.toml")).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates that the package needs with `features`, without itself. Build scripts do not count,
/// but what derives code does. The lists are those of one target, so that they are the same
/// everywhere.
fn tree(features: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--target", "x86_64-unknown-linux-gnu"])
        .args(["--no-default-features", "--features", features])
        .current_dir(root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{features}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "pam_authy")
        .map(str::to_owned)
        .collect()
}

/// A line for each crate that is in other sets than the list says, with the line to put into it.
fn differences(listed: &Crates, found: &Crates) -> Vec<String> {
    let none = BTreeSet::new();
    let mut lines = Vec::new();
    let names: BTreeSet<&String> = listed.keys().chain(found.keys()).collect();
    for name in names {
        let [listed, found] = [listed, found].map(|crates| crates.get(name).unwrap_or(&none));
        let added: Vec<_> = found.difference(listed).map(String::as_str).collect();
        let gone: Vec<_> = listed.difference(found).map(String::as_str).collect();
        let mut line = format!("{name}:");
        if !added.is_empty() {
            line += &format!(" not listed for {};", added.join(", "));
        }
        if !gone.is_empty() {
            line += &format!(" listed, but not needed, for {};", gone.join(", "));
        }
        line += &match found.is_empty() {
            true => " delete the line".to_owned(),
            false => format!(" the line is\n{name} = {:?}", Vec::from_iter(found)),
        };
        if listed != found {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn each_feature_set_is_built_from_the_listed_crates() {
    let List { sets, crates } = list();
    let mut found = Crates::new();
    for (set, features) in &sets {
        for name in tree(features) {
            found.entry(name).or_default().insert(set.clone());
        }
    }
    let lines = differences(&crates, &found);
    assert!(
        lines.is_empty(),
        "tests/layering/crates.toml:\n{}",
        lines.join("\n")
    );
}

#[test]
fn every_feature_has_a_list_of_its_crates() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let sets = list().sets;
    let listed: BTreeSet<&str> = sets
        .values()
        .flat_map(|features| features.split(','))
        .collect();
    let features = manifest["features"].as_table().unwrap().keys();
    let missing: Vec<_> = features
        .filter(|feature| *feature != "default" && !listed.contains(feature.as_str()))
        .collect();
    assert!(missing.is_empty(), "no set in crates.toml has {missing:?}");
}

#[test]
fn a_crate_too_many_or_too_few_is_named() {
    let crates = |text: &str| -> Crates { toml::from_str(text).unwrap() };
    let listed = crates("same = ['none']\ngone = ['none']\nmoved = ['admin']");
    let found = crates("same = ['none']\nnew = ['sim']\nmoved = ['admin', 'none']");
    assert_eq!(
        differences(&listed, &found),
        [
            "gone: listed, but not needed, for none; delete the line",
            "moved: not listed for none; the line is\nmoved = [\"admin\", \"none\"]",
            "new: not listed for sim; the line is\nnew = [\"sim\"]",
        ]
    );
    assert!(differences(&listed, &listed).is_empty());
}
