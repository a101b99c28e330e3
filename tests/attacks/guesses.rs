//! Codes that are guessed without being counted, so that no pause ever begins.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::attacker::{Mallory, as_attacker, say};
use super::su::Su;
use super::target::{PASSWORD, Target, WRONG};
use super::watch;
use crate::common::sandbox::sandboxed;
use crate::common::{mount, test_name};

/// After so many refused codes a pause begins: the lowest number that can be configured.
const LIMIT: usize = 3;
const RULES: &str = "[login]\nrefusal_seconds = 0\nattempts = 1\n[limits]\nrefused_tokens = 3\n";
/// Wrong guesses before the right one.
const GUESSES: usize = 8;
/// `timeout_seconds` is 1 in these tests.
const TIMEOUT: Duration = Duration::from_millis(1000);

/// Carries out an attack that may guess, and judges it: it succeeded if the right guess let mallory
/// in after more wrong ones than the limit allows.
fn judge(target: &Target, name: &str, orders: &Value) {
    let guesses: Vec<String> = (0..GUESSES).map(|guess| format!("111111{guess}")).collect();
    let mut orders = orders.clone();
    orders["guesses"] = json!([guesses, vec![target.right()]].concat());
    let before = target.asked();
    let mut mallory = Mallory::start(name, &orders);
    let in_at = mallory.hears();
    mallory.finish();
    let (asked, counted) = (target.asked() - before, target.counted());
    let succeeded = in_at == json!(GUESSES) && asked > LIMIT;
    let evidence = json!({"asked": asked, "counted": counted, "in_at": in_at});
    target.edition.judge(succeeded, &evidence);
    assert!(
        succeeded || asked <= LIMIT,
        "more guesses than are allowed: {evidence}"
    );
}

/// In mallory's process: tries the guesses by `act`, and says which one let them in.
fn guess(orders: &Value, act: impl Fn(&mut Su) -> bool) {
    let guesses = orders["guesses"].as_array().unwrap();
    let in_at = guesses.iter().position(|guess| {
        let Some(mut su) = Su::at_prompt(&[], "root", PASSWORD) else {
            return false;
        };
        su.reply(guess.as_str().unwrap());
        act(&mut su) && su.became_root()
    });
    say(&json!(in_at));
}

/// The rule that the attacks try to get round; it applies in both editions.
#[test]
#[ignore = "needs root"]
fn guesses_that_nobody_disturbs_are_paused() {
    if let Some(orders) = as_attacker() {
        return guess(&orders, |_| true);
    }
    sandboxed!();
    let target = Target::set_up(RULES);
    let right = target.right();
    let orders = json!({"guesses": ["1111111", "1111112", "1111113", right]});
    let mut mallory = Mallory::start(test_name!(), &orders);
    assert_eq!(mallory.hears(), json!(null));
    mallory.finish();
    assert_eq!((target.asked(), target.counted()), (LIMIT, LIMIT as u64));
}

/// mallory stops su while the answer waits, and reads its length in /proc/net/tcp. Where it says no,
/// su goes on only after its time-out, and takes the code for one that got no answer.
#[test]
#[ignore = "needs root"]
fn a_stopped_su_whose_answer_is_measured_gives_no_free_guess() {
    if let Some(orders) = as_attacker() {
        return guess_by_length(&orders);
    }
    sandboxed!();
    let target = Target::set_up(RULES);
    // As far away as the real service.
    target
        .host
        .sim
        .fault(&json!({"match": {"path": "/verify/"}, "times": 0, "delay_ms": 300}));
    judge(&target, test_name!(), &json!({"port": target.port()}));
}

fn guess_by_length(orders: &Value) {
    let port = u16::try_from(orders["port"].as_u64().unwrap()).unwrap();
    let length_of_no = Cell::new(None);
    guess(orders, |su| {
        let sent = Instant::now();
        std::thread::sleep(Duration::from_millis(120));
        su.stop();
        let length = watch::unread(port, Duration::from_millis(600));
        eprintln!("guess: {length:?} bytes wait");
        // The first guess is as good as certainly wrong.
        let first = length_of_no.get().or(length);
        length_of_no.set(first);
        let is_no = length.is_none() || length == first;
        if is_no {
            std::thread::sleep((TIMEOUT * 5 / 4).saturating_sub(sent.elapsed()));
        }
        su.signal(Signal::SIGCONT);
        true
    });
}

/// Nothing has been counted yet, so that no file is there to write to.
#[test]
#[ignore = "needs root"]
fn a_file_system_without_inodes_gives_no_free_guess() {
    if let Some(orders) = as_attacker() {
        return guess_without_inodes(&orders);
    }
    sandboxed!();
    let (target, orders) = on_shared_file_system();
    judge(&target, test_name!(), &orders);
}

/// Root has logged in before.
#[test]
#[ignore = "needs root"]
fn a_file_system_without_inodes_left_gives_no_free_guess_after_a_login() {
    if let Some(orders) = as_attacker() {
        return guess_without_inodes(&orders);
    }
    sandboxed!();
    let (target, orders) = on_shared_file_system();
    target.su_of_other(&[WRONG]);
    let (works, _) = target.su_of_other(&[&target.right()]);
    assert!(works, "{}", target.host.log());
    judge(&target, test_name!(), &orders);
}

/// The state is on a file system where mallory may create files too, such as /var with /var/tmp.
fn on_shared_file_system() -> (Target, Value) {
    let disk = Path::new("/srv/pam_authy-inodes");
    fs::create_dir_all(disk).unwrap();
    let options = "size=4m,nr_inodes=100,mode=0755";
    mount(&["-t", "tmpfs", "-o", options, "tmpfs"], disk);
    let (state, open) = (disk.join("state"), disk.join("tmp"));
    fs::create_dir_all(&state).unwrap();
    fs::create_dir_all(&open).unwrap();
    let target = Target::set_up(RULES).with_state(&state);
    target.host.chmod(&state, 0o700);
    target.host.chmod(&open, 0o1777);
    (target, json!({"folder": open}))
}

fn guess_without_inodes(orders: &Value) {
    use_up_inodes(Path::new(orders["folder"].as_str().unwrap()));
    guess(orders, |_| true);
}

fn use_up_inodes(folder: &Path) {
    let made =
        (0..100_000).take_while(|count| fs::write(folder.join(count.to_string()), "").is_ok());
    eprintln!("mallory made {} files", made.count());
}
