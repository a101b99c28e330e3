//! One login in a process of its own: `one` is the process, `run` starts it and reads what it measured.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use pam_authy::pam_app::{Style, Transaction};
use serde_json::{Value, json};

use crate::Fault;

/// Logs `user` in by the stack `service` in `folder`; `reply` is given to each prompt after
/// `think_ms`. Prints its measures as JSON.
pub(crate) fn one(
    service: &str,
    folder: &str,
    user: &str,
    reply: &str,
    think_ms: u64,
) -> Result<(), Fault> {
    let (mut prompt, mut enter) = (None, None);
    let mut answer = |style: Style, _: &str| {
        prompt.get_or_insert_with(Instant::now);
        std::thread::sleep(Duration::from_millis(think_ms));
        enter = Some(Instant::now());
        matches!(style, Style::PromptEchoOn | Style::PromptEchoOff).then(|| reply.to_owned())
    };
    let (start, code, loaded, asked);
    {
        // pam_start reads the stack and loads its modules; setcred of ours does nothing.
        start = Instant::now();
        let mut pam = Transaction::start(service, user, Path::new(folder), &mut answer)
            .map_err(|code| code.name())?;
        if reply.is_empty() {
            code = pam.setcred();
        } else {
            code = pam.authenticate();
        }
        (loaded, asked) = (start.elapsed(), Instant::now());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "{}",
        json!({
            "code": code.name(),
            "call_ms": ms(loaded),
            "prompt_ms": prompt.map(|prompt| ms(prompt - start)),
            "verdict_ms": enter.map(|enter| ms(asked - enter)),
            "peak_mb": peak.map(|kb| kb / 1024.0),
        })
    );
    Ok(())
}

/// What one process cost and said.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    /// User and system time of the process and its children.
    pub(crate) processor_ms: f64,
    /// From start to end.
    pub(crate) wall_ms: f64,
    /// What it printed: the measures of [`one`].
    pub(crate) said: Value,
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<Cost, Fault> {
    let before = spent()?;
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    let wall_ms = start.elapsed().as_secs_f64() * 1e3;
    let processor_ms = spent()? - before;
    if !output.status.success() {
        return Err(format!("{command:?} failed").into());
    }
    Ok(Cost {
        processor_ms,
        wall_ms,
        said: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
    })
}

/// The processor time of all children that have ended, in milliseconds.
fn spent() -> Result<f64, Fault> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let ms =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    Ok(ms(usage.user_time()) + ms(usage.system_time()))
}
