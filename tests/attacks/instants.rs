//! Everything that the caller of su may do to it, each at random moments of a login with a wrong
//! code, where an outage would let the login continue without a second factor.
//!
//! Whatever mallory does: no login succeeds, every code that reached the service is counted, and
//! another login of the same person works at once.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::attacker::{Mallory, as_attacker, say, wait_for_test};
use super::cgroup::{Cage, Delegated};
use super::locks::{Busy, SELDOM};
use super::su::Su;
use super::target::{PASSWORD, Target, WRONG};
use super::watch;
use crate::common::sandbox::sandboxed;
use crate::common::terminal::Terminal;
use crate::common::{rounds, test_name};

const RULES: &str = "[login]\nrefusal_seconds = 0\nattempts = 1\nfactors = [\"token\"]\n\
    [messages]\nprompt = \"Second factor: \"\n[limits]\nrefused_tokens = 100\n\
    [service.su]\nwhen_unavailable = \"ignore\"\n";
/// How long the service takes to answer; most of a login is this.
const ANSWER: Duration = Duration::from_millis(100);
/// The service's answer to a wrong code.
const NO: &str = r#"{"message":"Token is invalid","token":"is invalid","success":false,
    "errors":{"message":"Token is invalid"},"error_code":"60020"}"#;
/// An undisturbed login takes about as long, from su's start to its end.
const LOGIN: Duration = Duration::from_millis(150);
/// Longer than `timeout_seconds`, which is 1 here.
const TOO_LONG: Duration = Duration::from_millis(1150);
/// A login may be delayed by this much at most.
const DELAY: Duration = Duration::from_secs(1);

/// What mallory does to su.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// SIGSTOP, and SIGCONT after the time-out of a request.
    Stop,
    /// SIGSTOP, while another login of the same person takes place.
    StopAndWait,
    /// SIGKILL.
    Kill,
    /// Ctrl-Z at a terminal, and `fg` later.
    CtrlZ,
    /// ptrace(2).
    Trace,
    /// Lowest priority and SCHED_IDLE from the start, beside something busy; later on for all.
    Starve,
    /// `cgroup.freeze`, and thawed later.
    Freeze,
    /// `cgroup.kill`.
    CgroupKill,
}

const ACTS: [Act; 8] = [
    Act::Stop,
    Act::StopAndWait,
    Act::Kill,
    Act::CtrlZ,
    Act::Trace,
    Act::Starve,
    Act::Freeze,
    Act::CgroupKill,
];

/// What the test knows of the login's target at one moment.
#[derive(Debug, Clone, Copy)]
struct Seen {
    asked: u64,
    counted: u64,
}

impl Seen {
    /// What a round begins with. A code is counted before it leaves, and mallory's su may be between
    /// the two. So the counts are read first: a code that is counted here and not yet asked about
    /// would look like one that was never counted.
    fn before(target: &Target) -> Self {
        let counted = target.counted();
        let asked = target.asked() as u64;
        Self { asked, counted }
    }

    /// What a round ends with: the requests are read first.
    fn after(target: &Target) -> Self {
        let asked = target.asked() as u64;
        let counted = target.counted();
        Self { asked, counted }
    }

    /// Codes that were asked about since `before` and are not counted.
    fn uncounted_since(self, before: Self) -> u64 {
        (before.counted + self.asked - before.asked).saturating_sub(self.counted)
    }
}

