//! Connects the module to an engine: which one, and whether it may be started at all.
//!
//! A wrong choice here would run a program as root, so the engine's file is trusted like any other
//! file and executed by the descriptor that was checked. Called by `module`.

use std::fs::symlink_metadata;
use std::io;
use std::path::{Path, PathBuf};

use super::spawn;
use crate::base::arguments::ENGINE;
use crate::base::attempt::Process;
use crate::host::socket::Channel;
use crate::host::trusted_file::{self, Access};

/// The folder of the service's sockets: where it exists, this host has the service.
const SERVICE: &str = "/run/pam_authy";

/// Why there is no engine; the texts are for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// `engine=` in a set-user-ID program.
    #[error("the argument engine= is refused where real and effective user differ")]
    Argument,
    /// Only root's processes may start the engine of the installation.
    #[error("no engine for a process that is not root's: no service runs on this host")]
    NotRoot,
    /// The service is there, but the caller of su or sudo may be the reason that it does not answer.
    #[error("{SERVICE} exists, so this host has the service, but it cannot be reached")]
    Service,
    /// The engine's file cannot be trusted or opened.
    #[error("the engine {0}")]
    File(#[from] trusted_file::Error),
    /// It could not be started.
    #[error("the engine {} cannot be started: {error}", path.display())]
    Start {
        /// Its file.
        path: PathBuf,
        /// The error of the system call.
        error: io::Error,
    },
}

/// Starts the engine that `engine=` names, or the one of this installation. Blocks until its program
/// runs, about a millisecond.
///
/// # Errors
/// There is no engine for this process.
pub(super) fn engine(named: Option<&Path>, process: &Process) -> Result<Channel, Error> {
    let path = match named {
        Some(_) if process.uid != process.effective_uid => return Err(Error::Argument),
        Some(path) => path,
        None => installed(process, symlink_metadata(SERVICE).is_ok())?,
    };
    let opened = trusted_file::open(path, Access::WorldReadable)?;
    let becomes_root = process.effective_uid == 0;
    let channel = spawn::spawn(&opened.file, becomes_root).map_err(|error| Error::Start {
        path: path.to_owned(),
        error,
    })?;
    Ok(Channel::new(channel.into()))
}

/// Returns the engine of this installation, if this process may start it. `has_service` says
/// whether this host has the service.
fn installed(process: &Process, has_service: bool) -> Result<&'static Path, Error> {
    match (process.uid, process.effective_uid) {
        (0, 0) => Ok(Path::new(ENGINE)),
        (_, 0) if !has_service => Ok(Path::new(ENGINE)),
        (_, 0) => Err(Error::Service),
        _ => Err(Error::NotRoot),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installed_engine_starts_for_root_and_for_su_where_there_is_no_service() {
        // Real uid, effective uid, whether there is a service, whether the engine may start.
        let rows = [
            (0, 0, false, true),
            (0, 0, true, true),
            (1000, 0, false, true),
            (1000, 0, true, false),
            (1000, 1000, false, false),
            (1000, 1000, true, false),
            (0, 1000, false, false),
        ];
        let wrong: Vec<_> = rows
            .into_iter()
            .filter(|(uid, effective_uid, has_service, starts)| {
                let process = Process {
                    uid: *uid,
                    effective_uid: *effective_uid,
                    ..Process::default()
                };
                installed(&process, *has_service).is_ok() != *starts
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn an_engine_is_named_only_where_real_and_effective_user_are_the_same() {
        let process = Process {
            uid: 1000,
            effective_uid: 0,
            ..Process::default()
        };
        let error = engine(Some(Path::new("/bin/true")), &process).unwrap_err();
        assert!(matches!(error, Error::Argument), "{error}");
    }
}
