//! The look-up index of users.toml, totp.toml and enrolled.toml, such as `users.toml.index` in the
//! same folder: the position of each name.
//!
//! With it a login reads one entry of a hundred thousand instead of all. The index has positions
//! only: the entry itself is read from the file by the same code as without an index. `authyctl`,
//! and for enrolled.toml a login, writes it for a file that is valid as a whole. It is valid for
//! that file alone: device, inode, size and both times must match. An index that does not match, or
//! is cut, damaged or not trusted, is ignored, and the whole file is read, which is slower.
//!
//! Each record has a checksum over the header's checksum, its own number and itself. A block that a
//! crash left empty must not mislead a search: an enrolled user would look unenrolled. The checksum
//! is no defence against root, who can write the file anyway.

use std::cmp::Ordering;
use std::fs::{File, Metadata};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use zeroize::Zeroizing;

use crate::host::trusted_file::{self, Access, Opened};

/// The start of the file; its last digit is the version of the format.
const MAGIC: &[u8; 16] = b"pam_authy index1";
/// The bytes before the table of records: magic, stamp, length, count, and a checksum of these.
pub(super) const HEADER: usize = 16 + STAMP + 8 + 4 + SUM;
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

/// Returns the path of a file's index.
pub(super) fn path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".index");
    name.into()
}

/// Where an entry is in its file: its bytes and its line.
pub(super) struct EntryLocation {
    span: Range<u32>,
    line: usize,
}

/// An entry that was found.
pub(super) struct EntryText {
    /// The bytes from the name to the end of the value.
    pub(super) text: Zeroizing<String>,
    /// The line of the entry, counted from 1.
    pub(super) line: usize,
}

/// Looks up `name` in a file by its index, whose access is that of the file. `Some(None)`: the file
/// has no entry of that name; `None`: there is no valid index for this file.
pub(super) fn find(file: &Opened, access: Access, name: &str) -> Option<Option<EntryText>> {
    let stamp = Stamp::of(&file.file.metadata().ok()?);
    let index = trusted_file::open(&path(&file.path), access).ok()?;
    let index = Index::read(&index.file, stamp)?;
    let found = match index.search(name)? {
        Some(location) => Some(read(file, &location)?),
        None => None,
    };
    // The file has not changed since its positions were looked up.
    let now = Stamp::of(&file.file.metadata().ok()?);
    (now == stamp).then_some(found)
}

/// Reads the entry at a position of the file.
fn read(file: &Opened, location: &EntryLocation) -> Option<EntryText> {
    let length = usize::try_from(location.span.end.checked_sub(location.span.start)?).ok()?;
    if length > ENTRY_LIMIT {
        return None;
    }
    let mut bytes = vec![0; length];
    let start = u64::from(location.span.start);
    file.file.read_exact_at(&mut bytes, start).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(EntryText {
        text: Zeroizing::new(text),
        line: location.line,
    })
}

/// The name and the value of an entry that was found, which must be this one and nothing else.
pub(super) fn only_entry<'a, 'b>(
    table: &'a DeTable<'b>,
    name: &str,
) -> Option<(&'a Spanned<DeString<'b>>, &'a Spanned<DeValue<'b>>)> {
    let mut entries = table.iter();
    let (key, value) = entries.next()?;
    (key.get_ref() == name && entries.next().is_none()).then_some((key, value))
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

    /// Finds the entry of `wanted`; `Some(None)` when there is none: the name would be between two
    /// records that follow each other. `None` when a record is not valid.
    fn search(&self, wanted: &str) -> Option<Option<EntryLocation>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let (name, location) = self.record(middle)?;
            match name.as_slice().cmp(wanted.as_bytes()) {
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

/// Where an entry is in the text: its name, its bytes, and its line.
pub(super) type Position<'a> = (&'a str, &'a Range<usize>, usize);

/// Returns the index of a valid file that has this stamp and these entries, sorted by name; `None`
/// when a record would be too long to be read.
pub(super) fn encode(entries: &[Position<'_>], stamp: Stamp) -> Option<Vec<u8>> {
    let count = u32::try_from(entries.len()).ok()?;
    let table = HEADER + 4 * (entries.len() + 1);
    let names: usize = entries.iter().map(|(name, ..)| name.len()).sum();
    let length = table + entries.len() * FIXED + names;
    let mut out = Vec::with_capacity(length);
    out.extend(MAGIC);
    out.extend(stamp.0);
    out.extend((length as u64).to_le_bytes());
    out.extend(count.to_le_bytes());
    let sum = checksum(&[&out]);
    out.extend(sum);
    let mut at = table;
    for (name, ..) in entries {
        out.extend(u32::try_from(at).ok()?.to_le_bytes());
        at += FIXED + name.len();
    }
    out.extend(u32::try_from(at).ok()?.to_le_bytes());
    for (number, (name, span, line)) in (0_u32..).zip(entries) {
        if FIXED + name.len() > RECORD_LIMIT {
            return None;
        }
        let mut body = Vec::with_capacity(FIXED + name.len());
        for word in [span.start, span.end, *line] {
            body.extend(u32::try_from(word).ok()?.to_le_bytes());
        }
        body.extend(name.as_bytes());
        out.extend(checksum(&[&sum, &number.to_le_bytes(), &body]));
        out.extend(body);
    }
    Some(out)
}
