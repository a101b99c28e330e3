//! The way to a file, folder by folder on opened descriptors, links included, so that nobody can swap
//! a part between the check and the use.
//!
//! Whatever is passed is checked: its owner, its kind, and who else can write it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::Uid;

use super::{Access, ErrorKind, What, is_trusted};

/// Links that are followed on one way, as the kernel does.
const MOST_LINKS: u32 = 40;

/// How often a file may be replaced while it is opened; a writer renames a new one over it.
const MOST_REPLACED: u32 = 100;

/// The way to a file: folders that were opened and checked, and names still ahead.
pub(super) struct PathWalk {
    folders: Vec<(OsString, OwnedFd)>,
    ahead: VecDeque<OsString>,
    last: OsString,
    links: u32,
    replaced: u32,
}

impl PathWalk {
    pub(super) fn new(path: &Path) -> Result<Self, ErrorKind> {
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
    pub(super) fn walk(&mut self, holds: Access) -> Result<OwnedFd, ErrorKind> {
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
    pub(super) fn walk_to_folder(&mut self, make: bool) -> Result<OwnedFd, ErrorKind> {
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
    pub(super) fn here(&self) -> PathBuf {
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

fn check_file(status: &FileStat, holds: Access) -> Result<(), ErrorKind> {
    check_owner(status, || What::File)?;
    let mode = status.st_mode & 0o7777;
    match holds {
        Access::OwnerOnly if mode & 0o077 != 0 => Err(ErrorKind::NotSecret(mode)),
        Access::WorldReadable if mode & 0o022 != 0 => Err(ErrorKind::Writable(What::File, mode)),
        Access::OwnerOnly | Access::WorldReadable => Ok(()),
    }
}
