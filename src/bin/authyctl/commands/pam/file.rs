//! One file that `pam` edits: its content before and after, and writing it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::diff::diff;
use crate::commands::stack::Files;
use crate::replace_file::{NewFile, replace_file};

/// The edit of one file; a side is `None` where there is no file.
#[derive(Debug)]
pub(super) struct FileEdit {
    /// Its path on the host that has it.
    pub(super) path: PathBuf,
    pub(super) old: Option<Vec<u8>>,
    pub(super) new: Option<Vec<u8>>,
}

impl FileEdit {
    /// Returns the edit as `diff -u` shows it; what is not UTF-8 is shown as a replacement
    /// character.
    pub(super) fn diff(&self) -> Vec<String> {
        let text = |side: &Option<Vec<u8>>| {
            String::from_utf8_lossy(side.as_deref().unwrap_or_default()).into_owned()
        };
        diff(
            &self.path.display().to_string(),
            &text(&self.old),
            &text(&self.new),
        )
    }

    /// Makes the edit on the system of `files`.
    ///
    /// # Errors
    /// The file system refuses it.
    pub(super) fn write(&self, files: &Files) -> io::Result<()> {
        write(&files.below_root(&self.path), self.new.as_deref())
    }
}

/// Reads a file of the system of `files`; `None` when it does not exist.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(files: &Files, path: &Path) -> Result<Option<Vec<u8>>, String> {
    match files.read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Replaces the file with one that has the same owner and mode (0644 where there is none yet), or
/// removes it where `content` is `None`.
fn write(path: &Path, content: Option<&[u8]>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let Some(content) = content else {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        return File::open(folder)?.sync_all();
    };
    // A distribution that keeps all stacks in its own folder may have no folder for those of the
    // administrator.
    fs::create_dir_all(folder)?;
    let old = fs::metadata(path).ok();
    let new = NewFile {
        // libpam reads each file of its folder that has the name of a service: no service has this
        // one.
        prefix: ".pam_authy.new-",
        mode: old.as_ref().map_or(0o644, |old| old.mode() & 0o7777),
        owner: old.map(|old| (old.uid(), old.gid())),
    };
    replace_file(path, content, &new)
}
