//! A look-up by the index finds what a look-up in the whole file finds, or nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::{Duration, SystemTime};

use std::fs::File;
use std::path::PathBuf;

use super::super::write;
use super::*;
use crate::base::factor::AuthyId;
use crate::host::trusted_file;
use crate::store::index::{HEADER, Stamp, encode, path};
use proptest::prelude::*;

const KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct Folder(tempfile::TempDir);

impl Folder {
    /// A mapping with its index.
    fn with(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.users(), text).unwrap();
        write::index(&folder.users()).unwrap();
        folder
    }

    fn users(&self) -> PathBuf {
        self.0.path().join("users.toml")
    }

    fn index(&self) -> PathBuf {
        path(&self.users())
    }

    /// Looks a user up by the index alone.
    fn by_index(&self, user: &str) -> Option<Found> {
        find(
            &trusted_file::open(&self.users(), Access::WorldReadable).unwrap(),
            user,
        )
    }

    /// Looks a user up in the whole file.
    fn by_parse(&self, user: &str) -> Found {
        let mapping = Mapping::load(&self.users()).unwrap();
        Found {
            entry: mapping.find(user),
            line: mapping.line(user),
        }
    }
}

fn people(count: u32) -> String {
    let lines = (0..count).map(|n| format!("user{n:04} = {}\n", n + 1));
    format!("[users]\n{}", lines.collect::<String>())
}

/// The name and the value of a valid entry.
fn line() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        "[a-z]{1,3}",
        "[a-z]{1,3}\\.[a-z]{1,3}",
        "[^\\p{C}]{0,5}",
        "DOM\\\\[a-z]",
    ];
    let value = prop_oneof![
        (1..i64::MAX).prop_map(|id| id.to_string()),
        Just("0x1F".to_owned()),
        Just("0".to_owned()),
        Just("\"seven\"".to_owned()),
        Just("1979-05-27 07:32:00".to_owned()),
        Just("{}".to_owned()),
        (1..99).prop_map(|id| format!("{{ authy_id = {id}, push = \"never\" }}")),
        (1..99).prop_map(|id| format!("{{ push = \"x\", authy_id = {id} }}")),
        (1..99).prop_map(|id| format!("{{ keys = {{ \"{KEY}\" = {id} }}, push = \"auto\" }}")),
        (1..99).prop_map(|id| format!("{{ # many\n  keys = {{\n '{KEY}' = {id},\n }}\n}}")),
    ];
    (name, value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_index_finds_for_every_name_what_the_whole_file_has(
        entries in proptest::collection::btree_map(line().prop_map(|l| l.0), line().prop_map(|l| l.1), 0..20),
        others in proptest::collection::vec(line().prop_map(|l| l.0), 5),
        bom: bool,
        windows: bool,
    ) {
        let mut text = if bom { "\u{feff}" } else { "" }.to_owned() + "# people\n\n[users]\n";
        for (name, value) in &entries {
            let name = name.replace('\\', "\\\\").replace('"', "\\\"");
            text.push_str(&format!("\"{name}\"  =  {value} # {value:?}\n"));
        }
        if windows {
            text = text.replace('\n', "\r\n");
        }
        let folder = Folder::with(&text);
        for name in entries.keys().chain(&others) {
            let found = folder.by_index(name);
            prop_assert_eq!(found, Some(folder.by_parse(name)), "{:?} in {}", name, text);
        }
    }
}

#[test]
fn an_index_is_valid_for_every_form_of_the_table() {
    for text in [
        "",
        "[users]\n",
        "users = { alice = 1, \"b.c\" = { authy_id = 2 } }\n",
        "users.alice = 1\nusers.\"b.c\" = 2",
        "users.\"alice\" = { authy_id = 1,\n push = 'never' }",
    ] {
        let folder = Folder::with(text);
        for name in ["alice", "b.c", "b", "", "zoe"] {
            assert_eq!(folder.by_index(name), Some(folder.by_parse(name)), "{text}");
        }
    }
}

