//! How directory.toml is read and written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::store::config::Changes;

const SID: &str = "YF0123456789abcdef0123456789abcdef";
const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

/// A file with everything in it.
fn whole() -> String {
    format!(
        "# Written by authyctl sync, which replaces it; see authyctl(8).\n\
         \n\
         [users]\n\
         \"alice\" = {{ authy_id = 1635 }}\n\
         \"bob\" = {{ phone = \"+15551234567\", twilio_identity = \"a3f1-0000\", \
         twilio_factor = \"{SID}\", security_keys = [\"{KEY}\"] }}\n\
         \"jane.doe \\\"x\\\\\" = {{ authy_id = 1636 }}\n\
         \n\
         [held]\n\
         \"alice\" = {{ since = 2026-11-27T12:00:00Z, authy_id = 9 }}\n\
         \"bob\" = {{ since = 2026-11-27T12:00:00Z, why = \"two \\\"phones\\\"\" }}\n\
         \"carol\" = {{ since = 2026-11-27T12:00:00Z, authy_id = 3 }}\n\
         \n\
         [removed]\n\
         \"carol\" = {{ removed = 2026-11-26T12:00:00Z, authy_id = 3 }}\n\
         \"dave\" = {{ removed = 2026-11-26T12:00:00Z }}\n"
    )
}

fn parse(text: &str) -> Result<Directory, String> {
    Directory::parse(text, Path::new("directory.toml")).map_err(|error| error.to_string())
}

struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Self { folder };
        fs::create_dir(host.state()).unwrap();
        fs::set_permissions(host.state(), fs::Permissions::from_mode(0o700)).unwrap();
        host
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn put(&self, text: &str) {
        let path = path(&self.state());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn find(&self, user: &str) -> Result<Entry, String> {
        let found = find(&self.state(), user);
        found
            .map(|found| found.entry)
            .map_err(|error| error.to_string())
    }
}

#[test]
fn what_is_written_is_read_and_written_again_byte_for_byte() {
    let directory = parse(&whole()).unwrap();
    assert_eq!(directory.to_text(), whole());
    let entry = |name: &str| directory.entry(name);
    assert_eq!(
        entry("alice"),
        Entry::Enrolled(Person::from(
            "1635".parse::<crate::base::factor::AuthyId>().unwrap()
        ))
    );
    assert!(
        matches!(entry("bob"), Entry::Enrolled(bob) if bob.factor_names() == ["phone", "twilio", "security_key"])
    );
    assert!(matches!(entry("jane.doe \"x\\"), Entry::Enrolled(_)));
    assert_eq!(entry("eve"), Entry::Absent);
    let since = 1_795_694_400;
    for (name, line) in [("carol", 14), ("dave", 15)] {
        assert_eq!(entry(name), Entry::Removed { line, since }, "{name}");
    }
    let held: Vec<_> = directory
        .held()
        .map(|held| (held.name, held.is_removed))
        .collect();
    let of = |name: &str, is_removed| (name.to_owned(), is_removed);
    assert_eq!(
        held,
        [of("alice", false), of("bob", false), of("carol", true)]
    );
    assert_eq!(directory.people(), 3);
}

#[test]
fn a_file_without_a_person_is_valid_and_names_no_one() {
    for text in ["[users]\n", "# nothing\n[users]\n[held]\n"] {
        assert_eq!(parse(text), Ok(Directory::default()), "{text}");
    }
}

#[test]
fn a_key_that_no_directory_has_is_an_error_of_that_entry_and_stays_in_the_file() {
    let only = "cannot be in directory.toml: put the entry into users.toml";
    let rows = [
        ("{ totp = true }".to_owned(), format!("eve: totp {only}")),
        (
            "{ authy_id = 5, totp = true }".into(),
            format!("eve: totp {only}"),
        ),
        (
            "{ authy_id = 5, push = \"auto\" }".into(),
            format!("eve: push {only}"),
        ),
        (
            format!("{{ keys = {{ \"{KEY}\" = 5 }} }}"),
            format!("eve: keys {only}"),
        ),
        (
            "{ authy_id = 0 }".into(),
            "eve: the authy id must be".into(),
        ),
        (
            "{ phone = \"5551234567\" }".into(),
            "eve: a phone number is".into(),
        ),
        ("{}".into(), "eve: no factor".into()),
    ];
    for (value, why) in rows {
        let text = format!("[users]\n\"alice\" = 1635\n\"eve\" = {value}\n");
        let directory = parse(&text).unwrap();
        let entry = directory.entry("eve");
        let is_named =
            matches!(&entry, Entry::Invalid { line: 3, message } if message.starts_with(&why));
        assert!(is_named, "{value}: {entry:?}");
        assert!(matches!(directory.entry("alice"), Entry::Enrolled(_)));
        assert_eq!(parse(&directory.to_text()), Ok(directory.clone()));
        assert!(
            directory.to_text().contains(&value),
            "{}",
            directory.to_text()
        );
        // By the index too.
        let host = Host::new();
        host.put(&text);
        let whole = host.find("eve");
        index(&host.state()).unwrap();
        assert!(is_indexed(&host.state()));
        assert_eq!((host.find("eve"), whole), (Ok(entry.clone()), Ok(entry)));
    }
}

