//! Password and code in one reply, with sshd's own method for clients of one field.

use std::fs;

use super::doctor::{host as host_of_doctor, sshd as said_of_sshd};
use super::sshd::{NAME, PASSWORD, Sshd, USER, is_inside};
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;

#[test]
#[ignore = "needs root"]
fn the_password_method_of_sshd_carries_a_code_behind_the_password() {
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\ntoken_in_password = true\n");
    let sshd = Sshd::start(host, "", "keyboard-interactive");
    let module = sshd.host.installed_line("requisite");
    let stack = format!(
        "{module}\nauth required pam_unix.so use_first_pass\naccount required pam_permit.so\nsession required pam_permit.so\n"
    );
    fs::write(format!("/etc/pam.d/{NAME}"), stack).unwrap();
    sshd.reconfigure(|settings| {
        let settings = settings.replace("PasswordAuthentication no", "PasswordAuthentication yes");
        settings.replace("Methods keyboard-interactive", "Methods password")
    });

    let wrong = sshd.ssh(USER, PASSWORD, &[]);
    let right = sshd.ssh(USER, &format!("{PASSWORD}{}", sshd.token()), &[]);

    assert!(!is_inside(&wrong), "{wrong:?}");
    assert!(is_inside(&right), "{right:?} {}", sshd.asked());
}

#[test]
#[ignore = "needs root"]
fn doctor_knows_that_the_password_method_carries_a_code_behind_the_password() {
    sandboxed!();
    let sim = host_of_doctor("");
    let settings = fs::read_to_string("/etc/ssh/sshd_config").unwrap();
    let settings = settings.replace("PasswordAuthentication no", "PasswordAuthentication yes");
    let more = "PermitRootLogin no\nAuthenticationMethods password keyboard-interactive\n";
    fs::write("/etc/ssh/sshd_config", settings + more).unwrap();
    let stack = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    let ours = stack
        .lines()
        .find(|line| line.contains("pam_authy.so"))
        .unwrap();
    let first = format!("{ours}\nauth required pam_unix.so use_first_pass\n");
    let refused = said_of_sshd(&sim);
    fs::write("/etc/pam.d/sshd", first).unwrap();
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    let one_reply = format!("{config}\n[service.sshd]\ntoken_in_password = true\n");
    fs::write(sim.path("config.toml"), one_reply).unwrap();

    let carried = said_of_sshd(&sim);

    assert!(
        refused.contains("`password` cannot carry a code"),
        "{refused}"
    );
    assert!(carried.starts_with("\"ok\""), "{carried}");
}
