//! The Debian packages: their contents, and their life cycle on a machine in the sandbox.
//!
//! They are built from the product and cargo's builds of authyctl and authy-sim, stripped as in a
//! release.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::machine::{Machine, PASSWORD, is_inside, stacks};
use super::{AUTHY_SIM, AUTHYCTL, root, stdout_of, text_of};
use crate::common::rows::check_rows;
use crate::common::sandbox::{self, sandboxed};
use crate::common::{engine, product};

pub(super) const PACKAGES: [&str; 3] = ["authyctl", "libpam-authy", "authy-sim"];

/// The folder with the packages of one version.
pub(super) struct Packages(PathBuf);

impl Packages {
    /// Builds the packages once in each run; inside the sandbox it returns what was built outside.
    pub(super) fn of(version: &str) -> Self {
        static BUILT: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let packages = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deb-{version}")));
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if !sandbox::is_inside() && !built.iter().any(|known| known == version) {
            let _ = fs::remove_dir_all(&packages.0);
            fs::create_dir_all(&packages.0).unwrap();
            packages.build(version);
            built.push(version.to_owned());
        }
        packages
    }

    fn build(&self, version: &str) {
        let folder = tempfile::tempdir().unwrap();
        let mut build = Command::new(root().join("packaging/deb/build.sh"));
        for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DEB_ARCH"] {
            build.env_remove(variable);
        }
        for (variable, path) in [("AUTHYCTL", AUTHYCTL), ("AUTHY_SIM", AUTHY_SIM)] {
            let stripped = folder.path().join(variable);
            stdout_of(Command::new("strip").arg("-o").arg(&stripped).arg(path));
            build.env(variable, stripped);
        }
        build.arg(version).arg(&self.0);
        build.env("PRODUCT", product()).env("ENGINE", engine());
        // The compression of a release would take most of the time of this test, and prove nothing.
        build.env("DEB_COMPRESSION", "gzip");
        stdout_of(&mut build);
    }

    pub(super) fn path(&self, package: &str) -> PathBuf {
        let mut entries = fs::read_dir(&self.0).unwrap().map(Result::unwrap);
        let prefix = format!("{package}_");
        let found = entries.find(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        found.expect(package).path()
    }

    /// Returns `mode owner path` of every file, and of every folder that is not root's with 0755.
    fn contents(&self, package: &str) -> BTreeSet<String> {
        let list = stdout_of(Command::new("dpkg-deb").arg("-c").arg(self.path(package)));
        let words = list.lines().map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            (words[0], words[1], words[5])
        });
        words
            .filter(|(mode, owner, _)| (*mode, *owner) != ("drwxr-xr-x", "root/root"))
            .map(|(mode, owner, path)| format!("{mode} {owner} {path}"))
            .collect()
    }

    fn field(&self, package: &str, field: &str) -> String {
        let mut info = Command::new("dpkg-deb");
        stdout_of(info.arg("-f").arg(self.path(package)).arg(field))
            .trim()
            .to_owned()
    }

    pub(super) fn install(&self) {
        dpkg("-i", &PACKAGES.map(|package| self.path(package)));
    }
}

fn run_dpkg(action: &str, what: &[PathBuf]) -> Output {
    Command::new("dpkg")
        .arg(action)
        .args(what)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .unwrap()
}

#[track_caller]
fn dpkg(action: &str, what: &[PathBuf]) {
    let output = run_dpkg(action, what);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{action} {what:?}: {text}");
}

