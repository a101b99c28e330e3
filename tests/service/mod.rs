//! The service: logins by its socket, who may connect, how many at once, and what a restart does.

mod crash;
mod doctor;
mod listener;
mod load;
mod lockers;
mod logins;
pub(crate) mod names;
mod peers;
pub(crate) mod polkit;
mod programs;
mod restart;
mod soak;
mod sockets;
mod ssh_words;
mod terminals;
pub(crate) mod unit;
mod valgrind;
mod without;

use pam_authy::host::socket::Channel;
use pam_authy::protocol::{FromEngine, FromModule};

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::service::FOLDER;

/// The caller of su: a process of root that another user has started.
const SU: [&str; 4] = ["setpriv", "--ruid", "12345", "--clear-groups"];

/// A connection to the service that is no login yet.
struct Client(Channel);

impl Client {
    /// Connects, and reads that the engine is ready; `None` if the connection is closed instead.
    fn connect() -> Option<Self> {
        Self::connect_if_there()?.greeted()
    }

    /// Connects; `None` where nothing listens.
    fn connect_if_there() -> Option<Self> {
        let socket = UnixStream::connect(socket()).ok()?;
        Some(Self(Channel::new(socket.into())))
    }

    fn greeted(mut self) -> Option<Self> {
        match self.receive()? {
            FromEngine::Ready { .. } => Some(self),
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, message: &FromModule) {
        self.0.send(&message.encode(), soon()).unwrap();
    }

    /// The next message; `None` where the engine has closed the connection.
    fn receive(&mut self) -> Option<FromEngine> {
        let bytes = self.0.receive(soon()).ok()?;
        Some(FromEngine::decode(&bytes).unwrap())
    }
}

fn socket() -> PathBuf {
    Path::new(FOLDER).join("socket")
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// How a listener treats a connection.
type Treat = fn(UnixStream);

/// Makes the folder of the sockets anew.
fn new_folder() {
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir(FOLDER).unwrap();
    fs::set_permissions(FOLDER, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Listens on the socket and treats each connection so.
fn listen(treat: Treat) {
    new_folder();
    let listener = UnixListener::bind(socket()).unwrap();
    // It ends with the sandbox.
    thread::spawn(move || listener.incoming().flatten().for_each(treat));
}