#[test]
fn every_change_by_authyctl_leaves_a_valid_index() {
    let folder = Folder::with(&people(100));
    fs::set_permissions(folder.users(), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(
        folder.by_index("user0007"),
        None,
        "the change of mode counts"
    );
    let id = 4711_u64.try_into().unwrap();
    write::enroll(&folder.users(), "alice", id, false).unwrap();
    assert_eq!(folder.by_index("alice"), Some(folder.by_parse("alice")));
    let mode = fs::metadata(folder.index()).unwrap().permissions().mode();
    assert_eq!(
        mode & 0o777,
        0o640,
        "a user who may not read the mapping may not read its index"
    );
    write::unenroll(&folder.users(), "alice", None).unwrap();
    let absent = folder.by_index("alice").unwrap();
    assert_eq!((absent.entry, absent.line), (Entry::Absent, None));
    assert_eq!(
        folder.by_index("user0007"),
        Some(folder.by_parse("user0007"))
    );
}

/// Names that differ by case alone may be two accounts, and two people.
#[test]
fn names_that_differ_by_case_are_different_users() {
    let folder = Folder::with("[users]\nalice = 1\nAlice = 2\n");
    let id = |user: &str| match super::super::find(&folder.users(), user).unwrap().entry {
        Entry::Enrolled(person) => person.authy_id.map(AuthyId::number),
        _ => None,
    };
    let ids = || ["alice", "Alice", "ALICE"].map(id);
    assert!(folder.by_index("ALICE").is_some());
    assert_eq!(ids(), [Some(1), Some(2), None]);
    fs::remove_file(folder.index()).unwrap();
    assert_eq!(ids(), [Some(1), Some(2), None]);
    write::unenroll(&folder.users(), "Alice", None).unwrap();
    assert_eq!(ids(), [Some(1), None, None]);
    write::enroll(&folder.users(), "ALICE", 3_u64.try_into().unwrap(), false).unwrap();
    assert_eq!(ids(), [Some(1), None, Some(3)]);
}

#[test]
fn an_index_that_leads_to_the_entry_of_another_user_is_noticed() {
    let folder = Folder::with("[users]\nAlice = 1\n");
    let stamp = Stamp::of(&fs::metadata(folder.users()).unwrap());
    for name in ["alice", "aLICE", "bobby"] {
        let other = Mapping::parse(&format!("[users]\n{name} = 1\n"), &folder.users()).unwrap();
        fs::write(folder.index(), encode(&positions(&other), stamp).unwrap()).unwrap();
        assert_eq!(folder.by_index(name), None, "{name}");
    }
}

#[test]
fn an_index_of_another_state_of_the_file_is_ignored() {
    let folder = Folder::with("[users]\nalice = 1\nbob = 2\n");
    let times = fs::metadata(folder.users()).unwrap().modified().unwrap();
    // A change in place to the same size, with the old time restored.
    fs::write(folder.users(), "[users]\nalice = 3\nbob = 2\n").unwrap();
    let file = File::options().write(true).open(folder.users()).unwrap();
    file.set_modified(times).unwrap();
    assert_eq!(folder.by_index("alice"), None);
    let found = super::super::find(&folder.users(), "alice").unwrap();
    assert_eq!(found, folder.by_parse("alice"));
    // Another file in its place.
    let folder = Folder::with("[users]\nalice = 1\n");
    fs::copy(folder.users(), folder.0.path().join("new")).unwrap();
    fs::rename(folder.0.path().join("new"), folder.users()).unwrap();
    assert_eq!(folder.by_index("alice"), None);
}

#[test]
fn an_invalid_mapping_is_refused_in_spite_of_an_older_index() {
    let folder = Folder::with("[users]\nalice = 1\n");
    fs::write(folder.users(), "[users]\nalice = 1\njane.doe = 2\n").unwrap();
    assert!(super::super::find(&folder.users(), "alice").is_err());
    assert!(write::index(&folder.users()).is_err());
}

#[test]
fn no_damaged_byte_and_no_cut_changes_what_is_found() {
    let folder = Folder::with("[users]\nalice = 1\nbob = 2\ncarl = { authy_id = 3 }\n");
    let good = fs::read(folder.index()).unwrap();
    let names = ["alice", "bob", "carl", "b", ""];
    let expected = names.map(|name| folder.by_parse(name));
    let mut damaged: Vec<Vec<u8>> = (0..good.len()).map(|cut| good[..cut].to_vec()).collect();
    damaged.push([&good[..], b"x"].concat());
    for at in 0..good.len() {
        for value in [0, 0xff, good[at] ^ 1, good[at].wrapping_add(1)] {
            let mut bytes = good.clone();
            bytes[at] = value;
            damaged.push(bytes);
        }
    }
    for bytes in &damaged {
        fs::write(folder.index(), bytes).unwrap();
        for (name, expected) in names.iter().zip(&expected) {
            let found = folder.by_index(name);
            assert!(
                found.is_none() || found.as_ref() == Some(expected),
                "{name}"
            );
        }
    }
}

#[test]
fn a_block_of_another_index_or_of_nothing_is_noticed() {
    let folder = Folder::with(&people(2000));
    let good = fs::read(folder.index()).unwrap();
    // The same but for one name, so that a block of records fits and lacks it.
    let other = Folder::with(&people(2000).replace("user0777", "user077A"));
    let strange = fs::read(other.index()).unwrap();
    assert_eq!(good.len(), strange.len());
    for block in 1..good.len() / 4096 {
        let range = block * 4096..(block + 1) * 4096;
        for bytes in [&[0; 4096][..], &strange[range.clone()]] {
            let mut mixed = good.clone();
            mixed[range.clone()].copy_from_slice(bytes);
            fs::write(folder.index(), mixed).unwrap();
            for name in ["user0000", "user0777", "user1999", "zoe"] {
                let found = folder.by_index(name);
                assert!(
                    found.is_none_or(|found| found == folder.by_parse(name)),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_table_whose_entries_have_moved_is_noticed() {
    let folder = Folder::with(&people(100));
    let mut bytes = fs::read(folder.index()).unwrap();
    // Each number leads to the record behind its own: the first name is found nowhere.
    bytes.copy_within(HEADER + 4..HEADER + 4 * 101, HEADER);
    fs::write(folder.index(), bytes).unwrap();
    assert_eq!(folder.by_index("user0000"), None);
}

#[test]
fn an_index_that_others_can_write_is_ignored() {
    let folder = Folder::with("[users]\nalice = 1\n");
    fs::set_permissions(folder.index(), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(folder.by_index("alice"), None);
    fs::remove_file(folder.index()).unwrap();
    nix::unistd::mkfifo(&folder.index(), nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert_eq!(folder.by_index("alice"), None);
}

#[test]
#[ignore = "needs root"]
fn an_index_of_another_user_is_ignored() {
    let folder = Folder::with("[users]\nalice = 1\n");
    chown(folder.index(), Some(12345), None).unwrap();
    assert_eq!(folder.by_index("alice"), None);
}

#[test]
fn through_a_link_the_index_of_the_mapping_itself_is_used() {
    let folder = Folder::with("[users]\nalice = 1\n");
    let link = folder.0.path().join("link.toml");
    std::os::unix::fs::symlink("users.toml", &link).unwrap();
    let opened = trusted_file::open(&link, Access::WorldReadable).unwrap();
    assert_eq!(find(&opened, "alice"), Some(folder.by_parse("alice")));
    write::enroll(&link, "bob", 2_u64.try_into().unwrap(), false).unwrap();
    assert_eq!(folder.by_index("bob"), Some(folder.by_parse("bob")));
}

#[test]
fn a_mapping_whose_time_was_set_by_hand_can_be_indexed() {
    let folder = Folder::with("[users]\nalice = 1\n");
    let file = File::options().write(true).open(folder.users()).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(9999))
        .unwrap();
    // Only the ctime counts, which cannot be set.
    write::index(&folder.users()).unwrap();
    assert_eq!(folder.by_index("alice"), Some(folder.by_parse("alice")));
}