fn pam_auth_update(flag: &str) {
    stdout_of(
        Command::new("pam-auth-update")
            .args([flag, "authy"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
}

/// Returns all paths of the system that a package could leave behind.
fn paths() -> BTreeSet<String> {
    let mut find = Command::new("find");
    find.args(["/etc", "/usr", "/lib", "/lib64", "/var", "/run", "-xdev"]);
    for kept_by_dpkg in [
        "/var/lib/dpkg",
        "/var/log",
        "/var/cache",
        "/var/lib/pam",
        "/run/sshd.pid",
        "/run/motd.dynamic",
    ] {
        find.args(["-not", "-path", &format!("{kept_by_dpkg}*")]);
    }
    stdout_of(&mut find).lines().map(str::to_owned).collect()
}

#[test]
fn the_debian_packages_hold_exactly_these_files_with_their_modes() {
    let packages = Packages::of("0.1.0-1");
    let multiarch = stdout_of(Command::new("dpkg-architecture").args(["-q", "DEB_HOST_MULTIARCH"]));
    let multiarch = multiarch.trim();

    let files = packages.contents("libpam-authy");
    let table = [
        format!("-rw-r--r-- root/root ./usr/lib/{multiarch}/security/pam_authy.so"),
        "-rw-r--r-- root/root ./usr/lib/systemd/system/pam_authy.socket".into(),
        "-rw-r--r-- root/root ./usr/lib/systemd/system/pam_authy-sync.timer".into(),
        "-rw-r--r-- root/root ./usr/lib/systemd/system/pam_authy-user.socket".into(),
        "-rw-r--r-- root/root ./usr/lib/systemd/system/pam_authy.service".into(),
        "-rwxr-xr-x root/root ./usr/libexec/pam_authy/pam_authyd".into(),
        "-rw-r--r-- root/root ./usr/share/pam-configs/authy".into(),
        "-rw-r--r-- root/root ./usr/share/man/man5/pam_authy.toml.5.gz".into(),
        "-rw-r--r-- root/root ./usr/share/man/man8/pam_authy.8.gz".into(),
        "-rw-r--r-- root/root ./usr/share/doc/libpam-authy/README.md".into(),
        "-rw-r--r-- root/root ./usr/share/doc/libpam-authy/copyright".into(),
        "-rw-r--r-- root/root ./usr/share/doc/libpam-authy/changelog.gz".into(),
        "-rw-r--r-- root/root ./usr/share/doc/libpam-authy/changelog.Debian.gz".into(),
        "-rw-r--r-- root/root ./usr/share/doc/libpam-authy/examples/config.toml".into(),
        "-rw-r--r-- root/root ./usr/share/doc/libpam-authy/examples/users.toml".into(),
    ];
    check_rows(table, |file| {
        assert!(files.contains(&file), "{file} is missing in {files:#?}");
    });
    let usual = ["./usr/share/", "./usr/lib/", "./usr/libexec/pam_authy/"];
    let elsewhere: Vec<_> = files
        .iter()
        .filter(|file| !usual.iter().any(|folder| file.contains(folder)))
        .collect();
    assert!(
        elsewhere.is_empty(),
        "nothing in /etc or /var: {elsewhere:?}"
    );
    let expected = [
        "-rw-r--r-- root/root ./usr/share/bash-completion/completions/authyctl",
        "-rw-r--r-- root/root ./usr/share/doc/authyctl/changelog.Debian.gz",
        "-rw-r--r-- root/root ./usr/share/doc/authyctl/changelog.gz",
        "-rw-r--r-- root/root ./usr/share/doc/authyctl/copyright",
        "-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/authyctl.fish",
        "-rw-r--r-- root/root ./usr/share/lintian/overrides/authyctl",
        "-rw-r--r-- root/root ./usr/share/man/man8/authyctl.8.gz",
        "-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_authyctl",
        "-rwxr-xr-x root/root ./usr/sbin/authyctl",
    ];
    assert_eq!(
        packages.contents("authyctl"),
        expected.map(str::to_owned).into()
    );
    let simulator = packages.contents("authy-sim");
    let table = [
        "-rwxr-xr-x root/root ./usr/bin/authy-sim",
        "-rw-r--r-- root/root ./usr/share/man/man1/authy-sim.1.gz",
    ];
    check_rows(table, |file| {
        assert!(
            simulator.contains(file),
            "{file} is missing in {simulator:#?}"
        );
    });
    assert_eq!(simulator.len(), 6, "{simulator:#?}");
}

#[test]
fn the_debian_packages_depend_on_what_their_programs_link_to() {
    let packages = Packages::of("0.1.0-1");

    let module = packages.field("libpam-authy", "Depends");
    let table = [
        "libc6 (>= ",
        "libpam0g",
        "libpam-runtime",
        "authyctl (= 0.1.0-1)",
        "ca-certificates",
    ];
    check_rows(table, |needed| {
        assert!(module.contains(needed), "{needed} is missing in {module}");
    });
    assert!(packages.field("authyctl", "Depends").contains("libpam0g"));
    assert!(!packages.field("authy-sim", "Depends").contains("libpam"));
    // Packages of two architectures cannot both have the engine's file.
    assert_ne!(packages.field("libpam-authy", "Multi-Arch"), "same");
    let profile = text_of("packaging/deb/pam-config");
    assert!(profile.contains("Default: no\n") && profile.contains("\trequired\tpam_authy.so\n"));
}

#[test]
fn two_builds_of_the_debian_packages_are_the_same_bytes() {
    let one = Packages::of("0.1.0-1");
    let folder = tempfile::tempdir().unwrap();
    let other = Packages(folder.path().to_owned());

    other.build("0.1.0-1");

    check_rows(PACKAGES, |package| {
        assert!(
            fs::read(one.path(package)).unwrap() == fs::read(other.path(package)).unwrap(),
            "{package}"
        );
    });
}

#[test]
fn lintian_finds_no_error_and_no_warning() {
    let packages = Packages::of("0.1.0-1");

    let output = Command::new("lintian")
        .args(["--fail-on", "error,warning", "--tag-display-limit", "0"])
        .args(PACKAGES.map(|package| packages.path(package)))
        .output()
        .expect("lintian: see scripts/prerequisites.sh");

    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
}

#[test]
#[ignore = "needs root"]
fn the_debian_packages_install_protect_upgrade_and_go_without_a_trace() {
    let old = Packages::of("0.0.9-1");
    let new = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    let (before, paths_before) = (stacks(), paths());

    old.install();
    assert_eq!(stacks(), before, "installing changes no login");
    assert_eq!(mode("/etc/pam_authy"), 0o755);
    assert_eq!(mode("/var/lib/pam_authy"), 0o700);
    assert_eq!(fs::read_dir("/etc/pam_authy").unwrap().count(), 0);
    machine.set_up("[login]\nrefusal_seconds = 0\nattempts = 1\n");

    pam_auth_update("--enable");
    ask_for_codes_over_ssh();
    machine.wait_for_sshd();
    assert_protected(&machine);

    fs::write("/var/lib/pam_authy/counters", "kept").unwrap();
    let config = fs::read("/etc/pam_authy/config.toml").unwrap();
    new.install();
    assert_eq!(fs::read("/var/lib/pam_authy/counters").unwrap(), b"kept");
    assert_eq!(fs::read("/etc/pam_authy/config.toml").unwrap(), config);
    assert_protected(&machine);

    pam_auth_update("--disable");
    fs::remove_file("/etc/ssh/sshd_config.d/pat.conf").unwrap();
    assert_eq!(stacks(), before, "disabling gives back every byte");
    assert!(machine.sudo(&[PASSWORD]));

    dpkg("--remove", &["authy-sim".into(), "libpam-authy".into()]);
    assert_eq!(
        mode("/var/lib/pam_authy"),
        0o700,
        "removing keeps the state"
    );
    new.install();
    dpkg("--purge", &PACKAGES.map(PathBuf::from));
    assert_eq!(stacks(), before);
    let left: Vec<_> = paths().difference(&paths_before).cloned().collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!fs::exists("/etc/pam_authy").unwrap());
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Writes the settings of sshd that an administrator writes by hand, since no PAM profile contains
/// them.
fn ask_for_codes_over_ssh() {
    let settings = "PasswordAuthentication no\nKbdInteractiveAuthentication yes\nAuthenticationMethods keyboard-interactive\n";
    fs::write("/etc/ssh/sshd_config.d/pat.conf", settings).unwrap();
    let pid = fs::read_to_string("/run/sshd.pid").unwrap();
    stdout_of(Command::new("kill").args(["-HUP", pid.trim()]));
}

#[track_caller]
fn assert_protected(machine: &Machine) {
    let output = machine.ssh(&[&machine.token()]);
    assert!(is_inside(&output), "{output:?}");
    assert!(!is_inside(&machine.ssh(&["1111111"])));
    assert!(machine.sudo(&[PASSWORD, &machine.token()]));
    assert!(!machine.sudo(&[PASSWORD, "1111111"]));
}

#[test]
#[ignore = "needs root"]
fn removing_the_module_takes_it_out_of_the_stacks_first() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    let before = stacks();
    packages.install();
    machine.set_up("");
    for service in ["sshd", "sudo"] {
        stdout_of(Command::new("authyctl").args(["pam", "enable", service, "--now"]));
    }
    machine.wait_for_sshd();
    assert_protected(&machine);

    dpkg("--remove", &["libpam-authy".into()]);

    assert_eq!(stacks(), before);
    machine.wait_for_sshd();
    assert!(is_inside(&machine.ssh(&[])));
    assert!(machine.sudo(&[PASSWORD]));
    packages.install();
    pam_auth_update("--enable");
    dpkg("--remove", &["libpam-authy".into()]);
    assert_eq!(stacks(), before);
}

#[test]
#[ignore = "needs root"]
fn removing_the_module_is_refused_while_a_stack_made_by_hand_names_it() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    packages.install();
    machine.set_up("");
    let by_hand = "auth requisite pam_unix.so\nauth required pam_authy.so\nauth required pam_permit.so\n@include common-account\n";
    stdout_of(Command::new("authyctl").args(["pam", "enable", "sshd", "--now"]));
    let before = fs::read("/etc/pam.d/sudo").unwrap();
    fs::write("/etc/pam.d/sudo", by_hand).unwrap();
    let all = stacks();

    let output = run_dpkg("--remove", &["libpam-authy".into()]);

    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && text.contains("/etc/pam.d/sudo"),
        "{text}"
    );
    assert!(
        machine.sudo(&[PASSWORD, &machine.token()]),
        "no user is locked out"
    );
    assert_eq!(stacks(), all, "what is protected stays protected");
    fs::write("/etc/pam.d/sudo", before).unwrap();
    dpkg("--remove", &["libpam-authy".into()]);
}

