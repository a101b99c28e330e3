//! Packages: the files of `make install`, the symbols and libraries of the product, the demo.
//!
//! `crates` checks what the programs are built from, `docs`, `guides` and `examples` the
//! documentation, `deb` and `rpm` the packages from installation to removal, `enable` how a stack
//! gets the module, `release` the sources of a release. All use programs that are built: the
//! product that PAM_AUTHY_SO names, and cargo's builds of authyctl and authy-sim.

mod crates;
mod deb;
mod docs;
mod enable;
mod examples;
mod guides;
mod machine;
mod newcomer;
mod release;
mod rpm;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common::rows::check_rows;

const AUTHYCTL: &str = env!("CARGO_BIN_EXE_authyctl");
const AUTHY_SIM: &str = env!("CARGO_BIN_EXE_authy-sim");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn product() -> PathBuf {
    std::env::var_os("PAM_AUTHY_SO")
        .map(PathBuf::from)
        .expect("PAM_AUTHY_SO names the product: see CONTRIBUTING.md")
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn stdout_of(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs `make` as a packager does: into `destdir`, with the programs that are built, and under a
/// narrow umask that must not affect the result.
fn make(target: &str, destdir: &Path) {
    let mut make = Command::new("sh");
    make.args([
        "-c",
        "umask 077; exec make \"$@\"",
        "sh",
        "--no-print-directory",
        target,
    ])
    .arg(format!("DESTDIR={}", destdir.display()))
    .arg(format!("PRODUCT={}", product().display()))
    .arg(format!("AUTHYCTL={AUTHYCTL}"))
    .arg(format!("AUTHY_SIM={AUTHY_SIM}"))
    .arg("PAMDIR=/lib/target/security")
    .arg("CARGO=false")
    .current_dir(root());
    // This test may run under `make check`, whose variables are not meant for this make.
    for variable in [
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "MAKEOVERRIDES",
        "PREFIX",
    ] {
        make.env_remove(variable);
    }
    stdout_of(&mut make);
}

/// Returns `mode path` of every file below `folder`, and of every folder that is not 0755.
fn listing(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a folder").map(Result::unwrap) {
            let mode = entry.metadata().expect("metadata").permissions().mode() & 0o7777;
            let path = entry.path();
            if path.is_dir() {
                open.push(path.clone());
            }
            if !path.is_dir() || mode != 0o755 {
                let below = path.strip_prefix(folder).expect("below").display();
                found.insert(format!("{mode:04o} /{below}"));
            }
        }
    }
    found
}

const INSTALLED: [&str; 11] = [
    "0644 /lib/target/security/pam_authy.so",
    "0644 /usr/share/bash-completion/completions/authyctl",
    "0644 /usr/share/doc/pam_authy/README.md",
    "0644 /usr/share/doc/pam_authy/config.toml",
    "0644 /usr/share/doc/pam_authy/users.toml",
    "0644 /usr/share/fish/vendor_completions.d/authyctl.fish",
    "0644 /usr/share/man/man5/pam_authy.toml.5",
    "0644 /usr/share/man/man8/authyctl.8",
    "0644 /usr/share/man/man8/pam_authy.8",
    "0644 /usr/share/zsh/site-functions/_authyctl",
    "0755 /usr/sbin/authyctl",
];

#[test]
fn install_puts_exactly_the_files_with_their_modes() {
    let destdir = tempfile::tempdir().unwrap();

    make("install", destdir.path());

    assert_eq!(listing(destdir.path()), INSTALLED.map(str::to_owned).into());
}

#[test]
fn install_sim_adds_the_simulator_and_its_page() {
    let destdir = tempfile::tempdir().unwrap();

    make("install-sim", destdir.path());

    let expected = [
        "0644 /usr/share/man/man1/authy-sim.1",
        "0755 /usr/bin/authy-sim",
    ];
    assert_eq!(listing(destdir.path()), expected.map(str::to_owned).into());
}

#[test]
fn uninstall_leaves_no_file() {
    let destdir = tempfile::tempdir().unwrap();
    make("install", destdir.path());
    make("install-sim", destdir.path());

    make("uninstall", destdir.path());

    assert_eq!(listing(destdir.path()), BTreeSet::new());
}

