//! polkit's helper from version 127 on: without a network, without new privileges, on a read-only
//! system, with no socket but Unix ones (polkit-agent-helper@.service). The service decides for it.

use super::SU;
use crate::common::application::{command, run};
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;

/// The surroundings of the helper, but for its filter of system calls (the application's `-x`).
pub(crate) const JAIL: [&str; 6] = [
    "unshare",
    "--net",
    "--mount",
    "sh",
    "-c",
    "mount --make-rprivate / && mount -o remount,bind,ro / && \
     { ! mountpoint -q /run || mount -o remount,bind,ro /run; } && exec \"$0\" \"$@\"",
];

#[test]
#[ignore = "needs root"]
fn a_helper_without_a_network_logs_in_by_the_service_and_not_without() {
    sandboxed!();
    let host = Host::new().installed();
    let log_in = |wrapper: &[&str], code: &str| {
        let said = run(command(&host, "alice", wrapper, &["-x"]), &[code]);
        (said.names().first().copied(), said.text)
    };
    // An engine that the helper starts is in its surroundings, too, and reaches nothing.
    let alone = log_in(&JAIL, &host.sim.token(1635));
    assert_ne!(alone.0, Some("PAM_SUCCESS"), "{alone:?}");
    assert_ne!(alone.0, Some("PAM_IGNORE"), "{alone:?}");

    let _service = Service::start();
    let right = log_in(&JAIL, &host.sim.token(1635));
    assert_eq!(right.0, Some("PAM_SUCCESS"), "{right:?} {}", host.log());
    let wrong = log_in(&JAIL, "0000000");
    assert_ne!(wrong.0, Some("PAM_SUCCESS"), "{wrong:?}");
    // Before 127 it is a set-user-ID program.
    let old = log_in(&SU, &host.sim.token(1635));
    assert_eq!(old.0, Some("PAM_SUCCESS"), "{old:?} {}", host.log());
}
