//! A copy of the stacks with the planned changes made, for doctor to judge before anything is changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::file::FileEdit;
use super::plan::PAM_DIR;
use super::sshd;

/// The stacks and, where they change, sshd's settings as they would be, in a folder of their own.
pub(super) struct Candidate {
    folder: TempDir,
    pub(super) sshd_settings: Option<PathBuf>,
}

impl Candidate {
    pub(super) fn new(changes: &[FileEdit]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for entry in fs::read_dir(PAM_DIR)?.flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
            }
        }
        let mut sshd_settings = None;
        for change in changes {
            let (Some(text), Some(name)) = (&change.new, change.path.file_name()) else {
                continue;
            };
            if change.path.starts_with(PAM_DIR) {
                fs::write(folder.path().join(name), text)?;
            } else {
                // A name that is no stack's. sshd takes the first word on a setting.
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
