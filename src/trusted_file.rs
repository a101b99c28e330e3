//! Opens a file only when its owner, its mode and every folder above it can be trusted.
//!
//! The module runs as root for a hostile caller, so what it reads must be something that only root
//! could have written. The path is walked folder by folder on opened descriptors, links included, so
//! that nobody can swap a part between the check and the use. Used by `config`, `users`, the client's
//! CA file and `authyctl`; nothing relaxes any of it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{Uid, geteuid, getuid};

/// The largest file that is read, in bytes.
pub const LIMIT: u64 = 4 * 1024 * 1024;
/// The largest mapping that is read, in bytes.
pub const MAPPING_LIMIT: u64 = 64 * 1024 * 1024;

/// Links that are followed on one way, as the kernel does.
const MOST_LINKS: u32 = 40;

/// How often a file may be replaced while it is opened; a writer renames a new one over it.
const MOST_REPLACED: u32 = 100;

/// What a file holds, and so who else may have access to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A key: no bit for group or others.
    Secret,
    /// Nothing secret: not writable by group or others.
    Public,
}

/// Why a file is not read: `PATH: why`.
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
    Owner(What, u32),
    #[error("{0} can be written by others (mode {1:04o})")]
    Writable(What, u32),
    #[error("it holds a secret and group or others have access (mode {0:04o})")]
    NotSecret(u32),
    #[error("not a regular file")]
    NotRegular,
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    #[error("was replaced while it was opened")]
    Replaced,
}

/// What on the way is meant.
#[derive(Debug, Clone)]
enum What {
    File,
    Folder(PathBuf),
    Link(PathBuf),
}

impl std::fmt::Display for What {
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

    /// Whether our own process lacked a descriptor or memory; the file may be fine.
    #[must_use]
    pub fn is_process_fault(&self) -> bool {
        use Errno::{EMFILE, ENFILE, ENOMEM};
        matches!(self.kind, ErrorKind::Io(EMFILE | ENFILE | ENOMEM))
    }

    /// The reason without the path.
    pub(crate) fn why(&self) -> impl std::fmt::Display {
        &self.kind
    }

    /// What the system said, where it was the system that refused.
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
    /// Where it is, after the links on the way.
    pub path: PathBuf,
    asked: PathBuf,
}

/// Opens the file at `path`. Never blocks on a FIFO or a device.
///
/// # Errors
/// The file or something above it cannot be trusted, or cannot be opened.
pub fn open(path: &Path, holds: Holds) -> Result<Opened, Error> {
    let in_file = |kind| Error {
        path: path.to_owned(),
        kind,
    };
    let mut way = Way::new(path).map_err(in_file)?;
    let file = File::from(way.walk(holds).map_err(in_file)?);
    Ok(Opened {
        file,
        path: way.here(),
        asked: path.to_owned(),
    })
}

