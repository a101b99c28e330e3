//! A long line on loopback: hands bytes on to a server, each way later than they came, and counts.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// A relay to one port of 127.0.0.1. Its threads end with the connections they serve.
pub(crate) struct Relay {
    /// Where it listens, on 127.0.0.1.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Every connection's two sockets, towards the client and towards the server.
    connections: Mutex<Vec<(TcpStream, TcpStream)>>,
    sent: AtomicUsize,
}

impl Relay {
    /// Starts one whose bytes take `one_way` in each direction.
    pub(crate) fn start(server: u16, one_way: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let pair = || (client.try_clone().unwrap(), server.try_clone().unwrap());
                all.connections.lock().unwrap().push(pair());
                let (to, back) = (pair(), pair());
                let counter = Arc::clone(&all);
                carry(to.0, to.1, one_way, move |amount| {
                    counter.sent.fetch_add(amount, Ordering::SeqCst);
                });
                carry(back.1, back.0, one_way, |_| ());
            }
        });
        Self { port, shared }
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.lock().unwrap().len()
    }

    /// Bytes that clients have sent so far.
    pub(crate) fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Closes every connection at both ends, as a server does with one that was quiet for too long.
    pub(crate) fn close_all(&self) {
        for (client, server) in self.shared.connections.lock().unwrap().iter() {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}

fn carry(
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
        for (came, bytes) in receiver {
            std::thread::sleep((came + one_way).saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
