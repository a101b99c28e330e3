//! A thousand logins a minute, for half a minute, and for ten in `make check-long`: each gets its own
//! verdict, and neither the listener nor the state folder grows. The load ends by itself, and where
//! the machine is too slow for the pace, it only takes longer.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use serde_json::json;

use super::load::descriptors;
use crate::common::application::{Running, command};
use crate::common::host::Host;
use crate::common::rounds;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;

/// How many people log in, in turn.
const PEOPLE: usize = 100;
/// How many logins are under way at a time.
const THREADS: usize = 8;
/// From the begin of one login to that of the next.
const PACE: Duration = Duration::from_millis(60);
/// After so many logins everything that is made once is there.
const FIRST: usize = 200;
/// Every limit of messages is above what the logins send.
const CONFIG: &str = "[login]\nrefusal_seconds = 0\nattempts = 1\n\
    [limits]\nsms_per_user = 1000\nsms_per_host = 1000\n";

/// What a person does at the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    TypesRightCode,
    TypesWrongCode,
    AsksForSms,
    Leaves,
}

impl Person {
    /// Each number has another address, and each person does all of it.
    fn of(number: usize) -> Self {
        let turn = number / PEOPLE + number;
        match turn % 20 {
            0 => Self::AsksForSms,
            10 => Self::Leaves,
            other if other % 4 == 3 => Self::TypesWrongCode,
            _ => Self::TypesRightCode,
        }
    }

    /// PAM's code; `None` where the application is killed.
    fn expected(self) -> Option<&'static str> {
        match self {
            Self::TypesRightCode | Self::AsksForSms => Some("PAM_SUCCESS"),
            Self::TypesWrongCode => Some("PAM_MAXTRIES"),
            Self::Leaves => None,
        }
    }
}

/// A host whose people are p2000, p2001, … at Authy.
fn host() -> Host {
    let host = Host::with(CONFIG).by_service();
    let mut mapping = String::new();
    for id in (2000..).take(PEOPLE) {
        let user = json!({"authy_id": id, "email": "p@example.com"});
        host.sim.post("/phone/users", &user);
        mapping += &format!("p{id} = {id}\n");
    }
    host.append(&host.users, &mapping);
    host
}

/// Logs one person in, from an address of their own.
fn log_in(host: &Host, number: usize) {
    let id = 2000 + (number % PEOPLE) as u64;
    let address = format!("198.18.{}.{}", number / 256, number % 256);
    let user = format!("p{id}");
    let mut running = Running::start(command(host, &user, &[], &["-a", &address]));
    running.wait_for("prompt");
    let person = Person::of(number);
    match person {
        Person::TypesRightCode => running.reply(&host.sim.token(id)),
        Person::TypesWrongCode => running.reply(&host.sim.token(1635)),
        Person::AsksForSms => {
            running.reply("sms");
            running.wait_for("prompt");
            running.reply(&host.sim.last_sms(id).expect("an SMS"));
        }
        Person::Leaves => kill(running.pid(), Signal::SIGKILL).unwrap(),
    }
    let said = running.finish();
    let expected: Vec<_> = person.expected().into_iter().collect();
    assert_eq!(
        said.names(),
        expected,
        "{number}: {person:?}, {}",
        said.text
    );
}

/// Logs these people in at the pace, a login from `THREADS` threads at a time.
fn log_all_in(host: &Host, numbers: Range<usize>) {
    let (begun, next) = (Instant::now(), AtomicUsize::new(numbers.start));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let due = PACE * u32::try_from(number - numbers.start).unwrap();
                    thread::sleep(due.saturating_sub(begun.elapsed()));
                    log_in(host, number);
                }
            });
        }
    });
}

/// The number of files below a folder, and their size. `except` is left out.
fn files_below(folder: &Path, except: &Path) -> (usize, u64) {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let others = entries.filter(|entry| entry.path() != except);
    let each = others.map(|entry| match entry.metadata().unwrap() {
        folder if folder.is_dir() => files_below(&entry.path(), except),
        file => (1, file.len()),
    });
    each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// What the service and its state take.
#[derive(Debug)]
struct Size {
    /// The listener's own memory in KiB.
    memory: u64,
    descriptors: usize,
    /// The files of the state and their size, without those of addresses.
    state: (usize, u64),
    /// The same for addresses, each of which has its place in one of 256 files.
    addresses: (usize, u64),
}

impl Size {
    fn of(service: &Service, state: &Path) -> Self {
        let (addresses, other) = (state.join("limits/addresses"), Path::new(""));
        Self {
            // No login is left then.
            descriptors: descriptors(service, 0),
            memory: service.memory(),
            state: files_below(state, &addresses),
            addresses: files_below(&addresses, other),
        }
    }
}

/// How many processes are engines, with those that have ended and that no process has waited for.
fn engines() -> usize {
    let processes = fs::read_dir("/proc").unwrap().map(Result::unwrap);
    let names = processes.flat_map(|process| fs::read_to_string(process.path().join("comm")));
    names.filter(|name| name.trim() == "pam_authyd").count()
}

#[test]
#[ignore = "needs root"]
fn a_thousand_logins_a_minute_get_their_verdicts_and_leave_the_service_as_small_as_it_was() {
    sandboxed!();
    let logins = if rounds(1) == 1 { 500 } else { 10_000 };
    let host = host();
    let service = Service::start();
    let state = host.sim.path("state");
    log_all_in(&host, 0..FIRST);
    let before = Size::of(&service, &state);
    let begun = Instant::now();

    log_all_in(&host, FIRST..logins);

    let after = Size::of(&service, &state);
    println!(
        "{logins} logins: {before:?}, {:?} later {after:?}",
        begun.elapsed()
    );
    assert_eq!(after.descriptors, before.descriptors);
    assert_eq!(engines(), 1);
    assert!(after.memory <= before.memory + 128, "{before:?}, {after:?}");
    assert_eq!(after.state, before.state);
    let (files, bytes) = after.addresses;
    assert!(files <= 256 && bytes <= 256 * 24_000, "{after:?}");
    let of = |code| {
        let all = (0..logins).map(|number| Person::of(number).expected());
        all.filter(|expected| *expected == Some(code)).count()
    };
    let (accepted, refused) = (of("PAM_SUCCESS"), of("PAM_MAXTRIES"));
    let audit = host.audit_of(logins);
    let of = |verdict| {
        audit
            .iter()
            .filter(|line| line.starts_with(verdict))
            .count()
    };
    assert_eq!(
        (of("verdict=accepted"), of("verdict=refused")),
        (accepted, refused)
    );
}
