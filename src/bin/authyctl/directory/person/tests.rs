//! Entries that a directory may have, and what becomes of each.

use std::time::Duration;

use pam_authy::store::config::{Changes, DirectoryBind};

use super::*;

/// A security key and an ordinary one.
const SECURITY_KEY: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7AAAABHNzaDo= alice@laptop";
const PLAIN_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7 alice@laptop";

/// Attributes with their values.
type Attributes<'a> = &'a [(&'a str, &'a [&'a str])];

fn directory() -> Directory {
    let name = |name: &str| Some(name.to_owned());
    Directory {
        servers: Vec::new(),
        ca_file: None,
        base: "dc=example,dc=com".into(),
        filter: "(objectClass=inetOrgPerson)".into(),
        bind: DirectoryBind::External,
        attributes: DirectoryAttributes {
            user: "uid".into(),
            authy_id: name("authyId"),
            phone: name("mobile"),
            twilio_identity: name("twilioIdentity"),
            twilio_factor: name("twilioFactor"),
            security_keys: name("ipaSshPubKey"),
        },
        default_country: Some("DE".into()),
        max_removed_percent: 10,
        changes: Changes::Hold,
        timeout: Duration::from_secs(30),
        folds_case: false,
    }
}

fn entry(attributes: Attributes<'_>) -> RawEntry {
    let attributes = attributes.iter().map(|(name, values)| {
        let values = values.iter().map(|value| value.as_bytes().to_vec());
        ((*name).to_owned(), values.collect())
    });
    RawEntry {
        dn: "uid=alice,dc=example,dc=com".into(),
        attributes: attributes.collect(),
    }
}

/// What becomes of alice with these attributes: her factors, or why she has none.
fn alice(attributes: Attributes<'_>) -> Result<Vec<String>, String> {
    let mut entry = entry(attributes);
    entry
        .attributes
        .push(("uid".into(), vec![b"alice".to_vec()]));
    match read(&entry, &directory()) {
        Found::People(mut people) => {
            let (name, person) = people.pop().unwrap();
            assert_eq!((name.as_str(), people.len()), ("alice", 0));
            person.map(|person| person.stored_ids())
        }
        Found::WithoutFactor(name) => Err(format!("{name} has no factor")),
        other => panic!("{other:?}"),
    }
}

fn fingerprint(line: &str) -> String {
    ssh_key::public_key(line).unwrap().fingerprint.to_string()
}

#[test]
fn each_attribute_becomes_a_factor_in_whatever_case_its_name_comes() {
    let factor = format!("YF{}", "0".repeat(32));
    let found = alice(&[
        ("AUTHYID", &["1635"]),
        ("Mobile", &["0151 23456789"]),
        ("twilioidentity", &["a3f1-0000"]),
        ("twilioFactor", &[&factor]),
    ]);
    let expected = [
        "authy_id=1635",
        "phone=+4915123456789",
        &format!("twilio_factor={factor}"),
    ];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn security_keys_are_sorted_and_keys_of_other_types_count_as_none() {
    let key = fingerprint(SECURITY_KEY);
    let other = format!("SHA256:{}A", "A".repeat(42));
    let with_options = format!("no-touch-required {SECURITY_KEY}");
    let one = alice(&[("ipaSshPubKey", &[PLAIN_KEY, SECURITY_KEY, &other])]);
    let two = alice(&[("ipaSshPubKey", &[&other, &with_options])]);
    assert_eq!(one, two);
    let mut expected = [
        format!("security_key={other}"),
        format!("security_key={key}"),
    ];
    expected.sort();
    assert_eq!(one.unwrap(), expected);
}

#[test]
fn values_that_cannot_be_used_make_the_whole_entry_unusable() {
    let rows: [(Attributes<'_>, &str); 14] = [
        (&[("authyId", &["0"])], "authyId: an authy id is"),
        (
            &[("authyId", &["1635", "1636"])],
            "several values of authyId",
        ),
        (
            &[("authyId", &["1635"]), ("authyid", &["1636"])],
            "several values of authyId",
        ),
        (
            &[("authyId", &["1635"]), ("mobile", &["none"])],
            "mobile: none is not",
        ),
        (&[("mobile", &[""])], "mobile: "),
        (
            &[("mobile", &["030 901820", "030 901821"])],
            "several values of mobile",
        ),
        (&[("authyId", &["１６３５"])], "authyId: an authy id is"),
        (&[("twilioIdentity", &["a3f1-0000"])], "no twilio_factor"),
        (
            &[("twilioFactor", &["YF00000000000000000000000000000000"])],
            "no twilio_identity",
        ),
        (&[("ipaSshPubKey", &[PLAIN_KEY])], "alice has no factor"),
        (
            &[("ipaSshPubKey", &["SHA256:abc"])],
            "ipaSshPubKey: a fingerprint is",
        ),
        (
            &[("ipaSshPubKey", &[PLAIN_KEY; 65])],
            "more than 64 values of ipaSshPubKey",
        ),
        (
            &[("ipaSshPubKey", &["sk-ssh-ed25519@openssh.com AAAA"])],
            "begins as a security key",
        ),
        (
            &[
                ("authyId", &["1635"]),
                ("ipaSshPubKey", &["cert sk-x AAAA"]),
            ],
            "begins as a security key",
        ),
    ];
    let wrong: Vec<_> = rows
        .into_iter()
        .map(|(attributes, why)| (alice(attributes), why))
        .filter(|(found, why)| !found.as_ref().is_err_and(|found| found.contains(why)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn bytes_that_are_no_text_make_an_entry_unusable_and_are_not_shown() {
    let mut entry = entry(&[("uid", &["alice"])]);
    entry
        .attributes
        .push(("mobile".into(), vec![vec![0xff, 0xfe, 0x1b]]));
    let why = "mobile: is not text in UTF-8".to_owned();
    let expected = vec![("alice".to_owned(), Err(why))];
    assert_eq!(read(&entry, &directory()), Found::People(expected));
}

#[test]
fn an_attribute_with_an_option_or_without_a_value_is_none() {
    let rows: [Attributes<'_>; 3] = [
        &[],
        &[("mobile", &[]), ("authyId", &[])],
        &[("mobile;lang-de", &["030 901820"]), ("x-mobile", &["1"])],
    ];
    for attributes in rows {
        assert_eq!(alice(attributes), Err("alice has no factor".to_owned()));
    }
    let with_option = [("authyId", &["1635"][..]), ("authyId;x-b", &["1636"][..])];
    assert_eq!(alice(&with_option).unwrap(), ["authy_id=1635"]);
}

/// A person who adds the name of another one must free neither.
#[test]
fn every_name_of_an_entry_with_several_is_passed_on_as_unusable() {
    let rows: [(&[&str], &[&str]); 4] = [
        (&["alice", "bob"], &["alice", "bob"]),
        (&["alice", "bo\nb"], &["alice"]),
        (&["alice", ""], &["alice"]),
        (&[" alice", "bob"], &["bob"]),
    ];
    for (values, expected) in rows {
        let entry = entry(&[("uid", values), ("authyId", &["1635"])]);
        let Found::People(people) = read(&entry, &directory()) else {
            panic!("{values:?}");
        };
        let names: Vec<_> = people.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected);
        assert!(
            people.iter().all(|(_, person)| person.is_err()),
            "{people:?}"
        );
    }
}

#[test]
fn an_entry_without_a_usable_name_is_named_by_its_own() {
    let long = "x".repeat(257);
    let many: Vec<_> = (0..17).map(|number| format!("alice{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let rows: [(&[&str], &str); 5] = [
        (&[], "it has no uid"),
        (&["a\u{1b}[2Jb"], "uid: \"a?[2Jb\" cannot be a user's name"),
        (&[&long], "cannot be a user's name"),
        (&[""], "cannot be a user's name"),
        // So many names of others could be claimed otherwise.
        (&many, "it has more than 16 values of uid"),
    ];
    for (values, expected) in rows {
        let entry = entry(&[("uid", values), ("authyId", &["1635"])]);
        let Found::Unnamed(dn, why) = read(&entry, &directory()) else {
            panic!("{values:?}");
        };
        assert_eq!(dn, "uid=alice,dc=example,dc=com");
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn names_of_active_directory_are_lower_cased_and_those_of_others_are_not() {
    let entry = entry(&[("uid", &["Alice", "ALICE"]), ("authyId", &["1635"])]);
    let mut directory = directory();
    let Found::People(people) = read(&entry, &directory) else {
        panic!("two names");
    };
    assert_eq!(people.len(), 2);
    directory.folds_case = true;
    let Found::People(people) = read(&entry, &directory) else {
        panic!("one name");
    };
    assert_eq!(people[0].0, "alice");
    assert!(people.len() == 1 && people[0].1.is_ok());
}

#[test]
fn the_server_is_asked_for_the_configured_attributes_once_each() {
    let mut names = directory().attributes;
    names.authy_id = Some("uid".into());
    let expected = [
        "ipaSshPubKey",
        "mobile",
        "twilioFactor",
        "twilioIdentity",
        "uid",
    ];
    assert_eq!(attributes(&names), expected);
    assert_eq!(
        without_factor(&names),
        "it has no factor in any of uid, mobile, twilioIdentity, twilioFactor, ipaSshPubKey"
    );
}
