//! docs/rehearsal.md, typed line by line on a test host: a roll-out with authy-sim in place of
//! Authy, the faults that the page arms, and the way back.
//!
//! Only the two ports differ from the page, since others may have them here. The programs that
//! `make deb` would compile are already built.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::machine::{Machine, PASSWORD, USER, add_user, is_inside, let_sudo_remember, stacks};
use super::newcomer::{
    assert_done, confirmed, put_what_is_built_in_place, shell_here, type_line, typed_lines,
};
use super::{stdout_of, text_of};
use crate::common::sandbox::sandboxed;
use crate::common::terminal::Terminal;

const PAGE: &str = "docs/rehearsal.md";

/// The reader of the page, with the simulator that they started.
struct Reader {
    /// The port of the simulator's service, and that of its phones.
    ports: [u16; 2],
}

impl Reader {
    fn new() -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        Self {
            ports: listeners.map(|listener| listener.local_addr().unwrap().port()),
        }
    }

    /// Returns the line with the ports that are free here.
    fn line(&self, line: &str) -> String {
        let [service, phones] = self.ports.map(|port| format!("127.0.0.1:{port}"));
        line.replace("127.0.0.1:8443", &service)
            .replace("127.0.0.1:8080", &phones)
            .replace('~', &format!("/home/{USER}"))
    }

    /// Types a line, with `answer` on standard input.
    fn type_line(&self, line: &str, answer: &str) -> Output {
        type_line(&self.line(line), answer)
    }

    /// Types all lines of a section from `from` on, without an answer; each must succeed.
    fn type_all(&self, lines: &[String]) -> String {
        let mut shown = String::new();
        for line in lines {
            let output = self.type_line(line, "y");
            assert_done(line, &output);
            shown += &String::from_utf8(output.stdout).unwrap();
        }
        shown
    }

    /// Returns the simulated phones.
    fn phones(&self) -> Value {
        let url = self.line("http://127.0.0.1:8080/phone.json");
        let text = stdout_of(Command::new("curl").args(["-fsS", &url]));
        serde_json::from_str(&text).unwrap()
    }

    /// Returns the code that the phone of a person shows or, if it was typed before, another right
    /// one, so that the test need not wait for the phone's next code.
    fn code(&self, email: &str, used: &mut Vec<String>) -> String {
        let person = self.person(email);
        let shown = person["token"].as_str().unwrap().to_owned();
        if used.contains(&shown) {
            let path = format!("users/{}/token", person["authy_id"]);
            return self.post(&path, "{}")["token"].as_str().unwrap().to_owned();
        }
        used.push(shown.clone());
        shown
    }

    /// Sends JSON to the simulated phones.
    fn post(&self, path: &str, body: &str) -> Value {
        let url = self.line(&format!("http://127.0.0.1:8080/phone/{path}"));
        let header = "Content-Type: application/json";
        let mut curl = Command::new("curl");
        let text = stdout_of(curl.args(["-fsS", "-H", header, "-d", body, &url]));
        serde_json::from_str(&text).unwrap()
    }

    fn person(&self, email: &str) -> Value {
        let phones = self.phones();
        let all = phones["users"].as_array().unwrap();
        all.iter()
            .find(|user| user["email"] == email)
            .unwrap()
            .clone()
    }

    /// Decides alice's next push on the page.
    fn decide(&self, approve: bool) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let pushes = self.person(ALICE)["approvals"].clone();
            let pending = pushes.as_array().unwrap().iter();
            let pending = pending.clone().find(|push| push["status"] == "pending");
            if let Some(push) = pending {
                let uuid = push["uuid"].as_str().unwrap();
                self.post(
                    &format!("approvals/{uuid}"),
                    &format!("{{\"approve\":{approve}}}"),
                );
                return;
            }
            assert!(Instant::now() < until, "no push arrived");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

const YOU: &str = "you@example.com";
const ALICE: &str = "alice@example.com";

/// Returns the first recovery code in an output.
fn recovery_code(shown: &str) -> String {
    let is_code = |word: &&str| {
        word.len() >= 9
            && word.contains('-')
            && word.chars().all(|c| c == '-' || c.is_ascii_alphanumeric())
    };
    shown.split_whitespace().find(is_code).unwrap().to_owned()
}