#[test]
#[ignore = "needs root"]
fn nothing_that_happens_to_su_at_any_instant_helps_its_caller() {
    if let Some(orders) = as_attacker() {
        return attack(&orders);
    }
    sandboxed!();
    let target = Target::set_up(RULES);
    let usual = (0..3).map(|_| target.su_of_other(&[&target.right()]));
    let usual = usual
        .inspect(|(works, _)| assert!(works))
        .map(|(_, took)| took)
        .max()
        .unwrap();
    let group = Delegated::create();
    if group.is_none() {
        eprintln!("skipped, since no control group can be delegated here: freeze, kill");
    }
    // The service is slow to say no, so that most instants are while su waits. It never says that
    // there were too many, as it would after 60.
    target.host.sim.fault(&json!({
        "match": {"path": format!("/verify/{WRONG}")},
        "times": 0,
        "delay_ms": ANSWER.as_millis(),
        "status": 401,
        "body": NO,
    }));
    let orders = json!({
        "rounds": rounds(5) * u32::try_from(ACTS.len()).unwrap(),
        "group": group.as_ref().map(Delegated::path),
    });
    let wrapper = group.as_ref().map(Delegated::wrapper);
    let wrapper: Vec<&str> = wrapper.iter().flatten().map(String::as_str).collect();
    let (mut failures, mut states) = (Vec::new(), BTreeMap::new());
    let mut seen = Seen::before(&target);
    let mut mallory = Mallory::start_by(&wrapper, test_name!(), &orders);

    while let Some(what) = mallory.next() {
        for failure in check_round(&target, &mut mallory, usual, &mut seen) {
            failures.push(format!("{what}: {failure}"));
        }
        let act = what["act"].as_str().unwrap().to_owned();
        let state = what["state"].as_str().unwrap().to_owned();
        *states.entry(act + " " + &state).or_insert(0) += 1;
    }
    mallory.finish();
    drop(group);
    eprintln!("what became of su: {states:?}");
    assert!(!states.is_empty() && target.asked() > 0);
    target.edition.judge(!failures.is_empty(), &failures);
}

/// Looks at what came of one act, lets mallory undo it, and looks again. `seen` is what the round
/// began with, and then what it ended with.
fn check_round(
    target: &Target,
    mallory: &mut Mallory,
    usual: Duration,
    seen: &mut Seen,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut look = |seen: &mut Seen| {
        // An engine whose su was killed finishes its request.
        std::thread::sleep(ANSWER + ANSWER / 2);
        let now = Seen::after(target);
        if now.uncounted_since(*seen) > 0 {
            failures.push(format!("{seen:?} became {now:?}"));
        }
    };
    look(seen);
    let (works, mut took) = target.su_of_other(&[&target.right()]);
    if took > usual + DELAY {
        // A busy machine is slow once; what mallory holds up is slow as long as su is disturbed.
        took = target.su_of_other(&[&target.right()]).1;
    }
    // The right code has ended all counts.
    *seen = Seen::before(target);
    mallory.go_on();
    let became_root = mallory.hears();
    look(seen);
    *seen = Seen::before(target);
    mallory.go_on();

    if became_root != json!(false) {
        failures.push("a wrong code let in".to_owned());
    }
    if !works {
        let audit = target.host.audit_of_processes();
        failures.push(format!("the right code was refused: {:?}", audit.last()));
    }
    if took > usual + DELAY {
        failures.push(format!("the right code took {took:?}, usually {usual:?}"));
    }
    failures
}

/// In mallory's process: all rounds.
fn attack(orders: &Value) {
    let group = orders["group"].as_str().map(PathBuf::from);
    for round in 0..orders["rounds"].as_u64().unwrap() {
        let act = ACTS[usize::try_from(round).unwrap() % ACTS.len()];
        let part = RandomState::new().hash_one(round) % 1000;
        let after = LOGIN * u32::try_from(part).unwrap() / 1000;
        let cage = match (act, &group) {
            (Act::Freeze | Act::CgroupKill, None) => continue,
            (Act::Freeze | Act::CgroupKill, Some(group)) => {
                Some(Cage::create(group, &format!("su-{round}")))
            }
            _ => None,
        };
        let report = |state: &str| {
            let after = format!("{after:?}");
            say(
                &json!({"round": round, "act": format!("{act:?}"), "after": after, "state": state}),
            );
            wait_for_test();
        };
        let became_root = if act == Act::CtrlZ {
            let terminal = at_terminal(after);
            report(state_at_terminal(&terminal));
            finish_at_terminal(&terminal)
        } else {
            let (su, busy) = disturbed(act, after, cage.as_ref());
            std::thread::sleep(Duration::from_millis(20));
            report(&watch::state(su.pid()).unwrap_or('Z').to_string());
            drop(busy);
            finish(su, act, cage.as_ref())
        };
        say(&json!(became_root));
        // The next round begins when the test has counted.
        wait_for_test();
    }
}

