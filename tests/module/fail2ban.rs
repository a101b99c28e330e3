//! fail2ban with our filter, on what real logins and a hostile local user write to a real journal.

use std::fs;
use std::process::Command;

use super::leaving::guess_two_codes_and_leave;
use super::sshd::{self, Sshd};
use pam_authy::pam_app::Item;

use crate::common::application::{command, run};
use crate::common::fail2ban::{found_in_journal, found_in_text};
use crate::common::host::Host;
use crate::common::journald::Journald;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

/// The code is asked for after a wrong password too.
const PASSWORD_AND_CODE: &str = "auth optional pam_unix.so nodelay\n";

/// A host with the installed engine, whose log is the journal.
fn host() -> Host {
    let host = Host::new().installed();
    let old = host.sim.path("log").display().to_string();
    host.replace(&format!("log = \"{old}\""), "log = \"/dev/log\"");
    host
}

#[test]
#[ignore = "needs root and fail2ban: scripts/peers.sh fail2ban"]
fn fail2ban_finds_a_guesser_who_leaves_and_no_address_that_a_local_user_made_up() {
    sandboxed!();
    let journald = Journald::start();
    let sshd = Sshd::start_as("sshd", host(), PASSWORD_AND_CODE, "keyboard-interactive");

    guess_two_codes_and_leave(&sshd, "-o BindAddress=127.0.0.5", |_| ());
    guess_as_a_user_like_a_field(&sshd);
    let forged = forge_lines();
    ask_as_a_plain_user(&sshd.host);
    ask_as_su();

    // As a daemon of root does with lines that it is sent over the network.
    let line = "verdict=refused reason=wrong_code pid=1 uid=0 peer=root rhost=\"203.0.113.10\"";
    sshd::run(Command::new("logger").args(["-t", "pam_authy(sshd:auth)[1]", line]));

    // One of the plain user, three of the guesser, two of su, and one of the daemon.
    let entries = journald.entries("203.0.113.", forged + 7);
    assert_eq!(entries.len(), forged + 7, "{entries:#?}");
    let found = found_in_journal(&journald.folder());
    assert_eq!(
        found,
        [["127.0.0.5"; 2].as_slice(), &["127.0.0.6"; 3]].concat(),
        "of each code that was guessed, and of no other line: {entries:#?}"
    );
}

/// The three codes of a user whose name looks like the address of another.
fn guess_as_a_user_like_a_field(sshd: &Sshd) {
    let config = sshd.folder.join("named");
    let name = r#"User "x\" rhost=\"203.0.113.8""#;
    fs::write(&config, format!("{name}\nBindAddress 127.0.0.6\n")).unwrap();
    let mut ssh = sshd.client("ssh", sshd::PASSWORD, &["1111111", "2222222", "3333333"]);
    ssh.args(["-F", config.to_str().unwrap()]);
    ssh.args(["-p", &sshd.port.to_string(), "127.0.0.1", "true"]);
    assert!(!ssh.output().unwrap().status.success());
}

/// Lines that a local user writes; returns how many.
pub(crate) fn forge_lines() -> usize {
    let script = "/home/forge.py";
    fs::copy("tests/module/forge.py", script).unwrap();
    let mut forge = Command::new("runuser");
    let home = format!("HOME=/home/{}", sshd::USER);
    forge.args([
        "-u",
        sshd::USER,
        "--",
        "env",
        &home,
        "/usr/bin/python3",
        script,
    ]);
    let output = forge.current_dir("/").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap()
}

/// A local user's own application, which names an address; its engine is ours, but not root's.
fn ask_as_a_plain_user(host: &Host) {
    for path in [host.stack_folder(), host.sim.folder()] {
        host.chmod(path, 0o755);
    }
    let as_user = [
        "setpriv",
        "--reuid",
        sshd::USER,
        "--regid",
        sshd::USER,
        "--clear-groups",
    ];
    let application = command(host, "alice", &as_user, &["-a", "203.0.113.7"]);
    let said = run(application, &["1111111", "1111111", "1111111"]);
    assert_eq!(said.names(), ["PAM_SERVICE_ERR"], "{said:?}");
}

/// A wrong code in su, which has an address here.
fn ask_as_su() {
    let address = [(Item::RHost, "203.0.113.9")];
    host()
        .service("su")
        .login_with("alice", &["1111111"], &address);
}

/// In a text file anybody's line is as good as ours: the first row is what logger(1) can write.
#[test]
#[ignore = "needs fail2ban: scripts/peers.sh fail2ban"]
fn fail2ban_finds_in_a_text_file_only_a_code_that_an_application_of_root_was_refused() {
    let sshd = "pam_authy(sshd:auth)[812]";
    let other = "mallory: pam_authy(sshd:auth)[812]";
    let code =
        "verdict=refused reason=wrong_code factor=token provider=authy code=60020 authy_id=1635";
    let totp = r#"verdict=refused reason=wrong_code factor=token provider=totp totp="bob""#;
    let gone = "verdict=error reason=conversation";
    let (root, user) = ("pid=1 uid=0 peer=root", "pid=1 uid=1000 peer=user");
    let from = r#"rhost="192.0.2.7" user="a""#;
    let rows = [
        (sshd, code, root, from, true),
        (sshd, totp, root, from, true),
        (sshd, totp, root, r#"user="rhost=\"192.0.2.7"""#, false),
        (sshd, code, user, from, false),
        (sshd, code, "pid=1 uid=1000 peer=root", from, false),
        (sshd, code, root, r#"user="x\" rhost=\"192.0.2.7""#, false),
        (sshd, code, root, r#"tty="x" rhost="192.0.2.7""#, false),
        (sshd, gone, root, from, false),
        ("pam_authy(su:auth)[812]", code, root, from, false),
        (other, code, root, from, false),
    ];
    check_rows(rows, |(tag, verdict, process, texts, is_found)| {
        let line = format!("Nov 27 00:00:00 gate {tag}: {verdict} attempts=1 {process} {texts}\n");
        let expected = if is_found { vec!["192.0.2.7"] } else { vec![] };
        assert_eq!(found_in_text(&line), expected);
    });
}
