//! One file that a change concerns: as it is, as it is to be, and written.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::diff::diff;

/// One file as it is and as it is to be; `None` where there is no file.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

impl Change {
    pub(super) fn diff(&self) -> Vec<String> {
        let text = |side: &Option<String>| side.clone().unwrap_or_default();
        diff(
            &self.path.display().to_string(),
            &text(&self.old),
            &text(&self.new),
        )
    }
}

pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Writes one file: a new one beside it, synced and renamed, with the owner and mode of the old one.
pub(super) fn write(path: &Path, text: Option<&str>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    match text {
        None => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        },
        Some(text) => {
            // libpam reads every file of its folder that is named like a service: this name is none.
            let mut new = tempfile::Builder::new()
                .prefix(".pam_authy.new-")
                .tempfile_in(folder)?;
            new.write_all(text.as_bytes())?;
            let mode = fs::metadata(path).map_or(0o644, |old| old.mode() & 0o7777);
            new.as_file()
                .set_permissions(Permissions::from_mode(mode))?;
            if let Ok(old) = fs::metadata(path) {
                chown(new.path(), Some(old.uid()), Some(old.gid()))?;
            }
            new.as_file().sync_all()?;
            new.persist(path).map_err(|error| error.error)?;
        }
    }
    File::open(folder)?.sync_all()
}
