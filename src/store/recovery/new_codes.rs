//! Codes that were made a moment ago, and can be taken back as long as no one has seen them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::admin::Error;
use super::{FOLDER, USED_FOLDER, read};
use crate::store::state::{self, FileChange, Folder};

/// Codes that were made and stored. Those that they replaced can be put back until [`keep`] is
/// called.
///
/// [`keep`]: NewCodes::keep
pub struct NewCodes {
    pub(super) texts: Vec<Zeroizing<String>>,
    pub(super) state: PathBuf,
    pub(super) file: String,
    pub(super) replaced: Replaced,
}

/// What was there before.
pub(super) struct Replaced {
    /// The file of the old set.
    pub(super) bytes: Option<Vec<u8>>,
    /// The name of the file that says which of the old codes are used.
    pub(super) used: Option<String>,
    /// The name of the new one.
    pub(super) new_used: String,
}

impl NewCodes {
    /// Returns the codes as text, such as `3v8k-m2zq-70xd-w9ht`. They cannot be shown again.
    #[must_use]
    pub fn texts(&self) -> &[Zeroizing<String>] {
        &self.texts
    }

    /// Ends the codes that were replaced: the person has seen the new ones.
    pub fn keep(self) {
        // Where this fails, the file is removed with the next set.
        if let (Some(old), Ok(used)) = (self.replaced.used, used_folder(&self.state)) {
            drop(used.unlink(&old));
        }
    }

    /// Puts back what was there before, since no one has seen the new codes. It is on the disk when
    /// this returns. Another set that was made meanwhile stays.
    ///
    /// # Errors
    /// The state cannot be trusted or written; the new codes stay then.
    pub fn take_back(self) -> Result<(), Error> {
        let folder = Folder::open(&self.state)?.sub(FOLDER)?;
        let Replaced {
            bytes, new_used, ..
        } = self.replaced;
        let is_back = folder.update_durably(&self.file, |now| {
            let now = read(now).ok().flatten();
            let is_ours = now.is_some_and(|now| now.used_name(&self.file) == new_used);
            let change = match (is_ours, bytes) {
                (false, _) => FileChange::Keep,
                (true, Some(old)) => FileChange::Write(old),
                (true, None) => FileChange::Remove,
            };
            (is_ours, change)
        })?;
        if is_back {
            drop(used_folder(&self.state)?.unlink(&new_used));
        }
        Ok(())
    }
}

pub(super) fn used_folder(state: &Path) -> Result<Folder, state::Error> {
    Folder::open(state)?.sub(USED_FOLDER)
}
