//! Persons and programs that leave at a prompt: each refused code is in the log before the next
//! prompt is there, and the end of the login has one further line.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::sshd::{self, PASSWORD_FIRST, Sshd};
use super::{su, sudo};
use crate::common::application::{Running, command, run};
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;
use crate::common::terminal::Terminal;

/// The log of a host, in the place of the simulator's. A line that was sent can be read at once.
struct Log {
    socket: UnixDatagram,
    lines: Vec<String>,
}

impl Log {
    fn of(host: &Host) -> Self {
        let path = host.sim.path("own-log");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let own = format!("log = \"{}\"", path.display());
        let old = format!("log = \"{}\"", host.sim.path("log").display());
        host.replace(&old, &own);
        let lines = Vec::new();
        Self { socket, lines }
    }

    /// The audit lines that have arrived, from `verdict=` to the number of attempts.
    fn lines(&mut self) -> Vec<&str> {
        let mut buffer = [0; 4096];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    self.lines.push(line);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let lines = self.lines.iter();
        lines
            .filter_map(|line| Some(&line[line.find("verdict=")?..]))
            .filter_map(|line| Some(line.split_once(" pid=")?.0))
            .collect()
    }

    /// The audit lines as soon as there are more than `count`, and no other arrives; after 10 s
    /// those that there are.
    fn lines_after(&mut self, count: usize) -> Vec<&str> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.lines().len() <= count && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(200));
        self.lines()
    }
}

/// The audit line of a refused code, the first of its person or a later one.
fn refused(attempts: u32) -> String {
    format!(
        "verdict=refused reason=wrong_code factor=token provider=authy code=60020 authy_id=1635 \
         attempts={attempts}"
    )
}

/// The audit line of a login that ended at a prompt, after this number of attempts.
fn gone(attempts: u32) -> String {
    format!("verdict=error reason=conversation provider=authy authy_id=1635 attempts={attempts}")
}

#[test]
fn an_application_that_is_killed_at_a_prompt_has_left_the_line_of_each_code() {
    let host = Host::new();
    let mut log = Log::of(&host);
    let mut running = Running::start(command(&host, "alice", &[], &[]));
    running.wait_for("prompt");
    assert!(log.lines().is_empty());
    running.reply("1111111");
    running.wait_for("prompt");
    assert_eq!(log.lines(), [refused(1)]);
    running.reply("2222222");
    running.wait_for("prompt");
    assert_eq!(log.lines(), [refused(1), refused(2)]);

    kill(running.pid(), Signal::SIGKILL).unwrap();

    let lines = log.lines_after(2);
    assert_eq!(lines, [refused(1), refused(2), gone(2)]);
    running.finish();
}

#[test]
fn a_call_that_ends_with_a_refused_code_has_no_further_line() {
    let host = Host::new();
    let mut log = Log::of(&host);

    run(
        command(&host, "alice", &[], &[]),
        &["1111111", "hunter2", "3333333"],
    );

    let lines = log.lines_after(2);
    let unusable = "verdict=refused reason=wrong_code provider=authy authy_id=1635 attempts=2";
    assert_eq!(lines, [&refused(1), unusable, &refused(3)]);
}

#[test]
#[ignore = "needs root"]
fn an_ssh_client_that_goes_away_after_two_codes_leaves_two_lines_and_an_end() {
    sandboxed!();
    let sshd = Sshd::start(Host::new(), PASSWORD_FIRST, "keyboard-interactive");
    let mut log = Log::of(&sshd.host);

    guess_two_codes_and_leave(&sshd, "", |attempts| {
        let before: Vec<_> = (1..attempts).map(refused).collect();
        assert_eq!(log.lines(), before);
    });

    let lines = log.lines_after(2);
    assert_eq!(lines, [refused(1), refused(2), gone(2)]);
}

/// Runs an OpenSSH client with `options`, types a password and two wrong codes, and kills it. Calls
/// `at_prompt` with the number of each prompt for a code.
pub(super) fn guess_two_codes_and_leave(
    sshd: &Sshd,
    options: &str,
    mut at_prompt: impl FnMut(u32),
) {
    let pid = sshd.folder.join("pid");
    let terminal = Terminal::start(&format!(
        "sh -c 'echo $$ >{}; exec ssh -F none -o StrictHostKeyChecking=no \
         -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no {options} -p {} {}@127.0.0.1'",
        pid.display(),
        sshd.port,
        sshd::USER
    ));
    terminal.wait_for("assword");
    terminal.press(&[sshd::PASSWORD, "Enter"]);
    for attempts in 1..=2 {
        at_code_prompt(&terminal, attempts);
        at_prompt(attempts);
        terminal.press(&["1111111", "Enter"]);
    }
    at_code_prompt(&terminal, 3);
    at_prompt(3);
    let pid = std::fs::read_to_string(pid)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_in_sudo_after_a_wrong_code_leaves_its_line_and_an_end() {
    sandboxed!();
    let sudo = sudo::Sudo::set_up("");
    let log = Log::of(&sudo.host);
    let user = sudo::USER;
    let sudo = format!("timeout --foreground 60 runuser -u {user} -- sudo -k id -u");
    ctrl_c_after_a_wrong_code(&sudo, sudo::PASSWORD, log);
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_in_su_after_a_wrong_code_leaves_its_line_and_an_end() {
    sandboxed!();
    let su = su::Su::set_up();
    su.host.replace("attempts = 1", "attempts = 3");
    let log = Log::of(&su.host);
    let user = su::USER;
    let su = format!("timeout --foreground 60 runuser -u {user} -- su -c 'id -u' root");
    ctrl_c_after_a_wrong_code(&su, su::PASSWORD, log);
}

fn ctrl_c_after_a_wrong_code(program: &str, password: &str, mut log: Log) {
    let terminal = Terminal::start(program);
    terminal.wait_for("assword");
    terminal.press(&[password, "Enter"]);
    at_code_prompt(&terminal, 1);
    assert!(log.lines().is_empty());
    terminal.press(&["1111111", "Enter"]);
    at_code_prompt(&terminal, 2);
    assert_eq!(log.lines(), [refused(1)]);

    terminal.press(&["C-c"]);

    terminal.wait_for("ended with ");
    assert_eq!(log.lines_after(1), [refused(1), gone(1)]);
}

/// Waits for the prompt number `count` for a code.
fn at_code_prompt(terminal: &Terminal, count: u32) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let screen = terminal.screen();
        if screen.matches("Verification code (").count() >= count as usize {
            return;
        }
        assert!(Instant::now() < deadline, "no prompt {count} on:\n{screen}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