#[test]
#[ignore = "needs root"]
fn a_whole_roll_out_with_the_simulator_is_done_and_undone_by_typing_the_page() {
    sandboxed!();
    let machine = Machine::new();
    put_what_is_built_in_place(USER, Path::new("/"));
    add_user("alice");
    let_sudo_remember();
    let before = stacks();
    let mut reader = Reader::new();
    let mut used = Vec::new();
    let lines = |heading: &str| typed_lines(PAGE, heading);

    let service = lines("The service and its phones");
    let (simulator, install) = service.split_last().unwrap();
    reader.type_all(install);
    // Ports that were free a moment ago.
    reader = Reader::new();
    let simulator = reader.line(simulator);
    let terminal = Terminal::start(&format!("runuser -u {USER} -- {simulator}"));
    terminal.wait_for("https://127.0.0.1:");

    let host = reader.type_all(&lines("The host"));
    assert!(host.contains("1636") && host.contains("alice"), "{host}");
    assert_eq!(reader.person(ALICE)["registered"], true);

    first_login(&machine, &reader, &lines("The first login"), &mut used);
    assert!(!is_inside(&machine.ssh(&["1111111"; 3])));
    for approve in [true, false] {
        let output = thread::scope(|scope| {
            scope.spawn(|| reader.decide(approve));
            machine.ssh_as("alice", &["push"])
        });
        assert_eq!(is_inside(&output), approve, "{output:?}");
    }

    bad_days(
        &machine,
        &reader,
        &lines("What will happen one day"),
        &mut used,
    );

    let end = lines("Back to the beginning");
    let (remove, undo) = end.split_last().unwrap();
    reader.type_all(undo);
    terminal.press(&["C-c"]);
    terminal.wait_for("ended with");
    assert_done(remove, &reader.type_line(remove, ""));
    assert_eq!(stacks(), before);
    assert!(is_inside(&machine.ssh_as("alice", &[])));
    assert!(!Path::new("/etc/pam_authy").exists());
}

/// Types the section of the first login, with the codes that the page shows.
fn first_login(machine: &Machine, reader: &Reader, lines: &[String], used: &mut Vec<String>) {
    let mut confirmed_services = Vec::new();
    for line in lines {
        if let Some((_, service)) = line.split_once("pam enable ") {
            confirmed(&shell_here(&reader.line(line)), || {
                machine.wait_for_sshd();
                let code = reader.code(YOU, used);
                if service == "sudo" {
                    assert!(machine.sudo(&[PASSWORD, &code]));
                } else {
                    let output = machine.ssh(&[&code]);
                    assert!(is_inside(&output), "{output:?}");
                }
            });
            confirmed_services.push(service);
            continue;
        }
        let person = if line.contains("alice") { ALICE } else { YOU };
        let is_rehearsal = line.contains("authyctl test");
        let answer = is_rehearsal.then(|| reader.code(person, used));
        let output = reader.type_line(line, &answer.unwrap_or_default());
        assert_done(line, &output);
    }
    assert_eq!(confirmed_services, ["sshd", "sudo"]);
    assert!(!machine.sudo(&[PASSWORD, "1111111"]));
}

/// Types the section of the bad days, and logs in where it says so.
fn bad_days(machine: &Machine, reader: &Reader, lines: &[String], used: &mut Vec<String>) {
    let mut recovery = String::new();
    let mut seen = Vec::new();
    for line in lines {
        let output = reader.type_line(line, "");
        let is_doctor = line.contains("doctor");
        if !is_doctor {
            assert_done(line, &output);
        }
        let shown = String::from_utf8(output.stdout).unwrap();
        let log_in = |code: &str| is_inside(&machine.ssh_as("alice", &[code]));
        if is_doctor {
            assert_eq!(output.status.code(), Some(1), "{shown}");
            assert!(!log_in(&reader.code(ALICE, used)));
            seen.push("away");
        } else if line.contains("60001") {
            assert!(!log_in(&reader.code(ALICE, used)));
            assert!(log_in(&reader.code(ALICE, used)));
            seen.push("revoked");
        } else if line.contains("recovery generate") {
            recovery = recovery_code(&shown);
        } else if line.contains("\"suspended\":true") {
            assert!(!log_in(&reader.code(ALICE, used)));
            assert!(log_in(&recovery));
            seen.push("stolen");
        } else if line.contains("\"suspended\":false") {
            assert!(log_in(&reader.code(ALICE, used)));
        } else if line.contains("unenroll") {
            assert_eq!(reader.person(ALICE)["deleted"], true);
            assert!(!log_in(&reader.code(ALICE, used)));
            seen.push("gone");
        }
    }
    assert_eq!(seen, ["away", "revoked", "stolen", "gone"]);
}

#[test]
fn the_rehearsal_is_linked_from_the_pages_where_a_reader_looks_for_it() {
    for page in ["docs/README.md", "docs/authy-service.md", "README.md"] {
        assert!(text_of(page).contains("rehearsal.md)"), "{page}");
    }
}
