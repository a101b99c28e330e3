//! One login in a separate process: [`measure`] is the process itself, [`run`] starts a program and
//! reads its measurements.
//!
//! `rows.rs` and `files.rs` start this program again with `--login`, so that each login has a fresh
//! process whose processor time the parent can read after its end. The engine of a login is an orphan,
//! not a child of the application. So that it counts too, the login's process is a subreaper: the
//! kernel makes it the parent of orphans below it, and it waits for them after the login.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::wait;
use pam_authy::pam_app::{Style, Transaction};
use serde_json::{Value, json};

use crate::Error;

/// Logs `user` in through the stack `service` in `folder`, answers each prompt with `reply` after
/// `think_ms`, and prints its measurements as JSON. With an empty `reply` it only loads the
/// modules.
pub(crate) fn measure(
    service: &str,
    folder: &str,
    user: &str,
    reply: &str,
    think_ms: u64,
) -> Result<(), Error> {
    set_child_subreaper(true)?;
    let (mut prompt, mut enter) = (None, None);
    let mut answer = |style: Style, _: &str| {
        prompt.get_or_insert_with(Instant::now);
        std::thread::sleep(Duration::from_millis(think_ms));
        enter = Some(Instant::now());
        matches!(style, Style::PromptEchoOn | Style::PromptEchoOff).then(|| reply.to_owned())
    };
    let (start, code, duration, end);
    {
        // pam_start reads the stack and loads its modules; our pam_sm_setcred does nothing.
        start = Instant::now();
        let mut pam = Transaction::start(service, user, Path::new(folder), &mut answer)
            .map_err(|code| code.name())?;
        if reply.is_empty() {
            code = pam.setcred();
        } else {
            code = pam.authenticate();
        }
        (duration, end) = (start.elapsed(), Instant::now());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    // The engine writes its audit line after the verdict.
    while wait() != Err(Errno::ECHILD) {}
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "{}",
        json!({
            "code": code.name(),
            "call_ms": ms(duration),
            "prompt_ms": prompt.map(|prompt| ms(prompt - start)),
            "verdict_ms": enter.map(|enter| ms(end - enter)),
            "peak_mb": peak.map(|kb| kb / 1024.0),
            "engine_peak_mb": engine_peak_mb()?,
        })
    );
    Ok(())
}

/// Returns the most memory that a process below this one used, in megabytes; 0 without one.
fn engine_peak_mb() -> Result<f64, Error> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() as f64 / 1024.0)
}

/// The cost and the output of one process.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    /// User and system time of the process and everything below it.
    pub(crate) processor_ms: f64,
    /// Time from the start of the process to its end.
    pub(crate) wall_ms: f64,
    /// The JSON that it printed, such as the measurements of [`measure`]; null if it printed none.
    pub(crate) output: Value,
}

/// Runs a program to its end and returns its cost.
///
/// # Errors
/// If the program cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<Cost, Error> {
    let before = children_processor_ms()?;
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    let wall_ms = start.elapsed().as_secs_f64() * 1e3;
    let processor_ms = children_processor_ms()? - before;
    if !output.status.success() {
        return Err(format!("{command:?} failed").into());
    }
    Ok(Cost {
        processor_ms,
        wall_ms,
        output: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
    })
}

/// Returns the processor time of all children that have ended, in milliseconds.
fn children_processor_ms() -> Result<f64, Error> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let ms =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    Ok(ms(usage.user_time()) + ms(usage.system_time()))
}
