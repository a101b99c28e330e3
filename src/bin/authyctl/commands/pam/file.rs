//! One file that `pam` edits: its content before and after, and writing it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::diff::diff;
use crate::replace_file::{NewFile, replace_file};

/// The edit of one file; a side is `None` where there is no file.
#[derive(Debug)]
pub(super) struct FileEdit {
    pub(super) path: PathBuf,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

impl FileEdit {
    /// Returns the edit as `diff -u` shows it.
    pub(super) fn diff(&self) -> Vec<String> {
        let text = |side: &Option<String>| side.clone().unwrap_or_default();
        diff(
            &self.path.display().to_string(),
            &text(&self.old),
            &text(&self.new),
        )
    }
}

/// Reads a file; `None` when it does not exist.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Replaces the file with one that has the same owner and mode (0644 where there is none yet), or
/// removes it where `text` is `None`.
pub(super) fn write(path: &Path, text: Option<&str>) -> io::Result<()> {
    let Some(text) = text else {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        return File::open(folder)?.sync_all();
    };
    let old = fs::metadata(path).ok();
    let new = NewFile {
        // libpam reads each file of its folder that has the name of a service: no service has this
        // one.
        prefix: ".pam_authy.new-",
        mode: old.as_ref().map_or(0o644, |old| old.mode() & 0o7777),
        owner: old.map(|old| (old.uid(), old.gid())),
    };
    replace_file(path, text.as_bytes(), &new)
}
