//! The service: listens, and makes a process of its own for each login.
//!
//! The listener accepts, asks the kernel who the peer is, counts, and forks. It reads no byte that a
//! peer sends, and after its start no file of ours, and has one thread, so that no login can harm
//! another. The process of
//! a login outlives the listener: a restart of the service ends no login under way. Called by
//! `bin/pam_authyd`.
//!
//! Sources: unix(7) for SO_PEERCRED, proc_pid_status(5), signalfd(2).

mod complaint;
#[expect(unsafe_code, reason = "fork(2) in a process with one thread")]
mod fork;
mod peers;
mod socket;

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};

use super::isolation::{self, real_uid};
use super::session::{Peer, serve_in};
use crate::store::config::{Config, DEFAULT_PATH};
use complaint::Complaints;
use peers::Peers;
use socket::Sockets;

pub use socket::Error;

/// How long the listener waits where the system has no descriptor, memory or process for a login.
const PAUSE: Duration = Duration::from_millis(100);
/// How many connections of one socket are accepted before the other has its turn.
const TURN: u32 = 64;

/// Listens on the socket that the init system passed, or else in `folder`, until it is killed.
/// Returns in the process of a login, once that is over; the process must end then.
///
/// # Errors
/// There is nothing to listen on.
pub fn listen(folder: &Path) -> Result<(), Error> {
    let sockets = match Sockets::passed()? {
        Some(sockets) => sockets,
        None => Sockets::make(folder, allows_lockers())?,
    };
    fork::reset_signals();
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let ended = signals
        .thread_block()
        .and_then(|()| SignalFd::with_flags(&signals, flags))
        .map_err(|errno| Error::Io("signalfd".into(), errno))?;
    let mut listener = Listener {
        sockets,
        ended,
        peers: Peers::default(),
        lockers: Peers::of_lockers(),
        complaints: Complaints::default(),
    };
    let groups = isolation::begin().of_service();
    let started = SystemTime::now();
    let (socket, peer, pid) = loop {
        if let Some(login) = listener.turn() {
            break login;
        }
    };
    // From here on this is the process of a login.
    drop(listener);
    let _ = signals.thread_unblock();
    // So that the end of a terminal, or Ctrl-C in it, ends the listener alone.
    let _ = setsid();
    let peer = match peer {
        (Access::Root, uid) => Peer::Root { uid, started },
        (Access::User, uid) => Peer::User { uid, pid },
    };
    serve_in(socket, peer, groups);
    Ok(())
}

/// Whether config.toml lets plain users' programs ask. Where it cannot be read, every login is
/// refused anyway, and says why.
fn allows_lockers() -> bool {
    Config::load(Path::new(DEFAULT_PATH)).is_ok_and(|config| config.lockers.allow)
}

/// Whose processes a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Root,
    User,
}

/// A connection: its socket, whose it is, the real uid and the number of its peer.
type Login = (OwnedFd, (Access, u32), u32);

struct Listener {
    sockets: Sockets,
    /// Is readable when a login has ended.
    ended: SignalFd,
    peers: Peers,
    /// Logins of lockers, which take no place of others.
    lockers: Peers,
    complaints: Complaints,
}

/// Who has connected, as the kernel says.
struct Credentials {
    pid: u32,
    uid: u32,
    effective_uid: u32,
}

impl Listener {
    /// Waits for connections and ends of logins, and makes the processes of the logins. Returns in
    /// each of these.
    fn turn(&mut self) -> Option<Login> {
        let input = PollFlags::POLLIN;
        let sockets = [&self.sockets.root, &self.sockets.user];
        let mut descriptors = vec![PollFd::new(self.ended.as_fd(), input)];
        descriptors.extend(
            sockets
                .into_iter()
                .flatten()
                .map(|socket| PollFd::new(socket.as_fd(), input)),
        );
        // It fails for lack of memory only.
        if poll(&mut descriptors, PollTimeout::NONE).is_err() {
            thread::sleep(PAUSE);
        }
        while let Ok(Some(_)) = self.ended.read_signal() {}
        self.accept(Access::Root)
            .or_else(|| self.accept(Access::User))
    }

    /// Makes the processes of the connections that wait, not without an end, so that the other
    /// socket has its turn.
    fn accept(&mut self, access: Access) -> Option<Login> {
        for _ in 0..TURN {
            self.forget_ended();
            let socket = match access {
                Access::Root => &self.sockets.root,
                Access::User => &self.sockets.user,
            };
            match socket.as_ref()?.accept() {
                Ok((stream, _)) => {
                    if let Some(login) = self.admit(stream, access) {
                        return Some(login);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    self.complaints
                        .write(&format!("no connection can be accepted: {error}"));
                    thread::sleep(PAUSE);
                    return None;
                }
            }
        }
        None
    }

    /// Makes the process of a login, and returns in it. A connection that may not begin one is
    /// closed.
    fn admit(&mut self, stream: UnixStream, access: Access) -> Option<Login> {
        let Credentials {
            pid,
            uid,
            effective_uid,
        } = credentials(&stream)?;
        // The mode of root's socket keeps others away; a set-user-ID program's effective user is
        // the one whose account is meant.
        let uid = match access {
            Access::Root if effective_uid != 0 => {
                self.complaints.write(&format!(
                    "uid {effective_uid} has connected to root's socket"
                ));
                return None;
            }
            Access::Root => uid,
            Access::User => effective_uid,
        };
        let peers = match access {
            Access::Root => &mut self.peers,
            Access::User => &mut self.lockers,
        };
        let now = Instant::now();
        if !peers.has_room(uid, now) {
            self.complaints
                .write(&format!("uid {uid} has too many logins at once"));
            return None;
        }
        match fork::copy() {
            Ok(Some(child)) => {
                peers.begin(child.as_raw(), uid, now);
                None
            }
            Ok(None) => Some((stream.into(), (access, uid), pid)),
            Err(errno) => {
                self.complaints
                    .write(&format!("no process for a login: {errno}"));
                None
            }
        }
    }

    /// Forgets the logins that have ended.
    fn forget_ended(&mut self) {
        let any = Pid::from_raw(-1);
        while let Ok(status) = waitpid(any, Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid() else { return };
            if !matches!(status, WaitStatus::StillAlive) {
                self.peers.end(pid.as_raw());
                self.lockers.end(pid.as_raw());
            }
        }
    }
}

/// Returns who has connected; `None` where the kernel does not say so: the process has ended, or is
/// in a container whose processes are not seen here.
fn credentials(stream: &UnixStream) -> Option<Credentials> {
    let peer = getsockopt(stream, sockopt::PeerCredentials).ok()?;
    Some(Credentials {
        pid: peer.pid().try_into().ok()?,
        uid: real_uid(peer.pid())?.as_raw(),
        effective_uid: peer.uid(),
    })
}
