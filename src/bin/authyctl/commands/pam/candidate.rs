//! A copy of the stacks with the planned edits made, which doctor checks before anything is
//! changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::file::FileEdit;
use super::plan::PAM_DIR;
use super::sshd;

/// The stacks, and sshd's settings where they change, as they would be. The folder is deleted when
/// this is dropped.
pub(super) struct Candidate {
    folder: TempDir,
    pub(super) sshd_settings: Option<PathBuf>,
}

impl Candidate {
    pub(super) fn new(edits: &[FileEdit]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for entry in fs::read_dir(PAM_DIR)?.flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
            }
        }
        let mut sshd_settings = None;
        for edit in edits {
            let (Some(text), Some(name)) = (&edit.new, edit.path.file_name()) else {
                continue;
            };
            if edit.path.starts_with(PAM_DIR) {
                fs::write(folder.path().join(name), text)?;
            } else {
                // No service has this name. sshd uses the first value of a setting, so ours come
                // before the include.
                let path = folder.path().join("sshd.conf");
                fs::write(&path, format!("{text}Include {}\n", sshd::CONFIG))?;
                sshd_settings = Some(path);
            }
        }
        Ok(Self {
            folder,
            sshd_settings,
        })
    }

    pub(super) fn pam_dir(&self) -> &Path {
        self.folder.path()
    }
}
