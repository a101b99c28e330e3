//! What one pass does, and what no sequence of passes can do.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::base::factor::AuthyId;
use crate::store::users::Entry;

const LATER: u64 = 1_800_000_000;

/// A person with this number at Authy.
fn at(id: u64) -> Result<Person, String> {
    Ok(AuthyId::try_from(id).unwrap().into())
}

fn person(id: u64) -> Person {
    at(id).unwrap()
}

fn listed(all: &[(&str, Result<Person, String>)]) -> Vec<Listed> {
    let one = |(name, person): &(&str, Result<Person, String>)| Listed {
        name: (*name).to_owned(),
        person: person.clone(),
    };
    all.iter().map(one).collect()
}

fn options() -> Options {
    Options {
        changes: Changes::Hold,
        max_removed_percent: 100,
        accept: Vec::new(),
        forget: Vec::new(),
        now: UNIX_EPOCH + Duration::from_secs(LATER),
    }
}

fn accept(name: &str) -> Options {
    Options {
        accept: vec![name.to_owned()],
        ..options()
    }
}

fn forget(name: &str) -> Options {
    Options {
        forget: vec![name.to_owned()],
        ..options()
    }
}

fn apply() -> Options {
    Options {
        changes: Changes::Apply,
        ..options()
    }
}

/// The pass after `previous`.
fn next(previous: &Directory, all: &[(&str, Result<Person, String>)], options: &Options) -> Pass {
    compare(previous, listed(all), options).unwrap()
}

/// Alice with the number 1 and bob with 2.
fn two() -> Directory {
    let all = [("alice", at(1)), ("bob", at(2))];
    next(&Directory::default(), &all, &options()).next
}

/// What is held of the first name, or why that cannot be used.
fn why_held(pass: &Pass) -> Option<Result<Person, String>> {
    pass.held.first().map(|held| held.listed.clone())
}

#[test]
fn a_new_name_is_added_and_one_without_a_usable_entry_is_left_out() {
    let all = [
        ("bob", at(2)),
        ("alice", at(1)),
        ("eve", Err("bad\n".into())),
    ];
    let pass = next(&Directory::default(), &all, &options());
    assert_eq!(pass.added, ["alice", "bob"]);
    let failed: Vec<_> = pass
        .failed
        .iter()
        .map(|one| (&*one.name, &*one.why))
        .collect();
    assert_eq!(failed, [("eve", "bad?")]);
    assert_eq!(pass.next.entry("alice"), Entry::Enrolled(person(1)));
    // Left out is refused, not unenrolled.
    let is_refused =
        |directory: &Directory| matches!(directory.entry("eve"), Entry::Invalid { .. });
    assert!(is_refused(&pass.next) && pass.next.people() == 2);
    // The same list again changes nothing.
    let again = next(&pass.next, &all, &options());
    assert_eq!((&again.next, again.added.len()), (&pass.next, 0));
    assert_eq!(again.failed, pass.failed);

    // It is a new name as soon as its entry can be used, and unknown once it is gone.
    let mended = [("bob", at(2)), ("alice", at(1)), ("eve", at(3))];
    let added = next(&pass.next, &mended, &options());
    assert_eq!(added.added, ["eve"]);
    assert_eq!(added.next.entry("eve"), Entry::Enrolled(person(3)));
    let gone = next(&pass.next, &all[..2], &options());
    assert_eq!(
        (gone.removed, gone.next.entry("eve")),
        (Vec::new(), Entry::Absent)
    );
    for rules in [accept("eve"), forget("eve")] {
        let refused = next(&pass.next, &all, &rules);
        assert_eq!(
            (refused.refused.len(), refused.next),
            (1, pass.next.clone())
        );
    }
}

