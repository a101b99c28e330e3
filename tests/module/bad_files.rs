//! Broken, unreadable and hostile files and arguments: each denies the login, logs the reason, and
//! sends nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::common::application::program;
use crate::common::host::Host;
use crate::common::install;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

/// A host on which outages and unenrolled users are ignored: only an error can deny here.
fn lenient() -> Host {
    Host::with(
        "[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\nunenrolled = \"ignore\"\n",
    )
    .arguments("nullok")
}

/// Checks that the login of every user is PAM_SERVICE_ERR, without a prompt and without a request.
fn denies(host: &Host, why: &str) {
    for user in ["alice", "mallory"] {
        let login = host.login(user, &["1234567", "1234567", "1234567"]);
        assert_eq!(
            (login.code, login.prompts()),
            ("PAM_SERVICE_ERR", 0),
            "{why}"
        );
    }
    assert!(host.sim.requests().is_empty(), "{why}");
}

fn log_says(host: &Host, what: &str) {
    let log = host.log();
    assert!(log.contains(what), "{what} is not in:\n{log}");
    assert!(!log.contains(&host.sim.key()[..8]), "the key is in:\n{log}");
}

/// A screen locker asks PAM as its user, who cannot read the exemption in the configuration.
#[test]
#[ignore = "needs root"]
fn a_process_that_cannot_read_the_configuration_is_refused_though_its_service_is_exempt() {
    sandboxed!();
    let host = Host::with("[exempt]\nservices = [\"sshd\"]\n");
    let folder = Path::new("/srv/locker");
    fs::create_dir(folder).unwrap();
    let (module, engine) = (folder.join("pam_authy.so"), folder.join("pam_authyd"));
    install(&host.module(), &module, 0o644);
    install(&host.engine(), &engine, 0o755);
    fs::copy(program(), folder.join("application")).unwrap();
    let line = host.line();
    let line = line.replace(host.module().to_str().unwrap(), module.to_str().unwrap());
    let line = line.replace(host.engine().to_str().unwrap(), engine.to_str().unwrap());
    fs::write(folder.join("sshd"), line + "\n").unwrap();
    let login = |wrapper: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(wrapper).arg(folder.join("application"));
        let said = command.arg(folder).args(["sshd", "alice"]).output();
        String::from_utf8(said.unwrap().stdout).unwrap()
    };
    let root = login(&["--reuid", "0"]);
    assert!(root.starts_with("code 6\n"), "ignored: {root}");
    let user = login(&["--reuid", "nobody", "--clear-groups"]);
    assert!(user.starts_with("code 3\n"), "PAM_SERVICE_ERR: {user}");
}

#[test]
fn a_config_that_cannot_be_trusted_or_read_denies() {
    type Break = fn(&Path);
    let breaks: [(&str, Break); 9] = [
        ("missing", |path| fs::remove_file(path).unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("half-written", |path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, &text[..text.len() / 2]).unwrap();
        }),
        ("oversized", |path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text + &"#".repeat(5 << 20)).unwrap();
        }),
        ("a directory", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("a FIFO", |path| {
            fs::remove_file(path).unwrap();
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }),
        ("a device", |path| {
            fs::remove_file(path).unwrap();
            symlink("/dev/zero", path).unwrap();
        }),
        ("a link to nothing", |path| {
            fs::remove_file(path).unwrap();
            symlink("nothing", path).unwrap();
        }),
        ("binary", |path| fs::write(path, [0xff; 100]).unwrap()),
    ];
    check_rows(breaks, |(why, act)| {
        let host = lenient();
        act(&host.config);
        denies(&host, why);
    });
}

#[test]
fn a_config_that_others_can_read_or_replace_denies() {
    check_rows([0o644, 0o640, 0o604, 0o666], |mode| {
        let host = lenient();
        host.chmod(&host.config, mode);
        denies(&host, "mode");
    });
    let host = lenient();
    host.chmod(host.sim.folder(), 0o777);
    denies(&host, "folder");
    host.chmod(host.sim.folder(), 0o700);
}

#[test]
fn a_mistake_in_the_config_denies() {
    let table = [
        "x = 1\n",
        "[login]\n",
        "[log]\n",
        "attempts = 0\n",
        "[service.sshd]\necho = 2\n",
        "=",
    ];
    check_rows(table, |text| {
        let host = lenient();
        host.append(&host.config, text);
        denies(&host, text);
    });
}

