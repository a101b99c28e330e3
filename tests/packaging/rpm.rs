//! The RPM packages: their contents, installing and erasing them in a separate root folder and on
//! the machine of the sandbox, and the stacks of the authselect profile.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{AUTHY_SIM, AUTHYCTL, root, stdout_of};
use crate::common::rows::check_rows;
use crate::common::sandbox::{self, sandboxed};
use crate::common::sim::Sim;
use crate::common::{engine, product};

const PACKAGES: [&str; 3] = ["authyctl", "pam_authy", "authy-sim"];

/// Returns the folder with the packages. Builds them once in each run; inside the sandbox it
/// returns what was built outside.
fn packages() -> PathBuf {
    static BUILT: Mutex<bool> = Mutex::new(false);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rpm");
    let mut is_built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !sandbox::is_inside() && !*is_built {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        build(&folder);
        *is_built = true;
    }
    folder
}

fn build(out: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let mut build = Command::new(root().join("packaging/rpm/build.sh"));
    for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "RPM_LIBDIR"] {
        build.env_remove(variable);
    }
    for (variable, path) in [("AUTHYCTL", AUTHYCTL), ("AUTHY_SIM", AUTHY_SIM)] {
        let stripped = folder.path().join(variable);
        stdout_of(Command::new("strip").arg("-o").arg(&stripped).arg(path));
        build.env(variable, stripped);
    }
    build
        .env("PRODUCT", product())
        .env("ENGINE", engine())
        .args(["0.1.0", "1"])
        .arg(out);
    stdout_of(&mut build);
}

fn path(package: &str) -> PathBuf {
    let mut entries = fs::read_dir(packages()).unwrap().map(Result::unwrap);
    let prefix = format!("{package}-0.1.0-1.");
    let found = entries.find(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
    found.expect(package).path()
}

fn query(package: &str, what: &[&str]) -> String {
    stdout_of(Command::new("rpm").arg("-qp").args(what).arg(path(package)))
}

fn contents(package: &str) -> BTreeSet<String> {
    let format = "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]";
    query(package, &["--qf", format])
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_rpm_packages_hold_their_files_with_their_modes() {
    let module = contents("pam_authy");
    let table = [
        "-rw-r--r-- root/root /usr/lib64/security/pam_authy.so",
        "drwxr-xr-x root/root /usr/libexec/pam_authy",
        "-rwxr-xr-x root/root /usr/libexec/pam_authy/pam_authyd",
        "-rw-r--r-- root/root /usr/lib/systemd/system/pam_authy.socket",
        "-rw-r--r-- root/root /usr/lib/systemd/system/pam_authy-sync.service",
        "-rw-r--r-- root/root /usr/lib/systemd/system/pam_authy-sync.timer",
        "-rw-r--r-- root/root /usr/lib/systemd/system/pam_authy-user.socket",
        "-rw-r--r-- root/root /usr/lib/systemd/system/pam_authy.service",
        "drwxr-xr-x root/root /etc/pam_authy",
        "drwx------ root/root /var/lib/pam_authy",
        "-rw-r--r-- root/root /usr/share/authselect/vendor/authy/system-auth",
        "-rw-r--r-- root/root /usr/share/doc/pam_authy/examples/config.toml",
    ];
    check_rows(table, |file| {
        assert!(module.contains(file), "{file} is missing in {module:#?}");
    });
    let usual = [
        " /usr/share/",
        " /usr/lib/systemd/",
        "/security/",
        " /usr/libexec/pam_authy",
    ];
    let elsewhere: Vec<_> = module
        .iter()
        .filter(|file| !usual.iter().any(|folder| file.contains(folder)))
        .collect();
    assert_eq!(elsewhere.len(), 2, "{elsewhere:?}");
    let program: Vec<_> = contents("authyctl")
        .into_iter()
        .filter(|file| !file.contains(" /usr/share/"))
        .collect();
    assert_eq!(program, ["-rwxr-xr-x root/root /usr/sbin/authyctl"]);
    assert!(contents("authy-sim").contains("-rwxr-xr-x root/root /usr/bin/authy-sim"));
}

#[test]
fn the_rpm_packages_depend_on_what_their_programs_link_to() {
    let module = query("pam_authy", &["--requires"]);

    let table = [
        "libpam.so.0",
        "libc.so.6",
        "libgcc_s.so.1",
        "ca-certificates",
        "authyctl(",
    ];
    check_rows(table, |needed| {
        assert!(module.contains(needed), "{needed} is missing in {module}");
    });
    assert!(!query("authy-sim", &["--requires"]).contains("libpam"));
}

#[test]
fn the_selinux_module_is_built_where_checkmodule_is() {
    let has_checkmodule = Command::new("checkmodule").arg("-V").output().is_ok();
    let built = fs::read_dir(packages()).unwrap().map(Result::unwrap);
    let names: Vec<_> = built
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();

    assert_eq!(
        names
            .iter()
            .any(|name| name.starts_with("pam_authy-selinux-")),
        has_checkmodule,
        "{names:?}"
    );
    if has_checkmodule {
        let list = query("pam_authy-selinux", &["--list"]);
        assert_eq!(list.trim(), "/usr/share/selinux/packages/pam_authy.pp");
    }
}

fn rpm(arguments: &[&str], files: &[PathBuf]) -> Output {
    Command::new("rpm")
        .args(arguments)
        .args(files)
        .output()
        .unwrap()
}

#[track_caller]
fn rpm_succeeds(arguments: &[&str], files: &[PathBuf]) {
    let output = rpm(arguments, files);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}");
}

#[test]
#[ignore = "needs root"]
fn the_rpm_packages_install_into_a_root_folder_and_leave_it_empty() {
    let all = PACKAGES.map(path);
    sandboxed!();
    let folder = tempfile::tempdir().unwrap();
    let at = format!("--root={}", folder.path().display());

    rpm_succeeds(&[&at, "--initdb"], &[]);
    rpm_succeeds(&[&at, "--nodeps", "--noscripts", "-i"], &all);

    let verify = rpm(
        &[
            &at,
            "--nodeps",
            "--noscripts",
            "-V",
            "authyctl",
            "pam_authy",
            "authy-sim",
        ],
        &[],
    );
    assert!(verify.status.success(), "{verify:?}");
    assert!(
        folder
            .path()
            .join("usr/lib64/security/pam_authy.so")
            .exists()
    );
    assert!(
        stdout_of(Command::new(folder.path().join("usr/sbin/authyctl")).arg("--version"))
            .contains("authyctl 0.")
    );
    rpm_succeeds(
        &[
            &at,
            "--noscripts",
            "-e",
            "authyctl",
            "pam_authy",
            "authy-sim",
        ],
        &[],
    );
    let table = [
        "etc/pam_authy",
        "var/lib/pam_authy",
        "usr/sbin/authyctl",
        "usr/lib64/security/pam_authy.so",
        "usr/share/doc/pam_authy",
    ];
    check_rows(table, |gone| {
        assert!(!folder.path().join(gone).exists(), "{gone}");
    });
}

#[test]
#[ignore = "needs root"]
fn erasing_the_rpm_is_refused_while_a_stack_names_the_module() {
    let all = PACKAGES.map(path);
    sandboxed!();
    rpm_succeeds(&["--initdb"], &[]);
    rpm_succeeds(&["--nodeps", "--force-debian", "-i"], &all);
    let before = fs::read("/etc/pam.d/sudo").unwrap();
    fs::write(
        "/etc/pam.d/sudo",
        "auth required /usr/lib64/security/pam_authy.so\n",
    )
    .unwrap();
    let erase = ["--nodeps", "--force-debian", "-e", "pam_authy"];

    let refused = rpm(&erase, &[]);

    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && text.contains("/etc/pam.d/sudo"),
        "{text}"
    );
    assert!(fs::exists("/usr/lib64/security/pam_authy.so").unwrap());
    fs::write("/etc/pam.d/sudo", before).unwrap();
    rpm_succeeds(&erase, &[]);
    assert!(!fs::exists("/usr/lib64/security/pam_authy.so").unwrap());
}

