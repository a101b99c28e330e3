//! What starts and confines the service outside of systemd: the script for sysvinit, the SELinux
//! policy and the AppArmor profile. Nothing here runs under an enforcing kernel.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::machine::wait_for;
use super::{root, stdout_of, text_of};
use crate::common::sandbox::sandboxed;
use crate::common::service::{FOLDER, wait_for_service};
use crate::common::{engine, install};

const PROGRAM: &str = "/usr/libexec/pam_authy/pam_authyd";

const SCRIPT: &str = "/etc/init.d/pam_authy";

fn sysvinit(word: &str) -> bool {
    Command::new(SCRIPT).arg(word).status().unwrap().success()
}

/// Reaps a process once it has ended, as init does; nothing else does so in the sandbox.
fn reap_later(pid: &str) {
    let pid = Pid::from_raw(pid.trim().parse().unwrap());
    thread::spawn(move || waitpid(pid, None));
}

fn listens() -> bool {
    UnixStream::connect(Path::new(FOLDER).join("socket")).is_ok()
}

fn put_program() {
    fs::create_dir_all("/usr/libexec/pam_authy").unwrap();
    let new = Path::new("/usr/libexec/pam_authy/new");
    install(&engine(), new, 0o755);
    fs::rename(new, PROGRAM).unwrap();
}

#[test]
#[ignore = "needs root"]
fn the_script_for_sysvinit_starts_the_service_and_restarts_it_after_an_upgrade() {
    sandboxed!();
    set_child_subreaper(true).unwrap();
    let script = root().join("packaging/examples/sysvinit/pam_authy");
    install(&script, Path::new(SCRIPT), 0o755);
    assert!(sysvinit("start") && !listens(), "without the program");
    put_program();
    assert!(!sysvinit("status"));
    assert!(sysvinit("start"));
    wait_for_service();
    assert!(sysvinit("status"));
    let pid = || fs::read_to_string("/run/pam_authy.pid").unwrap();
    let first = pid();
    reap_later(&first);
    assert!(sysvinit("start"), "it runs already");
    assert_eq!(pid(), first);

    put_program();
    assert!(sysvinit("restart"));

    wait_for_service();
    assert_ne!(pid(), first);
    reap_later(&pid());
    assert!(sysvinit("stop"));
    // The process of a login has the socket for a moment, too.
    wait_for(|| !listens());
    assert!(!sysvinit("status"));
}

/// Lines of the policy that allow something, without those of the engine itself.
fn allowed_to_others(policy: &str) -> Vec<&str> {
    let rules = policy.lines().map(str::trim);
    rules
        .filter(|rule| rule.starts_with("allow ") && !rule.starts_with("allow pam_authyd_t "))
        .collect()
}

#[test]
fn the_selinux_policy_compiles_and_lets_only_the_engine_use_the_network() {
    let policy = text_of("packaging/selinux/pam_authy.te");
    let others = allowed_to_others(&policy);
    let network = ["tcp_socket", "udp_socket", "_port_t", "var_auth_t"];
    let wrong: Vec<_> = others
        .iter()
        .filter(|rule| network.iter().any(|word| rule.contains(word)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let connects =
        "allow { pam_authy_client sudodomain } pam_authyd_t:unix_stream_socket connectto;";
    assert!(others.contains(&connects), "{others:#?}");
    let contexts = text_of("packaging/selinux/pam_authy.fc");
    for line in contexts.lines().filter(|line| !line.starts_with('#')) {
        let found = line
            .split("object_r:")
            .nth(1)
            .and_then(|of| of.split(':').next());
        assert!(
            policy.contains(&format!("\ntype {};", found.unwrap())),
            "{line}"
        );
    }

    let has_compiler = |name| Command::new(name).arg("-h").output().is_ok();
    if !has_compiler("checkmodule") || !has_compiler("semodule_package") {
        eprintln!("skipped: the compilation, since there is no checkmodule or semodule_package");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut build = Command::new(root().join("packaging/selinux/build.sh"));
    stdout_of(build.arg(folder.path()));
    assert!(folder.path().join("pam_authy.pp").exists());
}

#[test]
fn apparmor_accepts_the_profile_and_the_abstraction() {
    let base = Path::new("/etc/apparmor.d");
    let parser = ["/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(parser) = parser.filter(|_| base.join("abstractions").exists()) else {
        eprintln!("skipped: there is no apparmor_parser");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let examples = root().join("packaging/examples/apparmor");
    fs::create_dir(folder.path().join("abstractions")).unwrap();
    let abstraction = folder.path().join("abstractions/pam_authy");
    fs::copy(examples.join("pam_authy"), abstraction).unwrap();
    let client = "include <tunables/global>\nprofile client /usr/bin/client {\n  \
                  include <abstractions/base>\n  include <abstractions/pam_authy>\n}\n";
    fs::write(folder.path().join("client"), client).unwrap();
    for profile in [examples.join("pam_authyd"), folder.path().join("client")] {
        let mut parse = Command::new(parser);
        parse.args(["--skip-kernel-load", "--skip-cache"]);
        parse.arg("-I").arg(folder.path()).arg("-I").arg(base);
        stdout_of(parse.arg(profile));
    }
}

/// `make` of a packager writes no unit where `UNITDIR` is empty.
#[test]
fn the_recipe_for_alpine_installs_the_script_for_openrc_and_no_unit() {
    let recipe = text_of("packaging/alpine/APKBUILD");
    assert!(recipe.contains(" UNITDIR=\n"), "{recipe}");
    assert!(
        recipe.contains("packaging/examples/openrc/pam_authy \"$pkgdir\"/etc/init.d/pam_authy")
    );
    let folder = tempfile::tempdir().unwrap();

    super::make_with("install", folder.path(), &["UNITDIR="]);

    assert!(folder.path().join("usr/sbin/authyctl").exists());
    let files = super::listing(folder.path());
    let is_unit = |file: &&String| file.ends_with(".socket") || file.ends_with(".service");
    assert_eq!(files.iter().find(is_unit), None, "{files:?}");
    super::make_with("uninstall", folder.path(), &["UNITDIR="]);
    assert!(!folder.path().join("usr/sbin/authyctl").exists());
}

/// scripts/cross.sh says what it lacks, or builds for arm64; the build itself takes minutes, so it is
/// for machines where PAM_AUTHY_CROSS is set.
#[test]
fn the_build_for_arm64_works_or_says_what_it_lacks() {
    let mut cross = Command::new(root().join("scripts/cross.sh"));
    if std::env::var_os("PAM_AUTHY_CROSS").is_none() {
        cross.env("PATH", "/usr/bin:/bin").arg("--check");
    }
    let output = cross.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(77) => {
            assert!(said.contains("cross.sh: skipped: "), "{said}");
            eprintln!("{said}");
        }
        _ => panic!("{said}"),
    }
}
