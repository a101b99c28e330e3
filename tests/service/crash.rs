//! The process of one login crashes or is killed: that login is refused, and no other notices.

use nix::sys::signal::{Signal, kill};

use super::SU;
use super::load::descriptors;
use super::peers::ONE;
use crate::common::application::{Running, command};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;
use crate::common::syslog::Syslog;

#[test]
#[ignore = "needs root"]
fn a_login_whose_process_ends_early_is_refused_and_frees_its_place() {
    sandboxed!();
    let host = Host::new().by_service();
    let service = Service::start();
    let before = descriptors(&service, 0);
    let log = Syslog::start();
    let prompt = || {
        let mut login = Running::start(command(&host, "alice", &SU, &["-v"]));
        login.wait_for("prompt ");
        login
    };
    // The last of them is the last child of the listener.
    let mut waiting: Vec<_> = (0..ONE).map(|_| prompt()).collect();
    let mut reports = 0;
    check_rows([Signal::SIGKILL, Signal::SIGABRT], |how| {
        let logins = service.logins();
        assert_eq!(logins.len(), ONE);
        kill(*logins.last().unwrap(), how).unwrap();
        let mut login = waiting.pop().unwrap();
        // It may be told at once, or with the next reply.
        login.reply("1234567");
        assert_eq!(login.finish().names(), ["PAM_SERVICE_ERR"], "{how}");
        reports += 1;
        let lines = log.lines("verdict=error reason=engine");
        assert_eq!(lines.len(), reports, "{lines:?}");
        // Its place is free, for one more alone.
        waiting.push(prompt());
        let more = Running::start(command(&host, "alice", &SU, &[])).finish();
        assert_eq!(more.names(), ["PAM_SERVICE_ERR"]);
        reports += 1;
    });
    let mut first = waiting.remove(0);
    first.reply(&host.sim.token(1635));
    assert_eq!(first.finish().names(), ["PAM_SUCCESS"], "{}", host.log());
    waiting.into_iter().for_each(|login| drop(login.finish()));
    assert_eq!(descriptors(&service, 0), before);
}
