//! Real logins by sshd and su, whose lines a real journald takes, and `authyctl audit`, which reads
//! them by systemd's own journalctl.

use std::fs;
use std::process::Command;

use pam_authy::base::audit_line;
use serde_json::Value;

use super::{authyctl, json, run};
use crate::common::host::Host;
use crate::common::journald::Journald;
use crate::common::sandbox::sandboxed;
use crate::module::fail2ban::forge_lines;
use crate::module::sshd::{self, PASSWORD_FIRST, Sshd};
use crate::module::su::Su;

/// Leaves out the log of the simulator, so that the lines go to journald.
fn log_to_journald(host: &Host) {
    let old = host.sim.path("log").display().to_string();
    host.replace(&format!("log = \"{old}\"\n"), "");
}

/// An accepted login, and one with three wrong codes.
fn log_in(sshd: &Sshd) {
    let right = sshd.ssh(sshd::USER, sshd::PASSWORD, &[&sshd.token()]);
    assert!(sshd::is_inside(&right), "{right:?}");
    let wrong = ["1111111", "2222222", "3333333"];
    assert!(!sshd::is_inside(&sshd.ssh(
        sshd::USER,
        sshd::PASSWORD,
        &wrong
    )));
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {entry:#}"))
}

#[test]
#[ignore = "needs root"]
fn journald_has_each_field_of_an_audit_line_and_the_line_itself() {
    sandboxed!();
    let journald = Journald::start();
    let host = Host::new().installed();
    log_to_journald(&host);
    let sshd = Sshd::start_as("sshd", host, PASSWORD_FIRST, "keyboard-interactive");
    log_in(&sshd);

    let entries = journald.entries("verdict=", 4);
    assert_eq!(entries.len(), 4, "{entries:#?}");
    for entry in &entries {
        let line = text(entry, "MESSAGE");
        for (name, value) in audit_line::parse(line).unwrap() {
            let name = format!("PAM_AUTHY_{}", name.to_uppercase());
            assert_eq!(text(entry, &name), value, "{line}");
        }
        let expected = [
            ("SYSLOG_IDENTIFIER", "pam_authy(sshd:auth)"),
            ("SYSLOG_FACILITY", "10"),
            ("SYSLOG_PID", text(entry, "_PID")),
            ("PRIORITY", "5"),
            ("_TRANSPORT", "journal"),
            ("_UID", "0"),
        ];
        for (name, value) in expected {
            assert_eq!(text(entry, name), value, "{entry:#}");
        }
        // journald misses it where the engine ends at once.
        if let Some(program) = entry.get("_EXE") {
            assert_eq!(program, "/usr/libexec/pam_authy/pam_authyd");
        }
    }
    let mut journalctl = Command::new("journalctl");
    journalctl.arg("-D").arg(journald.folder());
    journalctl.args([
        "-q",
        "-o",
        "cat",
        "PAM_AUTHY_USER=pat",
        "PAM_AUTHY_VERDICT=accepted",
    ]);
    let found = String::from_utf8(journalctl.output().unwrap().stdout).unwrap();
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.starts_with("verdict=accepted reason=code_accepted factor=token"));
}

#[test]
#[ignore = "needs root"]
fn audit_shows_what_engine_and_module_wrote_and_nothing_that_a_user_forged() {
    sandboxed!();
    let journald = Journald::start();
    // The module of su finds a service that does not answer, and writes its own line.
    let su = Su::set_up();
    fs::create_dir_all("/run/pam_authy").unwrap();
    let refused = su.run("", "1111111", &[]);
    assert!(!refused.status.success());
    fs::remove_dir("/run/pam_authy").unwrap();
    let host = Host::new().installed();
    log_to_journald(&host);
    let sshd = Sshd::start_as("sshd", host, PASSWORD_FIRST, "keyboard-interactive");
    log_in(&sshd);
    let forged = forge_lines();
    let entries = journald.entries("verdict=", 5 + forged);
    assert_eq!(entries.len(), 5 + forged, "{entries:#?}");
    // The prompt of sudo, which was forged best: journald saw the process that the entry names.
    let mut prompts = entries
        .iter()
        .filter(|entry| text(entry, "MESSAGE").contains(".113.11"));
    let prompt = prompts.next().unwrap();
    assert_eq!(text(prompt, "SYSLOG_PID"), text(prompt, "_PID"));

    let all = json(&authyctl(&["audit", "--json"]).output().unwrap());
    let events = all["events"].as_array().unwrap();
    let words: Vec<_> = (events.iter())
        .map(|event| {
            let words = ["service", "verdict", "reason", "user"].map(|name| text(event, name));
            words.join(" ")
        })
        .collect();
    let expected = [
        "su error engine root",
        "sshd accepted code_accepted pat",
        "sshd refused wrong_code pat",
        "sshd refused wrong_code pat",
        "sshd refused wrong_code pat",
    ];
    assert_eq!(words, expected, "{all:#}");
    assert_eq!(all["unreadable"], 0);
    // The others have another facility, and are not even looked at.
    assert!(all["untrusted"].as_u64().unwrap() >= 3, "{all:#}");
    assert!(text(&all, "warning").contains("any user could have written"));

    let accepted = run(&["audit", "--verdict", "accepted", "--format", "json"]);
    let event: Value = serde_json::from_str(&accepted).unwrap();
    assert_eq!(event, events[1]);
    assert_eq!(event["rhost"], "127.0.0.1");
    let since = run(&["audit", "--since", "1h", "--user", "pat"]);
    assert_eq!(since.lines().count(), 4, "{since}");
    assert!(
        since.lines().all(|line| line.contains(" sshd: verdict=")),
        "{since}"
    );
    assert_eq!(run(&["audit", "--since", "2100-01-01"]), "");
}
