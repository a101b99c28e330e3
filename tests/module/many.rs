//! Many logins: a thousand in one process, some under valgrind, and 64 processes at once.

use serde_json::json;

use crate::common::application::{Running, command};
use crate::common::host::Host;
use crate::common::rounds;

const SUCCESS: i32 = 0;
const MAXTRIES: i32 = 11;

/// A host whose people have one attempt.
pub(crate) fn host() -> Host {
    Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n")
}

/// Half of the logins are accepted, half are refused.
#[test]
fn a_thousand_logins_in_one_process_leave_descriptors_threads_and_memory_flat() {
    let host = host();
    host.sim
        .answer_verify(200, r#"{"token":"is valid","success":true}"#);
    let pairs = rounds(500);
    let logins = (2 * pairs).to_string();
    let mut running = Running::start(command(&host, "alice", &[], &["-r", &logins]));
    for round in 0..2 * pairs {
        running.wait_for("prompt");
        running.reply(if round % 2 == 0 {
            "1234567"
        } else {
            "not a token"
        });
    }

    let said = running.finish();

    assert_eq!(said.codes(), [SUCCESS, MAXTRIES].repeat(pairs as usize));
    assert!(said.is_unchanged(), "{:?}", said.text.lines().last());
    let (early, late) = said.memory();
    assert!(
        late - early <= 512,
        "{early} KiB after a quarter of {logins} logins, {late} KiB at the end"
    );
}

/// Every invalid access or free, and every unreachable block, fails the run. Two things are left
/// out. Undefined values: ring encrypts in assembler whose instructions memcheck does not follow,
/// so every tag and every byte that is sent counts as undefined. "Possibly lost" blocks: the
/// standard library's handle of the main thread, 48 bytes, made once.
#[test]
#[ignore = "needs root: scripts/prerequisites.sh installs valgrind"]
fn valgrind_finds_no_error_and_no_leak() {
    let host = host();
    let logins = rounds(12);
    let wrapper = [
        "valgrind",
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--undef-value-errors=no",
        "--show-leak-kinds=definite,indirect,possible",
        "--errors-for-leak-kinds=definite,indirect",
        "--child-silent-after-fork=yes",
    ];
    let mut running = Running::start(command(
        &host,
        "alice",
        &wrapper,
        &["-r", &logins.to_string()],
    ));
    for round in 0..logins {
        match round % 4 {
            0 => {}
            1 => host.sim.fault(&json!({"cut_after": 40})),
            2 => host.sim.fault(&json!({"certificate": "expired"})),
            _ => host.sim.fault(&json!({"status": 500})),
        }
        running.wait_for("prompt");
        running.reply(&host.sim.token(1635));
        running.wait_for("code ");
    }

    let said = running.finish();

    assert_eq!(said.status, Some(0), "{}", said.text);
    assert_eq!(said.codes().len(), logins as usize, "{}", said.text);
    assert_eq!(said.codes()[0], SUCCESS);
    assert!(said.is_unchanged(), "{}", said.text);
}

/// Logs this many people in at once, each in a process of their own; every second one types a right
/// code.
pub(crate) fn at_once(host: &Host, count: u64) {
    let people: Vec<u64> = (2000..2000 + count).collect();
    for id in &people {
        host.sim.post(
            "/phone/users",
            &json!({"authy_id": id, "email": "p@example.com"}),
        );
        host.append(&host.users, &format!("p{id} = {id}\n"));
    }
    let mut all: Vec<(u64, Running)> = people
        .iter()
        .map(|id| {
            (
                *id,
                Running::start(command(host, &format!("p{id}"), &[], &[])),
            )
        })
        .collect();
    for (id, running) in &mut all {
        running.wait_for("prompt");
        // A wrong code is the right one of another person.
        let whose = if *id % 2 == 0 { *id } else { 1635 };
        running.reply(&host.sim.token(whose));
    }
    for (id, running) in all {
        let expected = if id % 2 == 0 { SUCCESS } else { MAXTRIES };
        assert_eq!(running.finish().codes(), [expected], "p{id}");
    }
    let half = count as usize / 2;
    assert_eq!(host.sim.count("/verify/"), 2 * half);
    let audit = host.audit_of(2 * half);
    let count = |start: &str| audit.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        (
            audit.len(),
            count("verdict=accepted"),
            count("verdict=refused")
        ),
        (2 * half, half, half)
    );
}

#[test]
fn sixty_four_processes_at_once_let_the_right_ones_in_and_no_other() {
    at_once(&host(), 64);
}

/// Several threads of one process log in at once.
#[test]
fn threads_of_one_process_log_in_side_by_side() {
    let host = host();
    host.sim
        .answer_verify(200, r#"{"token":"is valid","success":true}"#);
    // The first login writes the stack that all threads read.
    assert_eq!(host.login("alice", &["1234567"]).code, "PAM_SUCCESS");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let host = &host;
            scope.spawn(move || {
                let (reply, code) = if number % 2 == 0 {
                    ("1234567", "PAM_SUCCESS")
                } else {
                    ("no token", "PAM_MAXTRIES")
                };
                for _ in 0..10 {
                    assert_eq!(host.login("alice", &[reply]).code, code);
                }
            });
        }
    });
}