#[test]
fn a_known_name_with_an_entry_that_cannot_be_used_never_becomes_unenrolled() {
    let known = parse("[users]\neve = { totp = true }\nbob = 2\n").unwrap();
    let person = |id: &str| {
        Ok(Person::from(
            id.parse::<crate::base::factor::AuthyId>().unwrap(),
        ))
    };
    let one = |name: &str, id| Listed {
        name: name.into(),
        person: person(id),
    };
    let options = |changes, accept: &[&str]| Options {
        changes,
        max_removed_percent: 100,
        accept: accept.iter().map(|name| (*name).to_owned()).collect(),
        forget: Vec::new(),
        now: UNIX_EPOCH + Duration::from_secs(1),
    };
    let list = || vec![one("eve", "5"), one("bob", "2")];
    let held = compare(&known, list(), &options(Changes::Hold, &[])).unwrap();
    assert!(matches!(held.next.entry("eve"), Entry::Invalid { .. }));
    let taken = compare(&held.next, list(), &options(Changes::Hold, &["eve"])).unwrap();
    assert!(matches!(taken.next.entry("eve"), Entry::Enrolled(_)));
    let gone = compare(&known, vec![one("bob", "2")], &options(Changes::Apply, &[])).unwrap();
    assert!(matches!(gone.next.entry("eve"), Entry::Removed { .. }));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn anything_that_no_sync_writes_refuses_the_whole_file() {
    let time = "since = 2026-11-27T12:00:00Z";
    let rows = [
        ("alice = 1\n".to_owned(), "1: alice must be a table"),
        (String::new(), "1: the table [users] is missing"),
        ("# cut\n".into(), "1: the table [users] is missing"),
        ("[user]\nalice = 1\n".into(), "1: unknown key user"),
        ("users = 5\n".into(), "1: users must be a table"),
        (
            "[users]\na = { authy_id = 1, x = 2 }\n".into(),
            "2: a: unknown key x",
        ),
        (
            "[users]\na = { authy_id = 1, removed = 2026-11-27T12:00:00Z }\n".into(),
            "2: a: unknown key removed",
        ),
        (
            "[users]\nj.doe = 1\n".into(),
            "2: j.doe: put the name in quotes",
        ),
        ("[users]\na = 1\na = 2\n".into(), "3: "),
        ("[users]\na = ".into(), "2: "),
        ("[removed]\na = 5\n".into(), "2: a: must be a table"),
        (
            "[removed]\na = { authy_id = 5 }\n".into(),
            "2: a: removed must be a time in UTC",
        ),
        (
            "[removed]\na = { removed = 2026-11-27 }\n".into(),
            "2: a: removed must be a time in UTC",
        ),
        (
            "[removed]\na = { removed = 2026-11-27T12:00:00Z, x = 1 }\n".into(),
            "2: a: unknown key x",
        ),
        (
            "[removed]\na = { removed = 2026-11-27T12:00:00Z, authy_id = 0 }\n".into(),
            "2: a: the authy id must",
        ),
        (
            "[users]\na = 1\n[removed]\na = { removed = 2026-11-27T12:00:00Z }\n".into(),
            "2: a is in two of [users], [left_out] and [removed]",
        ),
        (
            "[left_out]\na = { why = 5 }\n".into(),
            "2: a: why must be a text",
        ),
        (
            "[left_out]\na = { why = \"x\", authy_id = 1 }\n".into(),
            "2: a: why must be a text",
        ),
        ("[left_out]\na = 1\n".into(), "2: a: must be a table"),
        (
            format!("[users]\na = 1\n[held]\nb = {{ {time}, authy_id = 2 }}\n"),
            "1: b is held, and is neither",
        ),
        (
            format!("[users]\na = 1\n[held]\na = {{ {time} }}\n"),
            "4: a: no factor",
        ),
        (
            format!("[users]\na = 1\n[held]\na = {{ {time}, why = 5 }}\n"),
            "4: a: why must be a text",
        ),
        (
            format!("[users]\na = 1\n[held]\na = {{ {time}, why = \"x\", authy_id = 5 }}\n"),
            "4: a: why must be a text",
        ),
        (
            format!("[users]\na = 1\n[held]\na = {{ {time}, totp = true }}\n"),
            "4: a: totp cannot be",
        ),
        (
            "[users]\na = 1\n[held]\na = 2\n".into(),
            "4: a: must be a table",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in &rows {
        let error = parse(text).err().unwrap_or_default();
        if !error.starts_with(&format!("directory.toml:{expected}")) {
            wrong.push((text, error));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_login_finds_the_same_with_and_without_the_index() {
    let host = Host::new();
    assert!(host.find("alice").unwrap_err().contains("directory.toml"));
    let directory = parse(&whole()).unwrap();
    host.put(&whole());
    let names = [
        "alice",
        "bob",
        "carol",
        "dave",
        "jane.doe \"x\\",
        "eve",
        "",
        "users",
        "removed",
    ];
    let plain = names.map(|name| host.find(name).unwrap());
    assert!(!is_indexed(&host.state()));
    let (_, count) = index(&host.state()).unwrap().unwrap();
    assert!(is_indexed(&host.state()) && count == 5);
    let indexed = names.map(|name| host.find(name).unwrap());
    assert_eq!(plain, indexed);
    assert_eq!(plain, names.map(|name| directory.entry(name)));
    // An index of another file is ignored.
    host.put("[users]\n\"eve\" = 7\n");
    assert!(!is_indexed(&host.state()));
    assert_eq!(host.find("alice"), Ok(Entry::Absent));
    assert!(matches!(host.find("eve"), Ok(Entry::Enrolled(_))));
}

/// With an index nothing but the entry is read, and so parsed.
#[test]
fn a_login_reads_no_more_than_its_own_entry_where_there_is_an_index() {
    let host = Host::new();
    let text = "[users]\nalice = 1635\n[users\n";
    host.put(text);
    assert!(host.find("alice").is_err());
    let file = fs::metadata(path(&host.state())).unwrap();
    let stamp = index::Stamp::of(&file);
    let span = text.find("alice").unwrap()..text.find("\n[users\n").unwrap();
    let bytes = index::encode(&[("alice", &span, 2)], stamp).unwrap();
    let index = host.state().join("directory.toml.index");
    fs::write(&index, bytes).unwrap();
    fs::set_permissions(&index, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(host.find("alice"), Ok(Entry::Enrolled(_))));
    assert_eq!(host.find("bob"), Ok(Entry::Absent));
}

#[test]
fn a_file_that_says_the_same_is_not_written_again() {
    let host = Host::new();
    let state = host.state();
    let directory = parse(&whole()).unwrap();
    let inodes = || {
        let of = |name: &str| {
            fs::metadata(state.join(name))
                .map(|file| file.ino())
                .unwrap_or(0)
        };
        (of("directory.toml"), of("directory.toml.index"))
    };
    assert_eq!(directory.write(&state).unwrap(), Written::File);
    assert!(is_indexed(&state));
    assert_eq!(fs::read_to_string(path(&state)).unwrap(), whole());
    assert_eq!(fs::metadata(path(&state)).unwrap().mode() & 0o777, 0o600);
    let before = inodes();
    assert_eq!(directory.write(&state).unwrap(), Written::Nothing);
    assert_eq!(inodes(), before);

    fs::remove_file(state.join("directory.toml.index")).unwrap();
    assert_eq!(directory.write(&state).unwrap(), Written::Index);
    assert!(is_indexed(&state));
    assert_eq!(inodes().0, before.0);

    // A comment of the administrator does not change what the file says.
    host.put(&format!("{}# a note\n", whole()));
    assert_eq!(directory.write(&state).unwrap(), Written::Index);
    assert!(
        fs::read_to_string(path(&state))
            .unwrap()
            .ends_with("# a note\n")
    );
    assert_eq!(Directory::default().write(&state).unwrap(), Written::File);
    // What is not valid is replaced.
    host.put("[users\n");
    assert_eq!(directory.write(&state).unwrap(), Written::File);
    assert_eq!(Directory::load(&state).unwrap(), directory);
}

#[test]
fn a_file_that_others_can_read_or_that_is_a_link_is_refused() {
    let host = Host::new();
    host.put(&whole());
    fs::set_permissions(path(&host.state()), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(host.find("alice").is_err() && Directory::load(&host.state()).is_err());
    host.put(&whole());
    fs::set_permissions(host.state(), fs::Permissions::from_mode(0o770)).unwrap();
    assert!(host.find("alice").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = parse(&text);
        for table in ["users", "held", "removed"] {
            let _ = parse(&format!("[{table}]\n{text}"));
            let _ = parse(&format!("[{table}]\na = {{ {text} }}"));
        }
    }
}
