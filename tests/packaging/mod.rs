//! Packages: the files of `make install`, the symbols and libraries of the product.
//!
//! `cargo` checks what a build says without it, `crates` what the programs are built from, `docs`,
//! `guides`, `readers`, `pictures`, `examples` and `ansible` the documentation, `deb` and `rpm` the
//! packages from installation to removal, `inits` what starts and confines the service, `demo`
//! scripts/demo.sh, `enable` and `stacks_of_sshd` how a stack gets the module, `release` and `sums`
//! what a release has, `other_hosts` (`make check-hosts`) the packages on other releases of Debian.
//! All use programs that were built before: the product that PAM_AUTHY_SO and PAM_AUTHYD name, and
//! cargo's builds of authyctl and authy-sim.

mod ansible;
mod api_page;
mod bare;
mod cargo;
mod crates;
mod deb;
mod demo;
pub(crate) mod docs;
mod enable;
mod examples;
mod from_google;
pub(crate) mod guides;
mod inits;
mod machine;
mod newcomer;
mod other_hosts;
mod pictures;
mod readers;
mod rehearsal;
mod release;
mod rpm;
mod security_keys;
mod stacks_of_sshd;
mod sums;
mod upgrade;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::{engine, product};

const AUTHYCTL: &str = env!("CARGO_BIN_EXE_authyctl");
const AUTHY_SIM: &str = env!("CARGO_BIN_EXE_authy-sim");

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn text_of(path: &str) -> String {
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
    make_with(target, destdir, &[]);
}

/// The same, with variables of make.
fn make_with(target: &str, destdir: &Path, variables: &[&str]) {
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
    .arg(format!("ENGINE={}", engine().display()))
    .arg(format!("AUTHYCTL={AUTHYCTL}"))
    .arg(format!("AUTHY_SIM={AUTHY_SIM}"))
    .arg("PAMDIR=/lib/target/security")
    .arg("CARGO=false")
    .args(variables)
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

const INSTALLED: [&str; 17] = [
    "0644 /lib/target/security/pam_authy.so",
    "0644 /usr/lib/systemd/system/pam_authy-sync.service",
    "0644 /usr/lib/systemd/system/pam_authy-sync.timer",
    "0644 /usr/lib/systemd/system/pam_authy-user.socket",
    "0644 /usr/lib/systemd/system/pam_authy.service",
    "0644 /usr/lib/systemd/system/pam_authy.socket",
    "0644 /usr/share/bash-completion/completions/authyctl",
    "0644 /usr/share/doc/pam_authy/README.md",
    "0644 /usr/share/doc/pam_authy/config.toml",
    "0644 /usr/share/doc/pam_authy/users.toml",
    "0644 /usr/share/fish/vendor_completions.d/authyctl.fish",
    "0644 /usr/share/man/man5/pam_authy.toml.5",
    "0644 /usr/share/man/man8/authyctl.8",
    "0644 /usr/share/man/man8/pam_authy.8",
    "0644 /usr/share/zsh/site-functions/_authyctl",
    "0755 /usr/libexec/pam_authy/pam_authyd",
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
    assert!(!destdir.path().join("usr/libexec/pam_authy").exists());
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

/// Returns the names of the libraries that `file` itself asks for, without the dynamic loader.
fn libraries(file: &Path) -> BTreeSet<String> {
    let table = stdout_of(Command::new("readelf").args(["-W", "-d"]).arg(file));
    let needed = table.lines().filter(|line| line.contains("(NEEDED)"));
    let names = needed.filter_map(|line| line.split_once('[')?.1.split_once(']'));
    names
        .map(|(name, _)| name.to_owned())
        .filter(|name| !name.starts_with("ld-linux"))
        .collect()
}

#[test]
fn module_and_engine_link_to_libc_and_libgcc_and_the_module_to_libpam() {
    let table = [
        (
            product(),
            &["libc.so.6", "libgcc_s.so.1", "libpam.so.0"][..],
        ),
        (engine(), &["libc.so.6", "libgcc_s.so.1"]),
    ];

    check_rows(table, |(file, expected)| {
        let expected = expected.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(libraries(&file), expected, "{}", file.display());
    });
}

/// Every process that asks PAM maps the module: its size is memory of each of them.
#[test]
fn the_module_is_small() {
    let size = fs::metadata(product()).unwrap().len();
    eprintln!("the module has {size} bytes");
    assert!(size < 350_000, "{size}");
}

/// No thread of the module outlives a call, so libpam may unload it.
#[test]
fn the_product_is_unmapped_at_the_end_of_a_login() {
    let host = Host::new();
    let token = host.sim.token(1635);
    let is_mapped = || {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        maps.contains(host.module().to_str().unwrap())
    };
    host.transaction(|pam| {
        assert_eq!(pam.authenticate().name(), "PAM_CONV_ERR");
        assert!(is_mapped());
    });

    assert_eq!(host.login("alice", &[&token]).code, "PAM_SUCCESS");

    assert!(!is_mapped());
}
