//! Every fault of the network and of the service × {deny, ignore}, through libpam and the product.
//!
//! One row is one fault and what a login makes of it. For each the runner proves: PAM code and
//! verdict, the time, one audit line, no request more than needed. The rows are in `answers` (what the
//! service says), `stream` (what becomes of the bytes), `tls` (who the server is) and `nowhere` (what
//! cannot be reached).

mod answers;
mod nowhere;
mod stream;
mod tls;

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use crate::common::host::{Host, Login};

/// The body that means yes when HTTP 200 comes with it.
const YES: &str = r#"{"token":"is valid","success":true}"#;

const POLICIES: [&str; 2] = ["deny", "ignore"];

/// How many logins run at the same time; nearly all of them wait.
const WORKERS: usize = 6;

/// What a login makes of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// No fault at all: the row that shows that the others can fail.
    Yes,
    /// The one class that asks `when_unavailable`.
    Outage,
    /// Not Authy: denied, whatever `when_unavailable` says.
    UntrustedServer,
    /// A no, after which the person may try again.
    Wrong,
    RateLimited,
    Key,
    Application,
    Suspended,
    Unknown,
}

impl Class {
    /// PAM code and the beginning of the audit line. A stack in which all modules ignore is a denial:
    /// IGNORE shows as PAM_PERM_DENIED.
    fn outcome(self, policy: &str) -> (&'static str, &'static str) {
        match self {
            Self::Yes => ("PAM_SUCCESS", "verdict=accepted reason=token_accepted "),
            Self::Outage if policy == "ignore" => {
                ("PAM_PERM_DENIED", "verdict=ignored reason=outage ")
            }
            Self::Outage => (
                "PAM_AUTHINFO_UNAVAIL",
                "verdict=unavailable reason=no_answer ",
            ),
            Self::UntrustedServer => (
                "PAM_AUTHINFO_UNAVAIL",
                "verdict=unavailable reason=false_identity ",
            ),
            Self::Wrong => ("PAM_MAXTRIES", "verdict=refused reason=wrong_token "),
            Self::RateLimited => ("PAM_MAXTRIES", "verdict=refused reason=rate_limited "),
            Self::Key => ("PAM_SERVICE_ERR", "verdict=error reason=key_refused "),
            Self::Application => (
                "PAM_SERVICE_ERR",
                "verdict=error reason=application_refused ",
            ),
            Self::Suspended => ("PAM_AUTH_ERR", "verdict=refused reason=suspended "),
            Self::Unknown => ("PAM_AUTH_ERR", "verdict=refused reason=unknown_to_authy "),
        }
    }

    /// How many tokens are asked about: only a no may be followed by another question.
    fn questions(self) -> usize {
        if self == Self::Wrong { 3 } else { 1 }
    }
}

/// One fault and what a login makes of it.
#[derive(Debug)]
struct Row {
    fault: Value,
    class: Class,
}

fn row(fault: Value, class: Class) -> Row {
    Row { fault, class }
}

/// A host whose requests may take a second, and whose refusals do not wait.
fn host(policy: &str) -> Host {
    Host::impatient(&format!(
        "[login]\nrefusal_seconds = 0\nwhen_unavailable = \"{policy}\"\n"
    ))
    .arguments("debug")
}

/// Proves each row with each policy, several at a time, and names all that fail.
fn prove(rows: &[Row]) {
    let jobs = rows
        .iter()
        .flat_map(|row| POLICIES.map(|policy| (row, policy)));
    prove_each(jobs, |(row, policy)| {
        patiently(|| prove_row(row, policy))
            .map_err(|why| format!("{policy}: {}: {why}", row.fault))
    });
}

/// Does all of `jobs`, several at a time, and names all that fail.
fn prove_each<J: Send>(
    jobs: impl Iterator<Item = J> + Send,
    act: impl Fn(J) -> Result<(), String> + Sync,
) {
    let jobs = Mutex::new(jobs);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().unwrap().next() else {
                        return;
                    };
                    if let Err(why) = act(job) {
                        failures.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What went wrong with a row: the machine was busy, or the code is wrong.
enum Trouble {
    Slow(String),
    Wrong(String),
}

/// Tries up to three times when the machine was too busy for the time that was measured: a module that
/// is really late is late each time.
fn patiently(act: impl Fn() -> Result<(), Trouble>) -> Result<(), String> {
    let mut last = String::new();
    for _ in 0..3 {
        match act() {
            Ok(()) => return Ok(()),
            Err(Trouble::Wrong(why)) => return Err(why),
            Err(Trouble::Slow(why)) => last = why,
        }
    }
    Err(last)
}

fn prove_row(row: &Row, policy: &str) -> Result<(), Trouble> {
    let host = host(policy);
    host.sim.fault(&row.fault);

    let login = host.login("alice", &["1234567"; 3]);

    let seen = host.sim.get("/requests.json");
    let verifies = host.sim.count("/verify/");
    let others = host.sim.requests().len() - verifies;
    judge(&host, &login, row.class, policy)?;
    if verifies > row.class.questions() || others > 0 {
        return Err(Trouble::Wrong(format!("too many requests: {seen}")));
    }
    // One connection may be opened while the person reads the prompt.
    let connections = seen["connections"].as_u64().unwrap_or_default();
    if connections > row.class.questions() as u64 + 1 {
        return Err(Trouble::Wrong(format!("too many connections: {seen}")));
    }
    if row.class == Class::UntrustedServer && (verifies > 0 || seen["handshakes"] != 0) {
        return Err(Trouble::Wrong(format!("something was sent: {seen}")));
    }
    Ok(())
}

/// PAM code, verdict, the one audit line, no secret in log or messages (the module logs all it can), and
/// the time: a second for each question, and half a second.
fn judge(host: &Host, login: &Login, class: Class, policy: &str) -> Result<(), Trouble> {
    let (code, start) = class.outcome(policy);
    let audit = host.audit();
    if audit.iter().any(|line| line.contains(" reason=process ")) {
        // The watch that tells a stopped process from an outage took a starved one for stopped.
        return Err(Trouble::Slow(format!("{audit:?}")));
    }
    let one = audit.len() == 1 && audit[0].starts_with(start);
    if login.code != code || !one {
        let why = format!("{} with {audit:?}, not {code} with {start}", login.code);
        return Err(Trouble::Wrong(why));
    }
    let (log, key) = (host.log(), host.sim.key());
    let shown = format!("{log}{:?}", login.seen);
    if shown.contains("1234567") || shown.contains(&key[..8]) {
        return Err(Trouble::Wrong(format!("key or token is shown: {shown}")));
    }
    let limit = Duration::from_millis(class.questions() as u64 * 1000 + 500);
    if login.took > limit {
        return Err(Trouble::Slow(format!("it took {:?}", login.took)));
    }
    Ok(())
}