impl Opened {
    /// Reads the file from where it was read to last, `limit` bytes at most.
    ///
    /// # Errors
    /// The file cannot be read or is too large.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, Error> {
        let in_file = |kind| Error {
            path: self.asked.clone(),
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
pub fn read(path: &Path, holds: Holds, limit: u64) -> Result<Vec<u8>, Error> {
    open(path, holds)?.read(limit)
}

/// The path of the file itself, after the links on the way, where all of them can be trusted.
///
/// # Errors
/// As [`open`].
pub fn resolve(path: &Path, holds: Holds) -> Result<PathBuf, Error> {
    open(path, holds).map(|opened| opened.path)
}

/// Opens the folder at `path` for everything below it. It is checked as the folders above a file are;
/// with `make` its last name is made with mode 0700 when it is missing.
///
/// # Errors
/// As [`open`].
pub(crate) fn folder(path: &Path, make: bool) -> Result<OwnedFd, Error> {
    Way::new(path)
        .and_then(|mut way| way.walk_to_folder(make))
        .map_err(|kind| Error {
            path: path.to_owned(),
            kind,
        })
}

/// The way to a file: folders that were opened and checked, and names still ahead.
struct Way {
    folders: Vec<(OsString, OwnedFd)>,
    ahead: VecDeque<OsString>,
    last: OsString,
    links: u32,
    replaced: u32,
}

impl Way {
    fn new(path: &Path) -> Result<Self, ErrorKind> {
        if !path.is_absolute() {
            return Err(ErrorKind::Relative);
        }
        let root = fcntl::open(
            "/",
            OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
        .map_err(ErrorKind::Io)?;
        check_folder(&stat(&root)?, Path::new("/"))?;
        let folders = vec![(OsString::from("/"), root)];
        Ok(Self {
            folders,
            ahead: names(path),
            last: OsString::new(),
            links: 0,
            replaced: 0,
        })
    }

    /// Goes on to the file and opens it for reading.
    fn walk(&mut self, holds: Holds) -> Result<OwnedFd, ErrorKind> {
        while let Some(name) = self.ahead.pop_front() {
            if name == ".." {
                if self.folders.len() > 1 {
                    self.folders.pop();
                }
                continue;
            }
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let found = openat(self.folder()?, name.as_os_str(), flags, Mode::empty())
                .map_err(ErrorKind::Io)?;
            let status = stat(&found)?;
            match kind(&status) {
                SFlag::S_IFLNK => self.follow(&name, &found, &status)?,
                SFlag::S_IFDIR => {
                    self.last.clone_from(&name);
                    check_folder(&status, &self.here())?;
                    self.folders.push((name, found));
                }
                SFlag::S_IFREG if self.ahead.is_empty() => {
                    self.last.clone_from(&name);
                    check_file(&status, holds)?;
                    match self.open_file(&name, &status) {
                        // A writer has put a new file in its place, which is looked at in its turn.
                        Err(ErrorKind::Replaced) if self.replaced < MOST_REPLACED => {
                            self.replaced += 1;
                            self.ahead.push_front(name);
                        }
                        opened => return opened,
                    }
                }
                SFlag::S_IFREG => return Err(ErrorKind::Io(Errno::ENOTDIR)),
                _ => return Err(ErrorKind::NotRegular),
            }
        }
        Err(ErrorKind::NotRegular)
    }

    /// Goes on to a folder and opens it for reading.
    fn walk_to_folder(&mut self, make: bool) -> Result<OwnedFd, ErrorKind> {
        self.ahead.retain(|name| name != ".");
        let mut made = false;
        while let Some(name) = self.ahead.pop_front() {
            if name == ".." {
                if self.folders.len() > 1 {
                    self.folders.pop();
                }
                continue;
            }
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let open = |folder| openat(folder, name.as_os_str(), flags, Mode::empty());
            let found = match open(self.folder()?) {
                Err(Errno::ENOENT) if make && self.ahead.is_empty() => {
                    made = make_folder(self.folder()?, &name)?;
                    open(self.folder()?)
                }
                found => found,
            };
            let found = found.map_err(ErrorKind::Io)?;
            let status = stat(&found)?;
            match kind(&status) {
                SFlag::S_IFLNK => self.follow(&name, &found, &status)?,
                SFlag::S_IFDIR => {
                    self.last.clone_from(&name);
                    check_folder(&status, &self.here())?;
                    self.folders.push((name, found));
                }
                _ => return Err(ErrorKind::Io(Errno::ENOTDIR)),
            }
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let folder = openat(self.folder()?, ".", flags, Mode::empty()).map_err(ErrorKind::Io)?;
        if made {
            // The umask is the caller's.
            fchmod(&folder, Mode::S_IRWXU).map_err(ErrorKind::Io)?;
        }
        Ok(folder)
    }

    fn folder(&self) -> Result<&OwnedFd, ErrorKind> {
        // The root folder is never taken off.
        self.folders
            .last()
            .map(|(_, folder)| folder)
            .ok_or(ErrorKind::NotRegular)
    }

    /// Puts a link's target in front of what is ahead.
    fn follow(&mut self, name: &OsStr, link: &OwnedFd, status: &FileStat) -> Result<(), ErrorKind> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(ErrorKind::TooManyLinks);
        }
        self.last = name.to_owned();
        check_owner(status, || What::Link(self.here()))?;
        let target = PathBuf::from(readlinkat(link.as_fd(), "").map_err(ErrorKind::Io)?);
        if target.is_absolute() {
            self.folders.truncate(1);
        }
        let mut ahead = names(&target);
        ahead.append(&mut self.ahead);
        self.ahead = ahead;
        Ok(())
    }

    /// Opens the checked file for reading, and makes sure that it is still the same.
    fn open_file(&self, name: &OsStr, checked: &FileStat) -> Result<OwnedFd, ErrorKind> {
        let flags = OFlag::O_RDONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let file = openat(self.folder()?, name, flags, Mode::empty()).map_err(ErrorKind::Io)?;
        let opened = stat(&file)?;
        if (opened.st_dev, opened.st_ino) != (checked.st_dev, checked.st_ino) {
            return Err(ErrorKind::Replaced);
        }
        Ok(file)
    }

    /// The path walked so far, its last name included.
    fn here(&self) -> PathBuf {
        self.folders
            .iter()
            .map(|(name, _)| name)
            .chain([&self.last])
            .collect()
    }
}

/// The names of a path, `..` among them; `.` and doubled slashes mean nothing.
fn names(path: &Path) -> VecDeque<OsString> {
    let mut names: VecDeque<_> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    if path.as_os_str().as_bytes().ends_with(b"/") {
        // `file/` means a folder; a name that no file can have keeps it one.
        names.push_back(OsString::from("."));
    }
    names
}

/// Makes a folder that only its owner can enter; false when another process was quicker.
fn make_folder(above: &OwnedFd, name: &OsStr) -> Result<bool, ErrorKind> {
    match mkdirat(above, name, Mode::S_IRWXU) {
        Ok(()) => Ok(true),
        Err(Errno::EEXIST) => Ok(false),
        Err(errno) => Err(ErrorKind::Io(errno)),
    }
}

fn stat(file: &OwnedFd) -> Result<FileStat, ErrorKind> {
    fstat(file).map_err(ErrorKind::Io)
}

fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

/// Root, or the process's own user where nobody else runs it with more rights than theirs.
pub(crate) fn is_trusted(owner: Uid) -> bool {
    owner.is_root() || (getuid() == geteuid() && owner == geteuid())
}

fn check_owner(status: &FileStat, what: impl FnOnce() -> What) -> Result<(), ErrorKind> {
    if is_trusted(Uid::from_raw(status.st_uid)) {
        Ok(())
    } else {
        Err(ErrorKind::Owner(what(), status.st_uid))
    }
}

fn check_folder(status: &FileStat, path: &Path) -> Result<(), ErrorKind> {
    let what = || What::Folder(path.to_owned());
    check_owner(status, what)?;
    let mode = status.st_mode & 0o7777;
    // In a sticky folder of root's (/tmp) others can add names and not take ours away.
    let sticky = mode & 0o1000 != 0 && status.st_uid == 0;
    if mode & 0o022 != 0 && !sticky {
        return Err(ErrorKind::Writable(what(), mode));
    }
    Ok(())
}

fn check_file(status: &FileStat, holds: Holds) -> Result<(), ErrorKind> {
    check_owner(status, || What::File)?;
    let mode = status.st_mode & 0o7777;
    match holds {
        Holds::Secret if mode & 0o077 != 0 => Err(ErrorKind::NotSecret(mode)),
        Holds::Public if mode & 0o022 != 0 => Err(ErrorKind::Writable(What::File, mode)),
        Holds::Secret | Holds::Public => Ok(()),
    }
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

    fn refusal(path: &Path, holds: Holds) -> String {
        read(path, holds, LIMIT).unwrap_err().to_string()
    }

    #[test]
    fn a_private_file_in_a_private_folder_is_read() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        assert_eq!(read(&path, Holds::Secret, LIMIT).unwrap(), b"text");
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let folder = folder();
        for mode in [0o640, 0o604, 0o610, 0o644, 0o660] {
            let path = file(&folder, "f", mode);
            assert!(
                refusal(&path, Holds::Secret).contains("group or others"),
                "{mode:o}"
            );
        }
        assert!(read(&file(&folder, "g", 0o644), Holds::Public, LIMIT).is_ok());
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let folder = folder();
        for mode in [0o664, 0o646, 0o620] {
            let path = file(&folder, "f", mode);
            assert!(
                refusal(&path, Holds::Public).contains("can be written"),
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
        assert!(refusal(&path, Holds::Public).contains("the folder"));
    }

    #[test]
    fn nothing_but_a_regular_file_is_read_and_nothing_blocks() {
        let folder = folder();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
        assert!(refusal(&fifo, Holds::Secret).contains("not a regular file"));
        assert!(refusal(folder.path(), Holds::Secret).contains("not a regular file"));
        assert!(refusal(Path::new("/dev/null"), Holds::Public).contains("not a regular file"));
        assert!(refusal(Path::new("/"), Holds::Public).contains("not a regular file"));
    }

    #[test]
    fn a_missing_file_is_missing_and_a_relative_path_is_refused() {
        let folder = folder();
        assert!(
            read(&folder.path().join("f"), Holds::Public, 1)
                .unwrap_err()
                .is_missing()
        );
        assert!(refusal(Path::new("etc/passwd"), Holds::Public).contains("absolute"));
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        assert!(read(&path, Holds::Secret, 4).is_ok());
        assert!(
            read(&path, Holds::Secret, 3)
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
        let read = |name: &str| read(&folder.path().join(name), Holds::Secret, LIMIT);
        assert!(read("relative").is_ok());
        assert!(read("absolute").is_ok());
        assert!(read("../").is_err());
        assert!(
            read("circle")
                .unwrap_err()
                .to_string()
                .contains("too many links")
        );
        let resolved = resolve(&folder.path().join("absolute"), Holds::Secret).unwrap();
        assert_eq!(resolved, folder.path().join("f"));
    }

    #[test]
    fn a_name_with_a_slash_behind_it_is_no_file() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        let slashed = PathBuf::from(format!("{}/", path.display()));
        assert!(read(&slashed, Holds::Secret, LIMIT).is_err());
    }

    #[test]
    #[ignore = "needs root"]
    fn files_folders_and_links_of_somebody_else_are_refused() {
        let folder = folder();
        let path = file(&folder, "f", 0o600);
        symlink("f", folder.path().join("link")).unwrap();
        std::os::unix::fs::lchown(folder.path().join("link"), Some(12345), None).unwrap();
        let refused = refusal(&folder.path().join("link"), Holds::Secret);
        assert!(
            refused.contains("the link") && refused.contains("12345"),
            "{refused}"
        );
        chown(&path, Some(12345), None).unwrap();
        assert!(refusal(&path, Holds::Secret).contains("it belongs to uid 12345"));
        chown(&path, Some(0), None).unwrap();
        chown(folder.path(), Some(12345), None).unwrap();
        assert!(refusal(&path, Holds::Secret).contains("the folder"));
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
                .map(|_| read(&path, Holds::Public, LIMIT))
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
