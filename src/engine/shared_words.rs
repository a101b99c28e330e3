//! The words of a file as memory that all processes share.
//!
//! `store` defines what the words mean and checks the file (`store::state::Folder`); this is the one
//! part of it that needs `unsafe`. A file of the state folder is written by root alone and is never
//! made shorter, so no access to the mapping can fail, unless the disk itself does.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::state::Words;

/// A mapping of the first words of a file.
struct SharedWords {
    first: NonNull<AtomicU64>,
    count: usize,
}

/// Maps the first `words` words of `file`, which must be opened for reading and writing, and must be
/// as long.
///
/// # Errors
/// The file is too short, or the kernel refused the mapping.
pub fn map(file: &File, words: usize) -> io::Result<Box<dyn Words>> {
    let length = words * size_of::<AtomicU64>();
    if length == 0 || file.metadata()?.len() < length as u64 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // SAFETY: the kernel chooses a free address, so no memory of this process is replaced; the
    // descriptor is open during the call.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let first = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
    Ok(Box::new(SharedWords {
        first,
        count: words,
    }))
}

impl SharedWords {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: mmap returned `count` words at `first`, at the start of a page and so aligned,
        // which stay mapped until `drop`. Every bit pattern is a valid AtomicU64. Other processes
        // write to the same memory, by atomic operations only.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl Words for SharedWords {
    fn load(&self, index: usize) -> u64 {
        let word = self.words().get(index);
        word.map_or(0, |word| word.load(Ordering::SeqCst))
    }

    fn compare_exchange(&self, index: usize, old: u64, new: u64) -> Result<(), u64> {
        let word = self.words().get(index).ok_or(0_u64)?;
        word.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst)
            .map(|_| ())
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        let length = self.count * size_of::<AtomicU64>();
        // SAFETY: the mapping was made with this address and length, and nothing refers to it any
        // more, since every slice borrows from `self`.
        unsafe { libc::munmap(self.first.as_ptr().cast(), length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_mappings_of_one_file_are_the_same_memory_and_the_file_has_it() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(16).unwrap();
        let (one, other) = (map(&file, 2).unwrap(), map(&file, 2).unwrap());
        assert_eq!(one.compare_exchange(1, 0, 7), Ok(()));
        assert_eq!((other.load(1), other.load(0)), (7, 0));
        assert_eq!(other.compare_exchange(1, 0, 8), Err(7));
        let mut bytes = [0; 16];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).unwrap();
        assert_eq!(bytes[8..], 7_u64.to_ne_bytes());
    }

    #[test]
    fn a_file_that_is_too_short_is_not_mapped() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(15).unwrap();
        assert!(map(&file, 2).is_err() && map(&file, 0).is_err());
    }
}