#[test]
fn a_mapping_that_cannot_be_trusted_or_read_denies_and_the_log_says_why() {
    type Break = fn(&Host);
    let breaks: [(Break, &str); 9] = [
        (
            |host| fs::remove_file(&host.users).unwrap(),
            "users.toml: No such file",
        ),
        (
            |host| host.append(&host.users, "jane.doe = 1636\n"),
            "users.toml:3: jane.doe: put the name in quotes",
        ),
        (
            |host| host.append(&host.users, "bob = { id = 7 }\n"),
            "users.toml:3: bob: unknown key id",
        ),
        (
            |host| host.append(&host.users, "alice = 1636\n"),
            "users.toml:3: ",
        ),
        (
            |host| host.append(&host.users, "bob = \n"),
            "users.toml:3: ",
        ),
        (
            |host| host.append(&host.users, "[groups]\n"),
            "users.toml:3: unknown key groups",
        ),
        (
            |host| host.chmod(&host.users, 0o664),
            "users.toml: it can be written by others (mode 0664)",
        ),
        (
            |host| host.chmod(&host.users, 0o666),
            "users.toml: it can be written by others (mode 0666)",
        ),
        (
            |host| {
                fs::remove_file(&host.users).unwrap();
                fs::create_dir(&host.users).unwrap();
            },
            "users.toml: not a regular file",
        ),
    ];
    check_rows(breaks, |(act, why)| {
        let host = lenient();
        act(&host);
        denies(&host, why);
        log_says(&host, why);
        assert_eq!(
            host.audit()[0],
            "verdict=error reason=mapping user=\"alice\""
        );
    });
}

#[test]
fn a_bad_value_denies_its_user_alone() {
    let host = Host::new();
    host.append(&host.users, "bob = 0\n");

    assert_eq!(host.login("bob", &[]).code, "PAM_SERVICE_ERR");
    log_says(&host, "users.toml:3: bob: the authy id must be an integer");
    let token = host.sim.token(1635);
    assert_eq!(host.login("alice", &[&token]).code, "PAM_SUCCESS");
}

/// Without a valid index the login reads the whole mapping, and ends the same.
#[test]
fn an_outdated_or_damaged_index_changes_no_login() {
    let host = lenient();
    let index = host.users.with_extension("toml.index");
    let enroll = |user: &str| {
        let id = 1635_u64.try_into().unwrap();
        pam_authy::store::users::write::enroll(&host.users, user, id, true).unwrap();
        fs::read(&index).unwrap()
    };
    // An index from before alice was enrolled, and the valid one.
    host.append(&host.users, "# no entry\n");
    pam_authy::store::users::write::unenroll(&host.users, "alice", None).unwrap();
    let older = fs::read(&index).unwrap();
    let good = enroll("alice");
    let half = &good[..good.len() / 2];
    let zeroes = vec![0; good.len()];
    let table = [
        ("as it should be", &good[..]),
        ("older", &older),
        ("cut", half),
        ("zeroes", &zeroes),
        ("empty", b""),
    ];
    check_rows(table, |(what, bytes)| {
        fs::write(&index, bytes).unwrap();
        let token = host.sim.token(1635);
        assert_eq!(host.login("alice", &[&token]).code, "PAM_SUCCESS", "{what}");
        let wrong = host.login("alice", &["0000000", "0000000", "0000000"]);
        assert_eq!(wrong.code, "PAM_MAXTRIES", "{what}");
    });
    fs::write(&index, &good).unwrap();
    host.chmod(&index, 0o666);
    assert_eq!(host.login("alice", &["x", "x", "x"]).code, "PAM_MAXTRIES");
    fs::remove_file(&index).unwrap();
    nix::unistd::mkfifo(&index, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(host.login("alice", &["x", "x", "x"]).code, "PAM_MAXTRIES");
}

#[test]
fn a_wrong_argument_denies() {
    let table = [
        "nullokay",
        "debug debug",
        "config=/x",
        "users=relative",
        "sms=auto",
    ];
    check_rows(table, |argument| {
        let host = Host::new().arguments(argument);
        denies(&host, argument);
    });
}

#[test]
fn an_unusable_ca_file_denies_even_where_outages_are_ignored() {
    check_rows(["", "no certificate"], |text| {
        let host = lenient();
        fs::write(host.sim.path("ca.pem"), text).unwrap();
        let login = host.login("alice", &["1234567"]);
        assert_eq!(login.code, "PAM_SERVICE_ERR");
        log_says(&host, "ca.pem: contains no CA certificate");
    });
    let host = lenient();
    host.chmod(&host.sim.path("ca.pem"), 0o666);
    assert_eq!(host.login("alice", &["1234567"]).code, "PAM_SERVICE_ERR");
    log_says(&host, "ca.pem: it can be written by others");
}

#[test]
#[ignore = "needs root"]
fn files_owned_by_another_user_deny() {
    check_rows(["config.toml", "users.toml"], |name| {
        let host = lenient();
        std::os::unix::fs::chown(host.sim.path(name), Some(12345), None).unwrap();
        denies(&host, name);
    });
}
