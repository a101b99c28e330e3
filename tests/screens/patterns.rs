//! The prompts against the patterns by which clients recognise a prompt for a code, or for a
//! password. docs/ssh.md says which clients recognise which prompt.
//!
//! The patterns are those that the clients document or have in their source; the clients themselves
//! do not run here. A prompt is what the module shows first, by the configuration alone.

use pam_authy::base::language::{Language, Message};
use pam_authy::messages::built_in;

use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::packaging::text_of;

/// Returns the first prompt of a login with this configuration.
fn first_prompt(login: &str, tables: &str) -> String {
    let host = Host::with(&format!("[login]\nattempts = 1\n{login}{tables}"));
    let seen = host.login("alice", &[]).seen;
    seen.last().expect("a prompt").1.clone()
}

/// The prompts by their names in this table.
fn prompts() -> Vec<(&'static str, String)> {
    let token = "factors = [\"token\"]\n";
    let recovery = "[recovery]\nservices = [\"sshd\"]\n";
    let german = format!("{token}language = \"de\"\n");
    let en = |message| built_in(message, Language::En).to_owned();
    vec![
        ("code", first_prompt(token, "")),
        ("words", first_prompt("", "")),
        ("recovery", first_prompt(token, recovery)),
        ("enter", first_prompt("enter = \"push\"\n", "")),
        ("waiting", en(Message::PromptPush)),
        ("push", first_prompt("factors = [\"push\"]\n", "")),
        ("shown", en(Message::PromptCode)),
        ("both", first_prompt("token_in_password = true\n", "")),
        ("german", first_prompt(&german, "")),
    ]
}

/// The prompts that ask for a code of the app, in English.
const CODES: &[&str] = &["code", "words", "recovery", "enter", "waiting", "both"];

/// A client, what it looks for as docs/ssh.md shows it, the same as a function, and which prompts
/// have it.
type Client = (
    &'static str,
    &'static str,
    fn(&str) -> bool,
    &'static [&'static str],
);

const CLIENTS: &[Client] = &[
    (
        "VS Code Remote-SSH, without `SSH_ASKPASS`",
        "Verification code:",
        |prompt| prompt.contains("Verification code:"),
        &["code"],
    ),
    (
        "expect and pexpect scripts for google-authenticator",
        "Verification code: ",
        |prompt| prompt.contains("Verification code: "),
        &["code"],
    ),
    (
        "expect and pexpect scripts that you change",
        "erification code",
        |prompt| prompt.contains("erification code"),
        CODES,
    ),
    (
        "sshpass",
        "assword:",
        |prompt| prompt.contains("assword:"),
        &[],
    ),
    (
        "sshpass with `-P`",
        "erification code",
        |prompt| prompt.contains("erification code"),
        CODES,
    ),
    (
        "Ansible 2.19, for the password of ssh",
        "assword",
        |prompt| prompt.contains("assword"),
        &["both"],
    ),
    (
        "Ansible, for `become` by sudo",
        "[sudo via ansible, key=…] password:",
        |prompt| prompt.contains("[sudo via ansible, key="),
        &[],
    ),
    (
        "Ansible, for `become` by su",
        "Password",
        |prompt| prompt.to_lowercase().starts_with("password"),
        &["both"],
    ),
    (
        "pxssh of pexpect, for the password",
        "password:",
        |prompt| prompt.to_lowercase().contains("password:"),
        &[],
    ),
    (
        "pxssh of pexpect, for the shell",
        "[#$]",
        |prompt| prompt.contains(['#', '$']),
        &[],
    ),
];

#[test]
fn clients_recognise_the_prompts_that_the_guide_for_ssh_names() {
    let prompts = prompts();
    let page = text_of("docs/ssh.md");
    check_rows(CLIENTS, |(client, pattern, is_found, expected)| {
        let found = prompts.iter().filter(|(_, prompt)| is_found(prompt));
        let found: Vec<_> = found.map(|(name, _)| *name).collect();
        assert_eq!(found, *expected, "{prompts:?}");
        let row = format!("| {client} | `{pattern}` |");
        assert!(page.contains(&row), "docs/ssh.md has no row {row}");
    });
}

#[test]
fn the_guide_for_ssh_shows_the_prompts_as_they_are() {
    let page = text_of("docs/ssh.md");
    let asked = prompts();
    let codes = asked.iter().filter(|(name, _)| CODES.contains(name));
    check_rows(codes, |(name, prompt)| {
        let row = format!("| {name} | `{prompt}` |");
        assert!(page.contains(&row), "docs/ssh.md has no row {row}");
    });
}

/// OpenSSH's client escapes other characters where its locale is not UTF-8.
#[test]
fn each_english_text_is_ascii() {
    check_rows(Message::ALL, |message| {
        assert!(built_in(*message, Language::En).is_ascii());
    });
}

#[test]
fn each_prompt_ends_with_a_colon_and_a_blank_and_none_looks_like_a_shell() {
    check_rows(prompts(), |(_, prompt)| {
        assert!(prompt.ends_with(": "));
        assert!(!prompt.contains(['#', '$', '>', '%', '\n']));
    });
}
