//! The user socket: a screen locker unlocks for its own user, and can do nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use pam_authy::engine::shared_words;
use pam_authy::protocol::FromModule;
use pam_authy::store::recovery::generate;

use super::peers::start;
use crate::common::application::{Said, command, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::{FOLDER, Service};
use crate::common::totp::{SECRET, oathtool};

const SUCCESS: &str = "PAM_SUCCESS";
const NO_ENGINE: &str = "PAM_SERVICE_ERR";

/// A locker's process.
const ALICE: [&str; 6] = [
    "setpriv",
    "--reuid",
    "alice",
    "--regid",
    "alice",
    "--clear-groups",
];

/// A host with accounts, whose configuration is in its usual place, and a service that serves
/// lockers.
fn host(more: &str) -> (Host, Service) {
    let made = Command::new("sh")
        .args(["-c", "useradd -m alice && useradd -m kim"])
        .status();
    assert!(made.unwrap().success());
    let host = Host::with(&format!(
        "[login]\nrefusal_seconds = 0\n[lockers]\nallow = true\n{more}"
    ))
    .by_service();
    place(&host);
    for folder in [host.stack_folder(), host.sim.folder()] {
        host.chmod(folder, 0o755);
    }
    (host, Service::start())
}

/// Puts the files of the host in their usual place: a locker cannot name others.
pub(super) fn place(host: &Host) {
    let folder = Path::new("/etc/pam_authy");
    fs::create_dir_all(folder).unwrap();
    for (file, name) in [(&host.config, "config.toml"), (&host.users, "users.toml")] {
        fs::copy(file, folder.join(name)).unwrap();
    }
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(folder.join("config.toml"), mode).unwrap();
}

/// The code of a login as `user` by alice's process with these replies.
fn unlock(host: &Host, user: &str, replies: &[&str]) -> &'static str {
    run(command(host, user, &ALICE, &[]), replies).names()[0]
}

/// The code of a login of alice in sshd.
fn ssh(host: &Host, code: &str) -> &'static str {
    run(command(host, "alice", &[], &[]), &[code]).names()[0]
}

/// How many prompts there were (option -v).
fn prompts(said: &Said) -> usize {
    let seen = said.seen();
    seen.iter()
        .filter(|line| line.starts_with("prompt "))
        .count()
}

#[test]
#[ignore = "needs root"]
fn a_locker_is_never_offered_an_app_and_an_app_that_does_not_count_yet_unlocks_nothing() {
    sandboxed!();
    let offers =
        "[service.locker]\nenroll_totp = \"offer\"\n[service.sshd]\nenroll_totp = \"offer\"\n";
    let (host, _service) = host(offers);
    let said = run(
        command(&host, "alice", &ALICE, &["-v", "-t", "ssh"]),
        &[&host.sim.token(1635), "qr", "000000"],
    );
    assert_eq!(
        (said.names(), prompts(&said)),
        (vec![SUCCESS], 1),
        "{said:?}"
    );
    let path = host.sim.path("state/enrolled.toml");
    assert!(!path.exists());
    // The same login by root's socket.
    let said = run(
        command(&host, "alice", &[], &["-v", "-t", "ssh"]),
        &[&host.sim.token(1635), ""],
    );
    assert_eq!(
        (said.names(), prompts(&said)),
        (vec![SUCCESS], 2),
        "{said:?}"
    );

    let text =
        format!("[totp]\nalice = {{ secret = \"{SECRET}\", since = 2099-12-31T12:00:00Z }}\n");
    fs::write(&path, text).unwrap();
    host.chmod(&path, 0o600);
    assert_eq!(
        unlock(&host, "alice", &[&oathtool(SECRET, 0)]),
        "PAM_CONV_ERR"
    );
    fs::write(
        &path,
        fs::read_to_string(&path).unwrap().replace("2099", "2025"),
    )
    .unwrap();
    assert_eq!(unlock(&host, "alice", &[&oathtool(SECRET, 0)]), SUCCESS);
}

