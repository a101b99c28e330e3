//! Every fault of the network and of the service × {deny, ignore}, through libpam and the product.
//!
//! A row is one fault and the outcome of a login that meets it. The runner checks for each row the
//! PAM code and the verdict, the time, that there is one audit line, and that no unneeded request
//! was sent. The rows are in `answers` (answers of the service), `stream` (the bytes of an answer),
//! `tls` (the identity of the server) and `nowhere` (unreachable services).

mod answers;
mod nowhere;
mod stream;
mod tls;

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use crate::common::host::{Host, Login};

/// The body that means yes together with HTTP 200.
const YES: &str = r#"{"token":"is valid","success":true}"#;

const POLICIES: [&str; 2] = ["deny", "ignore"];

/// How many logins run at the same time; most of them only wait.
const WORKERS: usize = 6;

/// The outcome of a login that meets a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// No fault: the row that shows that the others can fail.
    Yes,
    /// The only class for which `when_unavailable` decides.
    Outage,
    /// The server is not Authy: denied, whatever `when_unavailable` says.
    UntrustedServer,
    /// A refused code, after which the person may try again.
    Wrong,
    RateLimited,
    Key,
    Application,
    Suspended,
    Unknown,
}

impl Class {
    /// Returns the PAM code and the beginning of the audit line. IGNORE shows as PAM_PERM_DENIED,
    /// since libpam denies where every module answers IGNORE.
    fn outcome(self, policy: &str) -> (&'static str, &'static str) {
        match self {
            Self::Yes => ("PAM_SUCCESS", "verdict=accepted reason=code_accepted "),
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
            Self::Wrong => ("PAM_MAXTRIES", "verdict=refused reason=wrong_code "),
            Self::RateLimited => ("PAM_MAXTRIES", "verdict=refused reason=rate_limited "),
            Self::Key => ("PAM_SERVICE_ERR", "verdict=error reason=key_refused "),
            Self::Application => (
                "PAM_SERVICE_ERR",
                "verdict=error reason=application_refused ",
            ),
            Self::Suspended => ("PAM_AUTH_ERR", "verdict=refused reason=suspended "),
            Self::Unknown => (
                "PAM_AUTH_ERR",
                "verdict=refused reason=unknown_to_provider ",
            ),
        }
    }

    /// Returns how many codes are checked: only a refused code may be followed by another one.
    fn questions(self) -> usize {
        if self == Self::Wrong { 3 } else { 1 }
    }
}

/// One fault and the outcome of a login that meets it.
#[derive(Debug)]
struct Row {
    fault: Value,
    class: Class,
}

fn row(fault: Value, class: Class) -> Row {
    Row { fault, class }
}

/// A host with a time-out of one second for a request, and without a delay after refusals.
fn host(policy: &str) -> Host {
    Host::impatient(&format!(
        "[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"{policy}\"\n"
    ))
    .arguments("debug")
}

/// Checks each row with each policy, several at a time, and reports all that fail.
fn prove(rows: &[Row]) {
    let jobs = rows
        .iter()
        .flat_map(|row| POLICIES.map(|policy| (row, policy)));
    prove_each(jobs, |(row, policy)| {
        patiently(|| prove_row(row, policy))
            .map_err(|why| format!("{policy}: {}: {why}", row.fault))
    });
}

/// Checks each of `jobs`, several at a time, and reports all that fail.
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

/// Why a row failed: the machine was too busy, or the code is wrong.
enum Trouble {
    Slow(String),
    Wrong(String),
}

/// Tries a check up to three times when the machine was too busy for the measured time: a module
/// that is really too slow is slow each time.
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

/// Checks the PAM code, the verdict, that there is one audit line for each refused code or one of
/// the call, and no secret in log or messages (the module logs all it can), and the time: one
/// second for each code, and half a second.
fn judge(host: &Host, login: &Login, class: Class, policy: &str) -> Result<(), Trouble> {
    let (code, start) = class.outcome(policy);
    let audit = host.audit();
    let lines = if start.contains("reason=wrong_code") {
        class.questions()
    } else {
        1
    };
    let is_right = audit.len() == lines && audit.iter().all(|line| line.starts_with(start));
    if login.code != code || !is_right {
        let why = format!("{} with {audit:?}, not {code} with {start}", login.code);
        return Err(Trouble::Wrong(why));
    }
    let (log, key) = (host.log(), host.sim.key());
    let shown = format!("{log}{:?}", login.seen);
    if shown.contains("1234567") || shown.contains(&key[..8]) {
        return Err(Trouble::Wrong(format!("key or code is shown: {shown}")));
    }
    let limit = Duration::from_millis(class.questions() as u64 * 1000 + 500);
    if login.took > limit {
        return Err(Trouble::Slow(format!("it took {:?}", login.took)));
    }
    Ok(())
}
