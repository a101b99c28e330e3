//! The look-up index of users.toml, `users.toml.index` in the same folder: the position of each
//! name.
//!
//! With it a login reads one entry of a hundred thousand instead of all. The index has positions
//! only: the entry itself is read from users.toml by the same code as without an index. `authyctl`
//! writes it for a mapping that is valid as a whole. It is valid for that file alone: device,
//! inode, size and both times must match. An index that does not match, or is cut, damaged or not
//! trusted, is ignored, and the whole mapping is read, which is slower.
//!
//! Each record has a checksum over the header's checksum, its own number and itself. A block that a
//! crash left empty must not mislead a search: an enrolled user would look unenrolled. The checksum
//! is no defence against root, who can write users.toml anyway.

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
use crate::host::toml_file::Source;
use crate::host::trusted_file::{self, Access, Opened};

/// The start of the file; its last digit is the version of the format.
const MAGIC: &[u8; 16] = b"pam_authy index1";
/// The bytes before the table of records: magic, stamp, length, count, and a checksum of these.
const HEADER: usize = 16 + STAMP + 8 + 4 + SUM;
const STAMP: usize = 7 * 8;
const SUM: usize = 16;
/// The bytes of a record before the name: checksum, start and end of the entry, line.
const FIXED: usize = SUM + 3 * 4;
/// The longest record that is read, in bytes.
const RECORD_LIMIT: usize = 64 * 1024;
/// The longest entry that is read by its position, in bytes.
const ENTRY_LIMIT: usize = 1024 * 1024;

/// What distinguishes one state of one file from every other.
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

/// Returns the path of a mapping's index.
pub(super) fn path(mapping: &Path) -> PathBuf {
    let mut name = mapping.as_os_str().to_owned();
    name.push(".index");
    name.into()
}

/// Looks up `user` in the mapping by its index; `None` when there is no valid index for this file.
pub(super) fn find(mapping: &Opened, user: &str) -> Option<Found> {
    let stamp = Stamp::of(&mapping.file.metadata().ok()?);
    let index = trusted_file::open(&path(&mapping.path), Access::WorldReadable).ok()?;
    let index = Index::read(&index.file, stamp)?;
    let found = match index.search(user)? {
        Some(location) => Found {
            entry: entry(mapping, user, &location)?,
            line: Some(location.line),
        },
        None => Found {
            entry: Entry::Absent,
            line: None,
        },
    };
    // The file has not changed since its positions were looked up.
    let now = Stamp::of(&mapping.file.metadata().ok()?);
    (now == stamp).then_some(found)
}

/// Where an entry is in the mapping: its bytes and its line.
struct EntryLocation {
    span: Range<u32>,
    line: usize,
}

/// Reads the entry at a position of the mapping, which must be this user's and nothing else.
fn entry(mapping: &Opened, user: &str, location: &EntryLocation) -> Option<Entry> {
    let length = usize::try_from(location.span.end.checked_sub(location.span.start)?).ok()?;
    if length > ENTRY_LIMIT {
        return None;
    }
    let mut bytes = vec![0; length];
    let start = u64::from(location.span.start);
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
        line: location.line,
        user,
        span: value.span(),
    };
    row.read(value.get_ref()).ok()
}

/// An index whose header is valid.
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
        let (fields, sum) = header.split_last_chunk::<SUM>()?;
        let (start, count) = fields.split_last_chunk::<4>()?;
        let (start, length) = start.split_last_chunk::<8>()?;
        let length = u64::from_le_bytes(*length);
        let is_valid = start == [&MAGIC[..], &stamp.0].concat()
            && *sum == checksum(&[fields])
            && length == file.metadata().ok()?.len();
        is_valid.then_some(Self {
            file,
            sum: *sum,
            count: u32::from_le_bytes(*count),
            length,
        })
    }

    /// Finds the entry of `user`; `Some(None)` when there is none: the name would be between two
    /// records that follow each other. `None` when a record is not valid.
    fn search(&self, user: &str) -> Option<Option<EntryLocation>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let (name, location) = self.record(middle)?;
            match name.as_slice().cmp(user.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(Some(location)),
                Ordering::Greater => high = middle,
            }
        }
        Some(None)
    }

    /// Reads the name and the location in a record; records are counted from 0.
    fn record(&self, number: u32) -> Option<(Vec<u8>, EntryLocation)> {
        let mut bounds = [0; 8];
        let at = HEADER as u64 + 4 * u64::from(number);
        self.file.read_exact_at(&mut bounds, at).ok()?;
        let mut words = words(&bounds);
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
        Some((name.to_owned(), EntryLocation { span, line }))
    }
}

/// The 32-bit numbers in these bytes, which are little-endian.
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

/// Returns the index of a valid mapping whose file has this stamp; `None` when a record would be
/// too long to be read.
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
mod tests;
