//! Finds the addresses of the service's host, in a thread that takes nothing from the caller.
//!
//! ureq's own resolver starts its thread with the stack size that RUST_MIN_STACK names, which is the
//! caller's of su and sudo, and panics where no thread can be had. A look-up cannot be ended from
//! outside: in a DNS blackhole the thread lives on for some seconds after the request has given up.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::process;

/// Addresses that are kept of an answer; ureq has room for so many.
const MOST: usize = 16;

/// The resolver of `Https`.
#[derive(Debug)]
pub(super) struct OwnThread;

impl Resolver for OwnThread {
    /// Blocks for the time-out at most; not at all for a host that is an address.
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let (host, port) = host_and_port(uri).ok_or(ureq::Error::HostNotFound)?;
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => look_up(host.to_owned(), port, &timeout)?,
        };
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        let mut addresses = self.empty();
        found
            .into_iter()
            .take(MOST)
            .for_each(|address| addresses.push(address));
        Ok(addresses)
    }
}

fn host_and_port(uri: &Uri) -> Option<(&str, u16)> {
    let host = uri.host()?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let port = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    Some((host, uri.port_u16().unwrap_or(port)))
}

fn look_up(host: String, port: u16, timeout: &NextTimeout) -> Result<Vec<SocketAddr>, ureq::Error> {
    let (answer, answered) = mpsc::sync_channel(1);
    let search = move || {
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody waits any more when the time was over.
        let _ = answer.send(found.map(Vec::from_iter));
    };
    // The code of a lack: a thread that cannot be had is no outage of the service.
    process::spawn(search).map_err(|_| io::Error::from_raw_os_error(libc::ENOMEM))?;
    match answered.recv_timeout(*timeout.after) {
        Ok(found) => Ok(found?),
        Err(_) => Err(ureq::Error::Timeout(timeout.reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read_from_an_address() {
        for (uri, host, port) in [
            ("https://api.authy.com/x", "api.authy.com", 443),
            ("https://127.0.0.1:8443/", "127.0.0.1", 8443),
            ("https://[::1]:1/", "::1", 1),
            ("http://proxy.example", "proxy.example", 80),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(host_and_port(&uri), Some((host, port)));
        }
    }
}
