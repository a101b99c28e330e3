//! What a release has in addition to its sources: checksums of everything, and lists of crates that the
//! library of CycloneDX's makers accepts. docs/packagers.md says how to verify both, and is typed here.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::release::git;
use super::{root, stdout_of, text_of};
use crate::common::rows::check_rows;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The folder where scripts/peers.sh installs the library.
const CYCLONEDX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/cyclonedx");

/// Makes the commit of a release in `folder`, with what `make dist sbom` reads, and its tag.
fn make_repository(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let mut copy = Command::new("cp");
    copy.current_dir(root()).arg("-r");
    let all = ["Cargo.toml", "Cargo.lock", "Makefile", "scripts", "src"];
    stdout_of(copy.args(all).arg(folder));
    git(folder, &["init", "-q", "-b", "main"]);
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "a release"]);
    git(folder, &["tag", &format!("v{VERSION}")]);
}

/// The commands of docs/packagers.md, in the folder where each block is to be typed.
fn typed(block: usize, folder: &Path) -> (bool, String) {
    let page = text_of("docs/packagers.md");
    let section = page.split("\n## A release\n").nth(1).unwrap();
    let block = section.split("\n```sh\n").nth(block).unwrap();
    let (commands, _) = block.split_once("\n```").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-ec", commands]).current_dir(folder);
    shell.env("CARGO_NET_OFFLINE", "true");
    shell.env_remove("CARGO_TARGET_DIR").env_remove("MAKEFLAGS");
    let output = shell.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

#[test]
fn a_release_is_verified_as_the_page_says_and_a_changed_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let [first, release, checkout] =
        ["first", "release", "checkout"].map(|n| folder.path().join(n));
    make_repository(&first);
    let mut make = Command::new("make");
    make.current_dir(&first).args(["dist", "sbom"]);
    make.env("CARGO_NET_OFFLINE", "true");
    stdout_of(make.env_remove("CARGO_TARGET_DIR").env_remove("MAKEFLAGS"));
    fs::rename(first.join("target/dist"), &release).unwrap();
    let clone = ["clone", "-q", "first", "checkout"];
    git(folder.path(), &clone);

    let (sums, made_again) = (typed(1, &release), typed(2, &checkout));

    assert!(sums.0, "{}", sums.1);
    assert!(made_again.0, "{}", made_again.1);
    let mut names: Vec<_> = fs::read_dir(&release)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    names.retain(|file| file.file_name() != "SHA256SUMS");
    assert_eq!(names.len(), 5, "{names:?}");
    check_rows(&names, |file| {
        let name = file.file_name().into_string().unwrap();
        assert!(sums.1.contains(&format!("{name}: OK\n")), "{}", sums.1);
        let right = fs::read(file.path()).unwrap();
        fs::write(file.path(), [&right[..], b"\n"].concat()).unwrap();
        let found = [typed(1, &release).0, typed(2, &checkout).0];
        fs::write(file.path(), right).unwrap();
        assert_eq!(found, [false; 2], "{name} was changed");
    });
}

#[test]
#[ignore = "needs the Python package cyclonedx-python-lib in target/peers (scripts/peers.sh)"]
fn the_lists_of_crates_are_valid_cyclonedx() {
    let folder = tempfile::tempdir().unwrap();
    let mut sbom = Command::new(root().join("scripts/sbom.py"));
    stdout_of(sbom.arg(folder.path()).env("CARGO_NET_OFFLINE", "true"));
    // One process for all, since it takes seconds to start.
    let script = "import sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        validator = JsonStrictValidator(SchemaVersion.V1_5)\n\
        for name in sys.argv[1:]:\n    \
            error = validator.validate_str(open(name).read())\n    \
            print(name, repr(error)[:300])\n";
    let path = |name: &str| folder.path().join(format!("{name}.cdx.json"));
    let programs = ["pam_authy.so", "pam_authyd", "authyctl", "authy-sim"];
    let wrong = fs::read_to_string(path("pam_authyd")).unwrap();
    fs::write(path("wrong"), wrong.replace("\"SHA-256\"", "\"SHA-255\"")).unwrap();
    let mut python = Command::new("python3");
    python.args(["-c", script]).args(programs.map(path));
    python.arg(path("wrong")).env("PYTHONPATH", CYCLONEDX);

    let said = stdout_of(python.env("PYTHONDONTWRITEBYTECODE", "1"));

    check_rows(programs, |program| {
        assert!(
            said.contains(&format!("/{program}.cdx.json None\n")),
            "{said}"
        );
    });
    assert!(said.contains("'SHA-255' is not one of"), "{said}");
}
