//! Who may ask the service, and how many logins it decides at once.

use std::path::Path;

use pam_authy::base::attempt::{Attempt, Process};
use pam_authy::protocol::{FromEngine, FromModule, Start, UserName, VERSION};

use super::{Client, SU};
use crate::common::application::{Running, command, run};
use crate::common::child::{as_child, child, ends_well};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;
use crate::common::test_name;

/// The most logins at once of a user who is not root.
pub(super) const ONE: usize = 16;

/// The start of a login by a process with these ids.
pub(super) fn start(host: &Host, uid: u32, effective_uid: u32) -> FromModule {
    start_of(&host.config, &host.users, uid, effective_uid)
}

/// The same with these files.
pub(super) fn start_of(config: &Path, users: &Path, uid: u32, effective_uid: u32) -> FromModule {
    FromModule::Start(Box::new(Start {
        version: VERSION,
        name: UserName::Known,
        flags: 0,
        ssh_connection: None,
        arguments: vec![
            format!("config={}", config.display()),
            format!("users={}", users.display()),
        ],
        attempt: Attempt {
            user: "alice".into(),
            service: "sshd".into(),
            process: Process {
                pid: std::process::id(),
                uid,
                effective_uid,
                ..Process::default()
            },
            ..Attempt::default()
        },
    }))
}

#[test]
#[ignore = "needs root"]
fn the_service_tells_root_its_version_and_when_it_began() {
    sandboxed!();
    let _service = Service::start();
    let mut client = Client::connect().unwrap();
    client.send(&FromModule::AskStatus);
    let Some(FromEngine::Status { program, started }) = client.receive() else {
        panic!("no status");
    };
    assert_eq!(program, env!("CARGO_PKG_VERSION"));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!((now.as_secs() - 60..=now.as_secs()).contains(&started));
    assert!(client.receive().is_none(), "a login after the status");
}

#[test]
#[ignore = "needs root"]
fn a_login_is_begun_only_by_the_process_that_the_kernel_names() {
    sandboxed!();
    let host = Host::new();
    let _service = Service::start();
    let rows = [
        (0, 0, true),
        (1000, 0, false),
        (0, 1000, false),
        (1000, 1000, false),
    ];
    check_rows(rows, |(uid, effective_uid, begins)| {
        let mut client = Client::connect().unwrap();
        client.send(&start(&host, uid, effective_uid));
        assert_eq!(client.receive().is_some(), begins);
    });
}

#[test]
#[ignore = "needs root"]
fn the_caller_of_su_keeps_no_connection_without_a_login() {
    if as_child().is_some() {
        let mut client = Client::connect().unwrap();
        // Root would be waited for twice as long as this.
        client
            .0
            .receive(std::time::Instant::now() + std::time::Duration::from_secs(6))
            .unwrap_err();
        let closed = client.0.is_closed();
        assert!(closed, "the connection is still open");
        return;
    }
    sandboxed!();
    let _service = Service::start();
    let folder = tempfile::tempdir().unwrap();
    let wrapper = format!("exec {} -- \"$0\" \"$@\"", SU.join(" "));
    ends_well(child(&wrapper, test_name!(), folder.path()));
}

#[test]
#[ignore = "needs root"]
fn one_user_at_sixteen_prompts_keeps_nobody_else_from_logging_in() {
    sandboxed!();
    let host = Host::new().by_service();
    let _service = Service::start();
    let prompt = |wrapper: &[&str]| {
        let mut login = Running::start(command(&host, "alice", wrapper, &["-v"]));
        login.wait_for("prompt ");
        login
    };
    let mut waiting: Vec<_> = (0..ONE).map(|_| prompt(&SU)).collect();

    let more = run(command(&host, "alice", &SU, &[]), &["1234567"]);
    assert_eq!(more.names(), ["PAM_SERVICE_ERR"], "{}", more.text);
    // Another user, and root.
    let other = ["setpriv", "--ruid", "12346", "--clear-groups"];
    waiting.extend([&other[..], &[]].map(prompt));

    let mut first = waiting.remove(0);
    first.reply(&host.sim.token(1635));
    assert_eq!(first.finish().names(), ["PAM_SUCCESS"]);
    waiting.push(prompt(&SU));
    for login in waiting {
        login.finish();
    }
}
