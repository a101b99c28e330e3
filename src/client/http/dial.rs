//! Opens a connection: name, TCP, the proxy's tunnel where there is one, TLS. No byte of HTTP to the
//! service, and no key.
//!
//! Each step takes its share of one time limit. The thread that warms up and the thread that sends a
//! request call this alike. Trusts only what `tls` was built to trust.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use nix::sys::socket::{setsockopt, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use ureq::http::Uri;

use super::resolve::Names;
use super::tls::{Socket, TlsConnection};
use crate::base::process::{self, NoPort};

/// After how many quiet seconds, at which distance in seconds and how often the other side is asked whether
/// it is there.
const QUIET: u32 = 15;
const ASKED_EVERY: u32 = 5;
const ASKED_TIMES: u32 = 3;
/// The longest answer of a proxy that is read, in bytes.
const PROXY_ANSWER_LIMIT: usize = 8 * 1024;

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// As in a URL: an IPv6 address stands in brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Where `uri` points, `default_port` standing for a missing one; `None` when it names no host.
    pub(super) fn of(uri: &Uri, default_port: u16) -> Option<Self> {
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
    names: Names,
}

impl Dialer {
    pub(super) fn new(tls: Arc<ClientConfig>, proxy: Option<Target>) -> Self {
        Self {
            tls,
            proxy,
            names: Names::default(),
        }
    }

    /// Opens a connection to `target` whose TLS handshake is complete. Blocks until `until` at most.
    ///
    /// # Errors
    /// A `rustls::Error` inside for a handshake that failed; `TimedOut` when the time ran out.
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

    /// Tries the host's addresses in turn, each with half of the time that is left and the last with
    /// all of it.
    fn connect(&self, host: &Target, until: Instant) -> io::Result<Socket> {
        let addresses = self.names.look_up(host, until)?;
        let mut failure = io::Error::from(io::ErrorKind::HostUnreachable);
        for (at, address) in addresses.iter().enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            let share = if at + 1 == addresses.len() {
                left
            } else {
                left / 2
            };
            if share.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match connect(address, share) {
                Ok(stream) => return Ok(Socket::new(stream, until)),
                // What this host lacks stays the reason, whatever is wrong with other addresses.
                Err(_) if is_no_port(&failure) => {}
                Err(error) => failure = error,
            }
        }
        // The name may have moved since.
        self.names.forget();
        Err(failure)
    }
}

fn is_no_port(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NoPort>())
}

fn connect(address: &SocketAddr, limit: std::time::Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, limit)
        .map_err(|error| process::connection_error(address, error))?;
    stream.set_nodelay(true)?;
    // Where these are not to be had, the connection is as good as any.
    let _ = keep_alive(&stream);
    Ok(stream)
}

/// Has the kernel ask, while the connection is quiet, whether the other side is there still: a firewall
/// that forgets quiet connections keeps this one, or it is known to be dead before a request goes out
/// and is lost.
fn keep_alive(stream: &TcpStream) -> nix::Result<()> {
    setsockopt(stream, sockopt::TcpKeepIdle, &QUIET)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &ASKED_EVERY)?;
    setsockopt(stream, sockopt::TcpKeepCount, &ASKED_TIMES)?;
    setsockopt(stream, sockopt::KeepAlive, &true)
}

/// Has the proxy connect the socket to `target`.
fn open_tunnel(socket: &mut Socket, target: &Target) -> io::Result<()> {
    let Target { host, port } = target;
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // Byte by byte, since what follows the header is the tunnel's.
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        answer.extend(byte);
        if answer.len() > PROXY_ANSWER_LIMIT {
            return Err(io::Error::other("the proxy's answer has no end"));
        }
    }
    let status = answer.split(|byte| *byte == b' ').nth(1);
    if answer.starts_with(b"HTTP/1.") && status == Some(b"200") {
        Ok(())
    } else {
        Err(io::Error::other("the proxy opened no connection"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use nix::sys::socket::getsockopt;

    use super::*;

    #[test]
    fn a_connection_is_kept_alive_while_it_is_quiet() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = connect(&address, Duration::from_secs(1)).unwrap();
        assert!(getsockopt(&stream, sockopt::KeepAlive).unwrap());
        assert_eq!(getsockopt(&stream, sockopt::TcpKeepIdle), Ok(QUIET));
        assert_eq!(getsockopt(&stream, sockopt::TcpKeepCount), Ok(ASKED_TIMES));
    }
}
