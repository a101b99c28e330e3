//! An outage that mallory makes, where the administrator lets logins continue without a second
//! factor while the service is unavailable.

use std::hash::{BuildHasher, RandomState};
use std::net::UdpSocket;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde_json::{Value, json};

use super::attacker::{Mallory, as_attacker, say};
use super::edition::Edition;
use super::network;
use super::su::Su;
use super::target::{PASSWORD, Target, WRONG};
use super::watch;
use crate::common::sandbox::sandboxed;
use crate::common::{rounds, test_name};

const RULES: &str = "[login]\nrefusal_seconds = 0\nattempts = 1\n[limits]\nrefused_tokens = 100\n\
    [service.su]\nwhen_unavailable = \"ignore\"\n";

/// So many free ports are enough for what su or an engine looks at.
const FEW: usize = 16;

/// mallory has taken all UDP ports when the name of the service is looked up, and releases some when
/// that look-up has failed, so that su finds nothing missing when it asks for the reason.
#[test]
#[ignore = "needs root"]
fn udp_ports_taken_and_released_make_no_outage() {
    if let Some(orders) = as_attacker() {
        return take_and_release(&orders);
    }
    sandboxed!();
    if !network::is_own(test_name!()) {
        return;
    }
    let name_server_fails = network::set_up();
    let target = Target::set_up(RULES);
    target.host.replace("//127.0.0.1:", "//localhost:");
    name_server_fails.store(true, Ordering::Relaxed);
    let (passes, _) = target.su_of_other(&[WRONG]);
    assert!(passes, "a real outage lets in: {:?}", target.host.log());
    name_server_fails.store(false, Ordering::Relaxed);
    let (passes, _) = target.su_of_other(&[WRONG]);
    assert!(!passes, "the name is found: {:?}", target.host.log());
    // An address that was once good may be used again; the attack is to begin without one.
    target.forget_state();

    // On the first edition one try in ten or so succeeds.
    let tries = match target.edition {
        Edition::First => 300,
        Edition::Product => rounds(25),
    };
    let mut mallory = Mallory::start(test_name!(), &json!({"tries": tries}));
    let heard = mallory.hears();
    mallory.finish();
    let ignored = target
        .host
        .audit_of_processes()
        .iter()
        .filter(|line| line.starts_with("verdict=ignored"))
        .count();
    let succeeded = heard["in_at"].is_u64();
    target.edition.judge(succeeded, &heard);
    assert_eq!(
        ignored,
        1 + usize::from(succeeded),
        "{:?}",
        target.host.audit_of_processes()
    );
}

fn take_and_release(orders: &Value) {
    let tries = orders["tries"].as_u64().unwrap();
    let in_at = (0..tries).find(|tried| {
        let mut ports = network::take_ports();
        let Some(mut su) = Su::at_prompt(&["taskset", "--cpu-list", "0"], "root", PASSWORD) else {
            return false;
        };
        let login = [vec![su.pid()], watch::engines()].concat();
        su.reply(WRONG);
        let kept = ports.len().saturating_sub(FEW);
        match tried % 4 {
            0 => toggle(&su, &mut ports),
            1 => std::thread::sleep(Duration::from_micros(400 * (tried % 16))),
            _ => wait_for_look_up(&login),
        }
        ports.truncate(kept);
        std::thread::sleep(Duration::from_millis(20));
        drop(ports);
        su.became_root()
    });
    say(&json!({"tries": tries, "in_at": in_at}));
}

/// Waits until a thread that has begun since now, and looks the name up, has ended.
fn wait_for_look_up(login: &[Pid]) {
    let threads = || login.iter().map(|pid| watch::threads(*pid)).sum::<u64>();
    let until = Instant::now() + Duration::from_millis(500);
    let before = threads();
    let mut most = before;
    while Instant::now() < until {
        let now = threads();
        if most > before && now < most {
            return;
        }
        most = most.max(now);
    }
}

/// Releases a few ports and takes them again for as long as su runs, each after a random moment.
fn toggle(su: &Su, ports: &mut Vec<UdpSocket>) {
    let kept = ports.len().saturating_sub(FEW);
    let random = RandomState::new();
    let until = Instant::now() + Duration::from_secs(2);
    let pause = |turn: u64| std::thread::sleep(Duration::from_micros(random.hash_one(turn) % 1500));
    for turn in 0.. {
        if Instant::now() > until || !matches!(watch::state(su.pid()), Some('R' | 'S' | 'D')) {
            return;
        }
        ports.truncate(kept);
        pause(2 * turn);
        ports.extend(network::take_ports());
        pause(2 * turn + 1);
    }
}
