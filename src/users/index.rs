//! The look-up index beside users.toml, `users.toml.index`: where in the mapping each name stands.
//!
//! With it a login reads one entry of a hundred thousand and no more. It says only *where*: what an
//! entry means is read from users.toml itself, by the same code as ever. It is written by `authyctl`,
//! for a mapping that was valid as a whole, and holds for that very file alone: device, inode, size
//! and both times must match. One that does not match, or is cut, damaged or not to be trusted, is as
//! none at all: the whole mapping is read then, which is right and slower.
//!
//! Each record has a checksum over the header's, its own number and itself. A block that a crash left
//! empty must not lead a search astray: somebody who is enrolled would look like somebody who isn't.
//! It is no defence against root, who may as well write users.toml.

use std::cmp::Ordering;
use std::fs::{File, Metadata};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

#[cfg(feature = "admin")]
use super::Mapping;
use super::entry::Row;
use super::{Entry, Found};
use crate::toml_file::Source;
use crate::trusted_file::{self, Holds, Opened};

/// How the file begins; its last digit is the version of the form.
const MAGIC: &[u8; 16] = b"pam_authy index1";
/// The bytes in front of the table of records: magic, stamp, length, count, and a checksum of those.
const HEADER: usize = 16 + STAMP + 8 + 4 + SUM;
const STAMP: usize = 7 * 8;
const SUM: usize = 16;
/// The bytes of a record in front of the name: checksum, start and end of the entry, line.
const FIXED: usize = SUM + 3 * 4;
/// The longest record that is read, in bytes.
const RECORD_LIMIT: usize = 64 * 1024;
/// The longest entry that is read by its place, in bytes.
const ENTRY_LIMIT: usize = 1024 * 1024;

/// What tells one state of one file from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp([u8; STAMP]);

impl Stamp {
    pub(super) fn of(file: &Metadata) -> Self {
        let mut bytes = [0; STAMP];
        let fields = [
            file.dev().to_le_bytes(),
            file.ino().to_le_bytes(),
            file.size().to_le_bytes(),
            file.mtime().to_le_bytes(),
            file.mtime_nsec().to_le_bytes(),
            file.ctime().to_le_bytes(),
            file.ctime_nsec().to_le_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(fields.iter().flatten()) {
            *to = *from;
        }
        Self(bytes)
    }
}

/// Where the index of a mapping is.
pub(super) fn path(mapping: &Path) -> PathBuf {
    let mut name = mapping.as_os_str().to_owned();
    name.push(".index");
    name.into()
}

/// What the mapping says of `user`, where an index tells where to look. `None`: there is none that
/// holds for this file.
pub(super) fn find(mapping: &Opened, user: &str) -> Option<Found> {
    let stamp = Stamp::of(&mapping.file.metadata().ok()?);
    let index = trusted_file::open(&path(&mapping.path), Holds::Public).ok()?;
    let index = Index::read(&index.file, stamp)?;
    let found = match index.search(user)? {
        Some(place) => Found {
            entry: entry(mapping, user, &place)?,
            line: Some(place.line),
        },
        None => Found {
            entry: Entry::Absent,
            line: None,
        },
    };
    // The file is still the one that the places were found for.
    let now = Stamp::of(&mapping.file.metadata().ok()?);
    (now == stamp).then_some(found)
}

/// Where an entry stands.
struct Place {
    span: Range<u32>,
    line: usize,
}

/// Reads the entry at a place of the mapping; it must be that user's and nothing else.
fn entry(mapping: &Opened, user: &str, place: &Place) -> Option<Entry> {
    let length = usize::try_from(place.span.end.checked_sub(place.span.start)?).ok()?;
    if length > ENTRY_LIMIT {
        return None;
    }
    let mut bytes = vec![0; length];
    let start = u64::from(place.span.start);
    mapping.file.read_exact_at(&mut bytes, start).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let source = Source::new(&mapping.path, &text);
    let table = source.parse().ok()?;
    let mut entries = table.iter();
    let (name, value) = entries.next()?;
    if name.get_ref() != user || entries.next().is_some() {
        return None;
    }
    let row = Row {
        source,
        at: name.span(),
        line: place.line,
        user,
        span: value.span(),
    };
    row.read(value.get_ref()).ok()
}

/// An index whose header holds.
struct Index<'a> {
    file: &'a File,
    sum: [u8; SUM],
    count: u32,
    length: u64,
}

impl<'a> Index<'a> {
    fn read(file: &'a File, stamp: Stamp) -> Option<Self> {
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).ok()?;
        let (said, sum) = header.split_last_chunk::<SUM>()?;
        let (start, count) = said.split_last_chunk::<4>()?;
        let (start, length) = start.split_last_chunk::<8>()?;
        let length = u64::from_le_bytes(*length);
        let holds = start == [&MAGIC[..], &stamp.0].concat()
            && *sum == checksum(&[said])
            && length == file.metadata().ok()?.len();
        holds.then_some(Self {
            file,
            sum: *sum,
            count: u32::from_le_bytes(*count),
            length,
        })
    }

    /// The place of `user`'s entry; `Some(None)` when there is none: two records that follow each other
    /// then stand on either side of where the name would be.
    fn search(&self, user: &str) -> Option<Option<Place>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let (name, place) = self.record(middle)?;
            match name.as_slice().cmp(user.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(Some(place)),
                Ordering::Greater => high = middle,
            }
        }
        Some(None)
    }

    /// The name and the place that a record holds, counted from 0.
    fn record(&self, number: u32) -> Option<(Vec<u8>, Place)> {
        let mut ends = [0; 8];
        let at = HEADER as u64 + 4 * u64::from(number);
        self.file.read_exact_at(&mut ends, at).ok()?;
        let mut words = words(&ends);
        let (start, end) = (words.next()?, words.next()?);
        let length = usize::try_from(end.checked_sub(start)?).ok()?;
        if u64::from(end) > self.length || !(FIXED..=RECORD_LIMIT).contains(&length) {
            return None;
        }
        let mut record = vec![0; length];
        self.file.read_exact_at(&mut record, start.into()).ok()?;
        let (sum, body) = record.split_first_chunk::<SUM>()?;
        if *sum != checksum(&[&self.sum, &number.to_le_bytes(), body]) {
            return None;
        }
        let (fixed, name) = body.split_at_checked(FIXED - SUM)?;
        let mut words = self::words(fixed);
        let span = words.next()?..words.next()?;
        let line = usize::try_from(words.next()?).ok()?;
        Some((name.to_owned(), Place { span, line }))
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| u32::from_le_bytes(*word))
}

