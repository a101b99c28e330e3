//! An engine that is killed, stopped, silent or talks nonsense, at each step of a login: the module
//! denies, in time, says so in the log, and leaves its process as it was.

use std::time::{Duration, Instant};

use super::{SERVICE_ERR, SUCCESS};
use crate::common::application::{Running, run};
use crate::common::fake_engine::FakeEngine;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::syslog::Syslog;

const READY: &str = r"frame ready\0v=1\0";
const DEADLINE: &str = r"frame deadline\0ms=20000\0";
const ASK: &str = r"frame ask\0kind=code\0prompt=Code:\0echo=0\0";
const SAY: &str = r"frame say\0text=hello\0";

/// The steps of a login that come before a break, in order.
const STEPS: [(&str, &[&str]); 6] = [
    ("before ready", &[]),
    ("after ready", &[READY]),
    ("after start", &[READY, "read"]),
    ("after deadline", &[READY, "read", DEADLINE]),
    ("at a question", &[READY, "read", DEADLINE, ASK]),
    ("after a reply", &[READY, "read", DEADLINE, ASK, "read"]),
];

/// What an engine does instead of going on; it then stays, so that its end is not the reason.
const BREAKS: [&str; 17] = [
    "exit",
    "kill",
    "close",
    r"bytes \0\0",
    r"bytes \0\0\0\x09ready",
    r"bytes \0\0\0\0",
    r"bytes \xff\xff\xff\xff",
    r"bytes \0\x01\0\x01",
    r"bytes \0\0\0\x06ready\0",
    r"frame hello\0",
    r"frame say",
    r"frame say\0text=\xff\xfe\0",
    r"frame say\0text=a\0text=b\0",
    r"frame confirm\0result=delivered\0",
    r"frame reply\0text=1\0",
    r"frame verdict\0verdict=yes\0user=USER\0",
    r"frame verdict\0verdict=accepted\0user=mallory\0",
];

/// What comes too early where the engine is not ready, as in engine.c.
const TOO_EARLY: [&str; 8] = [
    DEADLINE,
    ASK,
    SAY,
    r"frame verdict\0verdict=accepted\0user=USER\0",
    r"frame verdict\0verdict=ignored\0user=USER\0",
    r"frame ready\0v=0\0",
    r"frame ready\0v=3\0",
    r"frame ready\0",
];

/// How much later a busy machine may be; less than from one time-out of the module to the next.
const SLOWNESS: Duration = Duration::from_secs(4);

/// One login with a broken engine.
#[derive(Debug)]
#[expect(dead_code, reason = "the step is for the message of a failure")]
struct Row {
    step: &'static str,
    script: Vec<String>,
    /// Within how many seconds the module denies.
    seconds: u64,
}

impl Row {
    fn new(step: &'static str, before: &[&str], broken: &str, seconds: u64) -> Self {
        let mut script: Vec<_> = before.iter().map(|line| (*line).to_owned()).collect();
        script.push(broken.to_owned());
        // Cut bytes are cut by the end of the engine.
        if !broken.starts_with("bytes") || broken.contains(r"\xff") || broken.ends_with(r"\x01") {
            script.push("wait".to_owned());
        }
        Self {
            step,
            script,
            seconds,
        }
    }

    /// Logs `user` in and checks everything that must be so.
    fn check(&self, user: &str, log: &Syslog) {
        let script = self.script.join("\n").replace("USER", user);
        let fake = FakeEngine::new(&script);
        let command = fake.command(user, &[]);
        let start = Instant::now();
        let said = run(command, &["1234567"]);
        let took = start.elapsed();
        assert_eq!(said.codes(), [SERVICE_ERR], "{said:?}");
        assert!(said.is_unchanged(), "{said:?}");
        let most = Duration::from_secs(self.seconds) + SLOWNESS;
        assert!(took < most, "{took:?}");
        let lines = log.lines(&format!("user=\"{user}\""));
        let [line] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert!(line.contains("verdict=error reason=engine "), "{line}");
    }
}

/// Every break at every step, which the module notices at once.
fn noticed_at_once() -> Vec<Row> {
    let mut rows = Vec::new();
    for (step, before) in STEPS {
        let row = |broken| Row::new(step, before, broken, 0);
        rows.extend(BREAKS.into_iter().map(row));
        if before.is_empty() {
            rows.extend(TOO_EARLY.into_iter().map(row));
        } else {
            rows.push(row(READY));
            rows.push(row(r"many say\0text=x\0"));
        }
        if before.contains(&DEADLINE) {
            rows.push(row(DEADLINE));
        }
    }
    rows
}

#[test]
#[ignore = "needs root"]
fn an_engine_that_breaks_at_any_step_denies_the_login() {
    sandboxed!();
    let log = Syslog::start();
    check_rows(
        noticed_at_once().into_iter().enumerate(),
        |(number, row)| {
            row.check(&format!("user{number}"), &log);
        },
    );
}

