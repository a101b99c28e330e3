//! Many logins at once, and a user who starts as many as the machine takes: no other user is
//! refused or kept waiting, and nothing of it is left.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use super::peers::ONE;
use super::{Client, SU, socket};
use crate::common::application::{Running, command, run};
use crate::common::child::{as_child, child, wait_for_go};
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;
use crate::common::service::{FOLDER, Service};
use crate::common::test_name;
use crate::module::many::{at_once, host};

/// A process of the same user's own, which may use the user socket alone.
const PLAIN: [&str; 6] = [
    "setpriv",
    "--reuid",
    "12345",
    "--regid",
    "12345",
    "--clear-groups",
];
/// How many logins one user starts at once.
const LOGINS: usize = 300;
/// How many connections a process of the flood has at a time.
const THREADS: usize = 32;

/// The number of the listener's descriptors while this many logins are under way, once it has served
/// all connections.
pub(super) fn descriptors(service: &Service, logins: usize) -> usize {
    // Those before this one are served then.
    drop(Client::connect().unwrap());
    service.wait_for_logins(logins);
    service.descriptors()
}

#[test]
#[ignore = "needs root"]
fn two_hundred_logins_at_once_are_all_answered_by_the_service_each_for_its_own_code() {
    sandboxed!();
    let host = host().by_service();
    let service = Service::start();
    let before = descriptors(&service, 0);
    at_once(&host, 200);
    assert_eq!(descriptors(&service, 0), before);
}

/// Starts logins of one user, who waits at every prompt. Returns those that have one.
fn fill(host: &Host) -> Vec<Running> {
    let all: Vec<_> = (0..LOGINS)
        .map(|_| Running::start(command(host, "alice", &SU, &["-v"])))
        .collect();
    let (mut waiting, mut refused) = (Vec::new(), 0);
    for mut login in all {
        // Either a line that begins so, or the verdict.
        if login.wait_for_one_of(&["prompt ", "code "]).0 == "prompt " {
            waiting.push(login);
        } else {
            assert_eq!(login.finish().names(), ["PAM_SERVICE_ERR"]);
            refused += 1;
        }
    }
    assert_eq!((waiting.len(), refused), (ONE, LOGINS - ONE));
    waiting
}

/// Connects to a socket again and again, from many threads, until this process is killed.
fn flood(socket: &Path) {
    // It may connect at all.
    drop(UnixStream::connect(socket).unwrap());
    for _ in 0..THREADS {
        let socket = socket.to_owned();
        thread::spawn(move || {
            loop {
                if let Ok(mut stream) = UnixStream::connect(&socket) {
                    // Until it is closed, or a place is taken for the time that it may be.
                    let _ = stream.read_to_end(&mut Vec::new());
                }
            }
        });
    }
    println!("go");
    thread::sleep(Duration::from_secs(300));
}

/// Starts a flood by a user: the test itself as a child, which floods what `folder` names.
fn start_flood(name: &str, wrapper: &[&str], folder: &Path) -> Child {
    let before = format!("exec {} -- \"$0\" \"$@\"", wrapper.join(" "));
    let mut child = child(&before, name, folder);
    wait_for_go(&mut child);
    child
}

#[test]
#[ignore = "needs root"]
fn a_user_who_starts_every_login_they_can_keeps_neither_root_nor_others_waiting() {
    if let Some(socket) = as_child() {
        return flood(&socket);
    }
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\n[lockers]\nallow = true\n").by_service();
    super::lockers::place(&host);
    let made = Command::new("useradd")
        .args(["--uid", "12345", "kim"])
        .status();
    assert!(made.unwrap().success());
    let service = Service::start();
    let before = descriptors(&service, 0);

    let waiting = fill(&host);
    let user = Path::new(FOLDER).join("user");
    let mut floods = [
        start_flood(test_name!(), &SU, &socket()),
        start_flood(test_name!(), &PLAIN, &user),
    ];
    // Root, and another user of su.
    let other = ["setpriv", "--ruid", "12346", "--clear-groups"];
    for round in 0..10 {
        for wrapper in [&[][..], &other] {
            let begun = Instant::now();
            let login = run(command(&host, "alice", wrapper, &[]), &["0000000"; 3]);
            assert_eq!(
                login.names(),
                ["PAM_MAXTRIES"],
                "round {round}, {wrapper:?}"
            );
            assert!(begun.elapsed() < Duration::from_secs(5), "round {round}");
        }
    }
    for flood in &mut floods {
        assert!(flood.try_wait().unwrap().is_none(), "a flood has ended");
        flood.kill().unwrap();
        flood.wait().unwrap();
    }

    // The places are those of the sixteen that wait, and nothing else is left.
    assert_eq!(descriptors(&service, ONE), before);
    for mut login in waiting {
        login.reply("0000000");
        login.reply("");
        login.reply("");
        assert_eq!(login.finish().names(), ["PAM_MAXTRIES"]);
    }
    service.wait_for_logins(0);
    fill(&host)
        .into_iter()
        .for_each(|login| drop(login.finish()));
}
