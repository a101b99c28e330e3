//! A release: one version everywhere, a reproducible archive of the sources, a list of crates, and
//! recipes for other systems.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{AUTHY_SIM, AUTHYCTL, root, stdout_of, text_of};
use crate::common::rows::check_rows;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn every_recipe_and_page_has_the_version_of_cargo_toml() {
    let table = [
        ("packaging/arch/PKGBUILD", format!("pkgver={VERSION}\n")),
        ("packaging/alpine/APKBUILD", format!("pkgver={VERSION}\n")),
        (
            "packaging/man/pam_authy.8",
            format!("\"pam_authy {VERSION}\""),
        ),
        (
            "packaging/man/pam_authy.toml.5",
            format!("\"pam_authy {VERSION}\""),
        ),
        (
            "packaging/man/authy-sim.1",
            format!("\"pam_authy {VERSION}\""),
        ),
        (
            "Cargo.lock",
            format!("name = \"pam_authy\"\nversion = \"{VERSION}\"\n"),
        ),
    ];
    check_rows(table, |(file, text)| {
        assert!(text_of(file).contains(&text), "{text} is missing in {file}");
    });
    check_rows([AUTHYCTL, AUTHY_SIM], |program| {
        let said = stdout_of(Command::new(program).arg("--version"));
        assert!(said.trim().ends_with(VERSION), "{said}");
    });
}

/// The recipes are shell scripts: sourcing one must define the functions that its builder calls.
#[test]
fn the_recipes_define_what_their_builders_call() {
    let table = [
        (
            "bash",
            "packaging/arch/PKGBUILD",
            &["prepare", "build", "package"][..],
        ),
        (
            "sh",
            "packaging/alpine/APKBUILD",
            &["prepare", "build", "package"],
        ),
    ];
    check_rows(table, |(shell, file, functions)| {
        let mut script = format!(". ./{file}; echo \"$pkgname $pkgver\"");
        for function in functions {
            script += &format!("; command -V {function} | grep -q function || exit 1");
        }
        let said = stdout_of(
            Command::new(shell)
                .args(["-ec", &script])
                .current_dir(root()),
        );
        assert_eq!(said.trim(), format!("pam_authy {VERSION}"), "{file}");
    });
}

#[test]
fn the_workflows_run_what_the_makefile_has() {
    let makefile = text_of("Makefile");
    let files = ["check", "crates", "release"];
    let workflows = files.map(|name| text_of(&format!(".github/workflows/{name}.yml")));
    let workflows = workflows.concat();
    let table = ["check", "deb", "rpm", "dist", "sbom", "packages"];
    check_rows(table, |target| {
        assert!(makefile.contains(&format!("\n{target}:")), "{target}");
    });
    let table = ["make check", "target: deb", "target: rpm", "make dist sbom"];
    check_rows(table, |target| {
        assert!(workflows.contains(target), "{target}");
    });
    check_rows(["check-versions.sh", "check-msrv.sh"], |script| {
        assert!(
            workflows.contains(&format!("run: scripts/{script}\n")),
            "{script}"
        );
        assert!(root().join("scripts").join(script).is_file(), "{script}");
    });
}

#[test]
fn make_packages_says_what_it_skips_and_why() {
    let programs = tempfile::tempdir().unwrap();
    for program in ["bash", "dirname", "env"] {
        let path = stdout_of(Command::new("sh").args(["-c", &format!("command -v {program}")]));
        std::os::unix::fs::symlink(path.trim(), programs.path().join(program)).unwrap();
    }

    let output = Command::new(root().join("packaging/packages.sh"))
        .env("PATH", programs.path())
        .output()
        .unwrap();

    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    let table = [
        "skipped: deb, since there is no dpkg-deb",
        "skipped: rpm, since there is no rpmbuild",
        "skipped: arch, since there is no makepkg",
        "skipped: alpine, since there is no abuild",
        "skipped: nix, since there is no nix-build",
    ];
    check_rows(table, |skipped| {
        assert!(text.contains(skipped), "{skipped} is missing in {text}");
    });
}