/// The first half of the SHA-256 of these parts.
fn checksum(parts: &[&[u8]]) -> [u8; SUM] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut sum = [0; SUM];
    for (to, from) in sum.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    sum
}

/// The index of a valid mapping that stands in a file with this stamp. `None` where it would have a
/// record that is too long to be read.
#[cfg(feature = "admin")]
pub(super) fn encode(mapping: &Mapping, stamp: Stamp) -> Option<Vec<u8>> {
    let count = u32::try_from(mapping.0.len()).ok()?;
    let table = HEADER + 4 * (mapping.0.len() + 1);
    let names: usize = mapping.0.keys().map(String::len).sum();
    let length = table + mapping.0.len() * FIXED + names;
    let mut out = Vec::with_capacity(length);
    out.extend(MAGIC);
    out.extend(stamp.0);
    out.extend((length as u64).to_le_bytes());
    out.extend(count.to_le_bytes());
    let sum = checksum(&[&out]);
    out.extend(sum);
    let mut at = table;
    for name in mapping.0.keys() {
        out.extend(u32::try_from(at).ok()?.to_le_bytes());
        at += FIXED + name.len();
    }
    out.extend(u32::try_from(at).ok()?.to_le_bytes());
    for (number, (name, slot)) in (0_u32..).zip(&mapping.0) {
        if FIXED + name.len() > RECORD_LIMIT {
            return None;
        }
        let mut body = Vec::with_capacity(FIXED + name.len());
        for word in [slot.span.start, slot.span.end, slot.line] {
            body.extend(u32::try_from(word).ok()?.to_le_bytes());
        }
        body.extend(name.as_bytes());
        out.extend(checksum(&[&sum, &number.to_le_bytes(), &body]));
        out.extend(body);
    }
    Some(out)
}

#[cfg(all(test, feature = "admin"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::time::{Duration, SystemTime};

    use super::super::write;
    use super::*;
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

        /// What the index alone says.
        fn by_index(&self, user: &str) -> Option<Found> {
            find(
                &trusted_file::open(&self.users(), Holds::Public).unwrap(),
                user,
            )
        }

        /// What the whole file says.
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

    /// A valid line of [users]; an odd name may make it somebody else's.
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
        fn the_index_says_of_every_name_what_the_whole_file_says(
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
    fn an_index_holds_for_every_form_of_the_table() {
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
    fn every_change_by_authyctl_leaves_an_index_that_holds() {
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
            "whoever may not read the one may not read the other"
        );
        write::unenroll(&folder.users(), "alice", None).unwrap();
        let absent = folder.by_index("alice").unwrap();
        assert_eq!((absent.entry, absent.line), (Entry::Absent, None));
        assert_eq!(
            folder.by_index("user0007"),
            Some(folder.by_parse("user0007"))
        );
    }

    #[test]
    fn an_index_of_another_state_of_the_file_is_as_none() {
        let folder = Folder::with("[users]\nalice = 1\nbob = 2\n");
        let times = fs::metadata(folder.users()).unwrap().modified().unwrap();
        // Of the same size, in place, and with the old time put back.
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
    fn a_broken_mapping_refuses_whatever_its_index_says() {
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
    fn an_index_that_others_could_have_written_is_as_none() {
        let folder = Folder::with("[users]\nalice = 1\n");
        fs::set_permissions(folder.index(), fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(folder.by_index("alice"), None);
        fs::remove_file(folder.index()).unwrap();
        nix::unistd::mkfifo(&folder.index(), nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert_eq!(folder.by_index("alice"), None);
    }

    #[test]
    #[ignore = "needs root"]
    fn an_index_of_somebody_else_is_as_none() {
        let folder = Folder::with("[users]\nalice = 1\n");
        chown(folder.index(), Some(12345), None).unwrap();
        assert_eq!(folder.by_index("alice"), None);
    }

    #[test]
    fn a_link_to_the_mapping_finds_the_index_beside_the_mapping_itself() {
        let folder = Folder::with("[users]\nalice = 1\n");
        let link = folder.0.path().join("link.toml");
        std::os::unix::fs::symlink("users.toml", &link).unwrap();
        let opened = trusted_file::open(&link, Holds::Public).unwrap();
        assert_eq!(find(&opened, "alice"), Some(folder.by_parse("alice")));
        write::enroll(&link, "bob", 2_u64.try_into().unwrap(), false).unwrap();
        assert_eq!(folder.by_index("bob"), Some(folder.by_parse("bob")));
    }

    #[test]
    fn a_time_that_somebody_set_by_hand_is_no_hindrance() {
        let folder = Folder::with("[users]\nalice = 1\n");
        let file = File::options().write(true).open(folder.users()).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(9999))
            .unwrap();
        // Only the time of the last change of any kind counts, and nobody can set that one.
        write::index(&folder.users()).unwrap();
        assert_eq!(folder.by_index("alice"), Some(folder.by_parse("alice")));
    }
}
