//! Walks a path name by name, relative to an opened descriptor, and follows links itself. Folders
//! and links are used through the descriptor that was checked. The file is opened again for
//! reading, and the walk notices if it was replaced in between.
//!
//! Every part's owner is checked (`owner`). A folder or file must not be writable by group or
//! others, except a sticky folder of root such as /tmp; a file with a secret must not be accessible
//! to them at all. Used by the functions of `trusted_file` only.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
#[cfg(feature = "engine")]
use nix::sys::stat::{fchmod, mkdirat};
use nix::unistd::Uid;
#[cfg(feature = "engine")]
use nix::unistd::fsync;

use super::{Access, ErrorKind, PathPart, ProcessIds};

/// How many links are followed; the kernel's own limit (path_resolution(7)).
const MAX_LINKS: u32 = 40;

/// How often a file may be replaced while it is opened; a writer renames a new one over it.
const MAX_REPLACEMENTS: u32 = 100;

/// A walk along a path: the folders that were opened and checked, and the names that are left.
pub(super) struct PathWalk {
    ids: ProcessIds,
    folders: Vec<(OsString, OwnedFd)>,
    /// The next one is at the end.
    remaining: Vec<OsString>,
    last: OsString,
    links: u32,
    replaced: u32,
}

impl PathWalk {
    /// Starts at the root folder, for a process with these ids.
    pub(super) fn new(path: &Path, ids: ProcessIds) -> Result<Self, ErrorKind> {
        if !path.is_absolute() {
            return Err(ErrorKind::Relative);
        }
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = fcntl::open("/", flags, Mode::empty()).map_err(ErrorKind::Io)?;
        let status = stat(&root)?;
        let mut walk = Self {
            ids,
            folders: vec![(OsString::from("/"), root)],
            remaining: Vec::new(),
            last: OsString::new(),
            links: 0,
            replaced: 0,
        };
        walk.check_folder(&status)?;
        walk.go_on_to(path);
        Ok(walk)
    }

    /// Walks to the file at the end of the path and opens it for reading.
    pub(super) fn walk_to_file(&mut self, access: Access) -> Result<OwnedFd, ErrorKind> {
        while let Some(name) = self.remaining.pop() {
            let Some(status) = self.enter(&name)? else {
                continue;
            };
            if file_type(&status) != SFlag::S_IFREG {
                return Err(ErrorKind::NotRegular);
            }
            if !self.remaining.is_empty() {
                return Err(ErrorKind::Io(Errno::ENOTDIR));
            }
            self.check_file(&status, access)?;
            match self.open_file(&name, &status) {
                // A writer has renamed a new file over this one; the new one is checked in its
                // turn.
                Err(ErrorKind::Replaced) if self.replaced < MAX_REPLACEMENTS => {
                    self.replaced += 1;
                    self.remaining.push(name);
                }
                opened => return opened,
            }
        }
        Err(ErrorKind::NotRegular)
    }

    /// Walks to the socket at the end of the path, which no link leads to. Its mode is not checked:
    /// who may connect is the listener's choice.
    #[cfg(any(feature = "module", feature = "admin"))]
    pub(super) fn walk_to_socket(&mut self) -> Result<(), ErrorKind> {
        while let Some(name) = self.remaining.pop() {
            let Some(status) = self.enter(&name)? else {
                continue;
            };
            if file_type(&status) != SFlag::S_IFSOCK || self.links > 0 {
                break;
            }
            return self.check_owner(&status, |_| PathPart::File);
        }
        Err(ErrorKind::NotSocket)
    }

    /// Walks to the folder at the end of the path and opens it for reading. With `make` its last
    /// name is made when it is missing, and is on the disk then.
    #[cfg(feature = "engine")]
    pub(super) fn walk_to_folder(&mut self, make: bool) -> Result<OwnedFd, ErrorKind> {
        self.remaining.retain(|name| name != ".");
        // Whether this walk made the folder, once it has tried to.
        let mut made = None;
        while let Some(name) = self.remaining.pop() {
            match self.enter(&name) {
                Ok(None) => {}
                Ok(Some(_)) => return Err(ErrorKind::Io(Errno::ENOTDIR)),
                Err(ErrorKind::Io(Errno::ENOENT))
                    if make && made.is_none() && self.remaining.is_empty() =>
                {
                    made = Some(make_folder(self.folder()?, &name)?);
                    self.remaining.push(name);
                }
                Err(error) => return Err(error),
            }
        }
        let folder = open_to_read(self.folder()?, OsStr::new("."), OFlag::O_DIRECTORY)?;
        if made == Some(true) {
            // The umask is the caller's.
            fchmod(&folder, Mode::S_IRWXU).map_err(ErrorKind::Io)?;
        }
        Ok(folder)
    }

