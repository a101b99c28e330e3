//! Opens a file only when its owner, its mode and every folder above it can be trusted.
//!
//! The module runs as root for a hostile caller, so what it reads must be something that only root
//! could have written. `path_walk` opens and checks each part of the path. Used for config.toml,
//! users.toml and its index, the key file, the CA file, the state folder and by `authyctl`; no option
//! relaxes any of it.

mod owner;
mod path_walk;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

pub(crate) use owner::ProcessIds;
use path_walk::PathWalk;

/// The largest file that is read, in bytes.
pub const LIMIT: u64 = 4 * 1024 * 1024;
/// The largest mapping that is read, in bytes.
pub const MAPPING_LIMIT: u64 = 64 * 1024 * 1024;

/// Who may have access to a file besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No bit for group or others: the file has a secret.
    OwnerOnly,
    /// Not writable by group or others: the file has no secret.
    WorldReadable,
}

/// Why a file is not opened or read: `PATH: why`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct Error {
    path: PathBuf,
    kind: ErrorKind,
}

#[derive(Debug, Clone, thiserror::Error)]
enum ErrorKind {
    #[error("{}", .0.desc())]
    Io(Errno),
    #[error("not an absolute path")]
    Relative,
    #[error("too many links")]
    TooManyLinks,
    #[error("{0} belongs to uid {1}, which is not trusted")]
    Owner(PathPart, u32),
    #[error("{0} can be written by others (mode {1:04o})")]
    Writable(PathPart, u32),
    #[error("it holds a secret and group or others have access (mode {0:04o})")]
    NotSecret(u32),
    #[error("not a regular file")]
    NotRegular,
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    #[error("was replaced while it was opened")]
    Replaced,
}

/// The part of the path that an error is about.
#[derive(Debug, Clone)]
enum PathPart {
    File,
    Folder(PathBuf),
    Link(PathBuf),
}

impl std::fmt::Display for PathPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File => f.write_str("it"),
            Self::Folder(path) => write!(f, "the folder {}", path.display()),
            Self::Link(path) => write!(f, "the link {}", path.display()),
        }
    }
}

impl Error {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.kind, ErrorKind::Io(Errno::ENOENT))
    }

    /// Whether this process lacked a descriptor or memory; the file itself may be fine.
    #[must_use]
    pub fn is_process_fault(&self) -> bool {
        use Errno::{EMFILE, ENFILE, ENOMEM};
        matches!(self.kind, ErrorKind::Io(EMFILE | ENFILE | ENOMEM))
    }

    /// The reason without the path.
    pub(crate) fn why(&self) -> impl std::fmt::Display {
        &self.kind
    }

    /// The errno, where a system call failed.
    pub(crate) fn errno(&self) -> Option<Errno> {
        match self.kind {
            ErrorKind::Io(errno) => Some(errno),
            _ => None,
        }
    }
}

/// A file that was opened for reading and found to be trusted.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: File,
    /// Its path with every link resolved.
    pub path: PathBuf,
    requested: PathBuf,
}

/// Opens the file at `path` for reading. Never blocks on a FIFO or a device.
///
/// # Errors
/// The file or something above it cannot be trusted, or cannot be opened.
pub fn open(path: &Path, access: Access) -> Result<Opened, Error> {
    open_as(path, access, ProcessIds::own())
}

/// [`open`] as a process with these ids would.
fn open_as(path: &Path, access: Access, ids: ProcessIds) -> Result<Opened, Error> {
    let in_file = |kind| Error {
        path: path.to_owned(),
        kind,
    };
    let mut walk = PathWalk::new(path, ids).map_err(in_file)?;
    let file = File::from(walk.walk_to_file(access).map_err(in_file)?);
    Ok(Opened {
        file,
        path: walk.here(),
        requested: path.to_owned(),
    })
}

impl Opened {
    /// Reads the rest of the file, `limit` bytes at most.
    ///
    /// # Errors
    /// The file cannot be read or is too large.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, Error> {
        let in_file = |kind| Error {
            path: self.requested.clone(),
            kind,
        };
        let mut bytes = Vec::new();
        (&self.file)
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| {
                in_file(ErrorKind::Io(Errno::from_raw(
                    error.raw_os_error().unwrap_or_default(),
                )))
            })?;
        if bytes.len() as u64 > limit {
            return Err(in_file(ErrorKind::TooLarge(limit)));
        }
        Ok(bytes)
    }
}

/// Reads the file at `path`, `limit` bytes at most. Never blocks on a FIFO or a device.
///
/// # Errors
/// The file or something above it cannot be trusted, cannot be read or is too large.
pub fn read(path: &Path, access: Access, limit: u64) -> Result<Vec<u8>, Error> {
    open(path, access)?.read(limit)
}

/// Returns the path of the file itself, with every link resolved, once all of them are trusted.
///
/// # Errors
/// As [`open`].
pub fn resolve(path: &Path, access: Access) -> Result<PathBuf, Error> {
    open(path, access).map(|opened| opened.path)
}