/// All rows wait at the same time.
#[test]
#[ignore = "needs root"]
fn an_engine_that_is_silent_or_stopped_denies_the_login_in_time() {
    sandboxed!();
    let log = &Syslog::start();
    let short = r"frame deadline\0ms=500\0";
    let steps: [(&str, &[&str], u64); 6] = [
        ("before ready", &[], 5),
        ("after ready", &[READY], 10),
        ("after start", &[READY, "read"], 10),
        ("after deadline", &[READY, "read", short], 3),
        ("at a question", &[READY, "read", short, ASK], 3),
        ("after a reply", &[READY, "read", short, ASK, "read"], 3),
    ];
    let mut rows = Vec::new();
    for (step, before, seconds) in steps {
        for broken in [
            "wait",
            "stop",
            "bytes \\0\\0\nwait",
            "bytes \\0\\0\\0\\x09ready\nwait",
        ] {
            rows.push(Row::new(step, before, broken, seconds));
        }
    }
    std::thread::scope(|scope| {
        let checks: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(number, row)| {
                let check = move || row.check(&format!("waiting{number}"), log);
                (row, scope.spawn(check))
            })
            .collect();
        let (rows, mut checks): (Vec<_>, Vec<_>) = checks.into_iter().unzip();
        checks.reverse();
        check_rows(rows, |_| {
            if let Err(panic) = checks.pop().unwrap().join() {
                std::panic::resume_unwind(panic);
            }
        });
    });
}

/// It has ended while the person typed, so that no confirmation is read and no audit line written.
#[test]
#[ignore = "needs root"]
fn an_accepted_verdict_of_an_engine_that_is_gone_denies_the_login() {
    sandboxed!();
    let log = Syslog::start();
    let rows = [
        r"frame verdict\0verdict=accepted\0user=USER\0",
        r"frame verdict\0verdict=ignored\0user=USER\0",
    ];
    let table = rows.into_iter().flat_map(|verdict| {
        let steps: [&[&str]; 3] = [
            &[READY, "read", DEADLINE, ASK, verdict, "kill"],
            &[READY, "read", DEADLINE, ASK, verdict, "exit"],
            // Here the module may confirm before the end, but no one reads it.
            &[READY, "read", DEADLINE, verdict, "kill"],
        ];
        steps.map(<[&str]>::to_vec)
    });
    check_rows(table.enumerate(), |(number, script)| {
        let user = format!("gone{number}");
        let fake = FakeEngine::new(&script.join("\n").replace("USER", &user));
        let mut running = Running::start(fake.command(&user, &[]));
        if script.contains(&ASK) {
            running.wait_for("prompt");
            wait_for_no_process(&fake);
            running.reply("1234567");
        }
        let said = running.finish();
        assert_eq!(said.codes(), [SERVICE_ERR], "{said:?}");
        assert!(said.is_unchanged(), "{said:?}");
        let lines = log.lines(&format!("user=\"{user}\""));
        assert!(
            lines.len() == 1 && lines[0].contains("reason=engine"),
            "{lines:?}"
        );
    });
}

/// The engine has ended the login while the person typed, and still reads.
#[test]
fn a_reply_after_the_verdict_is_sent_nowhere() {
    let verdict = r"frame verdict\0verdict=refused\0user=alice\0";
    let script = [
        READY, "read", DEADLINE, ASK, verdict, "mark", "read", "mark",
    ];
    let fake = FakeEngine::new(&script.join("\n"));
    let ran = || std::fs::read(fake.path("pam_authyd.ran")).map_or(0, |marks| marks.len());
    let mut running = Running::start(fake.command("alice", &[]));
    running.wait_for("prompt");
    super::process::wait_for("verdict", || ran() == 1);
    running.reply("1234567");
    let said = running.finish();
    assert_eq!(said.codes(), [super::AUTH_ERR], "{said:?}");
    wait_for_no_process(&fake);
    assert_eq!(ran(), 1, "the engine has read a reply");
}

/// Waits until no process runs the fake engine.
fn wait_for_no_process(fake: &FakeEngine) {
    super::process::wait_for_none(&fake.path("pam_authyd"));
}

#[test]
fn an_engine_of_this_version_or_the_next_logs_in() {
    check_rows(["1", "2", "2\\0colour=red"], |version| {
        let fake = FakeEngine::new(&format!(
            "frame ready\\0v={version}\\0\nread\n{DEADLINE}\n{SAY}\nread\n{ASK}\nread\nframe verdict\\0verdict=accepted\\0user=alice\\0\nread"
        ));
        let said = run(fake.command("alice", &[]), &["1234567"]);
        assert_eq!(said.codes(), [SUCCESS], "{said:?}");
        assert!(said.is_unchanged(), "{said:?}");
    });
}
