//! What is between a host and its directory: a proxy that cuts the connection, servers that say
//! nothing or are no directory.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// Starts a proxy to a port of 127.0.0.1 that cuts each connection after so many bytes of the
/// server; returns its port.
pub(super) fn cutting(server: u16, bytes: usize) -> u16 {
    listen(move |mut client| {
        let mut server = TcpStream::connect(("127.0.0.1", server)).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let forward = thread::spawn(move || std::io::copy(&mut from, &mut to));
        let mut left = bytes;
        let mut buffer = [0; 1024];
        while left > 0 {
            let most = left.min(buffer.len());
            match server.read(&mut buffer[..most]) {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    let _ = client.write_all(&buffer[..read]);
                    left -= read;
                }
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        let _ = forward.join();
    })
}

/// Starts a server that accepts connections and says nothing; returns its port.
pub(super) fn silent() -> u16 {
    listen(|mut client| {
        let _ = client.read_to_end(&mut Vec::new());
    })
}

/// Starts a server that answers the first message with these bytes, and records all that it gets.
pub(super) fn answering(answer: &'static [u8]) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&heard);
    let port = listen(move |mut client| {
        let mut buffer = [0; 4096];
        let mut is_first = true;
        while let Ok(read @ 1..) = client.read(&mut buffer) {
            record.lock().unwrap().extend(&buffer[..read]);
            if is_first {
                let _ = client.write_all(answer);
                is_first = false;
            }
        }
    });
    (port, heard)
}

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(client));
        }
    });
    port
}

/// Starts a server on a socket that answers each message of a client with the next of these bytes,
/// and then says nothing.
pub(super) fn scripted(path: &Path, answers: Vec<Vec<u8>>) {
    let listener = UnixListener::bind(path).unwrap();
    let answers = Arc::new(answers);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let answers = Arc::clone(&answers);
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                for answer in answers.iter() {
                    let Ok(1..) = client.read(&mut buffer) else {
                        return;
                    };
                    let _ = client.write_all(answer);
                }
                let _ = client.read_to_end(&mut Vec::new());
            });
        }
    });
}
