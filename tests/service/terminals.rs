//! login and doas on a terminal, with the service: the password, then the code.

use std::fs;
use std::path::Path;

use super::programs::{PASSWORD, host_of, shell};
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;
use crate::common::terminal::Terminal;

const CODE: &str = "Verification code";

/// Types password and code at the prompts that a program shows.
fn answer(terminal: &Terminal, code: &str) {
    terminal.wait_for("assword");
    terminal.press(&[PASSWORD, "Enter"]);
    terminal.wait_for(CODE);
    terminal.press(&[code, "Enter"]);
}

fn verdicts(host: &Host) -> [usize; 2] {
    ["verdict=accepted", "verdict=refused"].map(|verdict| host.log().matches(verdict).count())
}

#[test]
#[ignore = "needs root"]
fn login_asks_for_the_password_and_a_code() {
    sandboxed!();
    let (host, _service) = host_of("login", false, "[service.login]\nattempts = 1\n");
    let wrong = Terminal::start("login alice");
    answer(&wrong, "0000000");
    wrong.wait_for("Maximum number of tries exceeded");
    assert_eq!(verdicts(&host), [0, 1], "{}", host.log());

    let right = Terminal::start("login alice");
    answer(&right, &host.sim.token(1635));
    right.wait_for("$");
    right.press(&["echo I am $(id -un)", "Enter"]);

    right.wait_for("I am alice");
    assert_eq!(verdicts(&host), [1, 1], "{}", host.log());
}

#[test]
#[ignore = "needs root and doas: scripts/peers.sh doas"]
fn doas_asks_for_the_password_and_a_code() {
    sandboxed!();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/doas");
    assert!(folder.exists(), "run: scripts/peers.sh doas");
    shell(&format!("dpkg -i {}/*.deb", folder.display()));
    fs::write("/etc/doas.conf", "permit alice\n").unwrap();
    shell("chmod 0400 /etc/doas.conf");
    let (host, _service) = host_of("doas", false, "[service.doas]\nattempts = 1\n");
    let as_alice = "runuser -u alice -- doas id -un";
    let wrong = Terminal::start(as_alice);
    answer(&wrong, "0000000");
    wrong.wait_for("ended with 1");
    assert_eq!(verdicts(&host), [0, 1], "{}", host.log());

    let right = Terminal::start(as_alice);
    answer(&right, &host.sim.token(1635));

    let screen = right.wait_for("ended with 0");
    assert!(screen.contains("root"), "{screen}");
    assert_eq!(verdicts(&host), [1, 1], "{}", host.log());
}
