//! Recovery codes: which texts are one, and that each works once.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::client::authy::types::Token;

struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }
    fn generate(&self, user: &str) -> Vec<String> {
        let codes = generate(&self.state(), user, false).unwrap();
        codes.iter().map(|code| code.to_string()).collect()
    }
    fn redeem(&self, user: &str, code: &str) -> Result<Option<usize>, Failure> {
        FileRecovery::new(&self.state(), user).redeem(&code.parse().unwrap())
    }
    fn file(&self, user: &str) -> PathBuf {
        self.state().join("recovery").join(state::file_name(user))
    }
}

#[test]
fn ten_codes_are_made_and_each_works_once() {
    let host = Host::new();
    let codes = host.generate("alice");
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), CODES);
    for (used, code) in codes.iter().enumerate() {
        assert_eq!(
            left(&host.state(), "alice").unwrap(),
            Left::Of(CODES - used)
        );
        assert_eq!(host.redeem("alice", code), Ok(Some(CODES - used - 1)));
        assert_eq!(host.redeem("alice", code), Ok(None));
    }
    assert_eq!(left(&host.state(), "alice").unwrap(), Left::Of(0));
    assert_eq!(host.redeem("alice", &codes[0]), Ok(None));
}

#[test]
fn a_code_is_taken_as_people_type_it() {
    let host = Host::new();
    let codes = host.generate("alice");
    let typed = [
        codes[0].to_uppercase(),
        codes[1].replace('-', ""),
        format!("  {} ", codes[2].replace('-', "  ")),
        codes[3].replace('0', "O").replace('1', "l"),
        codes[4].replace('0', "o").replace('1', "I"),
    ];
    for code in typed {
        assert!(host.redeem("alice", &code).unwrap().is_some(), "{code}");
    }
}

#[test]
fn a_code_of_another_user_or_an_older_set_is_refused() {
    let host = Host::new();
    let old = host.generate("alice");
    let bobs = host.generate("bob");
    assert_eq!(host.redeem("alice", &bobs[0]), Ok(None));
    let refused = generate(&host.state(), "alice", false).unwrap_err();
    assert!(matches!(refused, Error::Exists(CODES)));
    let new = generate(&host.state(), "alice", true).unwrap();
    assert_eq!(host.redeem("alice", &old[0]), Ok(None));
    assert_eq!(host.redeem("alice", &new[0]), Ok(Some(9)));
    assert_eq!(host.redeem("bob", &bobs[0]), Ok(Some(9)));
}

#[test]
fn a_user_without_codes_has_none_and_leaves_no_trace() {
    let host = Host::new();
    assert_eq!(host.redeem("alice", "0000-0000-0000-0000"), Ok(None));
    assert!(!host.state().exists());
    host.generate("bob");
    assert_eq!(host.redeem("alice", "0000-0000-0000-0000"), Ok(None));
    assert!(!remove(&host.state(), "alice").unwrap());
    assert_eq!(left(&host.state(), "alice").unwrap(), Left::Never);
    assert_eq!(
        fs::read_dir(host.state().join("recovery")).unwrap().count(),
        2
    );
    assert!(remove(&host.state(), "bob").unwrap());
    assert_eq!(left(&host.state(), "bob").unwrap(), Left::Never);
}

#[test]
fn neither_the_file_nor_debug_output_holds_a_code() {
    let host = Host::new();
    let codes = host.generate("alice");
    let text = fs::read_to_string(host.file("alice")).unwrap();
    for code in &codes {
        let parsed: Code = code.parse().unwrap();
        assert_eq!(format!("{parsed:?}"), "[redacted]");
        let bytes = state::hex(parsed.0.as_slice());
        assert!(!text.contains(code) && !text.contains(&bytes), "{text}");
    }
    let mode = fs::metadata(host.file("alice"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_damaged_newer_or_open_file_gives_no_success() {
    let host = Host::new();
    let codes = host.generate("alice");
    let good = fs::read_to_string(host.file("alice")).unwrap();
    let bad = [
        String::new(),
        good[..good.len() - 1].to_owned(),
        good.replace("\"version\":1", "\"version\":2"),
        good.replace("\"key\":\"", "\"key\":\"00"),
        good.replace("\"hashes\":[\"", "\"hashes\":[\"zz"),
        good.replace("\"name\"", "\"nome\""),
    ];
    for content in bad {
        fs::write(host.file("alice"), &content).unwrap();
        assert!(
            matches!(host.redeem("alice", &codes[0]), Err(Failure::State(_))),
            "{content}"
        );
        assert!(left(&host.state(), "alice").is_err());
        assert!(generate(&host.state(), "alice", false).is_err());
        assert_eq!(unreadable(&host.state()).unwrap().len(), 1);
    }
    fs::write(host.file("alice"), &good).unwrap();
    fs::set_permissions(host.file("alice"), fs::Permissions::from_mode(0o604)).unwrap();
    assert!(matches!(
        host.redeem("alice", &codes[0]),
        Err(Failure::State(_))
    ));
    fs::set_permissions(host.file("alice"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(host.redeem("alice", &codes[0]), Ok(Some(9)));
    fs::write(host.file("alice"), "junk").unwrap();
    generate(&host.state(), "alice", true).unwrap();
}

#[test]
fn of_many_logins_with_one_code_at_once_one_succeeds() {
    let host = Host::new();
    let code = host.generate("alice").remove(0);
    let won = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| host.redeem("alice", &code)))
            .collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        results.filter(|result| *result == Ok(Some(9))).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn a_text_that_is_not_a_code_is_not_parsed() {
    for text in [
        "",
        "-",
        "0000-0000-0000-000",
        "0000-0000-0000-0000-0",
        "0000-0000-0000-000u",
        "0000-0000-0000-000é",
        "0000_0000_0000_0000",
        "push",
        "000000000000000\0",
    ] {
        assert!(text.parse::<Code>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_reply_is_both_a_token_and_a_code(text in "[0-9 -]{0,40}|\\PC{0,40}") {
        prop_assert!(text.parse::<Code>().is_err() || text.parse::<Token>().is_err());
    }

    #[test]
    fn a_code_is_parsed_as_it_was_made(bytes: [u8; BYTES]) {
        let shown = admin::text(&bytes);
        prop_assert_eq!(shown.len(), 19);
        let code: Code = shown.parse().unwrap();
        prop_assert_eq!(*code.0, bytes);
    }

    #[test]
    fn no_file_makes_the_reader_panic(bytes: Vec<u8>) {
        let _ = read(Some(&bytes));
    }
}