/// As after a reboot: the time has passed, and no authyctl was run.
#[test]
#[ignore = "needs root"]
fn installing_the_package_rolls_back_an_overdue_change() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    let before = stacks();
    packages.install();
    machine.set_up("");
    stdout_of(Command::new("authyctl").args(["pam", "enable", "sshd", "--rollback-after", "3600"]));
    assert_ne!(stacks(), before);
    fs::write("/var/lib/pam_authy/pam/sshd.pending", "1\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));

    dpkg("-i", &[packages.path("libpam-authy")]);

    assert_eq!(stacks(), before);
    assert!(!Path::new("/var/lib/pam_authy/pam/sshd.pending").exists());
}

#[test]
#[ignore = "needs root"]
fn pam_enable_all_drives_pam_auth_update_and_refuses_a_screen_locker() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let machine = Machine::new();
    packages.install();
    machine.set_up("");
    let enable_all = || {
        Command::new("authyctl")
            .args(["pam", "enable", "all", "--now"])
            .output()
            .unwrap()
    };
    ask_for_codes_over_ssh();
    fs::write("/etc/pam.d/i3lock", "auth include common-auth\n").unwrap();
    let before = stacks();

    let refused = enable_all();
    let text = String::from_utf8_lossy(&refused.stdout);
    assert!(
        !refused.status.success() && text.contains("i3lock calls PAM without root's rights"),
        "{text}"
    );
    assert_eq!(stacks(), before);

    fs::remove_file("/etc/pam.d/i3lock").unwrap();
    let before = stacks();
    let enabled = enable_all();
    assert!(enabled.status.success(), "{enabled:?}");
    assert_protected(&machine);
    stdout_of(Command::new("authyctl").args(["pam", "disable", "all"]));
    assert_eq!(stacks(), before);
}
