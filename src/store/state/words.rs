//! Files of 64-bit words, which many processes change at once without a lock.
//!
//! Each process maps the file, and changes one word at a time by compare-and-exchange: a process
//! that is stopped or killed between two instructions has either made its change or not, and no
//! other waits for it. A word that is changed is written in place, so it needs neither space on the
//! disk nor an inode; a file gets all its blocks before it is mapped. Used by `limits` and
//! `recovery`, which get the mapping itself, the one `unsafe` part, from `engine::shared_words`.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, OFlag, fallocate};
use nix::sys::stat::fstat;
use nix::unistd::{UnlinkatFlags, fsync, ftruncate, unlinkat};

use super::write::without_signal;
use super::{Error, Folder, Unreadable, errno, io_error};

/// How many bytes a word has.
const WORD: usize = 8;

/// The words of a file. Other processes see each change at once.
pub trait Words {
    /// Reads a word.
    fn load(&self, index: usize) -> u64;
    /// Sets the word to `new` if it is `old`.
    ///
    /// # Errors
    /// The word has another value, and is not changed.
    fn compare_exchange(&self, index: usize, old: u64, new: u64) -> Result<(), u64>;
}

/// Maps the first words of a file, which is at least as long, for reading and writing.
pub type MapWords = fn(&File, words: usize) -> io::Result<Box<dyn Words>>;

/// What the first word of a file says, and how many words follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// What the file is for, in the upper 48 bits of the first word.
    pub magic: u64,
    /// The version, in the lower 16 bits.
    pub version: u16,
    /// The words after the first one.
    pub words: usize,
}

impl Format {
    fn head(self) -> u64 {
        self.magic << 16 | u64::from(self.version)
    }

    fn length(self) -> u64 {
        ((self.words + 1) * WORD) as u64
    }

    /// Checks the first word of a file with `length` bytes. Returns whether the file is complete:
    /// one whose creator was killed is shorter and has only zeros.
    fn check(self, head: u64, length: u64) -> Result<bool, Unreadable> {
        match head {
            0 if length < self.length() => Ok(false),
            0 if length == self.length() => Ok(true),
            head if head == self.head() && length == self.length() => Ok(true),
            head if head >> 16 == self.magic && head > self.head() => {
                Err(Unreadable::Newer(head & 0xffff))
            }
            _ => Err(Unreadable::Corrupt),
        }
    }

    /// Returns the words of a file with this content, without the first; zeros for a file that is
    /// not complete yet.
    ///
    /// # Errors
    /// The bytes are damaged, or a newer version wrote them.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<u64>, Unreadable> {
        let word = |bytes: &[u8]| {
            let mut word = [0; WORD];
            word.iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            u64::from_ne_bytes(word)
        };
        if self.check(word(bytes), bytes.len() as u64)? {
            Ok(bytes.chunks(WORD).skip(1).map(word).collect())
        } else {
            Ok(vec![0; self.words])
        }
    }
}

/// An opened and mapped file of words.
pub struct WordFile {
    file: File,
    words: Box<dyn Words>,
    count: usize,
}

impl WordFile {
    /// Reads a word; the first one, with the version, is not counted.
    #[must_use]
    pub fn load(&self, index: usize) -> u64 {
        assert!(index < self.count, "no word {index} in the file");
        self.words.load(index + 1)
    }

    /// Sets a word to `new` if it is `old`, and returns whether it was.
    #[must_use]
    pub fn exchange(&self, index: usize, old: u64, new: u64) -> bool {
        assert!(index < self.count, "no word {index} in the file");
        self.words.compare_exchange(index + 1, old, new).is_ok()
    }

    /// Replaces a word by what `change` makes of it. `change` may be called several times.
    pub fn update(&self, index: usize, change: impl Fn(u64) -> u64) {
        loop {
            let old = self.load(index);
            let new = change(old);
            if old == new || self.exchange(index, old, new) {
                return;
            }
        }
    }

    /// Whether the file still has a name. What is written into a removed file has no effect.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        fstat(&self.file).is_ok_and(|status| status.st_nlink > 0)
    }

    /// Waits until the disk has all changes.
    ///
    /// # Errors
    /// The disk may not have them.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl fmt::Debug for WordFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordFile")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Folder {
    /// Opens a file of words; `None` when there is none. Takes no lock.
    ///
    /// # Errors
    /// It cannot be trusted, written or mapped, or its content cannot be used.
    pub fn find_words(
        &self,
        name: &str,
        format: Format,
        map: MapWords,
    ) -> Result<Option<WordFile>, Error> {
        match self.open_words(name, OFlag::O_RDWR, format, map) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(None),
            file => file.map(Some),
        }
    }

    /// Opens a file of words, which is made with zeros when it is missing. Takes no lock.
    ///
    /// # Errors
    /// As [`Folder::find_words`], or there is no space for a new file.
    pub fn words(&self, name: &str, format: Format, map: MapWords) -> Result<WordFile, Error> {
        self.open_words(name, OFlag::O_RDWR | OFlag::O_CREAT, format, map)
    }

    /// Removes a file without a lock. Returns whether there was one.
    ///
    /// # Errors
    /// It is still there.
    pub fn unlink(&self, name: &str) -> Result<bool, Error> {
        let path = self.path_of(name)?;
        match unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(io_error(&path, errno)),
        }
    }

    /// Waits until the disk has the names of all files.
    ///
    /// # Errors
    /// The disk may not have them.
    pub fn sync(&self) -> Result<(), Error> {
        fsync(&self.folder).map_err(|errno| io_error(&self.path, errno))
    }

    fn open_words(
        &self,
        name: &str,
        flags: OFlag,
        format: Format,
        map: MapWords,
    ) -> Result<WordFile, Error> {
        let path = self.path_of(name)?;
        let file = File::from(self.open_file(name, flags, &path)?);
        let failed = |error: &io::Error| io_error(&path, errno(error));
        let (head, length) = read_head(&file).map_err(|error| failed(&error))?;
        let is_complete = format
            .check(head, length)
            .map_err(|why| self.unreadable(name, why))?;
        if !is_complete {
            complete(&file, format.length()).map_err(|errno| io_error(&path, errno))?;
        }
        let words = map(&file, format.words + 1).map_err(|error| failed(&error))?;
        // Several processes may do this at once.
        let _ = words.compare_exchange(0, 0, format.head());
        if words.load(0) != format.head() {
            return Err(self.unreadable(name, Unreadable::Corrupt));
        }
        Ok(WordFile {
            file,
            words,
            count: format.words,
        })
    }
}

/// Reads the first word, then the length of a file. In this order: a file gets its length before
/// another process writes the first word, so one that is being made never looks damaged.
fn read_head(file: &File) -> io::Result<(u64, u64)> {
    let mut head = [0; WORD];
    let mut read = 0;
    while let Some(rest) = head.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    Ok((u64::from_ne_bytes(head), file.metadata()?.len()))
}

/// Gives a file that has only zeros its length and its blocks. Another process may do the same at
/// the same time, and may already count in it: nothing that is there is changed.
fn complete(file: &File, length: u64) -> Result<(), Errno> {
    let length = libc::off_t::try_from(length).map_err(|_| Errno::EFBIG)?;
    without_signal(|| {
        loop {
            match fallocate(file, FallocateFlags::empty(), 0, length) {
                Err(Errno::EINTR) => {}
                // A file system without this call. A write to the mapping of a full disk then ends
                // the process by SIGBUS, which denies.
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => return ftruncate(file, length),
                allocated => return allocated,
            }
        }
    })
}