#[test]
fn the_module_goes_where_pam_unix_is() {
    let found =
        stdout_of(Command::new(root().join("scripts/pamdir.sh")).env_remove("DEB_HOST_MULTIARCH"));

    assert!(
        Path::new(found.trim()).join("pam_unix.so").exists(),
        "{found:?}"
    );
}

#[test]
fn the_module_goes_where_the_target_system_has_pam_unix() {
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("usr/lib64/security");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("pam_unix.so"), "").unwrap();

    let found = stdout_of(Command::new(root().join("scripts/pamdir.sh")).arg(target.path()));

    assert_eq!(found.trim(), "/usr/lib64/security");
}

#[test]
fn the_product_exports_the_functions_of_a_pam_module_only() {
    let table = stdout_of(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(product()),
    );

    let names: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert!(
        names.contains(&"pam_sm_authenticate") && names.contains(&"pam_sm_setcred"),
        "{table}"
    );
    assert!(
        names.iter().all(|name| name.starts_with("pam_sm_")),
        "{table}"
    );
}

/// Returns the names of the libraries that `ldd` lists for `file`, and the path of libpam if it is
/// one of them.
fn libraries(file: &Path) -> (BTreeSet<String>, Option<PathBuf>) {
    let table = stdout_of(Command::new("ldd").arg(file));
    let libpam = table
        .lines()
        .find(|line| line.trim().starts_with("libpam.so.0 "))
        .and_then(|line| line.split_whitespace().nth(2))
        .map(PathBuf::from);
    let names = table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter_map(|first| Path::new(first).file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    (names, libpam)
}

#[test]
fn the_product_links_to_libc_libm_libgcc_and_libpam_only() {
    let (of_product, libpam) = libraries(&product());
    let (mut allowed, _) = libraries(&libpam.expect("libpam"));
    allowed.extend(["libm.so.6", "libgcc_s.so.1", "libpam.so.0"].map(str::to_owned));

    let others: Vec<_> = of_product.difference(&allowed).collect();

    assert!(others.is_empty(), "{others:?}");
}

/// The resolver thread of an unanswered request may outlive the login by seconds, and must keep its
/// code.
#[test]
fn the_product_is_never_unmapped() {
    let table = stdout_of(Command::new("readelf").args(["-W", "-d"]).arg(product()));

    assert!(table.contains("NODELETE"), "{table}");
}

/// Runs the demo without a terminal, with its temporary files in `folder`.
fn demo(folder: &Path, faults: Option<&str>) -> (Output, String) {
    let mut demo = Command::new(root().join("scripts/demo.sh"));
    demo.arg(product())
        .args([AUTHYCTL, AUTHY_SIM])
        .env("TMPDIR", folder)
        .env_remove("DEMO_FAULTS")
        .stdin(Stdio::null());
    if let Some(faults) = faults {
        demo.env("DEMO_FAULTS", faults);
    }
    let output = demo.output().expect("the demo starts");
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output, String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_demo_shows_each_step_of_a_login_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();

    let (output, text) = demo(folder.path(), None);

    assert_eq!(output.status.code(), Some(0), "{text}");
    let stack_line = format!("auth required {}", product().display());
    let table = [
        &stack_line,
        "Authy token",
        "verdict=accepted",
        "PAM_SUCCESS",
    ];
    check_rows(table, |shown| {
        assert!(text.contains(shown), "{shown} is missing in:\n{text}");
    });
    assert_eq!(listing(folder.path()), BTreeSet::new());
}

#[test]
fn the_demo_exits_1_when_authy_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = r#"{"match":{"path":"/verify"},"status":401,
        "body":"{\"success\":false,\"message\":\"Token is invalid\",\"error_code\":\"60020\"}"}"#;

    let (output, text) = demo(folder.path(), Some(refusal));

    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("PAM_MAXTRIES") && text.contains("verdict=refused"),
        "{text}"
    );
    assert_eq!(listing(folder.path()), BTreeSet::new());
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