#[test]
fn every_change_of_a_known_person_is_held_until_it_is_accepted() {
    let more = Person {
        phone: Some("+15551234567".parse().unwrap()),
        ..person(1)
    };
    let unusable = Err("no phone number".to_owned());
    for new in [at(7), Ok(more), unusable, Ok(Person::default())] {
        let all = [("alice", new.clone()), ("bob", at(2))];
        let pass = next(&two(), &all, &options());
        assert_eq!(
            pass.next.entry("alice"),
            Entry::Enrolled(person(1)),
            "{new:?}"
        );
        assert_eq!(pass.held.len(), 1, "{new:?}");
        let held = &pass.held[0];
        assert!(
            held.is_new && !held.is_removed && held.since == LATER,
            "{new:?}"
        );
        assert_eq!(held.before, Some(person(1)));
        assert!(pass.removed.is_empty() && pass.failed.is_empty() && pass.ended.is_empty());

        // The next pass says the same, and knows since when.
        let later = Options {
            now: UNIX_EPOCH + Duration::from_secs(LATER + 9),
            ..options()
        };
        let again = next(&pass.next, &all, &later);
        assert_eq!(again.next, pass.next);
        assert!(!again.held[0].is_new && again.held[0].since == LATER);

        // The change is held no longer where the old factors are back.
        let back = next(&pass.next, &[("alice", at(1)), ("bob", at(2))], &options());
        assert_eq!((back.next, back.held), (two(), Vec::new()));

        let accepted = next(&pass.next, &all, &accept("alice"));
        match new {
            Ok(new) if new != Person::default() => {
                assert_eq!(accepted.next.entry("alice"), Entry::Enrolled(new.clone()));
                assert_eq!(accepted.accepted[0].after, new);
                let is_another = new.authy_id != person(1).authy_id;
                assert_eq!(!accepted.ended.is_empty(), is_another);
            }
            // What cannot be used cannot be accepted.
            _ => {
                assert_eq!(accepted.next, pass.next);
                assert!(
                    accepted.refused[0]
                        .why
                        .starts_with("its entry cannot be used: ")
                );
            }
        }
    }
}

#[test]
fn only_what_was_held_is_accepted() {
    let all = |id| [("alice", at(id)), ("bob", at(2))];
    let held = next(&two(), &all(7), &options()).next;
    // A thief changes the entry again, between look and accept.
    let pass = next(&held, &all(8), &accept("alice"));
    assert_eq!(pass.next.entry("alice"), Entry::Enrolled(person(1)));
    assert_eq!(pass.held[0].listed, at(8));
    assert!(
        pass.refused[0].why.contains("has changed since"),
        "{:?}",
        pass.refused
    );
    let pass = next(&pass.next, &all(8), &accept("alice"));
    assert_eq!(pass.next.entry("alice"), Entry::Enrolled(person(8)));
    // Nor is a change that no pass has held yet: no one may have looked at it.
    let pass = next(&two(), &all(7), &accept("alice"));
    assert_eq!(pass.next.entry("alice"), Entry::Enrolled(person(1)));
    assert!(
        pass.refused[0]
            .why
            .starts_with("no sync has held this change yet")
    );
    let pass = next(&two(), &all(1), &accept("alice"));
    assert_eq!(pass.refused[0].why, "nothing of this name is held");
}

#[test]
fn what_is_applied_is_valid_and_anything_else_is_held_all_the_same() {
    let pass = next(
        &two(),
        &[("alice", at(7)), ("bob", Err("gone".into()))],
        &apply(),
    );
    assert_eq!(pass.next.entry("alice"), Entry::Enrolled(person(7)));
    assert_eq!(pass.next.entry("bob"), Entry::Enrolled(person(2)));
    assert_eq!((pass.changed.len(), pass.held.len()), (1, 1));
    let ended = [Ended {
        name: "alice".into(),
        before: Some(person(1)),
        after: Some(person(7)),
    }];
    assert_eq!(pass.ended, ended);
}

#[test]
fn a_lost_name_is_refused_until_it_is_forgotten() {
    for rules in [options(), apply()] {
        let bob = [("bob", at(2))];
        let both = [("alice", at(1)), ("bob", at(2))];
        let pass = next(&two(), &bob, &rules);
        assert_eq!(pass.removed, ["alice"]);
        let is_refused =
            |directory: &Directory| matches!(directory.entry("alice"), Entry::Removed { .. });
        assert!(is_refused(&pass.next));
        // It comes back, with the same factors.
        let back = next(&pass.next, &both, &rules);
        assert!(is_refused(&back.next) && back.held[0].is_removed && back.added.is_empty());
        // And is lost again: what was held is gone.
        let lost = next(&back.next, &bob, &rules);
        assert_eq!(lost.next, pass.next);
        assert!(lost.removed.is_empty(), "it was removed before");
        let taken = next(&back.next, &both, &accept("alice"));
        assert_eq!(taken.next, two());
        assert!(taken.ended.is_empty(), "it is the same person");
        let forgotten = next(&back.next, &both, &forget("alice"));
        assert_eq!(forgotten.next, two());
        assert_eq!(
            (&*forgotten.forgotten[0], &*forgotten.added[0]),
            ("alice", "alice")
        );
        let ended = Ended {
            name: "alice".into(),
            before: Some(person(1)),
            after: Some(person(1)),
        };
        assert_eq!(forgotten.ended, [ended]);
        let forgotten = next(&lost.next, &bob, &forget("alice"));
        assert_eq!(forgotten.next.entry("alice"), Entry::Absent);
        let unknown = next(&two(), &both, &forget("carol"));
        assert_eq!(unknown.refused[0].name, "carol");
    }
}

