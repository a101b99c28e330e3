//! A relay on loopback that simulates a distant server: it delays bytes in each direction and
//! counts connections and bytes.
//!
//! The tests and the bench use it. It does not delay TCP's own handshake.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// A relay to one port of 127.0.0.1. Its threads end with the connections they serve.
pub(crate) struct Relay {
    /// The port on 127.0.0.1 that it listens on.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The two sockets of each connection: towards the client, and towards the server.
    connections: Mutex<Vec<(TcpStream, TcpStream)>>,
    /// Bytes from clients.
    sent: AtomicUsize,
}

impl Relay {
    /// Starts a relay to the port `server` that delays bytes by `one_way` in each direction.
    pub(crate) fn start(server: u16, one_way: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let pair = || (client.try_clone().unwrap(), server.try_clone().unwrap());
                for_thread.connections.lock().unwrap().push(pair());
                let (request, response) = (pair(), pair());
                let counter = Arc::clone(&for_thread);
                forward(request.0, request.1, one_way, move |amount| {
                    counter.sent.fetch_add(amount, Ordering::SeqCst);
                });
                forward(response.1, response.0, one_way, |_| ());
            }
        });
        Self { port, shared }
    }

    /// Returns the number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.lock().unwrap().len()
    }

    /// Returns the number of bytes that clients have sent so far.
    pub(crate) fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Closes every connection at both ends, as a server closes a connection that was idle too
    /// long.
    pub(crate) fn close_all(&self) {
        for (client, server) in self.shared.connections.lock().unwrap().iter() {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}

/// Forwards bytes from one socket to the other, each `one_way` after its arrival, and reports their
/// number to `count`.
fn forward(
    mut from: TcpStream,
    mut to: TcpStream,
    one_way: Duration,
    count: impl Fn(usize) + Send + 'static,
) {
    let _ = to.set_nodelay(true);
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(amount @ 1..) = from.read(&mut buffer) {
            count(amount);
            if sender
                .send((Instant::now(), buffer[..amount].to_vec()))
                .is_err()
            {
                break;
            }
        }
    });
    std::thread::spawn(move || {
        for (arrival, bytes) in receiver {
            std::thread::sleep((arrival + one_way).saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
