//! Looks up the addresses of a host within a time limit.
//!
//! libc's look-up has no time limit, so a thread does it. If the answer is late, the thread goes on
//! until the resolver gives up (`timeout` times `attempts` of resolv.conf for each server; 10 s for
//! one server by default), and the next look-up of the same host waits for that answer. There is
//! thus one such thread at most. The thread takes no signal and touches nothing but its own answer.
//! The module is never unloaded (`make product` links it with -z nodelete), so the thread may
//! outlive the call. Called by `dial`.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::dial::Target;
use crate::base::process::{self, Turn};

/// How long an answer is used again.
const CACHE_TIME: Duration = Duration::from_secs(120);

/// The last look-up.
#[derive(Debug, Default)]
pub(super) struct NameCache(Mutex<Option<(Target, LookUp)>>);

#[derive(Debug)]
enum LookUp {
    Pending(Receiver<io::Result<Vec<SocketAddr>>>, Turn),
    /// The addresses, and when they arrived.
    Done(Vec<SocketAddr>, Instant),
}

/// The thread of a look-up could not start or did not run. The fault is the process's, not the
/// network's.
#[derive(Debug, thiserror::Error)]
#[error("no thread: {0}")]
pub(super) struct NoThread(io::Error);

impl NameCache {
    /// Returns the addresses of `target`. Blocks until `until` at most.
    ///
    /// # Errors
    /// The resolver's error, `TimedOut`, or an error with [`NoThread`] inside.
    pub(super) fn look_up(&self, target: &Target, until: Instant) -> io::Result<Vec<SocketAddr>> {
        let text = format!("{}:{}", target.host, target.port);
        if let Ok(address) = text.parse() {
            return Ok(vec![address]);
        }
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (receiver, turn) = match last.take() {
            Some((host, LookUp::Done(addresses, since)))
                if host == *target && since.elapsed() < CACHE_TIME =>
            {
                *last = Some((host, LookUp::Done(addresses.clone(), since)));
                return Ok(addresses);
            }
            Some((host, LookUp::Pending(receiver, turn))) if host == *target => (receiver, turn),
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
                let was_starved = turn.was_starved();
                *last = Some((target.clone(), LookUp::Pending(receiver, turn)));
                if was_starved {
                    let why = io::Error::other("the look-up thread got no processor time");
                    return Err(io::Error::other(NoThread(why)));
                }
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
fn start_look_up(host: String) -> io::Result<(Receiver<io::Result<Vec<SocketAddr>>>, Turn)> {
    let (sender, receiver) = mpsc::channel();
    let turn = Turn::awaited();
    let thread_turn = turn.clone();
    process::spawn(move || {
        thread_turn.begin();
        let addresses = host.to_socket_addrs().map(Iterator::collect);
        // The receiver may be gone.
        let _ = sender.send(addresses);
    })
    .map_err(|error| io::Error::other(NoThread(error)))?;
    Ok((receiver, turn))
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
    fn a_late_answer_is_used_by_the_next_look_up() {
        let (sender, receiver) = mpsc::channel();
        let turn = Turn::awaited();
        turn.begin();
        let names = NameCache(Mutex::new(Some((
            target("slow.test"),
            LookUp::Pending(receiver, turn),
        ))));
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

    /// The caller of su can keep that thread from running.
    #[test]
    fn a_starved_look_up_thread_is_a_process_error() {
        let (_sender, receiver) = mpsc::channel();
        let pending = LookUp::Pending(receiver, Turn::awaited());
        let names = NameCache(Mutex::new(Some((target("slow.test"), pending))));
        let starved = names.look_up(&target("slow.test"), Instant::now());
        let error = starved.unwrap_err();
        assert!(error.get_ref().unwrap().is::<NoThread>(), "{error}");
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
}
