//! One real login: through libpam alone, through su, through sudo, or through sshd (`sshd`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::unistd::User;
use pam_authy::pam_app::{Item, Style, Transaction};

use super::accounts::{PASSWORD, PEOPLE, Person, write};
use super::askpass::Askpass;
use super::sshd::Connection;
use crate::common::totp::{SECRET, code_at};

/// What a person who logs in can prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) key: bool,
    pub(super) password: bool,
    pub(super) code: bool,
}

/// The application of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Through {
    Libpam,
    Su,
    Sudo,
    Sshd,
}

/// What came of a login.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) through: Through,
    pub(super) person: &'static Person,
    pub(super) given: Given,
    /// How it was tried, for a reader of a failed test.
    pub(super) how: String,
    pub(super) is_in: bool,
    /// How often a code was asked for, and anything else.
    pub(super) codes: usize,
    pub(super) others: usize,
    /// The methods that sshd accepted.
    pub(super) methods: Vec<String>,
    /// The service with the stack that was used, and the user it was used for.
    pub(super) service: Option<String>,
    pub(super) subject: Option<String>,
    /// The connection to sshd; for libpam, one with its remote address.
    pub(super) connection: Option<Connection>,
    /// A list of sshd or sudo refuses the person, whatever is proven.
    pub(super) is_barred: bool,
}

impl Outcome {
    pub(super) fn new(
        through: Through,
        person: &'static Person,
        given: Given,
        how: String,
    ) -> Self {
        Self {
            through,
            person,
            given,
            how,
            is_in: false,
            codes: 0,
            others: 0,
            methods: Vec::new(),
            service: None,
            subject: None,
            connection: None,
            is_barred: false,
        }
    }

    /// Returns the address that the login came from, where it has one.
    pub(super) fn address(&self) -> Option<&str> {
        self.connection
            .as_ref()
            .map(|connection| connection.address.as_str())
    }

    /// Returns the person the login was for: with `targetpw`, sudo asks for another user's proof
    /// than its caller's.
    pub(super) fn subject(&self) -> &'static Person {
        let subject = self.subject.as_deref();
        let mut people = PEOPLE.iter();
        let known = people.find(|person| Some(person.name) == subject);
        known.unwrap_or(self.person)
    }

    /// Reads which service was used, and for which user.
    fn read_mark(&mut self) {
        let marks = fs::read_to_string("/run/marks").unwrap();
        let mark = marks.lines().next().and_then(|line| line.split_once(' '));
        if let Some((service, subject)) = mark {
            self.service = Some(service.to_owned());
            self.subject = Some(subject.to_owned());
        }
    }

    /// Whether an enrolled person got in after a code was asked for, and given.
    pub(super) fn has_proven(&self) -> bool {
        // sshd may ask for a code first, and take a key alone then.
        let method = |method: &String| method.starts_with("keyboard-interactive");
        let is_by_pam = self.through != Through::Sshd || self.methods.iter().any(method);
        is_by_pam && self.is_in && self.given.code && self.codes > 0 && self.subject().is_enrolled
    }
}

/// The codes that a person types: this step's, and then the next one's, since a code works once.
/// Wrong ones are of another time.
pub(super) fn codes(given: Given) -> [String; 2] {
    thread_local! {
        // oathtool takes longer than much else here.
        static KNOWN: RefCell<BTreeMap<u64, String>> = const { RefCell::new(BTreeMap::new()) };
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let step = if given.code { now / 30 } else { 40_000_000 };
    [step, step + 1].map(|step| {
        KNOWN.with_borrow_mut(|known| {
            let code = known
                .entry(step)
                .or_insert_with(|| code_at(SECRET, step * 30));
            code.clone()
        })
    })
}

/// Forgets used codes and refused ones, so that no login depends on those before it.
pub(super) fn forget() {
    for path in ["/var/lib/pam_authy", "/run/faillock", "/var/run/faillock"] {
        let _ = fs::remove_dir_all(path);
    }
    let _ = fs::remove_file("/run/marks");
}

pub(super) fn is_code(prompt: &str) -> bool {
    prompt.contains("erification")
}

/// Logs in through libpam alone.
pub(super) fn pam(
    person: &'static Person,
    given: Given,
    service: &str,
    address: Option<&'static str>,
) -> Outcome {
    forget();
    let mut outcome = Outcome::new(Through::Libpam, person, given, format!("libpam, {service}"));
    outcome.service = Some(service.to_owned());
    outcome.connection = address.map(|address| Connection::new(address, ""));
    let mut codes = codes(given).into_iter();
    let (mut of_codes, mut of_others) = (0, 0);
    let mut answer = |style: Style, text: &str| {
        if !matches!(style, Style::PromptEchoOn | Style::PromptEchoOff) {
            return None;
        }
        Some(if is_code(text) {
            of_codes += 1;
            codes.next().unwrap_or_default()
        } else {
            of_others += 1;
            password(given).to_owned()
        })
    };
    let folder = Path::new("/etc/pam.d");
    if let Ok(mut pam) = Transaction::start(service, person.name, folder, &mut answer) {
        if let Some(address) = address {
            pam.set(Item::RHost, address).unwrap();
        }
        outcome.is_in = pam.authenticate().name() == "PAM_SUCCESS";
    }
    (outcome.codes, outcome.others) = (of_codes, of_others);
    outcome
}

pub(super) fn password(given: Given) -> &'static str {
    if given.password { PASSWORD } else { "wrong" }
}

