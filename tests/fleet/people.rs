//! The people of a directory, whose entries they and others change between two passes: no change
//! frees a person from the second factor, and none counts before it is accepted.

use std::fs;

use serde_json::json;

use super::host::{ATTRIBUTES, SyncHost, names};
use super::slapd::{BASE, READER, Slapd, change_of, people, person};

/// A key of the type of a security key.
const KEY: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7AAAABHNzaDo= alice";
const PRINT: &str = "SHA256:dacTzS7N/iiGkNsOsOnxTwiTJrjpIuc5E+vWUkd3q/8";
const PLAIN: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7 alice";

/// Twenty people, so that one may be gone, and alice with a phone number.
fn directory() -> (Slapd, SyncHost) {
    let slapd = Slapd::with(&(people(20) + &person("alice", "mobile: +1 405 342 5699")));
    let lines = format!("url = \"{}\"\n", slapd.ldaps());
    let host = SyncHost::with(&slapd, &lines, &format!("{ATTRIBUTES}phone = \"mobile\"\n"));
    assert_eq!(host.synced()["people"], 21);
    (slapd, host)
}

const BEFORE: &str = "{ phone = \"+14053425699\" }";

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_person_who_changes_their_own_number_is_held_until_it_is_accepted() {
    let (slapd, host) = directory();
    let dn = format!("uid=alice,ou=people,{BASE}");
    let own = change_of("alice", "mobile", &["+1 405 342 5700"]);
    let output = slapd.change_as(&dn, "own", &own);
    assert!(output.status.success(), "{output:?}");

    let object = host.synced();
    assert_eq!(names(&object, "held"), ["alice"]);
    let held = &object["held"][0];
    assert_eq!(held["before"], json!(["phone +XXXXXXXXX99"]));
    assert_eq!(held["after"], json!(["phone +XXXXXXXXX00"]));
    assert_eq!(held["new"], true);
    let warning = object["warning"].as_str().unwrap();
    assert!(
        warning.contains("held now: alice; authyctl sync --accept alice"),
        "{warning}"
    );
    assert_eq!(host.row("users", "alice").unwrap(), BEFORE);
    // It stays so, without being news.
    let object = host.synced();
    assert_eq!(object["held"][0]["new"], false);
    assert!(
        object["warning"].is_null() && object["written"] == false,
        "{object}"
    );

    let (status, object) = host.sync(&["--accept", "alice"]);
    assert_eq!(
        (status, names(&object, "accepted")),
        (0, vec!["alice".into()]),
        "{object}"
    );
    assert!(names(&object, "held").is_empty());
    assert_eq!(
        host.row("users", "alice").unwrap(),
        "{ phone = \"+14053425700\" }"
    );
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_value_that_is_emptied_doubled_or_spoiled_leaves_the_old_factor() {
    let (slapd, host) = directory();
    let rows: [(&[&str], &str); 4] = [
        (&[], "it has no factor in any of pamAuthyId, mobile"),
        (
            &["+1 405 342 5699", "+1 405 342 5700"],
            "several values of mobile",
        ),
        (&["none"], "mobile: none is not a phone number"),
        (&["+1 405 342 569"], "is not a valid number"),
    ];
    for (values, why) in rows {
        slapd.set("alice", "mobile", values);
        let object = host.synced();
        assert_eq!(names(&object, "held"), ["alice"], "{values:?}");
        let found = object["held"][0]["why"].as_str().unwrap();
        assert!(found.contains(why), "{found}");
        assert_eq!(host.row("users", "alice").unwrap(), BEFORE, "{values:?}");
        let (status, object) = host.sync(&["--accept", "alice"]);
        assert_eq!(status, 1, "{object}");
        assert_eq!(host.row("users", "alice").unwrap(), BEFORE, "{values:?}");
    }
    slapd.set("alice", "mobile", &["+1 (405) 342-5699"]);
    assert!(
        names(&host.synced(), "held").is_empty(),
        "another spelling is the same number"
    );
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_second_name_frees_neither_its_owner_nor_the_other_one() {
    let (slapd, host) = directory();
    slapd.change(&format!(
        "dn: uid=alice,ou=people,{BASE}\nchangetype: modify\nadd: uid\nuid: u0\nuid: root\n-\n"
    ));
    let object = host.synced();
    assert_eq!(names(&object, "held"), ["alice", "u0"]);
    assert_eq!(names(&object, "failed"), ["root"]);
    assert_eq!(host.row("users", "alice").unwrap(), BEFORE);
    assert_eq!(host.row("users", "u0").unwrap(), "{ authy_id = 10000 }");
    assert_eq!(host.row("users", "root"), None);
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_removed_name_stays_refused_until_it_is_forgotten_or_accepted() {
    let (slapd, host) = directory();
    slapd.remove("alice");
    let object = host.synced();
    assert_eq!(names(&object, "removed"), ["alice"]);
    let warning = object["warning"].as_str().unwrap();
    assert!(
        warning.contains("authyctl sync --forget alice"),
        "{warning}"
    );
    assert!(host.row("removed", "alice").is_some() && host.row("users", "alice").is_none());
    assert!(names(&host.synced(), "removed").is_empty(), "it is no news");

    slapd.add("alice", "mobile: +1 405 342 5699");
    let object = host.synced();
    assert_eq!(names(&object, "held"), ["alice"]);
    assert_eq!(object["held"][0]["was_removed"], true);
    assert!(host.row("users", "alice").is_none());
    let (status, _) = host.sync(&["--accept", "alice"]);
    assert_eq!(
        (status, host.row("users", "alice").as_deref()),
        (0, Some(BEFORE))
    );

    slapd.remove("alice");
    host.synced();
    let (status, object) = host.sync(&["--forget", "alice"]);
    assert_eq!(
        (status, names(&object, "forgotten")),
        (0, vec!["alice".into()]),
        "{object}"
    );
    assert!(!host.file().unwrap().contains("alice"));
    slapd.add("alice", "pamAuthyId: 7");
    assert_eq!(names(&host.synced(), "added"), ["alice"]);
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_name_that_cannot_be_accepted_or_forgotten_is_an_error_and_nothing_changes() {
    let (slapd, host) = directory();
    slapd.add("new", "pamAuthyId: 8");
    let before = host.file();
    for (arguments, part) in [
        (["--accept", "u0"], "u0: nothing of this name is held"),
        (["--accept", "zoe"], "zoe: nothing of this name is held"),
        (
            ["--forget", "zoe"],
            "zoe: the directory never had this name",
        ),
    ] {
        let (status, object) = host.sync(&arguments);
        let message = object["error"]["message"].as_str().unwrap();
        assert!(status == 1 && message.contains(part), "{object}");
        assert_eq!(host.file(), before);
    }
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_directory_that_is_emptied_or_loses_many_changes_nothing() {
    let (mut slapd, host) = directory();
    for uid in ["u0", "u1", "u2"] {
        slapd.remove(uid);
    }
    host.fails(1, "3 of 21 people are gone");
    let (_, object) = host.sync(&[]);
    assert_eq!(names(&object, "removed"), ["u0", "u1", "u2"]);
    host.replace(
        "timeout_seconds",
        "max_removed_percent = 15\ntimeout_seconds",
    );
    assert_eq!(names(&host.synced(), "removed").len(), 3);

    // Nothing but the base is left.
    slapd.stop();
    fs::remove_dir_all(slapd.path("db")).unwrap();
    let empty = Slapd::with("");
    host.replace(&slapd.ldaps(), &empty.ldaps());
    fs::copy(empty.path("ca.pem"), host.path("ca.pem")).unwrap();
    host.replace("max_removed_percent = 15", "max_removed_percent = 100");
    host.fails(1, "the directory lists no one");
}

/// An administrator renames an attribute, or takes the right to read it away from the reader.
#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn attributes_that_the_reader_can_read_no_longer_hold_everyone() {
    let (mut slapd, host) = directory();
    slapd.stop();
    let limits = format!(
        "limits dn.exact=\"{READER}\" size=unlimited\naccess to attrs=mobile,pamAuthyId by * none"
    );
    slapd.write_configuration(&limits);
    slapd.start();
    let file = host.file().unwrap();
    let users = |file: &str| file.split("\n[").nth(1).unwrap().to_owned();
    let (status, object) = host.sync(&[]);
    // The list without a person counts as an empty one, or all of them are held.
    assert!(
        status == 0 && names(&object, "held").len() == 21,
        "{object}"
    );
    assert_eq!(
        users(&host.file().unwrap()).trim_end(),
        users(&file).trim_end()
    );
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn one_bad_entry_is_named_and_all_others_come() {
    let slapd = Slapd::with(
        &(person("good", "pamAuthyId: 1")
            + &person("bad", "mobile: none")
            + &person("none", "title: guest")
            + &person("keys", &format!("pamAuthySecurityKey: {PLAIN}\npamAuthySecurityKey: {KEY}"))
            + &person("print", &format!("pamAuthySecurityKey: {PRINT}"))
            // Bytes that are not UTF-8, as LDIF writes them; slapd takes no other.
            + &person("berlin", "mobile: (0)30 90 18 20")
            + &format!("\ndn: cn=printer,ou=people,{BASE}\nobjectClass: inetOrgPerson\ncn: printer\nsn: printer\n")),
    );
    let lines = format!("url = \"{}\"\ndefault_country = \"DE\"\n", slapd.ldaps());
    let rest = format!("{ATTRIBUTES}phone = \"mobile\"\nsecurity_keys = \"pamAuthySecurityKey\"\n");
    let host = SyncHost::with(&slapd, &lines, &rest);
    host.write("users.toml", "[users]\ngood = 5\nelse = 6\n", 0o644);
    let object = host.synced();
    assert_eq!(names(&object, "added"), ["berlin", "good", "keys", "print"]);
    assert_eq!(object["without_factor"], 1);
    let failed = json!([
        {"user": "bad", "why": "mobile: none is not a phone number"},
        {"entry": format!("cn=printer,ou=people,{BASE}"), "why": "it has no uid"},
    ]);
    assert_eq!(object["failed"], failed);
    assert_eq!(names(&object, "in_users_toml"), ["good"]);
    host.write("users.toml", "[users\n", 0o644);
    assert!(names(&host.synced(), "in_users_toml").is_empty());
    fs::remove_file(host.path("users.toml")).unwrap();
    let warning = host.synced()["warning"].as_str().unwrap().to_owned();
    assert!(warning.contains("users.toml is missing: every login is refused"));
    // Who is left out is refused, and so named by doctor.
    assert!(host.row("left_out", "bad").is_some());
    let keys = format!("{{ security_keys = [\"{PRINT}\"] }}");
    assert_eq!(host.row("users", "keys").unwrap(), keys);
    assert_eq!(host.row("users", "print").unwrap(), keys);
    assert_eq!(
        host.row("users", "berlin").unwrap(),
        "{ phone = \"+4930901820\" }"
    );
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_name_for_a_shell_is_quoted_in_the_hint() {
    let slapd = Slapd::with(&(people(1) + &person("o'neil $x", "pamAuthyId: 1")));
    let host = SyncHost::of(&slapd, &slapd.ldaps());
    host.synced();
    slapd.set("o'neil $x", "pamAuthyId", &["2"]);
    let output = host.run(&["sync", "--quiet"]);
    let warning = String::from_utf8(output.stderr).unwrap();
    assert!(
        warning.contains(r"--accept='o'\''neil $x' takes it over"),
        "{warning}"
    );
    assert!(output.stdout.is_empty());
}
