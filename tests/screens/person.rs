//! What a person does at the terminal, step by step, and when the screen is complete.

use std::thread;
use std::time::{Duration, Instant};

use super::world::{PASSWORD, World};
use crate::common::terminal::Terminal;
use crate::common::totp::{SECRET, oathtool};

/// The code that the pages show in place of a right one.
const SHOWN_CODE: &str = "1234567";
/// The recovery code that the pages show.
const SHOWN_RECOVERY: &str = "abcd-efgh-jkmn-pqrs";
/// The secret of an app that the pages show.
const SHOWN_SECRET: &str = "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567";
/// The time that the pages show.
const SHOWN_TIME: &str = "2026-11-28 12:00";
const SHOWN_DAY: &str = "2026-12-27";
/// What the pages show in place of a QR code.
const SHOWN_QR: &str = "(a QR code)";

/// One thing that the person does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Types the password.
    Password,
    /// Types the password and a right code behind it.
    Both,
    /// Types this at a prompt that has the first text.
    At(&'static str, &'static str),
    /// Types a right code of the app at the next prompt for a code.
    RightCode,
    /// Types a code of the app that the host checks, the next one of each login.
    HostCode,
    /// Types the first code for the secret on the screen.
    FirstCode,
    /// Types the first code for the secret that the prompt shows.
    NewAppCode,
    /// Types the code of the last SMS or call.
    SentCode,
    /// Types the code that the approved push has shown.
    PushCode,
    /// Types a recovery code of this user.
    Recovery(&'static str),
    /// Approves the push that is on the phone.
    Approve,
    /// Denies it.
    Deny,
    /// Reads until this is on the screen.
    See(&'static str),
    /// Does nothing for so many milliseconds.
    Wait(u64),
}

/// What the prompt for the first code of a new app has.
const NEW_APP: &str = "of the new app";

/// Returns the secret on a screen: a line of eight groups of four characters.
pub(super) fn secret_on(screen: &str) -> Option<String> {
    let is_group = |word: &str| {
        let is_base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
        word.len() == 4 && word.chars().all(is_base32)
    };
    let is_secret = |line: &&str| line.split(' ').count() == 8 && line.split(' ').all(is_group);
    screen.lines().find(is_secret).map(str::to_owned)
}

/// Types `text` at the next prompt for a code.
pub(super) const fn code(text: &'static str) -> Step {
    Step::At("Verification code", text)
}

/// When a screen is complete.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// The shell is back: pat's own, or that of the other host.
    Shell,
    /// The text is there so many times.
    Shows(&'static str, usize),
}

/// The person at a terminal.
pub(super) struct Person<'a> {
    world: &'a World,
    terminal: Terminal,
    /// The prompts that were answered.
    answered: Vec<&'static str>,
    /// What is shown on the page in place of what was typed.
    replaced: Vec<(String, &'static str)>,
    push_code: String,
}

impl<'a> Person<'a> {
    pub(super) fn new(world: &'a World, terminal: Terminal) -> Self {
        Self {
            world,
            terminal,
            answered: Vec::new(),
            replaced: Vec::new(),
            push_code: String::new(),
        }
    }

    /// Types a command in the shell.
    pub(super) fn run(&self, command: &str) {
        self.terminal.press(&[command, "Enter"]);
    }

    /// Presses keys by tmux's names for them.
    pub(super) fn press(&self, keys: &[&str]) {
        self.terminal.press(keys);
    }

    /// Does everything in turn.
    pub(super) fn act(&mut self, steps: &[Step]) {
        for step in steps {
            self.take(*step);
        }
    }

    fn take(&mut self, step: Step) {
        let sim = &self.world.host.sim;
        let id = self.world.person();
        match step {
            Step::Password => self.answer("assword", PASSWORD),
            Step::Both => self.answer(
                "and verification code",
                &format!("{PASSWORD}{}", sim.token(id)),
            ),
            Step::At(prompt, text) => self.answer(prompt, text),
            Step::RightCode => self.answer_secret(sim.token(id), SHOWN_CODE),
            Step::HostCode => {
                // A code works once, and one of the next step is accepted too.
                let (ahead, shown) = match self.replaced.len() {
                    0 => (0, "123456"),
                    _ => (30, "234567"),
                };
                self.answer_secret(oathtool(SECRET, ahead), shown);
            }
            Step::FirstCode => {
                self.wait_for("First code");
                let screen = self.terminal.text();
                let shown = screen.lines().find(|line| line.starts_with("    "));
                let secret = shown.expect("a secret").trim().to_owned();
                let code = oathtool(&secret.replace(' ', ""), 0);
                self.answer("First code", &code);
                self.replaced.push((secret, SHOWN_SECRET));
                self.replaced.push((code, "123456"));
            }
            Step::NewAppCode => self.answer_new_app(),
            Step::SentCode => {
                self.wait_for("Verification code");
                let sent = sim.last_sms(id).expect("a code was sent");
                self.answer_secret(sent, SHOWN_CODE);
            }
            Step::PushCode => {
                let code = self.push_code.clone();
                self.answer("Code shown in the push", &code);
                self.replaced.push((format!("push: {code}"), "push: 123"));
            }
            Step::Recovery(user) => {
                let made = self.world.authyctl(&["recovery", "generate", user]);
                let code = made["codes"][0].as_str().unwrap().to_owned();
                self.answer_secret(code, SHOWN_RECOVERY);
            }
            Step::Approve | Step::Deny => {
                let shown = sim.decide(id, matches!(step, Step::Approve));
                let details = shown["details"].to_string();
                let code = details.split_once("\"Code\":\"");
                self.push_code = code.map_or_else(String::new, |(_, code)| code[..3].to_owned());
            }
            Step::See(text) => {
                self.terminal.settle(text, |screen| screen.contains(text));
            }
            Step::Wait(milliseconds) => thread::sleep(Duration::from_millis(milliseconds)),
        }
    }

    fn answer_new_app(&mut self) {
        self.wait_for(NEW_APP);
        let secret = secret_on(&self.terminal.text()).expect("a secret");
        let code = oathtool(&secret.replace(' ', ""), 0);
        self.answer(NEW_APP, &code);
        self.replaced.push((secret, SHOWN_SECRET));
        self.replaced.push((code, "123456"));
    }

    fn answer_secret(&mut self, text: String, shown: &'static str) {
        self.answer("Verification code", &text);
        self.replaced.push((text, shown));
    }

    /// Types `text` at the next prompt that has `prompt` in it.
    fn answer(&mut self, prompt: &'static str, text: &str) {
        self.wait_for(prompt);
        self.answered.push(prompt);
        let keys: &[&str] = if text.is_empty() {
            &["Enter"]
        } else {
            &[text, "Enter"]
        };
        self.terminal.press(keys);
    }

    fn wait_for(&self, prompt: &str) {
        let before = self.answered.iter().filter(|one| **one == prompt).count();
        let count = |text: &str| text.replace('\n', "").matches(prompt).count();
        let is_there = |text: &str| count(text).max(text.matches(prompt).count()) > before;
        let until = Instant::now() + Duration::from_secs(20);
        while !is_there(&self.terminal.text()) {
            let text = self.terminal.text();
            assert!(Instant::now() < until, "no further {prompt:?} on:\n{text}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the screen once it has `text`, as it is.
    pub(super) fn wait_to_read(&self, text: &str) -> String {
        // A narrow terminal breaks lines within words.
        let is_there = |screen: &str| screen.replace('\n', "").contains(text);
        self.terminal.settle(text, is_there)
    }

    /// Returns the complete screen, with the page's codes in place of those that were typed.
    pub(super) fn screen(&self, end: End) -> String {
        let mut text = match end {
            End::Shell => self.terminal.settle("shell", |text| {
                let last = text.lines().last().unwrap_or_default();
                text.lines().count() > 1 && ["$", "gate$", "#"].contains(&last)
            }),
            End::Shows(wanted, times) => self
                .terminal
                .settle(wanted, |text| text.matches(wanted).count() >= times),
        };
        for (typed, shown) in &self.replaced {
            text = text.replace(typed, shown);
        }
        if let Some(secret) = secret_on(&text) {
            text = text.replace(&secret, SHOWN_SECRET);
        }
        without_qr(&with_one_day(&with_one_time(&text)))
    }
}

/// Replaces each time of day by one and the same.
fn with_one_time(text: &str) -> String {
    let mut parts = text.split(" UTC").peekable();
    let mut shown = String::new();
    while let Some(part) = parts.next() {
        let time = part.len().checked_sub(SHOWN_TIME.len());
        match time
            .filter(|_| parts.peek().is_some())
            .and_then(|at| part.get(..at))
        {
            Some(before) => shown += &format!("{before}{SHOWN_TIME} UTC"),
            None => shown += part,
        }
    }
    shown
}

/// Replaces the day until which an account needs no factor by one and the same, each time it is
/// shown.
fn with_one_day(text: &str) -> String {
    let mut parts = text.split(" (UTC; ").peekable();
    let mut shown = String::new();
    while let Some(part) = parts.next() {
        match part.len().checked_sub(SHOWN_DAY.len()) {
            Some(begin) if parts.peek().is_some() => {
                shown += &format!("{}{SHOWN_DAY} (UTC; ", &part[..begin]);
            }
            _ => shown += part,
        }
    }
    shown
}

/// Replaces the lines of a QR code, which consist of blocks or `##` and blanks, by one.
fn without_qr(text: &str) -> String {
    let is_qr = |line: &&str| line.contains(['█', '▀', '▄']) || line.contains("##");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.dedup_by(|line, before| is_qr(line) && is_qr(before));
    let lines = lines.into_iter();
    let shown: Vec<_> = lines
        .map(|line| if is_qr(&line) { SHOWN_QR } else { line })
        .collect();
    shown.join("\n")
}