#[test]
#[ignore = "needs root"]
fn a_locker_unlocks_for_its_own_user_with_the_right_code_alone() {
    sandboxed!();
    let (host, _service) = host("");
    assert_eq!(unlock(&host, "alice", &["0000000"; 3]), "PAM_MAXTRIES");
    let forged = ["-a", "198.51.100.7"];
    let said = run(
        command(&host, "alice", &ALICE, &forged),
        &[&host.sim.token(1635)],
    );
    assert_eq!(said.names(), [SUCCESS], "{}", host.log());
    let lines = host.sim.log(|line| line.contains("verdict="));
    let uid = nix::unistd::User::from_name("alice").unwrap().unwrap().uid;
    assert!(!lines.is_empty());
    for line in &lines {
        assert!(line.contains(" pam_authy(locker)["), "{line}");
        assert!(
            line.contains(&format!(" uid={uid} peer=user user=\"alice\"")),
            "{line}"
        );
        assert!(!line.contains("rhost") && !line.contains("tty"), "{line}");
    }
    // Neither another person's screen, nor as root.
    for user in ["kim", "root", "Alice"] {
        assert_eq!(
            unlock(&host, user, &[&host.sim.token(1635)]),
            NO_ENGINE,
            "{user}"
        );
    }
}

/// An administrator's word for lockers lets an unenrolled account in (libpam denies where every
/// module answers IGNORE); a day does not.
#[test]
#[ignore = "needs root"]
fn over_the_user_socket_enroll_by_lets_no_account_in() {
    sandboxed!();
    let kim = ALICE.map(|word| if word == "alice" { "kim" } else { word });
    let unlock = |host: &Host| run(command(host, "kim", &kim, &[]), &["0000000"; 3]).names()[0];
    for (rules, code) in [
        ("", "PAM_MAXTRIES"),
        ("[service.locker]\nenroll_by = 9999-12-30\n", "PAM_MAXTRIES"),
        (
            "[service.locker]\nunenrolled = \"ignore\"\n",
            "PAM_PERM_DENIED",
        ),
    ] {
        let _ = Command::new("sh")
            .args(["-c", "userdel -rf alice; userdel -rf kim 2>/dev/null"])
            .status();
        let (host, _service) = host(rules);
        host.replace("[login]\n", "[login]\nenroll_by = 9999-12-30\n");
        place(&host);
        assert_eq!(unlock(&host), code, "{rules}");
    }
}

#[test]
#[ignore = "needs root"]
fn a_locker_sends_nothing_whatever_is_configured_or_typed() {
    sandboxed!();
    let (host, _service) = host("[service.locker]\npush = \"auto\"\nsms = \"auto\"\n");
    assert_eq!(
        unlock(&host, "alice", &["sms", "push", "call"]),
        "PAM_MAXTRIES"
    );
    let sent: Vec<_> = host.sim.requests();
    assert!(sent.is_empty(), "{sent:?}");
}

#[test]
#[ignore = "needs root"]
fn twenty_wrong_codes_at_a_locker_pause_it_and_no_other_login() {
    sandboxed!();
    let (host, _service) = host("");
    for _ in 0..7 {
        unlock(&host, "alice", &["0000000"; 3]);
    }
    let log = host.log();
    assert!(log.contains("reason=limited"), "{log}");
    assert_eq!(ssh(&host, &host.sim.token(1635)), SUCCESS, "{}", host.log());
    let counted = fs::read_dir(host.sim.path("state").join("verdicts")).unwrap();
    let mut counted: Vec<_> = counted.map(|file| file.unwrap().file_name()).collect();
    counted.sort();
    assert_eq!(counted, ["locker", "sshd"], "one file for all lockers");
}

#[test]
#[ignore = "needs root"]
fn a_locker_takes_no_recovery_code_and_remembers_nothing() {
    sandboxed!();
    let (host, _service) = host("[remember]\nseconds = 600\n");
    let state = host.sim.path("state");
    let codes = generate(
        &state,
        "alice",
        vec!["authy_id=1635".into()],
        false,
        shared_words::map,
    )
    .unwrap();
    let code = codes[0].to_string();
    assert_eq!(unlock(&host, "alice", &[&code, "", ""]), "PAM_MAXTRIES");
    assert_eq!(unlock(&host, "alice", &[&host.sim.token(1635)]), SUCCESS);
    let remembered = fs::read_dir(state.join("remember")).map_or(0, Iterator::count);
    assert_eq!(remembered, 0);
    assert_eq!(ssh(&host, &code), SUCCESS, "{}", host.log());
}

#[test]
#[ignore = "needs root"]
fn lockers_are_served_only_where_the_administrator_allows_it() {
    sandboxed!();
    let (host, service) = host("");
    // The socket stays, as one of systemd's would.
    host.replace("[lockers]\nallow = true\n", "");
    place(&host);
    assert_eq!(unlock(&host, "alice", &[&host.sim.token(1635)]), NO_ENGINE);
    let log = host.log();
    assert!(log.contains("lockers.allow is not true"), "{log}");
    // Without it none is made.
    drop(service);
    let _again = Service::start();
    assert!(!Path::new(FOLDER).join("user").exists());
    assert_eq!(unlock(&host, "alice", &["0000000"]), NO_ENGINE);
}

