//! The rule by which `pam enable` puts our line into a stack, on random stacks through libpam.

use std::fs;

use super::promise::{OUR_ANSWERS, broken};
use super::random::{Stack, for_libpam, stack};
use super::{System, replace};
use crate::common::logins::{STAND_INS, Script, module};
use crate::common::numbers::Numbers;
use crate::common::rounds;

/// Sets of answers that are tried with each stack.
const OUTCOMES: usize = 24;
/// The number of the stand-in for our module.
const OURS: usize = STAND_INS - 1;

/// Two logins with the same answers: through the stack as it was, and through the new one.
struct Trial {
    stack: usize,
    scripts: [Script; 2],
}

/// How many stacks one system has: each `pam enable` reads all of them.
const STACKS: u32 = 200;

#[test]
fn the_same_people_get_in_and_our_factor_and_the_same_modules_are_called() {
    let mut numbers = Numbers::new(20_261_127);
    let mut left = rounds(STACKS);
    while left > 0 {
        let count = left.min(STACKS);
        try_stacks(&mut numbers, count);
        left -= count;
    }
}

/// Tries `count` random stacks in a system of their own.
fn try_stacks(numbers: &mut Numbers, count: u32) {
    let system = System::new(true);
    let mut hopeless = 0;
    let mut stacks: Vec<(Stack, Vec<u8>)> = Vec::new();
    let mut trials = Vec::new();
    for round in 0..count {
        let stack = stack(numbers, &system, &format!("s{round}"));
        let new = match enable(&system, &stack) {
            Ok(new) => new,
            Err(said) => {
                hopeless += u32::from(said.contains("nobody gets in"));
                continue;
            }
        };
        let name = format!("n{round}");
        fs::write(system.libpam().join(&name), for_libpam(&system, &new)).unwrap();
        for _ in 0..OUTCOMES {
            let answer = numbers.pick(&OUR_ANSWERS);
            let old = stack.script(numbers, answer);
            let service = name.clone();
            let new = Script {
                service,
                ..old.clone()
            };
            trials.push(Trial {
                stack: stacks.len(),
                scripts: [old, new],
            });
        }
        stacks.push((stack, new));
    }
    let possible = count - hopeless;
    let enabled = u32::try_from(stacks.len()).unwrap();
    assert!(
        enabled * 10 > possible * 7,
        "{enabled} of {possible} stacks were enabled"
    );
    check(&system, &stacks, &trials);
}

/// Enables our module in a stack, and returns the new file.
fn enable(system: &System, stack: &Stack) -> Result<Vec<u8>, String> {
    let output = system.pam(&["enable", &stack.service, "--print"]);
    if output.status.success() {
        let ours = format!("{} {OURS}", module().display());
        return Ok(replace(&output.stdout, "pam_authy.so", &ours));
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let place = said.split("/etc/pam.d/").nth(1).unwrap_or_default();
    let line = place.split(':').nth(1).map(str::parse::<usize>);
    let names_line = line.is_some_and(|line| line.is_ok());
    assert!(
        names_line || said.contains("no auth line"),
        "{}{said}",
        stack.shown
    );
    Err(said)
}

/// Logs in with each trial, and fails at the first that breaks the promise.
fn check(system: &System, stacks: &[(Stack, Vec<u8>)], trials: &[Trial]) {
    let scripts: Vec<_> = trials.iter().flat_map(|t| t.scripts.clone()).collect();
    let logins = system.log_in(&scripts);
    let mut let_in = 0;
    for (pair, trial) in logins.chunks(2).zip(trials) {
        let (stack, new) = &stacks[trial.stack];
        let [old, after] = pair else { unreachable!() };
        let answer = trial.scripts[0].authenticate[OURS];
        let_in += u32::from(old.authenticate.code == 0);
        if let Some(what) = broken(old, after, OURS, answer, &stack.otherwise()) {
            panic!(
                "{}: {what}\n{}--- new\n{}\n{:?}\n{old:?}\n{after:?}",
                stack.service,
                stack.shown,
                String::from_utf8_lossy(new),
                trial.scripts[0],
            );
        }
    }
    assert!(let_in > 500, "{let_in} logins got in");
}
