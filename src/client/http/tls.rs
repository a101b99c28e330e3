//! An open connection to the service, as ureq uses it: TLS over a socket with a deadline.
//!
//! Unlike ureq's own transport, it can tell whether an idle connection is still usable. TLS 1.3
//! servers send session tickets after the handshake, which do no harm; a byte of HTTP without a
//! request makes the connection unusable. The buffers, which held the key and the token, are wiped.
//! Made by `dial`; the server is not trusted.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, Stream};
use ureq::Error;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use zeroize::Zeroize;

/// The size of each buffer, in bytes: one TLS record. ureq's default is 128 KiB, and a request here
/// takes a few hundred bytes.
const BUFFER_SIZE: usize = 16 * 1024 + 256;
/// How many TLS records the server may send without a request before the connection is unusable.
const UNSOLICITED_RECORDS: usize = 32;

/// A socket whose reads and writes have a deadline.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    until: Instant,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, until: Instant) -> Self {
        Self { stream, until }
    }

    fn remaining(&self) -> io::Result<Option<Duration>> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

/// Runs `operation` with the time that is left. Runs it again if a signal interrupted it, and
/// returns `TimedOut` for a time-out of the socket, which the kernel reports as `WouldBlock`.
fn run_until_deadline(
    socket: &Socket,
    operation: impl Fn(&mut &TcpStream, Option<Duration>) -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match operation(&mut &socket.stream, socket.remaining()?) {
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
        run_until_deadline(self, |stream, left| {
            stream.set_read_timeout(left)?;
            stream.read(&mut buffer.borrow_mut())
        })
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        run_until_deadline(self, |stream, left| {
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
    /// Whether `buffers` are allocated.
    used: bool,
}

impl TlsConnection {
    /// Wraps a connection whose TLS handshake is complete.
    pub(super) fn new(tls: ClientConnection, socket: Socket) -> Self {
        Self {
            tls,
            socket,
            buffers: LazyBuffers::new(BUFFER_SIZE, BUFFER_SIZE),
            used: false,
        }
    }

    /// Sets the socket's deadline for the next step of ureq.
    fn set_deadline(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        // ureq's time-out can be too long to be added to an Instant.
        let after = Duration::from_secs(3600).min(*timeout.after);
        if after.is_zero() {
            return Err(Error::Timeout(timeout.reason));
        }
        self.socket.until = Instant::now() + after;
        Ok(())
    }

    /// Reads the records that arrived without a request. Returns whether the connection is usable.
    fn read_unsolicited(&mut self) -> bool {
        for _ in 0..UNSOLICITED_RECORDS {
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

/// Converts an error of the socket to ureq's, which has a time-out of its own.
fn to_ureq_error(error: io::Error, timeout: NextTimeout) -> Error {
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
        self.set_deadline(timeout)?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        let mut stream = Stream::new(&mut self.tls, &mut self.socket);
        stream
            .write_all(output)
            .and_then(|()| stream.flush())
            .map_err(|error| to_ureq_error(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.set_deadline(timeout)?;
        let amount = Stream::new(&mut self.tls, &mut self.socket)
            .read(self.buffers.input_append_buf())
            .map_err(|error| to_ureq_error(error, timeout))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.socket.stream.set_nonblocking(true).is_ok()
            && self.read_unsolicited()
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
        f.debug_struct("TlsConnection")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