/// Runs git in this folder, with an author and a date.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(folder).args(arguments);
    for (variable, value) in [
        ("GIT_AUTHOR_NAME", "author"),
        ("GIT_AUTHOR_EMAIL", "author@example.com"),
        ("GIT_COMMITTER_NAME", "author"),
        ("GIT_COMMITTER_EMAIL", "author@example.com"),
        ("GIT_AUTHOR_DATE", "2026-11-25T12:00:00Z"),
        ("GIT_COMMITTER_DATE", "2026-11-25T12:00:00Z"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ] {
        git.env(variable, value);
    }
    stdout_of(&mut git)
}

/// Returns the archive that `make dist` makes in `checkout`.
fn archive(checkout: &Path) -> Vec<u8> {
    let out = checkout.join("out");
    stdout_of(
        Command::new(checkout.join("scripts/dist.sh"))
            .arg(VERSION)
            .arg(&out)
            .env("GIT_CONFIG_GLOBAL", "/dev/null"),
    );
    fs::read(out.join(format!("pam_authy-{VERSION}.tar.gz"))).unwrap()
}

#[test]
fn two_checkouts_of_a_tag_give_the_same_archive() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first");
    fs::create_dir_all(first.join("scripts")).unwrap();
    for file in ["Cargo.toml", "README.md", "scripts/dist.sh"] {
        fs::copy(root().join(file), first.join(file)).unwrap();
    }
    git(&first, &["init", "-q", "-b", "main"]);
    git(&first, &["add", "-A"]);
    git(&first, &["commit", "-q", "-m", "a release"]);
    git(&first, &["tag", &format!("v{VERSION}")]);
    let second = folder.path().join("second");
    let clone = format!(
        "umask 077; git clone -q {} {}",
        first.display(),
        second.display()
    );
    stdout_of(Command::new("sh").args(["-c", &clone]));
    // Stray files of a checkout and commits after the tag are not part of the archive.
    fs::write(second.join("stray"), "x").unwrap();
    git(&second, &["commit", "-q", "--allow-empty", "-m", "later"]);

    let (one, other) = (archive(&first), archive(&second));

    assert!(one == other, "the archives differ");
    fs::write(second.join("Cargo.toml"), "version = \"9.9.9\"\n").unwrap();
    git(&second, &["commit", "-q", "-a", "-m", "another version"]);
    let mut wrong = Command::new(second.join("scripts/dist.sh"));
    let output = wrong
        .arg(VERSION)
        .arg(second.join("out"))
        .arg("HEAD")
        .output()
        .unwrap();
    assert!(
        !output.status.success(),
        "a commit of another version is no release"
    );
}

#[test]
fn the_list_of_crates_names_what_is_linked_with_licence_and_hash() {
    let folder = tempfile::tempdir().unwrap();
    let mut sbom = Command::new(root().join("scripts/sbom.py"));
    stdout_of(sbom.arg(folder.path()).env("CARGO_NET_OFFLINE", "true"));
    let names = |program: &str| {
        let text = fs::read_to_string(folder.path().join(format!("{program}.cdx.json"))).unwrap();
        let sbom: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(sbom["specVersion"], "1.5");
        let components = sbom["components"].as_array().unwrap().clone();
        check_rows(&components, |component| {
            assert!(
                component["licenses"][0]["expression"].is_string(),
                "{component}"
            );
            assert!(component["hashes"][0]["content"].is_string(), "{component}");
        });
        components
            .iter()
            .map(|component| component["name"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };

    let (module, engine, program) = (
        names("pam_authy.so"),
        names("pam_authyd"),
        names("authyctl"),
    );

    assert!(module.contains("pam-bindings"), "{module:?}");
    check_rows(["rustls", "ring", "ureq", "toml", "serde"], |linked| {
        assert!(engine.contains(linked), "{linked} is missing in {engine:?}");
        assert!(!module.contains(linked), "{linked} is not in the module");
    });
    let table = ["clap", "tokio", "toml_edit", "proptest", "windows-sys"];
    check_rows(table, |other| {
        assert!(!engine.contains(other), "{other} is not in the engine");
    });
    assert!(program.contains("clap"), "{program:?}");
    // PAM's C interface is the module's alone.
    let only_module: Vec<_> = module.difference(&program).collect();
    assert_eq!(only_module, ["pam-bindings"]);
}
