//! A su that is stopped while it has the lock of a count that others need.
//!
//! mallory's su runs on one processor, as seldom as the kernel allows (SCHED_IDLE beside a busy
//! process), so that a lock which it has for a few microseconds can be seen in /proc/locks in time.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::attacker::{Mallory, as_attacker, say, wait_for_test};
use super::edition::Edition;
use super::su::Su;
use super::target::{ATTACKER, PASSWORD, Target, WRONG};
use super::watch::Locks;
use crate::common::sandbox::sandboxed;
use crate::common::{rounds, test_name};

const RULES: &str = "[login]\nrefusal_seconds = 0\n[limits]\nrefused_tokens = 100\n";
/// A stopped su may delay others by this much at most, beside what a login takes anyway.
const PATIENCE: Duration = Duration::from_secs(1);
/// A reply is answered within this time, however seldom su runs.
const LONG: Duration = Duration::from_secs(5);

/// Where su runs. Its caller may choose that before it starts, and not later (cap_task_setscheduler).
pub(super) const SELDOM: [&str; 6] = ["taskset", "--cpu-list", "0", "chrt", "--idle", "0"];

/// Keeps the processor of [`SELDOM`] busy until it is dropped.
pub(super) struct Busy(Child);

impl Busy {
    pub(super) fn start() -> Self {
        let spin = "while :; do :; done";
        let words = ["--cpu-list", "0", "sh", "-c", spin];
        Self(Command::new("taskset").args(words).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How often mallory starts su to catch it with a lock. On the first edition nearly every try succeeds.
fn orders(edition: Edition) -> Value {
    json!({"tries": match edition {
        Edition::First => 20,
        // Wrong codes of both accounts count for one phone: fewer than make a pause.
        Edition::Product => rounds(5).min(20),
    }})
}

/// Waits for a lock of `su` that `wanted` accepts, and stops it there. False if su reacts to the
/// reply before one is seen.
fn stops_with_lock(su: &Su, locks: &Locks, wanted: impl Fn(&str) -> bool) -> bool {
    let until = Instant::now() + LONG;
    while Instant::now() < until && !su.has_reacted() {
        for _ in 0..50 {
            if !locks.of(su.pid()).is_some_and(|file| wanted(&file)) {
                continue;
            }
            su.stop();
            if locks.of(su.pid()).is_some_and(|file| wanted(&file)) {
                return true;
            }
            su.signal(Signal::SIGCONT);
        }
    }
    false
}

/// Runs su until it is stopped with a lock. `None` if that does not happen.
fn catch(
    orders: &Value,
    target: &str,
    replies: &[&str],
    wanted: impl Fn(&str) -> bool,
) -> Option<Su> {
    let locks = Locks::open();
    for tried in 0..orders["tries"].as_u64().unwrap() {
        let Some(mut su) = Su::at_prompt(&SELDOM, target, PASSWORD) else {
            continue;
        };
        let _busy = Busy::start();
        for reply in replies {
            su.reply(reply);
            if stops_with_lock(&su, &locks, &wanted) {
                eprintln!("caught by try {tried}, {reply}: {:?}", locks.of(su.pid()));
                return Some(su);
            }
        }
    }
    None
}

/// In mallory's process: holds the caught su until the test has looked, or stopped ones that have no
/// lock in sight.
fn hold(target: &str, reply: &str, caught: Option<Su>) {
    let has_lock = caught.is_some();
    let mut all: Vec<Su> = caught.into_iter().collect();
    for after in [0, 1, 2, 5, 10, 20].into_iter().filter(|_| !has_lock) {
        all.extend(Su::at_prompt(&[], target, PASSWORD));
        let Some(su) = all.last_mut() else { continue };
        su.reply(reply);
        std::thread::sleep(Duration::from_millis(after));
        su.stop();
    }
    let stopped: Vec<Pid> = all.iter().map(Su::pid).collect();
    say(&json!({"has_lock": has_lock, "stopped": stopped.len()}));
    wait_for_test();
}

/// Which file mallory's su locks for a refused code: their own count, which harms no other user.
fn own_lock(orders: &Value) -> Option<String> {
    let locks = Locks::open();
    for _ in 0..orders["tries"].as_u64().unwrap() {
        let mut su = Su::at_prompt(&SELDOM, ATTACKER, PASSWORD)?;
        let _busy = Busy::start();
        su.reply(WRONG);
        let until = Instant::now() + LONG;
        while Instant::now() < until && !su.has_reacted() {
            if let Some(file) = locks.of(su.pid()) {
                return Some(file);
            }
        }
    }
    None
}

/// Sends of logins without an address are counted together, in one file.
#[test]
#[ignore = "needs root"]
fn a_stopped_su_blocks_nobodys_sms() {
    if let Some(orders) = as_attacker() {
        let own = own_lock(&orders);
        let caught = catch(&orders, ATTACKER, &["sms", "call", "push"], |file| {
            Some(file) != own.as_deref()
        });
        return hold(ATTACKER, "sms", caught);
    }
    sandboxed!();
    let target = Target::set_up(RULES);
    let sent = || {
        target
            .host
            .sim
            .requests()
            .iter()
            .filter(|path| path.contains("/sms/1635"))
            .count()
    };
    target.su_of_other(&["sms", &target.right()]);
    assert_eq!(sent(), 1, "without an attack it is sent");

    let mut mallory = Mallory::start(test_name!(), &orders(target.edition));
    let caught = mallory.hears();
    let (works, took) = target.su_of_other(&["sms", &target.right()]);
    let blocked = sent() == 1;
    mallory.go_on();
    mallory.finish();
    target.su_of_other(&["sms", &target.right()]);
    let after = sent();

    let evidence =
        json!({"caught": caught, "blocked": blocked, "sent_after": after, "login_works": works});
    target.edition.judge(blocked, &evidence);
    assert!(took < PATIENCE * 5, "{took:?}");
}

/// The counts of a user are needed by each of their logins, by whatever service.
#[test]
#[ignore = "needs root"]
fn a_stopped_su_locks_its_target_out_of_no_service() {
    if let Some(orders) = as_attacker() {
        return hold(
            "root",
            WRONG,
            catch(&orders, "root", &[WRONG, WRONG], |_| true),
        );
    }
    sandboxed!();
    let target = Target::set_up(RULES);
    let (works, usual) = target.su_of_other(&[&target.right()]);
    assert!(works && target.ssh_login_works());

    let mut mallory = Mallory::start(test_name!(), &orders(target.edition));
    let caught = mallory.hears();
    let su = target.su_of_other(&[&target.right()]);
    let ssh_works = target.ssh_login_works();
    mallory.go_on();
    mallory.finish();

    let evidence = json!({"caught": caught, "su_works": su.0, "ssh_works": ssh_works});
    target.edition.judge(!su.0 && !ssh_works, &evidence);
    assert!(su.0 == ssh_works, "{evidence}");
    assert!(
        !su.0 || su.1 < usual + PATIENCE,
        "{:?} after {usual:?}",
        su.1
    );
}
