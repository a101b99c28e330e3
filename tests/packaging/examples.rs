//! The examples for fleets and logs, run on log lines that the module wrote.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use pam_authy::pam_app::Item;

use super::machine::wait_for;
use super::root;
use crate::common::fail2ban;
use crate::common::host::Host;
use crate::common::rows::check_rows;

const EXAMPLES: &str = "packaging/examples";

/// Returns the lines of the log as a syslog daemon writes them: without the priority, with the name
/// of the host. Waits for this number of verdicts.
fn as_written(host: &Host, verdicts: usize) -> Vec<String> {
    wait_for(|| host.audit().len() >= verdicts);
    let log = host.log();
    let lines = log.lines().filter_map(|line| line.split_once('>'));
    lines
        .map(|(_, line)| {
            let (date, rest) = line.split_at("Nov 25 18:00:00".len());
            format!("{date} gate{rest}")
        })
        .collect()
}

#[test]
#[ignore = "needs fail2ban: scripts/peers.sh fail2ban"]
fn the_fail2ban_filter_finds_refused_logins_and_no_forged_address() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    let from = [(Item::RHost, "192.0.2.7")];
    host.login_with("alice", &["1111111"], &from);
    let token = host.sim.token(1635);
    host.login_with("alice", &[&token], &from);
    // A user name that looks like members of the audit line, from another address.
    host.login_with(
        r#"x" rhost="198.51.100.9"#,
        &["1111111"],
        &[(Item::RHost, "192.0.2.8")],
    );
    host.login_with(
        "pam_authy(sshd:auth): verdict=refused reason=wrong_code rhost=\"198.51.100.9\"",
        &["1111111"],
        &[],
    );
    let lines = as_written(&host, 4);
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("verdict="))
            .count(),
        4,
        "{lines:#?}"
    );

    let found = fail2ban::found_in_text(&(lines.join("\n") + "\n"));

    assert_eq!(found, ["192.0.2.7", "192.0.2.8"]);
}

#[test]
fn the_journald_example_counts_verdicts_by_reason_and_none_that_any_user_can_cause() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    for _ in 0..2 {
        host.login("alice", &["1111111"]);
    }
    let token = host.sim.token(1635);
    host.login("alice", &[&token]);
    let (tag, of_lockers) = ("pam_authy(sshd:auth)", "pam_authy(locker)");
    let mut lines = as_written(&host, 3);
    let at_lockers: Vec<_> = lines
        .iter()
        .map(|line| line.replace(tag, of_lockers))
        .collect();
    assert_ne!(lines, at_lockers);
    lines.extend(at_lockers);
    // A user name that looks like a line of its own, and one that looks like a locker's.
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    for user in [
        "x: verdict=accepted reason=code_accepted",
        "pam_authy(locker)",
        "x\" verdict=accepted",
    ] {
        host.login(user, &["1111111"]);
    }
    lines.extend(as_written(&host, 3));
    let mut count = Command::new(root().join(EXAMPLES).join("journald/count-verdicts"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines.join("\n") + "\n";
    count
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();

    let output = count.wait_with_output().unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = text.split_whitespace().collect();
    assert_eq!(
        words,
        [
            "3",
            "verdict=refused",
            "reason=unenrolled",
            "2",
            "verdict=refused",
            "reason=wrong_code",
            "1",
            "verdict=accepted",
            "reason=code_accepted"
        ]
    );
}

/// The examples use the right names of our files and commands.
#[test]
fn the_fleet_examples_write_files_of_the_right_mode_and_call_what_there_is() {
    let table = [
        (
            "ansible/pam_authy.yml",
            &[
                "mode: \"0600\"",
                "authyctl pam enable sshd --rollback-after 300",
                "authyctl pam confirm",
                "AuthenticationMethods publickey",
            ][..],
        ),
        (
            "puppet/pam_authy.pp",
            &[
                "'0600'",
                "authyctl pam enable sshd",
                "/etc/pam_authy/users.toml",
                "authyctl check --users %",
            ],
        ),
        (
            "cloud-init/user-data.yml",
            &["authyctl init", "[authyctl, pam, enable, sshd, --now]"],
        ),
    ];
    check_rows(table, |(file, needed)| {
        let text = fs::read_to_string(Path::new(root()).join(EXAMPLES).join(file)).unwrap();
        check_rows(needed, |word| {
            assert!(text.contains(word), "{word} is missing in {file}");
        });
    });
}