#[test]
#[ignore = "needs root"]
fn the_socket_of_root_is_closed_to_a_plain_user_and_that_of_users_gives_root_no_other_account() {
    sandboxed!();
    let (host, _service) = host("");
    let root = Path::new(FOLDER).join("socket");
    host.chmod(&root, 0o666);
    check_rows(
        [(&ALICE[..], ""), (&["env"][..], READY)],
        |(wrapper, expected)| {
            assert_eq!(received(wrapper, &root, b""), expected);
        },
    );
}

/// The engine's first message.
const READY: &str = "\0\0\0\u{a}ready\0v=1\0";

/// All that a process receives on a socket until it is closed, or a second long, after it has sent
/// these bytes; or why it cannot connect.
fn received(wrapper: &[&str], socket: &Path, sent: &[u8]) -> String {
    let script = "$SIG{ALRM} = sub { exit }; alarm 1; $| = 1; \
        my $s = IO::Socket::UNIX->new($ARGV[0]) or print qq($!) and exit; \
        syswrite($s, pack(q(H*), $ARGV[1])); while (sysread($s, my $b, 999)) { print $b }";
    let hex: String = sent.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = Command::new(wrapper[0]);
    command
        .args(&wrapper[1..])
        .args(["/usr/bin/perl", "-MIO::Socket::UNIX", "-e", script]);
    let output = command.arg(socket).arg(hex).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap()
}

#[test]
#[ignore = "needs root"]
fn a_user_who_is_root_in_a_namespace_of_their_own_stays_that_user() {
    sandboxed!();
    let (host, _service) = host("");
    let root = Path::new(FOLDER).join("socket");
    let user = Path::new(FOLDER).join("user");
    let as_root = [&ALICE[..], &["unshare", "--user", "--map-root-user"]].concat();
    // Whose uid no process there can tell.
    let as_nobody = [&ALICE[..], &["unshare", "--user"]].concat();
    let frame = |name| {
        let mut start = start(&host, 0, 0);
        if let FromModule::Start(start) = &mut start {
            start.attempt.user = name;
        }
        let bytes = start.encode();
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length[..], &bytes].concat()
    };
    check_rows([&as_root, &as_nobody], |wrapper| {
        assert_eq!(received(wrapper, &root, b""), "Permission denied");
        let as_user = |name: &str| received(wrapper, &user, &frame(name.to_owned()));
        assert_eq!(as_user("root"), READY);
        let asked = as_user("alice");
        assert!(
            asked.starts_with(READY) && asked.contains("Verification code"),
            "{asked:?}"
        );
    });
    // Where the mode of root's socket lets it in, the listener does not.
    host.chmod(&root, 0o666);
    check_rows([&as_root, &as_nobody], |wrapper| {
        assert_eq!(received(wrapper, &root, &frame("root".into())), "");
    });
    let lines = host.sim.log(|line| line.contains("verdict="));
    let uid = nix::unistd::User::from_name("alice").unwrap().unwrap().uid;
    let own = format!(" uid={uid} peer=user user=\"alice\"");
    assert!(
        !lines.is_empty() && lines.iter().all(|line| line.contains(&own)),
        "{lines:?}"
    );
}

#[test]
#[ignore = "needs root"]
fn a_program_that_begins_logins_without_end_begins_sixteen_in_a_second() {
    sandboxed!();
    let (_host, _service) = host("");
    let connect = "my $start = time; my $begun = 0;
        for (1..200) {
            my $s = IO::Socket::UNIX->new($ENV{SOCKET});
            $begun++ if sysread($s, my $b, 99);
        }
        printf qq(%d %d\\n), $begun, 1 + time - $start";
    let output = Command::new(ALICE[0])
        .args(&ALICE[1..])
        .args(["/usr/bin/perl", "-MIO::Socket::UNIX", "-e", connect])
        .env("SOCKET", Path::new(FOLDER).join("user"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (begun, seconds) = said.trim().split_once(' ').unwrap();
    let (begun, seconds): (u64, u64) = (begun.parse().unwrap(), seconds.parse().unwrap());
    assert!(begun >= 16 && begun <= 16 * seconds, "{said}");
}
