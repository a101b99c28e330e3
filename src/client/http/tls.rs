//! An open connection to the service, as ureq uses it: TLS over a socket with a deadline.
//!
//! Unlike ureq's own it can tell whether a connection that waited is still good: TLS 1.3 servers send
//! session tickets after the handshake, which are no reason to give it up; a byte of HTTP that nobody
//! asked for is one. What went through its buffers (key, token) is wiped.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, Stream};
use ureq::Error;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use zeroize::Zeroize;

/// ureq's own sizes are 128 KiB each; a request here takes a few hundred bytes.
const BUFFER: usize = 16 * 1024 + 256;
/// Records that a server may send unasked before its connection is given up.
const UNASKED_RECORDS: usize = 32;

/// A socket whose reads and writes end at a moment.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    until: Instant,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, until: Instant) -> Self {
        Self { stream, until }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

/// Runs `act` until a signal does not interrupt it; a time-out of the socket is told as one.
fn in_time(
    socket: &Socket,
    act: impl Fn(&mut &TcpStream, Option<Duration>) -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match act(&mut &socket.stream, socket.left()?) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            result => return result,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let buffer = std::cell::RefCell::new(buffer);
        in_time(self, |stream, left| {
            stream.set_read_timeout(left)?;
            stream.read(&mut buffer.borrow_mut())
        })
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        in_time(self, |stream, left| {
            stream.set_write_timeout(left)?;
            stream.write(buffer)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection whose TLS handshake is complete.
pub(super) struct TlsConnection {
    tls: ClientConnection,
    socket: Socket,
    buffers: LazyBuffers,
    used: bool,
}

impl TlsConnection {
    pub(super) fn new(tls: ClientConnection, socket: Socket) -> Self {
        Self {
            tls,
            socket,
            buffers: LazyBuffers::new(BUFFER, BUFFER),
            used: false,
        }
    }

    /// Sets the socket's deadline for what ureq does next.
    fn limit(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        let far = Duration::from_secs(3600);
        let after = far.min(*timeout.after);
        if after.is_zero() {
            return Err(Error::Timeout(timeout.reason));
        }
        self.socket.until = Instant::now() + after;
        Ok(())
    }

    /// Takes in what came unasked; whether the connection is still good.
    fn take_in(&mut self) -> bool {
        for _ in 0..UNASKED_RECORDS {
            match self.tls.read_tls(&mut &self.socket.stream) {
                Ok(0) => return false,
                Ok(_) => match self.tls.process_new_packets() {
                    Ok(state)
                        if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                    _ => return false,
                },
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        false
    }
}

fn sort(error: io::Error, timeout: NextTimeout) -> Error {
    if error.kind() == io::ErrorKind::TimedOut {
        Error::Timeout(timeout.reason)
    } else {
        error.into()
    }
}

impl Transport for TlsConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.used = true;
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.limit(timeout)?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        let mut stream = Stream::new(&mut self.tls, &mut self.socket);
        stream
            .write_all(output)
            .and_then(|()| stream.flush())
            .map_err(|error| sort(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.limit(timeout)?;
        let amount = Stream::new(&mut self.tls, &mut self.socket)
            .read(self.buffers.input_append_buf())
            .map_err(|error| sort(error, timeout))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.socket.stream.set_nonblocking(true).is_ok()
            && self.take_in()
            && self.socket.stream.set_nonblocking(false).is_ok()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl Drop for TlsConnection {
    fn drop(&mut self) {
        if self.used {
            self.buffers.output().zeroize();
            self.buffers.input_append_buf().zeroize();
        }
    }
}

impl std::fmt::Debug for TlsConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
