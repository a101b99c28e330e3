//! What `make` says where cargo is missing or too old.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::root;
use crate::common::rows::check_rows;

#[test]
fn each_build_without_cargo_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let destdir = format!("DESTDIR={}", folder.path().display());
    let table = [
        &["all"][..],
        &["deb"],
        &["install", &destdir, "PRODUCT=none.so"],
    ];
    check_rows(table, |words| {
        let mut make = Command::new("make");
        make.args(words).current_dir(root()).env_clear();
        // Where rustup installs cargo is no part of it.
        make.env("PATH", "/usr/bin:/bin").env("HOME", folder.path());
        if Path::new("/usr/bin/cargo").exists() {
            make.env("CARGO", "no-cargo");
        }
        let output = make.output().unwrap();

        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{words:?}");
        assert!(
            text.contains("cargo is missing") && text.contains("rustup"),
            "{words:?}: {text}"
        );
    });
}

#[test]
fn an_old_cargo_is_reported_with_how_to_get_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    fs::write(
        &cargo,
        "#!/bin/sh\necho 'cargo 1.70.0 (7fe40dc8c 2023-04-27)'\n",
    )
    .unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").expect("PATH");

    let output = Command::new(root().join("scripts/prerequisites.sh"))
        .arg("demo")
        // That of the test.
        .env_remove("CARGO")
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .output()
        .expect("the script starts");

    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("cargo 1.70.0") && text.contains("rustup"),
        "{text}"
    );
}
