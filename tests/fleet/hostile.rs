//! Servers that answer as no directory does, behind a socket, where their bytes are not under TLS:
//! nothing is written, nothing is waited for without an end, and no answer crashes the program.

use std::time::{Duration, Instant};

use super::host::SyncHost;
use super::proxy::scripted;
use crate::common::rows::check_rows;

/// The value of the control on the last page: an empty cookie.
const LAST: &[u8] = b"\x30\x05\x02\x01\x00\x04\x00";

/// An element of BER: its tag, and the content after its length.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// A message with this id, of the operation and controls.
fn message(id: u8, rest: &[&[u8]]) -> Vec<u8> {
    element(0x30, &[&[0x02, 0x01, id][..], &rest.concat()].concat())
}

/// A result with this code.
fn result(tag: u8, code: u8) -> Vec<u8> {
    element(tag, &[0x0a, 0x01, code, 0x04, 0x00, 0x04, 0x00])
}

/// The bind succeeds.
fn bound() -> Vec<u8> {
    message(1, &[&result(0x61, 0)])
}

/// The search ends with this code, and a control of pages with this value.
fn done(code: u8, value: &[u8]) -> Vec<u8> {
    let oid = element(0x04, b"1.2.840.113556.1.4.319");
    let control = element(0x30, &[oid, element(0x04, value)].concat());
    message(2, &[&result(0x65, code), &element(0xa0, &control)])
}

/// An entry of alice with the Authy id 1635.
fn alice() -> Vec<u8> {
    let attribute = |name: &[u8], value: &[u8]| {
        let values = element(0x31, &element(0x04, value));
        element(0x30, &[element(0x04, name), values].concat())
    };
    let attributes = [
        attribute(b"uid", b"alice"),
        attribute(b"pamAuthyId", b"1635"),
    ]
    .concat();
    let entry = [element(0x04, b"uid=alice"), element(0x30, &attributes)].concat();
    message(2, &[&element(0x64, &entry)])
}

/// Runs a sync against a server with these answers.
fn host(answers: &[Vec<u8>]) -> SyncHost {
    let host = SyncHost::external("ldapi:///nowhere").impatient();
    let path = host.path("socket");
    scripted(&path, answers.to_vec());
    host.replace("ldapi:///nowhere", &format!("ldapi://{}", path.display()));
    host
}

#[test]
fn a_scripted_server_gives_a_list() {
    let whole = [alice(), done(0, LAST)].concat();
    let host = host(&[bound(), whole]);
    assert_eq!(host.synced()["people"], 1);
}

/// An answer to the bind alone.
fn malformed_binds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let not_utf8 = element(0x61, b"\x0a\x01\x00\x04\x02\xff\xfe\x04\x00");
    vec![
        (
            "no LDAP at all",
            vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()],
        ),
        (
            "a bind without a code",
            vec![message(1, &[&element(0x61, b"")])],
        ),
        ("text that is not UTF-8", vec![message(1, &[&not_utf8])]),
    ]
}

/// What comes between an entry and a good end of the list.
fn malformed_parts() -> Vec<(&'static str, Vec<u8>)> {
    let operation = |tag: u8, content: &[u8]| message(2, &[&element(tag, content)]);
    let name = element(0x04, b"uid=bob");
    vec![
        ("an operation that is unknown", operation(0x7e, b"")),
        ("an entry without attributes", operation(0x64, &name)),
        ("an entry that is not constructed", operation(0x44, b"x")),
        (
            "attributes that are text",
            operation(0x64, &[name.clone(), name.clone()].concat()),
        ),
        (
            "a message without an operation",
            element(0x30, &[0x02, 0x01, 2]),
        ),
        ("an empty message", element(0x30, &[])),
        (
            "a referral in the list",
            operation(0x73, &element(0x04, b"ldap://x")),
        ),
        (
            "a referral of bytes",
            operation(0x73, &element(0x04, b"\xff")),
        ),
    ]
}

/// How the list ends.
fn malformed_ends() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a page without a cookie", done(0, b"\x30\x00")),
        ("a page without a value", done(0, b"")),
        ("a busy server", done(51, LAST)),
    ]
}

#[test]
fn a_malformed_answer_changes_nothing() {
    let mut rows = malformed_binds();
    rows.extend(malformed_parts().into_iter().map(|(what, part)| {
        let list = [alice(), part, done(0, LAST)].concat();
        (what, vec![bound(), list])
    }));
    rows.extend(malformed_ends().into_iter().map(|(what, end)| {
        let list = [alice(), end].concat();
        (what, vec![bound(), list])
    }));
    check_rows(rows, |(_, answers)| {
        let host = host(&answers);
        host.fails(3, "");
        let output = host.run(&["sync"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(output.status.code(), Some(3), "{said}");
    });
}

#[test]
fn pages_that_do_not_end_end_the_sync() {
    // The same cookie each time, and no entry.
    let page = |id: u8| {
        let oid = element(0x04, b"1.2.840.113556.1.4.319");
        let value = element(0x04, b"\x30\x06\x02\x01\x00\x04\x01\x01");
        let control = element(0x30, &[oid, value].concat());
        message(id, &[&result(0x65, 0), &element(0xa0, &control)])
    };
    let mut answers = vec![bound()];
    // Message ids of one byte suffice for the first pages, and then nothing comes.
    answers.extend((2..=0x7f).map(page));
    let host = host(&answers);
    let begun = Instant::now();
    host.fails(3, "no answer within 2 s");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_entry_that_never_ends_is_not_waited_for() {
    let start = element(0x30, &[0; 1000]);
    let host = host(&[bound(), start[..500].to_vec()]);
    let begun = Instant::now();
    host.fails(3, "no answer within 2 s");
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
}