#[test]
fn two_entries_of_one_name_are_both_left_out() {
    let all = [
        ("alice", at(1)),
        ("bob", at(2)),
        ("alice", at(1)),
        ("eve", at(3)),
        ("eve", at(3)),
    ];
    for rules in [options(), apply()] {
        let pass = next(&two(), &all, &rules);
        assert_eq!(pass.next.entry("alice"), Entry::Enrolled(person(1)));
        assert_eq!(why_held(&pass), Some(Err(TWICE.to_owned())));
        assert!(matches!(pass.next.entry("eve"), Entry::Invalid { .. }));
        assert_eq!(pass.failed.len(), 1);
        assert_eq!(pass.failed[0].why, TWICE);
    }
}

#[test]
fn more_than_the_share_of_removed_names_changes_nothing() {
    let names: Vec<String> = (0..20).map(|number| format!("u{number:02}")).collect();
    let all = |from: usize| -> Vec<_> {
        let names = names.iter().enumerate().skip(from);
        names
            .map(|(id, name)| (name.as_str(), at(id as u64 + 1)))
            .collect()
    };
    let known = next(&Directory::default(), &all(0), &options()).next;
    let ten = Options {
        max_removed_percent: 10,
        ..options()
    };
    assert_eq!(next(&known, &all(2), &ten).removed.len(), 2);
    let three = compare(&known, listed(&all(3)), &ten);
    let text = three.unwrap_err().to_string();
    assert_eq!(
        text,
        "3 of 20 people are gone from the directory, more than max_removed_percent = 10"
    );
    // One that is forgotten counts neither as gone nor as known.
    let rules = Options {
        forget: vec!["u02".into()],
        ..ten.clone()
    };
    let text = compare(&known, listed(&all(3)), &rules)
        .unwrap_err()
        .to_string();
    assert!(text.starts_with("2 of 19 people"), "{text}");
    // Names that were removed before are not counted again.
    let fewer = next(&known, &all(2), &ten).next;
    assert_eq!(next(&fewer, &all(3), &ten).removed, ["u02"]);
    // One of five is 20 percent, which is not rounded.
    let five = next(&Directory::default(), &all(15), &options()).next;
    assert!(compare(&five, listed(&all(16)), &ten).is_err());
    let none = Options {
        max_removed_percent: 0,
        ..options()
    };
    assert!(compare(&known, listed(&all(1)), &none).is_err());
    assert!(compare(&known, listed(&all(0)), &none).is_ok());
}

#[test]
fn a_directory_that_lists_no_one_changes_nothing() {
    let emptied = compare(&two(), Vec::new(), &options()).unwrap_err();
    assert_eq!(emptied, TooManyRemoved::All { known: 2 });
    let first = compare(&Directory::default(), Vec::new(), &options());
    assert_eq!(first.unwrap_err(), TooManyRemoved::All { known: 0 });
    let rules = Options {
        forget: vec!["alice".into(), "bob".into()],
        ..options()
    };
    assert_eq!(next(&two(), &[], &rules).next, Directory::default());
}

#[test]
fn keys_that_are_listed_in_another_order_are_the_same() {
    let key = |letter: &str| format!("SHA256:{}A", letter.repeat(42)).parse().unwrap();
    let with = |keys: &[&str]| {
        Ok(Person {
            security_keys: keys.iter().map(|letter| key(letter)).collect(),
            ..Person::default()
        })
    };
    let first = [("alice", with(&["B", "A"]))];
    let known = next(&Directory::default(), &first, &options()).next;
    let pass = next(&known, &[("alice", with(&["A", "B", "A"]))], &options());
    assert_eq!((&pass.next, pass.held.len()), (&known, 0));
    assert_eq!(
        next(&known, &[("alice", with(&["A"]))], &options())
            .held
            .len(),
        1
    );
}

#[test]
fn names_that_no_account_can_have_are_left_out() {
    let long = "a".repeat(257);
    let all = [
        ("", at(1)),
        ("a\nb", at(2)),
        (long.as_str(), at(3)),
        ("bob", at(4)),
    ];
    let pass = next(&Directory::default(), &all, &options());
    assert_eq!(
        (pass.failed.len(), pass.added.as_slice()),
        (3, &["bob".to_owned()][..])
    );
}

