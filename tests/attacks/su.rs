//! One run of real su, seen by its caller: pipes to type into, and a process to stop and kill.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::watch;

/// No step of an undisturbed login takes as long.
const LONG: Duration = Duration::from_secs(10);

/// A running su. It is killed when it is dropped.
pub(super) struct Su {
    child: Child,
    input: ChildStdin,
    errors: Receiver<Vec<u8>>,
}

impl Su {
    /// Starts `su -c 'id -u' target` by `wrapper`, whose last act is to execute its arguments.
    pub(super) fn start(wrapper: &[&str], target: &str) -> Self {
        let words = [wrapper, &["su", "-c", "id -u", target]].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, errors) = mpsc::channel();
        let mut pipe = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            input: child.stdin.take().unwrap(),
            child,
            errors,
        }
    }

    /// Starts su and types the password; returns at the prompt for the code. `None` if su ended
    /// before it.
    pub(super) fn at_prompt(wrapper: &[&str], target: &str, password: &str) -> Option<Self> {
        let mut su = Self::start(wrapper, target);
        su.has_prompted().then_some(())?;
        su.reply(password);
        su.has_prompted().then_some(su)
    }

    /// Waits for the next prompt. Each ends with a colon and a space.
    pub(super) fn has_prompted(&mut self) -> bool {
        let (mut text, until) = (Vec::new(), Instant::now() + LONG);
        while !text.ends_with(b": ") {
            let left = until.saturating_duration_since(Instant::now());
            match self.errors.recv_timeout(left) {
                Ok(more) => text.extend(more),
                Err(_) => return false,
            }
        }
        true
    }

    /// Whether su has printed something since it was asked last, or has ended.
    pub(super) fn has_reacted(&self) -> bool {
        self.errors.try_recv().is_ok() || watch::state(self.pid()) == Some('Z')
    }

    /// Types one line.
    pub(super) fn reply(&mut self, line: &str) {
        // su may have ended.
        let _ = self.input.write_all(format!("{line}\n").as_bytes());
    }

    /// The process that became su: each wrapper has executed the next program.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Sends a signal, as its caller may.
    pub(super) fn signal(&self, signal: Signal) {
        // su may have ended.
        let _ = kill(self.pid(), signal);
    }

    /// Stops su, and returns when it is.
    pub(super) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        let until = Instant::now() + LONG;
        while matches!(watch::state(self.pid()), Some('R' | 'S' | 'D')) && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// Waits for su's end, kills it if it does not come, and returns whether it ran the command as
    /// root.
    pub(super) fn became_root(mut self) -> bool {
        let until = Instant::now() + LONG;
        while self.child.try_wait().unwrap().is_none() {
            if Instant::now() > until {
                self.signal(Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut text = String::new();
        let _ = self.child.stdout.take().unwrap().read_to_string(&mut text);
        // Messages of the module are printed there too.
        text.lines().any(|line| line == "0")
    }
}

impl Drop for Su {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
