//! Recovery codes: which texts are one, and that each works once.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::base::factor::Code;
use crate::store::state::test_words::map;

struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }
    fn generate(&self, user: &str) -> Vec<String> {
        let codes = generate(&self.state(), user, alice(), false, map).unwrap();
        codes.iter().map(|code| code.to_string()).collect()
    }
    fn redeem(&self, user: &str, code: &str) -> Result<Option<usize>, Failure> {
        FileRecovery::new(&self.state(), user, alice(), map).redeem(&code.parse().unwrap())
    }
    fn file(&self, user: &str) -> PathBuf {
        self.state().join("recovery").join(state::file_name(user))
    }
}

/// The factors of alice.
fn alice() -> Vec<String> {
    vec!["authy_id=1635".to_owned(), "phone=+15557654321".to_owned()]
}

/// How many codes are left after one was redeemed by a person with these factors.
fn redeemed(host: &Host, code: &str, factors: &[&str]) -> Option<usize> {
    let factors = factors.iter().map(|id| (*id).to_owned()).collect();
    let mut codes = FileRecovery::new(&host.state(), "alice", factors, map);
    codes.redeem(&code.parse().unwrap()).unwrap()
}

#[test]
fn codes_stay_while_the_person_keeps_one_factor_and_end_when_all_are_replaced() {
    let host = Host::new();
    let codes = host.generate("alice");
    assert_eq!(redeemed(&host, &codes[0], &["authy_id=1636"]), None);
    assert_eq!(redeemed(&host, &codes[0], &[]), None);
    assert_eq!(redeemed(&host, &codes[0], &["phone=+15557654321"]), Some(9));
}

#[test]
fn codes_of_replaced_factors_are_not_left_and_do_not_hinder_new_ones() {
    let host = Host::new();
    host.generate("alice");
    let new = vec!["authy_id=7".to_owned()];
    let left = |factors: &[String]| left(&host.state(), "alice", factors).unwrap();
    assert_eq!((left(&alice()), left(&new)), (Left::Of(10), Left::Never));
    assert!(generate(&host.state(), "alice", new.clone(), false, map).is_ok());
    assert_eq!((left(&alice()), left(&new)), (Left::Never, Left::Of(10)));
}

#[test]
fn a_factor_that_is_added_before_the_old_one_goes_keeps_the_codes() {
    let host = Host::new();
    let codes = host.generate("alice");
    let record = |factors: &[&str]| {
        let factors = factors.iter().map(|id| (*id).to_owned()).collect();
        let codes = FileRecovery::new(&host.state(), "alice", factors, map);
        codes.record_factors().unwrap();
    };
    record(&["authy_id=1635", "phone=+15551234567"]);
    assert_eq!(redeemed(&host, &codes[0], &["phone=+15551234567"]), Some(9));
    // Another person's factors are not taken in.
    record(&["authy_id=7"]);
    assert_eq!(redeemed(&host, &codes[1], &["authy_id=7"]), None);
}

#[test]
fn codes_that_were_made_before_the_enrolment_belong_to_who_is_enrolled_first() {
    let host = Host::new();
    let codes = generate(&host.state(), "alice", vec![], false, map).unwrap();
    assert_eq!(redeemed(&host, &codes[0], &["authy_id=1635"]), Some(9));
    let first = FileRecovery::new(&host.state(), "alice", vec!["authy_id=1635".into()], map);
    first.record_factors().unwrap();
    assert_eq!(redeemed(&host, &codes[1], &["authy_id=7"]), None);
}

#[test]
fn ten_codes_are_made_and_each_works_once() {
    let host = Host::new();
    let codes = host.generate("alice");
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), CODES);
    for (used, code) in codes.iter().enumerate() {
        assert_eq!(
            left(&host.state(), "alice", &alice()).unwrap(),
            Left::Of(CODES - used)
        );
        assert_eq!(host.redeem("alice", code), Ok(Some(CODES - used - 1)));
        assert_eq!(host.redeem("alice", code), Ok(None));
    }
    assert_eq!(left(&host.state(), "alice", &alice()).unwrap(), Left::Of(0));
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
    let refused = generate(&host.state(), "alice", alice(), false, map).unwrap_err();
    assert!(matches!(refused, Error::Exists(CODES)));
    let new = generate(&host.state(), "alice", alice(), true, map).unwrap();
    assert_eq!(host.redeem("alice", &old[0]), Ok(None));
    assert_eq!(host.redeem("alice", &new[0]), Ok(Some(9)));
    assert_eq!(host.redeem("bob", &bobs[0]), Ok(Some(9)));
}

