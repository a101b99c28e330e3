//! The service: logins by its socket, who may connect, how many at once, and what a restart does.

mod lockers;
mod logins;
mod peers;
mod restart;
mod sockets;
mod unit;
mod without;

use pam_authy::host::socket::Channel;
use pam_authy::protocol::{FromEngine, FromModule};

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::common::service::FOLDER;

/// The caller of su: a process of root that somebody else has started.
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
