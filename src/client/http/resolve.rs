//! Looks a host's addresses up within a time limit.
//!
//! libc has no time limit of its own for this, so a thread asks. One that got no answer in time goes on
//! (until the resolver gives up: `timeout` times `attempts` of resolv.conf for each server, 10 s for
//! one server by default) and the next look-up of the same host waits for that answer, so that there
//! is one such thread at most. It takes no signal and touches nothing but its own answer; the module
//! is never unloaded (`make product` links it with -z nodelete), so it may outlive the call.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::dial::Target;
use crate::base::process::{self, Turn};

/// How long an answer is taken for true.
const TRUE_FOR: Duration = Duration::from_secs(120);

/// What is known of the host that was asked last.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<Option<(Target, Answer)>>);

#[derive(Debug)]
enum Answer {
    Awaited(Receiver<io::Result<Vec<SocketAddr>>>, Turn),
    Known(Vec<SocketAddr>, Instant),
}

/// No thread could be started to look a name up: the process's fault, not the network's.
#[derive(Debug, thiserror::Error)]
#[error("no thread: {0}")]
pub(super) struct NoThread(io::Error);

impl Names {
    /// The addresses of `target`. Blocks until `until` at most.
    ///
    /// # Errors
    /// [`NoThread`] inside; what the resolver says; `TimedOut`.
    pub(super) fn look_up(&self, target: &Target, until: Instant) -> io::Result<Vec<SocketAddr>> {
        let text = format!("{}:{}", target.host, target.port);
        if let Ok(address) = text.parse() {
            return Ok(vec![address]);
        }
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, turn) = match last.take() {
            Some((host, Answer::Known(addresses, since)))
                if host == *target && since.elapsed() < TRUE_FOR =>
            {
                *last = Some((host, Answer::Known(addresses.clone(), since)));
                return Ok(addresses);
            }
            Some((host, Answer::Awaited(answer, turn))) if host == *target => (answer, turn),
            _ => ask(text)?,
        };
        match answer.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(addresses) => {
                let addresses = addresses?;
                let known = Answer::Known(addresses.clone(), Instant::now());
                *last = Some((target.clone(), known));
                Ok(addresses)
            }
            Err(RecvTimeoutError::Timeout) => {
                let was_starved = turn.was_starved();
                *last = Some((target.clone(), Answer::Awaited(answer, turn)));
                if was_starved {
                    let why = io::Error::other("the one that looks the name up was not let run");
                    return Err(io::Error::other(NoThread(why)));
                }
                Err(io::ErrorKind::TimedOut.into())
            }
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the look-up failed")),
        }
    }

    /// Forgets what is known.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn ask(host: String) -> io::Result<(Receiver<io::Result<Vec<SocketAddr>>>, Turn)> {
    let (sender, receiver) = mpsc::channel();
    let turn = Turn::awaited();
    let its_turn = turn.clone();
    process::spawn(move || {
        its_turn.begin();
        let addresses = host.to_socket_addrs().map(Iterator::collect);
        // Nobody may be left to hear it.
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
        let names = Names::default();
        for host in ["192.0.2.7", "[2001:db8::7]"] {
            assert_eq!(names.look_up(&target(host), soon()).unwrap().len(), 1);
        }
        assert!(names.0.lock().unwrap().is_none());
    }

    #[test]
    fn an_answer_that_came_too_late_serves_the_next_look_up() {
        let (sender, receiver) = mpsc::channel();
        let turn = Turn::awaited();
        turn.begin();
        let names = Names(Mutex::new(Some((
            target("slow.test"),
            Answer::Awaited(receiver, turn),
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
        assert_eq!(again.unwrap(), [address], "and is remembered");
    }

    /// The caller of su may have that thread run as seldom as they like.
    #[test]
    fn a_look_up_that_was_not_let_run_is_the_processs_fault() {
        let (_sender, receiver) = mpsc::channel();
        let awaited = Answer::Awaited(receiver, Turn::awaited());
        let names = Names(Mutex::new(Some((target("slow.test"), awaited))));
        let starved = names.look_up(&target("slow.test"), Instant::now());
        let error = starved.unwrap_err();
        assert!(error.get_ref().unwrap().is::<NoThread>(), "{error}");
    }

    #[test]
    fn what_is_known_of_one_host_is_not_told_of_another() {
        let known = Answer::Known(vec!["192.0.2.7:443".parse().unwrap()], Instant::now());
        let names = Names(Mutex::new(Some((target("one.test"), known))));
        let other = names.look_up(&target("127.0.0.1"), soon()).unwrap();
        assert_eq!(other, ["127.0.0.1:443".parse().unwrap()]);
        names.forget();
        assert!(names.0.lock().unwrap().is_none());
    }
}