#[test]
fn a_directory_brings_no_app_of_this_host_and_no_setting() {
    let mut alice = person(1);
    alice.totp = Some("root".into());
    alice.push = Some(crate::base::factor::SendMode::Auto);
    let known = next(&Directory::default(), &[("alice", Ok(alice))], &options()).next;
    assert_eq!(known.entry("alice"), Entry::Enrolled(person(1)));
}

/// What one pass lists: for each of a few names, an entry or two, valid or not.
fn any_list() -> impl Strategy<Value = Vec<Listed>> {
    let name = prop_oneof![
        Just("alice"),
        Just("bob"),
        Just("carol"),
        Just("Alice"),
        Just("")
    ];
    let person = prop_oneof![
        4 => (1_u64..4).prop_map(at),
        1 => Just(Err("bad".to_owned())),
        1 => Just(Ok(Person::default())),
    ];
    let one = (name, person).prop_map(|(name, person)| Listed {
        name: name.to_owned(),
        person,
    });
    prop::collection::vec(one, 0..6)
}

fn any_options() -> impl Strategy<Value = Options> {
    let names = || prop::collection::vec(prop_oneof![Just("alice"), Just("bob")], 0..2);
    let changes = prop_oneof![Just(Changes::Hold), Just(Changes::Apply)];
    (changes, 0_u8..=100, names(), names()).prop_map(|(changes, percent, accept, forget)| Options {
        changes,
        max_removed_percent: percent,
        accept: accept.into_iter().map(str::to_owned).collect(),
        forget: forget.into_iter().map(str::to_owned).collect(),
        now: UNIX_EPOCH,
    })
}

proptest! {
    #[test]
    fn no_sequence_of_passes_frees_a_known_name(
        passes in prop::collection::vec((any_list(), any_options()), 1..12)
    ) {
        let mut known = Directory::default();
        for (list, options) in passes {
            let Ok(pass) = compare(&known, list, &options) else {
                continue;
            };
            for (name, entry) in known.iter() {
                let is_forgotten = options.forget.iter().any(|one| one == name);
                // A name that was left out has never had a factor.
                let is_new = matches!(entry, Entry::Invalid { .. });
                prop_assert!(is_forgotten || is_new || pass.next.entry(name) != Entry::Absent, "{}", name);
            }
            known = pass.next;
        }
    }

    #[test]
    fn no_factor_of_a_known_name_counts_that_was_not_accepted(
        passes in prop::collection::vec((any_list(), any_options()), 1..12)
    ) {
        let mut known = Directory::default();
        // What may be in force: what the first pass had, and what was accepted since.
        let mut allowed: BTreeMap<String, Entry> = BTreeMap::new();
        for (list, options) in passes {
            let options = Options { changes: Changes::Hold, ..options };
            let Ok(pass) = compare(&known, list, &options) else {
                continue;
            };
            for name in &pass.forgotten {
                allowed.remove(name);
            }
            let accepted = pass.accepted.iter().map(|one| one.name.clone());
            for name in pass.added.iter().cloned().chain(accepted) {
                allowed.insert(name.clone(), pass.next.entry(&name));
            }
            for (name, entry) in pass.next.iter() {
                let is_refused = matches!(entry, Entry::Removed { .. } | Entry::Invalid { .. });
                prop_assert!(is_refused || allowed.get(name) == Some(&entry), "{}", name);
            }
            known = pass.next;
        }
    }

    #[test]
    fn a_pass_that_lists_the_same_again_writes_nothing(
        first in any_list(), second in any_list(), options in any_options()
    ) {
        let quiet = Options { accept: vec![], forget: vec![], ..options };
        let known = compare(&Directory::default(), first, &quiet).map(|pass| pass.next);
        let Ok(pass) = compare(&known.unwrap_or_default(), second.clone(), &quiet) else {
            return Ok(());
        };
        let again = compare(&pass.next, second, &quiet).unwrap();
        prop_assert_eq!(again.next, pass.next);
    }

    #[test]
    fn what_is_written_is_read_again(list in any_list(), more in any_list()) {
        let path = std::path::Path::new("directory.toml");
        let mut known = Directory::default();
        for list in [list, more] {
            if let Ok(pass) = compare(&known, list, &options()) {
                known = pass.next;
            }
        }
        let text = known.to_text();
        prop_assert_eq!(Directory::parse(&text, path).unwrap(), known, "{}", text);
    }
}
