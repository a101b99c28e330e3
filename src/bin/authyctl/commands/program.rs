//! Runs a program of the system, and does not wait for it without limit.

use std::io::{self, Read};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How often the end of the program is looked for.
const POLL: Duration = Duration::from_millis(2);
/// How long a program may take: parsers of a file need a few milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs `command` with an empty environment and without input, for at most five seconds.
///
/// # Errors
/// It cannot be started, or has not ended in time and was killed.
pub(crate) fn run(command: &mut Command) -> io::Result<Output> {
    let mut child = command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Each pipe is read by a thread, so that the program never waits for us.
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > TIMEOUT {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "has not ended within 5 s",
            ));
        }
        std::thread::sleep(POLL);
    };
    let text = |reader: std::thread::JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
    Ok(Output {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

fn reader<R: Read + Send + 'static>(pipe: Option<R>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until the pipe broke is all there is.
            let _ = pipe.read_to_end(&mut text);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let error = run(Command::new("/bin/sleep").arg("60")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn output_larger_than_a_pipe_is_read_and_no_variable_is_passed_on() {
        let script = "env | grep -c PATH=; head -c 300000 /dev/zero";
        let output = run(Command::new("/bin/sh").args(["-c", script])).unwrap();
        assert!(output.stdout.len() > 300_000);
    }
}
