//! Words for unit tests, in this process alone: read from and written to the file under a lock, where
//! `engine` maps it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Words;

static LOCK: Mutex<()> = Mutex::new(());

fn lock() -> MutexGuard<'static, ()> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

struct FileWords(File);

impl FileWords {
    fn read(&self, index: usize) -> u64 {
        let mut word = [0; 8];
        self.0.read_exact_at(&mut word, index as u64 * 8).unwrap();
        u64::from_ne_bytes(word)
    }
}

/// Opens the words of a file.
pub(crate) fn map(file: &File, words: usize) -> io::Result<Box<dyn Words>> {
    assert!(file.metadata()?.len() >= words as u64 * 8);
    Ok(Box::new(FileWords(file.try_clone()?)))
}

impl Words for FileWords {
    fn load(&self, index: usize) -> u64 {
        let _lock = lock();
        self.read(index)
    }

    fn compare_exchange(&self, index: usize, old: u64, new: u64) -> Result<(), u64> {
        let _lock = lock();
        match self.read(index) {
            value if value == old => {
                let place = index as u64 * 8;
                self.0.write_all_at(&new.to_ne_bytes(), place).unwrap();
                Ok(())
            }
            value => Err(value),
        }
    }
}
