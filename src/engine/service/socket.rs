//! The sockets of the service: passed by the init system, or made in a folder.
//!
//! systemd passes listening sockets as descriptors from 3 on (sd_listen_fds(3)). Under any other
//! init the listener makes them itself, in a folder that root alone can write; it takes the place of
//! a socket on which nothing listens any more only while it has the lock of the folder, so that of
//! two that start at once one wins. Called by the listener alone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::iter::repeat;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::stat::{Mode, umask};

use crate::engine::descriptor;
use crate::host::errno::describe;
use crate::host::trusted_file;

/// The socket for root's processes, and its mode.
const ROOT: (&str, u32) = ("socket", 0o600);
/// The socket for those of plain users.
const USER: (&str, u32) = ("user", 0o666);
/// Its lock.
const LOCK: &str = "lock";
/// The first descriptor that systemd passes (SD_LISTEN_FDS_START).
const FIRST: RawFd = 3;

/// Why there is no socket to listen on; the texts are for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be trusted, or made.
    #[error("{0}")]
    Folder(#[from] trusted_file::Error),
    /// Another listener has the folder's lock.
    #[error("{}: another pam_authyd listens here", .0.display())]
    Running(PathBuf),
    /// Something else than a socket has its name.
    #[error("{}: is there already, and is no socket", .0.display())]
    NotSocket(PathBuf),
    /// Something listens on the socket.
    #[error("{}: something listens here already", .0.display())]
    InUse(PathBuf),
    /// A system call failed.
    #[error("{}: {}", .0.display(), describe(*.1))]
    Io(PathBuf, Errno),
    /// The init system passed something else than one listening socket.
    #[error("{0}")]
    Passed(String),
}

/// The sockets that are listened on.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) root: Option<UnixListener>,
    /// For plain users' processes.
    pub(super) user: Option<UnixListener>,
    /// Held until the listener ends; `None` for passed sockets.
    _lock: Option<File>,
}

impl Sockets {
    /// The sockets that systemd passed to this process; `None` without any.
    ///
    /// # Errors
    /// They are not what pam_authy.socket has.
    pub(super) fn passed() -> Result<Option<Self>, Error> {
        let variable = |name| std::env::var(name).ok();
        // Meant for another process: one of its ancestors.
        if variable("LISTEN_PID") != Some(std::process::id().to_string()) {
            return Ok(None);
        }
        let count = variable("LISTEN_FDS").unwrap_or_default();
        let names = variable("LISTEN_FDNAMES").unwrap_or_default();
        let mut sockets = Self::none(None);
        let numbers = match count.as_str() {
            "" | "0" => return Ok(None),
            "1" => FIRST..=FIRST,
            "2" => FIRST..=FIRST + 1,
            _ => {
                let why = format!("LISTEN_FDS={count}: one or two sockets are needed");
                return Err(Error::Passed(why));
            }
        };
        for (number, name) in numbers.zip(names.split(':').chain(repeat(""))) {
            let socket = descriptor::adopt_listener(number).ok_or_else(|| {
                Error::Passed(format!("descriptor {number} is no listening Unix socket"))
            })?;
            let place = match name == USER.0 {
                true => &mut sockets.user,
                false => &mut sockets.root,
            };
            if place.replace(listener(socket)?).is_some() {
                let why = format!("LISTEN_FDNAMES={names}: two sockets for the same users");
                return Err(Error::Passed(why));
            }
        }
        Ok(Some(sockets))
    }

    /// Makes the sockets in `folder`, which is made with mode 0755 when it is missing. There is one
    /// for plain users only `with_user`.
    ///
    /// # Errors
    /// Others can write the folder, or another process listens there.
    pub(super) fn make(folder: &Path, with_user: bool) -> Result<Self, Error> {
        let is_new = fs::symlink_metadata(folder).is_err();
        drop(trusted_file::folder(folder, true)?);
        if is_new {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder, mode).map_err(|error| io_error(folder, &error))?;
        }
        let mut sockets = Self::none(Some(lock(folder)?));
        remove_dead(&folder.join(USER.0))?;
        sockets.root = Some(bind(folder, ROOT)?);
        if with_user {
            sockets.user = Some(bind(folder, USER)?);
        }
        Ok(sockets)
    }

    fn none(lock: Option<File>) -> Self {
        Self {
            root: None,
            user: None,
            _lock: lock,
        }
    }
}

fn listener(socket: OwnedFd) -> Result<UnixListener, Error> {
    let listener = UnixListener::from(socket);
    let result = listener.set_nonblocking(true);
    result.map_err(|error| io_error(Path::new("socket"), &error))?;
    Ok(listener)
}

/// Makes a socket of this name and mode.
fn bind(folder: &Path, (name, mode): (&str, u32)) -> Result<UnixListener, Error> {
    let path = folder.join(name);
    remove_dead(&path)?;
    let old = umask(Mode::from_bits_truncate(!mode & 0o777));
    let socket = UnixListener::bind(&path).map_err(|error| io_error(&path, &error));
    umask(old);
    listener(socket?.into())
}

/// Takes the lock of the folder: one that the copies of this process do not have, and that ends with
/// this process, however it ends (fcntl_locking(2)).
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&path)
        .map_err(|error| io_error(&path, &error))?;
    let whole = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(&file, FcntlArg::F_SETLK(&whole)) {
        Ok(_) => Ok(file),
        Err(Errno::EAGAIN | Errno::EACCES) => Err(Error::Running(folder.to_owned())),
        Err(errno) => Err(Error::Io(path, errno)),
    }
}

/// Removes the socket that a killed listener has left.
fn remove_dead(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(path, &error)),
        Ok(status) if !status.file_type().is_socket() => {
            return Err(Error::NotSocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| io_error(path, &error))
        }
        Err(error) => Err(io_error(path, &error)),
        Ok(_) => Err(Error::InUse(path.to_owned())),
    }
}

fn io_error(path: &Path, error: &io::Error) -> Error {
    let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
    Error::Io(path.to_owned(), errno)
}
