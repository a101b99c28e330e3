//! The invariants of fuzz/invariants.rs, checked without a fuzzer: on every file of the corpus, on
//! files of the corpus with random edits, and on random bytes.

#[path = "../fuzz/invariants.rs"]
mod invariants;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::common::rounds;
use crate::common::rows::check_rows;

/// Edits of an input: the place, how many bytes are removed there, and the bytes that are inserted.
type Edits = Vec<(Index, u8, Vec<u8>)>;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert!(files.len() >= 3, "the corpus of {name} is missing");
    files
}

fn edited(mut bytes: Vec<u8>, edits: &Edits) -> Vec<u8> {
    for (at, gone, new) in edits {
        let start = at.index(bytes.len() + 1);
        let end = (start + usize::from(*gone % 8)).min(bytes.len());
        bytes.splice(start..end, new.iter().copied());
    }
    bytes
}

/// Generates bytes that some parser treats specially, and random ones.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "\"",
        "'",
        "\n",
        "\r\n",
        "=",
        "[",
        "]",
        "[[",
        "{",
        "}",
        "#",
        "\\",
        "\\u0000",
        "0",
        "-1",
        "true",
        "null",
        "is valid",
        "\u{202e}",
        "\u{1b}[2J",
        "\u{0}",
        "9223372036854775808",
        "1e9",
        ".",
        "..",
        "/",
        "%",
        "&",
        "|",
        ",",
        ":",
        "é",
        "\u{661}",
        "token",
        "success",
        "key",
        "users",
        "held",
        "removed",
        "user=",
        "verdict=accepted",
        "argument0=",
    ];
    prop_oneof![
        proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ]
}

fn check(name: &str, invariant: fn(&[u8])) {
    let corpus = corpus(name);
    check_rows(&corpus, |input| invariant(input));
    let edits = proptest::collection::vec((any::<Index>(), any::<u8>(), pieces()), 0..6);
    let inputs = prop_oneof![
        9 => (proptest::sample::select(corpus), edits).prop_map(|(bytes, edits)| edited(bytes, &edits)),
        1 => proptest::collection::vec(any::<u8>(), 0..300),
    ];
    let config = Config {
        cases: rounds(3000),
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        invariant(&input);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn every_config_is_checked_or_refused_without_the_key() {
    check("config", invariants::config);
}

#[test]
fn every_mapping_is_valid_as_a_whole_or_refused_as_a_whole() {
    check("users", invariants::users);
}

#[test]
fn every_file_of_a_directory_is_valid_as_a_whole_or_refused_as_a_whole() {
    check("directory", invariants::directory);
}

#[test]
fn every_file_of_secrets_is_valid_or_refused_without_a_secret() {
    check("totp", invariants::totp);
}

#[test]
fn every_reply_is_accepted_by_the_rule_or_not_at_all() {
    check("reply", invariants::reply);
}

#[test]
fn typed_input_leaves_the_host_only_as_digits() {
    check("typed", invariants::typed);
}

#[test]
fn every_callback_without_the_key_is_refused() {
    check("callback", invariants::callback);
}

#[test]
fn every_fingerprint_of_a_login_is_one_of_a_key_that_sshd_names() {
    check("ssh_auth", invariants::ssh_auth);
}

#[test]
fn every_message_that_is_understood_is_the_same_when_it_is_sent_on() {
    check("protocol", invariants::protocol);
}

#[test]
fn every_text_is_safe_to_show() {
    check("text", invariants::text);
}