/// Opens the folder at `path`. It is checked like the folders above a file; with `make` its last name
/// is made with mode 0700 when it is missing.
///
/// # Errors
/// As [`open`].
pub(crate) fn folder(path: &Path, make: bool) -> Result<OwnedFd, Error> {
    PathWalk::new(path, ProcessIds::own())
        .and_then(|mut walk| walk.walk_to_folder(make))
        .map_err(|kind| Error {
            path: path.to_owned(),
            kind,
        })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn file(folder: &tempfile::TempDir, name: &str, mode: u32) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, "text").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn refusal(path: &Path, access: Access) -> String {
        read(path, access, LIMIT).unwrap_err().to_string()
    }

    #[test]
    fn a_private_file_in_a_private_folder_is_read() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        assert_eq!(read(&path, Access::OwnerOnly, LIMIT).unwrap(), b"text");
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let folder = folder();
        for mode in [0o640, 0o604, 0o610, 0o644, 0o660] {
            let path = file(&folder, "f", mode);
            assert!(
                refusal(&path, Access::OwnerOnly).contains("group or others"),
                "{mode:o}"
            );
        }
        assert!(read(&file(&folder, "g", 0o644), Access::WorldReadable, LIMIT).is_ok());
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let folder = folder();
        for mode in [0o664, 0o646, 0o620] {
            let path = file(&folder, "f", mode);
            assert!(
                refusal(&path, Access::WorldReadable).contains("can be written"),
                "{mode:o}"
            );
        }
    }

    #[test]
    fn a_file_below_a_folder_that_others_can_write_is_refused() {
        let folder = folder();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        let path = folder.path().join("a/b/f");
        fs::write(&path, "").unwrap();
        fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refusal(&path, Access::WorldReadable).contains("the folder"));
    }

    #[test]
    fn nothing_but_a_regular_file_is_read_and_nothing_blocks() {
        let folder = folder();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        assert!(refusal(&fifo, Access::OwnerOnly).contains("not a regular file"));
        assert!(refusal(folder.path(), Access::OwnerOnly).contains("not a regular file"));
        assert!(
            refusal(Path::new("/dev/null"), Access::WorldReadable).contains("not a regular file")
        );
        assert!(refusal(Path::new("/"), Access::WorldReadable).contains("not a regular file"));
    }

    #[test]
    fn a_missing_file_is_missing_and_a_relative_path_is_refused() {
        let folder = folder();
        assert!(
            read(&folder.path().join("f"), Access::WorldReadable, 1)
                .unwrap_err()
                .is_missing()
        );
        assert!(refusal(Path::new("etc/passwd"), Access::WorldReadable).contains("absolute"));
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        assert!(read(&path, Access::OwnerOnly, 4).is_ok());
        assert!(
            read(&path, Access::OwnerOnly, 3)
                .unwrap_err()
                .to_string()
                .contains("larger")
        );
    }

    #[test]
    fn own_links_are_followed_and_a_circle_ends() {
        let folder = folder();
        file(&folder, "f", 0o600);
        symlink("f", folder.path().join("relative")).unwrap();
        symlink(
            folder.path().join("relative"),
            folder.path().join("absolute"),
        )
        .unwrap();
        symlink("circle", folder.path().join("circle")).unwrap();
        let read = |name: &str| read(&folder.path().join(name), Access::OwnerOnly, LIMIT);
        assert!(read("relative").is_ok());
        assert!(read("absolute").is_ok());
        assert!(read("../").is_err());
        assert!(
            read("circle")
                .unwrap_err()
                .to_string()
                .contains("too many links")
        );
        let resolved = resolve(&folder.path().join("absolute"), Access::OwnerOnly).unwrap();
        assert_eq!(resolved, folder.path().join("f"));
    }

    #[test]
    fn a_name_with_a_slash_behind_it_is_no_file() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        let slashed = PathBuf::from(format!("{}/", path.display()));
        assert!(read(&slashed, Access::OwnerOnly, LIMIT).is_err());
    }

    #[test]
    #[ignore = "needs root"]
    fn files_folders_and_links_of_somebody_else_are_refused() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        symlink("f", folder.path().join("link")).unwrap();
        std::os::unix::fs::lchown(folder.path().join("link"), Some(12345), None).unwrap();
        let refused = refusal(&folder.path().join("link"), Access::OwnerOnly);
        assert!(
            refused.contains("the link") && refused.contains("12345"),
            "{refused}"
        );
        chown(&path, Some(12345), None).unwrap();
        assert!(refusal(&path, Access::OwnerOnly).contains("it belongs to uid 12345"));
        chown(&path, Some(0), None).unwrap();
        chown(folder.path(), Some(12345), None).unwrap();
        assert!(refusal(&path, Access::OwnerOnly).contains("the folder"));
    }

    /// Fifty enrolments at once: one of them said "was replaced while it was opened", and so would a login.
    #[test]
    fn a_file_that_is_replaced_again_and_again_is_read_every_time() {
        let folder = folder();
        let path = folder.path().join("file");
        fs::write(&path, "text").unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let new = folder.path().join("new");
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    fs::write(&new, "text").unwrap();
                    fs::rename(&new, &path).unwrap();
                }
            });
            let read: Vec<_> = (0..3000)
                .map(|_| read(&path, Access::WorldReadable, LIMIT))
                .collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            for read in read {
                assert_eq!(
                    read.map_err(|error| error.to_string()),
                    Ok(b"text".to_vec())
                );
            }
        });
    }
}
