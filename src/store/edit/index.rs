//! Writes the look-up index of a file that was changed. Called under the lock of the file's writers.

use std::io::{self, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::{Editing, Error};
use crate::host::trusted_file;
use crate::store::index::{self, Position, Stamp};

/// How long a writer waits for the file system's clock, which may advance only once a second.
const TICK: Duration = Duration::from_millis(1100);

impl Editing<'_> {
    /// Writes the index of the file, which has the content `text` now, with these entries.
    ///
    /// # Errors
    /// The index is not written; a login then reads the whole file.
    pub(in crate::store) fn write_index(
        &self,
        entries: &[Position<'_>],
        text: &str,
    ) -> Result<(), Error> {
        let (file, path) = (self.file, &self.path);
        let at = index::path(path);
        let failed = Error::io(&at);
        let mut new = file.new_file(&self.folder, b"").map_err(&failed)?;
        let opened = trusted_file::open(path, file.access)?;
        let before = opened.file.metadata().map_err(&failed)?;
        // Times of files advance in ticks. A change in the same tick as the last one would not
        // change the stamp, so the text is compared only after that tick is over.
        let changed = (before.ctime(), before.ctime_nsec());
        wait_for_next_tick(changed, || clock(&mut new)).map_err(&failed)?;
        let found = Zeroizing::new(opened.read(trusted_file::MAPPING_LIMIT)?);
        let stamp = Stamp::of(&opened.file.metadata().map_err(&failed)?);
        if found.as_slice() != text.as_bytes() || stamp != Stamp::of(&before) {
            return Err(failed(io::Error::other("the file was changed meanwhile")));
        }
        let bytes = index::encode(entries, stamp)
            .ok_or_else(|| failed(io::Error::other("a name is too long for an index")))?;
        let new = new.rewind().and_then(|()| {
            new.as_file().set_len(0)?;
            new.write_all(&bytes)?;
            Ok(new)
        });
        file.replace(&at, new, path)
    }
}

/// Waits until a file system's clock is past a time. Blocks for [`TICK`] at most.
fn wait_for_next_tick(
    time: (i64, i64),
    mut clock: impl FnMut() -> io::Result<(i64, i64)>,
) -> io::Result<()> {
    let start = Instant::now();
    while clock()? <= time {
        if start.elapsed() > TICK {
            return Err(io::Error::other("the file system's clock does not advance"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Returns the time of the file system that a new file is on, in seconds and nanoseconds.
fn clock(file: &mut NamedTempFile) -> io::Result<(i64, i64)> {
    file.write_all(b"?")?;
    let status = file.as_file().metadata()?;
    Ok((status.mtime(), status.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_with_the_next_tick_or_with_an_error() {
        let mut ticks = [(7, 4), (7, 5), (7, 5), (7, 6), (7, 7)].into_iter();
        wait_for_next_tick((7, 5), || Ok(ticks.next().unwrap())).unwrap();
        assert_eq!(ticks.next(), Some((7, 7)));
        assert!(wait_for_next_tick((7, 5), || Ok((7, 5))).is_err());
    }
}
