//! Other SSH clients than OpenSSH's, paramiko and asyncssh, against real sshd: what they hand to
//! their user. scripts/peers.sh fetches them.
//!
//! OpenSSH 9.2 puts a notice in front of the prompt. The last notice of a denial comes as a request
//! without a prompt, and that of a success as a banner.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::module::sshd::{PASSWORD, Sshd, USER};

/// Logs in with a client, and returns what it said, line by line.
fn log_in(sshd: &Sshd, client: &str, codes: &[&str]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("timeout");
    python.args(["60", "python3"]);
    python.arg(root.join("tests/peers/ssh_clients.py"));
    let mut child = python
        .args([client, &sshd.port.to_string(), USER])
        .env("PYTHONPATH", root.join("target/peers/ssh-clients"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let replies = json!({"password": PASSWORD, "codes": codes}).to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(replies.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What the client handed to its user, line by line. Before OpenSSH 10.3 a notice is a line in
/// front of a prompt, and from then on a request without a prompt: here they are the same.
fn handed_over(said: &[Value]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for event in said {
        let texts = event.as_array().unwrap().iter();
        let texts: Vec<_> = texts.map(|text| text.as_str().unwrap()).collect();
        match texts[..] {
            ["request", instructions, prompt] => {
                assert_eq!(instructions, "");
                let (notices, prompt) = prompt.rsplit_once('\n').unwrap_or(("", prompt));
                all.extend(notices.lines().map(|line| ("notice", line)));
                all.push(("prompt", prompt));
            }
            ["request", text] => all.extend(text.lines().map(|line| ("notice", line))),
            ["banner", text] => all.extend(text.lines().map(|line| ("banner", line))),
            ["inside"] => all.push(("inside", "")),
            // The texts of the clients' exceptions say no more.
            ["refused", _, _] => all.push(("refused", "")),
            _ => panic!("{event}"),
        }
    }
    all.into_iter()
        .map(|(kind, text)| (kind.to_owned(), text.to_owned()))
        .collect()
}

const PASSWORD_PROMPT: (&str, &str) = ("prompt", "Password: ");
const PROMPT: (&str, &str) = ("prompt", "Verification code (or type push, sms or call): ");
const NOT_ACCEPTED: (&str, &str) = ("notice", "That code was not accepted.");
const REFUSED: (&str, &str) = ("refused", "");
const INSIDE: (&str, &str) = ("inside", "");

/// A login: what is typed, and what the client hands over after the prompts for password and code.
type Row = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// `right` means a right code. The phone denies each push.
const LOGINS: [Row; 5] = [
    (&["right"], &[INSIDE]),
    (
        &["1111111", "right"],
        &[
            NOT_ACCEPTED,
            PROMPT,
            (
                "banner",
                "Codes not accepted or pushes denied since your last login: 1.",
            ),
            INSIDE,
        ],
    ),
    (
        &["1111111", "2222222"],
        &[
            NOT_ACCEPTED,
            PROMPT,
            (
                "notice",
                "That code was not accepted. No attempts are left: close this connection (Ctrl-C) and connect \
                 again.",
            ),
            REFUSED,
        ],
    ),
    (
        &["push"],
        &[
            ("notice", "A push was sent to your phone."),
            (
                "notice",
                "The push was denied: start again and type a code.",
            ),
            REFUSED,
        ],
    ),
    (
        &["1234567"],
        &[
            (
                "notice",
                "The verification service cannot be reached: try again later.",
            ),
            REFUSED,
        ],
    ),
];

/// As the usual line, without the two seconds that pam_unix adds to a refusal.
const PASSWORD_FIRST: &str = "auth requisite pam_unix.so nodelay\n";

#[test]
#[ignore = "needs root and paramiko (scripts/peers.sh ssh-clients)"]
fn paramiko_hands_each_notice_to_its_user_before_the_prompt_and_the_last_word_at_the_end() {
    sandboxed!();
    hands_over_what_is_said("paramiko");
}

/// asyncssh itself begins again after a denial, until the server has had enough.
#[test]
#[ignore = "needs root and asyncssh (scripts/peers.sh ssh-clients)"]
fn asyncssh_hands_each_notice_to_its_user_before_the_prompt_and_the_last_word_at_the_end() {
    sandboxed!();
    hands_over_what_is_said("asyncssh");
}

fn hands_over_what_is_said(client: &str) {
    let login = "[login]\nrefusal_seconds = 0\nattempts = 2\n[recovery]\nservices = []\n";
    let host = Host::with(login);
    host.sim.change(1635, &json!({"registered": true}));
    let sshd = Sshd::start(host, PASSWORD_FIRST, "keyboard-interactive");
    check_rows(LOGINS, |(typed, expected)| {
        // Refused codes and a denied push last.
        let _ = fs::remove_dir_all(sshd.host.sim.path("state"));
        let right = sshd.token();
        let codes = typed
            .iter()
            .map(|text| if *text == "right" { &right } else { *text });
        let codes: Vec<_> = codes.collect();
        if typed == ["1234567"] {
            sshd.host.sim.answer_verify(500, "");
        }

        let said = std::thread::scope(|scope| {
            if typed == ["push"] {
                scope.spawn(|| sshd.host.sim.decide(1635, false));
            }
            log_in(&sshd, client, &codes)
        });

        let expected = [&[PASSWORD_PROMPT, PROMPT], expected].concat();
        let expected = expected
            .iter()
            .map(|(kind, text)| ((*kind).to_owned(), (*text).to_owned()));
        assert_eq!(handed_over(&said), expected.collect::<Vec<_>>(), "{said:?}");
    });
}
