//! Opens a connection: name, TCP, the proxy's tunnel if there is one, TLS.
//!
//! No HTTP request to the service and no key is sent here. All steps share one deadline. Called by
//! `preconnect`, both on the thread that opens a connection ahead and on the thread of a request.
//! The server is trusted only as far as the configuration of `trust` allows.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use ureq::http::Uri;

use super::GoodAddresses;
use super::lack::is_lack;
use super::resolve::NameCache;
use super::tls::{Socket, TlsConnection};

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

    /// Whether the host is an address, which nothing has to look up.
    fn is_address(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host.parse::<IpAddr>().is_ok()
    }
}

/// What a connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A request that may follow. Its failure is not reported, so one look-up is enough.
    Ahead,
    /// A request that waits for it. Its failure may count as an outage.
    Request,
}

/// Opens connections to the service.
#[derive(Debug)]
pub(super) struct Dialer {
    tls: Arc<ClientConfig>,
    proxy: Option<Target>,
    names: NameCache,
    good: Option<Arc<dyn GoodAddresses>>,
}

impl Dialer {
    /// Creates a dialer that connects through `proxy` if there is one, and keeps good addresses in
    /// `good`.
    pub(super) fn new(
        tls: Arc<ClientConfig>,
        proxy: Option<Target>,
        good: Option<Arc<dyn GoodAddresses>>,
    ) -> Self {
        Self {
            tls,
            proxy,
            names: NameCache::default(),
            good,
        }
    }

    /// Opens a connection to `target` and completes its TLS handshake. Where the name cannot be
    /// looked up, the last good addresses are tried. Blocks until `until` at most.
    ///
    /// # Errors
    /// An error with a `rustls::Error` inside if the handshake failed; `TimedOut` after `until`; the
    /// error of the look-up, whatever became of good addresses.
    pub(super) fn dial(
        &self,
        target: &Target,
        purpose: Purpose,
        until: Instant,
    ) -> io::Result<TlsConnection> {
        let host = self.proxy.as_ref().unwrap_or(target);
        let addresses = match self.names.look_up(host, half_way(until)) {
            Ok(addresses) => addresses,
            Err(error) => match self.dial_good(host, target, half_way(until)) {
                Some(connection) => return Ok(connection),
                None => self.look_up_again(host, error, purpose, until)?,
            },
        };
        let connected = connect_to_one(&addresses, until, connect);
        let stream = connected.inspect_err(|_| {
            // The host may have new addresses.
            self.names.forget();
        })?;
        self.shake_hands(stream, host, target, until)
    }

    /// Looks up a name after the first look-up has failed, or has no answer yet.
    fn look_up_again(
        &self,
        host: &Target,
        first: io::Error,
        purpose: Purpose,
        until: Instant,
    ) -> io::Result<Vec<SocketAddr>> {
        match purpose {
            _ if first.kind() == io::ErrorKind::TimedOut => self.names.look_up(host, until),
            Purpose::Ahead => Err(first),
            Purpose::Request => self.names.look_up_again(host, first, until),
        }
    }

    /// Opens a connection to the last good address at which the service proves its identity. Its
    /// errors say nothing: an address may belong to another host by now.
    fn dial_good(&self, host: &Target, target: &Target, until: Instant) -> Option<TlsConnection> {
        let addresses = self.good.as_ref()?.of(&host.host);
        let mut left = addresses
            .into_iter()
            .filter(|address| address.port() == host.port);
        left.find_map(|address| {
            let stream = connect_to_one(&[address], half_way(until), connect).ok()?;
            self.shake_hands(stream, host, target, until).ok()
        })
    }

    /// Completes the TLS handshake with `target` on a connection to `host`.
    fn shake_hands(
        &self,
        stream: TcpStream,
        host: &Target,
        target: &Target,
        until: Instant,
    ) -> io::Result<TlsConnection> {
        let address = stream.peer_addr();
        let mut socket = Socket::new(stream, until);
        if self.proxy.is_some() {
            open_tunnel(&mut socket, target)?;
        }
        let name = target.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let mut tls =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        tls.complete_io(&mut socket)?;
        if let (Some(good), Ok(address), false) = (&self.good, address, host.is_address()) {
            good.note(&host.host, address);
        }
        Ok(TlsConnection::new(tls, socket))
    }
}

/// The moment at which half of the time until `until` is over.
fn half_way(until: Instant) -> Instant {
    let now = Instant::now();
    now + until.saturating_duration_since(now) / 2
}

/// Tries the addresses in turn. Each one gets half of the remaining time, and the last one gets all
/// of it. A lack of this host stays the reason, whatever is wrong with the other addresses.
fn connect_to_one<T>(
    addresses: &[SocketAddr],
    until: Instant,
    connect: impl Fn(&SocketAddr, Duration) -> io::Result<T>,
) -> io::Result<T> {
    let mut failure = io::Error::from(io::ErrorKind::HostUnreachable);
    for (index, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = if index + 1 == addresses.len() {
            left
        } else {
            left / 2
        };
        let connected = if share.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            connect(address, share)
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(_) if is_lack(&failure) => {}
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn connect(address: &SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, limit)?;
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
    #[test]
    fn a_lack_of_this_host_stays_the_reason_whatever_is_wrong_with_other_addresses() {
        use nix::libc::{ECONNREFUSED, EMFILE};
        // The first port is refused, the second lacks a descriptor, the third is open.
        let connect = |address: &SocketAddr, _| match address.port() {
            1 => Err(io::Error::from_raw_os_error(ECONNREFUSED)),
            2 => Err(io::Error::from_raw_os_error(EMFILE)),
            _ => Ok(()),
        };
        let rows: [(&[u16], Option<bool>); 6] = [
            (&[1], Some(false)),
            (&[2], Some(true)),
            (&[2, 1], Some(true)),
            (&[1, 2], Some(true)),
            (&[1, 2, 1], Some(true)),
            (&[2, 1, 3], None),
        ];
        let until = Instant::now() + Duration::from_secs(60);
        let found = |ports: &[u16]| {
            let addresses: Vec<SocketAddr> = (ports.iter())
                .map(|port| ([127, 0, 0, 1], *port).into())
                .collect();
            connect_to_one(&addresses, until, connect)
        };
        let wrong: Vec<_> = rows
            .into_iter()
            .map(|(ports, expected)| (ports, found(ports).err(), expected))
            .filter(|(_, found, expected)| found.as_ref().map(is_lack) != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn without_time_an_open_address_is_a_time_out() {
        let open = ([127, 0, 0, 1], 3).into();
        let late = connect_to_one(&[open], Instant::now(), |_, _| Ok(()));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
