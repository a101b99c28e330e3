//! sshd's settings as they would be after the planned edits, which sshd itself reads before
//! anything is changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::file::FileEdit;
use super::{sshd, sshd_config};
use crate::commands::stack::Files;

/// A copy of sshd's settings with the edits applied. Its folder is deleted on drop.
pub(super) struct Candidate {
    settings: Option<(TempDir, PathBuf)>,
    /// What it is a copy of.
    main: &'static str,
}

impl Candidate {
    pub(super) fn new(edits: &[FileEdit]) -> io::Result<Self> {
        let drop_in = Path::new(sshd::DROP_IN);
        let edit = edits.iter().find(|edit| edit.path == drop_in);
        let Some(content) = edit.and_then(|edit| edit.new.as_deref()) else {
            return Ok(Self {
                settings: None,
                main: sshd::CONFIG,
            });
        };
        let folder = tempfile::tempdir()?;
        let original = drop_in.parent().unwrap_or(Path::new("/"));
        for entry in fs::read_dir(original).into_iter().flatten().flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
            }
        }
        if let Some(name) = drop_in.file_name() {
            fs::write(folder.path().join(name), content)?;
        }
        // In the same order as the real ones, since sshd uses the first value of a setting.
        let main = sshd_config::main_file(&Files::below(Path::new("/")));
        let text = fs::read(main)?;
        let text = String::from_utf8_lossy(&text);
        let copy = text.replace(
            &original.display().to_string(),
            &folder.path().display().to_string(),
        );
        let path = folder.path().join("sshd_config");
        fs::write(&path, copy)?;
        Ok(Self {
            settings: Some((folder, path)),
            main,
        })
    }

    /// Returns a message with the names that the files of the copy have on this host.
    pub(super) fn named(&self, message: &str) -> String {
        let Some((folder, path)) = &self.settings else {
            return message.to_owned();
        };
        let original = Path::new(sshd::DROP_IN).parent().unwrap_or(Path::new("/"));
        message
            .replace(&path.display().to_string(), self.main)
            .replace(
                &folder.path().display().to_string(),
                &original.display().to_string(),
            )
    }

    /// Returns the copy of sshd's own file.
    pub(super) fn sshd_settings(&self) -> Option<&Path> {
        self.settings.as_ref().map(|(_, path)| path.as_path())
    }
}