#[test]
fn codes_that_are_taken_back_leave_those_of_before_and_no_other_set() {
    let host = Host::new();
    let made = |replace| make(&host.state(), "alice", alice(), replace, map).unwrap();
    let first = made(false);
    let unseen = first.texts()[0].to_string();
    first.take_back().unwrap();
    assert_eq!(host.redeem("alice", &unseen), Ok(None));
    assert!(!host.file("alice").exists());

    let old = host.generate("alice");
    assert_eq!(host.redeem("alice", &old[0]), Ok(Some(9)));
    let new = made(true);
    let unseen = new.texts()[0].to_string();
    new.take_back().unwrap();
    assert_eq!(host.redeem("alice", &unseen), Ok(None));
    assert_eq!(
        host.redeem("alice", &old[0]),
        Ok(None),
        "it was used before"
    );
    assert_eq!(host.redeem("alice", &old[1]), Ok(Some(8)));

    let late = made(true);
    let newest = generate(&host.state(), "alice", alice(), true, map).unwrap();
    late.take_back().unwrap();
    assert_eq!(host.redeem("alice", &newest[0]), Ok(Some(9)));
    let used = fs::read_dir(host.state().join("recovery-used")).unwrap();
    assert_eq!(used.count(), 1, "nothing is left behind");
}

/// The administrator replaces the set after a login has opened it.
#[test]
fn a_code_of_a_set_that_is_replaced_meanwhile_is_refused() {
    thread_local!(static STATE: RefCell<PathBuf> = RefCell::default());
    let host = Host::new();
    let old = host.generate("alice");
    STATE.set(host.state());
    let replacing: MapWords = |file, words| {
        STATE.with_borrow(|state| generate(state, "alice", alice(), true, map).unwrap());
        map(file, words)
    };
    let mut codes = FileRecovery::new(&host.state(), "alice", alice(), replacing);
    assert_eq!(codes.redeem(&old[0].parse().unwrap()), Ok(None));
}

#[test]
fn a_user_without_codes_has_none_and_leaves_no_trace() {
    let host = Host::new();
    assert_eq!(host.redeem("alice", "0000-0000-0000-0000"), Ok(None));
    assert!(!host.state().exists());
    host.generate("bob");
    assert_eq!(host.redeem("alice", "0000-0000-0000-0000"), Ok(None));
    assert!(!remove(&host.state(), "alice").unwrap());
    assert_eq!(left(&host.state(), "alice", &alice()).unwrap(), Left::Never);
    assert_eq!(
        fs::read_dir(host.state().join("recovery")).unwrap().count(),
        2
    );
    assert!(remove(&host.state(), "bob").unwrap());
    assert_eq!(left(&host.state(), "bob", &alice()).unwrap(), Left::Never);
}

#[test]
fn neither_the_file_nor_debug_output_holds_a_code() {
    let host = Host::new();
    let codes = host.generate("alice");
    let text = fs::read_to_string(host.file("alice")).unwrap();
    for code in &codes {
        let parsed: RecoveryCode = code.parse().unwrap();
        assert_eq!(format!("{parsed:?}"), "[redacted]");
        let bytes = state::hex(parsed.bytes());
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
        assert!(left(&host.state(), "alice", &alice()).is_err());
        assert!(generate(&host.state(), "alice", alice(), false, map).is_err());
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
    generate(&host.state(), "alice", alice(), true, map).unwrap();
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
        assert!(text.parse::<RecoveryCode>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_reply_is_both_a_code_and_a_recovery_code(text in "[0-9 -]{0,40}|\\PC{0,40}") {
        prop_assert!(text.parse::<RecoveryCode>().is_err() || text.parse::<Code>().is_err());
    }

    #[test]
    fn no_file_makes_the_reader_panic(bytes: Vec<u8>) {
        let _ = read(Some(&bytes));
    }
}

#[test]
fn imported_codes_of_eight_digits_work_once_and_replace_none_that_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let code = |digits| RecoveryCode::from_digits(digits).unwrap();
    let codes = [code("27719617"), code("72808193")];
    let factors = || vec!["totp=1".to_owned()];
    import(&state, "bob", factors(), &codes, map).unwrap();
    let redeem = |digits| {
        let mut recovery = FileRecovery::new(&state, "bob", factors(), map);
        recovery.redeem(&code(digits)).unwrap()
    };
    assert_eq!(redeem("00000000"), None);
    assert_eq!(redeem("27719617"), Some(1));
    assert_eq!(redeem("27719617"), None);
    let again = import(&state, "bob", factors(), &codes, map);
    assert!(matches!(again, Err(Error::Exists(1))));
    assert_eq!(redeem("72808193"), Some(0));
    import(&state, "bob", factors(), &codes, map).unwrap();
    assert_eq!(redeem("27719617"), Some(1));
}
