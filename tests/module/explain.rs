//! Which file and line `authyctl explain` names for a login over ssh, with real sshd.

use std::fs;
use std::process::Command;

use super::doctor::host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;

const DROP_IN: &str = "/etc/ssh/sshd_config.d/30-own.conf";

/// The user, sshd_config, the drop-in, what is said.
type Row = (&'static str, &'static str, &'static str, &'static str);

const INCLUDE: &str = "Include /etc/ssh/sshd_config.d/30-*.conf\n";
const SSHD: &str = "(/etc/ssh/sshd_config:";
const ROWS: [Row; 12] = [
    (
        "robot",
        "AuthenticationMethods keyboard-interactive\n",
        "# own\nMatch User !pat,rob*\n  AuthenticationMethods publickey\n",
        "by `publickey` alone (/etc/ssh/sshd_config.d/30-own.conf:3)",
    ),
    (
        "robot",
        "AuthenticationMethods keyboard-interactive\n",
        "Match User pat\nAuthenticationMethods publickey\nMatch Group staff,robots\nAuthenticationMethods=publickey\n",
        "by `publickey` alone (/etc/ssh/sshd_config.d/30-own.conf:4)",
    ),
    (
        "robot",
        "AuthenticationMethods publickey\n",
        "Match Address 10.0.0.0/8\nAuthenticationMethods publickey\nMatch Address 192.0.2.0/24\nAuthenticationMethods publickey\n",
        "by `publickey` alone (/etc/ssh/sshd_config.d/30-own.conf:4)",
    ),
    (
        "robot",
        "AuthenticationMethods publickey\n",
        "",
        "by `publickey` alone (/etc/ssh/sshd_config:4)",
    ),
    (
        "robot",
        "",
        "authenticationmethods publickey\n",
        "by `publickey` alone (/etc/ssh/sshd_config.d/30-own.conf:1)",
    ),
    (
        "robot",
        "AuthenticationMethods any\n",
        "ChallengeResponseAuthentication no\nPasswordAuthentication no\n",
        "by `publickey` alone (/etc/ssh/sshd_config.d/30-own.conf:1)",
    ),
    (
        "robot",
        "AuthenticationMethods keyboard-interactive\n",
        "UsePAM no\n",
        "UsePAM is off: sshd does not call PAM (/etc/ssh/sshd_config.d/30-own.conf:1)",
    ),
    (
        "robot",
        "KbdInteractiveAuthentication yes\n",
        "",
        "sshd lets robot in by `publickey` alone, too",
    ),
    (
        "pat",
        "AuthenticationMethods keyboard-interactive\n",
        "Match User !pat,*\nAuthenticationMethods publickey\n",
        "pat for sshd from 192.0.2.7: required",
    ),
    (
        "robot",
        "AuthenticationMethods publickey\n",
        "DenyUsers rob*\nMatch User pat\nDenyUsers x\nMatch User *\nDenyGroups robots\n",
        "sshd refuses robot, whatever is typed",
    ),
    (
        "root",
        "AuthenticationMethods publickey\n",
        "",
        "sshd refuses root, whatever is typed",
    ),
    (
        "pat",
        "AuthenticationMethods keyboard-interactive\nMatch Address 192.0.2.0/24\nInclude /etc/ssh/*.inc\n",
        "",
        "by `publickey` alone (/etc/ssh/office.inc:2)",
    ),
];

fn explain(sim: &Sim, user: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["explain", user, "--service", "sshd", "--rhost", "192.0.2.7"])
        .arg("--config")
        .arg(sim.path("config.toml"))
        .arg("--users")
        .arg(sim.path("users.toml"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs root"]
fn explain_names_the_line_of_sshds_settings_that_decides() {
    sandboxed!();
    let sim = host("");
    let made = "useradd pat; groupadd robots; useradd -m -s /bin/sh -G robots robot";
    assert!(
        Command::new("sh")
            .args(["-ec", made])
            .status()
            .unwrap()
            .success()
    );
    fs::create_dir_all("/etc/ssh/sshd_config.d").unwrap();
    let office = "# the office\nAuthenticationMethods publickey\n";
    fs::write("/etc/ssh/office.inc", office).unwrap();
    check_rows(ROWS, |(user, config, drop_in, expected)| {
        fs::write(DROP_IN, drop_in).unwrap();
        let config = format!("PermitRootLogin no\n{INCLUDE}UsePAM yes\n{config}");
        fs::write("/etc/ssh/sshd_config", config).unwrap();
        let said = explain(&sim, user);
        assert!(said.contains(expected), "{said}");
        let is_main = expected.contains(SSHD);
        assert_eq!(said.contains(SSHD), is_main, "{said}");
    });
}