/// Runs `sudo` with these arguments as the person.
pub(super) fn sudo(person: &'static Person, given: Given, arguments: &'static str) -> Outcome {
    forget();
    write("/run/marks", 0o666, "");
    let mut outcome = Outcome::new(Through::Sudo, person, given, format!("sudo {arguments}"));
    let mut command = command_of(person);
    command.args(["sudo", "-k"]);
    let has_askpass = arguments.starts_with("-A");
    command.args(if has_askpass { None } else { Some("-S") });
    command.args(arguments.split(' '));
    let said = if has_askpass {
        let askpass = Askpass::new(&mut command, given);
        let output = command.stdin(Stdio::null()).output().unwrap();
        outcome.is_in = output.status.success();
        (outcome.codes, outcome.others) = askpass.counts();
        String::from_utf8_lossy(&output.stderr).into_owned()
    } else {
        converse(command, &mut outcome)
    };
    outcome.read_mark();
    let barred = ["not in the sudoers", "not allowed to", "may not run"];
    outcome.is_barred = barred.iter().any(|words| said.contains(words));
    outcome.how = format!("{} ({})", outcome.how, said.trim().replace('\n', " | "));
    outcome
}

/// Runs `su` as the person, who then is `target`.
pub(super) fn su(person: &'static Person, given: Given, target: &'static Person) -> Outcome {
    forget();
    write("/run/marks", 0o666, "");
    let how = format!("su {}", target.name);
    let mut outcome = Outcome::new(Through::Su, person, given, how);
    let mut command = command_of(person);
    command.args(["su", target.name, "-s", "/bin/sh", "-c", "true"]);
    let said = converse(command, &mut outcome);
    outcome.read_mark();
    outcome.how = format!("{} ({})", outcome.how, said.trim().replace('\n', " | "));
    outcome
}

/// A command that the person runs, twenty seconds at most.
fn command_of(person: &Person) -> Command {
    let account = User::from_name(person.name).unwrap().unwrap();
    let mut command = Command::new("timeout");
    command
        .args(["20", "setpriv", "--reuid", person.name, "--init-groups"])
        .args(["--regid", &account.gid.to_string()])
        .current_dir("/");
    command
}

/// Answers the prompts of su or `sudo -S`; returns all that it says.
fn converse(mut command: Command, outcome: &mut Outcome) -> String {
    let given = outcome.given;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stderr) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let mut codes = codes(given).into_iter();
    let (mut said, mut part, mut prompt) = (String::new(), [0; 1024], String::new());
    while let Ok(count @ 1..) = stderr.read(&mut part) {
        let text = String::from_utf8_lossy(&part[..count]).into_owned();
        said.push_str(&text);
        prompt.push_str(&text);
        if !prompt.ends_with(": ") {
            continue;
        }
        let reply = if is_code(prompt.lines().last().unwrap()) {
            outcome.codes += 1;
            codes.next().unwrap_or_default()
        } else {
            outcome.others += 1;
            password(given).to_owned()
        };
        prompt.clear();
        // It may have ended.
        let _ = writeln!(stdin, "{reply}");
    }
    outcome.is_in = child.wait().unwrap().success();
    said
}
