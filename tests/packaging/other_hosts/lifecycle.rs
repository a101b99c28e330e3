//! Installation, an upgrade while logins wait at their prompts, and a purge that leaves nothing.

use super::super::deb::Packages;
use super::super::machine::PASSWORD;
use super::host::{OtherHost, Way};
use crate::common::sandbox::sandboxed;
use crate::common::terminal::Terminal;
use crate::common::totp::oathtool;

/// Logins that wait at the prompt for a code.
fn waiting(host: &OtherHost) -> Vec<Terminal> {
    let commands = [
        host.ssh("echo inside"),
        "runuser -u robin -- su pat -c 'echo inside'".to_owned(),
    ];
    let terminals = commands.map(|command| host.terminal(&command));
    for terminal in &terminals {
        terminal.wait_for("assword");
        terminal.press(&[PASSWORD, "Enter"]);
        terminal.wait_for("erification code");
    }
    terminals.into()
}

fn ends_waiting_logins_well_and_leaves_every_byte(way: Way, old: &Packages, new: &Packages) {
    let mut host = OtherHost::new();
    let before = host.listing();
    host.install(old);
    let stacks = host.shell("grep -rl pam_authy /etc/pam.d /etc/ssh || true");
    assert_eq!(stacks, "", "installing changes no login");
    if way == Way::Service {
        host.start_service();
    }
    host.set_up();
    let secret = host.enroll();
    let terminals = waiting(&host);

    host.install(new);
    if way == Way::Service {
        host.stop_service();
        host.start_service();
    }

    // A code works once; that of the next step is accepted, too.
    for (terminal, ahead) in terminals.iter().zip([0, 30]) {
        terminal.press(&[&oathtool(&secret, ahead), "Enter"]);
        terminal.wait_for("inside");
        terminal.wait_for("ended with 0");
    }
    let terminal = host.terminal("runuser -u robin -- su pat -c 'echo inside'");
    OtherHost::type_both(&terminal, &host.code());
    terminal.wait_for("inside");

    host.stop_service();
    host.shell("authyctl pam disable");
    host.shell("dpkg --purge libpam-authy authyctl authy-sim");
    let after = host.listing();
    let changed: Vec<_> = before.symmetric_difference(&after).collect();
    assert!(changed.is_empty(), "{changed:#?}");
    assert!(!host.has("/run/pam_authy"));
}

#[test]
#[ignore = "needs root"]
fn an_upgrade_on_another_debian_ends_waiting_logins_well_and_a_purge_leaves_every_byte() {
    let (old, new) = (Packages::of("0.0.9-1"), Packages::of("0.1.0-1"));
    sandboxed!();
    ends_waiting_logins_well_and_leaves_every_byte(Way::Service, &old, &new);
}

#[test]
#[ignore = "needs root"]
fn the_same_without_a_service_ends_waiting_logins_well_and_leaves_every_byte() {
    let (old, new) = (Packages::of("0.0.9-1"), Packages::of("0.1.0-1"));
    sandboxed!();
    ends_waiting_logins_well_and_leaves_every_byte(Way::Spawn, &old, &new);
}