/// A su to which `act` happened `after` its start.
fn disturbed(act: Act, after: Duration, cage: Option<&Cage>) -> (Su, Option<Busy>) {
    let group = cage.map(Cage::wrapper);
    let mut wrapper: Vec<&str> = group.iter().flatten().map(String::as_str).collect();
    let busy = (act == Act::Starve).then(Busy::start);
    if busy.is_some() {
        wrapper.extend(SELDOM);
        wrapper.extend(["nice", "-n", "19", "ionice", "-c", "3"]);
    }
    let mut su = Su::start(&wrapper, "root");
    su.reply(PASSWORD);
    su.reply(WRONG);
    std::thread::sleep(after);
    let all = [vec![su.pid()], watch::engines()].concat();
    let send = |signal| all.iter().for_each(|pid| signal_if_allowed(*pid, signal));
    match act {
        Act::Stop => {
            send(Signal::SIGSTOP);
            std::thread::sleep(TOO_LONG);
            send(Signal::SIGCONT);
        }
        Act::StopAndWait => send(Signal::SIGSTOP),
        Act::Kill => send(Signal::SIGKILL),
        Act::Trace => all
            .iter()
            .for_each(|pid| run("strace", &["-o", "/dev/null", "-p"], *pid)),
        Act::Starve => all.iter().for_each(|pid| starve(*pid)),
        Act::Freeze => cage.unwrap().freeze(true),
        Act::CgroupKill => cage.unwrap().kill(),
        Act::CtrlZ => unreachable!("needs a terminal"),
    }
    (su, busy)
}

fn finish(su: Su, act: Act, cage: Option<&Cage>) -> bool {
    match act {
        Act::StopAndWait => su.signal(Signal::SIGCONT),
        Act::Freeze => cage.unwrap().freeze(false),
        _ => {}
    }
    su.became_root()
}

/// The kernel refuses this for an engine, and su may have ended.
fn signal_if_allowed(pid: Pid, signal: Signal) {
    let _ = kill(pid, signal);
}

fn starve(pid: Pid) {
    run("renice", &["-n", "19", "-p"], pid);
    run("ionice", &["-c", "3", "-p"], pid);
    run("chrt", &["--idle", "--pid", "0"], pid);
}

fn run(program: &str, arguments: &[&str], pid: Pid) {
    let mut command = Command::new("timeout");
    command
        .args(["1", program])
        .args(arguments)
        .arg(pid.to_string());
    let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// The same login at a terminal, in a shell with job control.
fn at_terminal(after: Duration) -> Terminal {
    let shell = Path::new("/bin/bash");
    let terminal = Terminal::run(shell, &["--norc", "--noprofile", "-i"], "PS1='> '");
    terminal.wait_for(">");
    terminal.press(&["su -c 'id -u' root", "Enter"]);
    terminal.wait_for("Password:");
    terminal.press(&[PASSWORD, "Enter"]);
    terminal.wait_for("Second factor:");
    terminal.press(&[WRONG, "Enter"]);
    std::thread::sleep(after);
    terminal.press(&["C-z"]);
    terminal
}

/// T if the shell says that su is stopped, else Z: it has ended.
fn state_at_terminal(terminal: &Terminal) -> &'static str {
    std::thread::sleep(Duration::from_millis(50));
    if terminal.screen().contains("Stopped") {
        "T"
    } else {
        "Z"
    }
}

fn finish_at_terminal(terminal: &Terminal) -> bool {
    // What is typed does not contain the word that is waited for.
    terminal.press(&["fg; echo ov''er", "Enter"]);
    let screen = terminal.wait_for("over");
    screen.lines().any(|line| line.trim_end() == "0")
}
