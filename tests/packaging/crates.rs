//! The crates of all three programs: their licence, source, and minimum version of Rust.
//!
//! deny.toml lists the allowed licences; cargo-deny reads the same list where it is installed.

use std::process::Command;

use super::{root, stdout_of, text_of};
use crate::common::rows::check_rows;

/// Returns the crates that are built into any of the programs on this platform.
fn crates() -> Vec<serde_json::Value> {
    let metadata = stdout_of(
        Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version=1",
                "--locked",
                "--offline",
                "--all-features",
            ])
            .args([
                "--filter-platform",
                &format!("{}-unknown-linux-gnu", std::env::consts::ARCH),
            ])
            .current_dir(root()),
    );
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Returns whether licences in `allowed` satisfy an SPDX expression, or one in the old form with a
/// slash.
fn is_allowed(licence: &str, allowed: &[&str]) -> bool {
    let licence = licence.replace(['(', ')'], " ").replace('/', " OR ");
    licence
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|one| allowed.contains(&one.trim())))
}

#[test]
fn every_crate_has_a_licence_that_deny_toml_allows() {
    let deny: toml::Table = toml::from_str(&text_of("deny.toml")).expect("TOML");
    let allowed: Vec<&str> = deny["licenses"]["allow"]
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();

    check_rows(crates(), |package| {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(
            is_allowed(licence, &allowed),
            "{}: {licence}",
            package["name"]
        );
    });
}

#[test]
fn every_crate_comes_from_the_registry() {
    let others = crates().into_iter();
    let others = others.filter(|package| package["name"] != "pam_authy");
    check_rows(others, |package| {
        let source = package["source"].as_str().unwrap_or("none");
        assert!(
            source.starts_with("registry+"),
            "{}: {source}",
            package["name"]
        );
    });
}

/// Parses `1.88` as (1, 88).
fn release(version: &str) -> (u32, u32) {
    let mut parts = version
        .split('.')
        .map(|part| part.parse().expect("a number"));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[test]
fn no_crate_needs_a_newer_rust_than_the_package_says() {
    let crates = crates();
    let ours = crates
        .iter()
        .find(|package| package["name"] == "pam_authy")
        .expect("ours");
    let ours = release(ours["rust_version"].as_str().expect("rust-version"));

    check_rows(&crates, |package| {
        let Some(theirs) = package["rust_version"].as_str() else {
            return;
        };
        assert!(
            release(theirs) <= ours,
            "{} needs Rust {theirs}",
            package["name"]
        );
    });
}
