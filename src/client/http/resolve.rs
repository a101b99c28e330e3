//! Looks up the addresses of a host within a time limit.
//!
//! libc's look-up has no time limit, so a thread does it. If the answer is late, the thread goes on
//! until the resolver gives up (`timeout` times `attempts` of resolv.conf for each server; 10 s for
//! one server by default), and the next look-up of the same host waits for that answer. There is
//! thus one such thread at most. It touches nothing but its own answer, and may outlive the call; it
//! ends with the process. Called by `dial`.
//!
//! A failed look-up does not say why it failed: getaddrinfo hides the error number, and a resolver
//! without a local port finds no host. A request therefore tries again at a moment that no local
//! user can foresee, right after this process has opened a UDP socket itself.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};

use super::dial::Target;
use super::lack::{Lack, is_lack};

/// How long an answer is used again.
const CACHE_TIME: Duration = Duration::from_secs(120);

/// The last look-up.
#[derive(Debug, Default)]
pub(super) struct NameCache(Mutex<Option<(Target, LookUp)>>);

#[derive(Debug)]
enum LookUp {
    Pending(Receiver<io::Result<Vec<SocketAddr>>>),
    /// The addresses, and when they arrived.
    Done(Vec<SocketAddr>, Instant),
}

impl NameCache {
    /// Returns the addresses of `target` by a second look-up, after the `first` one failed. Blocks
    /// until `until` at most.
    ///
    /// # Errors
    /// The resolver's error, `TimedOut`, or a lack of this host (see [`is_lack`]).
    pub(super) fn look_up_again(
        &self,
        target: &Target,
        first: io::Error,
        until: Instant,
    ) -> io::Result<Vec<SocketAddr>> {
        if !may_be_own_fault(&first) {
            return Err(first);
        }
        let left = until.saturating_duration_since(Instant::now());
        std::thread::sleep(random_moment(left)?);
        confirm(open_socket, || self.look_up(target, until))
    }

    /// Returns the addresses of `target`. Blocks until `until` at most.
    ///
    /// # Errors
    /// The resolver's error, whose reason may be a lack of this host; or as
    /// [`Self::look_up_again`].
    pub(super) fn look_up(&self, target: &Target, until: Instant) -> io::Result<Vec<SocketAddr>> {
        let text = format!("{}:{}", target.host, target.port);
        if let Ok(address) = text.parse() {
            return Ok(vec![address]);
        }
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = match last.take() {
            Some((host, LookUp::Done(addresses, since)))
                if host == *target && since.elapsed() < CACHE_TIME =>
            {
                *last = Some((host, LookUp::Done(addresses.clone(), since)));
                return Ok(addresses);
            }
            Some((host, LookUp::Pending(receiver))) if host == *target => receiver,
            _ => start_look_up(text)?,
        };
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(addresses) => {
                let addresses = addresses?;
                let done = LookUp::Done(addresses.clone(), Instant::now());
                *last = Some((target.clone(), done));
                Ok(addresses)
            }
            Err(RecvTimeoutError::Timeout) => {
                *last = Some((target.clone(), LookUp::Pending(receiver)));
                Err(io::ErrorKind::TimedOut.into())
            }
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the look-up failed")),
        }
    }

    /// Forgets the last look-up.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Starts a thread that looks up `host`, which has the form `name:port`.
fn start_look_up(host: String) -> io::Result<Receiver<io::Result<Vec<SocketAddr>>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new()
        .spawn(move || {
            let addresses = host.to_socket_addrs().map(Iterator::collect);
            // The receiver may be gone.
            let _ = sender.send(addresses);
        })
        .map_err(Lack::Thread)?;
    Ok(receiver)
}

/// Whether a look-up failed for a reason that its error does not name. A time-out names it.
fn may_be_own_fault(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::TimedOut && !is_lack(error)
}

/// Returns a random moment of the first three quarters of `left`. The last quarter is for the
/// second look-up and what follows it.
fn random_moment(left: Duration) -> Result<Duration, Lack> {
    let window = left / 4 * 3;
    if window.is_zero() {
        return Err(Lack::NotRepeated("no time is left"));
    }
    let mut bytes = [0; 4];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Lack::NotRepeated("no random number"))?;
    let share = f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX);
    Ok(window.mul_f64(share))
}

/// Looks up again, right after `open_socket` has shown that this process can ask at all.
fn confirm(
    open_socket: impl FnOnce() -> io::Result<UdpSocket>,
    look_up: impl FnOnce() -> io::Result<Vec<SocketAddr>>,
) -> io::Result<Vec<SocketAddr>> {
    // Closed before the look-up, which needs a port itself.
    drop(open_socket().map_err(Lack::Socket)?);
    look_up()
}

