//! Logins outlive the listener: its end, by whatever, ends none of them.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::common::application::{Running, command};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;

#[test]
#[ignore = "needs root"]
fn logins_that_wait_end_well_when_the_listener_is_killed_or_stopped() {
    sandboxed!();
    check_rows([Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT], |how| {
        let host = Host::new().by_service();
        // All of its process group gets the signal, as of a terminal's Ctrl-C.
        // A shell that starts the tests in the background ignores SIGINT for them.
        let mut service = Service::start_in(&["setsid", "env", "--default-signal=INT"]);
        let group = Pid::from_raw(service.child.id().try_into().unwrap());
        let mut waiting: Vec<_> = (0..10)
            .map(|_| {
                let mut login = Running::start(command(&host, "alice", &[], &["-v"]));
                login.wait_for("prompt ");
                login
            })
            .collect();
        killpg(group, how).unwrap();
        service.child.wait().unwrap();
        let _again = Service::start();

        let mut first = waiting.remove(0);
        first.reply(&host.sim.token(1635));
        assert_eq!(first.finish().names(), ["PAM_SUCCESS"], "{}", host.log());
        for mut login in waiting {
            login.reply("0000000");
            login.reply("");
            login.reply("");
            assert_eq!(login.finish().names(), ["PAM_MAXTRIES"], "{}", host.log());
        }
        let log = host.log();
        assert_eq!(log.matches("verdict=accepted").count(), 1, "{log}");
    });
}
