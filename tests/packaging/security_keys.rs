//! docs/security-keys.md, typed by an administrator whose security key is OpenSSH's own sk-dummy
//! (`scripts/peers.sh sk-dummy`): from the key to a login that asks nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::guides::blocks;
use super::machine::{Machine, USER, install_programs, is_inside, let_sudo_remember};
use super::newcomer::{assert_done, confirmed, shell_here, type_line, typed_lines};
use super::{stdout_of, text_of};
use crate::common::sandbox::sandboxed;
use crate::module::security_keys::sk_dummy;

const PAGE: &str = "docs/security-keys.md";

/// The settings of sshd on the page, and where they belong.
const SETTINGS: &str = "PubkeyAuthOptions touch-required\n";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/20-security-keys.conf";

/// The page's line of the log, for this key.
fn line_of_the_log(fingerprint: &str) -> String {
    let page = text_of(PAGE);
    let line = page
        .lines()
        .find(|line| line.contains("reason=security_key"));
    let line = line.unwrap().trim();
    let (before, after) = line.split_once(" security_key=").unwrap();
    let (_, after) = after.split_once(' ').unwrap();
    let line = format!("{before} security_key=\"{fingerprint}\" {after}");
    line.replace("192.0.2.7", "127.0.0.1")
        .replace("\"alice\"", &format!("\"{USER}\""))
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn the_page_leads_an_administrator_to_a_login_by_a_touch() {
    sandboxed!();
    let machine = Machine::new();
    install_programs();
    let_sudo_remember();
    fs::create_dir_all("/etc/pam_authy").unwrap();
    machine.set_up("");
    let home = Path::new("/home").join(USER).join(".ssh");
    fs::create_dir(&home).unwrap();
    stdout_of(Command::new("chown").arg(USER).arg(&home));
    let key = home.join("id_ed25519_sk");
    let log_in = |codes: &[&str], key: &Path| {
        let identity = format!("IdentityFile={}", key.display());
        let provider = format!("SecurityKeyProvider={}", sk_dummy().display());
        machine.log_in_with(USER, codes, &[&identity, &provider])
    };
    let page = text_of(PAGE);
    assert!(page.contains(DROP_IN) && page.contains(SETTINGS));

    let lines = typed_lines(PAGE, "The first login with a security key");
    assert_eq!(lines.len(), 5, "{lines:?}");
    for line in &lines {
        let there = format!("cd {} && {line}", home.display());
        if line.starts_with("ssh-keygen ") {
            let provider = sk_dummy();
            let more = format!("-q -N '' -f id_ed25519_sk -w {}", provider.display());
            assert_done(line, &type_line(&format!("{there} {more}"), ""));
        } else if line.starts_with("ssh-copy-id ") || line.starts_with("scp ") {
            // The other host of the page is this one.
            fs::copy(key.with_extension("pub"), home.join("authorized_keys")).unwrap();
        } else if line.contains("pam enable") {
            let config = "/etc/pam_authy/config.toml";
            let rules = blocks(PAGE, "toml").remove(0);
            let text = fs::read_to_string(config).unwrap();
            fs::write(config, format!("{text}\n{rules}")).unwrap();
            fs::write(DROP_IN, SETTINGS).unwrap();
            confirmed(&shell_here(line), || {
                machine.wait_for_sshd();
                assert!(is_inside(&log_in(&[], &key)));
            });
        } else {
            assert_done(line, &type_line(&there, ""));
        }
    }

    let shown = stdout_of(Command::new("ssh-keygen").arg("-lf").arg(&key));
    let expected = line_of_the_log(shown.split(' ').nth(1).unwrap());
    let log = machine.sim.log(|line| line.contains("reason=security_key"));
    let without_process = |line: &str| {
        let (before, after) = line.split_once(" pid=").unwrap();
        let (_, after) = after.split_once(" rhost=").unwrap();
        (
            before.rsplit(": ").next().unwrap().to_owned(),
            after.to_owned(),
        )
    };
    assert_eq!(without_process(&log[0]), without_process(&expected));
    let doctor = type_line("sudo authyctl doctor", "");
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(!said.contains("touch"), "{said}");
    // Another key of the same account is asked for a code.
    machine.put_key();
    assert!(!is_inside(&machine.ssh_by_key(&["0000000"; 3])));
    assert!(is_inside(&machine.ssh_by_key(&[&machine.token()])));
}