/// Renders a template of authselect with these features selected: lines and words may have a
/// condition.
fn rendered(template: &str, features: &[&str]) -> String {
    let mut text = String::new();
    for line in template.lines() {
        let mut line = line.to_owned();
        if let Some((kept, condition)) = line.clone().split_once("{include if \"") {
            let feature = condition.split('"').next().unwrap();
            if !features.contains(&feature) {
                continue;
            }
            line = kept.to_owned();
        }
        while let Some((before, rest)) = line.clone().split_once("{if \"") {
            let (condition, after) = rest.split_once('}').unwrap();
            let (feature, words) = condition.split_once("\":").unwrap();
            let (yes, no) = words.split_once('|').unwrap_or((words, ""));
            let word = if features.contains(&feature) { yes } else { no };
            line = format!("{before}{word}{after}");
        }
        text += &format!("{line}\n");
    }
    text
}

#[test]
fn the_stacks_of_the_authselect_profile_need_password_and_code() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let table = [
        &[][..],
        &["with-faillock"],
        &["with-faillock", "with-pamaccess", "with-mkhomedir"],
    ];
    check_rows(table, |features| {
        for stack in ["system-auth", "password-auth"] {
            let template =
                fs::read_to_string(root().join("packaging/authselect").join(stack)).unwrap();
            let text = rendered(&template, features);
            assert!(!text.contains('{'), "{text}");
            // The module is not installed here.
            let text = text.replace("pam_authy.so", &product().display().to_string());
            fs::write(folder.path().join(stack), text).unwrap();
        }
        fs::write(folder.path().join("login"), "auth substack system-auth\n").unwrap();
        fs::write(folder.path().join("sshd"), "auth substack password-auth\n").unwrap();
        let mut doctor = Command::new(AUTHYCTL);
        doctor
            .args(["--json", "doctor", "--pam-dir"])
            .arg(folder.path());
        doctor
            .arg("--config")
            .arg(sim.path("config.toml"))
            .arg("--users")
            .arg(sim.path("users.toml"));

        let answer: Value = serde_json::from_slice(&doctor.output().unwrap().stdout).unwrap();

        check_rows(["pam login", "pam sshd"], |service| {
            let checks = answer["checks"].as_array().unwrap();
            let check = checks
                .iter()
                .find(|check| check["name"] == service)
                .unwrap();
            assert!(
                check["message"]
                    .as_str()
                    .unwrap()
                    .contains("password and second factor are both required"),
                "{features:?}: {check}"
            );
        });
    });
}
