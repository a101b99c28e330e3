//! Replaces a file as a whole, so that a reader finds the old or the new content, and a crash
//! leaves one of the two on the disk.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use tempfile::Builder;

/// What the new file is like.
pub(crate) struct NewFile<'a> {
    /// The beginning of its temporary name, beside the old file.
    pub(crate) prefix: &'a str,
    pub(crate) mode: u32,
    /// Its user and group; those of this process where `None`.
    pub(crate) owner: Option<(u32, u32)>,
}

/// Writes `content` to a new file in the folder of `path`, syncs it, renames it to `path`, and
/// syncs the folder. A symbolic link at `path` is replaced itself, not its target.
///
/// # Errors
/// `path` is no regular file, or the file system refuses one of the steps; `path` has the old
/// content unless only the last one failed.
pub(crate) fn replace_file(path: &Path, content: &[u8], new: &NewFile<'_>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Otherwise root would make a file of /dev/null, for every program of the host.
    if fs::metadata(path).is_ok_and(|old| !old.is_file()) {
        return Err(io::Error::other("not a regular file"));
    }
    // A temporary file begins with mode 0600.
    let mut file = Builder::new().prefix(new.prefix).tempfile_in(folder)?;
    file.write_all(content)?;
    if let Some((user, group)) = new.owner {
        chown(file.path(), Some(user), Some(group))?;
    }
    file.as_file()
        .set_permissions(Permissions::from_mode(new.mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stack");
        fs::write(&path, "old").unwrap();
        let new = NewFile {
            prefix: ".new-",
            mode: 0o644,
            owner: None,
        };
        replace_file(&path, b"new", &new).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, link) = (folder.path().join("socket"), folder.path().join("link"));
        let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        let new = NewFile {
            prefix: ".new-",
            mode: 0o644,
            owner: None,
        };
        for path in [socket.as_path(), &link, folder.path()] {
            let error = replace_file(path, b"new", &new).unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{path:?}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
