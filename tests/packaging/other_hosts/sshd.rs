//! sshd of the release, with the ssh of the same release.

use std::fs;
use std::process::Output;

use super::super::deb::Packages;
use super::super::machine::{USER, is_inside};
use super::host::{OtherHost, Way};
use crate::common::sandbox::sandboxed;
use crate::module::security_keys::sk_dummy;

fn check_line(line: &str, verdict: &str) {
    for part in [
        "pam_authy(sshd:auth)",
        verdict,
        "uid=0 peer=root rhost=\"127.0.0.1\" tty=\"ssh\" user=\"pat\"",
        "provider=totp",
    ] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
}

/// Checks a wrong code, a right one and a code that is used up, at sshd as it is set up.
fn asks_for_a_code(host: &OtherHost, log_in: impl Fn(&[&str]) -> Output) {
    let line = host.audited(|| assert!(!is_inside(&log_in(&["000000"]))));
    check_line(&line, "verdict=refused reason=wrong_code");
    let code = host.code();
    let line = host.audited(|| {
        let output = log_in(&[&code]);
        assert!(is_inside(&output), "{output:?}");
    });
    check_line(&line, "verdict=accepted reason=code_accepted");
    let line = host.audited(|| assert!(!is_inside(&log_in(&[&code]))));
    check_line(&line, "verdict=refused reason=wrong_code");
}

#[test]
#[ignore = "needs root"]
fn sshd_of_another_debian_asks_for_a_code_behind_the_password_or_the_key() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let mut host = OtherHost::protected(&packages, Way::Spawn);
    host.shell(&format!(
        "install -d -o {USER} /home/{USER}/.ssh; \
         ssh-keygen -q -t ed25519 -N '' -f /run/client/key; \
         cp /run/client/key.pub /home/{USER}/.ssh/authorized_keys"
    ));
    let by_password = |host: &OtherHost, codes: &[&str]| host.bare.client.log_in(codes);
    let by_key = |host: &OtherHost, codes: &[&str]| {
        let options = ["IdentityFile=/run/client/key"];
        host.bare.client.log_in_with(USER, codes, &options)
    };

    for way in [Way::Spawn, Way::Service] {
        if way == Way::Service {
            host.start_service();
        }
        asks_for_a_code(&host, |codes| by_password(&host, codes));
        host.shell("authyctl pam disable sshd; authyctl pam enable sshd --with-key --now");
        host.bare.client.wait_for_sshd();
        asks_for_a_code(&host, |codes| by_key(&host, codes));
        let code = host.code();
        assert!(!is_inside(&by_password(&host, &[&code])), "without the key");
        host.shell("authyctl pam disable sshd");
        host.bare.client.wait_for_sshd();
        assert!(is_inside(&by_key(&host, &[])), "disabled");
        host.shell("authyctl pam enable sshd --now");
        host.bare.client.wait_for_sshd();
        let root = host.bare.root();
        assert_eq!(
            fs::exists(root.join("run/pam_authy")).unwrap(),
            way == Way::Service
        );
    }
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn sshd_of_another_debian_says_which_security_key_it_has_accepted() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let host = OtherHost::protected(&packages, Way::Service);
    fs::copy(sk_dummy(), host.bare.root().join("run/client/sk-dummy.so")).unwrap();
    host.shell(&format!(
        "sed -i 's/^#factors = .*/factors = [\"token\", \"security-key\"]/' \
             /etc/pam_authy/config.toml; grep -q '^factors = ' /etc/pam_authy/config.toml; \
         export SSH_SK_PROVIDER=/run/client/sk-dummy.so; \
         ssh-keygen -q -t ed25519-sk -N '' -f /run/client/sk; \
         ssh-keygen -q -t ed25519-sk -N '' -f /run/client/other; \
         install -d -o {USER} /home/{USER}/.ssh; \
         cat /run/client/sk.pub /run/client/other.pub >/home/{USER}/.ssh/authorized_keys; \
         authyctl enroll {USER} --security-key /run/client/sk.pub; \
         authyctl pam disable sshd; authyctl pam enable sshd --with-key --now"
    ));
    host.bare.client.wait_for_sshd();
    let log_in = |key: &str| {
        let key = format!("IdentityFile=/run/client/{key}");
        let provider = "SecurityKeyProvider=/run/client/sk-dummy.so";
        let client = &host.bare.client;
        client.log_in_with(USER, &["000000"], &[&key, provider])
    };

    let line = host.audited(|| {
        let output = log_in("sk");
        assert!(is_inside(&output), "{output:?}");
    });
    assert!(
        line.contains("verdict=accepted reason=security_key"),
        "{line}"
    );
    let line = host.audited(|| assert!(!is_inside(&log_in("other"))));
    assert!(line.contains("verdict=refused reason=wrong_code"), "{line}");
}

/// Whether this release's sshd sends each notice at once: OpenSSH 10.3 and newer. Before, a notice
/// waits for the next prompt.
fn sends_notices_at_once(host: &OtherHost) -> bool {
    let version = host.shell("ssh -V 2>&1");
    let numbers = version.trim_start_matches("OpenSSH_").split(['.', 'p']);
    let numbers: Vec<u32> = numbers
        .take(2)
        .map(|n| n.parse().expect(&version))
        .collect();
    numbers >= vec![10, 3]
}

/// Types a wrong code at the first prompt, and `last` at the second one; returns the screen.
fn answer_twice(host: &OtherHost, command: &str, last: &str, end: &str) -> String {
    let terminal = host.terminal(command);
    OtherHost::type_both(&terminal, "000000");
    let is_second = |text: &str| text.matches("erification code").count() == 2;
    terminal.settle("second prompt", is_second);
    terminal.press(&[last, "Enter"]);
    terminal.settle(end, |text| text.contains(end))
}

#[test]
#[ignore = "needs root"]
fn notices_of_another_debian_reach_the_terminal_of_ssh_and_no_output_of_a_command() {
    let packages = Packages::of("0.1.0-1");
    sandboxed!();
    let host = OtherHost::protected(&packages, Way::Service);
    host.shell("sed -i 's/^attempts = 1/attempts = 2/' /etc/pam_authy/config.toml");
    let output = host.bare.root().join("run/client/output");
    let command = format!("{} >{}", host.ssh("echo inside"), output.display());

    let accepted = answer_twice(&host, &command, &host.code(), "ended with 0");
    let refused = answer_twice(&host, &command, "000001", "'s password:");

    let has = |screen: &str, line: &str| screen.lines().any(|shown| shown == line);
    let own = "That code was not accepted.";
    let at_once = sends_notices_at_once(&host);
    assert_eq!(has(&accepted, own), at_once, "{accepted}");
    let before_prompt = format!("({USER}@127.0.0.1) {own}");
    assert_eq!(has(&accepted, &before_prompt), !at_once, "{accepted}");
    let count = "Codes not accepted or pushes denied since your last login: 1.";
    assert!(has(&accepted, count), "{accepted}");
    assert!(
        refused.contains("No attempts are left: close this connection"),
        "{refused}"
    );
    assert_eq!(
        fs::read_to_string(output).unwrap(),
        "",
        "the second login is refused"
    );
    let code = host.code();
    assert_eq!(
        host.bare.client.log_in(&["000000", &code]).stdout,
        b"inside\n"
    );
}
