//! Whose files the product trusts in su and sudo, whose process has the caller's real uid and
//! root's rights.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::Command;

use crate::common::application::{Said, command, program, run};
use crate::common::host::Host;
use crate::common::install;
use crate::common::sandbox::sandboxed;

/// The caller; needs no account.
const CALLER: u32 = 12345;
const PAM_SUCCESS: i32 = 0;
const PAM_SERVICE_ERR: i32 = 3;

/// A login of alice in a process that `CALLER` started and that has root's rights.
fn login(host: &Host) -> Said {
    let caller = CALLER.to_string();
    let setpriv = ["setpriv", "--ruid", &caller, "--clear-groups"];
    let token = host.sim.token(1635);
    run(command(host, "alice", &setpriv, &[]), &[&token])
}

fn give_to_caller(path: &Path) {
    lchown(path, Some(CALLER), None).unwrap();
}

/// Moves a file into a folder of its own and puts a link in its place.
fn link(path: &Path) {
    let folder = path.with_extension("folder");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    fs::rename(path, folder.join("file")).unwrap();
    symlink(folder.join("file"), path).unwrap();
}

#[test]
#[ignore = "needs root"]
#[expect(clippy::too_many_lines, reason = "one table")]
fn files_of_the_caller_are_refused_in_a_process_with_roots_rights() {
    sandboxed!();
    type Change = fn(&Host);
    let rows: [(&str, Change, i32); 11] = [
        ("everything is root's", |_| (), PAM_SUCCESS),
        ("a link of root's", |host| link(&host.config), PAM_SUCCESS),
        (
            "config.toml",
            |host| give_to_caller(&host.config),
            PAM_SERVICE_ERR,
        ),
        (
            "users.toml",
            |host| give_to_caller(&host.users),
            PAM_SERVICE_ERR,
        ),
        (
            "ca.pem",
            |host| give_to_caller(&host.sim.path("ca.pem")),
            PAM_SERVICE_ERR,
        ),
        (
            "the folder",
            |host| give_to_caller(host.sim.folder()),
            PAM_SERVICE_ERR,
        ),
        (
            "the link to config.toml",
            |host| {
                link(&host.config);
                give_to_caller(&host.config);
            },
            PAM_SERVICE_ERR,
        ),
        (
            "the link to users.toml",
            |host| {
                link(&host.users);
                give_to_caller(&host.users);
            },
            PAM_SERVICE_ERR,
        ),
        (
            "the folder that a link leads to",
            |host| {
                link(&host.users);
                give_to_caller(&host.users.with_extension("folder"));
            },
            PAM_SERVICE_ERR,
        ),
        (
            "the state folder",
            |host| {
                fs::create_dir_all(host.sim.path("state")).unwrap();
                let mode = fs::Permissions::from_mode(0o700);
                fs::set_permissions(host.sim.path("state"), mode).unwrap();
                give_to_caller(&host.sim.path("state"));
            },
            PAM_SERVICE_ERR,
        ),
        (
            "a folder of the state",
            |host| {
                login(host);
                give_to_caller(&host.sim.path("state/limits"));
            },
            PAM_SERVICE_ERR,
        ),
    ];
    let mut failed = Vec::new();
    for (what, change, expected) in rows {
        let host = Host::new().installed();
        change(&host);
        let verified = host.sim.count("/verify/");
        let said = login(&host);
        let is_asked = host.sim.count("/verify/") > verified;
        if said.codes() != [expected] || is_asked != (expected == PAM_SUCCESS) {
            failed.push((what, said, host.log()));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// An own process of the user trusts the user's files; one that was started by another user, or
/// that only acts as this one, does not.
#[test]
#[ignore = "needs root"]
fn files_of_a_user_are_trusted_by_a_plain_process_of_that_user_alone() {
    sandboxed!();
    let host = Host::new();
    // In a place that every user can enter, as a checkout need not be.
    let folder = Path::new("/srv/trust");
    fs::create_dir(folder).unwrap();
    let (module, engine) = (folder.join("pam_authy.so"), folder.join("pam_authyd"));
    install(&host.module(), &module, 0o644);
    install(&host.engine(), &engine, 0o755);
    fs::copy(program(), folder.join("application")).unwrap();
    let line = host.line();
    let line = line.replace(host.module().to_str().unwrap(), module.to_str().unwrap());
    let line = line.replace(host.engine().to_str().unwrap(), engine.to_str().unwrap());
    fs::write(folder.join("sshd"), line + "\n").unwrap();
    for file in ["", "config.toml", "users.toml", "ca.pem", "state"] {
        give_to_caller(&host.sim.path(file));
    }
    let rows = [
        (["--reuid", "12345"], PAM_SUCCESS),
        (["--euid", "12345"], PAM_SERVICE_ERR),
        (["--ruid", "12345"], PAM_SERVICE_ERR),
    ];
    let mut failed = Vec::new();
    for (ids, expected) in rows {
        let mut login = Command::new("setpriv");
        login.args(ids).arg("--clear-groups");
        login.arg(folder.join("application")).arg(folder);
        login.args(["sshd", "alice"]);
        let said = run(login, &[&host.sim.token(1635)]);
        if said.codes() != [expected] {
            failed.push((ids, said, host.log()));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