    /// Goes into the folder of this name, or puts the target of the link of this name in front of
    /// what is left. Returns the status of anything else, which is not checked yet.
    fn enter(&mut self, name: &OsStr) -> Result<Option<FileStat>, ErrorKind> {
        if name == ".." {
            // The root folder is its own parent.
            if self.folders.len() > 1 {
                self.folders.pop();
            }
            return Ok(None);
        }
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let found = openat(self.folder()?, name, flags, Mode::empty()).map_err(ErrorKind::Io)?;
        let status = stat(&found)?;
        name.clone_into(&mut self.last);
        match file_type(&status) {
            SFlag::S_IFLNK => self.follow(&found, &status)?,
            SFlag::S_IFDIR => {
                self.check_folder(&status)?;
                self.folders.push((name.to_owned(), found));
            }
            _ => return Ok(Some(status)),
        }
        Ok(None)
    }

    /// The folder that the walk has reached.
    fn folder(&self) -> Result<&OwnedFd, ErrorKind> {
        // The root folder is never taken off.
        self.folders
            .last()
            .map(|(_, folder)| folder)
            .ok_or(ErrorKind::NotRegular)
    }

    /// Puts a link's target in front of what is left.
    fn follow(&mut self, link: &OwnedFd, status: &FileStat) -> Result<(), ErrorKind> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(ErrorKind::TooManyLinks);
        }
        self.check_owner(status, PathPart::Link)?;
        let target = PathBuf::from(readlinkat(link.as_fd(), "").map_err(ErrorKind::Io)?);
        if target.is_absolute() {
            self.folders.truncate(1);
        }
        self.go_on_to(&target);
        Ok(())
    }

    /// Puts the names of a path in front of what is left, `..` among them; `.` and doubled slashes
    /// mean nothing.
    fn go_on_to(&mut self, path: &Path) {
        let bytes = path.as_os_str().as_bytes();
        if bytes.ends_with(b"/") {
            // `file/` means a folder; a name that no file can have keeps it one.
            self.remaining.push(OsString::from("."));
        }
        for name in bytes.rsplit(|byte| *byte == b'/') {
            if !matches!(name, b"" | b".") {
                self.remaining.push(OsStr::from_bytes(name).to_owned());
            }
        }
    }

    /// Opens the checked file for reading, and makes sure that it is still the same.
    fn open_file(&self, name: &OsStr, checked: &FileStat) -> Result<OwnedFd, ErrorKind> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = open_to_read(self.folder()?, name, flags)?;
        let opened = stat(&file)?;
        if (opened.st_dev, opened.st_ino) != (checked.st_dev, checked.st_ino) {
            return Err(ErrorKind::Replaced);
        }
        Ok(file)
    }

    /// The path walked so far, its last name included.
    pub(super) fn here(&self) -> PathBuf {
        self.folders
            .iter()
            .map(|(name, _)| name)
            .chain([&self.last])
            .collect()
    }

    fn check_owner(
        &self,
        status: &FileStat,
        part: impl FnOnce(PathBuf) -> PathPart,
    ) -> Result<(), ErrorKind> {
        if self.ids.trusts(Uid::from_raw(status.st_uid)) {
            Ok(())
        } else {
            Err(ErrorKind::Owner(part(self.here()), status.st_uid))
        }
    }

    fn check_folder(&self, status: &FileStat) -> Result<(), ErrorKind> {
        self.check_owner(status, PathPart::Folder)?;
        let mode = status.st_mode & 0o7777;
        // In a sticky folder of root's (/tmp) others can add names, but not remove or rename ours.
        let sticky = mode & 0o1000 != 0 && status.st_uid == 0;
        if mode & 0o022 != 0 && !sticky {
            return Err(ErrorKind::Writable(PathPart::Folder(self.here()), mode));
        }
        Ok(())
    }

    fn check_file(&self, status: &FileStat, access: Access) -> Result<(), ErrorKind> {
        self.check_owner(status, |_| PathPart::File)?;
        let mode = status.st_mode & 0o7777;
        match access {
            Access::OwnerOnly if mode & 0o077 != 0 => Err(ErrorKind::NotSecret(mode)),
            Access::WorldReadable if mode & 0o022 != 0 => {
                Err(ErrorKind::Writable(PathPart::File, mode))
            }
            Access::OwnerOnly | Access::WorldReadable => Ok(()),
        }
    }
}

/// Makes a folder that only its owner can enter, and waits until the disk has it; false when
/// another process was quicker.
#[cfg(feature = "engine")]
fn make_folder(parent: &OwnedFd, name: &OsStr) -> Result<bool, ErrorKind> {
    match mkdirat(parent, name, Mode::S_IRWXU) {
        Ok(()) => {
            // A descriptor that was opened with O_PATH cannot be synced.
            let parent = open_to_read(parent, OsStr::new("."), OFlag::O_DIRECTORY)?;
            fsync(&parent).map_err(ErrorKind::Io)?;
            Ok(true)
        }
        Err(Errno::EEXIST) => Ok(false),
        Err(errno) => Err(ErrorKind::Io(errno)),
    }
}

fn open_to_read(folder: &OwnedFd, name: &OsStr, flags: OFlag) -> Result<OwnedFd, ErrorKind> {
    let flags = flags | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    openat(folder, name, flags, Mode::empty()).map_err(ErrorKind::Io)
}

fn stat(file: &OwnedFd) -> Result<FileStat, ErrorKind> {
    fstat(file).map_err(ErrorKind::Io)
}

fn file_type(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}