/// Opens a UDP socket with a local port for both kinds of addresses, as a resolver needs one.
fn open_socket() -> io::Result<UdpSocket> {
    match UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) {
        // This host may have no IPv6.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> Target {
        Target {
            host: host.into(),
            port: 443,
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn an_address_needs_no_look_up() {
        let names = NameCache::default();
        let mut failed = Vec::new();
        for host in ["192.0.2.7", "[2001:db8::7]"] {
            let found = names.look_up(&target(host), soon());
            if !matches!(&found, Ok(addresses) if addresses.len() == 1) {
                failed.push((host, found));
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(names.0.lock().unwrap().is_none());
    }

    #[test]
    fn a_late_answer_is_a_time_out_and_is_used_by_the_next_look_up() {
        let (sender, receiver) = mpsc::channel();
        let pending = LookUp::Pending(receiver);
        let names = NameCache(Mutex::new(Some((target("slow.test"), pending))));
        let first = names.look_up(&target("slow.test"), Instant::now());
        assert_eq!(first.unwrap_err().kind(), io::ErrorKind::TimedOut);

        let address = "192.0.2.7:443".parse().unwrap();
        sender.send(Ok(vec![address])).unwrap();
        assert_eq!(
            names.look_up(&target("slow.test"), soon()).unwrap(),
            [address]
        );
        drop(sender);
        let again = names.look_up(&target("slow.test"), Instant::now());
        assert_eq!(again.unwrap(), [address], "the answer is cached");
    }

    #[test]
    fn the_cached_addresses_of_one_host_are_not_used_for_another() {
        let done = LookUp::Done(vec!["192.0.2.7:443".parse().unwrap()], Instant::now());
        let names = NameCache(Mutex::new(Some((target("one.test"), done))));
        let other = names.look_up(&target("127.0.0.1"), soon()).unwrap();
        assert_eq!(other, ["127.0.0.1:443".parse().unwrap()]);
        names.forget();
        assert!(names.0.lock().unwrap().is_none());
    }

    /// The result of a look-up: whether it is an outage, a lack of this host, or addresses.
    fn kind(result: &io::Result<Vec<SocketAddr>>) -> &'static str {
        match result {
            Ok(_) => "addresses",
            Err(error) if is_lack(error) => "lack",
            Err(error) if error.kind() == io::ErrorKind::TimedOut => "time-out",
            Err(_) => "outage",
        }
    }

    #[test]
    fn a_failed_look_up_is_an_outage_only_if_it_fails_again_where_a_socket_can_be_opened() {
        let failed = || Err(io::Error::other("failed to lookup address information"));
        let no_port = || Err(io::ErrorKind::AddrInUse.into());
        let no_descriptor = || Err(io::Error::from_raw_os_error(libc::EMFILE));
        let timed_out = || Err(io::ErrorKind::TimedOut.into());
        let rows = [
            ("outage", confirm(open_socket, failed)),
            (
                "addresses",
                confirm(open_socket, || Ok(vec!["192.0.2.7:443".parse().unwrap()])),
            ),
            ("time-out", confirm(open_socket, timed_out)),
            ("lack", confirm(open_socket, no_descriptor)),
            ("lack", confirm(no_port, failed)),
            (
                "lack",
                confirm(no_port, || Ok(vec!["192.0.2.7:443".parse().unwrap()])),
            ),
            ("lack", confirm(|| Err(io::ErrorKind::Other.into()), failed)),
        ];
        let wrong: Vec<_> = rows
            .iter()
            .filter(|(expected, result)| kind(result) != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn the_second_look_up_has_time_and_a_moment_that_differs() {
        let left = Duration::from_secs(8);
        let moments: Vec<_> = (0..100).map(|_| random_moment(left).unwrap()).collect();
        assert!(moments.iter().all(|moment| *moment <= left * 3 / 4));
        let first = moments[0];
        assert!(moments.iter().any(|moment| *moment != first));
        let spread = |part: fn(&Duration) -> bool| moments.iter().any(part);
        assert!(spread(|moment| *moment < Duration::from_secs(3)));
        assert!(spread(|moment| *moment > Duration::from_secs(3)));
    }

    #[test]
    fn without_time_for_a_second_look_up_the_first_proves_nothing() {
        assert!(matches!(
            random_moment(Duration::ZERO),
            Err(Lack::NotRepeated(_))
        ));
    }

    #[test]
    fn a_name_that_never_resolves_is_an_outage_within_the_time_limit() {
        let until = Instant::now() + Duration::from_secs(2);
        let (names, host) = (NameCache::default(), target("authy.invalid"));
        let first = names.look_up(&host, until).unwrap_err();
        let found = names.look_up_again(&host, first, until);
        assert!(["outage", "time-out"].contains(&kind(&found)), "{found:?}");
        assert!(Instant::now() < until + Duration::from_millis(500));
    }
}
