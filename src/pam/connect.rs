//! Connects the module to an engine: the service's, or one that it starts.
//!
//! The service is asked first. Only where it is certain that it is not there, or where root runs the
//! application, an engine is started in its place: the caller of su could make the service look
//! dead. A wrong choice here would run a program as root, or talk to a stranger, so the engine's file
//! and the socket are trusted like any other file. Called by `module`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::stat::lstat;

use super::{service, spawn};
use crate::base::arguments::ENGINE;
use crate::base::attempt::Process;
use crate::base::service::{FOLDER, ROOT_SOCKET, USER_SOCKET};
use crate::host::errno::describe;
use crate::host::socket::{self, Channel};
use crate::host::trusted_file::{self, Access};
use crate::protocol::{self, FromEngine};

/// How long an engine may take until it is ready.
const READY: Duration = Duration::from_secs(5);

/// Why there is no engine; the texts are for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// `engine=` in a set-user-ID program.
    #[error("the argument engine= is refused where real and effective user differ")]
    Argument,
    /// Only root's processes may start the engine of the installation.
    #[error("no engine for a process that is not root's: {0}")]
    NotRoot(service::Error),
    /// The service is there, but the caller of su or sudo may be the reason that it does not answer.
    #[error("{FOLDER} exists, so this host has the service, but it cannot be reached: {0}")]
    Service(service::Error),
    /// The engine's file cannot be trusted or opened.
    #[error("the engine {0}")]
    File(#[from] trusted_file::Error),
    /// It could not be started.
    #[error("the engine {} cannot be started: {}", path.display(), describe(*error))]
    Start {
        /// Its file.
        path: PathBuf,
        /// The error of the system call.
        error: Errno,
    },
    /// It was not ready in time.
    #[error("the engine is not ready: {0}")]
    NotReady(#[from] socket::Error),
    /// It does not speak our protocol.
    #[error("the engine sent a {0}")]
    Malformed(#[from] protocol::Malformed),
    /// It speaks another version of it.
    #[error("the engine speaks version {0} of the protocol, and the module {version}", version = protocol::VERSION)]
    Version(u32),
}

/// An engine that waits for the start of a login.
pub(super) struct Engine {
    /// The channel to it.
    pub(super) channel: Channel,
    /// The version of the protocol that both speak.
    pub(super) version: u32,
}

/// Connects to the engine that `engine=` names, to the service, or to the engine of this
/// installation. Blocks for 11 s at most.
///
/// # Errors
/// There is no engine for this process.
pub(super) fn engine(named: Option<&Path>, process: &Process) -> Result<Engine, Error> {
    let becomes_root = process.effective_uid == 0;
    match named {
        Some(_) if process.uid != process.effective_uid => Err(Error::Argument),
        Some(path) => start(path, becomes_root),
        None => match ask_service(becomes_root) {
            Ok(engine) => engine,
            Err(error) => {
                let has_service = !matches!(lstat(FOLDER), Err(Errno::ENOENT));
                may_start(error, process, has_service)?;
                start(Path::new(ENGINE), becomes_root)
            }
        },
    }
}

/// Connects to the service and waits until it is ready. What it says then is its answer, for which
/// no other engine is asked.
fn ask_service(is_root: bool) -> Result<Result<Engine, Error>, service::Error> {
    let path = if is_root { ROOT_SOCKET } else { USER_SOCKET };
    let mut channel = service::connect(Path::new(path))?;
    let bytes = channel.receive(Instant::now() + READY);
    let bytes = bytes.map_err(service::Error::NotReady)?;
    Ok(greeted(channel, &bytes))
}

/// Starts the engine at `path`.
fn start(path: &Path, becomes_root: bool) -> Result<Engine, Error> {
    let opened = trusted_file::open(path, Access::WorldReadable)?;
    let socket = spawn::spawn(&opened.file, becomes_root).map_err(|error| Error::Start {
        path: path.to_owned(),
        error,
    })?;
    let mut channel = Channel::new(socket);
    let bytes = channel.receive(Instant::now() + READY)?;
    greeted(channel, &bytes)
}

/// The engine whose first message is `bytes`.
fn greeted(channel: Channel, bytes: &[u8]) -> Result<Engine, Error> {
    match FromEngine::decode(bytes)? {
        FromEngine::Ready { version } => {
            let version = protocol::common_version(version).ok_or(Error::Version(version))?;
            Ok(Engine { channel, version })
        }
        _ => Err(protocol::Malformed.into()),
    }
}

/// Whether a process may start an engine where the service gave this error. `has_service` says
/// whether this host has the service.
fn may_start(error: service::Error, process: &Process, has_service: bool) -> Result<(), Error> {
    let (is_absent, is_hung) = (error.is_absent(), error.is_hung());
    match (process.uid, process.effective_uid) {
        (0, 0) if is_absent || is_hung => Ok(()),
        (_, 0) if is_absent && !has_service => Ok(()),
        (_, 0) => Err(Error::Service(error)),
        _ => Err(Error::NotRoot(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(uid: u32, effective_uid: u32) -> Process {
        Process {
            uid,
            effective_uid,
            ..Process::default()
        }
    }

    #[test]
    fn root_starts_an_engine_where_the_service_is_silent_and_the_caller_of_su_where_it_is_absent() {
        let absent = || Errno::ECONNREFUSED.into();
        let missing = || Errno::ENOENT.into();
        let full = || Errno::EAGAIN.into();
        let silent = || service::Error::NotReady(socket::Error::TimedOut);
        let closed = || service::Error::NotReady(socket::Error::Closed);
        let nonsense = || service::Error::NotReady(socket::Error::Length);
        let stranger = || service::Error::Stranger(1000);
        let lacking = || Errno::EMFILE.into();
        // The error, whether this host has the service, and who starts an engine: root, su.
        let rows: [(&dyn Fn() -> service::Error, bool, bool, bool); 13] = [
            (&missing, false, true, true),
            (&missing, true, true, false),
            (&absent, true, true, false),
            (&absent, false, true, true),
            (&full, true, true, false),
            (&silent, true, true, false),
            (&closed, true, true, false),
            (&nonsense, true, false, false),
            (&stranger, true, false, false),
            (&lacking, true, false, false),
            (&lacking, false, false, false),
            (&full, false, true, false),
            (&stranger, false, false, false),
        ];
        let mut wrong = Vec::new();
        for (error, has_service, root, su) in rows {
            let starts = |process| may_start(error(), &process, has_service).is_ok();
            let found = [
                starts(process(0, 0)),
                starts(process(1000, 0)),
                starts(process(1000, 1000)),
                starts(process(0, 1000)),
            ];
            if found != [root, su, false, false] {
                wrong.push((error().to_string(), has_service, found));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn an_engine_is_named_only_where_real_and_effective_user_are_the_same() {
        let error = engine(Some(Path::new("/bin/true")), &process(1000, 0)).err();
        assert!(matches!(error, Some(Error::Argument)), "{error:?}");
    }
}
