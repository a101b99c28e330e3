//! Opens a connection: name, TCP, the proxy's tunnel if there is one, TLS.
//!
//! No HTTP request to the service and no key is sent here. All steps share one deadline. Called by
//! `preconnect`, both on the thread that opens a connection ahead and on the thread of a request.
//! The server is trusted only as far as the configuration of `trust` allows.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use ureq::http::Uri;

use super::resolve::NameCache;
use super::tls::{Socket, TlsConnection};
use crate::base::process::{self, NoPort};

/// After how many idle seconds the kernel sends the first TCP keep-alive probe.
const KEEP_ALIVE_IDLE: u32 = 15;
/// The seconds between two probes.
const KEEP_ALIVE_INTERVAL: u32 = 5;
/// After how many unanswered probes the connection is dead.
const KEEP_ALIVE_PROBES: u32 = 3;
/// The longest header of a proxy's answer that is read, in bytes.
const PROXY_ANSWER_LIMIT: usize = 8 * 1024;

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The host as in a URL: an IPv6 address is in brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Returns the host and port of `uri`, with `default_port` if it has no port. Returns `None` if
    /// it has no host.
    pub(super) fn from_uri(uri: &Uri, default_port: u16) -> Option<Self> {
        Some(Self {
            host: uri.host()?.to_owned(),
            port: uri.port_u16().unwrap_or(default_port),
        })
    }
}

/// Opens connections to the service.
#[derive(Debug)]
pub(super) struct Dialer {
    tls: Arc<ClientConfig>,
    proxy: Option<Target>,
    names: NameCache,
}

impl Dialer {
    /// Creates a dialer that connects through `proxy` if there is one.
    pub(super) fn new(tls: Arc<ClientConfig>, proxy: Option<Target>) -> Self {
        Self {
            tls,
            proxy,
            names: NameCache::default(),
        }
    }

    /// Opens a connection to `target` and completes its TLS handshake. Blocks until `until` at
    /// most.
    ///
    /// # Errors
    /// An error with a `rustls::Error` inside if the handshake failed; `TimedOut` after `until`.
    pub(super) fn dial(&self, target: &Target, until: Instant) -> io::Result<TlsConnection> {
        let mut socket = self.connect(self.proxy.as_ref().unwrap_or(target), until)?;
        if self.proxy.is_some() {
            open_tunnel(&mut socket, target)?;
        }
        let host = target.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let mut tls =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        tls.complete_io(&mut socket)?;
        Ok(TlsConnection::new(tls, socket))
    }

    /// Tries the host's addresses in turn. Each one gets half of the remaining time, and the last
    /// one gets all of it.
    fn connect(&self, host: &Target, until: Instant) -> io::Result<Socket> {
        let addresses = self.names.look_up(host, until)?;
        let mut failure = io::Error::from(io::ErrorKind::HostUnreachable);
        for (index, address) in addresses.iter().enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            let share = if index + 1 == addresses.len() {
                left
            } else {
                left / 2
            };
            if share.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match connect(address, share) {
                Ok(stream) => return Ok(Socket::new(stream, until)),
                // A missing local port stays the reason, whatever is wrong with other addresses.
                Err(_) if is_no_port(&failure) => {}
                Err(error) => failure = error,
            }
        }
        // The host may have new addresses.
        self.names.forget();
        Err(failure)
    }
}

fn is_no_port(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NoPort>())
}

fn connect(address: &SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, limit)
        .map_err(|error| process::connection_error(address, error))?;
    stream.set_nodelay(true)?;
    // The connection works without keep-alive too.
    let _ = keep_alive(&stream);
    Ok(stream)
}

/// Makes the kernel send keep-alive probes while the connection is idle. A firewall that drops idle
/// connections then keeps this one, or the connection is known to be dead before a request is sent
/// on it and lost.
fn keep_alive(stream: &TcpStream) -> nix::Result<()> {
    setsockopt(stream, sockopt::TcpKeepIdle, &KEEP_ALIVE_IDLE)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &KEEP_ALIVE_INTERVAL)?;
    setsockopt(stream, sockopt::TcpKeepCount, &KEEP_ALIVE_PROBES)?;
    setsockopt(stream, sockopt::KeepAlive, &true)
}

/// Asks the proxy to connect the socket to `target`.
fn open_tunnel(socket: &mut Socket, target: &Target) -> io::Result<()> {
    let Target { host, port } = target;
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // One byte at a time, because the bytes after the header belong to the tunnel.
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        answer.extend(byte);
        if answer.len() > PROXY_ANSWER_LIMIT {
            return Err(io::Error::other("the proxy's answer is too long"));
        }
    }
    let status = answer.split(|byte| *byte == b' ').nth(1);
    if answer.starts_with(b"HTTP/1.") && status == Some(b"200") {
        Ok(())
    } else {
        Err(io::Error::other("the proxy did not open a connection"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use nix::sys::socket::getsockopt;

    use super::*;

    #[test]
    fn keep_alive_is_on_for_a_new_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = connect(&address, Duration::from_secs(1)).unwrap();
        assert!(getsockopt(&stream, sockopt::KeepAlive).unwrap());
        assert_eq!(
            getsockopt(&stream, sockopt::TcpKeepIdle),
            Ok(KEEP_ALIVE_IDLE)
        );
        assert_eq!(
            getsockopt(&stream, sockopt::TcpKeepInterval),
            Ok(KEEP_ALIVE_INTERVAL)
        );
        assert_eq!(
            getsockopt(&stream, sockopt::TcpKeepCount),
            Ok(KEEP_ALIVE_PROBES)
        );
    }
}
